//! `make chaos-scale`: three that schedule and record, six that crawl, on one MariaDB and one Redis, at high speed; once
//! undisturbed, once with every fault. What both recorded is held against the ledger of the truth.
//!
//! SERVES=3 WORKERS=6 IPS=40 SPEED=720 CALM=12 LASTS=150 (seconds) SEED=1; as its own child `chaos_scale --child PART`.

use std::io::Read;
use std::process::ExitCode;
use std::time::Duration;
use testkit::Figures;
use testkit::scale::{Failure, Fault, Outcome, Plan, drill, live};
use testkit::truth::IpTruth;

const COMMAND: &str = "make chaos-scale";

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
}

#[tokio::main]
async fn main() -> Result<ExitCode, Failure> {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some("--child") {
        let part = arguments.next().ok_or("--child PART")?;
        std::thread::spawn(end_with_parent);
        live(&serde_json::from_str(&part)?).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let plan = Plan {
        program: std::env::current_exe()?,
        serves: setting("SERVES", 3) as usize,
        workers: setting("WORKERS", 6) as usize,
        ips: setting("IPS", 40) as usize,
        speed: setting("SPEED", 720) as f64,
        calm: Duration::from_secs(setting("CALM", 12)),
        faults: Vec::new(),
        lasts: Duration::from_secs(setting("LASTS", 150)),
        seed: setting("SEED", 1),
    };
    let mut figures = Figures::new("chaos-scale", COMMAND);
    let mut good = true;
    for (name, faults) in [("undisturbed", Vec::new()), ("disturbed", Fault::ALL.to_vec())] {
        eprintln!("{name}: {} serve, {} workers, {} IPs, {} x", plan.serves, plan.workers, plan.ips, plan.speed);
        let Some(outcome) = drill(&Plan { faults, ..plan.clone() }).await? else {
            eprintln!("left out: it takes MariaDB and Redis");
            return Ok(ExitCode::SUCCESS);
        };
        good &= report(&mut figures, name, &outcome);
    }
    figures.save()?;
    println!("{}", if good { "every whole hour is the ledger's, none is above it" } else { "NOT the ledger's" });
    Ok(ExitCode::from(u8::from(!good)))
}

fn report(figures: &mut Figures, name: &str, outcome: &Outcome) -> bool {
    let sum = |pick: fn(&IpTruth) -> u64| outcome.truth.iter().map(pick).sum::<u64>() as f64;
    let signed = |pick: fn(&IpTruth) -> i64| outcome.truth.iter().map(pick).sum::<i64>() as f64;
    for (fault, took) in &outcome.recovered {
        figures.add(
            &format!("{}: until recorded again", fault.name()),
            took.as_secs_f64(),
            "s",
            "with the time it was away",
        );
    }
    let mut add =
        |what: &str, value: f64, unit, beside: &str| figures.add(&format!("{name}: {what}"), value, unit, beside);
    add("IP hours", sum(|t| t.hours), "hours", "");
    add("whole, not marked as a lower bound", sum(|t| t.whole_hours), "hours", "the rest says that it is one");
    add("listings of the whole hours", signed(|t| t.inflow_truth), "listings", "by the ledger");
    let wrong = sum(|t| t.wrong_unmarked);
    add("whole hours that are not the ledger's", wrong, "hours", "aim 0");
    let above = sum(|t| t.above_truth);
    add("hours above the truth (counted twice)", above, "hours", "aim 0");
    add("requests to the market", outcome.requests as f64, "requests", "");
    add("processes that ended by themselves", outcome.deaths as f64, "processes", "aim 0");
    wrong == 0.0 && above == 0.0 && sum(|t| t.whole_hours) > 0.0 && outcome.deaths == 0
}

/// The end of standard input is the end of the parent.
fn end_with_parent() {
    let _ = std::io::stdin().read(&mut [0]);
    std::process::exit(1);
}
