use super::*;
use std::sync::Arc;

const MINIMAL: &str = "
name: mine
title: Mine
docs: https://example.com/docs
kind: balance
rate_limit: {requests: 1, seconds: 1}
requests:
  - {name: ask, url: 'https://example.com/balance', read: {remaining: balance}}
";

fn fault(changed: &str) -> String {
    Provider::parse("providers/mine.yaml", changed).map(|_| "fine".to_owned()).unwrap_or_else(|f| f.to_string())
}

#[test]
fn every_built_in_provider_is_whole_and_reads_its_samples() {
    let catalog = Catalog::built_in().unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(catalog.iter().count(), BUILT_IN.len());
    let mut failed = Vec::new();
    for provider in catalog.iter() {
        let name = &provider.name;
        assert!(!provider.title.is_empty() && provider.docs.starts_with("https://"), "{name}");
        if !provider.samples.iter().any(|s| s.expect.status == crate::ReadingStatus::Ok) {
            failed.push(format!("{name}: no sample of a good answer"));
        }
        failed.extend(provider.check_samples().into_iter().map(|fault| format!("{name}: {fault}")));
    }
    assert!(failed.is_empty(), "\n{}", failed.join("\n"));
}

#[test]
fn every_file_is_compiled_in() {
    let mut files: Vec<String> = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/providers"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    let known: Vec<&str> = BUILT_IN.iter().map(|(file, _)| *file).collect();
    assert_eq!(files, known);
}

#[test]
fn a_file_that_cannot_be_used_says_where_and_how_to_mend_it() {
    assert_eq!(fault(MINIMAL), "fine");
    let change = |from: &str, to: &str| fault(&MINIMAL.replace(from, to));
    for (from, to, part) in [
        ("name: mine", "name: yours", "mine.yaml: name: `yours` in a file called mine"),
        ("kind: balance", "kind: cash", "mine.yaml:5:7: kind: unknown variant `cash`, expected one of `balance`"),
        ("kind: balance", "kind: balance\nsecrets: 1", "6:1: unknown field `secrets`, expected one of `name`"),
        ("https://example.com/docs", "www.example.com", "docs: an https:// address"),
        (
            "remaining: balance",
            "remaining: balance +",
            "requests.0.read.remaining: the formula `balance +`: at character 10",
        ),
        ("remaining: balance", "used: balance", "requests.0.read: gives neither remaining"),
        ("remaining: balance", "remaining: param(x)", "requests.0.read.remaining: param(x) is not declared"),
        ("requests: 1", "requests: 0", "rate_limit: at least one"),
        ("example.com/balance", "${x}/balance", "requests.0.url: before the path"),
        ("example.com/balance", "example.com/${x}", "requests.0.url: ${x} is not declared"),
        ("example.com/balance", "example.com/${secret.id}", "${secret.id} is no part named"),
        ("kind: balance", "kind: balance\nauth: {sign: huawei}", "a signature needs `secret:"),
        ("url:", "optional: true, url:", "optional goes with `combine: lowest`"),
    ] {
        let fault = change(from, to);
        assert!(fault.contains(part), "{to}: {fault}");
    }
}

#[test]
fn a_directory_of_ones_own_adds_and_replaces() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("mine.yaml"), MINIMAL).unwrap();
    std::fs::write(directory.path().join("poe.yaml"), MINIMAL.replace("name: mine", "name: poe")).unwrap();
    std::fs::write(directory.path().join("broken.yaml"), "name: broken\n").unwrap();
    std::fs::write(directory.path().join("manual.yaml"), MINIMAL.replace("name: mine", "name: manual")).unwrap();
    std::fs::write(directory.path().join("notes.txt"), "not a provider").unwrap();
    let mut catalog = Catalog::built_in().unwrap();
    let faults = catalog.add_directory(directory.path());
    let texts: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(texts.len(), 2, "{texts:?}");
    assert!(texts[0].contains("broken.yaml:1:1: missing field `title`"), "{texts:?}");
    assert!(texts[1].contains("has a meaning of its own"), "{texts:?}");
    assert_eq!(catalog.get("mine", &Params::new()).unwrap().title, "Mine");
    assert_eq!(catalog.get("poe", &Params::new()).unwrap().title, "Mine");
    assert!(catalog.get("openruoter", &Params::new()).unwrap_err().to_string().contains("the nearest is `openrouter`"));
    assert_eq!(catalog.add_directory(&directory.path().join("gone")).len(), 1);
}

#[test]
fn params_are_held_against_what_the_file_declares() {
    let text = MINIMAL.replace(
        "requests:\n",
        "params:\n  base: {about: the address, required: true, url: true}\n  site: {about: which, choices: {a: {h: x}}}\nrequests:\n",
    );
    let provider = Arc::new(Provider::parse("mine.yaml", &text).unwrap());
    let values = |pairs: &[(&str, &str)]| {
        let params = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        provider.values(&params, "secret").map_err(|fault| fault.to_string())
    };
    let base = ("base", "https://x.y/");
    assert_eq!(values(&[base]).unwrap()["base"], "https://x.y");
    assert_eq!(values(&[base, ("site", "a")]).unwrap()["h"], "x");
    for (pairs, part) in [
        (&[][..], "mine: params.base: must be set: the address"),
        (&[("base", "x.y")], "params.base: is not an address"),
        (&[("base", "http://x.y")], "in the clear"),
        (&[base, ("site", "b")], "params.site: `b` is none of a"),
        (&[base, ("sight", "a")], "params.sight: there is no such parameter; there are base, site, origin, org"),
    ] {
        let fault = values(pairs).unwrap_err();
        assert!(fault.contains(part), "{fault}");
    }
}

#[test]
fn half_of_a_documented_limit_is_used() {
    let limit = RateLimit { requests: 10, seconds: 600, documented: true };
    assert!((limit.policy().rate - 10.0 / 1200.0).abs() < 1e-9);
    assert!((RateLimit { documented: false, ..limit }.policy().rate - 10.0 / 600.0).abs() < 1e-9);
}
