//! Faults on demand: what goes wrong, and when. Seeded, so a run can be repeated.

use crate::rng::Rng;
use crate::web;
use serde::{Deserialize, Serialize};
use std::str::FromStr;
use std::time::Duration;

/// What goes wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Fault {
    /// 429, with Retry-After in seconds or as an HTTP date, or without.
    TooManyRequests {
        /// Seconds until a retry is welcome.
        #[serde(default)]
        retry_after_s: Option<u32>,
        /// Written as an HTTP date.
        #[serde(default)]
        http_date: bool,
    },
    /// A 5xx status.
    ServerError {
        /// The status.
        status: u16,
    },
    /// 403 with the HTML page of a content delivery network and a `cf-ray` header.
    Blocked,
    /// The same for whoever is no browser; a browser is let through.
    NoBrowser,
    /// The search page asks to wait while it looks at the browser, and never lets it through.
    Challenge,
    /// The search page comes, and its script never ends.
    HungPage,
    /// 401 `invalid token`.
    Unauthorized,
    /// The body stops half-way, with a Content-Length or in the middle of chunks.
    CutOff {
        /// In chunks, without a Content-Length.
        #[serde(default)]
        chunked: bool,
    },
    /// 200 with half of the JSON.
    MalformedJson,
    /// The body comes a few bytes at a time.
    SlowDrip {
        /// Bytes per piece.
        chunk_bytes: usize,
        /// Pause between pieces, in ms.
        pause_ms: u64,
    },
    /// The provider's own failure in an answer of status 200, where it has one. Accounts only; a market knows none.
    FailedInside,
    /// 200 with an HTML page. Accounts only.
    Page,
    /// The answer comes late.
    Stall {
        /// How late, in ms.
        ms: u64,
    },
}

impl Fault {
    /// Whether it can strike a request for this path, from a browser or not.
    fn concerns(&self, path: &str, browser: bool) -> bool {
        match self {
            Fault::NoBrowser => !browser,
            Fault::Challenge | Fault::HungPage => path == web::PATH,
            _ => true,
        }
    }

    /// The name used in counters and in the spec.
    pub fn name(&self) -> String {
        match self {
            Fault::TooManyRequests { http_date: true, .. } => "429date".to_owned(),
            Fault::TooManyRequests { .. } => "429".to_owned(),
            Fault::ServerError { status } => status.to_string(),
            Fault::Blocked => "blocked".to_owned(),
            Fault::NoBrowser => "no-browser".to_owned(),
            Fault::Challenge => "challenge".to_owned(),
            Fault::HungPage => "hung-page".to_owned(),
            Fault::Unauthorized => "401".to_owned(),
            Fault::CutOff { chunked: true } => "cut-chunked".to_owned(),
            Fault::CutOff { .. } => "cut".to_owned(),
            Fault::MalformedJson => "malformed".to_owned(),
            Fault::SlowDrip { .. } => "drip".to_owned(),
            Fault::FailedInside => "200-failed".to_owned(),
            Fault::Page => "page".to_owned(),
            Fault::Stall { .. } => "stall".to_owned(),
        }
    }
}

/// When a fault happens, among the requests its rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// With this chance, 0–1.
    Probability(f64),
    /// On the next n requests.
    Next(u32),
    /// On every k-th request.
    Every(u32),
}

/// A fault, when it happens, and on which requests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FaultRule {
    /// What goes wrong.
    pub fault: Fault,
    /// When.
    pub when: When,
    /// Only on this path; of accounts, only at this provider.
    #[serde(default)]
    pub path: Option<String>,
    /// Only on searches for this keyword; of accounts, only with this secret.
    #[serde(default)]
    pub keyword: Option<String>,
}

/// All that goes wrong; the first rule that strikes wins.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Faults {
    /// Seed of chance.
    pub seed: u64,
    /// Fixed delay of every answer, ms.
    pub latency_ms: u64,
    /// Greatest random delay on top, ms.
    pub jitter_ms: u64,
    /// The rules, in order.
    pub rules: Vec<FaultRule>,
}

/// What is to happen to one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) delay: Duration,
    pub(crate) fault: Option<Fault>,
}

/// Faults with their memory of the requests so far.
#[derive(Debug)]
pub(crate) struct FaultBook {
    faults: Faults,
    seen: Vec<u32>,
    rng: Rng,
}

impl FaultBook {
    pub(crate) fn new(faults: Faults) -> FaultBook {
        let rng = Rng::from_words(&[faults.seed, 0xfa17]);
        FaultBook { seen: vec![0; faults.rules.len()], faults, rng }
    }

    /// Decides about one request, and remembers it.
    pub(crate) fn decide(&mut self, path: &str, keyword: &str, browser: bool) -> Verdict {
        let jitter = self.rng.below(self.faults.jitter_ms + 1);
        let mut verdict = Verdict { delay: Duration::from_millis(self.faults.latency_ms + jitter), fault: None };
        for (rule, seen) in self.faults.rules.iter().zip(&mut self.seen) {
            let about = rule.fault.concerns(path, browser)
                && rule.path.as_deref().is_none_or(|p| p == path)
                && rule.keyword.as_deref().is_none_or(|k| k == keyword);
            let draw = self.rng.unit();
            if !about || verdict.fault.is_some() {
                continue;
            }
            *seen += 1;
            let strikes = match rule.when {
                When::Probability(chance) => draw < chance,
                When::Next(n) => *seen <= n,
                When::Every(k) => k > 0 && seen.is_multiple_of(k),
            };
            if strikes {
                verdict.fault = Some(rule.fault.clone());
            }
        }
        if let Some(Fault::Stall { ms }) = verdict.fault {
            verdict.delay += Duration::from_millis(ms);
        }
        verdict
    }
}

impl FromStr for Faults {
    type Err = String;

    /// Reads `latency=20+10,seed=3,429:next=2,503:p=0.1,blocked:every=50,cut:p=0.01`; faults: 429, 429date, 5xx, 401,
    /// blocked, no-browser, challenge, hung-page, cut, cut-chunked, malformed, drip, stall, 200-failed, page. Without a `when` a fault strikes always.
    fn from_str(spec: &str) -> Result<Faults, String> {
        let mut faults = Faults::default();
        for part in spec.split([',', ';']).map(str::trim).filter(|part| !part.is_empty()) {
            if let Some(latency) = part.strip_prefix("latency=") {
                let (fixed, jitter) = latency.split_once('+').unwrap_or((latency, "0"));
                faults.latency_ms = parse(fixed, part)?;
                faults.jitter_ms = parse(jitter, part)?;
            } else if let Some(seed) = part.strip_prefix("seed=") {
                faults.seed = parse(seed, part)?;
            } else {
                let (name, when) = part.split_once(':').unwrap_or((part, "every=1"));
                faults.rules.push(FaultRule { fault: fault(name)?, when: read_when(when)?, path: None, keyword: None });
            }
        }
        Ok(faults)
    }
}

fn parse<T: FromStr>(text: &str, part: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("not a number in `{part}`"))
}

fn fault(name: &str) -> Result<Fault, String> {
    Ok(match name {
        "429" => Fault::TooManyRequests { retry_after_s: Some(2), http_date: false },
        "429date" => Fault::TooManyRequests { retry_after_s: Some(2), http_date: true },
        "401" => Fault::Unauthorized,
        "blocked" | "403" => Fault::Blocked,
        "no-browser" => Fault::NoBrowser,
        "challenge" => Fault::Challenge,
        "hung-page" => Fault::HungPage,
        "cut" => Fault::CutOff { chunked: false },
        "cut-chunked" => Fault::CutOff { chunked: true },
        "malformed" => Fault::MalformedJson,
        "drip" => Fault::SlowDrip { chunk_bytes: 512, pause_ms: 20 },
        "200-failed" => Fault::FailedInside,
        "page" => Fault::Page,
        "stall" => Fault::Stall { ms: 5_000 },
        status => match status.parse() {
            Ok(status @ 500..=599) => Fault::ServerError { status },
            _ => return Err(format!("unknown fault `{name}`")),
        },
    })
}

fn read_when(text: &str) -> Result<When, String> {
    match text.split_once('=') {
        Some(("p", chance)) => Ok(When::Probability(parse(chance, text)?)),
        Some(("next", n)) => Ok(When::Next(parse(n, text)?)),
        Some(("every", k)) => Ok(When::Every(parse(k, text)?)),
        _ => Err(format!("expected p=, next= or every= in `{text}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spec_is_read_and_nonsense_refused() {
        let faults: Faults = "latency=20+10, seed=3, 429:next=2, 503:p=0.25, blocked:every=3".parse().unwrap();
        assert_eq!((faults.latency_ms, faults.jitter_ms, faults.seed, faults.rules.len()), (20, 10, 3, 3));
        for bad in ["teapot", "429:sometimes", "latency=fast", "404"] {
            assert!(bad.parse::<Faults>().is_err(), "{bad}");
        }
    }

    #[test]
    fn next_every_and_probability_strike_as_said() {
        let run = |spec: &str, n: usize| {
            let mut book = FaultBook::new(spec.parse().unwrap());
            (0..n).map(|_| book.decide("/", "", false).fault.is_some()).collect::<Vec<_>>()
        };
        assert_eq!(run("429:next=2", 4), [true, true, false, false]);
        assert_eq!(run("429:every=3", 6), [false, false, true, false, false, true]);
        let share = run("503:p=0.25", 4_000).iter().filter(|hit| **hit).count();
        assert!((900..1_100).contains(&share), "{share}");
        assert_eq!(run("503:p=0.25,seed=9", 50), run("503:p=0.25,seed=9", 50));
    }
}
