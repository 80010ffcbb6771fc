//! Alerts and channels over HTTP: the routers on an SQLite file, sinks on this machine, a clock moved by hand.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod alerts;
mod channels;
mod secrets;
mod world;
