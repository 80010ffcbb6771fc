//! The database behind everything: SQLite, MySQL/MariaDB or PostgreSQL by URL, one text of SQL for all three.
//!
//! Statements are written once, with `?` placeholders and the few words of [`Dialect`]; instants are BIGINT epoch
//! milliseconds, flags are BIGINT 0/1. Watches keep their own SQL in their own `store.rs` over [`Store`] and [`Tx`].

mod alert_rows;
mod alerts;
mod audit;
mod claims;
mod dialect;
mod error;
mod handle;
mod insert;
mod list;
mod meta;
mod migrate;
mod open;
mod outbox;
pub mod portable;
mod reseal;
mod row;
mod seal;
mod sessions;
mod targets;
mod value;

pub use alert_rows::{
    AlertCount, AlertFilter, AlertRow, AlertStage, ack, alert_standing, count_alerts, get_alert, list_alerts, resolve,
    snooze,
};
pub use alerts::{AlertKey, Wording, open_alerts_of, open_windows_of, step_alert};
pub use audit::{AuditEntry, audit, audit_log, list_audit};
pub use claims::{claim, claim_these, held};
pub use dialect::Dialect;
pub use error::StoreError;
pub use handle::{OpenOptions, Stopwatch, Store, Tx};
pub use insert::{OnConflict, Set};
pub use list::list;
pub use meta::{get_meta, set_meta};
pub use migrate::{ENGINE_MIGRATIONS, Migration, pending};
pub use outbox::{OutboxRow, list_outbox, notice_counts, outbox_depth, outbox_of};
pub use reseal::{ResealError, Sealed, reseal, reseal_left};
pub use row::Row;
pub use seal::{Keyring, KeyringError, new_key};
pub use sessions::{SessionRow, close_session, find_session, open_session};
pub use targets::{
    Backlog, Claim, Outcome, TargetRow, Task, add_target, backlog, due_depth, earliest_claimable, get_target,
    list_schedule, postpone, release_all_leases, renew, set_target_state, settle, silent, trigger,
};
pub use value::Value;
