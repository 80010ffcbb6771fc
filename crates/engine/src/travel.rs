//! A watch whose fetch can happen in another process, which has no store: what travels there and back, as text.

use crate::check::{Checked, conclude, prepare};
use crate::error::FetchError;
use crate::watch::Watch;
use crate::{Engine, log};
use model::Timestamp;
use std::time::{Duration, Instant};
use store::Task;
use trace::tracing::Instrument as _;

/// One fetch for somebody else.
#[derive(Clone, Debug, PartialEq)]
pub struct Errand<B> {
    /// The claim's number; whoever records finds the task by it.
    pub task_id: String,
    /// The watch's own row.
    pub ref_id: i64,
    /// All the fetch needs.
    pub brief: B,
    /// When it was handed out.
    pub handed_at: Timestamp,
    /// When the lease ends: later nobody wants to know. `None` when it is not said.
    pub lease_until: Option<Timestamp>,
    /// Failures in a row before this attempt.
    pub failures: u32,
    /// Where its trace goes on.
    pub origin: Option<String>,
}

/// What came of an errand.
#[derive(Clone, Debug, PartialEq)]
pub struct Report<O> {
    /// The claim's number.
    pub task_id: String,
    /// The watch's own row.
    pub ref_id: i64,
    /// What was seen, or why nothing was.
    pub outcome: Result<O, FetchError>,
    /// When the errand was handed out, by the clock of who did; `None` when it is not said.
    pub handed_at: Option<Timestamp>,
    /// When the fetch began, by the clock of who fetched.
    pub seen_at: Timestamp,
    /// Where its trace goes on.
    pub origin: Option<String>,
}

/// A watch whose fetch can happen elsewhere.
pub trait Travels: Watch {
    /// An errand as text.
    fn write_errand(&self, errand: &Errand<Self::Brief>) -> String;
    /// The errand of a text, or what is wrong with it.
    fn read_errand(&self, text: &str) -> Result<Errand<Self::Brief>, String>;
    /// A report as text.
    fn write_report(&self, report: &Report<Self::Observation>) -> String;
    /// The report of a text, or what is wrong with it.
    fn read_report(&self, text: &str) -> Result<Report<Self::Observation>, String>;
}

/// An errand for a claimed target; `None` when there is nothing to look at any more.
pub async fn errand<W: Travels>(engine: &Engine, watch: &W, task: &Task) -> Result<Option<Errand<W::Brief>>, Checked> {
    let brief = prepare(engine, watch, task).await.map_err(|e| Checked::of(Err(e)))?;
    Ok(brief.map(|brief| Errand {
        task_id: task.task_id.clone(),
        ref_id: task.ref_id,
        brief,
        handed_at: engine.clock.now(),
        lease_until: Some(task.lease_until),
        failures: task.failures,
        origin: trace::current(),
    }))
}

/// Clocks of two machines may differ so much before it is said.
const SKEW: Duration = Duration::from_secs(5);

/// Records what came of an errand, if its lease still stands: exactly once, however often it arrives.
pub async fn arrived<W: Travels>(engine: &Engine, watch: &W, report: Report<W::Observation>) -> Checked {
    let begun = Instant::now();
    let task = match store::held(&engine.store, &report.task_id).await {
        Ok(Some(task)) => task,
        not_held => {
            let checked = not_held.map_or_else(|e| Checked::of(Err(e)), |_| Checked::Stale);
            engine.metrics.checked(watch.kind(), checked.status(), begun.elapsed());
            tracing::debug!(task_id = report.task_id, status = checked.status(), "a report nobody waits for");
            return checked;
        }
    };
    let seen_at = by_our_clock(&report, engine.clock.now());
    let span = trace::span!("arrived", task_id = task.task_id.as_str());
    if let Some(origin) = &report.origin {
        trace::follow(&span, origin);
    }
    let ended = conclude(engine, watch, &task, report.outcome, seen_at).instrument(span).await;
    let checked = Checked::of(ended);
    engine.metrics.checked(task.kind, checked.status(), begun.elapsed());
    log(&task, &checked, begun.elapsed());
    checked
}

/// When it was seen, held between handing out and now: a clock elsewhere that goes wrong must not date sales.
fn by_our_clock<O>(report: &Report<O>, now: Timestamp) -> Timestamp {
    let earliest = report.handed_at.unwrap_or(report.seen_at).min(now);
    let held = report.seen_at.clamp(earliest, now);
    let off = if held > report.seen_at { held.since(report.seen_at) } else { report.seen_at.since(held) };
    if off > SKEW {
        tracing::warn!(task_id = report.task_id, seconds = off.as_secs(), "the clock of a worker differs from ours");
    }
    held
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_of_another_clock_lies_between_handing_out_and_now() {
        let at = |s| Timestamp::from_secs(1_795_000_000 + s);
        let seen = |handed: Option<i64>, seen| {
            let report = Report::<()> {
                task_id: "t:1".into(),
                ref_id: 1,
                outcome: Ok(()),
                handed_at: handed.map(at),
                seen_at: at(seen),
                origin: None,
            };
            by_our_clock(&report, at(100))
        };
        assert_eq!([seen(Some(50), 70), seen(Some(50), 10), seen(Some(50), 900)], [at(70), at(50), at(100)]);
        assert_eq!([seen(None, 70), seen(None, 900)], [at(70), at(100)]);
        assert_eq!(seen(Some(300), 200), at(100), "whoever handed it out has a clock ahead of ours");
    }
}
