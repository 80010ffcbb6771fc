//! The door to the outside: envelopes and errors, who may do what, limits, health, metrics, server-sent events, and
//! the connection loop. It knows nothing of what is watched; watches bring their own routers.

mod access;
mod admin_key;
pub mod alerts;
pub mod channels;
mod client;
mod envelope;
mod error;
mod events;
mod extract;
mod front;
mod health;
mod limit;
mod metrics;
pub mod openapi;
mod probes;
mod server;
mod shared_counts;
mod system;

pub use access::{
    Access, Admin, Auth, Caller, Credential, Describe, Entry, Features, Operator, PasswordError, PasswordHash, Reader,
    Role, Routes, Sessions, Terms, Tokens, Viewer, Who,
};
pub use admin_key::{AdminKey, KeyError, PrintableOnce};
pub use client::TrustedProxies;
pub use envelope::{Data, List};
pub use error::ApiError;
pub use extract::{Json, Paging, Params, Path, is_json, words};
pub use health::{Part, Probe};
pub use limit::{Allowances, Limits, Rate};
pub use metrics::{SharedRegistry, exposition, may_scrape};
pub use probes::{SchedulerProbe, StoreProbe, UpstreamProbe};
pub use server::{ApiOptions, Mode, Parts, describe, router, serve, serve_newest};
pub use shared_counts::{Counted, Guessing, SharedCounts};
