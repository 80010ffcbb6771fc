//! What one look at an account gave.

use model::Timestamp;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What became of the look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReadingStatus {
    /// The numbers are what the provider said.
    #[default]
    Ok,
    /// The secret is not (or no longer) accepted.
    Unauthorized,
    /// The secret is known, but may not see this, or the account is out of credit.
    Forbidden,
    /// The provider wants fewer questions.
    Limited,
    /// No answer, or one that says the provider is in trouble.
    Unreachable,
    /// An answer that could not be understood, so nothing of it is believed.
    Malformed,
    /// The provider does not offer this (any more) under this address.
    Unsupported,
}

impl ReadingStatus {
    /// The word in the store, the API and the metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::Limited => "limited",
            Self::Unreachable => "unreachable",
            Self::Malformed => "malformed",
            Self::Unsupported => "unsupported",
        }
    }
}

/// An allowance that comes back by itself: five hours, a week, a month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AllowanceWindow")]
pub struct Window {
    /// What the provider calls it.
    pub name: String,
    /// The part used, 0 to 1; more than 1 where the provider lets one go over.
    pub used_ratio: Decimal,
    /// When it is whole again.
    pub resets_at: Option<Timestamp>,
}

/// One look at an account. What the provider did not say is `None`, never zero.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reading {
    /// What became of the look; anything but `ok` carries no amounts.
    pub status: ReadingStatus,
    /// What is left, in `unit`; may be negative.
    pub remaining: Option<Decimal>,
    /// What there was to begin with, in `unit`.
    pub total: Option<Decimal>,
    /// What is gone, in `unit`.
    pub used: Option<Decimal>,
    /// The part gone, 0 to 1 and beyond.
    pub used_ratio: Option<Decimal>,
    /// A currency code, or tokens, credits, points …
    pub unit: Option<String>,
    /// Allowances that come back by themselves.
    pub windows: Vec<Window>,
    /// When the present period began.
    pub period_start: Option<Timestamp>,
    /// When the present period ends and the allowance comes back.
    pub period_end: Option<Timestamp>,
    /// When the key or the credit is gone for good.
    pub expires_at: Option<Timestamp>,
    /// The provider says that there is no limit.
    pub unlimited: bool,
    /// The organisation whose allowance this is; accounts that name the same one share it.
    pub org: Option<String>,
    /// The request that gave the numbers, where several take turns: it is asked first the next time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
    /// Words for people: warnings beside an ok, the reason beside anything else. Holds no secret.
    pub note: Option<String>,
}

impl Reading {
    /// A look that gave no numbers, and why.
    pub fn failed(status: ReadingStatus, note: impl Into<String>) -> Self {
        Self { status, note: Some(note.into()), ..Self::default() }
    }

    /// Whether the numbers may be believed.
    pub fn is_ok(&self) -> bool {
        self.status == ReadingStatus::Ok
    }

    /// Adds words to the note.
    pub fn remark(&mut self, words: &str) {
        match &mut self.note {
            Some(note) => {
                note.push_str("; ");
                note.push_str(words);
            }
            none => *none = Some(words.to_owned()),
        }
    }

    /// Fills in what follows from the rest: remaining = total − used, used = total − remaining, ratio = used ÷ total,
    /// or the fullest window. Nothing is made of what is unknown.
    pub fn complete(mut self) -> Self {
        if let (None, Some(total), Some(used)) = (self.remaining, self.total, self.used) {
            self.remaining = total.checked_sub(used);
        }
        if let (None, Some(total), Some(remaining)) = (self.used, self.total, self.remaining) {
            self.used = total.checked_sub(remaining);
        }
        if let (None, Some(total), Some(used)) = (self.used_ratio, self.total, self.used) {
            self.used_ratio = if total > Decimal::ZERO { used.checked_div(total) } else { None };
        }
        if self.used_ratio.is_none() {
            self.used_ratio = self.windows.iter().map(|w| w.used_ratio).max();
        }
        self
    }

    /// Whether there is anything in it that a threshold can be held against.
    pub fn says_something(&self) -> bool {
        self.unlimited || self.remaining.is_some() || !self.windows.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_is_filled_in_and_nothing_else() {
        let d = |n: i64| Some(Decimal::from(n));
        let full = Reading { total: d(20), used: d(5), ..Reading::default() }.complete();
        assert_eq!((full.remaining, full.used_ratio), (d(15), Some(Decimal::new(25, 2))));
        let rest = Reading { total: d(20), remaining: d(5), ..Reading::default() }.complete();
        assert_eq!((rest.used, rest.used_ratio), (d(15), Some(Decimal::new(75, 2))));
        let nothing = Reading { total: d(0), used: d(0), ..Reading::default() }.complete();
        assert_eq!((nothing.remaining, nothing.used_ratio), (d(0), None));
        let alone = Reading { used: d(5), ..Reading::default() }.complete();
        assert_eq!((alone.remaining, alone.total, alone.says_something()), (None, None, false));
        let far = Reading { total: Some(Decimal::MIN), used: Some(Decimal::MAX), ..Reading::default() }.complete();
        assert_eq!(far.remaining, None);
    }
}
