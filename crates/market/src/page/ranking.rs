//! `/`: the ranking.

use super::html::Html;
use super::{Frame, Page, broken};
use crate::leaderboard::{Board, Ranked, Ranking, Which};
use crate::routes::{AskedBoard, MarketState};
use crate::store::{Overview, overview};
use api::{ApiError, Params};
use axum::extract::State;
use axum::response::Response;
use store::StoreError;

const TABS: [(Ranking, &str); 3] =
    [(Ranking::Hot, "Hot score"), (Ranking::Inflow, "Inflow"), (Ranking::Outflow, "Outflow")];
const WINDOWS: [(u32, &str); 3] = [(1, "1 hour"), (24, "24 hours"), (168, "7 days")];
const ROWS: u32 = 50;

pub(super) async fn page(State(state): Page, asked: Result<Params<AskedBoard>, ApiError>) -> Response {
    // A page answers what it can: a query it does not understand is as good as none.
    let asked = asked.ok();
    let which = Which {
        ranking: asked.as_ref().and_then(|p| p.choice("type", &Ranking::WORDS)).unwrap_or(Ranking::Hot),
        hours: asked.as_ref().map_or(24, |p| p.count("hours")),
        limit: ROWS,
    };
    match gather(&state, which).await {
        Ok((board, seen)) => {
            let mut h = Html::default();
            body(&mut h, which, &board, &seen);
            Frame { title: "Ranking", ip: None, demo: state.demo }.around(h)
        }
        Err(e) => broken(&state, &e),
    }
}

async fn gather(state: &MarketState, which: Which) -> Result<(Board, Overview), StoreError> {
    let board = state.board.board(which).await?;
    let seen = overview(&state.store, state.options.schedule.max_retries).await?;
    Ok((board, seen))
}

fn body(h: &mut Html, which: Which, board: &Board, seen: &Overview) {
    h.raw("<h1>What is moving</h1><dl class=\"facts\"><div><dt>Tracked</dt><dd>").number(Some(seen.active));
    h.raw(if seen.active == 1 { " IP" } else { " IPs" });
    if seen.failing > 0 {
        h.raw(" <span class=\"mark bad\">").number(Some(seen.failing)).raw(" failing</span>");
    }
    h.raw("</dd></div><div><dt>Last crawl</dt><dd>").time(seen.last_crawled_at, "none yet");
    h.raw("</dd></div><div><dt>Next crawl</dt><dd>").time(seen.next_due, "none scheduled").raw("</dd></div></dl>");
    tabs(h, which);
    if board.rows.is_empty() {
        empty(h, seen);
    } else {
        table(h, which, board);
    }
}

fn tabs(h: &mut Html, which: Which) {
    h.raw("<nav class=\"choices\" aria-label=\"Ranking\"><ul class=\"tabs\" aria-label=\"Ranked by\">");
    for (ranking, label) in TABS {
        tab(h, ranking, which.hours, ranking == which.ranking, label);
    }
    h.raw("</ul><ul class=\"tabs\" aria-label=\"Window\">");
    for (hours, label) in WINDOWS {
        tab(h, which.ranking, hours, hours == which.hours, label);
    }
    h.raw("</ul></nav>");
}

fn tab(h: &mut Html, ranking: Ranking, hours: u32, here: bool, label: &'static str) {
    h.raw("<li><a href=\"/?type=").text(ranking.as_str()).raw("&amp;hours=").text(hours).raw("\"");
    h.raw(if here { " aria-current=\"page\">" } else { ">" }).raw(label).raw("</a></li>");
}

fn table(h: &mut Html, which: Which, board: &Board) {
    h.raw("<div class=\"scroll\"><table><caption>Complete hours from ").time(Some(board.start), "");
    h.raw(" to ").time(Some(board.end), "").raw(" JST</caption><thead><tr><th scope=\"col\" class=\"n rank\">");
    h.raw("<abbr title=\"rank\">#</abbr></th><th scope=\"col\">IP</th>");
    for (ranking, label, hint) in [
        (Some(Ranking::Inflow), "Inflow", "listings that appeared"),
        (Some(Ranking::Outflow), "Outflow", "listings that were bought"),
        (None, "Liquidity", "outflow / inflow"),
        (Some(Ranking::Hot), "Hot score", "(outflow + 1) / (inflow + 1) × ln(outflow + 1)"),
    ] {
        h.raw(if is_wide(ranking, which) {
            "<th scope=\"col\" class=\"n wide\""
        } else {
            "<th scope=\"col\" class=\"n\""
        });
        h.raw(if ranking == Some(which.ranking) { " aria-sort=\"descending\"" } else { "" });
        h.raw("><abbr title=\"").raw(hint).raw("\">").raw(label).raw("</abbr></th>");
    }
    h.raw("</tr></thead><tbody>");
    let best = board.rows.first().map_or(0.0, |r| r.score);
    for ranked in &board.rows {
        row(h, which, ranked, best);
    }
    h.raw("</tbody></table></div>");
}

fn row(h: &mut Html, which: Which, r: &Ranked, best: f64) {
    h.raw("<tr><td class=\"n rank\">").text(r.rank).raw("</td><th scope=\"row\"><a href=\"/ip/").text(r.ip_id);
    h.raw("\" lang=\"ja\">").text(&r.ip_name).raw("</a>");
    if !r.ip_name_en.is_empty() {
        h.raw(" <span class=\"alias\">").text(&r.ip_name_en).raw("</span>");
    }
    if r.hours < i64::from(which.hours) {
        h.raw(" <span class=\"mark\" title=\"hours of the window that are complete\">").text(r.hours).raw(" of ");
        h.text(which.hours).raw(" h</span>");
    }
    share(h, if best > 0.0 { r.score / best } else { 0.0 });
    let hot = crate::statistics::hot_score(r.inflow, r.outflow);
    h.raw("</th><td class=\"n\">").bounded(r.inflow, r.saturated);
    h.raw("</td><td class=\"n\">").bounded(r.outflow, r.saturated);
    for (ranking, ratio) in [(None, r.liquidity_index), (Some(Ranking::Hot), Some(hot))] {
        h.raw(if is_wide(ranking, which) { "</td><td class=\"n wide\">" } else { "</td><td class=\"n\">" })
            .ratio(ratio);
    }
    h.raw("</td></tr>");
}

/// A phone has room for one ratio: the hot score when it ranks, else the liquidity index (which has no ranking).
fn is_wide(column: Option<Ranking>, which: Which) -> bool {
    match column {
        None => which.ranking == Ranking::Hot,
        Some(Ranking::Hot) => which.ranking != Ranking::Hot,
        Some(Ranking::Inflow | Ranking::Outflow) => false,
    }
}

/// How the score compares with the best.
fn share(h: &mut Html, share: f64) {
    h.raw("<svg class=\"share\" width=\"100%\" height=\"3\" aria-hidden=\"true\"><rect height=\"3\" width=\"");
    h.text(format_args!("{:.1}%", share.clamp(0.0, 1.0) * 100.0)).raw("\"/></svg>");
}

fn empty(h: &mut Html, seen: &Overview) {
    h.raw("<div class=\"empty\">");
    if seen.active + seen.paused == 0 {
        h.raw(
            "<p><strong>Nothing is tracked yet.</strong></p><p>Add an IP by its Japanese name with \
             <code>tidewatch import FILE</code> or <code>POST /api/v1/ips</code>.</p>",
        );
    } else if seen.last_crawled_at.is_none() {
        h.raw("<p><strong>No complete hour yet.</strong></p><p>First crawl at ").time(seen.next_due, "a time not set");
        h.raw(" JST; this page follows by itself.</p>");
    } else {
        h.raw("<p><strong>No complete hour in this window yet.</strong></p><p>Next crawl at ");
        h.time(seen.next_due, "a time not set").raw(" JST. A longer window may have numbers already.</p>");
    }
    h.raw("</div>");
}
