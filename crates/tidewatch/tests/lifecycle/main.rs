//! The life of an installation: moved over, backed up and restored, upgraded. On SQLite, MariaDB and PostgreSQL.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

#[path = "../product/mod.rs"]
mod product;

mod backup;
mod copy;
mod damage;
mod fill;
mod reload;
mod reload_fleet;
mod rotate;
mod upgrade;
