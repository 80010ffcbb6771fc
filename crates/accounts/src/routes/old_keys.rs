//! The pool as Droid key usage showed it. Ids are texts there, amounts numbers; what is not known is null.

use super::AccountsState;
use super::keys::{delete_chosen, options_of, refused, reveal};
use crate::keys::{Import, KeyFilter, Line, MAX_IDS, NamedKey, Selection, Tally, parse_values};
use crate::store::keys::{KeyRow, KeyStamp, key_stamp, keys_after, share_of};
use api::openapi::{Created, Reply, Tagged};
use api::{Admin, ApiError, Auth, Json, Operator, Path, Reader, Routes, Who};
use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use model::Timestamp;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use std::sync::Arc;
use std::time::Duration;
use store::StoreError;
use tokio::sync::Mutex;

/// Keys read at once.
const STEP: usize = 2000;
/// How old the answer of `/api/data` may be.
const FRESH: Duration = Duration::from_secs(1);

/// The routes under `/api`.
pub(super) fn routes(auth: &Auth) -> Routes<AccountsState> {
    Routes::new(auth)
        .get("/data", Who::Viewer, "Every key with what is left of it.", data)
        .get("/keys", Who::Viewer, "Every key, masked.", list)
        .post("/keys", Who::Operator, "Adds a key.", add)
        .post("/keys/import", Who::Operator, "Adds keys.", import)
        .post("/keys/batch-delete", Who::Operator, "Deletes keys by id.", batch_delete)
        .delete("/keys/{id}", Who::Operator, "Deletes a key.", delete)
        .get("/keys/{id}/full", Who::Admin, "A key as it is; noted in the audit log.", full)
        .with_extension(Arc::new(Latest::default()))
}

/// The last answer of `/api/data`, as it was sent.
#[derive(Default)]
struct Latest(Mutex<Option<Answer>>);

#[derive(Clone)]
struct Answer {
    checked: Timestamp,
    stamp: KeyStamp,
    etag: HeaderValue,
    body: Bytes,
}

impl Latest {
    async fn answer(&self, state: &AccountsState) -> Result<Answer, ApiError> {
        // Held while the answer is made anew: who comes meanwhile waits for it and does not make it again.
        let mut latest = self.0.lock().await;
        let now = state.now();
        if let Some(answer) = latest.as_ref().filter(|a| now.0.abs_diff(a.checked.0) < FRESH.as_millis() as u64) {
            return Ok(answer.clone());
        }
        let stamp = key_stamp(&state.store).await?;
        let answer = match latest.take() {
            Some(answer) if answer.stamp == stamp => Answer { checked: now, ..answer },
            _ => {
                let body = Bytes::from(serde_json::to_vec(&everything(state).await?).map_err(ApiError::internal)?);
                let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &body);
                let tag: String = digest.as_ref().iter().take(12).map(|b| format!("{b:02x}")).collect();
                let etag = HeaderValue::from_str(&format!("\"{tag}\"")).map_err(ApiError::internal)?;
                Answer { checked: now, stamp, etag, body }
            }
        };
        *latest = Some(answer.clone());
        Ok(answer)
    }
}

async fn data(
    _: Reader,
    State(state): State<AccountsState>,
    Extension(latest): Extension<Arc<Latest>>,
    headers: HeaderMap,
) -> Result<Reply<Tagged<Everything>>, ApiError> {
    let Answer { etag, body, .. } = latest.answer(&state).await?;
    let known = headers.get(header::IF_NONE_MATCH).and_then(|v| v.to_str().ok());
    let same = known.is_some_and(|known| known.split(',').any(|tag| matches(tag.trim(), &etag)));
    let headers = [(header::ETAG, etag), (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"))];
    if same {
        return Ok(Reply::of((StatusCode::NOT_MODIFIED, headers)));
    }
    let json = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    Ok(Reply::of((headers, json, body)))
}

fn matches(tag: &str, etag: &HeaderValue) -> bool {
    tag == "*" || tag.strip_prefix("W/").unwrap_or(tag).as_bytes() == etag.as_bytes()
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OldKeyData")]
struct Everything {
    update_time: Option<Timestamp>,
    total_count: usize,
    totals: OldTotals,
    data: Vec<OldRow>,
}

#[derive(Serialize, JsonSchema)]
#[allow(non_snake_case, reason = "the names of the system that is replaced")]
#[schemars(rename = "OldKeyTotals")]
struct OldTotals {
    #[schemars(with = "Option<f64>")]
    total_orgTotalTokensUsed: Option<Box<RawValue>>,
    #[schemars(with = "Option<f64>")]
    total_totalAllowance: Option<Box<RawValue>>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OldKeyRow")]
struct OldRow {
    id: String,
    key: String,
    start_date: Option<String>,
    end_date: Option<String>,
    #[schemars(with = "Option<f64>")]
    total_allowance: Option<Box<RawValue>>,
    #[schemars(with = "Option<f64>")]
    org_total_tokens_used: Option<Box<RawValue>>,
    #[schemars(with = "Option<f64>")]
    remaining: Option<Box<RawValue>>,
    #[schemars(with = "Option<f64>")]
    used_ratio: Option<Box<RawValue>>,
    last_updated: Option<Timestamp>,
    error: Option<String>,
}

/// An amount as a number, digit for digit.
fn number(amount: Option<Decimal>) -> Option<Box<RawValue>> {
    amount.and_then(|a| RawValue::from_string(a.to_string()).ok())
}

fn date(at: Option<Timestamp>) -> Option<String> {
    at.map(|t| t.to_rfc3339_jst().chars().take(10).collect())
}

impl From<KeyRow> for OldRow {
    fn from(k: KeyRow) -> Self {
        let reading = k.reading.unwrap_or_default();
        Self {
            id: k.id.to_string(),
            key: k.mask,
            start_date: date(reading.period_start),
            end_date: date(reading.period_end),
            total_allowance: number(reading.total),
            org_total_tokens_used: number(reading.used),
            remaining: number(reading.remaining),
            used_ratio: number(reading.used_ratio),
            last_updated: k.good_at,
            error: k.error,
        }
    }
}

async fn everything(state: &AccountsState) -> Result<Everything, StoreError> {
    let (mut tally, mut data, mut after, mut newest) = (Tally::default(), Vec::new(), i64::MIN, None);
    loop {
        let keys = keys_after(&state.store, &Selection::All, after, STEP).await?;
        let Some(last) = keys.last() else { break };
        after = last.id;
        for key in keys {
            tally.add(&key.provider, key.org.as_deref(), share_of(&key));
            newest = newest.max(key.checked_at);
            data.push(OldRow::from(key));
        }
    }
    let totals = tally.finish().totals;
    // Tokens only: they are what these totals have always been.
    let tokens = totals.into_iter().find(|t| t.unit.as_deref() == Some("tokens")).unwrap_or_default();
    let totals =
        OldTotals { total_orgTotalTokensUsed: number(tokens.used), total_totalAllowance: number(tokens.total) };
    Ok(Everything { update_time: newest, total_count: data.len(), totals, data })
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OldKeyListed")]
struct Listed {
    id: String,
    name: String,
    key: String,
    created_at: Timestamp,
}

async fn list(_: Reader, State(state): State<AccountsState>) -> Result<axum::Json<Vec<Listed>>, ApiError> {
    let (mut listed, mut after) = (Vec::new(), i64::MIN);
    loop {
        let keys = keys_after(&state.store, &Selection::All, after, STEP).await?;
        let Some(last) = keys.last() else { return Ok(axum::Json(listed)) };
        after = last.id;
        listed.extend(keys.into_iter().map(|k| Listed {
            id: k.id.to_string(),
            name: k.name,
            key: k.mask,
            created_at: k.created_at,
        }));
    }
}

/// A key as it is given. The text is checked where it is read, so that nothing of it comes back in an error.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(rename = "OldKey")]
struct OneKey(#[schemars(with = "NamedKey")] Value);

/// What was done.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OldSuccess")]
struct Success {
    success: bool,
}

async fn add(
    operator: Operator,
    State(state): State<AccountsState>,
    Json(OneKey(body)): Json<OneKey>,
) -> Result<Created<axum::Json<Success>>, ApiError> {
    let report = taken_in(&state, operator, parse_values(vec![body])).await?;
    if let Some(error) = report.errors.first() {
        return Err(ApiError::bad_request(error.error.clone()));
    }
    if report.success == 0 {
        return Err(ApiError::conflict("the key is there already"));
    }
    Ok(Created(axum::Json(Success { success: true })))
}

async fn taken_in(
    state: &AccountsState,
    operator: Operator,
    lines: Vec<Line>,
) -> Result<crate::keys::ImportReport, ApiError> {
    let mut import =
        Import::new(&state.store, &state.keyring, options_of(state, operator, None, None, Default::default())?);
    import.add(lines).await.map_err(refused)?;
    let report = import.finish().await.map_err(refused)?;
    state.engine.wake();
    Ok(report)
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OldKeyImported")]
struct Imported {
    success: u64,
    failed: u64,
    duplicates: u64,
}

/// Keys as they are given. Read by hand: the words of an error of the reader would quote a key.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "OldKeys")]
struct ManyKeys {
    /// Keys, or `{"name": …, "key": …}`; one that is none fails alone.
    #[schemars(with = "Vec<Value>")]
    keys: Value,
}

async fn import(
    operator: Operator,
    State(state): State<AccountsState>,
    Json(ManyKeys { keys }): Json<ManyKeys>,
) -> Result<axum::Json<Imported>, ApiError> {
    let Value::Array(keys) = keys else {
        return Err(ApiError::bad_request("the body must be {\"keys\": […]}"));
    };
    let report = taken_in(&state, operator, parse_values(keys)).await?;
    Ok(axum::Json(Imported { success: report.success, failed: report.failed, duplicates: report.duplicates }))
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OldKeyFull")]
struct Full {
    id: String,
    key: String,
}

async fn full(
    admin: Admin,
    State(state): State<AccountsState>,
    Path(id): Path<i64>,
) -> Result<([(HeaderName, &'static str); 1], axum::Json<Full>), ApiError> {
    let key = reveal(&state, admin, id).await?;
    Ok(([(header::CACHE_CONTROL, "no-store")], axum::Json(Full { id: id.to_string(), key })))
}

async fn delete(
    operator: Operator,
    State(state): State<AccountsState>,
    Path(id): Path<i64>,
) -> Result<axum::Json<Success>, ApiError> {
    match delete_chosen(&state, operator, &Selection::Ids(vec![id])).await? {
        0 => Err(ApiError::not_found(format!("key {id}"))),
        _ => Ok(axum::Json(Success { success: true })),
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "OldKeyId")]
enum Id {
    Number(i64),
    Text(String),
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "OldKeyIds")]
struct Ids {
    ids: Vec<Id>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OldKeyBatchDeleted")]
struct BatchDeleted {
    success: u64,
    failed: u64,
}

async fn batch_delete(
    operator: Operator,
    State(state): State<AccountsState>,
    Json(Ids { ids }): Json<Ids>,
) -> Result<axum::Json<BatchDeleted>, ApiError> {
    let given = ids.len() as u64;
    let read = |id: Id| match id {
        Id::Number(id) => Some(id),
        Id::Text(text) => text.parse().ok(),
    };
    let ids: Vec<i64> = ids.into_iter().filter_map(read).collect();
    let mut success = 0;
    for some in ids.chunks(MAX_IDS) {
        let selection = super::keys::chosen(Some(some.to_vec()), None::<KeyFilter>, None)?;
        success += delete_chosen(&state, operator, &selection).await?;
    }
    Ok(axum::Json(BatchDeleted { success, failed: given.saturating_sub(success) }))
}
