//! The search page as the web shows it: a page whose script signs and sends its own search and lays out tiles.

use crate::answer::Answer;
use crate::item::State;
use crate::market::Market;
use crate::search::SearchQuery;
use crate::wire::Shape;
use serde::{Deserialize, Serialize};

pub(crate) const PATH: &str = "/search";
const PAGE: &str = include_str!("web.html");

/// How the search page comes by its results, and which tiles it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SearchPageStyle {
    /// It asks for them itself, with a proof of its own; tiles as since September 2026.
    #[default]
    Asks,
    /// They are in the page, so that nothing can be captured; tiles as until September 2026.
    Older,
    /// They are in the page; tiles as since September 2026.
    Newer,
}

/// The page for the query string of its address.
pub(crate) fn page(market: &Market, style: SearchPageStyle, query: &str, shape: Shape, now_ms: i64) -> Answer {
    let data = match style {
        SearchPageStyle::Asks => "null".to_owned(),
        SearchPageStyle::Older | SearchPageStyle::Newer => {
            // `</` would end the script.
            market.search(&asked(query), now_ms).to_json(shape).replace("</", "<\\/")
        }
    };
    let tiles = if style == SearchPageStyle::Older { "older" } else { "newer" };
    let body = PAGE.replace("\"{tiles}\"", &format!("\"{tiles}\"")).replace("\"{data}\"", &data);
    Answer { status: 200, content_type: "text/html; charset=utf-8", body }
}

fn asked(query: &str) -> SearchQuery {
    let get = |name: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(key, _)| *key == name).map(|(_, value)| decode(value)).next().unwrap_or_default()
    };
    let statuses: Vec<State> = get("status")
        .split(['|', ','])
        .filter_map(|status| match status {
            "on_sale" => Some(State::OnSale),
            "trading" => Some(State::Trading),
            "sold_out" => Some(State::SoldOut),
            _ => None,
        })
        .collect();
    let page = get("page_token").strip_prefix("v1:").and_then(|n| n.parse().ok()).unwrap_or(0);
    SearchQuery::newest(&get("keyword"), &statuses, page)
}

/// Undoes the encoding of a form.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        rest = more;
        let hex = more.get(..2).and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match (first, hex) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &more[2..];
            }
            (b'+', _) => bytes.push(b' '),
            (byte, _) => bytes.push(*byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_as_the_web_writes_it() {
        let query = asked("keyword=SPY%C3%97FAMILY+100%25&status=sold_out%7Ctrading&page_token=v1%3A2");
        assert_eq!((query.keyword.as_str(), query.page), ("SPY×FAMILY 100%", 2));
        assert_eq!(query.statuses, [State::SoldOut, State::Trading]);
    }
}
