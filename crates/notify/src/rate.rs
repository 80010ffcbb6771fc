//! How fast a channel may be spoken to. Pure: what was sent and the instant are arguments.

use model::{MINUTE, SECOND, Timestamp};

/// A channel's limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Sends in any second; 0 is no limit.
    pub per_second: u32,
    /// Sends in any minute; 0 is no limit.
    pub per_minute: u32,
    /// Keeps off the full and the half hour and minute, when everybody sends and Feishu answers 11232.
    pub avoid_marks: bool,
}

/// Seconds kept free after a full or half minute, and after a full or half hour.
const MINUTE_MARK: i64 = 2;
const HOUR_MARK: i64 = 20;

/// The sends of the last minute, oldest first: what a limit is measured against.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recent(Vec<Timestamp>);

impl Recent {
    /// Reads what [`Recent::to_text`] writes; what cannot be read was not sent.
    pub fn parse(text: &str) -> Self {
        Self(text.split(',').filter_map(|n| n.parse().ok().map(Timestamp)).collect())
    }

    /// Milliseconds with commas between.
    pub fn to_text(&self) -> String {
        self.0.iter().map(|t| t.millis().to_string()).collect::<Vec<_>>().join(",")
    }

    /// Notes a send and forgets those of more than a minute ago.
    pub fn note(&mut self, now: Timestamp) {
        self.0.retain(|t| *t <= now && now.since(*t).as_millis() < MINUTE as u128);
        self.0.push(now);
    }

    /// When the next send may go: `now` if at once. Sends that lie in the future, of a clock that was set back, count
    /// as sent now.
    pub fn next(&self, rate: &Rate, now: Timestamp) -> Timestamp {
        let minute = self.window(rate.per_minute, MINUTE, now);
        let second = self.window(rate.per_second, SECOND, now);
        let free = minute.max(second);
        if rate.avoid_marks { off_marks(free) } else { free }
    }

    fn window(&self, limit: u32, span: i64, now: Timestamp) -> Timestamp {
        let limit = limit as usize;
        // The one of the last `limit` sends that leaves the window first makes room.
        let oldest = self.0.len().checked_sub(limit).filter(|_| limit > 0).and_then(|i| self.0.get(i));
        oldest.map_or(now, |t| (*t).min(now).plus(span).max(now))
    }
}

/// The first instant at or after `t` that lies off the marks.
fn off_marks(t: Timestamp) -> Timestamp {
    let second = t.secs();
    let in_half_hour = second.rem_euclid(1_800);
    if in_half_hour < HOUR_MARK {
        return Timestamp::from_secs(second - in_half_hour + HOUR_MARK);
    }
    let in_half_minute = second.rem_euclid(30);
    if in_half_minute < MINUTE_MARK {
        return Timestamp::from_secs(second - in_half_minute + MINUTE_MARK);
    }
    t
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FEISHU: Rate = Rate { per_second: 5, per_minute: 100, avoid_marks: true };

    /// Sends as fast as it is allowed and says when each went.
    fn run(rate: &Rate, start: Timestamp, count: usize) -> Vec<Timestamp> {
        let (mut recent, mut now) = (Recent::default(), start);
        (0..count)
            .map(|_| {
                now = recent.next(rate, now);
                recent.note(now);
                now
            })
            .collect()
    }

    #[test]
    fn marks_are_avoided() {
        let hour = 1_799_996_400;
        assert_eq!(hour % 3600, 0);
        for (at, free) in [(0, 20), (19, 20), (20, 20), (30, 32), (31, 32), (32, 32), (60, 62), (1_800, 1_820)] {
            assert_eq!(off_marks(Timestamp::from_secs(hour + at)), Timestamp::from_secs(hour + free), "{at}");
        }
    }

    #[test]
    fn twenty_a_minute_are_twenty_a_minute() {
        let rate = Rate { per_second: 5, per_minute: 20, avoid_marks: false };
        let sent = run(&rate, Timestamp(0), 41);
        assert_eq!(sent[19].millis(), 3_000);
        assert_eq!(sent[20].millis(), 60_000);
        assert_eq!(sent[40].millis(), 120_000);
    }

    #[test]
    fn what_was_sent_survives_being_written_down() {
        let mut recent = Recent::default();
        (0..5).for_each(|i| recent.note(Timestamp(i)));
        assert_eq!(Recent::parse(&recent.to_text()), recent);
        assert_eq!(Recent::parse("x,,7").to_text(), "7");
        recent.note(Timestamp(MINUTE));
        assert_eq!(recent.to_text(), "1,2,3,4,60000");
    }

    #[test]
    fn a_clock_set_back_does_not_stop_a_channel_for_long() {
        let rate = Rate { per_second: 1, per_minute: 2, avoid_marks: false };
        let mut recent = Recent::default();
        recent.note(Timestamp(10 * MINUTE));
        recent.note(Timestamp(10 * MINUTE + SECOND));
        assert!(recent.next(&rate, Timestamp(0)) <= Timestamp(MINUTE));
        recent.note(Timestamp(0));
        assert_eq!(recent.to_text(), "0", "what lies ahead is forgotten");
    }

    proptest! {
        #[test]
        fn no_window_ever_holds_more_than_its_limit(start in 0i64..10_000_000_000, second in 1u32..6, minute in 1u32..40) {
            for avoid_marks in [false, true] {
                let rate = Rate { per_second: second, per_minute: minute, avoid_marks };
                let sent = run(&rate, Timestamp(start), 100);
                for (limit, span) in [(second, SECOND), (minute, MINUTE)] {
                    for pair in sent.windows(limit as usize + 1) {
                        prop_assert!(pair[limit as usize].millis() - pair[0].millis() >= span);
                    }
                }
            }
        }
    }

    #[test]
    fn feishu_stays_within_its_limits_over_an_hour() {
        let sent = run(&FEISHU, Timestamp(0), 3_000);
        assert!(sent.iter().all(|t| t.secs().rem_euclid(30) >= MINUTE_MARK && t.secs().rem_euclid(1_800) >= HOUR_MARK));
    }
}
