//! The product alone on SQLite for a long time at a fast clock, the simulated upstreams in another process: what its
//! memory, files, threads and database do.

use super::drill::{Plan, Scene};
use super::{Failure, Part, Role};
use model::Clock;
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;
use tokio::process::Command;

/// What a listing costs on SQLite, bytes: its row and both indexes (301), and for three in ten a sale found (219). These and
/// the following are of another market's database (docs/operations/sizing.md).
const LISTING_BYTES: f64 = 301.0 + 0.3 * 219.0;
/// What an IP costs each hour, bytes: the hour's row with its prices.
const HOUR_BYTES: f64 = 581.0;
/// What a look at an account costs, bytes, when its level is another.
const READING_BYTES: f64 = 108.0;

/// One look at the process.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Hours of the product's clock since the beginning.
    pub at: f64,
    /// Resident memory, MB.
    pub memory: f64,
    /// Open files.
    pub files: usize,
    /// Threads.
    pub threads: usize,
    /// The database with its log, MB.
    pub database: f64,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Soak {
    /// The looks, in order.
    pub samples: Vec<Sample>,
    /// How much the database should have grown between the first look and the last, MB.
    pub predicted: f64,
    /// Requests the market answered.
    pub requests: u64,
}

/// Runs the product alone for `plan.lasts`; looks at it `looks` times after the first eighth, in which caches fill.
pub async fn soak(plan: &Plan, looks: u32) -> Result<Soak, Failure> {
    let scene = Scene::set(plan).await?;
    let data_dir = scene.folder.path().join("0");
    let part = Part {
        role: Role::Alone,
        database: String::new(),
        redis: String::new(),
        market: scene.sim.base_url(),
        profiles: scene.market.profiles.clone(),
        providers: scene.providers.base_url(),
        accounts: plan.accounts,
        receiver: scene.receiver.url().to_owned(),
        data_dir: data_dir.clone(),
        encryption_key: store::new_key()?,
        pace: scene.pace,
    };
    let mut command = Command::new(&plan.program);
    command.arg("--child").arg(serde_json::to_string(&part)?).stdin(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn()?;
    let pid = child.id().ok_or("no process")?;
    let (begun, first) = (Instant::now(), scene.pace.now());
    tokio::time::sleep(plan.lasts / 8).await;
    let mut samples = Vec::new();
    for n in 0..looks {
        let at = scene.pace.now().since(first).as_secs_f64() / 3_600.0;
        samples.push(look(pid, at, &data_dir)?);
        let next = plan.lasts / 8 + (plan.lasts - plan.lasts / 8) * (n + 1) / looks;
        tokio::time::sleep(next.saturating_sub(begun.elapsed())).await;
        if let Some(status) = child.try_wait()? {
            return Err(format!("the product ended: {status}").into());
        }
    }
    child.kill().await?;
    let hours = samples.last().map_or(0.0, |last| last.at) - samples.first().map_or(0.0, |first| first.at);
    let listings: f64 = scene.market.profiles.iter().map(|p| p.listings_per_hour).sum();
    let ips = plan.ips as f64 * HOUR_BYTES;
    let readings = plan.accounts as f64 / 3.0 * READING_BYTES;
    let predicted = hours * (listings * LISTING_BYTES + ips + readings) / 1e6;
    Ok(Soak { samples, predicted, requests: scene.sim.counters().requests })
}

fn look(pid: u32, at: f64, data_dir: &Path) -> Result<Sample, Failure> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let number = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok()).unwrap_or(0.0)
    };
    let files = std::fs::read_dir(format!("/proc/{pid}/fd"))?.count();
    let mut bytes = 0;
    for entry in std::fs::read_dir(data_dir)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(tidewatch::app::database::FILE) {
            bytes += entry.metadata()?.len();
        }
    }
    Ok(Sample {
        at,
        memory: number("VmRSS:") / 1_024.0,
        files,
        threads: number("Threads:") as usize,
        database: bytes as f64 / 1e6,
    })
}

/// Least squares: what a figure grows by in an hour of the product's clock.
pub fn slope(samples: &[Sample], of: impl Fn(&Sample) -> f64) -> f64 {
    let n = samples.len().max(1) as f64;
    let (x, y) = (samples.iter().map(|s| s.at).sum::<f64>() / n, samples.iter().map(&of).sum::<f64>() / n);
    let up: f64 = samples.iter().map(|s| (s.at - x) * (of(s) - y)).sum();
    let across: f64 = samples.iter().map(|s| (s.at - x).powi(2)).sum();
    if across > 0.0 { up / across } else { 0.0 }
}
