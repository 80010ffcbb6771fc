//! `make chaos`: the same simulated days lived twice, once undisturbed and once killed (SIGKILL) hundreds of times in
//! the middle of its work; the two databases must say the same, row for row.
//!
//! `chaos_kill [--kills 200] [--days D] [--ips N] [--seed S]`, and as its own child
//! `chaos_kill --child PATH --days D --ips N --seed S`.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};
use store::{OpenOptions, Store, StoreError};
use testkit::chaos::{Scale, live, sign};
use testkit::digest::{Digest, digest};
use testkit::{Dice, Figures, Stopwatch};

type Failure = Box<dyn std::error::Error>;

const COMMAND: &str = "make chaos";
/// A child that says nothing for this long hangs.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::main]
async fn main() -> Result<ExitCode, Failure> {
    let given = arguments()?;
    let number = |name: &str, default: u64| -> Result<u64, Failure> {
        given.get(name).map_or(Ok(default), |v| v.parse().map_err(|_| format!("--{name} {v}: not a number").into()))
    };
    let scale = Scale {
        days: i64::try_from(number("days", 10)?)?,
        ips: usize::try_from(number("ips", 24)?)?,
        seed: number("seed", 1)?,
    };
    if let Some(path) = given.get("child") {
        live(Path::new(path), scale).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let folder = tempfile::tempdir()?;
    let (calm, killed) = (folder.path().join("calm.db"), folder.path().join("killed.db"));
    let watch = Stopwatch::start();
    let undisturbed = Tally::of(&run_through(&calm, scale, |_| Plan::Never)?);
    let calm_time = watch.elapsed();
    let mut dice = Dice::new(scale.seed ^ 0x7469_6465);
    let kills = number("kills", 200)?;
    let watch = Stopwatch::start();
    let lives = run_through(&killed, scale, |so_far| plan(&mut dice, kills, undisturbed.committed, so_far))?;
    let outcome = Outcome {
        tally: Tally::of(&lives),
        undisturbed,
        calm_time,
        killed_time: watch.elapsed(),
        recovery: median(lives.iter().skip(1).filter_map(|l| l.first_record).collect()),
    };
    let same = report(&outcome, &read(&calm).await?, &read(&killed).await?)?;
    if outcome.tally.kills < kills {
        eprintln!("only {} of {kills} kills landed before the run was over", outcome.tally.kills);
    }
    Ok(if same && outcome.tally.kills >= kills { ExitCode::SUCCESS } else { ExitCode::FAILURE })
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

async fn read(path: &Path) -> Result<Digest, StoreError> {
    let store = Store::open(&OpenOptions::new(format!("sqlite://{}", path.display()))).await?;
    let read = digest(&store).await;
    store.close().await;
    read
}

/// When a child is killed.
#[derive(Clone, Copy, Debug)]
enum Plan {
    /// It may live to the end.
    Never,
    /// So long after its start, whatever it does then.
    AfterStart(Duration),
    /// So long after it has opened the database and recorded so many times.
    AfterRecords(u64, Duration),
}

/// One in four by the time since the start, which also hits the opening; the others somewhere in the work, with what
/// is left of it spread over what is left of the kills.
fn plan(dice: &mut Dice, kills: u64, total: u64, so_far: &[Life]) -> Plan {
    let done = Tally::of(so_far);
    let Some(kills_left) = kills.checked_sub(done.kills).filter(|n| *n > 0) else { return Plan::Never };
    let share = total.saturating_sub(done.committed) / (kills_left + 1);
    let ahead = done.committed * kills > total * done.kills;
    if dice.below(4) == 0 && !ahead {
        return Plan::AfterStart(Duration::from_micros(500 + dice.below(149_500)));
    }
    // The moment after the last counted record lets some more happen: near the end of the work it is a short one.
    let moment = if share > 4 { 4_000 } else { 300 };
    Plan::AfterRecords(dice.below(2 * share.saturating_sub(1) + 1), Duration::from_micros(dice.below(moment)))
}

/// What one child did.
#[derive(Debug, Default)]
struct Life {
    opened: bool,
    committed: u64,
    /// The last thing it said was that a record transaction had begun.
    recording: bool,
    /// From its start to its first committed record.
    first_record: Option<Duration>,
    killed: bool,
}

/// Starts children until one comes to its end by itself.
fn run_through(path: &Path, scale: Scale, mut plan: impl FnMut(&[Life]) -> Plan) -> Result<Vec<Life>, Failure> {
    let mut lives: Vec<Life> = Vec::new();
    loop {
        let life = one_life(path, scale, plan(&lives))?;
        let over = !life.killed;
        lives.push(life);
        if over {
            return Ok(lives);
        }
    }
}

fn one_life(path: &Path, scale: Scale, plan: Plan) -> Result<Life, Failure> {
    let started = Instant::now();
    let mut child = Command::new(std::env::current_exe()?)
        .arg("--child")
        .arg(path)
        .args(["--days", &scale.days.to_string(), "--ips", &scale.ips.to_string(), "--seed", &scale.seed.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let signs = listen(&mut child);
    let mut life = Life::default();
    let mut end = match plan {
        Plan::AfterStart(span) => Some(started + span),
        _ => None,
    };
    loop {
        if let (None, Plan::AfterRecords(n, span)) = (end, plan)
            && life.opened
            && life.committed >= n
        {
            end = Some(Instant::now() + span);
        }
        let wait = end.map_or(PATIENCE, |at| at.saturating_duration_since(Instant::now()));
        match signs.recv_timeout(wait) {
            Ok((sign, at)) => life.hears(sign, at.saturating_duration_since(started)),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                child.kill()?;
                signs.iter().for_each(|(sign, at)| life.hears(sign, at.saturating_duration_since(started)));
                break;
            }
        }
    }
    let status = child.wait()?;
    life.killed = !status.success();
    if life.killed && (end.is_none() || status.code().is_some()) {
        return Err(format!("a child ended with {status} by itself, or hung").into());
    }
    Ok(life)
}

/// The child's signs with their instants; the channel closes when the child's stdout does.
fn listen(child: &mut Child) -> Receiver<(u8, Instant)> {
    let (tell, signs) = channel();
    if let Some(mut out) = child.stdout.take() {
        std::thread::spawn(move || {
            let mut bytes = [0; 256];
            while let Ok(n @ 1..) = out.read(&mut bytes) {
                let at = Instant::now();
                if bytes[..n].iter().any(|b| tell.send((*b, at)).is_err()) {
                    return;
                }
            }
        });
    }
    signs
}

impl Life {
    fn hears(&mut self, sign: u8, after: Duration) {
        match sign {
            sign::OPEN => self.opened = true,
            sign::BEGUN => self.recording = true,
            sign::COMMITTED => {
                self.recording = false;
                self.committed += 1;
                self.first_record.get_or_insert(after);
            }
            _ => {}
        }
    }
}

/// All lives together.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    kills: u64,
    in_opening: u64,
    in_record: u64,
    committed: u64,
}

impl Tally {
    fn of(lives: &[Life]) -> Self {
        let count = |f: fn(&&Life) -> bool| lives.iter().filter(f).count() as u64;
        Self {
            kills: count(|l| l.killed),
            in_opening: count(|l| l.killed && !l.opened),
            in_record: count(|l| l.killed && l.recording),
            committed: lives.iter().map(|l| l.committed).sum(),
        }
    }
}

struct Outcome {
    tally: Tally,
    undisturbed: Tally,
    calm_time: Duration,
    killed_time: Duration,
    recovery: Duration,
}

fn median(mut spans: Vec<Duration>) -> Duration {
    spans.sort_unstable();
    spans.get(spans.len() / 2).copied().unwrap_or_default()
}

fn report(o: &Outcome, calm: &Digest, killed: &Digest) -> std::io::Result<bool> {
    let differences = calm.differences(killed);
    println!("{:<12} {:>10} {:>10} {:>12}", "table", "calm", "killed", "differences");
    for ((table, n), (_, m)) in calm.sizes().into_iter().zip(killed.sizes()) {
        let found = differences.iter().find(|d| d.table == table).map_or(0, |d| d.count());
        println!("{table:<12} {n:>10} {m:>10} {found:>12}");
    }
    for d in &differences {
        d.missing.iter().take(3).for_each(|line| println!("- {} {line}", d.table));
        d.added.iter().take(3).for_each(|line| println!("+ {} {line}", d.table));
    }
    let rows: usize = calm.sizes().iter().map(|(_, n)| n).sum();
    let different: usize = differences.iter().map(|d| d.count()).sum();
    let t = &o.tally;
    println!();
    let mut f = Figures::new("chaos_kill", COMMAND);
    f.add("kills that hit a running process", t.kills as f64, "kills", "SIGKILL, seeded moments; aim >= 200");
    f.add("of these inside a record transaction", t.in_record as f64, "kills", "begun, not yet said to be committed");
    f.add("of these while opening the database", t.in_opening as f64, "kills", "migration, release of leases");
    f.add(
        "crawls recorded, killed run",
        t.committed as f64,
        "crawls",
        &format!("{} undisturbed; the last of a killed process may not be heard", o.undisturbed.committed),
    );
    f.add("crawls between two kills", t.committed as f64 / t.kills.max(1) as f64, "crawls", "mean");
    f.add("rows compared", rows as f64, "rows", "items, sales, hours, rollups, ips, targets, alerts, outbox");
    f.add("rows that differ", different as f64, "rows", "aim 0");
    f.add("restart to first record", o.recovery.as_secs_f64() * 1000.0, "ms", "median, process start included");
    f.add("undisturbed run", o.calm_time.as_secs_f64(), "s", "");
    f.add("killed run", o.killed_time.as_secs_f64(), "s", "");
    f.save()?;
    Ok(different == 0)
}
