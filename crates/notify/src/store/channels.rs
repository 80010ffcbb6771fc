//! The channels people set up.

use crate::channel::ConfigError;
use crate::destination::Destination;
use crate::error::NotifyError;
use crate::quiet::Quiet;
use crate::rate::Rate;
use crate::rules::Rules;
use crate::secrets;
use crate::text::Language;
use ::store::{Row, Store, StoreError, Tx, args};
use model::{SECOND, Severity, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use settings::Secret;
use std::collections::HashMap;

/// A channel as a person gives it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChannelDraft {
    /// Its name, unlike all others.
    pub name: String,
    /// `feishu`, `email` …, see [`crate::Channel::KINDS`]; empty where `url` says it.
    #[serde(default)]
    pub kind: String,
    /// Kind and configuration in one, as `feishu://token?secret=…`, see [`crate::read_url`].
    #[serde(default, skip_serializing)]
    pub url: Option<Secret>,
    /// The configuration of its kind. It holds secrets and is therefore never serialised; `None` in an update keeps
    /// what is there, and so does a secret that is left out of it.
    #[serde(default, skip_serializing)]
    pub config: Option<Value>,
    /// Whether it may be at an address of the own network.
    #[serde(default)]
    pub allow_private: bool,
    /// Nothing less severe is sent.
    #[serde(default = "info")]
    pub severity_floor: Severity,
    /// The language of what is added to an alert's own words.
    #[serde(default)]
    pub language: Language,
    /// When only what is critical is sent at once; the rest waits for the end.
    #[serde(default)]
    pub quiet: Option<Quiet>,
    /// Another limit than the kind's.
    #[serde(default)]
    pub per_second: Option<u32>,
    /// Another limit than the kind's.
    #[serde(default)]
    pub per_minute: Option<u32>,
    /// Seconds in which alerts become one digest, counted from the first; the deliverer's by default, 0 where a message
    /// is one alert.
    #[serde(default)]
    pub gather_seconds: Option<u32>,
    /// Whether anything is sent.
    #[serde(default = "yes")]
    pub enabled: bool,
}

const fn info() -> Severity {
    Severity::Info
}

const fn yes() -> bool {
    true
}

/// Who says what a channel is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "ChannelOrigin")]
pub enum Origin {
    /// The configuration; people cannot change it.
    Config,
    /// People, by API or UI.
    Ui,
}

impl Origin {
    /// The word in tables and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Ui => "ui",
        }
    }
}

/// A channel as it is kept.
#[derive(Clone, Debug)]
pub struct ChannelRow {
    /// Its number.
    pub id: i64,
    /// What was given, without the configuration.
    pub draft: ChannelDraft,
    /// The configuration, sealed.
    pub sealed: Secret,
    /// Who says what it is.
    pub origin: Origin,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Until when it is left alone, by its rate or because it asked.
    pub paused_until: Timestamp,
}

impl ChannelRow {
    /// The channel ready to be written to.
    pub fn open(&self, rules: &Rules<'_>) -> Result<Destination, NotifyError> {
        let config = rules.sealer.open(self.sealed.reveal())?;
        Ok(rules.destination(&self.draft.kind, &config, self.draft.allow_private)?)
    }

    /// The limits in force.
    pub(crate) fn rate(&self, of_kind: Rate) -> Rate {
        Rate {
            per_second: self.draft.per_second.unwrap_or(of_kind.per_second),
            per_minute: self.draft.per_minute.unwrap_or(of_kind.per_minute),
            ..of_kind
        }
    }
}

const ROW: &str = "id, name, kind, config, allow_private, severity_floor, language, quiet, per_second, per_minute, \
     gather_ms, enabled, created_at, paused_until, origin, updated_at";

pub(super) const COLUMNS: usize = 16;

pub(super) fn select(conditions: &str) -> String {
    format!("SELECT {ROW}, recent FROM channels {conditions}")
}

pub(super) fn channel_row(r: &Row) -> Result<ChannelRow, StoreError> {
    let (floor, language) = (r.text(5)?, r.text(6)?);
    let count = |n: Option<i64>| n.map(|n| u32::try_from(n.max(0)).unwrap_or(u32::MAX));
    Ok(ChannelRow {
        id: r.int(0)?,
        sealed: Secret::new(r.text(3)?),
        draft: ChannelDraft {
            name: r.text(1)?,
            kind: r.text(2)?,
            url: None,
            config: None,
            allow_private: r.flag(4)?,
            severity_floor: Severity::parse(&floor).ok_or(StoreError::Decode { column: 5, message: floor })?,
            language: Language::parse(&language).unwrap_or_default(),
            // A zone this machine does not know must not keep alerts from being sent.
            quiet: r.opt_text(7)?.and_then(|q| Quiet::parse(&q)),
            per_second: count(r.opt_int(8)?),
            per_minute: count(r.opt_int(9)?),
            gather_seconds: count(r.opt_int(10)?.map(|ms| ms / SECOND)),
            enabled: r.flag(11)?,
        },
        created_at: r.time(12)?,
        paused_until: r.time(13)?,
        origin: if r.text(14)? == Origin::Config.as_str() { Origin::Config } else { Origin::Ui },
        updated_at: r.time(15)?,
    })
}

/// Checks what the draft says beside its configuration.
fn check(draft: &ChannelDraft) -> Result<(), ConfigError> {
    if draft.name.trim().is_empty() || draft.name.chars().count() > 191 {
        return Err(ConfigError("the name must have 1 to 191 characters".to_owned()));
    }
    if draft.gather_seconds.is_some_and(|s| s > 3_600) {
        return Err(ConfigError("gather_seconds is at most 3600".to_owned()));
    }
    Ok(())
}

/// `None` leaves it to the deliverer.
fn gather_ms(draft: &ChannelDraft, gathers: bool) -> Option<i64> {
    if gathers { draft.gather_seconds.map(|seconds| i64::from(seconds) * SECOND) } else { Some(0) }
}

/// Adds a channel; answers its number. A taken name is [`StoreError::Conflict`].
pub async fn add_channel(
    tx: &mut Tx,
    draft: &ChannelDraft,
    origin: Origin,
    rules: &Rules<'_>,
    now: Timestamp,
) -> Result<i64, NotifyError> {
    check(draft)?;
    let (kind, config) = rules.stated(draft)?;
    let config = config.ok_or_else(|| ConfigError("config is missing".to_owned()))?.to_string();
    let destination = rules.destination(&kind, &config, draft.allow_private)?;
    let id = tx
        .insert_id(
            "INSERT INTO channels (name, kind, config, allow_private, severity_floor, language, quiet, per_second, \
             per_minute, gather_ms, enabled, origin, created_at, updated_at, lease_until, paused_until, recent) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, '')",
            args![
                draft.name.trim(),
                kind,
                rules.sealer.seal(&config)?,
                draft.allow_private,
                draft.severity_floor.as_str(),
                draft.language.as_str(),
                draft.quiet.as_ref().map(ToString::to_string),
                draft.per_second.map(i64::from),
                draft.per_minute.map(i64::from),
                gather_ms(draft, destination.channel.gathers()),
                draft.enabled,
                origin.as_str(),
                now,
                now,
            ],
        )
        .await?;
    Ok(unused(tx, id).await?)
}

/// SQLite gives the number of a removed channel to the next one, whose deliveries the old one's would then seem to be.
async fn unused(tx: &mut Tx, id: i64) -> Result<i64, StoreError> {
    let used = tx.query_one("SELECT MAX(channel_id) FROM deliveries", args![]).await?;
    let Some(used) = used.map_or(Ok(None), |r| r.opt_int(0))?.filter(|used| *used >= id) else { return Ok(id) };
    tx.exec("UPDATE channels SET id = ? WHERE id = ?", args![used + 1, id]).await?;
    Ok(used + 1)
}

/// Changes a channel; answers false when there is none. Its pause ends: what was wrong may be mended.
pub async fn update_channel(
    tx: &mut Tx,
    id: i64,
    draft: &ChannelDraft,
    origin: Origin,
    rules: &Rules<'_>,
    now: Timestamp,
) -> Result<bool, NotifyError> {
    check(draft)?;
    let Some(row) = tx.query_one(&select("WHERE id = ?"), args![id]).await? else { return Ok(false) };
    let (kind, config) = secrets::completed(draft, &channel_row(&row)?, rules)?;
    let destination = rules.destination(&kind, &config, draft.allow_private)?;
    tx.exec(
        "UPDATE channels SET name = ?, kind = ?, config = ?, allow_private = ?, severity_floor = ?, language = ?, \
         quiet = ?, per_second = ?, per_minute = ?, gather_ms = ?, enabled = ?, origin = ?, updated_at = ?, \
         paused_until = 0 WHERE id = ?",
        args![
            draft.name.trim(),
            kind,
            rules.sealer.seal(&config)?,
            draft.allow_private,
            draft.severity_floor.as_str(),
            draft.language.as_str(),
            draft.quiet.as_ref().map(ToString::to_string),
            draft.per_second.map(i64::from),
            draft.per_minute.map(i64::from),
            gather_ms(draft, destination.channel.gathers()),
            draft.enabled,
            origin.as_str(),
            now,
            id,
        ],
    )
    .await?;
    Ok(true)
}

/// Removes a channel; what waited for it is dropped. Answers false when there is none.
pub async fn remove_channel(tx: &mut Tx, id: i64) -> Result<bool, StoreError> {
    tx.exec("UPDATE deliveries SET state = 'dropped' WHERE channel_id = ? AND state = 'waiting'", args![id]).await?;
    Ok(tx.exec("DELETE FROM channels WHERE id = ?", args![id]).await? > 0)
}

/// All channels by name.
pub async fn list_channels(store: &Store) -> Result<Vec<ChannelRow>, StoreError> {
    let rows = store.query(&select("ORDER BY name"), args![]).await?;
    rows.iter().map(channel_row).collect()
}

/// One channel.
pub async fn get_channel(store: &Store, id: i64) -> Result<Option<ChannelRow>, StoreError> {
    let row = store.query_one(&select("WHERE id = ?"), args![id]).await?;
    row.as_ref().map(channel_row).transpose()
}

/// All channels by name, as the caller's transaction sees them.
pub(super) async fn channels_in(tx: &mut Tx) -> Result<Vec<ChannelRow>, StoreError> {
    let rows = tx.query(&select("ORDER BY name"), args![]).await?;
    rows.iter().map(channel_row).collect()
}

/// What lies at a channel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ChannelCounts {
    /// Deliveries to be sent.
    pub waiting: u64,
    /// Deliveries given up.
    pub dead: u64,
    /// When it last took a message.
    pub last_sent_at: Option<Timestamp>,
}

/// What lies at each channel; those where nothing lies are left out.
pub async fn channel_counts(store: &Store) -> Result<HashMap<i64, ChannelCounts>, StoreError> {
    let sql = "SELECT channel_id, state, COUNT(*), MAX(sent_at) FROM deliveries GROUP BY channel_id, state";
    let mut counts = HashMap::<i64, ChannelCounts>::new();
    for row in store.query(sql, args![]).await? {
        let count = counts.entry(row.int(0)?).or_default();
        match row.text(1)?.as_str() {
            "waiting" => count.waiting = row.int(2)?.unsigned_abs(),
            "dead" => count.dead = row.int(2)?.unsigned_abs(),
            _ => count.last_sent_at = count.last_sent_at.max(row.opt_time(3)?),
        }
    }
    Ok(counts)
}
