//! `tidewatch top`: a leaderboard.

use crate::app::{database, options};
use crate::cli::{Common, Outcome};
use crate::demo::marker;
use crate::terminal::{Align, Table, fit, grouped};
use anyhow::Context;
use clap::{Args, ValueEnum};
use engine::FetchError;
use engine::http::{self, ClientSettings};
use market::leaderboard::{Ranked, Ranking, Which, rank};
use market::store::{flows_by_ip, overview};
use model::{Clock, HOUR, SystemClock, Timestamp, hour_start};
use reqwest::Client;
use serde::{Deserialize, Serialize};
use settings::Settings;
use std::io::Write;

/// What `top` takes.
#[derive(Args, Debug)]
pub struct Top {
    #[command(flatten)]
    common: Common,
    /// What is ranked by.
    #[arg(long = "type", value_enum, default_value = "hot")]
    ranking: By,
    /// Length of the window in complete hours.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=168))]
    hours: u32,
    /// Rows at most.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100))]
    limit: u32,
    /// Ask this server, such as http://127.0.0.1:8080, instead of reading the database.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum By {
    Hot,
    Inflow,
    Outflow,
}

/// A leaderboard, from here or from a server.
#[derive(Debug, Serialize, Deserialize)]
struct Board {
    r#type: String,
    hours: u32,
    time_range: Window,
    items: Vec<Row>,
    /// It is a demo's.
    #[serde(default)]
    simulated: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct Window {
    start: Timestamp,
    end: Timestamp,
}

#[derive(Debug, Serialize, Deserialize)]
struct Row {
    rank: usize,
    ip_id: i64,
    ip_name: String,
    ip_name_en: String,
    ip_name_cn: String,
    inflow: i64,
    outflow: i64,
    liquidity_index: Option<f64>,
    score: f64,
    saturated: bool,
}

impl Top {
    /// Runs it; data goes to `out`.
    pub async fn run(&self, out: &mut dyn Write) -> anyhow::Result<Outcome> {
        let which = self.which();
        let board = match &self.url {
            Some(url) => of_server(url, which).await?,
            None => of_database(&self.common.load()?.settings, which).await?,
        };
        if self.json {
            writeln!(out, "{}", serde_json::to_string_pretty(&board)?)?;
        } else {
            print(&board, out)?;
        }
        Ok(Outcome::Good)
    }

    fn which(&self) -> Which {
        let ranking = match self.ranking {
            By::Hot => Ranking::Hot,
            By::Inflow => Ranking::Inflow,
            By::Outflow => Ranking::Outflow,
        };
        Which { ranking, hours: self.hours, limit: self.limit }
    }
}

async fn of_server(url: &str, which: Which) -> anyhow::Result<Board> {
    #[derive(Deserialize)]
    struct Envelope {
        data: Board,
    }
    let (base, ranking) = (url.trim_end_matches('/'), which.ranking.as_str());
    let url = format!("{base}/api/v1/leaderboard?type={ranking}&hours={}&limit={}", which.hours, which.limit);
    let client = http::client(&ClientSettings::default())?;
    let (status, body) = get(&client, &url).await.with_context(|| format!("{base} does not answer"))?;
    anyhow::ensure!(status == 200, "{url}: HTTP {status}: {}", http::snippet(&body));
    let envelope: Envelope = serde_json::from_slice(&body).with_context(|| format!("{url} is no leaderboard"))?;
    // Also a server that is not well says what it is.
    let (_, health) = get(&client, &format!("{base}/health")).await?;
    let simulated = serde_json::from_slice::<serde_json::Value>(&health).is_ok_and(|health| health["mode"] == "demo");
    Ok(Board { simulated, ..envelope.data })
}

async fn get(client: &Client, url: &str) -> Result<(u16, Vec<u8>), FetchError> {
    let response = client.get(url).send().await.map_err(http::sent)?;
    let status = response.status().as_u16();
    Ok((status, http::body_capped(response, 4 << 20).await?))
}

/// Reads beside a running server; the window ends now, or where the data ends when that is later (a demo's clock
/// runs ahead).
async fn of_database(settings: &Settings, which: Which) -> anyhow::Result<Board> {
    let store = database::open_to_read(settings).await?;
    let pending = store::pending(&store, &database::migrations()).await?;
    anyhow::ensure!(pending.is_empty(), "the database is not up to date: run `tidewatch migrate`");
    let options = options::market(settings);
    let last = overview(&store, options.schedule.max_retries).await?.last_crawled_at;
    let end = hour_start(SystemClock.now().max(last.unwrap_or_default()));
    let start = end.plus(-HOUR * i64::from(which.hours));
    let flows = flows_by_ip(&store, start, end).await?;
    store.close().await;
    let items = rank(&flows, which, options.include_shops).into_iter().map(Row::from).collect();
    let r#type = which.ranking.as_str().to_owned();
    let simulated = marker::is_in(&settings.server.data_dir);
    Ok(Board { r#type, hours: which.hours, time_range: Window { start, end }, items, simulated })
}

impl From<Ranked> for Row {
    fn from(r: Ranked) -> Self {
        Self {
            rank: r.rank,
            ip_id: r.ip_id,
            ip_name: r.ip_name,
            ip_name_en: r.ip_name_en,
            ip_name_cn: r.ip_name_cn,
            inflow: r.inflow,
            outflow: r.outflow,
            liquidity_index: r.liquidity_index,
            score: r.score,
            saturated: r.saturated,
        }
    }
}

fn print(board: &Board, out: &mut dyn Write) -> std::io::Result<()> {
    let Window { start, end } = &board.time_range;
    let (start, end) = (clock_time(*start), clock_time(*end));
    let simulated = if board.simulated { " (simulated data)" } else { "" };
    writeln!(out, "{}, last {} h: {start} to {end}{simulated}\n", board.r#type, board.hours)?;
    if board.items.is_empty() {
        return writeln!(out, "no complete hour of any IP in this window yet");
    }
    let number = Align::Right;
    let mut table = Table::new([
        ("#", number),
        ("IP", Align::Left),
        ("", Align::Left),
        ("listed", number),
        ("sold", number),
        ("index", number),
        ("score", number),
        ("", Align::Left),
    ]);
    for row in &board.items {
        let score = if board.r#type == "hot" { format!("{:.2}", row.score) } else { grouped(row.score as i64) };
        table.row([
            row.rank.to_string(),
            fit(&row.ip_name, 32),
            fit(&row.ip_name_en, 24),
            grouped(row.inflow),
            grouped(row.outflow),
            row.liquidity_index.map_or_else(|| "-".to_owned(), |index| format!("{index:.2}")),
            score,
            if row.saturated { "at least".to_owned() } else { String::new() },
        ]);
    }
    write!(out, "{table}")
}

/// JST to the minute: 2026-11-21 12:00.
fn clock_time(t: Timestamp) -> String {
    t.to_rfc3339_jst().chars().take(16).map(|c| if c == 'T' { ' ' } else { c }).collect()
}
