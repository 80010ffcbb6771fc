//! `make chaos-scale`: three that schedule and record, six that crawl, on one MariaDB and one Redis, at high speed; once
//! undisturbed, once with every fault. What both recorded is held against the ledger of the truth, what people were told
//! against the outbox and the looks at the accounts.
//!
//! SERVES=3 WORKERS=6 IPS=40 HOTTEST=600 (listings an hour) ACCOUNTS=200 SPEED=360 CALM=12 LASTS=240 (seconds) SEED=1
//! RUNS=undisturbed,disturbed ONLY= (faults whose name has it); a week of 200 IPs: IPS=200 HOTTEST=100 ACCOUNTS=1000 LASTS=1680. As its own child
//! `chaos_scale --child PART`.

use std::process::ExitCode;
use std::time::Duration;
use testkit::Figures;
use testkit::scale::{Failure, Fault, Outcome, Plan, child, drill, setting};
use testkit::truth::IpTruth;

const COMMAND: &str = "make chaos-scale";
/// Accounts or looks shown that are otherwise.
const SHOWN: usize = 20;

#[tokio::main]
async fn main() -> Result<ExitCode, Failure> {
    if child().await? {
        return Ok(ExitCode::SUCCESS);
    }
    let plan = Plan {
        program: std::env::current_exe()?,
        serves: setting("SERVES", 3)?,
        workers: setting("WORKERS", 6)?,
        ips: setting("IPS", 40)?,
        hottest: setting("HOTTEST", 600.0)?,
        accounts: setting("ACCOUNTS", 200)?,
        speed: setting("SPEED", 360.0)?,
        calm: Duration::from_secs(setting("CALM", 12)?),
        faults: Vec::new(),
        lasts: Duration::from_secs(setting("LASTS", 240)?),
        seed: setting("SEED", 1)?,
        traces: None,
    };
    let mut figures = Figures::new("chaos-scale", COMMAND);
    let mut good = true;
    let runs = std::env::var("RUNS").unwrap_or_else(|_| "undisturbed,disturbed".to_owned());
    for name in runs.split(',') {
        let only = std::env::var("ONLY").unwrap_or_default();
        let faults = if name == "disturbed" { Fault::ALL.to_vec() } else { Vec::new() };
        let faults: Vec<Fault> = faults.into_iter().filter(|fault| fault.name().contains(&only)).collect();
        let Plan { serves, workers, ips, accounts, speed, .. } = &plan;
        eprintln!("{name}: {serves} serve, {workers} workers, {ips} IPs, {accounts} accounts, {speed} x");
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
    if outcome.recovered.iter().any(|(fault, _)| *fault == Fault::FillDisk) {
        figures.add(
            "writes the full disk refused",
            outcome.refusals as f64,
            "lines of MariaDB's log",
            "0: it did not bite",
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
    let share = sum_of(outcome, |t| t.outflow_found) / sum_of(outcome, |t| t.outflow_truth).max(1.0);
    add("sales found", 100.0 * share, "%", "of those of the ledger");
    add("simulated", outcome.simulated.as_secs_f64() / 86_400.0, "days", "");
    add("requests to the market", outcome.requests as f64, "requests", "");
    add("processes that ended by themselves", outcome.deaths as f64, "processes", "aim 0");
    let (told, lives) = (&outcome.told, &outcome.lives);
    add("notices", told.notices as f64, "notices", "firings, reminders, recoveries in the database");
    add("told once", told.once as f64, "notices", "");
    let again = "the receiver cut the connection, or the sender was killed before it was answered or had written it";
    add("told again with a reason", (told.cut + told.unanswered + told.killed) as f64, "notices", again);
    add("told twice without a reason", told.doubled.len() as f64, "notices", "aim 0");
    add("never told", told.never.len() as f64, "notices", "aim 0");
    add("told but not in the database", told.unheard.len() as f64, "notices", "aim 0");
    add("looks at accounts", lives.looks as f64, "looks", &format!("they call for {} notices", lives.expected));
    add("accounts or looks that are otherwise", lives.wrong.len() as f64, "", "aim 0; against the providers");
    add("messages not sent", outcome.unsent as f64, "messages", "aim 0");
    let unsaid = told.doubled.len() + told.never.len() + told.unheard.len() + lives.wrong.len();
    lives.wrong.iter().take(SHOWN).for_each(|wrong| println!("  {wrong}"));
    let truths = wrong == 0.0 && above == 0.0 && sum(|t| t.whole_hours) > 0.0;
    truths && outcome.deaths == 0 && unsaid == 0 && outcome.unsent == 0
}

fn sum_of(outcome: &Outcome, pick: fn(&IpTruth) -> i64) -> f64 {
    outcome.truth.iter().map(pick).sum::<i64>() as f64
}
