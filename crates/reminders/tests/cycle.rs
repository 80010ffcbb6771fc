//! Renewal days and reminders, by table and by property.
#![allow(clippy::unwrap_used, reason = "a test file; the lint only knows test functions")]

use jiff::civil::Date;
use model::Timestamp;
use proptest::prelude::*;
use reminders::Zone;
use reminders::ahead::Ahead;
use reminders::cycle::{Cycle, CycleType, days_between};
use reminders::standing::Terms;
use std::time::Duration;

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

#[test]
fn next_renewal_days() {
    use CycleType::{Monthly, Weekly, Yearly};
    for (cycle, number, today, next, last) in [
        // 2026-11-21 is a Saturday.
        (Weekly, 6, "2026-11-21", "2026-11-21", "2026-11-21"),
        (Weekly, 7, "2026-11-21", "2026-11-22", "2026-11-15"),
        (Weekly, 1, "2026-11-21", "2026-11-23", "2026-11-16"),
        (Weekly, 5, "2026-12-31", "2027-01-01", "2026-12-25"),
        (Monthly, 21, "2026-11-21", "2026-11-21", "2026-11-21"),
        (Monthly, 20, "2026-11-21", "2026-12-20", "2026-11-20"),
        (Monthly, 31, "2026-11-21", "2026-11-30", "2026-10-31"),
        (Monthly, 31, "2026-11-30", "2026-11-30", "2026-11-30"),
        (Monthly, 31, "2026-12-01", "2026-12-31", "2026-11-30"),
        (Monthly, 30, "2027-01-31", "2027-02-28", "2027-01-30"),
        (Monthly, 29, "2028-02-10", "2028-02-29", "2028-01-29"),
        (Monthly, 1, "2026-12-31", "2027-01-01", "2026-12-01"),
        (Yearly, 229, "2026-11-21", "2027-02-28", "2026-02-28"),
        (Yearly, 229, "2027-12-01", "2028-02-29", "2027-02-28"),
        (Yearly, 229, "2028-02-29", "2028-02-29", "2028-02-29"),
        (Yearly, 228, "2028-02-29", "2029-02-28", "2028-02-28"),
        (Yearly, 1121, "2026-11-21", "2026-11-21", "2026-11-21"),
        (Yearly, 1120, "2026-11-21", "2027-11-20", "2026-11-20"),
        (Yearly, 101, "2026-12-31", "2027-01-01", "2026-01-01"),
    ] {
        let cycle = Cycle::new(cycle, number).unwrap();
        assert_eq!(cycle.next(day(today)), Some(day(next)), "{cycle:?} after {today}");
        assert_eq!(cycle.last(day(today)), Some(day(last)), "{cycle:?} before {today}");
        assert_eq!((cycle.day(), Cycle::new(cycle.kind(), cycle.day())), (number, Ok(cycle)));
    }
    for (cycle, number) in [(Weekly, 0), (Weekly, 8), (Monthly, 0), (Monthly, 32), (Yearly, 230), (Yearly, 1301)] {
        assert!(Cycle::new(cycle, number).is_err(), "{cycle:?} {number}");
    }
    assert!(
        Cycle::new(Yearly, 100).is_err() && Cycle::new(Yearly, -101).is_err() && Cycle::new(Yearly, i64::MAX).is_err()
    );
    let month = Cycle::new(Monthly, 31).unwrap();
    let days: Vec<String> = month.between(day("2026-11-01"), day("2027-02-28")).map(|d| d.to_string()).collect();
    assert_eq!(days, ["2026-11-30", "2026-12-31", "2027-01-31", "2027-02-28"]);
    assert_eq!(month.next(Date::MAX), Some(Date::MAX));
    assert_eq!(Cycle::new(Monthly, 5).unwrap().next(Date::MAX), None);
}

#[test]
fn reminders_are_a_number_or_a_list() {
    for (text, shown, most) in
        [("3", "3", 3), ("7,3,1,0", "7,3,1,0", 7), ("0, 1,7 ,3,3", "7,3,1,0", 7), ("5,", "5,", 5)]
    {
        let ahead = Ahead::parse(text).unwrap();
        assert_eq!((ahead.to_string().as_str(), ahead.most()), (shown, most));
        assert_eq!(Ahead::parse(&ahead.to_string()), Ok(ahead.clone()));
        assert_eq!(serde_json::from_value::<Ahead>(serde_json::to_value(&ahead).unwrap()).unwrap(), ahead);
    }
    for text in ["", ",", "-1", "x", "1,x", "732", "9999999"] {
        assert!(Ahead::parse(text).is_err(), "{text:?}");
    }
    assert!(serde_json::from_str::<Ahead>("[]").is_err() && serde_json::from_str::<Ahead>("1.5").is_err());
    let list = Ahead::parse("7,3,0").unwrap();
    let due: Vec<Option<u16>> = (-1..9).map(|d| list.due(d)).collect();
    let (none, seven, three) = (None, Some(7), Some(3));
    assert_eq!(due, [none, Some(0), three, three, three, seven, seven, seven, seven, none]);
    assert_eq!((Ahead::From(2).due(3), Ahead::From(2).due(2), Ahead::From(2).due(0)), (None, Some(2), Some(0)));
}

fn terms(cycle: Cycle, ahead: &str) -> Terms {
    Terms { cycle, ahead: Ahead::parse(ahead).unwrap(), last_renewed: None, end: None }
}

#[test]
fn a_payment_is_for_the_day_it_was_meant_for() {
    for (cycle, ahead, paid_on, paid_for) in [
        (Cycle::Monthly(15), "3", "2026-11-13", "2026-11-15"),
        (Cycle::Monthly(15), "3", "2026-11-15", "2026-11-15"),
        (Cycle::Monthly(15), "3", "2026-11-17", "2026-11-15"),
        (Cycle::Monthly(15), "3", "2026-11-28", "2026-11-15"),
        (Cycle::Monthly(15), "3", "2026-12-05", "2026-12-15"),
        (Cycle::Monthly(15), "25", "2026-11-21", "2026-12-15"),
        (Cycle::Monthly(15), "25", "2026-11-18", "2026-11-15"),
        (Cycle::Weekly(1), "7,1", "2026-11-17", "2026-11-16"),
        (Cycle::Weekly(1), "7,1", "2026-11-18", "2026-11-23"),
        (Cycle::Yearly(12, 1), "30", "2026-11-05", "2026-12-01"),
        (Cycle::Yearly(12, 1), "30", "2027-01-05", "2026-12-01"),
    ] {
        let terms = Terms { last_renewed: Some(day(paid_on)), ..terms(cycle, ahead) };
        assert_eq!(terms.paid(), Some(day(paid_for)), "{cycle:?} paid on {paid_on}");
    }
}

#[test]
fn where_a_renewal_stands() {
    let monthly = terms(Cycle::Monthly(30), "7,3,1,0");
    let at = |t: &Terms, today: &str| {
        let s = t.standing(day(today));
        (s.days, s.renewed, s.reminder, s.next_reminder.map(|d| d.to_string()))
    };
    let on = |d: &str| Some(d.to_owned());
    assert_eq!(at(&monthly, "2026-11-21"), (Some(9), false, None, on("2026-11-23")));
    assert_eq!(at(&monthly, "2026-11-23"), (Some(7), false, Some(7), on("2026-11-27")));
    assert_eq!(at(&monthly, "2026-11-30"), (Some(0), false, Some(0), on("2026-12-23")));
    let paid = Terms { last_renewed: Some(day("2026-11-24")), ..monthly.clone() };
    assert_eq!(at(&paid, "2026-11-24"), (Some(6), true, None, on("2026-12-23")));
    assert_eq!(at(&paid, "2026-12-01"), (Some(29), false, None, on("2026-12-23")));
    let ending = Terms { end: Some(day("2026-11-30")), ..monthly };
    assert_eq!(at(&ending, "2026-11-30"), (Some(0), false, Some(0), None));
    assert_eq!(at(&ending, "2026-12-01"), (None, false, None, None));
}

#[test]
fn the_day_begins_where_people_are() {
    let tokyo = Zone::parse("Asia/Tokyo").unwrap();
    let now = Timestamp::parse("2026-11-20T15:30:00Z").unwrap();
    assert_eq!(tokyo.date(now), Some(day("2026-11-21")));
    assert_eq!(Zone::parse("America/New_York").unwrap().date(now), Some(day("2026-11-20")));
    let nine = jiff::civil::Time::constant(9, 0, 0, 0);
    let next = |zone: &str, now: &str| {
        let now = Timestamp::parse(now).unwrap();
        Zone::parse(zone).unwrap().next(nine, Duration::from_secs(60), now).unwrap()
    };
    let at = |text: &str| Timestamp::parse(text).unwrap();
    assert_eq!(next("Asia/Tokyo", "2026-11-21T08:00:00+09:00"), at("2026-11-21T09:01:00+09:00"));
    assert_eq!(next("Asia/Tokyo", "2026-11-21T09:00:30+09:00"), at("2026-11-21T09:01:00+09:00"));
    assert_eq!(next("Asia/Tokyo", "2026-11-21T09:01:00+09:00"), at("2026-11-22T09:01:00+09:00"));
    assert_eq!(next("Europe/Berlin", "2026-10-24T09:30:00+02:00"), at("2026-10-25T09:01:00+01:00"));
    for wrong in ["", "Nowhere/City", "../../etc/passwd"] {
        assert!(Zone::parse(wrong).is_err(), "{wrong:?}");
    }
}

fn cycles() -> impl Strategy<Value = Cycle> {
    prop_oneof![
        (1_i64..=7).prop_map(|d| Cycle::new(CycleType::Weekly, d).unwrap()),
        (1_i64..=31).prop_map(|d| Cycle::new(CycleType::Monthly, d).unwrap()),
        (1_i64..=12, 1_i64..=31)
            .prop_filter_map("no such day", |(m, d)| Cycle::new(CycleType::Yearly, m * 100 + d).ok()),
    ]
}

fn dates() -> impl Strategy<Value = Date> {
    (1990_i16..2100, 1_i8..=12, 1_i8..=31).prop_filter_map("no such day", |(y, m, d)| Date::new(y, m, d).ok())
}

proptest! {
    /// The next day is the first one from today on that is a renewal day, found here by walking.
    #[test]
    fn next_is_the_first_renewal_day(cycle in cycles(), today in dates()) {
        let is_renewal = |d: Date| match cycle {
            Cycle::Weekly(w) => d.weekday().to_monday_one_offset() == w,
            Cycle::Monthly(n) => d.day() == n.min(d.days_in_month()),
            Cycle::Yearly(m, n) => d.month() == m && d.day() == n.min(d.days_in_month()),
        };
        let mut walked = today;
        while !is_renewal(walked) {
            walked = walked.tomorrow().unwrap();
        }
        prop_assert_eq!(cycle.next(today), Some(walked));
        let mut back = today;
        while !is_renewal(back) {
            back = back.yesterday().unwrap();
        }
        prop_assert_eq!(cycle.last(today), Some(back));
    }

    /// Whoever looks every day is told on each listed day, once, and never else.
    #[test]
    fn each_listed_day_is_told_once(cycle in cycles(), today in dates(), list in proptest::collection::vec(0_u16..6, 2..5)) {
        let text: Vec<String> = list.iter().map(ToString::to_string).collect();
        let terms = terms(cycle, &text.join(","));
        let (mut told, mut date) = (None, today);
        for _ in 0..60 {
            let standing = terms.standing(date);
            let days = standing.days.unwrap();
            let key = standing.reminder.map(|r| (standing.next, r));
            if key.is_some() && key != told {
                prop_assert!(list.iter().any(|l| i64::from(*l) == days) || date == today, "{date}: {standing:?}");
                told = key;
            } else {
                prop_assert!(!list.iter().any(|l| i64::from(*l) == days), "not told on {date}: {standing:?}");
            }
            prop_assert!(standing.next_reminder.is_some_and(|d| d > date));
            date = date.tomorrow().unwrap();
        }
    }

    /// A payment on any day is for a renewal day next to it, and one within the reminders is for the coming one.
    #[test]
    fn a_payment_is_for_a_neighbour(cycle in cycles(), paid in dates(), ahead in 0_i64..30) {
        let day = cycle.paid_for(paid, ahead).unwrap();
        prop_assert!(Some(day) == cycle.next(paid) || Some(day) == cycle.last(paid));
        let (since, until) = (days_between(cycle.last(paid).unwrap(), paid), days_between(paid, cycle.next(paid).unwrap()));
        if until <= ahead && since > 36 {
            prop_assert_eq!(Some(day), cycle.next(paid));
        }
    }
}
