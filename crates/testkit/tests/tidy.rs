//! The house rules that a program can check: which crate may use which, how long a file may be, where SQL lives.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]

use std::fs;
use std::path::{Path, PathBuf};

const MAX_LINES: usize = 400;

/// Who may depend on whom, left to right. `testkit` and `servers` are for development and may see everything.
const ARROWS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("sim", &[]),
    ("trace", &[]),
    ("ui", &[]),
    ("settings", &["model"]),
    ("store", &["model"]),
    ("notify", &["model", "settings", "store", "trace"]),
    ("engine", &["model", "store", "trace", "notify"]),
    ("api", &["model", "settings", "store", "notify", "engine"]),
    ("fleet", &["model", "store", "trace", "engine", "api"]),
    ("market", &["model", "settings", "store", "trace", "notify", "engine", "api"]),
    ("accounts", &["model", "settings", "store", "trace", "notify", "engine", "api"]),
    ("reminders", &["model", "settings", "store", "notify", "engine", "api"]),
    (
        "tidewatch",
        &[
            "model",
            "settings",
            "store",
            "trace",
            "notify",
            "engine",
            "api",
            "fleet",
            "market",
            "accounts",
            "reminders",
            "ui",
            "sim",
        ],
    ),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn crates() -> Vec<PathBuf> {
    let mut all: Vec<_> = fs::read_dir(root().join("crates")).unwrap().map(|e| e.unwrap().path()).collect();
    all.sort();
    all
}

fn rust_files(dir: &Path, into: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for path in entries.map(|e| e.unwrap().path()) {
        if path.is_dir() {
            rust_files(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs") {
            into.push(path);
        }
    }
}

fn sources() -> Vec<PathBuf> {
    let mut all = Vec::new();
    for krate in crates() {
        rust_files(&krate.join("src"), &mut all);
    }
    all.sort();
    all
}

/// The text without its test modules, which stand at the end of a file.
fn production(text: &str) -> &str {
    text.find("#[cfg(test)]\nmod ").map_or(text, |at| &text[..at])
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

#[test]
fn dependencies_point_one_way() {
    let mut wrong = Vec::new();
    for krate in crates() {
        let name = krate.file_name().unwrap().to_string_lossy().into_owned();
        let Some((_, allowed)) = ARROWS.iter().find(|(n, _)| *n == name) else { continue };
        let manifest = fs::read_to_string(krate.join("Cargo.toml")).unwrap();
        let dependencies = manifest.split("[dependencies]").nth(1).unwrap_or_default();
        let dependencies = dependencies.split("\n[").next().unwrap_or_default();
        for (other, _) in ARROWS {
            let used = dependencies
                .lines()
                .any(|l| l.starts_with(&format!("{other}.")) || l.starts_with(&format!("{other} =")));
            if used && !allowed.contains(other) {
                wrong.push(format!("{name} must not use {other}"));
            }
        }
        for development in ["testkit", "servers"] {
            if dependencies.lines().any(|l| l.starts_with(development)) {
                wrong.push(format!("{name} must not ship {development}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn files_are_short() {
    let mut lengths = Vec::new();
    for path in sources() {
        let text = fs::read_to_string(&path).unwrap();
        lengths.push((production(&text).lines().count(), shown(&path)));
    }
    lengths.sort();
    let median = lengths[lengths.len() / 2].0;
    let long: Vec<_> = lengths.iter().filter(|(n, _)| *n > MAX_LINES).collect();
    assert!(long.is_empty(), "longer than {MAX_LINES} production lines: {long:#?}");
    assert!(median <= 140, "median file length {median}");
}

#[test]
fn sql_lives_in_store_files_only() {
    let verbs = ["\"SELECT ", "\"INSERT ", "\"UPDATE ", "\"DELETE FROM", "\"CREATE TABLE"];
    let mut wrong = Vec::new();
    for path in sources() {
        let name = shown(&path);
        let is_store = name.contains("crates/store/") || name.contains("/store/") || name.ends_with("/store.rs");
        let for_development = name.contains("crates/testkit/") || name.contains("crates/servers/");
        let text = fs::read_to_string(&path).unwrap();
        if !is_store && !for_development && verbs.iter().any(|v| production(&text).contains(v)) {
            wrong.push(name);
        }
    }
    assert!(wrong.is_empty(), "SQL outside of store files: {wrong:#?}");
}

#[test]
fn no_file_is_a_drawer() {
    let drawers = ["util", "utils", "common", "helpers", "helper", "misc", "core"];
    let wrong: Vec<_> = sources()
        .iter()
        .filter(|p| {
            let stem = p.file_stem().unwrap().to_string_lossy().into_owned();
            let parent = p.parent().unwrap().file_name().unwrap().to_string_lossy().into_owned();
            drawers.contains(&stem.as_str()) || drawers.contains(&parent.as_str())
        })
        .map(|p| shown(p))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_pure_parts_stay_pure() {
    let forbidden = ["tokio::", "reqwest", "sqlx", "std::fs", "std::net", "SystemTime::now", "Instant::now"];
    let mut wrong = Vec::new();
    for path in sources() {
        let name = shown(&path);
        let pure = name.contains("crates/market/src/detect/")
            || ["statistics.rs", "schedule.rs", "judge.rs"].iter().any(|f| name.ends_with(&format!("market/src/{f}")))
            || (name.contains("crates/model/src/") && !name.ends_with("clock.rs"));
        let text = fs::read_to_string(&path).unwrap();
        for word in forbidden.iter().filter(|w| pure && production(&text).contains(**w)) {
            wrong.push(format!("{name}: {word}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_map_of_the_house_is_short_and_names_every_crate() {
    let map = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    assert!(map.lines().count() <= 150);
    for krate in crates() {
        let name = krate.file_name().unwrap().to_string_lossy().into_owned();
        assert!(map.contains(&format!("`{name}`")), "ARCHITECTURE.md does not name {name}");
    }
}
