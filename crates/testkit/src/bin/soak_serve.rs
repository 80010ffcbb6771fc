//! `make soak-serve`: the product alone on SQLite through a day at a fast clock, with the simulated upstreams in another
//! process. Memory, files and threads must not grow; the database must grow as predicted.
//!
//! HOURS=24 SPEED=144 IPS=30 HOTTEST=60 ACCOUNTS=100 SEED=1; as its own child `soak_serve --child PART`.

use std::process::ExitCode;
use std::time::Duration;
use testkit::Figures;
use testkit::scale::{Failure, Plan, Sample, child, setting, slope, soak};

const COMMAND: &str = "make soak-serve";
const LOOKS: u32 = 120;

#[tokio::main]
async fn main() -> Result<ExitCode, Failure> {
    if child().await? {
        return Ok(ExitCode::SUCCESS);
    }
    let (hours, speed) = (setting("HOURS", 24.0)?, setting("SPEED", 144.0)?);
    let plan = Plan {
        program: std::env::current_exe()?,
        serves: 1,
        workers: 0,
        ips: setting("IPS", 30)?,
        hottest: setting("HOTTEST", 60.0)?,
        accounts: setting("ACCOUNTS", 100)?,
        speed,
        calm: Duration::ZERO,
        faults: Vec::new(),
        lasts: Duration::from_secs_f64(hours * 3_600.0 / speed),
        seed: setting("SEED", 1)?,
        traces: None,
    };
    let came = soak(&plan, LOOKS).await?;
    let (Some(first), Some(last)) = (came.samples.first(), came.samples.last()) else { return Ok(ExitCode::FAILURE) };
    let mut figures = Figures::new("soak-serve", COMMAND);
    let span = format!("over {:.1} h of the product's clock, after the first eighth", last.at - first.at);
    let middle = |part: &[Sample], of: fn(&Sample) -> f64| {
        let mut all: Vec<f64> = part.iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        all.get(all.len() / 2).copied().unwrap_or(0.0)
    };
    let quarter = came.samples.len() / 4;
    let (second, fourth) = (&came.samples[quarter..2 * quarter], &came.samples[came.samples.len() - quarter..]);
    let memory = (middle(second, |s| s.memory), middle(fourth, |s| s.memory));
    figures.add("memory, second quarter", memory.0, "MB", "median of the looks");
    figures.add("memory, last quarter", memory.1, "MB", &format!("{:.2} of the second", memory.1 / memory.0));
    let eighths: Vec<_> = came.samples.chunks(came.samples.len().div_ceil(8).max(1)).collect();
    let each: Vec<_> = eighths.iter().map(|part| format!("{:.1}", middle(part, |s| s.memory))).collect();
    let last_slope = slope(&came.samples[came.samples.len() / 2..], |s| s.memory);
    figures.add(
        "memory, slope of the last half",
        last_slope,
        "MB/h",
        &format!("medians by eighths: {}", each.join(" ")),
    );
    figures.add("memory, slope", slope(&came.samples, |s| s.memory), "MB/h", &span);
    let files = (first.files, came.samples.iter().map(|s| s.files).max().unwrap_or(0), last.files);
    figures.add("open files, last", files.2 as f64, "files", &format!("{} at first, {} at most", files.0, files.1));
    figures.add("threads, last", last.threads as f64, "threads", &format!("{} at first", first.threads));
    let grown = last.database - first.database;
    let compared = format!("predicted {:.1}: {:.2} of it", came.predicted, grown / came.predicted.max(0.001));
    figures.add("database, grown", grown, "MB", &compared);
    figures.add("database, last", last.database, "MB", "");
    figures.add("requests to the market", came.requests as f64, "requests", "");
    figures.save()?;
    let flat = memory.1 <= memory.0 * 1.25 && files.2 <= files.0 + 8 && last.threads <= first.threads + 4;
    // A file grows by its log and by free pages: below a megabyte it says nothing.
    let foretold = (grown - came.predicted).abs() < 1.0 || (0.7..=1.3).contains(&(grown / came.predicted.max(0.001)));
    println!("{}", if flat && foretold { "flat, and grown as predicted" } else { "NOT flat, or not as predicted" });
    Ok(ExitCode::from(u8::from(!(flat && foretold))))
}
