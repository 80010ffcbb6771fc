//! Answers gone wrong: a field missing or of another type, a page, nothing, too much, half. Whatever comes, no account
//! is said to hold a zero that nobody sent, or to be without a limit, and nothing panics.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]

mod collection;

use accounts::provider::{Catalog, Params, Provider};
use accounts::{Answer, Inquiry, Reading, ReadingStatus};
use model::Timestamp;
use proptest::prelude::*;
use reqwest::header::HeaderMap;
use rust_decimal::Decimal;
use serde_json::Value;
use settings::Secret;
use std::sync::Arc;

const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

struct Case {
    name: String,
    inquiry: Inquiry,
    request: usize,
    http: u16,
    body: String,
}

impl Case {
    fn read(&self, body: &[u8]) -> Reading {
        let headers = HeaderMap::new();
        self.inquiry.interpret(self.request, &Answer { http: self.http, headers: &headers, body }, NOW).reading
    }
}

fn inquiry(provider: &Arc<Provider>, params: &Params) -> Inquiry {
    let secret = if provider.secret.is_empty() { "sk-test-key-9" } else { "some-id:some-secret" };
    Inquiry::new(provider.clone(), &Secret::new(secret), params).unwrap()
}

/// Every good answer in a provider's file, and those of the collection.
fn good() -> Vec<Case> {
    let catalog = Catalog::built_in().unwrap();
    let mut cases = Vec::new();
    for provider in catalog.iter() {
        for (n, sample) in provider.samples.iter().enumerate().filter(|(_, s)| s.expect.status == ReadingStatus::Ok) {
            let wanted = sample.request.as_ref();
            let request = provider.requests.iter().position(|r| wanted.is_none_or(|w| r.name == *w)).unwrap();
            cases.push(Case {
                name: format!("{} sample {n}", provider.name),
                inquiry: inquiry(provider, &sample.params),
                request,
                http: sample.http.unwrap_or(200),
                body: sample.body.clone(),
            });
        }
    }
    for case in collection::collected().into_iter().flat_map(|all| all.cases).filter(|case| case.is_good()) {
        cases.push(Case {
            inquiry: inquiry(&case.provider, &case.params),
            name: case.file,
            request: case.request,
            http: case.http,
            body: String::from_utf8(case.body).unwrap(),
        });
    }
    cases
}

/// A JSON answer with one place taken out or replaced, for every place.
fn mutants(value: &Value, change: Option<&Value>) -> Vec<Value> {
    let mut found = Vec::new();
    let children: Vec<(String, &Value)> = match value {
        Value::Object(entries) => entries.iter().map(|(k, v)| (k.clone(), v)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(n, v)| (n.to_string(), v)).collect(),
        _ => Vec::new(),
    };
    let with = |key: &str, new: Option<Value>| {
        let mut copy = value.clone();
        match (&mut copy, new) {
            (Value::Object(entries), Some(new)) => _ = entries.insert(key.to_owned(), new),
            (Value::Object(entries), None) => _ = entries.remove(key),
            (Value::Array(items), Some(new)) => items[key.parse::<usize>().unwrap()] = new,
            (Value::Array(items), None) => _ = items.remove(key.parse().unwrap()),
            _ => {}
        }
        copy
    };
    for (key, child) in children {
        found.push(with(&key, change.cloned()));
        found.extend(mutants(child, change).into_iter().map(|mutant| with(&key, Some(mutant))));
    }
    found
}

fn zeros(value: &Value) -> usize {
    match value {
        Value::Object(entries) => entries.values().map(zeros).sum(),
        Value::Array(items) => items.iter().map(zeros).sum(),
        Value::Number(n) => usize::from(n.as_f64() == Some(0.0)),
        Value::String(text) => usize::from(text.parse() == Ok(0.0)),
        _ => 0,
    }
}

/// A reading is either believed, or holds nothing but why it is not.
fn check(name: &str, what: &str, good: &Reading, got: &Reading) {
    if !got.is_ok() {
        let bare = Reading { status: got.status, note: got.note.clone(), ..Reading::default() };
        assert_eq!(*got, bare, "{name}: {what}");
        assert!(got.note.as_ref().is_some_and(|note| !note.is_empty()), "{name}: {what}");
        return;
    }
    let zero = |r: &Reading| r.remaining.is_some_and(|n| n.is_zero());
    assert!(!zero(got) || zero(good), "{name}: a zero out of {what}: {got:?}");
}

#[test]
fn a_field_that_is_missing_never_becomes_a_zero_or_no_limit() {
    let mut tried = 0;
    for case in good() {
        let Ok(body) = serde_json::from_str::<Value>(&case.body) else { continue };
        let good = case.read(case.body.as_bytes());
        for mutant in mutants(&body, None) {
            tried += 1;
            let text = mutant.to_string();
            let got = case.read(text.as_bytes());
            if zeros(&mutant) == 0 {
                check(&case.name, &text, &good, &got);
            }
            assert!(!got.unlimited || good.unlimited, "{}: no limit out of {text}", case.name);
        }
    }
    assert!(tried > 400, "{tried}");
}

#[test]
fn a_field_of_another_type_never_becomes_a_zero() {
    for change in ["null", "\"\"", "\"n/a\"", "[]", "{}", "true", "\"1,5\"", "1e99"] {
        let change: Value = serde_json::from_str(change).unwrap();
        for case in good() {
            let Ok(body) = serde_json::from_str::<Value>(&case.body) else { continue };
            let good = case.read(case.body.as_bytes());
            for mutant in mutants(&body, Some(&change)) {
                if zeros(&mutant) == 0 {
                    let text = mutant.to_string();
                    check(&case.name, &text, &good, &case.read(text.as_bytes()));
                }
            }
        }
    }
}

#[test]
fn half_an_answer_a_page_nothing_and_an_error_are_not_believed() {
    let long = format!("{{\"a\": \"{}\"}}", "x".repeat(2 << 20));
    let deep = "[".repeat(200_000);
    let others = [
        "",
        " ",
        "null",
        "[]",
        "{}",
        "0",
        "\"\"",
        "<html><body>503</body></html>",
        "<!doctype html>",
        "{\"error\": {\"message\": \"no\", \"code\": 401}}",
        "{\"success\": false, \"code\": -1, \"message\": \"no\"}",
        &long,
        &deep,
    ];
    for case in good() {
        let good = case.read(case.body.as_bytes());
        assert!(good.is_ok(), "{}: {good:?}", case.name);
        for cut in (0..case.body.trim_end().len()).filter(|n| case.body.is_char_boundary(*n)) {
            let got = case.read(&case.body.as_bytes()[..cut]);
            assert_eq!(got.status, ReadingStatus::Malformed, "{} cut at {cut}", case.name);
            check(&case.name, "half", &good, &got);
        }
        for other in others {
            let got = case.read(other.as_bytes());
            // A request that only adds may have nothing to add.
            let adds = case.inquiry.provider().requests[case.request].adds;
            assert!(!got.is_ok() || adds, "{}: {other:.60}: {got:?}", case.name);
            check(&case.name, other, &good, &got);
        }
    }
}

#[test]
fn an_http_status_that_is_no_success_is_never_a_reading() {
    for mut case in good() {
        for http in [100, 301, 302, 307, 400, 401, 402, 403, 404, 405, 408, 418, 429, 500, 502, 503, 504, 599] {
            case.http = http;
            let got = case.read(case.body.as_bytes());
            assert!(!got.is_ok() && got.remaining.is_none(), "{} HTTP {http}: {got:?}", case.name);
            if (300..400).contains(&http) {
                assert_eq!(got.status, ReadingStatus::Unsupported, "{}", case.name);
            }
            if http >= 500 {
                assert_eq!(got.status, ReadingStatus::Unreachable, "{}", case.name);
            }
        }
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[-0-9.,eE]{0,12}".prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    let keys = "data|balance|error|code|success|usage|limits|total|message|\\PC{0,4}";
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(keys, inner, 0..4).prop_map(|m| m.into_iter().collect()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_answer_panics(
        bytes in proptest::collection::vec(any::<u8>(), 0..120),
        json in any_json(),
        edit in (any::<prop::sample::Index>(), any::<u8>()),
        http in 100u16..600,
    ) {
        thread_local!(static CASES: Vec<Case> = good());
        CASES.with(|cases| for case in cases {
            let mut edited = case.body.clone().into_bytes();
            let at = edit.0.index(edited.len());
            edited[at] = edit.1;
            let json = json.to_string().into_bytes();
            let headers = HeaderMap::new();
            for body in [&bytes, &json, &edited] {
                let got = case.inquiry.interpret(case.request, &Answer { http, headers: &headers, body }, NOW).reading;
                if !got.is_ok() {
                    assert!(got.remaining.is_none() && got.windows.is_empty() && !got.unlimited);
                }
                assert!(got.used_ratio.is_none_or(|ratio| ratio.abs() < Decimal::MAX));
            }
        });
    }
}
