//! Writing entries, each in a transaction of its own.

use super::{Entry, EntryError};
use crate::options::ScheduleOptions;
use crate::schedule::interval_of_weight;
use crate::store::{Ip, IpPatch, add_ip, find_ip_by_name, set_interval, update_ip};
use model::{TargetState, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::HashSet;
use store::{AuditEntry, Store, StoreError, Tx};

/// How to import.
#[derive(Clone, Copy, Debug)]
pub struct ImportOptions<'a> {
    /// Whether IPs that are there already are changed.
    pub upsert: bool,
    /// Gives a weight its interval.
    pub schedule: &'a ScheduleOptions,
    /// The instant written as created and changed.
    pub now: Timestamp,
    /// Who imports, for the audit log.
    pub actor: &'a str,
}

/// What became of an import.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "IpImportReport")]
pub struct ImportReport {
    /// New IPs.
    pub created: u32,
    /// IPs that were changed, or are back from being deleted.
    pub updated: u32,
    /// IPs left as they are.
    pub skipped: u32,
    /// Entries that could not be taken.
    pub failed: u32,
    /// One for each entry, in order.
    pub details: Vec<Detail>,
}

/// What became of one entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "IpImportDetail")]
pub struct Detail {
    /// Its name, as far as it has one.
    pub name: Option<String>,
    /// `created`, `updated`, `skipped`, `failed`.
    pub status: &'static str,
    /// The IP.
    pub id: Option<i64>,
    /// Why it failed or was skipped.
    pub error: Option<String>,
}

enum Outcome {
    Created(i64),
    Updated(i64),
    Skipped(Option<i64>, &'static str),
}

/// Writes the entries. An entry that fails leaves nothing behind and does not touch the others.
pub async fn import(
    store: &Store,
    entries: Vec<Result<Entry, EntryError>>,
    options: &ImportOptions<'_>,
) -> ImportReport {
    let mut report = ImportReport::default();
    let mut names = HashSet::new();
    for entry in entries {
        let (name, outcome) = match entry {
            Err(EntryError { name, error }) => (name, Err(error)),
            Ok(entry) if !names.insert(entry.name.clone()) => {
                (Some(entry.name), Ok(Outcome::Skipped(None, "the name came before in this import")))
            }
            Ok(entry) => {
                let written = write(store, &entry, options).await.map_err(|e| refused(&entry.name, &e));
                (Some(entry.name), written)
            }
        };
        report.add(name, outcome);
    }
    report
}

fn refused(name: &str, e: &StoreError) -> String {
    match e {
        StoreError::Conflict(_) => "an IP of this name was added meanwhile".to_owned(),
        StoreError::Busy(_) => "the database is busy; import it again".to_owned(),
        other => {
            tracing::error!(name, error = %other, "entry not imported");
            "internal error".to_owned()
        }
    }
}

async fn write(store: &Store, entry: &Entry, options: &ImportOptions<'_>) -> Result<Outcome, StoreError> {
    let mut tx = store.begin().await?;
    let Some(ip) = find_ip_by_name(&mut tx, &entry.name).await? else {
        let draft = entry.draft();
        let interval = interval_of_weight(draft.weight, options.schedule);
        let id = add_ip(&mut tx, &draft, interval, options.now).await?;
        let rest =
            IpPatch { status: entry.patch.status, thresholds: entry.patch.thresholds.clone(), ..IpPatch::default() };
        if rest != IpPatch::default() {
            update_ip(&mut tx, id, &rest, options.now).await?;
        }
        note(&mut tx, "ip.create", id, options).await?;
        tx.commit().await?;
        return Ok(Outcome::Created(id));
    };
    let deleted = ip.status == TargetState::Deleted;
    if !options.upsert && !deleted {
        return Ok(Outcome::Skipped(Some(ip.id), "already there"));
    }
    let mut patch = entry.patch.clone();
    if deleted {
        patch.status = Some(patch.status.unwrap_or(TargetState::Active));
    }
    if !changes(&ip, &patch) {
        return Ok(Outcome::Skipped(Some(ip.id), "unchanged"));
    }
    update_ip(&mut tx, ip.id, &patch, options.now).await?;
    if let Some(weight) = patch.weight.filter(|w| *w != ip.weight) {
        set_interval(&mut tx, ip.id, interval_of_weight(weight, options.schedule)).await?;
    }
    note(&mut tx, if deleted { "ip.restore" } else { "ip.update" }, ip.id, options).await?;
    tx.commit().await?;
    Ok(Outcome::Updated(ip.id))
}

async fn note(tx: &mut Tx, action: &str, id: i64, options: &ImportOptions<'_>) -> Result<(), StoreError> {
    let entry = AuditEntry {
        at: options.now,
        actor: options.actor.to_owned(),
        action: action.to_owned(),
        subject: format!("ip:{id}"),
    };
    store::audit(tx, &entry).await
}

/// Whether the patch says anything that is not so already.
pub(crate) fn changes(ip: &Ip, patch: &IpPatch) -> bool {
    fn differs<T: PartialEq>(old: &T, new: Option<&T>) -> bool {
        new.is_some_and(|new| new != old)
    }
    differs(&ip.name, patch.name.as_ref())
        || differs(&ip.name_en, patch.name_en.as_ref())
        || differs(&ip.name_cn, patch.name_cn.as_ref())
        || differs(&ip.category, patch.category.as_ref())
        || differs(&ip.tags, patch.tags.as_ref())
        || differs(&ip.image_url, patch.image_url.as_ref())
        || differs(&ip.external_id, patch.external_id.as_ref())
        || differs(&ip.notes, patch.notes.as_ref())
        || differs(&ip.weight, patch.weight.as_ref())
        || differs(&ip.status, patch.status.as_ref())
        || differs(&ip.thresholds, patch.thresholds.as_ref())
}

impl ImportReport {
    fn add(&mut self, name: Option<String>, outcome: Result<Outcome, String>) {
        let (count, status, id, error) = match outcome {
            Ok(Outcome::Created(id)) => (&mut self.created, "created", Some(id), None),
            Ok(Outcome::Updated(id)) => (&mut self.updated, "updated", Some(id), None),
            Ok(Outcome::Skipped(id, why)) => (&mut self.skipped, "skipped", id, Some(why.to_owned())),
            Err(error) => (&mut self.failed, "failed", None, Some(error)),
        };
        *count += 1;
        self.details.push(Detail { name, status, id, error });
    }
}
