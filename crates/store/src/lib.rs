//! The database behind everything: SQLite, MySQL/MariaDB or PostgreSQL by URL, one text of SQL for all three.
//!
//! Statements are written once, with `?` placeholders and the few words of [`Dialect`]; instants are BIGINT epoch
//! milliseconds, flags are BIGINT 0/1. Watches keep their own SQL in their own `store.rs` over [`Store`] and [`Tx`].

mod alerts;
mod audit;
mod dialect;
mod error;
mod handle;
mod insert;
mod meta;
mod migrate;
mod outbox;
mod row;
mod targets;
mod value;

pub use alerts::{AlertFilter, AlertKey, AlertRow, Wording, ack, list_alerts, open_alerts_of, step_alert};
pub use audit::{AuditEntry, audit, audit_log};
pub use dialect::Dialect;
pub use error::StoreError;
pub use handle::{OpenOptions, Store, Tx};
pub use insert::{OnConflict, Set};
pub use meta::{get_meta, set_meta};
pub use migrate::{ENGINE_MIGRATIONS, Migration, pending};
pub use outbox::{OutboxRow, list_outbox, outbox_depth};
pub use row::Row;
pub use targets::{
    Claim, Outcome, TargetRow, Task, add_target, claim, due_depth, earliest_claimable, get_target, list_schedule,
    postpone, release_all_leases, renew, set_target_state, settle, silent, trigger,
};
pub use value::Value;
