//! Factory: any number of keys of any number of organisations, none of which is kept. What a key is follows from (seed,
//! number, time). The addresses and bodies are those of public clients; the service is not documented.

use super::Amount;
use super::level::DAY;
use super::plan::{Burn, Course, Period, Plan};
use super::truth::{Truth, WindowTruth};
use crate::rng::hash;
use std::fmt::Write;

const PREFIX: &str = "fk-sim-";
const HOUR: i64 = 3_600_000;
const USD_PLACES: u8 = 2;

/// Factory's keys, `fk-sim-000000000` and so on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactoryPool {
    /// Seed of everything about them.
    pub seed: u64,
    /// How many there are.
    pub keys: u64,
    /// How many of them belong to one organisation and share its allowance.
    pub keys_per_org: u64,
    /// Share of keys that are no longer valid, in thousandths.
    pub revoked: u16,
    /// Since when they are used, epoch ms.
    pub since_ms: i64,
}

/// Which of Factory's addresses know an organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactoryPlan {
    /// Windows and prepaid credit at `billing/limits`.
    RateLimits,
    /// Tokens of a month at `subscription/usage` and `members/chat-usage`.
    Tokens,
    /// Tokens of a month at `members/chat-usage` only: `billing/limits` is not there, the other not allowed.
    Members,
}

/// An organisation.
struct Org {
    number: u64,
    seed: u64,
    plan: FactoryPlan,
    tokens: Plan,
    extra: Plan,
    core: bool,
}

impl FactoryPool {
    /// So many keys, two to an organisation, none of them revoked.
    pub const fn new(seed: u64, keys: u64, since_ms: i64) -> FactoryPool {
        FactoryPool { seed, keys, keys_per_org: 2, revoked: 0, since_ms }
    }

    /// The key of this number.
    pub fn key(&self, number: u64) -> String {
        format!("{PREFIX}{number:09}")
    }

    /// The number of a key; none when it is not one of these.
    pub fn number(&self, key: &str) -> Option<u64> {
        let digits = key.strip_prefix(PREFIX)?;
        let canonical = digits.len() == 9 && digits.bytes().all(|b| b.is_ascii_digit());
        digits.parse().ok().filter(|number| canonical && *number < self.keys)
    }

    /// The organisation of a key, as `auth/me` names it.
    pub fn org(&self, number: u64) -> String {
        format!("org_sim_{}", number / self.keys_per_org.max(1))
    }

    /// The plan of a key's organisation.
    pub fn plan(&self, number: u64) -> FactoryPlan {
        self.org_of(number).plan
    }

    /// Whether a key is refused.
    pub fn is_revoked(&self, number: u64) -> bool {
        hash(&[self.seed, number, 0xdead]) % 1_000 < u64::from(self.revoked)
    }

    fn org_of(&self, number: u64) -> Org {
        let number = number / self.keys_per_org.max(1);
        let seed = hash(&[self.seed, number, 0x0_5f4]);
        let draw = |salt: u64, bound: u64| (hash(&[seed, salt]) % bound) as i64;
        let plan = match draw(1, 20) {
            0..9 => FactoryPlan::RateLimits,
            9..17 => FactoryPlan::Tokens,
            _ => FactoryPlan::Members,
        };
        let each = [20_000_000, 50_000_000, 200_000_000][draw(2, 3) as usize];
        // From a fifth of what would last the month to twice as much.
        let per_day = Amount::whole(each / 30 * (20 + draw(3, 180)) / 100);
        let period = Period::Every { ms: 30 * DAY, from_ms: self.since_ms - draw(4, 30 * 24) * HOUR };
        let course = Course::Allowance { each: Amount::whole(each), period, overage: draw(5, 10) == 0 };
        let tokens = Plan { since_ms: i64::MIN / 4, course, burn: Burn::lively(per_day) };
        let paid = if draw(6, 3) == 0 { 0 } else { 10 + draw(7, 190) };
        let extra = Plan::steady(self.since_ms, Amount::whole(paid), Amount::micros(10_000 * draw(8, 400)));
        Org { number, seed, plan, tokens, extra, core: draw(9, 3) == 0 }
    }

    /// The truth about a key at an instant (epoch ms).
    pub fn truth(&self, number: u64, at_ms: i64) -> Truth {
        if number >= self.keys || self.is_revoked(number) {
            return Truth::refused();
        }
        let org = self.org_of(number);
        let (plan, unit, places) = match org.plan {
            FactoryPlan::RateLimits => (&org.extra, "USD", USD_PLACES),
            FactoryPlan::Tokens | FactoryPlan::Members => (&org.tokens, "tokens", 0),
        };
        let mut truth = Truth::of(plan, org.seed, at_ms, unit, places);
        truth.org = Some(self.org(number));
        if org.plan == FactoryPlan::RateLimits {
            truth.total = None;
            truth.used = None;
            truth.windows = org.windows(at_ms).into();
        }
        truth
    }

    /// The answer at one of Factory's paths; none where there is nothing.
    pub(crate) fn answer(&self, number: u64, path: &str, at_ms: i64, out: &mut String) -> Option<u16> {
        let org = self.org_of(number);
        Some(match path {
            "/api/billing/limits" if org.plan == FactoryPlan::Members => return None,
            "/api/billing/limits" => org.limits(at_ms, out),
            "/api/organization/subscription/usage" if org.plan == FactoryPlan::Members => {
                out.push_str(r#"{"detail":"Must be manager to get usage for other users"}"#);
                403
            }
            "/api/organization/subscription/usage" => org.usage(number, at_ms, true, out),
            "/api/organization/members/chat-usage" => org.usage(number, at_ms, false, out),
            "/api/organization/subscription/schedule" => org.schedule(at_ms, out),
            "/api/app/auth/me" => {
                let id = org.number;
                _ = write!(
                    out,
                    r#"{{"userProfile":{{"id":"user_sim_{number}"}},"organization":{{"id":"org_sim_{id}","name":"Organisation {id}"}},"featureFlags":{{}}}}"#
                );
                200
            }
            _ => return None,
        })
    }
}

/// Factory's paths.
pub(crate) fn is_path(path: &str) -> bool {
    path.starts_with("/api/organization/") || matches!(path, "/api/billing/limits" | "/api/app/auth/me")
}

impl Org {
    fn windows(&self, at_ms: i64) -> [WindowTruth; 3] {
        let (each, from_ms) = match self.tokens.course {
            Course::Allowance { each, period: Period::Every { from_ms, .. }, .. } => (each.wide(), from_ms),
            _ => (1, 0),
        };
        let window = |name, ms, thousandths: i128| {
            let (begin, end) = Period::Every { ms, from_ms }.around(at_ms);
            let limit = (each * thousandths / 1_000).max(1);
            let percent = self.tokens.burn.between(self.seed, begin, at_ms) * 100 / limit;
            WindowTruth { name, used_percent: percent.min(100) as u8, resets_at_ms: end }
        };
        [window("five_hour", 5 * HOUR, 20), window("weekly", 7 * DAY, 300), window("monthly", 30 * DAY, 1_000)]
    }

    fn limits(&self, at_ms: i64, out: &mut String) -> u16 {
        if self.plan != FactoryPlan::RateLimits {
            out.push_str(r#"{"usesTokenRateLimitsBilling":false,"limits":{},"extraUsageBalanceCents":0,"extraUsageAllowed":false,"tokenRateLimitsRolloutEligible":false}"#);
            return 200;
        }
        let windows = self.windows(at_ms);
        out.push_str(r#"{"usesTokenRateLimitsBilling":true,"limits":{"standard":"#);
        write_windows(out, &windows, at_ms, 1);
        if self.core {
            out.push_str(r#","core":"#);
            write_windows(out, &windows, at_ms, 3);
        }
        let left = self.extra.level(self.seed, at_ms, USD_PLACES).remaining.unwrap_or_default();
        out.push_str(r#"},"extraUsageBalanceCents":"#);
        left.write(out, 100, 0, false);
        let (allowed, preference) = (left > Amount::ZERO, if self.core { r#""core""# } else { "null" });
        _ = write!(
            out,
            r#","overagePreference":{preference},"extraUsageAllowed":{allowed},"tokenRateLimitsRolloutEligible":true}}"#
        );
        200
    }

    fn usage(&self, number: u64, at_ms: i64, by_user: bool, out: &mut String) -> u16 {
        let level = self.tokens.level(self.seed, at_ms, 0);
        let (begin, end) = level.period.unwrap_or((at_ms, at_ms));
        let whole = |amount: Amount| amount.as_micros() / 1_000_000;
        let (total, used) = (whole(level.total.unwrap_or_default()), whole(level.used));
        // The key's own part; the organisation's is what counts.
        let own = used / (2 + (number % 5) as i64);
        let over = (used - total).max(0);
        let ratio = used as f64 / (total as f64).max(1.0);
        _ = write!(
            out,
            r#"{{"usage":{{"startDate":{begin},"endDate":{end},"standard":{{"userTokens":{own},"orgTotalTokensUsed":{used},"orgOverageUsed":{over},"basicAllowance":{total},"totalAllowance":{total},"orgOverageLimit":0,"usedRatio":{ratio}}},"premium":{{"userTokens":0,"orgTotalTokensUsed":0,"orgOverageUsed":0,"basicAllowance":0,"totalAllowance":0,"orgOverageLimit":0,"usedRatio":0}}}}"#
        );
        if by_user {
            _ = write!(out, r#","userId":"user_sim_{number}""#);
        }
        out.push('}');
        200
    }

    fn schedule(&self, at_ms: i64, out: &mut String) -> u16 {
        let (begin, end) = self.tokens.level(self.seed, at_ms, 0).period.unwrap_or((at_ms, at_ms));
        let iso = |ms| jiff::Timestamp::from_millisecond(ms).unwrap_or_default();
        _ = write!(
            out,
            r#"{{"schedule":[{{"start_date":"{}","end_date":"{}","plan":{{"name":"Factory Pro"}}}}],"upcomingTierChanges":[]}}"#,
            iso(begin),
            iso(end)
        );
        200
    }
}

fn write_windows(out: &mut String, windows: &[WindowTruth; 3], at_ms: i64, divisor: u8) {
    for (index, (name, window)) in ["fiveHour", "weekly", "monthly"].into_iter().zip(windows).enumerate() {
        let (begin, used) = (if index == 0 { '{' } else { ',' }, window.used_percent / divisor);
        // Rounded up: a window is not over before its last ms.
        let left = (window.resets_at_ms - at_ms + 999) / 1_000;
        _ = write!(out, r#"{begin}"{name}":{{"usedPercent":{used},"secondsRemaining":{left}}}"#);
    }
    out.push('}');
}
