//! A key as the API shows it. What is not known is null.

use crate::reading::Window;
use crate::store::keys::KeyRow;
use model::{TargetState, Timestamp};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Key")]
pub(super) struct KeyJson {
    id: i64,
    name: String,
    mask: String,
    provider: String,
    tags: Vec<String>,
    org: Option<String>,
    state: TargetState,
    status: String,
    error: Option<String>,
    remaining: Option<Decimal>,
    total: Option<Decimal>,
    used: Option<Decimal>,
    used_ratio: Option<Decimal>,
    unit: Option<String>,
    unlimited: bool,
    windows: Vec<Window>,
    period_start: Option<Timestamp>,
    period_end: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    checked_at: Option<Timestamp>,
    good_at: Option<Timestamp>,
    created_at: Timestamp,
}

impl From<KeyRow> for KeyJson {
    fn from(k: KeyRow) -> Self {
        let reading = k.reading.unwrap_or_default();
        Self {
            id: k.id,
            name: k.name,
            mask: k.mask,
            provider: k.provider,
            tags: k.tags,
            org: k.org,
            state: k.state,
            status: k.status,
            error: k.error,
            remaining: reading.remaining,
            total: reading.total,
            used: reading.used,
            used_ratio: reading.used_ratio,
            unit: reading.unit,
            unlimited: reading.unlimited,
            windows: reading.windows,
            period_start: reading.period_start,
            period_end: reading.period_end,
            expires_at: reading.expires_at,
            checked_at: k.checked_at,
            good_at: k.good_at,
            created_at: k.created_at,
        }
    }
}
