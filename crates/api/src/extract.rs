//! Reading requests; what cannot be read is refused in the envelope, with what and where.

use crate::ApiError;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use model::Timestamp;
use serde::de::DeserializeOwned;
use std::ops::RangeInclusive;

/// A JSON body.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        match axum::Json::<T>::from_request(request, state).await {
            Ok(axum::Json(value)) => Ok(Self(value)),
            Err(e) => Err(refused(&e)),
        }
    }
}

fn refused(e: &JsonRejection) -> ApiError {
    let status = match e.status() {
        kept @ (StatusCode::UNSUPPORTED_MEDIA_TYPE | StatusCode::PAYLOAD_TOO_LARGE) => kept,
        _ => StatusCode::BAD_REQUEST,
    };
    let text = e.body_text();
    let text = text.trim_start_matches("Failed to deserialize the JSON body into the target type: ");
    ApiError::new(status, text.replace("Failed to parse the request body as JSON", "body is not JSON"))
}

/// The parts of the path in braces.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(e) if e.status().is_server_error() => Err(ApiError::internal(e.body_text())),
            Err(e) => Err(ApiError::bad_request(e.body_text())),
        }
    }
}

const EPOCH: Timestamp = Timestamp(0);
const YEAR_9999: Timestamp = Timestamp::from_secs(253_402_300_799);

/// The query of the URL; every reading says what the value must be.
#[derive(Debug, Default)]
pub struct Params(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let Query(pairs) = Query::try_from_uri(&parts.uri).map_err(|e| ApiError::bad_request(e.body_text()))?;
        Ok(Self(pairs))
    }
}

impl Params {
    /// Refuses names that are not among `names`, and names given twice.
    pub fn only(&self, names: &[&str]) -> Result<(), ApiError> {
        for (i, (name, _)) in self.0.iter().enumerate() {
            if !names.contains(&name.as_str()) {
                let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
                return Err(ApiError::bad_request(format!("unknown parameter {name:?}; known are: {known}")));
            }
            if self.0[..i].iter().any(|(earlier, _)| earlier == name) {
                return Err(ApiError::bad_request(format!("{name} is given twice")));
            }
        }
        Ok(())
    }

    /// The value as it stands.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// A whole number within `range`.
    pub fn number(&self, name: &str, range: RangeInclusive<i64>) -> Result<Option<i64>, ApiError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        match text.parse() {
            Ok(n) if range.contains(&n) => Ok(Some(n)),
            _ => {
                let (from, to) = range.into_inner();
                Err(ApiError::bad_request(format!("{name} must be {from}..{to}, got {}", shown(text))))
            }
        }
    }

    /// One of the `choices`, by its word.
    pub fn choice<T: Copy>(&self, name: &str, choices: &[(&str, T)]) -> Result<Option<T>, ApiError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        if let Some((_, value)) = choices.iter().find(|(word, _)| *word == text) {
            return Ok(Some(*value));
        }
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        Err(ApiError::bad_request(format!("{name} must be one of {}, got {}", words.join(", "), shown(text))))
    }

    /// An instant: RFC 3339 with an offset, or whole seconds since the epoch.
    pub fn time(&self, name: &str) -> Result<Option<Timestamp>, ApiError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        // A bare + in a query is a space: `…+09:00` that was not escaped is still understood.
        let text = text.replace(' ', "+");
        match Timestamp::parse(&text) {
            Some(t) if (EPOCH..=YEAR_9999).contains(&t) => Ok(Some(t)),
            _ => Err(ApiError::bad_request(format!(
                "{name} must be RFC 3339 (2026-11-21T12:00:00+09:00) or seconds since the epoch, got {}",
                shown(&text)
            ))),
        }
    }

    /// `page` from 1 and `page_size` from 1 to 100.
    pub fn paging(&self) -> Result<Paging, ApiError> {
        let page = self.number("page", 1..=1_000_000)?.unwrap_or(1);
        let page_size = self.number("page_size", 1..=100)?.unwrap_or(20);
        Ok(Paging { page: u32::try_from(page).unwrap_or(1), page_size: u32::try_from(page_size).unwrap_or(20) })
    }
}

/// A value on its way back into a message: numbers as they are, the rest quoted and cut.
fn shown(text: &str) -> String {
    if text.len() <= 20 && text.parse::<f64>().is_ok() {
        return text.to_owned();
    }
    let cut: String = text.chars().take(40).collect();
    format!("{cut:?}")
}

/// Which page of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paging {
    /// From 1.
    pub page: u32,
    /// Rows of a page.
    pub page_size: u32,
}

impl Paging {
    /// Rows before this page.
    pub const fn offset(self) -> u32 {
        self.page.saturating_sub(1).saturating_mul(self.page_size)
    }
}
