//! The life of an alert, one machine for all watches:
//! pending → firing → acked | snoozed → resolved. Pure: the instant and the policy are arguments.

use crate::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Look at it today.
    Warning,
    /// Look at it now.
    Critical,
}

impl Severity {
    /// The word in tables and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }

    /// Reads what [`Severity::as_str`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Info, Self::Warning, Self::Critical].into_iter().find(|s| s.as_str() == text)
    }
}

/// Where an alert stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AlertStatus {
    /// The condition holds, not yet often enough to tell anybody.
    Pending,
    /// Told, and told again every cool-down.
    Firing,
    /// A person has seen it; no reminders.
    Acked,
    /// Silent until an instant, then firing again.
    Snoozed,
    /// Over.
    Resolved,
}

impl AlertStatus {
    /// The word in tables and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Firing => "firing",
            Self::Acked => "acked",
            Self::Snoozed => "snoozed",
            Self::Resolved => "resolved",
        }
    }

    /// Reads what [`AlertStatus::as_str`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Pending, Self::Firing, Self::Acked, Self::Snoozed, Self::Resolved]
            .into_iter()
            .find(|s| s.as_str() == text)
    }
}

/// What one look at the target says of the alert's condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It holds.
    Bad,
    /// It does not hold.
    Good,
    /// Could not be told (no data, a division by zero): nothing changes. Unknown is neither.
    Unknown,
}

/// How often is often enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlertPolicy {
    /// Looks in a row that find the condition before it fires; at least 1.
    pub failure_threshold: u32,
    /// Looks in a row that do not find it before it is resolved; at least 1.
    pub success_threshold: u32,
    /// Time between two reminders of a firing alert.
    pub cooldown: Duration,
}

impl Default for AlertPolicy {
    fn default() -> Self {
        Self { failure_threshold: 1, success_threshold: 2, cooldown: Duration::from_secs(86_400) }
    }
}

/// The state of one alert, as its row holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlertLife {
    /// Where it stands.
    pub status: AlertStatus,
    /// Looks in a row that found the condition.
    pub failures: u32,
    /// Looks in a row that did not.
    pub successes: u32,
    /// When the condition was first seen.
    pub opened_at: Timestamp,
    /// When people were last told.
    pub told_at: Option<Timestamp>,
    /// Until when it is silent, if snoozed.
    pub snoozed_until: Option<Timestamp>,
    /// When it was resolved.
    pub resolved_at: Option<Timestamp>,
}

/// Why people are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NoticeKind {
    /// It fires for the first time.
    Fired,
    /// It still fires, a cool-down later.
    Reminder,
    /// It is over.
    Recovered,
}

impl NoticeKind {
    /// The word in the outbox.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fired => "fired",
            Self::Reminder => "reminder",
            Self::Recovered => "recovered",
        }
    }
}

/// The outcome of one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The alert afterwards; `None` when there is none (never was, or it was pending and the condition is gone).
    pub life: Option<AlertLife>,
    /// What to tell, if anything.
    pub tell: Option<NoticeKind>,
}

/// Moves an alert by one look. `life` is the open alert of its key, or `None`; a resolved one counts as none.
pub fn step(life: Option<AlertLife>, condition: Condition, now: Timestamp, policy: &AlertPolicy) -> Notice {
    let open = life.filter(|l| l.status != AlertStatus::Resolved);
    match (open, condition) {
        (open, Condition::Unknown) => Notice { life: open, tell: None },
        (None, Condition::Good) => Notice { life: None, tell: None },
        (None, Condition::Bad) => bad(
            AlertLife {
                status: AlertStatus::Pending,
                failures: 0,
                successes: 0,
                opened_at: now,
                told_at: None,
                snoozed_until: None,
                resolved_at: None,
            },
            now,
            policy,
        ),
        (Some(open), Condition::Bad) => bad(open, now, policy),
        (Some(open), Condition::Good) => good(open, now, policy),
    }
}

fn bad(mut life: AlertLife, now: Timestamp, policy: &AlertPolicy) -> Notice {
    life.failures = life.failures.saturating_add(1);
    life.successes = 0;
    if life.status == AlertStatus::Snoozed && life.snoozed_until.is_none_or(|until| until <= now) {
        life.status = AlertStatus::Firing;
        life.snoozed_until = None;
    }
    let tell = match life.status {
        AlertStatus::Pending if life.failures >= policy.failure_threshold.max(1) => {
            life.status = AlertStatus::Firing;
            Some(NoticeKind::Fired)
        }
        AlertStatus::Firing if life.told_at.is_none_or(|told| now.since(told) >= policy.cooldown) => {
            Some(NoticeKind::Reminder)
        }
        _ => None,
    };
    if tell.is_some() {
        life.told_at = Some(now);
    }
    Notice { life: Some(life), tell }
}

fn good(mut life: AlertLife, now: Timestamp, policy: &AlertPolicy) -> Notice {
    life.failures = 0;
    life.successes = life.successes.saturating_add(1);
    if life.status == AlertStatus::Pending {
        return Notice { life: None, tell: None };
    }
    if life.successes < policy.success_threshold.max(1) {
        return Notice { life: Some(life), tell: None };
    }
    life.status = AlertStatus::Resolved;
    life.resolved_at = Some(now);
    life.snoozed_until = None;
    life.told_at = Some(now);
    Notice { life: Some(life), tell: Some(NoticeKind::Recovered) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: AlertPolicy =
        AlertPolicy { failure_threshold: 2, success_threshold: 2, cooldown: Duration::from_secs(100) };

    fn run(looks: &[(i64, Condition)]) -> Vec<Option<NoticeKind>> {
        let mut life = None;
        looks
            .iter()
            .map(|&(at, condition)| {
                let notice = step(life, condition, Timestamp::from_secs(at), &POLICY);
                life = notice.life;
                notice.tell
            })
            .collect()
    }

    #[test]
    fn fires_after_the_threshold_reminds_and_recovers() {
        use Condition::{Bad, Good};
        let told =
            run(&[(0, Bad), (10, Bad), (20, Bad), (110, Bad), (120, Good), (130, Bad), (140, Good), (150, Good)]);
        let fired = Some(NoticeKind::Fired);
        let reminder = Some(NoticeKind::Reminder);
        let over = Some(NoticeKind::Recovered);
        assert_eq!(told, [None, fired, None, reminder, None, None, None, over]);
    }

    #[test]
    fn unknown_changes_nothing() {
        use Condition::{Bad, Good, Unknown};
        let told = run(&[(0, Bad), (1, Unknown), (2, Bad), (3, Good), (4, Unknown), (5, Good)]);
        assert_eq!(told, [None, None, Some(NoticeKind::Fired), None, None, Some(NoticeKind::Recovered)]);
    }

    #[test]
    fn a_pending_alert_goes_without_a_word() {
        use Condition::{Bad, Good};
        assert_eq!(run(&[(0, Bad), (1, Good), (2, Bad), (3, Good)]), [None; 4]);
    }

    #[test]
    fn an_acked_alert_is_silent_until_it_recovers_and_a_snoozed_one_until_its_time() {
        let firing = step(None, Condition::Bad, Timestamp(0), &AlertPolicy { failure_threshold: 1, ..POLICY });
        let mut life = firing.life.unwrap();
        life.status = AlertStatus::Acked;
        let later = step(Some(life), Condition::Bad, Timestamp::from_secs(500), &POLICY);
        assert_eq!(later.tell, None);
        life.status = AlertStatus::Snoozed;
        life.snoozed_until = Some(Timestamp::from_secs(300));
        assert_eq!(step(Some(life), Condition::Bad, Timestamp::from_secs(299), &POLICY).tell, None);
        let woken = step(Some(life), Condition::Bad, Timestamp::from_secs(300), &POLICY);
        assert_eq!(woken.tell, Some(NoticeKind::Reminder));
        assert_eq!(woken.life.unwrap().status, AlertStatus::Firing);
    }
}
