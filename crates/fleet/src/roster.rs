//! Who is there: every process writes a line about itself every few seconds.

use crate::{FleetError, Link};
use model::Timestamp;
use redis::{Value, cmd, pipe};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::time::Duration;

const KEY: &str = "tidewatch:members";
/// Whoever has been silent for so long is gone.
const FORGOTTEN: Duration = Duration::from_secs(120);

/// What a process says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Member {
    /// Its name: host, process id and a few letters.
    pub name: String,
    /// `worker` or `serve`.
    pub role: String,
    /// Its version.
    pub version: String,
    /// Tasks under way.
    pub running: u64,
    /// Most tasks at the same time.
    pub capacity: u64,
    /// From handing out to beginning, of the last task, in seconds; `None` before the first.
    pub lag_seconds: Option<f64>,
    /// It takes nothing new.
    pub draining: bool,
    /// Since when it runs.
    pub started_at: Timestamp,
    /// When it last wrote, by its clock.
    pub seen_at: Timestamp,
}

/// The list of those that are there.
#[derive(Clone)]
pub struct Roster(Link);

impl Roster {
    /// The list in this Redis.
    pub const fn new(link: Link) -> Self {
        Self(link)
    }

    /// Writes a line.
    pub async fn write(&self, member: &Member) -> Result<(), FleetError> {
        let text = serde_json::to_string(member).unwrap_or_default();
        let write = cmd("HSET").arg(&[KEY, &member.name, &text]).to_owned();
        Ok(write.query_async::<Value>(&mut self.0.shared()).await.map(drop)?)
    }

    /// Takes a line off.
    pub async fn leave(&self, name: &str) -> Result<(), FleetError> {
        let leave = cmd("HDEL").arg(&[KEY, name]).to_owned();
        Ok(leave.query_async::<Value>(&mut self.0.shared()).await.map(drop)?)
    }

    /// Those that are there, by name; forgets who has been silent for two minutes of `now`.
    pub async fn all(&self, now: Timestamp) -> Result<Vec<Member>, FleetError> {
        let lines: HashMap<String, String> = cmd("HGETALL").arg(KEY).query_async(&mut self.0.shared()).await?;
        let (mut all, mut gone) = (Vec::new(), Vec::new());
        for (name, line) in lines {
            match serde_json::from_str::<Member>(&line) {
                Ok(member) if now.since(member.seen_at) < FORGOTTEN => all.push(member),
                _ => gone.push(name),
            }
        }
        if !gone.is_empty() {
            pipe().cmd("HDEL").arg(KEY).arg(gone).query_async::<Value>(&mut self.0.shared()).await?;
        }
        all.sort_by(|a, b| (&a.role, &a.name).cmp(&(&b.role, &b.name)));
        Ok(all)
    }
}
