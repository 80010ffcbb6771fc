//! Every recorded search page is read without losing a row. The recordings lie beside the workspace and are not part
//! of it; without them there is nothing to check.

#![expect(clippy::unwrap_used, reason = "a test file; the lint only knows test functions")]

use market::fetch::{Page, RowKind, parse_page};
use serde_json::Value;
use std::path::{Path, PathBuf};

fn recordings() -> Option<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/facts/mercari");
    dir.is_dir().then_some(dir)
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn json_files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(json_files(&path));
        } else if path.extension().is_some_and(|e| e == "json") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The answer in a recording of a search, as bytes: the file itself, or what a response record holds under `body`.
fn search_answer(path: &Path) -> Option<Vec<u8>> {
    let name = path.file_name()?.to_str()?;
    if name.ends_with(".body.json") {
        let request = read(&path.with_file_name(name.replace(".body.json", ".request.json")));
        return request["url"].as_str()?.ends_with("entities:search").then(|| std::fs::read(path).unwrap());
    }
    if path.with_file_name(name.replace(".response.json", ".body.json")).is_file() {
        return None; // the same answer again, with its headers
    }
    let json = read(path);
    let answer = if json["body"].is_object() { &json["body"] } else { &json };
    let is_search = answer["meta"]["numFound"].is_string() && answer["items"].is_array();
    is_search.then(|| answer.to_string().into_bytes())
}

fn print(name: &str, in_json: usize, page: &Page) {
    let count = |kind| page.rows.iter().filter(|r| r.kind == kind).count();
    println!(
        "{name:<72} {in_json:>4} {:>4} {:>5} {:>4} {:>5} {}",
        page.rows.len(),
        count(RowKind::Personal),
        count(RowKind::Shops),
        count(RowKind::Auction),
        if page.no_exact_match { "substitutes only" } else { "" },
    );
    page.skipped.iter().for_each(|s| println!("    items[{}] {:?}: {}", s.index, s.id, s.reason));
}

#[test]
fn no_row_of_a_recorded_page_is_lost() {
    let Some(dir) = recordings() else { return eprintln!("no recordings here: not checked") };
    println!("{:<72} {:>4} {:>4} {:>5} {:>4} {:>5}", "file", "json", "rows", "pers.", "shop", "auct.");
    let (mut pages, mut rows, mut auctions) = (0, 0, 0);
    for path in json_files(&dir) {
        let Some(body) = search_answer(&path) else { continue };
        let name = path.strip_prefix(&dir).unwrap().display().to_string();
        let in_json = serde_json::from_slice::<Value>(&body).unwrap()["items"].as_array().unwrap().len();
        let page = parse_page(&body).unwrap_or_else(|e| panic!("{name}: {e}"));
        print(&name, in_json, &page);
        let kept = if page.no_exact_match { in_json } else { page.rows.len() + page.skipped.len() };
        assert_eq!(kept, in_json, "{name}");
        assert!(page.skipped.is_empty(), "{name}: every row recorded so far is understood");
        for row in &page.rows {
            assert!(row.created.is_some() && row.updated.is_some() && row.image_url.is_some(), "{name}: {row:?}");
            assert!(!row.title.is_empty() && row.created <= row.updated, "{name}: {row:?}");
        }
        pages += 1;
        rows += page.rows.len();
        auctions += page.rows.iter().filter(|r| r.kind == RowKind::Auction).count();
    }
    println!("{pages} pages, {rows} rows, {auctions} auctions");
    assert!(pages >= 25 && rows > 1_200 && auctions >= 4, "the recordings are incomplete");
}

#[test]
fn the_page_that_answers_a_token_with_itself_keeps_its_token() {
    let Some(dir) = recordings() else { return eprintln!("no recordings here: not checked") };
    let path = dir.join("apmnt-postalservice-python/search_comme_des_garcons_a0.response.json");
    let page = parse_page(&std::fs::read(path).unwrap()).unwrap();
    assert_eq!(page.next_token.as_deref(), Some("v1:0"));
    assert_eq!(page.num_found, Some(15_000));
    assert!(page.rows.is_sorted_by(|a, b| a.updated >= b.updated), "on sale, newest first is by `updated`");
}

/// Speed of reading, for the record: `cargo test -p market --test recordings --release -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn speed_of_reading_a_page() {
    let Some(dir) = recordings() else { return };
    let bodies: Vec<Vec<u8>> = json_files(&dir).iter().filter_map(|p| search_answer(p)).collect();
    let body = bodies.iter().max_by_key(|b| b.len()).unwrap();
    let rows = parse_page(body).unwrap().rows.len();
    let started = std::time::Instant::now();
    const TIMES: u32 = 2_000;
    (0..TIMES).for_each(|_| drop(parse_page(body).unwrap()));
    let each = started.elapsed() / TIMES;
    println!(
        "{rows} rows, {} kB: {each:?} a page, {:.0} MB/s",
        body.len() / 1_000,
        body.len() as f64 / each.as_secs_f64() / 1e6
    );
}
