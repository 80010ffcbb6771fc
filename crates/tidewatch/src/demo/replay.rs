//! Recorded pages instead of a made-up market: every recorded crawl once, in order, over HTTP.

use super::DemoClock;
use crate::app::Prelude;
use crate::terminal::Progress;
use anyhow::Context;
use async_trait::async_trait;
use engine::{Engine, Registered, simulate};
use market::fetch::{RowKind, parse_page};
use model::{Clock, HOUR, Timestamp};
use sim::RunningSim;
use sim::replay::Recording;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Pages of a keyword recorded within this time are one crawl, as the simulated upstream serves them.
const ONE_CRAWL_MS: i64 = HOUR;
/// Every IP is due again after this, whatever the schedule made of it.
const NEXT_ROUND_MS: i64 = 3 * HOUR;

/// What a directory of recordings holds.
#[derive(Debug, Default)]
pub struct Recorded {
    files: usize,
    keywords: usize,
    rows: BTreeMap<&'static str, usize>,
    skipped: BTreeMap<String, usize>,
    refused: Vec<(String, String)>,
    /// When each round of crawls takes place.
    rounds: Vec<Timestamp>,
}

impl Recorded {
    /// Reads every recording as a crawl would.
    pub fn of(recordings: &[Recording]) -> Self {
        let mut recorded = Self { files: recordings.len(), rounds: rounds(recordings), ..Self::default() };
        recorded.keywords = by_keyword(recordings).len();
        for recording in recordings {
            match parse_page(recording.body.as_bytes()) {
                Ok(page) => {
                    page.rows.iter().for_each(|row| *recorded.rows.entry(kind(row.kind)).or_default() += 1);
                    page.skipped.into_iter().for_each(|row| *recorded.skipped.entry(row.reason).or_default() += 1);
                }
                Err(e) => recorded.refused.push((recording.file.clone(), e.to_string())),
            }
        }
        recorded
    }

    /// When the first round takes place.
    pub fn start(&self) -> Timestamp {
        self.rounds.first().copied().unwrap_or_default()
    }
}

impl fmt::Display for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (files, keywords, rounds) = (self.files, self.keywords, self.rounds.len());
        writeln!(f, "recordings  {files} pages of {keywords} keywords, {rounds} rounds of crawls")?;
        let rows: Vec<String> = self.rows.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
        writeln!(f, "rows        {}", if rows.is_empty() { "none".to_owned() } else { rows.join(", ") })?;
        let skipped: usize = self.skipped.values().sum();
        writeln!(f, "skipped     {skipped}")?;
        for (reason, n) in &self.skipped {
            writeln!(f, "            {n}: {reason}")?;
        }
        self.refused.iter().try_for_each(|(file, why)| writeln!(f, "refused     {file}: {why}"))
    }
}

const fn kind(kind: RowKind) -> &'static str {
    match kind {
        RowKind::Personal => "personal",
        RowKind::Shops => "shops",
        RowKind::Auction => "auction",
    }
}

fn by_keyword(recordings: &[Recording]) -> BTreeMap<&str, Vec<i64>> {
    let mut dates: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for recording in recordings.iter().filter(|recording| !recording.asked.keyword.trim().is_empty()) {
        dates.entry(recording.asked.keyword.trim()).or_default().push(recording.date_ms);
    }
    dates
}

/// The n-th round serves the n-th crawl of every keyword, so it takes place when all of those had been recorded.
fn rounds(recordings: &[Recording]) -> Vec<Timestamp> {
    let mut rounds: Vec<i64> = Vec::new();
    for mut dates in by_keyword(recordings).into_values() {
        dates.sort_unstable();
        let mut round = 0;
        for (i, date) in dates.iter().enumerate() {
            round += usize::from(i > 0 && date - dates[i - 1] >= ONE_CRAWL_MS);
            match rounds.get_mut(round) {
                Some(latest) => *latest = (*latest).max(*date),
                None => rounds.push(*date),
            }
        }
    }
    for i in 1..rounds.len() {
        rounds[i] = rounds[i].max(rounds[i - 1] + NEXT_ROUND_MS);
    }
    rounds.into_iter().map(Timestamp).collect()
}

/// Crawls every round at its time, then lets the clock run; the last recordings are served from then on.
pub struct Replayed {
    /// The clock of everything.
    pub clock: DemoClock,
    /// The upstream that serves the recordings.
    pub upstream: Arc<RunningSim>,
    /// What is served.
    pub recorded: Recorded,
    /// How fast time runs afterwards.
    pub speed: f64,
}

#[async_trait]
impl Prelude for Replayed {
    async fn play(self: Box<Self>, engine: &Arc<Engine>, watches: &[Arc<dyn Registered>]) -> anyhow::Result<()> {
        let rounds = &self.recorded.rounds;
        let mut progress = Progress::new("replaying:", rounds.len() as u64);
        let (mut crawls, mut failed) = (0, 0);
        for (n, at) in rounds.iter().enumerate() {
            if n > 0 {
                self.upstream.replay_step(1);
            }
            self.clock.history().set((*at).max(self.clock.now()));
            let until = self.clock.now().plus(1);
            let done = simulate(engine, watches, self.clock.history(), until, |_, _| {}).await;
            let done = done.context("replaying")?;
            (crawls, failed) = (crawls + done.recorded, failed + done.failed);
            progress.at(n as u64 + 1, || format!("{crawls} crawls"));
        }
        progress.done();
        tracing::info!(rounds = rounds.len(), crawls, failed, "recordings replayed");
        self.clock.go_live(self.speed);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim::replay::Asked;

    fn recording(keyword: &str, hour: i64) -> Recording {
        let asked = Asked { keyword: keyword.to_owned(), ..Asked::default() };
        let body = r#"{"meta":{"numFound":"1","nextPageToken":""},"items":[{"id":"x"}]}"#.to_owned();
        Recording { file: format!("{keyword}-{hour}"), date_ms: hour * HOUR, asked, body }
    }

    #[test]
    fn a_round_waits_for_its_latest_recording_and_for_the_round_before() {
        let recordings = [recording("a", 10), recording("a", 20), recording("a", 40), recording("b", 100)];
        let hours: Vec<i64> = rounds(&recordings).into_iter().map(|t| t.millis() / HOUR).collect();
        assert_eq!(hours, [100, 103, 106]);
        let text = Recorded::of(&recordings).to_string();
        assert!(text.contains("4 pages of 2 keywords, 3 rounds"), "{text}");
        assert!(text.contains("skipped     4"), "{text}");
    }
}
