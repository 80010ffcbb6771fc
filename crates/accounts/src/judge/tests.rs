use super::*;
use crate::forecast::Note;
use crate::reading::Window;

fn now() -> Timestamp {
    Timestamp::parse("2026-11-21T12:03:00Z").unwrap()
}

fn left(remaining: &str, total: &str) -> Reading {
    let number = |text: &str| text.parse::<Decimal>().ok();
    Reading { remaining: number(remaining), total: number(total), unit: Some("USD".into()), ..Reading::default() }
}

fn found(when: &str, reading: &Reading, forecast: Option<&Forecast>) -> Finding {
    judge("prod", &[when.parse().unwrap()], reading, forecast, now(), &AccountOptions::default()).remove(0)
}

fn days(days_left: Option<f64>, confidence: Confidence) -> Forecast {
    Forecast { days_left, low: None, high: None, burn_per_day: None, confidence, empties_at: None, note: Note::Burning }
}

#[test]
fn below_is_bad_at_the_limit_is_good_and_what_is_not_known_is_neither() {
    for (when, remaining, total, expected) in [
        ("100", "99.99", "", Condition::Bad),
        ("100", "100", "", Condition::Good),
        ("0", "-0.01", "", Condition::Bad),
        ("100", "", "500", Condition::Unknown),
        ("20%", "19.9", "100", Condition::Bad),
        ("20%", "20", "100", Condition::Good),
        ("20%", "20", "", Condition::Unknown),
        ("20%", "20", "0", Condition::Unknown),
        ("expires < 7d", "1", "", Condition::Good),
    ] {
        assert_eq!(found(when, &left(remaining, total), None).condition, expected, "{when} {remaining}/{total}");
    }
    let unlimited = Reading { unlimited: true, ..Reading::default() };
    assert_eq!(found("100", &unlimited, None).condition, Condition::Good);
}

#[test]
fn the_fullest_window_counts() {
    let window = |used| Window { name: "weekly".into(), used_ratio: Decimal::new(used, 2), resets_at: None };
    let reading = Reading { windows: vec![window(10), window(95)], ..left("5", "") };
    assert_eq!(percent_left(&reading), Some(Decimal::from(5)));
    let finding = found("10%", &reading, None);
    assert_eq!((finding.condition, finding.alert_type), (Condition::Bad, "low_ratio"));
    assert_eq!(finding.wording.title, "prod: 5 % left");
}

#[test]
fn days_left_are_judged_once_the_forecast_has_seen_enough() {
    let reading = left("50", "");
    let judged = |forecast: Option<Forecast>| found("days_left < 7", &reading, forecast.as_ref()).condition;
    assert_eq!(judged(None), Condition::Unknown);
    assert_eq!(judged(Some(days(Some(1.0), Confidence::Accumulating))), Condition::Unknown);
    assert_eq!(judged(Some(days(Some(6.9), Confidence::Low))), Condition::Bad);
    assert_eq!(judged(Some(days(Some(7.0), Confidence::High))), Condition::Good);
    assert_eq!(judged(Some(days(None, Confidence::Medium))), Condition::Good);
    let finding = found("days_left < 7", &reading, Some(&days(Some(6.94), Confidence::Low)));
    assert_eq!(finding.wording.message, "lasts 6.9 days more at the present burn (low confidence), less than 7");
}

#[test]
fn expiry_is_told_before_and_after_the_day() {
    let expiring = |text| Reading { expires_at: Timestamp::parse(text), ..left("50", "") };
    assert_eq!(found("expires < 7d", &expiring("2026-11-25T12:03:00Z"), None).condition, Condition::Bad);
    assert_eq!(found("expires < 7d", &expiring("2026-11-20T12:03:00Z"), None).condition, Condition::Bad);
    assert_eq!(found("expires < 7d", &expiring("2026-12-25T12:03:00Z"), None).condition, Condition::Good);
}

#[test]
fn a_refused_secret_is_told_at_once_and_silence_after_some_looks() {
    let options = AccountOptions::default();
    let unread = |status| judge_unread("prod", status, "HTTP 401", Some(now()), &options);
    let refused = unread(ReadingStatus::Unauthorized);
    assert_eq!((refused.policy.failure_threshold, refused.wording.severity), (1, Severity::Critical));
    assert_eq!(refused.wording.title, "prod cannot be read: unauthorized");
    let silent = unread(ReadingStatus::Unreachable);
    assert_eq!((silent.policy.failure_threshold, silent.wording.severity), (3, Severity::Warning));
    let findings = judge("prod", &[], &left("1", ""), None, now(), &options);
    assert_eq!((findings.len(), findings[0].alert_type, findings[0].condition), (1, UNREADABLE, Condition::Good));
}
