//! Who asks Mercari: plain requests, or the browser while those are refused. Pure: the instant is an argument.

use model::Timestamp;
use std::time::Duration;

/// When the browser takes over and when plain requests are tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TakeOver {
    /// Refusals in a row after which the browser asks.
    pub after: u32,
    /// After this long in the browser, one plain request is tried.
    pub probe_after: Duration,
}

impl Default for TakeOver {
    fn default() -> Self {
        Self { after: 3, probe_after: Duration::from_secs(300) }
    }
}

/// How the next page is to be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// By a plain request.
    Http,
    /// By a plain request that finds out whether they are answered again.
    Probe,
    /// By the browser.
    Browser,
}

/// The state of the switch.
#[derive(Clone, Debug)]
pub(super) struct ModeSwitch {
    policy: TakeOver,
    refusals: u32,
    /// When the browser took over, or when the last probe went.
    browser_since: Option<Timestamp>,
}

impl ModeSwitch {
    pub(super) const fn new(policy: TakeOver) -> Self {
        Self { policy, refusals: 0, browser_since: None }
    }

    pub(super) fn turn(&mut self, now: Timestamp) -> Turn {
        let Some(since) = self.browser_since else { return Turn::Http };
        if now >= since && now.since(since) < self.policy.probe_after {
            return Turn::Browser;
        }
        // From its start, not its end: a probe that is cancelled and reports nothing only costs its interval. A clock
        // that was set back probes at once.
        self.browser_since = Some(now);
        Turn::Probe
    }

    /// A plain request was answered; true when it takes over from the browser.
    pub(super) const fn answered(&mut self) -> bool {
        self.refusals = 0;
        self.browser_since.take().is_some()
    }

    /// A plain request was refused; true when the browser takes over now.
    pub(super) const fn refused(&mut self, now: Timestamp) -> bool {
        self.refusals = self.refusals.saturating_add(1);
        let takes_over = self.browser_since.is_none() && self.refusals >= self.policy.after;
        if takes_over {
            self.browser_since = Some(now);
        }
        takes_over
    }

    pub(super) const fn is_browser(&self) -> bool {
        self.browser_since.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_secs(1_795_000_000 + seconds)
    }

    #[test]
    fn three_refusals_in_a_row_and_not_two_switch_to_the_browser() {
        let mut s = ModeSwitch::new(TakeOver::default());
        assert!(!s.refused(at(0)) && !s.refused(at(1)));
        assert!(!s.answered(), "it was never away");
        assert!(!s.refused(at(2)) && !s.refused(at(3)));
        assert_eq!(s.turn(at(3)), Turn::Http);
        assert!(s.refused(at(4)));
        assert!(!s.refused(at(4)), "the other stream's refusal does not switch twice");
        assert_eq!(s.turn(at(5)), Turn::Browser);
    }

    #[test]
    fn one_probe_goes_every_five_minutes_and_an_answer_ends_the_browsers_turn() {
        let mut s = ModeSwitch::new(TakeOver::default());
        let switched = (0..3).map(|_| s.refused(at(0))).collect::<Vec<_>>();
        assert_eq!(switched, [false, false, true]);
        assert_eq!([s.turn(at(299)), s.turn(at(300)), s.turn(at(300))], [Turn::Browser, Turn::Probe, Turn::Browser]);
        assert!(!s.refused(at(301)));
        assert_eq!([s.turn(at(599)), s.turn(at(600))], [Turn::Browser, Turn::Probe]);
        assert!(s.answered() && !s.is_browser());
        assert_eq!(s.turn(at(601)), Turn::Http);
        assert!(!s.refused(at(602)), "counting starts anew");
    }

    #[test]
    fn a_clock_set_back_does_not_lock_the_browser_in() {
        let mut s = ModeSwitch::new(TakeOver::default());
        let switched = (0..3).map(|_| s.refused(at(0))).collect::<Vec<_>>();
        assert_eq!(switched, [false, false, true]);
        assert_eq!(s.turn(at(-86_400)), Turn::Probe);
    }
}
