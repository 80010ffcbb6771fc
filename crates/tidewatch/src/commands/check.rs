//! `tidewatch check [NAME…]`: looks at balances now and prints what is left.

use crate::app::{self, Accounts, database, notifying, options, secrets};
use crate::cli::{Common, Outcome};
use crate::terminal::{Align, Progress, Table, fit, grouped};
use accounts::fetch::status_of;
use accounts::store::{Account, AccountFilter, get_account, list_accounts, open_alerts};
use accounts::{Reading, judge};
use anyhow::{Context, bail};
use clap::Args;
use engine::{Checked, Engine, EngineMetrics, FetchError, Watch};
use futures::StreamExt;
use model::{Clock, Condition, SystemClock, TargetState, WatchKind};
use notify::Sealer;
use rust_decimal::Decimal;
use serde::Serialize;
use settings::Settings;
use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use store::{Store, Task};
use tokio_util::sync::CancellationToken;

/// What `check` takes.
#[derive(Args, Debug)]
pub struct Check {
    #[command(flatten)]
    common: Common,
    /// Accounts to look at; without a name all that are not paused.
    names: Vec<String>,
    /// Ask, but store nothing and tell nobody.
    #[arg(long)]
    dry_run: bool,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// One line of the outcome.
#[derive(Debug, Serialize)]
struct Line {
    name: String,
    provider: String,
    status: String,
    remaining: Option<Decimal>,
    unit: Option<String>,
    percent_left: Option<Decimal>,
    days_left: Option<f64>,
    unlimited: bool,
    /// What is below a threshold.
    findings: Vec<String>,
    /// Why it could not be read.
    error: Option<String>,
}

impl Check {
    /// Runs it; data goes to `out`.
    pub async fn run(&self, out: &mut (dyn Write + Send)) -> anyhow::Result<Outcome> {
        let settings = self.common.load()?.settings;
        if database::file(&settings).is_some() {
            app::make_dir(&settings.server.data_dir)?;
        }
        let keyring = Arc::new(secrets::keyring(&settings.secrets, &settings.server.data_dir, true)?);
        let store = database::open_migrated(&settings, SystemClock.now()).await?;
        let accounts = Accounts::open(&settings, (keyring, None), Arc::new(SystemClock), &Default::default(), None)?;
        accounts.keep(&store, &settings.accounts, SystemClock.now()).await?;
        let chosen = self.chosen(&store).await?;
        if chosen.is_empty() {
            bail!("there are no accounts to check; add them in accounts.list of the configuration, or in the UI");
        }
        let lines = if self.dry_run {
            ask(&accounts, &chosen).await
        } else {
            look(&settings, &store, &accounts, &chosen).await?
        };
        store.close().await;
        if self.json {
            writeln!(out, "{}", serde_json::to_string_pretty(&lines)?)?;
        } else {
            print(&lines, out)?;
        }
        outcome(&lines)
    }

    async fn chosen(&self, store: &Store) -> anyhow::Result<Vec<Account>> {
        let filter = AccountFilter { limit: 100_000, ..AccountFilter::default() };
        let (all, _) = list_accounts(store, &filter).await?;
        if let Some(unknown) = self.names.iter().find(|name| !all.iter().any(|a| a.name == **name)) {
            let known: Vec<&str> = all.iter().map(|a| a.name.as_str()).take(20).collect();
            bail!("there is no account {unknown:?}; there are {}", known.join(", "));
        }
        let wanted = |a: &Account| match self.names.is_empty() {
            true => a.state == TargetState::Active,
            false => self.names.contains(&a.name),
        };
        Ok(all.into_iter().filter(wanted).collect())
    }
}

/// What could not be read comes first, then what is below a threshold: 2, 1, 0.
fn outcome(lines: &[Line]) -> anyhow::Result<Outcome> {
    let unread = lines.iter().filter(|line| line.status != "ok").count();
    if unread > 0 {
        bail!("{unread} of {} accounts could not be read", lines.len());
    }
    let below = lines.iter().any(|line| !line.findings.is_empty());
    Ok(if below { Outcome::Finding } else { Outcome::Good })
}

/// Asks without a trace.
async fn ask(accounts: &Accounts, chosen: &[Account]) -> Vec<Line> {
    let progress = Mutex::new((0, Progress::quiet("checking", chosen.len() as u64)));
    let watch = accounts.watch(WatchKind::Account);
    let lines: Vec<Line> = futures::stream::iter(chosen)
        .map(|account| async {
            let reading = fetch(&watch, account).await;
            step(&progress);
            let findings =
                judge::judge(&account.name, &account.thresholds, &reading, None, SystemClock.now(), &accounts.options);
            let bad = findings.into_iter().filter(|f| reading.is_ok() && f.condition == Condition::Bad);
            line(account, &reading, None, bad.map(|f| f.wording.message).collect())
        })
        .buffered(accounts.options.max_concurrent_checks)
        .collect()
        .await;
    lines
}

async fn fetch(watch: &accounts::AccountWatch, account: &Account) -> Reading {
    let brief = accounts::Brief::of(account);
    match watch.fetch(&brief).await {
        Ok(reading) => reading,
        Err(e) => Reading::failed(status_of(&e), told(&e)),
    }
}

fn told(e: &FetchError) -> String {
    e.to_string()
}

fn step(progress: &Mutex<(u64, Progress)>) {
    let mut progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
    progress.0 += 1;
    let done = progress.0;
    progress.1.at(done, || format!("{done} accounts"));
}

/// Looks as the schedule does: claims, asks, records, and tells people what there is to tell.
async fn look(
    settings: &Settings,
    store: &Store,
    accounts: &Accounts,
    chosen: &[Account],
) -> anyhow::Result<Vec<Line>> {
    let registry = api::SharedRegistry::default();
    let metrics = EngineMetrics::new(&mut registry.lock().unwrap_or_else(PoisonError::into_inner));
    let tokens = Arc::new(|| uuid::Uuid::new_v4().simple().to_string());
    let engine = options::engine(&settings.engine);
    let engine = Engine::new(store.clone(), Arc::new(SystemClock), engine, Arc::new(metrics), tokens);
    let ids: Vec<i64> = chosen.iter().filter(|a| a.state == TargetState::Active).map(|a| a.id).collect();
    let token = uuid::Uuid::new_v4().simple().to_string();
    let lease = (token.as_str(), engine.options.lease);
    let tasks = store::claim_these(store, WatchKind::Account, &ids, lease, SystemClock.now()).await?;
    // What was not looked at must not pass for well with what an earlier look gave.
    let busy = ids.iter().filter(|id| !tasks.iter().any(|task| task.ref_id == **id));
    let unlooked: HashMap<i64, String> = busy.map(|id| (*id, BUSY.to_owned())).collect();
    let unlooked = Mutex::new(unlooked);
    let progress = Mutex::new((0, Progress::quiet("checking", tasks.len() as u64)));
    let watch = accounts.watch(WatchKind::Account);
    let (engine, watch, progress, noted) = (&engine, &watch, &progress, &unlooked);
    futures::stream::iter(&tasks)
        .for_each_concurrent(accounts.options.max_concurrent_checks, |task: &Task| async move {
            if let Some(why) = look_at(engine, watch, task).await {
                noted.lock().unwrap_or_else(PoisonError::into_inner).insert(task.ref_id, why);
            }
            step(progress);
        })
        .await;
    let unlooked = unlooked.into_inner().unwrap_or_else(PoisonError::into_inner);
    tell(settings, store, accounts).await?;
    let alerts = open_alerts(store, WatchKind::Account, &ids).await?;
    let mut lines = Vec::new();
    for account in chosen {
        let Some(account) = get_account(store, account.id).await? else { continue };
        let open = alerts.get(&account.id).into_iter().flatten();
        let findings = open.filter(|a| a.alert_type != judge::UNREADABLE).map(|a| a.title.clone()).collect();
        let reading = account.reading.clone().unwrap_or_default();
        let mut line = line(&account, &reading, Some(&account.status), findings);
        if let Some(why) = unlooked.get(&account.id) {
            (line.status, line.error) = ("unchecked".to_owned(), Some(why.clone()));
        }
        lines.push(line);
    }
    Ok(lines)
}

const BUSY: &str = "a running server is checking it just now";
/// A provider that wants longer to be left alone is not waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(120);
const TRIES: u32 = 4;

/// Looks at one account, waiting for its provider's turn; says why it was not looked at, if it was not.
async fn look_at(engine: &Engine, watch: &accounts::AccountWatch, task: &Task) -> Option<String> {
    let mut task = task.clone();
    for tries in 1.. {
        match engine::check(engine, watch, &task).await {
            Checked::Recorded(_) | Checked::Failed(_) => return None,
            Checked::Postponed(wait) if tries < TRIES && wait <= LONGEST_WAIT => {
                tokio::time::sleep(wait).await;
                let lease = (task.lease_token.as_str(), engine.options.lease);
                let again =
                    store::claim_these(&engine.store, task.kind, &[task.ref_id], lease, engine.clock.now()).await;
                match again.map(|tasks| tasks.into_iter().find(|again| again.ref_id == task.ref_id)) {
                    Ok(Some(again)) => task = again,
                    Ok(None) => return Some(BUSY.to_owned()),
                    Err(e) => return Some(format!("not claimed: {e}")),
                }
            }
            Checked::Postponed(wait) => {
                return Some(format!("not asked: its provider is to be left alone for {} s", wait.as_secs()));
            }
            Checked::Store(e) => return Some(format!("not recorded: {e}")),
            Checked::Stale | Checked::Gone | Checked::HandedOut => {
                return Some("changed by another process meanwhile; check again".into());
            }
        }
    }
    None
}

/// The longest that messages are waited for: what is to be tried again later is a server's, or the next check's.
const TELLING: Duration = Duration::from_secs(25);

/// Sends what is in the outbox: there may be no server that does.
async fn tell(settings: &Settings, store: &Store, accounts: &Accounts) -> anyhow::Result<()> {
    let sealer: Arc<dyn Sealer> = Arc::clone(&accounts.keyring) as Arc<dyn Sealer>;
    let notify = settings::NotifySettings { digest_window: settings::Span::seconds(0), ..settings.notify.clone() };
    let registry = api::SharedRegistry::default();
    let deliverer = notifying::deliverer(&notify, store.clone(), sealer, Arc::new(SystemClock), &registry)?;
    notifying::keep(&deliverer, store, (&settings.channels, &notify), SystemClock.now()).await?;
    let stop = CancellationToken::new();
    let run = tokio::spawn(Arc::clone(&deliverer).run(stop.clone()));
    let begun = std::time::Instant::now();
    while begun.elapsed() < TELLING {
        let depths = notify::depths(store).await?;
        if depths.unfanned + depths.waiting == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    stop.cancel();
    run.await.context("the messages")
}

fn line(account: &Account, reading: &Reading, status: Option<&str>, findings: Vec<String>) -> Line {
    let status = status.unwrap_or(reading.status.as_str());
    let error = match account.error.as_ref().filter(|_| reading.is_ok()) {
        Some(error) => Some(error.clone()),
        None => reading.note.clone(),
    };
    Line {
        name: account.name.clone(),
        provider: account.provider.clone(),
        status: status.to_owned(),
        remaining: reading.remaining,
        unit: reading.unit.clone(),
        percent_left: judge::percent_left(reading),
        days_left: account.forecast.and_then(|f| f.days_left),
        unlimited: reading.unlimited,
        findings,
        error: error.filter(|_| status != "ok"),
    }
}

fn print(lines: &[Line], out: &mut dyn Write) -> io::Result<()> {
    let mut table = Table::new([
        ("account", Align::Left),
        ("provider", Align::Left),
        ("left", Align::Right),
        ("", Align::Left),
        ("days", Align::Right),
        ("status", Align::Left),
        ("", Align::Left),
    ]);
    for line in lines {
        let left = match (line.remaining, line.unlimited) {
            (Some(left), _) => decimal(left),
            (None, true) => "unlimited".to_owned(),
            (None, false) => {
                line.percent_left.map_or_else(|| "?".to_owned(), |p| format!("{} %", p.round_dp(1).normalize()))
            }
        };
        let status = match (line.status.as_str(), line.findings.is_empty()) {
            ("ok", true) => "ok",
            ("ok", false) => "LOW",
            (other, _) => other,
        };
        table.row([
            fit(&line.name, 32),
            fit(&line.provider, 20),
            left,
            line.unit.clone().unwrap_or_default(),
            line.days_left.map(|d| format!("{d:.1}")).unwrap_or_default(),
            status.to_owned(),
            fit(&line.findings.first().cloned().or_else(|| line.error.clone()).unwrap_or_default(), 60),
        ]);
    }
    write!(out, "{table}")
}

/// Digits in groups of three, as many places as there are, at least two where there are any.
fn decimal(amount: Decimal) -> String {
    let rounded = amount.round_dp(4).normalize();
    let (whole, places) = (rounded.trunc(), rounded.fract().abs());
    let whole_text = i64::try_from(whole).map_or_else(|_| whole.to_string(), grouped);
    let sign = if rounded.is_sign_negative() && whole.is_zero() && !rounded.is_zero() { "-" } else { "" };
    match places.is_zero() {
        true => whole_text,
        false => {
            let digits = places.to_string();
            format!("{sign}{whole_text}.{:0<2}", digits.trim_start_matches("0."))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_grouped_and_keep_their_sign() {
        for (amount, shown) in
            [("12345.5", "12,345.50"), ("-0.5", "-0.50"), ("0", "0"), ("100", "100"), ("-1234.56789", "-1,234.5679")]
        {
            assert_eq!(decimal(amount.parse().unwrap()), shown);
        }
    }
}
