//! The protocol's requests and answers in the terms of HTTP.

use super::tab::Ask;
use crate::fetch::client::Statuses;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chromiumoxide::cdp::browser_protocol::network::{Request, Response};
use engine::FetchError;
use engine::http;
use model::Timestamp;
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

/// The path of the search, whatever host the page asks.
const SEARCH: &str = "/v2/entities:search";

/// The body of the page's own search; `None` for every other request.
pub(super) fn search_body(request: &Request) -> Option<Vec<u8>> {
    let path = request.url.split(['?', '#']).next().unwrap_or_default();
    if request.method != "POST" || !path.ends_with(SEARCH) {
        return None;
    }
    let parts = request.post_data_entries.iter().flatten().filter_map(|entry| entry.bytes.as_ref());
    Some(parts.filter_map(|bytes| STANDARD.decode(AsRef::<str>::as_ref(bytes)).ok()).flatten().collect())
}

/// Whether a search is the one that was asked for: a page sends others too (another order, related goods).
pub(super) fn is_asked(body: &[u8], ask: &Ask<'_>) -> bool {
    let Ok(body) = serde_json::from_slice::<Value>(body) else { return false };
    let condition = &body["searchCondition"];
    let statuses: Vec<&str> = condition["status"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let right_statuses = match ask.statuses {
        Statuses::OnSale => statuses == ["STATUS_ON_SALE"],
        Statuses::Sold => statuses.contains(&"STATUS_TRADING") && !statuses.contains(&"STATUS_ON_SALE"),
    };
    let first = |token: &str| if token.is_empty() { "v1:0".to_owned() } else { token.to_owned() };
    right_statuses
        && condition["keyword"].as_str().map(str::trim) == Some(ask.keyword.trim())
        && condition["sort"].as_str() == Some("SORT_CREATED_TIME")
        && first(body["pageToken"].as_str().unwrap_or_default()) == first(ask.token.unwrap_or_default())
}

/// What an answer that is not the wanted one means.
pub(super) fn classify(response: &Response, body: &[u8], now: Timestamp) -> FetchError {
    let status = u16::try_from(response.status).ok().and_then(|s| StatusCode::from_u16(s).ok());
    let Some(status) = status else {
        return FetchError::Malformed(format!("status {}", response.status));
    };
    http::classify(status, &headers(response), body, now)
}

/// Whether it is a page that wants to see a person, and may let the browser through by itself.
pub(super) fn is_challenge(response: &Response, body: &[u8]) -> bool {
    http::is_challenge(&headers(response), body)
}

fn headers(response: &Response) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in response.headers.inner().as_object().into_iter().flatten() {
        let (name, value) = (name.parse::<HeaderName>(), value.as_str().map(HeaderValue::from_str));
        if let (Ok(name), Some(Ok(value))) = (name, value) {
            map.insert(name, value);
        }
    }
    map
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(body: &str, statuses: Statuses, token: Option<&str>) -> bool {
        is_asked(body.as_bytes(), &Ask { statuses, keyword: "初音ミク", token })
    }

    #[test]
    fn only_the_search_that_was_asked_for_is_taken() {
        let body = |status: &str, sort: &str, token: &str| {
            format!(
                r#"{{"pageToken":"{token}","searchCondition":{{"keyword":"初音ミク","sort":"{sort}","status":[{status}]}}}}"#
            )
        };
        let newest = body(r#""STATUS_ON_SALE""#, "SORT_CREATED_TIME", "");
        assert!(asked(&newest, Statuses::OnSale, None));
        assert!(asked(&newest, Statuses::OnSale, Some("v1:0")));
        assert!(!asked(&newest, Statuses::OnSale, Some("v1:1")), "another page");
        assert!(!asked(&newest, Statuses::Sold, None));
        let sold = body(r#""STATUS_SOLD_OUT","STATUS_TRADING""#, "SORT_CREATED_TIME", "v1:1");
        assert!(asked(&sold, Statuses::Sold, Some("v1:1")));
        assert!(
            !asked(&body(r#""STATUS_SOLD_OUT""#, "SORT_CREATED_TIME", ""), Statuses::Sold, None),
            "misses fresh sales"
        );
        assert!(!asked(&body(r#""STATUS_ON_SALE""#, "SORT_SCORE", ""), Statuses::OnSale, None));
        assert!(!asked(&newest.replace("初音ミク", "鏡音リン"), Statuses::OnSale, None));
        assert!(!asked("not json", Statuses::OnSale, None));
    }
}
