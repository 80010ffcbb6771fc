//! `POST /admin/import`.

use super::MarketState;
use crate::import::{Entries, ImportOptions, ImportReport, import, parse_csv, parse_json};
use api::{Admin, ApiError, Data, Params};
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, header};

/// Takes JSON, or CSV when the content type is `text/csv`. `upsert` may be in the query as well.
pub(super) async fn bulk(
    admin: Admin,
    State(state): State<MarketState>,
    params: Params,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Data<ImportReport>, ApiError> {
    params.only(&["upsert"])?;
    let asked = params.choice("upsert", &[("true", true), ("false", false)])?;
    let body = body.map_err(|e| ApiError::new(e.status(), e.body_text()))?;
    let csv = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).is_some_and(is_csv);
    let parsed = if csv { parse_csv(&body) } else { parse_json(&body) };
    let Entries { entries, upsert } = parsed.map_err(ApiError::bad_request)?;
    let options = ImportOptions {
        upsert: asked.or(upsert).unwrap_or(false),
        schedule: &state.options.schedule,
        now: state.now(),
        actor: admin.name,
    };
    let report = import(&state.store, entries, &options).await;
    if report.created + report.updated > 0 {
        state.board.invalidate();
        state.engine.wake();
    }
    Ok(Data::of(report))
}

fn is_csv(content_type: &str) -> bool {
    content_type.split(';').next().is_some_and(|t| t.trim().eq_ignore_ascii_case("text/csv"))
}
