//! Samples in a provider's file: an answer, and the reading it must give.

use super::{Params, Provider};
use crate::inquiry::{Answer, Inquiry};
use crate::reading::{Reading, ReadingStatus};
use model::Timestamp;
use reqwest::header::HeaderMap;
use rust_decimal::Decimal;
use serde::Deserialize;
use settings::Secret;
use std::collections::BTreeMap;
use std::sync::Arc;

/// An answer and what it means.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// To which request; the first unless said otherwise.
    #[serde(default)]
    pub request: Option<String>,
    /// The HTTP status; 200 unless said otherwise.
    #[serde(default)]
    pub http: Option<u16>,
    /// The body, as sent.
    pub body: String,
    /// What the user set.
    #[serde(default)]
    pub params: Params,
    /// What it means. Fields that are not named must be unknown, except those that follow from the others.
    pub expect: Expected,
}

/// What a sample means.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// `ok` unless said otherwise.
    #[serde(default)]
    pub status: ReadingStatus,
    /// What is left.
    #[serde(default)]
    pub remaining: Option<Decimal>,
    /// What is gone.
    #[serde(default)]
    pub used: Option<Decimal>,
    /// What there was.
    #[serde(default)]
    pub total: Option<Decimal>,
    /// The unit.
    #[serde(default)]
    pub unit: Option<String>,
    /// No limit.
    #[serde(default)]
    pub unlimited: bool,
    /// Windows, and the part used of each.
    #[serde(default)]
    pub windows: BTreeMap<String, Decimal>,
    /// The organisation.
    #[serde(default)]
    pub org: Option<String>,
    /// Words that the note must hold.
    #[serde(default)]
    pub note: Option<String>,
}

/// A sample that gives another reading than it must.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("sample {index}: {message}")]
pub struct SampleFault {
    /// Which, from 0.
    pub index: usize,
    /// What was expected and what came.
    pub message: String,
}

impl Provider {
    /// Holds every sample of the file against what the file makes of it.
    pub fn check_samples(self: &Arc<Self>) -> Vec<SampleFault> {
        let faults = self.samples.iter().enumerate().filter_map(|(index, sample)| {
            let message = self.hold(sample).err()?;
            Some(SampleFault { index, message })
        });
        faults.collect()
    }

    /// The place of a sample's request.
    fn index_of(&self, sample: &Sample) -> Option<usize> {
        let Some(wanted) = &sample.request else { return Some(0) };
        self.requests.iter().position(|r| r.name == *wanted)
    }

    pub(super) fn check_samples_fit(&self) -> Result<(), String> {
        match self.samples.iter().position(|sample| self.index_of(sample).is_none()) {
            Some(n) => Err(format!("samples.{n}.request: there is no request of this name")),
            None => Ok(()),
        }
    }

    fn hold(self: &Arc<Self>, sample: &Sample) -> Result<(), String> {
        // Every secret that a file may ask for is made of such a text.
        let secret = if self.secret.is_empty() { "sample-secret" } else { "sample-id:sample-secret" };
        let inquiry = Inquiry::new(self.clone(), &Secret::new(secret), &sample.params).map_err(|f| f.to_string())?;
        let index = self.index_of(sample).ok_or("there is no request of this name")?;
        let headers = HeaderMap::new();
        let answer = Answer { http: sample.http.unwrap_or(200), headers: &headers, body: sample.body.as_bytes() };
        let reading = inquiry.interpret(index, &answer, Timestamp::from_secs(1_700_000_000)).reading;
        sample.expect.hold(&reading)
    }
}

impl Expected {
    /// Whether a reading is as expected; the error shows both.
    pub fn hold(&self, got: &Reading) -> Result<(), String> {
        let note = got.note.as_deref().unwrap_or_default();
        let windows: BTreeMap<String, Decimal> = got.windows.iter().map(|w| (w.name.clone(), w.used_ratio)).collect();
        let named = |wanted: Option<Decimal>, got: Option<Decimal>| wanted.is_none() || wanted == got;
        let same = self.status == got.status
            && self.remaining == got.remaining
            && self.unit == got.unit
            && self.unlimited == got.unlimited
            && self.windows == windows
            && named(self.used, got.used)
            && named(self.total, got.total)
            && (self.org.is_none() || self.org == got.org)
            && self.note.as_deref().is_none_or(|words| note.contains(words));
        if same { Ok(()) } else { Err(format!("expected {self:?}, got {got:?}")) }
    }
}
