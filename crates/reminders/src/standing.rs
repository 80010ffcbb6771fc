//! Where a renewal stands on a given day. Pure.

use crate::ahead::Ahead;
use crate::cycle::{Cycle, days_between};
use jiff::civil::Date;

/// What decides when something is renewed and told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// How often, and on which day.
    pub cycle: Cycle,
    /// When it is told of.
    pub ahead: Ahead,
    /// The day it was last paid for.
    pub last_renewed: Option<Date>,
    /// The last day on which it can be renewed.
    pub end: Option<Date>,
}

/// Where a renewal stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The next renewal day, today included; `None` when it has ended.
    pub next: Option<Date>,
    /// Days until then.
    pub days: Option<i64>,
    /// It has been paid for.
    pub renewed: bool,
    /// The reminder in force, as days before the renewal; `None` when nothing is to be told.
    pub reminder: Option<u16>,
    /// The next day on which something will be told, unless it is paid for before; `None` when it has ended.
    pub next_reminder: Option<Date>,
}

impl Terms {
    /// The renewal day that the last payment was for.
    pub fn paid(&self) -> Option<Date> {
        self.cycle.paid_for(self.last_renewed?, i64::from(self.ahead.most()))
    }

    /// Where it stands on `today`.
    pub fn standing(&self, today: Date) -> Standing {
        let Some(next) = self.renewal_from(today) else {
            return Standing { next: None, days: None, renewed: false, reminder: None, next_reminder: None };
        };
        let days = days_between(today, next);
        let renewed = self.paid().is_some_and(|paid| paid >= next);
        let reminder = self.ahead.due(days).filter(|_| !renewed);
        Standing { next: Some(next), days: Some(days), renewed, reminder, next_reminder: self.told_after(today) }
    }

    fn renewal_from(&self, date: Date) -> Option<Date> {
        self.cycle.next(date).filter(|next| self.end.is_none_or(|end| *next <= end))
    }

    /// The first day after `today` on which something is told.
    fn told_after(&self, today: Date) -> Option<Date> {
        let mut next = self.renewal_from(today)?;
        let paid = self.paid();
        loop {
            if paid.is_none_or(|paid| next > paid)
                && let Some(ahead) = self.ahead.following(days_between(today, next))
            {
                return next.checked_sub(jiff::Span::new().days(ahead)).ok();
            }
            next = self.renewal_from(next.tomorrow().ok()?)?;
        }
    }
}
