//! The channels people set up.

use crate::channel::ConfigError;
use crate::destination::Destination;
use crate::error::NotifyError;
use crate::quiet::Quiet;
use crate::rate::Rate;
use crate::seal::Sealer;
use crate::text::Language;
use ::store::{Row, Store, StoreError, Tx, args};
use model::{SECOND, Severity, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use settings::Secret;
use std::time::Duration;

/// How long messages for one channel are gathered, unless its draft says otherwise.
const GATHER: i64 = 30 * SECOND;

/// A channel as a person gives it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelDraft {
    /// Its name, unlike all others.
    pub name: String,
    /// `feishu`, `email` …, see [`crate::Channel::KINDS`].
    pub kind: String,
    /// The configuration of its kind. It holds secrets and is therefore never serialised; `None` in an update keeps
    /// what is there.
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
    /// Seconds in which alerts become one digest, counted from the first; 30 by default, 0 where a message is one
    /// alert.
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

/// A channel as it is kept.
#[derive(Clone, Debug)]
pub struct ChannelRow {
    /// Its number.
    pub id: i64,
    /// What was given, without the configuration.
    pub draft: ChannelDraft,
    /// The configuration, sealed.
    pub sealed: Secret,
    /// When it was added.
    pub created_at: Timestamp,
    /// Until when it is left alone, by its rate or because it asked.
    pub paused_until: Timestamp,
}

impl ChannelRow {
    /// The channel ready to be written to.
    pub fn open(&self, sealer: &dyn Sealer) -> Result<Destination, NotifyError> {
        let config = sealer.open(self.sealed.reveal())?;
        Ok(Destination::parse(&self.draft.kind, &config, self.draft.allow_private)?)
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
     gather_ms, enabled, created_at, paused_until";

pub(super) const COLUMNS: usize = 14;

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
            config: None,
            allow_private: r.flag(4)?,
            severity_floor: Severity::parse(&floor).ok_or(StoreError::Decode { column: 5, message: floor })?,
            language: Language::parse(&language).unwrap_or_default(),
            // A zone this machine does not know must not keep alerts from being sent.
            quiet: r.opt_text(7)?.and_then(|q| Quiet::parse(&q)),
            per_second: count(r.opt_int(8)?),
            per_minute: count(r.opt_int(9)?),
            gather_seconds: count(Some(r.int(10)? / SECOND)),
            enabled: r.flag(11)?,
        },
        created_at: r.time(12)?,
        paused_until: r.time(13)?,
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

fn gather_ms(draft: &ChannelDraft, gathers: bool) -> i64 {
    match draft.gather_seconds {
        _ if !gathers => 0,
        Some(seconds) => i64::try_from(Duration::from_secs(seconds.into()).as_millis()).unwrap_or(GATHER),
        None => GATHER,
    }
}

/// Adds a channel; answers its number. A taken name is [`StoreError::Conflict`].
pub async fn add_channel(
    tx: &mut Tx,
    draft: &ChannelDraft,
    sealer: &dyn Sealer,
    now: Timestamp,
) -> Result<i64, NotifyError> {
    check(draft)?;
    let config = draft.config.as_ref().ok_or_else(|| ConfigError("config is missing".to_owned()))?.to_string();
    let destination = Destination::parse(&draft.kind, &config, draft.allow_private)?;
    let id = tx
        .insert_id(
            "INSERT INTO channels (name, kind, config, allow_private, severity_floor, language, quiet, per_second, \
             per_minute, gather_ms, enabled, created_at, updated_at, lease_until, paused_until, recent) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, '')",
            args![
                &draft.name,
                &draft.kind,
                sealer.seal(&config)?,
                draft.allow_private,
                draft.severity_floor.as_str(),
                draft.language.as_str(),
                draft.quiet.as_ref().map(ToString::to_string),
                draft.per_second.map(i64::from),
                draft.per_minute.map(i64::from),
                gather_ms(draft, destination.channel.gathers()),
                draft.enabled,
                now,
                now,
            ],
        )
        .await?;
    Ok(id)
}

/// Changes a channel; answers false when there is none. Its pause ends: what was wrong may be mended.
pub async fn update_channel(
    tx: &mut Tx,
    id: i64,
    draft: &ChannelDraft,
    sealer: &dyn Sealer,
    now: Timestamp,
) -> Result<bool, NotifyError> {
    check(draft)?;
    let Some(row) = tx.query_one(&select("WHERE id = ?"), args![id]).await? else { return Ok(false) };
    let before = channel_row(&row)?;
    let config = match &draft.config {
        Some(config) => config.to_string(),
        None => sealer.open(before.sealed.reveal())?,
    };
    let destination = Destination::parse(&draft.kind, &config, draft.allow_private)?;
    tx.exec(
        "UPDATE channels SET name = ?, kind = ?, config = ?, allow_private = ?, severity_floor = ?, language = ?, \
         quiet = ?, per_second = ?, per_minute = ?, gather_ms = ?, enabled = ?, updated_at = ?, paused_until = 0 \
         WHERE id = ?",
        args![
            &draft.name,
            &draft.kind,
            sealer.seal(&config)?,
            draft.allow_private,
            draft.severity_floor.as_str(),
            draft.language.as_str(),
            draft.quiet.as_ref().map(ToString::to_string),
            draft.per_second.map(i64::from),
            draft.per_minute.map(i64::from),
            gather_ms(draft, destination.channel.gathers()),
            draft.enabled,
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
