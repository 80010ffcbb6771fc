//! What may be wrong with an installation, looked at part by part; every finding says how to mend it.

mod browser;
mod files;
mod network;
mod redis;
mod tables;

use crate::app::database;
use model::{Clock, Timestamp};
use serde::Serialize;
use settings::Settings;

/// How a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// As it should be.
    Ok,
    /// Worth knowing, nothing to mend.
    Note,
    /// To be mended.
    Bad,
}

/// What was found of one part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// The part.
    pub name: &'static str,
    /// How it is.
    pub state: State,
    /// What was seen.
    pub detail: String,
    /// What to do about it; empty when nothing.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub mend: &'static str,
}

impl Check {
    /// As it should be.
    pub fn ok(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, state: State::Ok, detail: detail.into(), mend: "" }
    }

    /// Worth knowing.
    pub fn note(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, state: State::Note, detail: detail.into(), mend: "" }
    }

    /// To be mended.
    pub fn bad(name: &'static str, detail: impl Into<String>, mend: &'static str) -> Self {
        Self { name, state: State::Bad, detail: detail.into(), mend }
    }
}

/// Looks at everything but the configuration itself; changes nothing.
pub async fn examine(settings: &Settings, clock: &dyn Clock) -> Vec<Check> {
    let dir = &settings.server.data_dir;
    let now = clock.now();
    let (database, newest) = tables::database(settings).await;
    let mut checks = vec![files::data_dir(dir)];
    checks.extend(files::disk(dir));
    checks.push(database);
    checks.push(time(now, newest));
    checks.push(files::admin_key(&settings.auth, dir));
    checks.push(network::port(settings.server.listen).await);
    checks.push(network::upstream(&settings.market).await);
    checks.extend(network::proxy(&settings.market.proxy).await);
    checks.extend(redis::redis(&settings.redis).await);
    checks.extend(browser::browser(&settings.market).await);
    checks
}

/// 2025-01-01 and 2100-01-01, UTC: before and after, this program is not in use.
const PLAUSIBLE: std::ops::Range<i64> = 1_735_689_600_000..4_102_444_800_000;
/// Further ahead than this the clock was set back since.
const AHEAD_MS: i64 = 10 * 60_000;

fn time(now: Timestamp, newest: Option<Timestamp>) -> Check {
    const MEND: &str = "set the clock of this machine (NTP): hours of sales and signatures of requests depend on it";
    if !PLAUSIBLE.contains(&now.millis()) {
        return Check::bad("clock", format!("{now} cannot be"), MEND);
    }
    match newest {
        Some(newest) if newest.millis() > now.millis() + AHEAD_MS => {
            Check::bad("clock", format!("{now}, but the last crawl was at {newest}"), MEND)
        }
        _ => Check::ok("clock", now.to_string()),
    }
}

/// The database as a check may show it.
fn shown(settings: &Settings) -> String {
    database::shown(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_back_is_found() {
        let now = Timestamp::from_secs(1_795_000_000);
        assert_eq!(time(now, None).state, State::Ok);
        assert_eq!(time(now, Some(now.plus(60_000))).state, State::Ok);
        assert_eq!(time(now, Some(now.plus(3_600_000))).state, State::Bad);
        assert_eq!(time(Timestamp::from_secs(0), None).state, State::Bad);
    }
}
