//! `POST /admin/import`.

use super::MarketState;
use crate::import::{Bulk, Entries, ImportOptions, ImportReport, import, parse_csv, parse_json};
use api::openapi::{Declared, JsonOrCsv, Parameter, Raw};
use api::{Admin, ApiError, Data, Params};
use axum::extract::State;
use axum::http::{HeaderMap, header};

/// How.
pub(super) struct Asked;

impl Declared for Asked {
    const PARAMETERS: &'static [Parameter] =
        &[Parameter::flag("upsert", "Whether IPs that are there already are changed; else they are skipped.")];
}

/// Takes JSON, or CSV when the content type is `text/csv`. `upsert` may be in the query as well.
pub(super) async fn bulk(
    admin: Admin,
    State(state): State<MarketState>,
    params: Params<Asked>,
    headers: HeaderMap,
    body: Raw<JsonOrCsv<Bulk>>,
) -> Result<Data<ImportReport>, ApiError> {
    let csv = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).is_some_and(is_csv);
    let parsed = if csv { parse_csv(&body.0) } else { parse_json(&body.0) };
    let Entries { entries, upsert } = parsed.map_err(ApiError::bad_request)?;
    let options = ImportOptions {
        upsert: params.flag("upsert").or(upsert).unwrap_or(false),
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
