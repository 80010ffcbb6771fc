//! What the IPs are called, for the alerts about them.

use crate::store::names_of;
use api::alerts::TargetNames;
use async_trait::async_trait;
use model::WatchKind;
use std::collections::HashMap;
use store::{Store, StoreError};

/// Names the market's alerts.
#[derive(Clone, Copy, Debug, Default)]
pub struct MarketNames;

#[async_trait]
impl TargetNames for MarketNames {
    async fn names(&self, store: &Store, kind: WatchKind, ids: &[i64]) -> Result<HashMap<i64, String>, StoreError> {
        if kind == WatchKind::Market { names_of(store, ids).await } else { Ok(HashMap::new()) }
    }
}
