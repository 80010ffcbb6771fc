//! `make alarms`: no alert lost or doubled. The program is killed (SIGKILL) at random moments while its receiver fails
//! half the time; then two processes on one MariaDB and on one PostgreSQL, where these are installed, are killed too.
//!
//! `alarms [--kills 200] [--accounts 40] [--attempts 20] [--speed 60] [--seed 1] [--only sqlite|mariadb|postgres]`, and
//! as its own child `alarms --child SCENE`.

use servers::{MariaDb, Postgres};
use std::collections::HashMap;
use std::io::Read;
use std::process::ExitCode;
use std::time::Duration;
use testkit::Figures;
use testkit::alarms::{Failure, Outcome, Plan, drill, live};

const COMMAND: &str = "make alarms";
/// Faults shown of each run.
const SHOWN: usize = 20;

#[tokio::main]
async fn main() -> Result<ExitCode, Failure> {
    let given = arguments()?;
    if let Some(scene) = given.get("child") {
        std::thread::spawn(end_with_parent);
        live(&serde_json::from_str(scene)?).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let number = |name: &str, default: u64| -> Result<u64, Failure> {
        given.get(name).map_or(Ok(default), |v| v.parse().map_err(|_| format!("--{name} {v}: not a number").into()))
    };
    let plan = Plan {
        program: std::env::current_exe()?,
        database: String::new(),
        processes: 1,
        accounts: usize::try_from(number("accounts", 40)?)?,
        kills: usize::try_from(number("kills", 200)?)?,
        calm: Duration::from_secs(2),
        attempts: u32::try_from(number("attempts", 20)?)?,
        speed: number("speed", 60)? as f64,
        seed: number("seed", 1)?,
    };
    let wanted = |name: &str| given.get("only").is_none_or(|only| only == name);
    let mut figures = Figures::new("alarms", COMMAND);
    let mut good = true;
    if wanted("sqlite") {
        good &= report(&mut figures, "SQLite, one process", &plan, &drill(&plan).await?);
    }
    let pair = |database| Plan {
        database,
        processes: 2,
        kills: plan.kills.div_ceil(4),
        calm: Duration::from_secs(15),
        ..plan.clone()
    };
    if wanted("mariadb")
        && let Some(server) = MariaDb::start()
    {
        let plan = pair(server.url());
        good &= report(&mut figures, "MariaDB, two processes", &plan, &drill(&plan).await?);
    }
    if wanted("postgres")
        && let Some(server) = Postgres::start()
    {
        let plan = pair(server.url());
        good &= report(&mut figures, "PostgreSQL, two processes", &plan, &drill(&plan).await?);
    }
    figures.save()?;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn arguments() -> Result<HashMap<String, String>, Failure> {
    let mut given = HashMap::new();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let name = word.strip_prefix("--").ok_or_else(|| format!("{word}: not an option"))?;
        given.insert(name.to_owned(), words.next().ok_or_else(|| format!("--{name}: no value"))?);
    }
    Ok(given)
}

/// Standard input ends when the parent does, however it does.
fn end_with_parent() {
    let mut byte = [0];
    while let Ok(1..) = std::io::stdin().read(&mut byte) {}
    std::process::exit(3);
}

fn report(f: &mut Figures, run: &str, plan: &Plan, outcome: &Outcome) -> bool {
    let (told, lives) = (&outcome.told, &outcome.lives);
    println!("\n{run}");
    let mut add =
        |name: &str, n: usize, unit, compared: &str| f.add(&format!("{run}: {name}"), n as f64, unit, compared);
    add("kills", outcome.kills, "kills", &format!("SIGKILL at seeded moments; {} asked for", plan.kills));
    add("of these inside a send", told.kills_in_send, "kills", "a message was with the receiver");
    add("messages to the receiver", told.posts, "messages", "one holds up to 50 notices");
    add("of these not taken, or cut", told.failed, "messages", "half by seed: reset, 500, 429, taken and cut");
    add("notices", told.notices, "notices", "firings and recoveries in the database");
    add("told once", told.once, "notices", "");
    add("told again after a cut", told.cut, "notices", "the receiver took it and gave no answer");
    add(
        "told again, killed before the answer",
        told.unanswered,
        "notices",
        "the receiver took it, nobody was left to hear",
    );
    let longest = format!("killed before its own commit, {:?} after the answer at most", told.longest);
    add("told again, killed after the answer", told.killed, "notices", &longest);
    add("told twice without a reason", told.doubled.len(), "notices", "aim 0");
    add("never told", told.never.len(), "notices", "aim 0");
    add("told but not in the database", told.unheard.len(), "notices", "aim 0");
    add("looks", lives.looks, "looks", &format!("they call for {} notices", lives.expected));
    add("accounts or looks that are otherwise", lives.wrong.len(), "", "aim 0; replayed, and against the providers");
    add(
        "time",
        outcome.took.as_secs() as usize,
        "s",
        &format!("{} accounts, {} times real time", plan.accounts, plan.speed),
    );
    let faults = outcome.faults();
    faults.iter().take(SHOWN).for_each(|fault| println!("  {fault}"));
    faults.is_empty() && outcome.kills >= plan.kills
}
