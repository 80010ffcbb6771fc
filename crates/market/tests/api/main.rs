//! The market over HTTP: the whole router on a real socket, over an SQLite file, with a clock that stands still.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod access;
mod alerts;
mod bulk;
mod leaderboard;
mod manage;
mod numbers;
mod pages;
mod queries;
mod world;
