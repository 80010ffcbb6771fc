//! Reading requests; what cannot be read is refused in the envelope, with what and where.

use crate::ApiError;
use crate::openapi::{Declared, Expects, Parameter, Sketch, Takes};
use axum::body::Bytes;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use model::Timestamp;
use serde::de::DeserializeOwned;
use std::marker::PhantomData;

/// A body that is a JSON object.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            return Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body must come as application/json"));
        }
        let bytes = Bytes::from_request(request, state).await;
        object(&bytes.map_err(|e| ApiError::new(e.status(), e.body_text()))?).map(Self)
    }
}

/// Whether the body is said to be JSON.
pub fn is_json(headers: &HeaderMap) -> bool {
    let said = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = said.and_then(|said| said.split(';').next()).map(|kind| kind.trim().to_ascii_lowercase());
    kind.is_some_and(|kind| kind == "application/json" || kind.starts_with("application/") && kind.ends_with("+json"))
}

/// Reads an object. A list is not read as the object's fields in their order, which serde would do.
pub(crate) fn object<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    match bytes.trim_ascii_start().first() {
        Some(b'{') => {}
        None => return Err(ApiError::bad_request("the body is empty; it must be a JSON object")),
        Some(_) => return Err(ApiError::bad_request("the body must be a JSON object")),
    }
    match axum::Json::<T>::from_bytes(bytes) {
        Ok(axum::Json(value)) => Ok(value),
        Err(e) => Err(refused(&e)),
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

/// The query of the URL, as `Q` declares it: what is not declared, given twice or not as it must be is refused before the
/// handler runs.
#[derive(Debug)]
pub struct Params<Q> {
    pairs: Vec<(String, String)>,
    declared: PhantomData<Q>,
}

impl<Q: Declared, S: Send + Sync> FromRequestParts<S> for Params<Q> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
            .map_err(|e| ApiError::bad_request(e.body_text()))?;
        for (i, (name, value)) in pairs.iter().enumerate() {
            let Some(parameter) = Q::PARAMETERS.iter().find(|p| p.name == name) else {
                return Err(unknown(name, Q::PARAMETERS));
            };
            if pairs[..i].iter().any(|(earlier, _)| earlier == name) {
                return Err(ApiError::bad_request(format!("{name} is given twice")));
            }
            check(parameter, value)?;
        }
        Ok(Self { pairs, declared: PhantomData })
    }
}

impl<Q: Declared> Takes for Params<Q> {
    fn describe(sketch: &mut Sketch<'_>) {
        for parameter in Q::PARAMETERS {
            sketch.parameter("query", parameter.name, false, parameter.about, parameter.schema());
        }
        sketch.refusal(400);
    }
}

fn unknown(name: &str, known: &[Parameter]) -> ApiError {
    let names: Vec<&str> = known.iter().map(|p| p.name).collect();
    let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    ApiError::bad_request(format!("unknown parameter {name:?}; known are: {known}"))
}

/// Refuses a value that is not as it must be, with what it must be.
fn check(parameter: &Parameter, value: &str) -> Result<(), ApiError> {
    let wanted = match parameter.expects {
        Expects::Text(_) if value.chars().any(char::is_control) => "not hold control characters".to_owned(),
        Expects::Text(most) if value.chars().count() <= most => return Ok(()),
        Expects::Text(most) => format!("have at most {most} characters"),
        Expects::Number(from, to, _) => match value.parse::<i64>() {
            Ok(n) if (from..=to).contains(&n) => return Ok(()),
            _ => format!("be {from}..{to}, got {}", shown(value)),
        },
        Expects::Word(words) if words.contains(&value) => return Ok(()),
        Expects::Word(words) => format!("be one of {}, got {}", words.join(", "), shown(value)),
        Expects::Words(words) if value.split(',').all(|word| words.contains(&word)) => return Ok(()),
        Expects::Words(words) => format!("be some of {}, with commas between, got {}", words.join(", "), shown(value)),
        Expects::Time if instant(value).is_some() => return Ok(()),
        Expects::Time => {
            let like = "RFC 3339 (2026-11-21T12:00:00+09:00) or seconds since the epoch";
            format!("be {like}, got {}", shown(value))
        }
        Expects::Date if day(value).is_some() => return Ok(()),
        Expects::Date => format!("be a date, 2026-11-21, got {}", shown(value)),
        Expects::Decimal if is_decimal(value) => return Ok(()),
        Expects::Decimal => format!("be a number, got {}", shown(value)),
    };
    Err(ApiError::bad_request(format!("{} must {wanted}", parameter.name)))
}

fn instant(text: &str) -> Option<Timestamp> {
    // A bare + in a query is a space: `…+09:00` that was not escaped is still understood.
    Timestamp::parse(&text.replace(' ', "+")).filter(|t| (EPOCH..=YEAR_9999).contains(t))
}

/// The beginning of a day of the market's calendar.
fn day(text: &str) -> Option<Timestamp> {
    let shaped = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    shaped.then(|| Timestamp::parse(&format!("{text}T00:00:00+09:00"))).flatten()
}

fn is_decimal(text: &str) -> bool {
    let (whole, fraction) = text.strip_prefix('-').unwrap_or(text).split_once('.').unwrap_or((text, "0"));
    let whole = whole.strip_prefix('-').unwrap_or(whole);
    let digits = |part: &str, most| (1..=most).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    digits(whole, 18) && digits(fraction, 9)
}

impl<Q: Declared> Params<Q> {
    /// The value as it stands.
    pub fn text(&self, name: &str) -> Option<&str> {
        debug_assert!(Q::PARAMETERS.iter().any(|p| p.name == name), "{name} is not declared");
        self.pairs.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The value without the white space around it; none when nothing is left.
    pub fn trimmed(&self, name: &str) -> Option<&str> {
        self.text(name).map(str::trim).filter(|text| !text.is_empty())
    }

    /// A whole number, or its default.
    pub fn number(&self, name: &str) -> Option<i64> {
        let default = Q::PARAMETERS.iter().find(|p| p.name == name).and_then(|p| match p.expects {
            Expects::Number(_, _, default) => default,
            _ => None,
        });
        self.text(name).and_then(|text| text.parse().ok()).or(default)
    }

    /// A number that is declared with a default and fits 32 bits, else the largest that does.
    pub fn count(&self, name: &str) -> u32 {
        self.number(name).and_then(|n| u32::try_from(n).ok()).unwrap_or(u32::MAX)
    }

    /// One of the `choices`, by its word; the declaration has the words of the same table.
    pub fn choice<T: Copy>(&self, name: &str, choices: &[(&str, T)]) -> Option<T> {
        let text = self.text(name)?;
        choices.iter().find(|(word, _)| *word == text).map(|(_, value)| *value)
    }

    /// `true` or `false`.
    pub fn flag(&self, name: &str) -> Option<bool> {
        self.text(name).map(|text| text == "true")
    }

    /// An instant.
    pub fn time(&self, name: &str) -> Option<Timestamp> {
        self.text(name).and_then(instant)
    }

    /// The instant at which a day of the market's calendar begins.
    pub fn date(&self, name: &str) -> Option<Timestamp> {
        self.text(name).and_then(day)
    }

    /// `page` and `page_size`.
    pub fn paging(&self) -> Paging {
        Paging { page: self.count("page"), page_size: self.count("page_size") }
    }
}

/// The words of a table of choices, for the declaration of its parameter.
pub const fn words<T: Copy, const N: usize>(table: &[(&'static str, T); N]) -> [&'static str; N] {
    let mut words = [""; N];
    let mut i = 0;
    while i < N {
        words[i] = table[i].0;
        i += 1;
    }
    words
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

#[cfg(test)]
mod tests {
    use super::*;
    use axum::response::IntoResponse as _;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    struct Pair {
        #[expect(dead_code, reason = "it is only read")]
        a: i64,
    }

    #[test]
    fn a_body_is_an_object_and_a_list_is_not_read_as_its_fields() {
        assert!(object::<Pair>(br#" {"a": 1}"#).is_ok());
        assert!(serde_json::from_slice::<Pair>(b"[1]").is_ok(), "serde would");
        for body in [&b"[1]"[..], b"", b"  ", b"1", b"{", br#"{"a": "1"}"#] {
            let refused = object::<Pair>(body).unwrap_err().into_response();
            assert!(refused.status().is_client_error(), "{body:?}");
        }
    }
}
