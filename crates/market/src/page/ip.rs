//! `/ip/{id}`: one IP.

use super::chart::{Chart, fill};
use super::html::Html;
use super::{Frame, Page, broken, trouble};
use crate::routes::{MarketState, complete_until};
use crate::statistics::{PriceStatistics, hot_score, liquidity_index, price_statistics};
use crate::store::{HourRow, Hours, Ip, SaleItem, Schedule, get_ip, hours_of, schedule_of, sold_prices};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use model::{HOUR, TargetState, Timestamp};
use std::collections::HashMap;
use store::StoreError;

/// Hours of the chart.
const SHOWN: u32 = 72;
/// Hours of the price statistics.
const PRICED: i64 = 24;

struct Seen {
    ip: Ip,
    schedule: Option<Schedule>,
    /// The end of the last complete hour.
    until: Option<Timestamp>,
    /// Newest first.
    hours: Vec<HourRow>,
    prices: PriceStatistics,
    include_shops: bool,
    max_retries: u32,
}

pub(super) async fn page(State(state): Page, Path(id): Path<String>) -> Response {
    let seen = match id.parse() {
        Ok(id) => gather(&state, id).await,
        Err(_) => Ok(None),
    };
    match seen {
        Ok(Some(seen)) => {
            let mut h = Html::default();
            seen.body(&mut h);
            Frame { title: &seen.ip.name, ip: Some(seen.ip.id), demo: state.demo }.around(h)
        }
        Ok(None) => trouble(&state, StatusCode::NOT_FOUND, "No such IP", "There is no IP of this number."),
        Err(e) => broken(&state, &e),
    }
}

async fn gather(state: &MarketState, id: i64) -> Result<Option<Seen>, StoreError> {
    let Some(ip) = get_ip(&state.store, id).await? else { return Ok(None) };
    if ip.status == TargetState::Deleted {
        return Ok(None);
    }
    let schedule = schedule_of(&state.store, &[id]).await?.remove(&id);
    let until = complete_until(&ip, state.now());
    let (mut hours, mut prices) = (Vec::new(), PriceStatistics::default());
    if let Some(to) = until {
        let from = to.plus(-HOUR * i64::from(SHOWN));
        hours = hours_of(&state.store, id, Hours { from, to, limit: SHOWN }).await?;
        prices = price_statistics(&mut sold_prices(&state.store, id, to.plus(-HOUR * PRICED), to).await?);
    }
    let options = &state.options;
    let (include_shops, max_retries) = (options.include_shops, options.schedule.max_retries);
    Ok(Some(Seen { ip, schedule, until, hours, prices, include_shops, max_retries }))
}

impl Seen {
    fn body(&self, h: &mut Html) {
        self.head(h);
        let Some((until, latest)) = self.until.zip(self.hours.first()) else {
            h.raw("<div class=\"empty\"><p><strong>No complete hour yet.</strong></p><p>");
            h.raw(if self.ip.crawled_at.is_none() { "First crawl at " } else { "Next crawl at " });
            h.time(self.schedule.as_ref().map(|s| s.next_due), "a time not set").raw(" JST.</p></div>");
            return;
        };
        self.latest(h, latest);
        self.charts(h, until);
        self.prices(h, until);
        self.table(h);
    }

    fn head(&self, h: &mut Html) {
        let ip = &self.ip;
        h.raw("<p class=\"back\"><a href=\"/\">← Ranking</a></p><h1 lang=\"ja\">").text(&ip.name).raw("</h1>");
        h.raw("<p class=\"sub\">");
        for alias in [&ip.name_en, &ip.name_cn, &ip.category].into_iter().filter(|t| !t.is_empty()) {
            h.raw("<span>").text(alias).raw("</span>");
        }
        for tag in &ip.tags {
            h.raw("<span class=\"mark\">").text(tag).raw("</span>");
        }
        if ip.status == TargetState::Paused {
            h.raw("<span class=\"mark bad\">paused</span>");
        }
        if self.schedule.as_ref().is_some_and(|s| s.failures >= self.max_retries.max(1)) {
            h.raw("<span class=\"mark bad\">crawls fail; these are the last good numbers</span>");
        }
        h.raw("</p><dl class=\"facts\"><div><dt>Last crawl</dt><dd>").time(ip.crawled_at, "none yet");
        h.raw("</dd></div><div><dt>Next crawl</dt><dd>");
        let next = self.schedule.as_ref().filter(|_| ip.status == TargetState::Active).map(|s| s.next_due);
        h.time(next, "none scheduled").raw("</dd></div><div><dt>Tracked since</dt><dd>");
        h.time(ip.tracking_since, "not yet").raw("</dd></div><div><dt>On sale now</dt><dd>").number(ip.on_sale_total);
        h.raw("</dd></div></dl>");
    }

    fn flow(&self, row: &HourRow) -> (i64, i64) {
        let shops = i64::from(self.include_shops);
        (row.flow.inflow + shops * row.flow.shops_inflow, row.flow.outflow + shops * row.flow.shops_outflow)
    }

    fn latest(&self, h: &mut Html, row: &HourRow) {
        let (inflow, outflow) = self.flow(row);
        h.raw("<section><h2>Latest complete hour <small>").time(Some(row.hour), "").raw(" – ");
        h.text(&row.hour.plus(HOUR).to_rfc3339_jst()[11..16]).raw(" JST</small></h2><dl class=\"cards\">");
        h.raw("<div><dt>Inflow</dt><dd>").bounded(inflow, row.inflow_saturated);
        h.raw("</dd></div><div><dt>Outflow</dt><dd>").bounded(outflow, row.outflow_saturated);
        h.raw("</dd></div><div><dt>Liquidity</dt><dd>").ratio(liquidity_index(inflow, outflow));
        h.raw("</dd></div><div><dt>Hot score</dt><dd>").ratio(Some(hot_score(inflow, outflow)));
        h.raw("</dd></div><div><dt>On sale at its end</dt><dd>").number(row.active_count);
        h.raw("</dd></div></dl></section>");
    }

    fn charts(&self, h: &mut Html, until: Timestamp) {
        let rows: HashMap<Timestamp, &HourRow> = self.hours.iter().map(|r| (r.hour, r)).collect();
        let from = until.plus(-HOUR * i64::from(SHOWN));
        let inflow = fill(from, until, |t| rows.get(&t).map(|r| (self.flow(r).0, r.inflow_saturated)));
        let outflow = fill(from, until, |t| rows.get(&t).map(|r| (self.flow(r).1, r.outflow_saturated)));
        h.raw("<section><h2>Last 72 hours</h2><figure><figcaption>Inflow <small>listings that appeared</small>");
        h.raw("</figcaption>");
        Chart { name: "Inflow", class: "in", unit: "listed", bars: &inflow }.draw(h);
        h.raw("</figure><figure><figcaption>Outflow <small>listings that were bought</small></figcaption>");
        Chart { name: "Outflow", class: "out", unit: "bought", bars: &outflow }.draw(h);
        h.raw("</figure><p class=\"legend\">");
        if self.hours.iter().any(|r| r.inflow_saturated || r.outflow_saturated) {
            h.raw("<span class=\"key bounded\"></span> hatched: a lower bound ");
        }
        if inflow.iter().any(|b| b.value.is_none()) {
            h.raw("<span class=\"key gap\"></span> shaded: not known");
        }
        h.raw("</p></section>");
    }

    fn prices(&self, h: &mut Html, until: Timestamp) {
        let p = &self.prices;
        h.raw("<section><h2>Sold prices <small>24 hours to ").time(Some(until), "").raw(" JST</small></h2>");
        if p.samples == 0 {
            h.raw("<p>Nothing with a fixed price was sold.</p></section>");
            return;
        }
        h.raw("<dl class=\"cards\"><div><dt>Median</dt><dd>").yen(p.median);
        h.raw("</dd></div><div><dt>Average</dt><dd>").yen(p.mean);
        h.raw("</dd></div><div><dt>Cheapest</dt><dd>").yen(p.min.map(|n| n as f64));
        h.raw("</dd></div><div><dt>Dearest</dt><dd>").yen(p.max.map(|n| n as f64));
        h.raw("</dd></div><div><dt>Std. deviation</dt><dd>").yen(p.stddev);
        h.raw("</dd></div><div><dt>Sales</dt><dd>").number(i64::try_from(p.samples).ok()).raw("</dd></div></dl>");
        let day = until.plus(-HOUR * PRICED);
        let day: Vec<&HourRow> = self.hours.iter().filter(|r| r.hour >= day).collect();
        let cheapest = day.iter().filter_map(|r| r.min_item.as_ref()).min_by_key(|i| i.price);
        let dearest = day.iter().filter_map(|r| r.max_item.as_ref()).max_by_key(|i| i.price);
        h.raw("<ul class=\"items\">");
        for (label, item) in [("Cheapest", cheapest), ("Dearest", dearest)] {
            if let Some(item) = item {
                listing(h, label, item);
            }
        }
        h.raw("</ul></section>");
    }

    fn table(&self, h: &mut Html) {
        h.raw("<details id=\"hours\"><summary>The hours as a table</summary><div class=\"scroll\"><table><thead><tr>");
        h.raw("<th scope=\"col\">Hour (JST)</th>");
        for label in ["Inflow", "Outflow", "Liquidity", "On sale", "Median", "Sales"] {
            h.raw("<th scope=\"col\" class=\"n\">").raw(label).raw("</th>");
        }
        h.raw("</tr></thead><tbody>");
        for row in &self.hours {
            let (inflow, outflow) = self.flow(row);
            h.raw("<tr><th scope=\"row\">").time(Some(row.hour), "").raw("</th><td class=\"n\">");
            h.bounded(inflow, row.inflow_saturated).raw("</td><td class=\"n\">");
            h.bounded(outflow, row.outflow_saturated).raw("</td><td class=\"n\">");
            h.ratio(liquidity_index(inflow, outflow)).raw("</td><td class=\"n\">").number(row.active_count);
            h.raw("</td><td class=\"n\">").yen(row.prices.median).raw("</td><td class=\"n\">");
            h.number(i64::try_from(row.prices.samples).ok()).raw("</td></tr>");
        }
        h.raw("</tbody></table></div></details>");
    }
}

fn listing(h: &mut Html, label: &'static str, item: &SaleItem) {
    h.raw("<li>");
    if let Some(image) = item.image_url.as_ref().filter(|u| u.starts_with("https://")) {
        h.raw("<img alt=\"\" width=\"56\" height=\"56\" loading=\"lazy\" src=\"").text(image).raw("\">");
    }
    h.raw("<div><span class=\"alias\">").raw(label).raw("</span> <strong>").yen(Some(item.price as f64));
    h.raw("</strong><br>");
    // Only what is a web address becomes a link: a stored `javascript:` would be one otherwise.
    if item.item_url.starts_with("https://") {
        h.raw("<a rel=\"noreferrer\" lang=\"ja\" href=\"")
            .text(&item.item_url)
            .raw("\">")
            .text(&item.title)
            .raw("</a>");
    } else {
        h.raw("<span lang=\"ja\">").text(&item.title).raw("</span>");
    }
    h.raw("</div></li>");
}
