//! The market watch: one look at one IP.

use crate::detect::{Changes, KnownStatus, detect};
use crate::fetch::stream::{Brief, Crawl, Known, SearchPages, crawl};
use crate::judge::{self, Finding};
use crate::options::MarketOptions;
use crate::schedule::{self, Activity};
use crate::store as rows;
use crate::store::Ip;
use async_trait::async_trait;
use engine::{Event, FetchError, Recorded, Seen, Watch};
use model::{HOUR, Timestamp, WatchKind};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use store::{AlertKey, Store, StoreError, Task, Tx};

/// Watches IPs through a source of search pages: Mercari, or the simulator.
pub struct MarketWatch {
    source: Arc<dyn SearchPages>,
    options: MarketOptions,
}

impl MarketWatch {
    /// A watch with the given source and settings.
    pub const fn new(source: Arc<dyn SearchPages>, options: MarketOptions) -> Self {
        Self { source, options }
    }

    /// Its settings.
    pub const fn options(&self) -> &MarketOptions {
        &self.options
    }
}

#[async_trait]
impl Watch for MarketWatch {
    type Brief = Brief;
    type Observation = Crawl;

    fn kind(&self) -> WatchKind {
        WatchKind::Market
    }

    async fn brief(&self, store: &Store, task: &Task) -> Result<Option<Brief>, StoreError> {
        let Some(ip) = rows::get_ip(store, task.ref_id).await? else { return Ok(None) };
        let mut known = Vec::new();
        if let Some(crawled_at) = ip.crawled_at {
            known = rows::seen_at_last_crawl(store, ip.id, crawled_at).await?;
        }
        Ok(Some(Brief {
            keyword: ip.name,
            pages_on_sale: self.options.pages_on_sale,
            pages_sold: self.options.pages_sold,
            since: ip.crawled_at,
            lag: self.options.index_lag,
            known: known
                .into_iter()
                .map(|(id, status)| (id, if status == KnownStatus::OnSale { Known::OnSale } else { Known::Sold }))
                .collect(),
            ground_run_on_sale: self.options.ground_run_on_sale,
            ground_run_sold: self.options.ground_run_sold,
        }))
    }

    async fn fetch(&self, brief: &Brief) -> Result<Crawl, FetchError> {
        crawl(self.source.as_ref(), brief).await
    }

    async fn record(&self, tx: &mut Tx, task: &Task, seen: Seen<'_, Crawl>) -> Result<Recorded, StoreError> {
        let Some(ip) = Ip::load(tx, task.ref_id).await? else {
            return Ok(self.idle(task, seen.now));
        };
        let changes = self.changes(tx, &ip, &seen).await?;
        let (transitions, unchanged) = (&changes.transitions, &changes.unchanged);
        rows::write_items(tx, ip.id, transitions, unchanged, seen.seen_at).await?;
        let completed = rows::write_hours(tx, ip.id, &changes).await?;
        for hour in changes.flow.hours.keys().filter(|h| seen.seen_at.since(**h) >= Duration::from_secs(86_400)) {
            rows::forget_rolled(tx, ip.id, *hour).await?;
        }
        let mut events = self.alerts(tx, &ip, &changes, &completed, seen.now).await?;
        let interval = self.next_interval(task, &changes);
        let weight = schedule::weight_of_interval(interval, &self.options.schedule);
        let weight = if changes.first { ip.weight } else { weight };
        rows::write_tracking(tx, ip.id, &changes, seen.seen_at, weight).await?;
        events.insert(0, crawled(&ip, &changes, seen.observation));
        let next_due = schedule::due_after(seen.now, interval, self.options.schedule.slot);
        Ok(Recorded { next_due, interval, events })
    }

    async fn fail(&self, tx: &mut Tx, task: &Task, error: &FetchError, now: Timestamp) -> Result<Recorded, StoreError> {
        let asked = match error {
            FetchError::Limited { retry_after, .. } => *retry_after,
            // A block is not waited out by knocking.
            FetchError::Blocked(_) => Some(self.options.schedule.min_interval),
            _ => None,
        };
        let pause = schedule::retry_after(task.failures + 1, asked, &self.options.schedule);
        let mut events = Vec::new();
        if let Some(ip) = Ip::load(tx, task.ref_id).await? {
            let finding = self.silence(&ip, task.interval, &error.to_string(), now);
            events = self.tell(tx, &ip, &[finding], now).await?;
        }
        Ok(Recorded { next_due: now + pause, interval: task.interval, events })
    }

    async fn housekeep(&self, store: &Store, now: Timestamp) -> Result<(), StoreError> {
        crate::housekeeping::roll_up_all(store, &self.options, now).await?;
        crate::housekeeping::find_stale(self, store, now).await?;
        rows::sweep(store, &self.options.retention, now).await?;
        Ok(())
    }
}

impl MarketWatch {
    async fn changes(&self, tx: &mut Tx, ip: &Ip, seen: &Seen<'_, Crawl>) -> Result<Changes, StoreError> {
        let ids: Vec<&str> = seen.observation.merge().into_iter().map(|r| r.source_id.as_str()).collect();
        let known = rows::known_rows(tx, ip.id, &ids).await?;
        let alive = seen.seen_at - self.options.item_ttl_available;
        let on_sale = rows::known_on_sale(tx, ip.id, alive).await?;
        Ok(detect(&known, &ip.tracking(on_sale), seen.observation, seen.seen_at, seen.now, &self.options))
    }

    /// A recorded crawl of an IP that is gone: nothing to write.
    fn idle(&self, task: &Task, now: Timestamp) -> Recorded {
        let next_due = now + self.options.schedule.max_interval;
        Recorded { next_due, interval: task.interval, events: Vec::new() }
    }

    fn next_interval(&self, task: &Task, changes: &Changes) -> Duration {
        let (inflow, outflow) = changes.flow.totals();
        let activity = Activity {
            first: changes.first,
            inflow,
            outflow,
            saturated: changes.gap.is_saturated(),
            pages_on_sale: self.options.pages_on_sale,
            pages_sold: self.options.pages_sold,
        };
        schedule::adapt(task.interval, &activity, &self.options.schedule)
    }

    async fn alerts(
        &self,
        tx: &mut Tx,
        ip: &Ip,
        changes: &Changes,
        completed: &[rows::HourRow],
        now: Timestamp,
    ) -> Result<Vec<Event>, StoreError> {
        let mut events = Vec::new();
        let options = crate::thresholds::of(ip, &self.options.alerts);
        // Back-filled hours are history; hours found complete long after (an outage) are not news any more.
        let news =
            completed.iter().filter(|h| !changes.first && now.since(h.hour) < Duration::from_millis(6 * HOUR as u64));
        for hour in news {
            let findings = judge::judge_hour(&ip.name, hour, &options);
            events.extend(self.tell(tx, ip, &findings, now).await?);
        }
        let fresh = judge::judge_silence(&ip.name, 0.0, "", &options);
        events.extend(self.tell(tx, ip, &[fresh], now).await?);
        Ok(events)
    }

    pub(crate) fn silence(&self, ip: &Ip, interval: Duration, error: &str, now: Timestamp) -> Finding {
        let last = ip.crawled_at.unwrap_or(ip.created_at);
        let intervals = now.since(last).as_secs_f64() / interval.as_secs_f64().max(1.0);
        judge::judge_silence(&ip.name, intervals, error, &crate::thresholds::of(ip, &self.options.alerts))
    }

    /// Steps the alert of each finding; answers an event for each that people are told of.
    pub(crate) async fn tell(
        &self,
        tx: &mut Tx,
        ip: &Ip,
        findings: &[Finding],
        now: Timestamp,
    ) -> Result<Vec<Event>, StoreError> {
        let mut events = Vec::new();
        for finding in findings {
            let key = AlertKey { kind: WatchKind::Market, ref_id: ip.id, alert_type: finding.alert_type, window: "" };
            let policy = &self.options.alerts.policy;
            let told = store::step_alert(tx, &key, finding.condition, &finding.wording, policy, now).await?;
            if let Some(notice) = told {
                let wording = &finding.wording;
                let data = json!({
                    "ip_id": ip.id, "ip_name": ip.name, "alert_type": finding.alert_type, "notice": notice.as_str(),
                    "severity": wording.severity, "title": wording.title, "message": wording.message,
                });
                events.push(Event { name: "alert".into(), data });
            }
        }
        Ok(events)
    }
}

fn crawled(ip: &Ip, changes: &Changes, crawl: &Crawl) -> Event {
    let (inflow, outflow) = changes.flow.totals();
    let data = json!({
        "ip_id": ip.id, "ip_name": ip.name, "inflow": inflow, "outflow": outflow,
        "pages": crawl.on_sale.pages + crawl.sold.pages, "saturated": changes.gap.is_saturated(),
        "first": changes.first, "covered_until": changes.covered_until,
    });
    Event { name: "crawl".into(), data }
}
