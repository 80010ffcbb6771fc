//! The pool of keys: its tables on all three databases, and what the API says of it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod api_bulk;
mod api_import;
mod api_list;
mod api_old;
mod databases;
mod pace;
mod world;
