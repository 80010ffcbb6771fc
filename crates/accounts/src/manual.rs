//! `manual`: a balance the user states, which burns by a stated rate. Nobody is asked.

use crate::amount;
use crate::provider::{Params, SetupFault};
use crate::reading::{Reading, ReadingStatus};
use model::Timestamp;
use rust_decimal::Decimal;

/// The provider's name.
pub const NAME: &str = "manual";

const DAY_MILLIS: i64 = 86_400_000;

/// What the user states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manual {
    balance: Decimal,
    as_of: Timestamp,
    burn_per_day: Decimal,
    unit: Option<String>,
    expires_at: Option<Timestamp>,
}

impl Manual {
    /// Reads `balance`, `as_of` (RFC 3339 or a date), and if stated `burn_per_day`, `unit`, `expires_at`.
    pub fn new(params: &Params) -> Result<Self, SetupFault> {
        const KNOWN: [&str; 6] = ["balance", "as_of", "burn_per_day", "unit", "expires_at", "org"];
        let fault = |param: &str, message: &str| SetupFault::Param {
            provider: NAME.into(),
            param: param.into(),
            message: message.into(),
        };
        if let Some(unknown) = params.keys().find(|name| !KNOWN.contains(&name.as_str())) {
            return Err(fault(unknown, &format!("there is no such parameter; there are {}", KNOWN.join(", "))));
        }
        let given = |name: &str| params.get(name).map(|v| v.trim()).filter(|v| !v.is_empty());
        let number = |name: &str| {
            let read = given(name).map(|text| amount::parse(text).ok_or_else(|| fault(name, "is not an amount")));
            read.transpose()
        };
        let instant = |name: &str| {
            let read = given(name).map(|text| {
                let day = format!("{text}T00:00:00Z");
                Timestamp::parse(text)
                    .or_else(|| Timestamp::parse(&day))
                    .ok_or_else(|| fault(name, "is not a date or time"))
            });
            read.transpose()
        };
        let burn_per_day = number("burn_per_day")?.unwrap_or_default();
        if burn_per_day.is_sign_negative() && !burn_per_day.is_zero() {
            return Err(fault("burn_per_day", "is negative: a balance does not grow by itself"));
        }
        Ok(Self {
            balance: number("balance")?.ok_or_else(|| fault("balance", "must be set"))?,
            as_of: instant("as_of")?.ok_or_else(|| fault("as_of", "must be set: when the balance was that"))?,
            burn_per_day,
            unit: given("unit").map(str::to_owned),
            expires_at: instant("expires_at")?,
        })
    }

    /// What is left at `now`: balance − rate × days, to six places, and not below zero where it was above.
    pub fn reading(&self, now: Timestamp) -> Reading {
        let millis = i64::try_from(now.since(self.as_of).as_millis()).unwrap_or(i64::MAX);
        let burnt =
            Decimal::from(millis).checked_div(Decimal::from(DAY_MILLIS)).and_then(|d| d.checked_mul(self.burn_per_day));
        let Some(left) = burnt.and_then(|burnt| self.balance.checked_sub(burnt)) else {
            return Reading::failed(ReadingStatus::Malformed, "an amount too large to be reckoned with");
        };
        let floor = self.balance.min(Decimal::ZERO);
        let mut reading = Reading {
            remaining: Some(left.max(floor).round_dp(6)),
            unit: self.unit.clone(),
            expires_at: self.expires_at,
            ..Reading::default()
        };
        if left < floor {
            reading.remark("used up by the stated rate");
        }
        reading
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manual(pairs: &[(&str, &str)]) -> Result<Manual, SetupFault> {
        Manual::new(&pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn it_burns_by_the_day_down_to_zero() {
        let stated = [("balance", "1,000.50"), ("as_of", "2026-11-01"), ("burn_per_day", "10"), ("unit", "USD")];
        let manual = manual(&stated).unwrap();
        let left = |at: &str| manual.reading(Timestamp::parse(at).unwrap()).remaining.unwrap().to_string();
        assert_eq!(left("2026-10-01T00:00:00Z"), "1000.50");
        assert_eq!(left("2026-11-01T12:00:00Z"), "995.50");
        assert_eq!(left("2026-11-21T00:00:00Z"), "800.50");
        assert_eq!(left("2027-11-21T00:00:00Z"), "0");
        assert_eq!(
            manual.reading(Timestamp::parse("2027-11-21T00:00:00Z").unwrap()).note.unwrap(),
            "used up by the stated rate"
        );
        assert_eq!(manual.reading(Timestamp(0)).unit.as_deref(), Some("USD"));
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for (pairs, part) in [
            (vec![("as_of", "2026-11-01")], "params.balance: must be set"),
            (vec![("balance", "1")], "params.as_of: must be set"),
            (vec![("balance", "many"), ("as_of", "2026-11-01")], "params.balance: is not an amount"),
            (vec![("balance", "1"), ("as_of", "soon")], "params.as_of: is not a date"),
            (vec![("balance", "1"), ("as_of", "2026-11-01"), ("burn_per_day", "-1")], "does not grow"),
            (vec![("burn", "1")], "there is no such parameter"),
        ] {
            let fault = manual(&pairs).unwrap_err().to_string();
            assert!(fault.contains(part), "{fault}");
        }
        assert!(
            !manual(&[
                ("balance", "79228162514264337593543950335"),
                ("as_of", "1970-01-02"),
                ("burn_per_day", "79228162514264337593543950335")
            ])
            .unwrap()
            .reading(Timestamp(i64::MAX))
            .is_ok()
        );
    }
}
