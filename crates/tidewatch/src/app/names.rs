//! What the rows of the watches are called, for the inbox of alerts.

use api::alerts::TargetNames;
use async_trait::async_trait;
use model::WatchKind;
use std::collections::HashMap;
use store::{Store, StoreError};

/// Asks the watch that keeps the row.
pub struct Names;

#[async_trait]
impl TargetNames for Names {
    async fn names(&self, store: &Store, kind: WatchKind, ids: &[i64]) -> Result<HashMap<i64, String>, StoreError> {
        match kind {
            WatchKind::Market => market::store::names_of(store, ids).await,
            WatchKind::Account | WatchKind::Key => accounts::store::names_of(store, kind, ids).await,
            WatchKind::Subscription | WatchKind::Mailbox => reminders::store::names_of(store, kind, ids).await,
        }
    }
}
