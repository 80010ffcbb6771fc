//! A plain page of the market, made on the server: the ranking, and one page for each IP. No inline script or style,
//! so that the content security policy can forbid them.

mod chart;
mod html;
mod ip;
mod ranking;

use crate::routes::MarketState;
use api::{Auth, Routes, Who};
use aws_lc_rs::digest;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html as HtmlAnswer, IntoResponse, Response};
use html::Html;
use std::sync::LazyLock;

pub(crate) fn routes(auth: &Auth) -> Routes<MarketState> {
    Routes::new(auth)
        .page("/", Who::Market, ranking::page)
        .page("/ip/{id}", Who::Market, ip::page)
        .page("/assets/page.css", Who::Market, async |headers: HeaderMap| asset(&headers, &CSS))
        .page("/assets/page.js", Who::Market, async |headers: HeaderMap| asset(&headers, &SCRIPT))
        .page("/assets/icon.svg", Who::Market, async |headers: HeaderMap| asset(&headers, &ICON))
}

struct Asset {
    content_type: &'static str,
    text: &'static str,
    etag: LazyLock<String>,
}

macro_rules! asset {
    ($content_type:expr, $file:literal) => {
        Asset {
            content_type: $content_type,
            text: include_str!($file),
            etag: LazyLock::new(|| etag(include_str!($file))),
        }
    };
}

static CSS: Asset = asset!("text/css; charset=utf-8", "../assets/page.css");
static SCRIPT: Asset = asset!("text/javascript; charset=utf-8", "../assets/page.js");
static ICON: Asset = asset!("image/svg+xml", "../assets/icon.svg");

fn etag(text: &str) -> String {
    let hash = digest::digest(&digest::SHA256, text.as_bytes());
    let hex: String = hash.as_ref().iter().take(8).map(|b| format!("{b:02x}")).collect();
    format!("\"{hex}\"")
}

fn asset(headers: &HeaderMap, asset: &'static Asset) -> Response {
    let etag = asset.etag.as_str();
    let known = headers.get(header::IF_NONE_MATCH).and_then(|v| v.to_str().ok());
    let caching = [(header::ETAG, etag), (header::CACHE_CONTROL, "no-cache")];
    if known.is_some_and(|known| known.split(',').any(|k| k.trim().trim_start_matches("W/") == etag)) {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    (caching, [(header::CONTENT_TYPE, asset.content_type)], asset.text).into_response()
}

/// What is around every page.
struct Frame<'a> {
    title: &'a str,
    /// The IP whose crawls the page shows; all of them without one.
    ip: Option<i64>,
    demo: bool,
}

impl Frame<'_> {
    fn around(&self, main: Html) -> Response {
        let mut h = Html::default();
        h.raw(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <meta name=\"color-scheme\" content=\"light dark\"><title>",
        );
        h.text(self.title).raw(" · Tidewatch</title><link rel=\"stylesheet\" href=\"/assets/page.css\">");
        h.raw("<link rel=\"icon\" href=\"/assets/icon.svg\" type=\"image/svg+xml\">");
        h.raw("<script src=\"/assets/page.js\" defer></script></head><body");
        if let Some(ip) = self.ip {
            h.raw(" data-ip=\"").text(ip).raw("\"");
        }
        h.raw("><a class=\"skip\" href=\"#main\">Skip to the numbers</a>");
        if self.demo {
            h.raw(
                "<p class=\"banner\" role=\"note\"><strong>Simulated data.</strong> \
                 This is a demo; nothing here was seen on Mercari.</p>",
            );
        }
        h.raw(
            "<header class=\"top\"><a class=\"brand\" href=\"/\"><svg viewBox=\"0 0 32 20\" width=\"32\" height=\"20\" \
             aria-hidden=\"true\"><path d=\"M1 8c5 0 5-5 10-5s5 5 10 5 5-5 10-5M1 16c5 0 5-5 10-5s5 5 10 5 5-5 10-5\"/>\
             </svg>Tidewatch</a><span class=\"tagline\">How goods move on Mercari Japan</span>\
             <span id=\"live\" class=\"live\" role=\"status\"></span></header><main id=\"main\">",
        );
        h.append(main);
        h.raw(
            "</main><footer><p>Hours are Japanese time (JST, UTC+9) and shown once they are complete. \
             <abbr title=\"lower bound\">≥</abbr> marks a lower bound: more moved than one crawl could see. \
             A dash is a number that is not known.</p></footer></body></html>\n",
        );
        HtmlAnswer(h.finish()).into_response()
    }
}

/// A page in the place of one that cannot be shown.
fn trouble(state: &MarketState, status: StatusCode, title: &str, words: &str) -> Response {
    let mut h = Html::default();
    h.raw("<h1>").text(title).raw("</h1><p class=\"empty\">").text(words).raw(" <a href=\"/\">To the ranking</a></p>");
    let page = Frame { title, ip: None, demo: state.demo }.around(h);
    (status, page).into_response()
}

fn broken(state: &MarketState, e: &store::StoreError) -> Response {
    tracing::error!(error = %e, "page not shown");
    let words = "The database did not answer; reload in a moment.";
    trouble(state, StatusCode::SERVICE_UNAVAILABLE, "Not available right now", words)
}

type Page = State<MarketState>;
