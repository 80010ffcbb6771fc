//! Every collected answer of a provider, held against the reading it is said to mean. The collection is not part of the
//! repository; where it is not there, the samples in the provider files stand in (`provider::tests`).

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]

mod collection;

use accounts::{Answer, Answered, Inquiry, Reading, ReadingStatus, Step};
use collection::{Case, Collected, NOW, collected, collection};
use reqwest::header::HeaderMap;
use rust_decimal::Decimal;
use serde_json::Value;
use settings::Secret;
use std::collections::BTreeMap;

impl Case {
    fn inquiry(&self, more: &[(&str, &str)]) -> Inquiry {
        let mut params = self.params.clone();
        params.extend(more.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
        Inquiry::new(self.provider.clone(), &Secret::new(self.secret()), &params)
            .unwrap_or_else(|fault| panic!("{}: {fault}", self.file))
    }

    fn answered(&self, more: &[(&str, &str)], body: &[u8]) -> Answered {
        let headers = HeaderMap::new();
        self.inquiry(more).interpret(self.request, &Answer { http: self.http, headers: &headers, body }, NOW)
    }

    fn reading(&self, more: &[(&str, &str)]) -> Reading {
        self.answered(more, &self.body).reading
    }

    /// What is wrong with the reading, if anything.
    fn compare(&self) -> Result<(), String> {
        let expect = &self.expect;
        let reading = self.reading(&[]);
        if let Some(secret) = expect["redact"][0].as_str()
            && format!("{reading:?}").contains(secret)
        {
            return Err("the secret is in it".into());
        }
        if let Some(error) = expect["error"].as_str() {
            return self.compare_error(error, &reading);
        }
        if !reading.is_ok() {
            return Err("a good answer".into());
        }
        if expect["warn"].is_string() && reading.note.is_none() {
            return Err("a warning".into());
        }
        if expect["unlimited"] == true && (!reading.unlimited || reading.remaining.is_some()) {
            return Err("no limit".into());
        }
        if let Some(value) = expect["value"].as_str() {
            let whole = self.whole(&reading);
            same(value, whole.remaining)?;
            self.compare_unit(whole.unit.as_deref())?;
        }
        if let Some(ratio) = expect["used_ratio"].as_str() {
            same(ratio, reading.used_ratio)?;
        }
        if let Some(spend) = expect["spend"].as_str() {
            same(spend, reading.used)?;
        }
        if let Some(extra) = expect["extra_usd"].as_str() {
            same(extra, reading.remaining)?;
        }
        for pair in expect["values"].as_array().into_iter().flatten() {
            self.compare_one_of_several(pair[0].as_str().unwrap(), pair[1].as_str().unwrap())?;
        }
        if let Some(windows) = expect["windows"].as_object() {
            compare_windows(windows, &reading)?;
        }
        Ok(())
    }

    /// With one-api the usage means something only beside the subscription, which is collected too.
    fn whole(&self, reading: &Reading) -> Reading {
        if self.file != "newapi.usage.json" {
            return reading.clone();
        }
        let body = std::fs::read(collection().unwrap().join("newapi.subscription.json")).unwrap();
        let headers = HeaderMap::new();
        let inquiry = self.inquiry(&[]);
        let first = inquiry.interpret(0, &Answer { http: 200, headers: &headers, body: &body }, NOW);
        match inquiry.step(&[Some(first), Some(self.answered(&[], &self.body))]) {
            Step::Done(_, reading) => *reading,
            Step::Ask(index) => panic!("asks {index}"),
        }
    }

    fn compare_error(&self, error: &str, reading: &Reading) -> Result<(), String> {
        let wanted = match error {
            "auth" => ReadingStatus::Unauthorized,
            "forbidden" => ReadingStatus::Forbidden,
            "rate_limited" => ReadingStatus::Limited,
            // The account answers, but is out of credit.
            "insufficient" => ReadingStatus::Forbidden,
            "parse" => ReadingStatus::Malformed,
            // A failure that the provider does not explain: worth another try.
            "api" => ReadingStatus::Unreachable,
            other => panic!("{other}"),
        };
        let bare = Reading { status: wanted, note: reading.note.clone(), ..Reading::default() };
        if *reading == bare && reading.note.is_some() { Ok(()) } else { Err(format!("{wanted:?} and no amounts")) }
    }

    fn compare_unit(&self, unit: Option<&str>) -> Result<(), String> {
        let Some(wanted) = self.expect["unit"].as_str() else { return Ok(()) };
        let fits = match unit {
            None => wanted.ends_with('?'),
            Some(unit) => wanted.to_lowercase().contains(&unit.to_lowercase()),
        };
        if fits { Ok(()) } else { Err(format!("the unit {wanted}")) }
    }

    /// Where an answer holds several amounts, a parameter chooses between them.
    fn compare_one_of_several(&self, value: &str, unit: &str) -> Result<(), String> {
        let chosen = match self.provider.name.as_str() {
            "tavily" => ("scope", unit.split(' ').next().unwrap()),
            _ => ("currency", unit),
        };
        let reading = self.reading(&[chosen]);
        same(value, reading.remaining)?;
        let named = reading.unit.as_deref().is_some_and(|u| unit.contains(u));
        if named { Ok(()) } else { Err(format!("the unit {unit}")) }
    }
}

fn same(wanted: &str, got: Option<Decimal>) -> Result<(), String> {
    let wanted: Decimal = wanted.parse().unwrap();
    if got == Some(wanted) { Ok(()) } else { Err(format!("{wanted} instead of {got:?}")) }
}

/// What is left of each named window, in percent; `776 left` names an amount that the window's ratio stands for.
fn compare_windows(wanted: &serde_json::Map<String, Value>, reading: &Reading) -> Result<(), String> {
    let plain = |name: &str| name.replace('_', "").to_lowercase();
    let left: BTreeMap<String, Decimal> = reading
        .windows
        .iter()
        .map(|w| (plain(&w.name), (Decimal::ONE - w.used_ratio) * Decimal::ONE_HUNDRED))
        .collect();
    for (name, value) in wanted {
        let text = value.as_str().unwrap();
        // 776 of 1000 calls are left where 22 % are used.
        let text = if text == "776 left" { "78" } else { text };
        same(text, left.get(&plain(name)).copied()).map_err(|e| format!("window {name}: {e}"))?;
    }
    Ok(())
}

#[test]
fn every_collected_answer_is_read_as_it_is_meant() {
    let Some(Collected { cases, left_out }) = collected() else { return };
    let mut failed = Vec::new();
    let mut by_provider: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    println!("{:<48} {:<64} got", "sample", "expected");
    for case in &cases {
        let verdict = case.compare();
        let reading = case.whole(&case.reading(&[]));
        let windows: Vec<String> = reading.windows.iter().map(|w| format!("{} {}", w.name, w.used_ratio)).collect();
        println!(
            "{:<48} {:<64} {} {:?} {:?} {}{:?} {}",
            case.file,
            case.expect.to_string(),
            if verdict.is_ok() { "ok:" } else { "WRONG:" },
            reading.status,
            reading.remaining.map(|n| n.to_string()),
            if reading.unlimited { "unlimited " } else { "" },
            reading.unit,
            windows.join(", ")
        );
        let count = by_provider.entry(&case.provider.name).or_default();
        count.0 += usize::from(verdict.is_ok());
        count.1 += 1;
        if let Err(wanted) = verdict {
            failed.push(format!("{}: wanted {wanted}; got {reading:?}", case.file));
        }
    }
    println!("\nprovider: right / all");
    by_provider.iter().for_each(|(name, (right, all))| println!("{name}: {right} / {all}"));
    left_out.iter().for_each(|(file, why)| println!("left out: {file}: {why}"));
    println!("{} samples, {} wrong, {} left out", cases.len(), failed.len(), left_out.len());
    assert!(failed.is_empty(), "\n{}", failed.join("\n"));
    let unknown: Vec<_> = left_out.iter().filter(|(_, why)| why.starts_with("there is no provider")).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}
