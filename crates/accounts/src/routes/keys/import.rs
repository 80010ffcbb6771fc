//! `POST /keys/import`.

use super::bulk::tags;
use crate::keys::{Import, ImportError, ImportOptions, ImportReport, Line, parse_values};
use crate::provider::Params as ProviderParams;
use crate::routes::AccountsState;
use api::openapi::{Declared, JsonOrText, Parameter, Raw};
use api::{ApiError, Data, Operator, Params};
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use futures::StreamExt as _;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// The provider of keys that come without one.
const PROVIDER: &str = "factory";
/// Longest body of JSON.
const LONGEST_JSON: usize = 64 << 20;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub(super) struct Given {
    /// Lines, or CSV.
    text: Option<String>,
    /// Keys, or `{"name": …, "key": …}`; one that is none fails alone.
    keys: Option<Vec<Value>>,
    provider: Option<String>,
    tags: Option<Vec<String>>,
    #[serde(default)]
    params: ProviderParams,
}

/// A body of JSON as it is described.
#[derive(JsonSchema)]
#[schemars(untagged, rename = "KeyImport")]
#[expect(dead_code, reason = "it is only described")]
pub(super) enum Described {
    /// The keys, and what holds for all of them.
    Whole(Given),
    /// The keys alone; one that is none fails alone.
    Keys(Vec<Value>),
}

/// What holds for all keys of the body.
pub(super) struct Asked;

impl Declared for Asked {
    const PARAMETERS: &'static [Parameter] = &[
        Parameter::text("provider", 191, "Where the keys are from; factory without it."),
        Parameter::text("tags", 2000, "Labels for them, separated by commas."),
    ];
}

pub(super) async fn import(
    operator: Operator,
    State(state): State<AccountsState>,
    params: Params<Asked>,
    body: Raw<JsonOrText<Described>, Request>,
) -> Result<Data<ImportReport>, ApiError> {
    let request = body.0;
    let provider = params.text("provider").map(str::to_owned);
    let labels = params.text("tags").map(|text| text.split(',').map(str::to_owned).collect());
    let json = api::is_json(request.headers());
    let report = match json {
        true => {
            let body = to_bytes(request.into_body(), LONGEST_JSON).await;
            let body = body.map_err(|_| ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "more than 64 MiB of JSON"))?;
            from_json(&state, operator, &body, (provider, labels)).await
        }
        false => {
            from_text(
                &state,
                options_of(&state, operator, provider, labels, ProviderParams::new())?,
                request.into_body(),
            )
            .await
        }
    }?;
    state.engine.wake();
    Ok(Data::of(report))
}

/// What keys of this provider have in common; the provider must be there, and have what it
/// asks for beside a key.
pub(in crate::routes) fn options_of(
    state: &AccountsState,
    operator: Operator,
    provider: Option<String>,
    labels: Option<Vec<String>>,
    params: ProviderParams,
) -> Result<ImportOptions, ApiError> {
    let provider = provider.map(|p| p.trim().to_owned()).filter(|p| !p.is_empty()).unwrap_or_else(|| PROVIDER.into());
    let found = state.providers.get(&provider, &params);
    let found = found.map_err(|e| ApiError::bad_request(e.to_string()))?;
    if let Some((name, _)) =
        found.params.iter().find(|(name, p)| p.required && p.default.is_none() && !params.contains_key(*name))
    {
        return Err(ApiError::bad_request(format!("{provider}: params.{name} is missing")));
    }
    Ok(ImportOptions {
        params,
        provider,
        amount: found.kind.as_str().to_owned(),
        tags: tags(labels.unwrap_or_default())?,
        interval: state.options.key_interval,
        now: state.now(),
        actor: operator.name.to_owned(),
    })
}

async fn from_json(
    state: &AccountsState,
    operator: Operator,
    body: &[u8],
    (provider, labels): (Option<String>, Option<Vec<String>>),
) -> Result<ImportReport, ApiError> {
    // The words of a JSON error may quote a key.
    let broken = |e: serde_json::Error| {
        let place = format!("line {} column {}", e.line(), e.column());
        ApiError::bad_request(format!("the body is not {{\"text\": …}} or {{\"keys\": […]}} at {place}"))
    };
    let value: Value = serde_json::from_slice(body).map_err(broken)?;
    let body = match value {
        Value::Array(keys) => {
            Given { text: None, keys: Some(keys), provider: None, tags: None, params: ProviderParams::new() }
        }
        value => serde_json::from_value(value).map_err(broken)?,
    };
    let options = options_of(state, operator, body.provider.or(provider), body.tags.or(labels), body.params)?;
    match (body.text, body.keys) {
        (Some(text), None) => from_text(state, options, Body::from(text)).await,
        (None, Some(keys)) => from_lines(state, options, parse_values(keys)).await,
        _ => Err(ApiError::bad_request("give either text or keys")),
    }
}

/// Imports lines that were read.
pub(in crate::routes) async fn from_lines(
    state: &AccountsState,
    options: ImportOptions,
    lines: Vec<Line>,
) -> Result<ImportReport, ApiError> {
    let mut import = Import::new(&state.store, &state.keyring, options);
    import.add(lines).await.map_err(refused)?;
    import.finish().await.map_err(refused)
}

/// Imports a list as it comes in.
async fn from_text(state: &AccountsState, options: ImportOptions, body: Body) -> Result<ImportReport, ApiError> {
    let mut import = Import::new(&state.store, &state.keyring, options);
    let mut chunks = body.into_data_stream();
    let mut empty = true;
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| ApiError::bad_request("the body broke off; what came before was imported"))?;
        empty &= chunk.is_empty();
        import.push(&chunk).await.map_err(refused)?;
    }
    if empty {
        return Err(ApiError::bad_request("the body is empty; it must hold lines, CSV or JSON"));
    }
    import.finish().await.map_err(refused)
}

/// An import that ended early, as the client is told of it.
pub(in crate::routes) fn refused(e: ImportError) -> ApiError {
    match e {
        ImportError::Text(text) => ApiError::bad_request(text),
        ImportError::Sealing(e) => ApiError::internal(e),
        ImportError::Store(e) => e.into(),
    }
}
