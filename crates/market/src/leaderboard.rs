//! The leaderboard: a rolling window of complete hours, summed once per change and kept ready as bytes.

use crate::statistics::{hot_score, liquidity_index};
use crate::store::{Flows, flows_by_ip};
use axum::body::Bytes;
use engine::{Engine, Event};
use model::{HOUR, Timestamp, hour_start};
use moka::future::Cache;
use prometheus_client::metrics::counter::Counter;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use store::StoreError;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

/// What is ranked by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Ranking {
    /// The hot score.
    Hot,
    /// Listings that appeared.
    Inflow,
    /// Listings that were bought.
    Outflow,
}

impl Ranking {
    /// All of them, by the word of the API.
    pub const WORDS: [(&'static str, Self); 3] =
        [("hot", Self::Hot), ("inflow", Self::Inflow), ("outflow", Self::Outflow)];

    /// The word of the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hot => "hot",
            Self::Inflow => "inflow",
            Self::Outflow => "outflow",
        }
    }
}

/// Which leaderboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Which {
    /// What is ranked by.
    pub ranking: Ranking,
    /// Length of the window, 1–168.
    pub hours: u32,
    /// Rows at most, 1–100.
    pub limit: u32,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "LeaderboardRow")]
pub struct Ranked {
    /// From 1.
    pub rank: usize,
    /// The IP.
    pub ip_id: i64,
    /// Its Japanese name.
    pub ip_name: String,
    /// Its English name, may be empty.
    pub ip_name_en: String,
    /// Its Chinese name, may be empty.
    pub ip_name_cn: String,
    /// Listings that appeared.
    pub inflow: i64,
    /// Listings that were bought.
    pub outflow: i64,
    /// Shops products that appeared.
    pub shops_inflow: i64,
    /// Shops products that sold out.
    pub shops_outflow: i64,
    /// Outflow / inflow; null when inflow is 0.
    pub liquidity_index: Option<f64>,
    /// What is ranked by.
    pub score: f64,
    /// The numbers are lower bounds.
    pub saturated: bool,
    /// Complete hours within the window.
    pub hours: i64,
}

/// A leaderboard.
#[derive(Clone, Debug)]
pub struct Board {
    /// The first hour of the window.
    pub start: Timestamp,
    /// The end of its last hour.
    pub end: Timestamp,
    /// The rows, best first.
    pub rows: Vec<Ranked>,
    /// When the sums were made.
    pub summed_at: Timestamp,
    /// Whether they had been made before this was asked.
    pub from_cache: bool,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Window {
    version: u64,
    end: Timestamp,
    hours: u32,
}

struct Sums {
    at: Timestamp,
    flows: Vec<Flows>,
}

/// The leaderboards of this process. Cheap to clone.
#[derive(Clone)]
pub struct Leaderboard(Arc<Inner>);

struct Inner {
    engine: Arc<Engine>,
    include_shops: bool,
    /// Counts changes; sums of an earlier version are never looked at again and age out.
    version: AtomicU64,
    changes: Mutex<Receiver<Event>>,
    sums: Cache<Window, Arc<Sums>>,
    answers: Cache<(Window, Which), Bytes>,
    hits: Counter,
    misses: Counter,
}

/// What other processes record is seen after this long at the latest.
const MAX_AGE: Duration = Duration::from_secs(60);
/// Crawls come in batches: one look at the top serves them all.
const SETTLE: Duration = Duration::from_millis(500);
/// The board whose top is told to listeners.
const TOLD: Which = Which { ranking: Ranking::Hot, hours: 24, limit: 10 };

impl Leaderboard {
    /// Leaderboards over the engine's store; with `include_shops` Shops products count too.
    pub fn new(engine: Arc<Engine>, include_shops: bool) -> Self {
        let changes = Mutex::new(engine.subscribe());
        Self(Arc::new(Inner {
            engine,
            include_shops,
            version: AtomicU64::new(0),
            changes,
            sums: Cache::builder().max_capacity(64).time_to_live(MAX_AGE).build(),
            answers: Cache::builder().max_capacity(512).time_to_live(MAX_AGE).build(),
            hits: Counter::default(),
            misses: Counter::default(),
        }))
    }

    /// The answer of the API, ready to be sent.
    pub async fn answer(&self, which: Which) -> Result<Bytes, StoreError> {
        let window = self.window(which.hours);
        let key = (window, which);
        if let Some(bytes) = self.0.answers.get(&key).await {
            self.0.hits.inc();
            return Ok(bytes);
        }
        let board = self.board_of(&key.0, which).await?;
        let bytes = answer_bytes(&board, which, true)?;
        self.0.answers.insert(key, bytes.clone()).await;
        if board.from_cache { Ok(bytes) } else { answer_bytes(&board, which, false) }
    }

    /// The leaderboard itself.
    pub async fn board(&self, which: Which) -> Result<Board, StoreError> {
        self.board_of(&self.window(which.hours), which).await
    }

    /// Counts looks that found their sums or their answer kept, and those that did not.
    pub fn kept(&self) -> (Counter, Counter) {
        (self.0.hits.clone(), self.0.misses.clone())
    }

    /// An IP was renamed, added or deleted.
    pub fn invalidate(&self) {
        self.0.version.fetch_add(1, Ordering::Relaxed);
    }

    /// Tells listeners when crawls have changed the top of the leaderboard; ends with `stop`.
    pub async fn follow(self, stop: impl Future<Output = ()> + Send) {
        let mut crawls = self.0.engine.subscribe();
        let mut top = self.top().await.unwrap_or_default();
        let follow = async {
            while crawled(&mut crawls).await {
                tokio::time::sleep(SETTLE).await;
                while crawls.try_recv().is_ok() {}
                match self.top().await {
                    Ok(new) if new != top => {
                        self.0.engine.tell(&[Event { name: "leaderboard".into(), data: json!({ "top": new }) }]);
                        top = new;
                    }
                    Ok(_) => {}
                    Err(e) => {
                        tracing::warn!(error = %e, "the leaderboard could not be read; the next crawl tries again")
                    }
                }
            }
        };
        tokio::select! {
            () = follow => {}
            () = stop => {}
        }
    }

    async fn top(&self) -> Result<Vec<i64>, StoreError> {
        Ok(self.board(TOLD).await?.rows.iter().map(|r| r.ip_id).collect())
    }

    fn window(&self, hours: u32) -> Window {
        self.hear();
        let version = self.0.version.load(Ordering::Relaxed);
        Window { version, end: hour_start(self.0.engine.clock.now()), hours }
    }

    /// Looks whether a crawl was recorded since the last look: what is answered after an event is what it tells of.
    fn hear(&self) {
        let mut changes = self.0.changes.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match changes.try_recv() {
                Ok(event) if event.name != "crawl" => {}
                Ok(_) | Err(TryRecvError::Lagged(_)) => self.invalidate(),
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }

    async fn board_of(&self, window: &Window, which: Which) -> Result<Board, StoreError> {
        let start = window.end.plus(-HOUR * i64::from(window.hours));
        let mut from_cache = true;
        let sums = self.0.sums.try_get_with(window.clone(), async {
            from_cache = false;
            let at = self.0.engine.clock.now();
            let flows = flows_by_ip(&self.0.engine.store, start, window.end).await?;
            Ok::<_, StoreError>(Arc::new(Sums { at, flows }))
        });
        // Those who waited for the same sums share its error.
        let sums = sums.await.map_err(|e| StoreError::Database(e.to_string()))?;
        if from_cache {
            self.0.hits.inc()
        } else {
            self.0.misses.inc()
        };
        let rows = rank(&sums.flows, which, self.0.include_shops);
        Ok(Board { start, end: window.end, rows, summed_at: sums.at, from_cache })
    }
}

async fn crawled(events: &mut Receiver<Event>) -> bool {
    loop {
        match events.recv().await {
            Ok(event) if event.name == "crawl" => return true,
            Ok(_) => {}
            Err(RecvError::Lagged(_)) => return true,
            Err(RecvError::Closed) => return false,
        }
    }
}

/// Ranks the sums, best first; equal scores go by the IP's number.
pub fn rank(flows: &[Flows], which: Which, include_shops: bool) -> Vec<Ranked> {
    let shops = i64::from(include_shops);
    let mut scored: Vec<(f64, i64, i64, &Flows)> = flows
        .iter()
        .map(|f| {
            let (inflow, outflow) = (f.inflow + shops * f.shops_inflow, f.outflow + shops * f.shops_outflow);
            let score = match which.ranking {
                Ranking::Hot => hot_score(inflow, outflow),
                Ranking::Inflow => inflow as f64,
                Ranking::Outflow => outflow as f64,
            };
            (score, inflow, outflow, f)
        })
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.3.ip_id.cmp(&b.3.ip_id)));
    scored.truncate(which.limit as usize);
    scored
        .into_iter()
        .enumerate()
        .map(|(i, (score, inflow, outflow, f))| Ranked {
            rank: i + 1,
            ip_id: f.ip_id,
            ip_name: f.names.0.clone(),
            ip_name_en: f.names.1.clone(),
            ip_name_cn: f.names.2.clone(),
            inflow,
            outflow,
            shops_inflow: f.shops_inflow,
            shops_outflow: f.shops_outflow,
            liquidity_index: liquidity_index(inflow, outflow),
            score,
            saturated: f.saturated,
            hours: f.hours,
        })
        .collect()
}

/// A leaderboard as the API shows it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Leaderboard")]
pub(crate) struct BoardJson<'a> {
    #[serde(rename = "type")]
    ranking: Ranking,
    hours: u32,
    time_range: TimeRange,
    items: &'a [Ranked],
    count: usize,
    from_cache: bool,
    cached_at: Timestamp,
}

/// The first hour of a window, and the end of its last.
#[derive(Debug, Serialize, JsonSchema)]
struct TimeRange {
    start: Timestamp,
    end: Timestamp,
}

fn answer_bytes(board: &Board, which: Which, from_cache: bool) -> Result<Bytes, StoreError> {
    let answer = BoardJson {
        ranking: which.ranking,
        hours: which.hours,
        time_range: TimeRange { start: board.start, end: board.end },
        items: &board.rows,
        count: board.rows.len(),
        from_cache,
        cached_at: board.summed_at,
    };
    let bytes = serde_json::to_vec(&api::Data::of(answer));
    bytes.map(Bytes::from).map_err(|e| StoreError::Database(format!("leaderboard not serialised: {e}")))
}
