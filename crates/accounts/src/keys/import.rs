//! Taking keys in: dedupe, seal, write. What was written stays, whatever happens next; asking again does the rest.

use super::parse::{Entry, Line, LineError, Parser};
use crate::draft::mask;
use crate::provider::Params;
use crate::store::keys::{Batch, NewKey, add_keys, known_fingerprints, open_import};
use model::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::time::Duration;
use store::{AuditEntry, Keyring, KeyringError, Store, StoreError};

/// Keys of one transaction; a multiple of what goes into one statement.
const BATCH: usize = 2400;
/// Errors that are told of line by line; the rest is only counted.
const MOST_ERRORS: usize = 100;
/// Tries of a transaction that meets another writer.
const TRIES: u32 = 8;

/// What the keys of an import have in common.
#[derive(Clone, Debug)]
pub struct ImportOptions {
    /// The provider's name.
    pub provider: String,
    /// `balance`, `credits` or `tokens`: what the provider gives.
    pub amount: String,
    /// Free labels.
    pub tags: Vec<String>,
    /// What the provider's file asks for beside the key.
    pub params: Params,
    /// Time between two looks.
    pub interval: Duration,
    /// Now.
    pub now: Timestamp,
    /// Who asked, for the audit log.
    pub actor: String,
}

/// What became of the lines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "KeyImportReport")]
pub struct ImportReport {
    /// Keys that were added.
    pub success: u64,
    /// Lines that hold no key.
    pub failed: u64,
    /// Keys that were there already, in the list or in the pool.
    pub duplicates: u64,
    /// Lines that say something.
    pub total: u64,
    /// The first 100 that failed.
    pub errors: Vec<LineError>,
}

/// Why an import ended early. What it had added stays.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The text as a whole cannot be read; says why.
    #[error("{0}")]
    Text(String),
    /// A key could not be sealed.
    #[error(transparent)]
    Sealing(#[from] KeyringError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An import under way. Holds no more than a batch, however long the list is.
pub struct Import<'a> {
    store: &'a Store,
    keyring: &'a Keyring,
    options: ImportOptions,
    tags: String,
    params: String,
    parser: Parser,
    waiting: Vec<Entry>,
    report: ImportReport,
    number: Option<i64>,
}

impl<'a> Import<'a> {
    /// An import of nothing yet.
    pub fn new(store: &'a Store, keyring: &'a Keyring, options: ImportOptions) -> Self {
        let tags = serde_json::Value::from(options.tags.clone()).to_string();
        let params = options.params.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
        let params = serde_json::Value::Object(params).to_string();
        let (parser, waiting, report) = (Parser::default(), Vec::new(), ImportReport::default());
        Self { store, keyring, options, tags, params, parser, waiting, report, number: None }
    }

    /// Takes a piece of the list, of any size.
    pub async fn push(&mut self, chunk: &[u8]) -> Result<(), ImportError> {
        let mut lines = Vec::new();
        self.parser.push(chunk, &mut lines).map_err(ImportError::Text)?;
        self.add(lines).await
    }

    /// Takes lines that were read elsewhere.
    pub async fn add(&mut self, lines: Vec<Line>) -> Result<(), ImportError> {
        for line in lines {
            self.report.total += 1;
            match line {
                Ok(entry) => self.waiting.push(entry),
                Err(error) => {
                    self.report.failed += 1;
                    if self.report.errors.len() < MOST_ERRORS {
                        self.report.errors.push(error);
                    }
                }
            }
            if self.waiting.len() >= BATCH {
                self.write().await?;
            }
        }
        Ok(())
    }

    /// How far it is.
    pub const fn report(&self) -> &ImportReport {
        &self.report
    }

    /// Takes what is left of the list.
    pub async fn finish(mut self) -> Result<ImportReport, ImportError> {
        let mut lines = Vec::new();
        std::mem::take(&mut self.parser).finish(&mut lines).map_err(ImportError::Text)?;
        self.add(lines).await?;
        self.write().await?;
        Ok(self.report)
    }

    async fn write(&mut self) -> Result<(), ImportError> {
        let entries = std::mem::take(&mut self.waiting);
        if entries.is_empty() {
            return Ok(());
        }
        let given = entries.len() as u64;
        let keys = self.unknown(entries).await?;
        let added = if keys.is_empty() { 0 } else { self.written(&keys).await? };
        self.report.success += added;
        self.report.duplicates += given - added;
        Ok(())
    }

    /// Seals those that the pool does not have.
    async fn unknown(&self, entries: Vec<Entry>) -> Result<Vec<NewKey>, ImportError> {
        // While encryption keys are exchanged, the pool has fingerprints of the old one and of the new one.
        let prints: Vec<Vec<String>> = entries.iter().map(|e| self.keyring.fingerprints(e.key.reveal())).collect();
        let known = known_fingerprints(self.store, &prints.concat()).await?;
        let mut met = HashSet::with_capacity(entries.len());
        let mut keys = Vec::new();
        for (entry, prints) in entries.into_iter().zip(prints) {
            if prints.iter().any(|p| known.contains(p)) {
                continue;
            }
            let Some(fingerprint) = prints.into_iter().next() else { continue };
            if met.insert(fingerprint.clone()) {
                let key = entry.key.reveal();
                let mask = mask(key);
                let name = if entry.name.is_empty() { mask.clone() } else { entry.name.clone() };
                keys.push(NewKey { name, sealed: self.keyring.seal(key)?, fingerprint, mask });
            }
        }
        Ok(keys)
    }

    async fn written(&mut self, keys: &[NewKey]) -> Result<u64, StoreError> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.transaction(keys).await {
                Ok((number, added)) => {
                    self.number = Some(number);
                    return Ok(added);
                }
                Err(e) if e.is_retryable() && tries < TRIES => {}
                Err(e) => return Err(e),
            }
        }
    }

    async fn transaction(&self, keys: &[NewKey]) -> Result<(i64, u64), StoreError> {
        let options = &self.options;
        let mut tx = self.store.begin().await?;
        let number = match self.number {
            Some(number) => number,
            None => {
                let number = open_import(&mut tx, &options.actor, options.now).await?;
                let entry = AuditEntry {
                    at: options.now,
                    actor: options.actor.clone(),
                    action: "key.import".into(),
                    subject: format!("import:{number} {}", options.provider),
                };
                store::audit(&mut tx, &entry).await?;
                number
            }
        };
        let batch = Batch {
            import: number,
            provider: &options.provider,
            amount: &options.amount,
            tags: &self.tags,
            params: &self.params,
            interval: options.interval,
            ahead: self.report.success,
            now: options.now,
        };
        let added = add_keys(&mut tx, &batch, keys).await?;
        tx.commit().await?;
        Ok((number, added))
    }
}
