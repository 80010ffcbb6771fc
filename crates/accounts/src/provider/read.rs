//! The part of a provider's file that says what an answer means.

use crate::formula::Formula;
use serde::Deserialize;

/// Where the fields of a reading stand. What is left out is not known.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadRules {
    /// Where the paths below begin, if not at the root.
    #[serde(default)]
    pub at: Option<Formula>,
    /// What is left. Left out, it is total − used.
    #[serde(default)]
    pub remaining: Option<Formula>,
    /// What there was to begin with.
    #[serde(default)]
    pub total: Option<Formula>,
    /// What is gone.
    #[serde(default)]
    pub used: Option<Formula>,
    /// Holds where there is no limit; then what is left is not read.
    #[serde(default)]
    pub unlimited: Option<Formula>,
    /// The unit where the answer names none.
    #[serde(default)]
    pub unit: Option<super::Template>,
    /// The unit in the answer; where it differs from `unit`, it counts and the note says so.
    #[serde(default)]
    pub unit_from: Option<Formula>,
    /// Allowances that come back by themselves.
    #[serde(default)]
    pub windows: Vec<WindowRule>,
    /// When the period began.
    #[serde(default)]
    pub period_start: Option<Formula>,
    /// When the allowance comes back.
    #[serde(default)]
    pub period_end: Option<Formula>,
    /// When the key or the credit ends.
    #[serde(default)]
    pub expires_at: Option<Formula>,
    /// The organisation that shares the allowance.
    #[serde(default)]
    pub org: Option<Formula>,
    /// Worth saying beside a good reading.
    #[serde(default)]
    pub warnings: Vec<Warning>,
}

/// A window, or with `each` one for every element of a list.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowRule {
    /// Its name; with `each`, what follows the label.
    pub name: String,
    /// A list, of which every element is a window; paths below begin at the element.
    #[serde(default)]
    pub each: Option<Formula>,
    /// With `each`: what the element is called.
    #[serde(default)]
    pub label: Option<Formula>,
    /// The part used, 0 to 1. Nothing: no window.
    pub used_ratio: Formula,
    /// When it is whole again.
    #[serde(default)]
    pub resets_at: Option<Formula>,
}

/// Something worth saying beside a good reading.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Warning {
    /// Holds when it is to be said.
    pub when: Formula,
    /// The words.
    pub say: String,
}

impl ReadRules {
    /// Every formula with the key it stands under.
    pub(super) fn formulas(&self) -> Vec<(&'static str, &Formula)> {
        let own = [
            ("at", &self.at),
            ("remaining", &self.remaining),
            ("total", &self.total),
            ("used", &self.used),
            ("unlimited", &self.unlimited),
            ("unit_from", &self.unit_from),
            ("period_start", &self.period_start),
            ("period_end", &self.period_end),
            ("expires_at", &self.expires_at),
            ("org", &self.org),
        ];
        let mut all: Vec<_> = own.into_iter().filter_map(|(key, f)| Some((key, f.as_ref()?))).collect();
        for window in &self.windows {
            let own = [&window.each, &window.label, &window.resets_at];
            all.extend(own.into_iter().flatten().chain([&window.used_ratio]).map(|f| ("windows", f)));
        }
        all.extend(self.warnings.iter().map(|warning| ("warnings", &warning.when)));
        all
    }

    /// Whether any of it can be held against a threshold.
    pub(super) fn says_something(&self) -> bool {
        let computed = self.total.is_some() && self.used.is_some();
        self.remaining.is_some() || computed || self.unlimited.is_some() || !self.windows.is_empty()
    }
}
