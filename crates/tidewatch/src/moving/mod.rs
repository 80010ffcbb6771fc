//! What people bring along from the systems that Tidewatch replaces: [`config_json`] reads the balance watcher's file,
//! [`keep`] puts what it says into the database, [`droid_redis`] reads the keys of a Droid key-usage server.

pub mod config_json;
pub mod droid_redis;
pub mod keep;
