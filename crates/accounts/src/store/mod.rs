//! The tables of accounts and keys. All of their SQL is in this folder.

mod accounts;
pub mod keys;
mod latest;
mod list;
mod readings;
pub mod refreshes;

pub use accounts::{
    Account, AccountDraft, AccountPatch, add_account, adopt, find_account_by_name, get_account, kept_accounts,
    names_of, remove_account, update_account,
};
pub use latest::{write_failed, write_good};
pub use list::{AccountFilter, OpenAlert, StatusFilter, count_accounts, due_of, list_accounts, open_alerts};
pub use readings::{ReadingRow, history, points, thin, write_reading};

use store::{Migration, Sealed};

/// The tables of accounts and keys.
pub const MIGRATIONS: &[Migration] =
    &[Migration { name: "accounts/001-first", sql: include_str!("../../migrations/001-first.sql") }];

/// Where secrets of accounts and keys are kept.
pub const SEALED: &[Sealed] = &[Sealed { table: "accounts", column: "secret", fingerprint: Some("secret_hash") }];
