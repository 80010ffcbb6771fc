//! The collected answers, where they are: beside the repository, not part of it.
#![allow(dead_code, clippy::unwrap_used, reason = "each test takes what it needs, and says so when it cannot go on")]

use accounts::provider::{Catalog, Params, Provider};
use model::Timestamp;
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;

/// All collected windows are open at this instant.
pub const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

/// Files that no account's reading comes from, and why.
const NOT_READINGS: [(&str, &str); 1] = [("factory.schedule.json", "plan name and end date only: no amount")];

/// Whose answer a file is, where its name does not say so: beginning of the name, provider, request, parameters.
const WHOSE: &[(&str, &str, &str, &str)] = &[
    ("openrouter.credits", "openrouter", "credits", ""),
    ("openrouter.error_403", "openrouter", "credits", ""),
    ("factory.chat_usage", "factory", "chat_usage", ""),
    ("factory.subscription_usage", "factory", "subscription_usage", ""),
    ("uniapi.token_unlimited", "uniapi", "", "scope=token"),
    ("newapi.subscription", "oneapi_billing", "subscription", "base=https://x.y"),
    ("newapi.usage", "oneapi_billing", "usage", "base=https://x.y"),
    ("newapi.error_200", "oneapi_billing", "subscription", "base=https://x.y"),
    ("newapi.token_usage", "newapi_token", "", "base=https://x.y"),
    ("newapi.user_self", "newapi_user", "", "base=https://x.y&user_id=42"),
    ("openai.costs", "openai_costs", "", "budget=100"),
    ("openai.credit_grants", "openai_credit_grants", "", "base=https://x.y"),
    ("anthropic.cost_report", "anthropic", "", "budget=1000"),
    ("aws_ce.", "aws_cost_explorer", "", "budget=100"),
    ("aws_budgets.", "aws_budgets", "", "account_id=1&budget_name=monthly"),
    ("firecrawl.v1", "firecrawl", "v1", ""),
    ("sub2api.", "sub2api", "", "base=https://x.y"),
    ("litellm.", "litellm", "", "base=https://x.y"),
    ("xai.", "xai", "", "team_id=t"),
    ("deepgram.", "deepgram", "", "project_id=p"),
    ("codebuff.", "codebuff", "", ""),
    ("namecheap.", "namecheap", "", "client_ip=192.0.2.1"),
    ("tavily.key_unlimited", "tavily", "", "scope=key"),
];

/// One collected answer.
pub struct Case {
    pub file: String,
    pub http: u16,
    pub expect: Value,
    pub body: Vec<u8>,
    pub provider: Arc<Provider>,
    pub request: usize,
    pub params: Params,
}

/// Its directory.
pub fn collection() -> Option<PathBuf> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/facts/providers"));
    path.join("_index.json").exists().then_some(path)
}

fn params(text: &str) -> Params {
    text.split('&').filter_map(|pair| pair.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
}

/// All of it.
pub struct Collected {
    pub cases: Vec<Case>,
    /// Files that cannot be handled, with the reason.
    pub left_out: Vec<(String, String)>,
}

/// Reads it, if it is there.
pub fn collected() -> Option<Collected> {
    let path = collection()?;
    let catalog = Catalog::built_in().unwrap();
    let index: Value = serde_json::from_slice(&std::fs::read(path.join("_index.json")).unwrap()).unwrap();
    let (mut cases, mut left_out) = (Vec::new(), Vec::new());
    for entry in index["files"].as_array().unwrap() {
        let file = entry["file"].as_str().unwrap().to_owned();
        if file.starts_with("notify.") {
            continue;
        }
        if let Some((_, why)) = NOT_READINGS.iter().find(|(name, _)| *name == file) {
            left_out.push((file, (*why).to_owned()));
            continue;
        }
        let stem = file.split('.').next().unwrap();
        let whose = WHOSE.iter().find(|(start, ..)| file.starts_with(start));
        let (_, name, request, set) = whose.copied().unwrap_or(("", stem, "", ""));
        let Ok(provider) = catalog.get(name, &Params::new()) else {
            left_out.push((file.clone(), format!("there is no provider {name}")));
            continue;
        };
        let request = provider.requests.iter().position(|r| request.is_empty() || r.name == request).unwrap();
        let mut body = std::fs::read(path.join(&file)).unwrap();
        if let Some(xml) = serde_json::from_slice::<Value>(&body).ok().filter(|v| v["_format"] == "xml") {
            body = xml["body"].as_str().unwrap().into();
        }
        let http = u16::try_from(entry["http_status"].as_u64().unwrap()).unwrap();
        cases.push(Case { file, http, expect: entry["expect"].clone(), body, provider, request, params: params(set) });
    }
    Some(Collected { cases, left_out })
}

impl Case {
    /// Whether the answer is said to be one.
    pub fn is_good(&self) -> bool {
        self.expect["error"].is_null()
    }

    /// The secret that the answer may echo.
    pub fn secret(&self) -> String {
        let known = self.expect["redact"][0].as_str().unwrap_or("sk-test-key-9");
        if self.provider.secret.is_empty() { known.to_owned() } else { format!("{known}:another-part") }
    }
}
