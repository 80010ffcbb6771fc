//! Recorded search pages: found in a directory, listed, and served again by keyword in the order they were taken.

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// Pages of one keyword recorded within this many ms of each other belong to one crawl.
const ONE_CRAWL_MS: i64 = 3_600_000;

/// One recorded search page.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// The file below the directory that was read.
    pub file: String,
    /// When it was recorded, epoch ms; 0 if unknown.
    pub date_ms: i64,
    /// What was asked.
    pub asked: Asked,
    /// The body as recorded.
    pub body: String,
}

/// What a search asked for, as far as it tells recordings apart.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Asked {
    /// The keyword.
    pub keyword: String,
    /// The excluded words.
    pub exclude: String,
    /// `STATUS_…`, sorted; empty for all.
    pub statuses: Vec<String>,
    /// `SORT_…`.
    pub sort: String,
    /// `ORDER_…`.
    pub order: String,
    /// `v1:<n>`, the first page being `v1:0`.
    pub page_token: String,
    /// Other conditions that were set.
    pub filters: BTreeMap<String, Value>,
}

impl Asked {
    /// Reads the body of a search request.
    pub fn from_request(body: &Value) -> Asked {
        let condition = body["searchCondition"].as_object().cloned().unwrap_or_default();
        let text = |key: &str| condition.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut statuses = strings(condition.get("status"));
        statuses.sort();
        let named = ["keyword", "excludeKeyword", "sort", "order", "status"];
        let others = condition.iter().filter(|(key, value)| !named.contains(&key.as_str()) && is_set(value));
        Asked {
            keyword: text("keyword"),
            exclude: text("excludeKeyword"),
            statuses,
            sort: text("sort"),
            order: text("order"),
            page_token: match body["pageToken"].as_str() {
                None | Some("") => "v1:0".to_owned(),
                Some(token) => token.to_owned(),
            },
            filters: others.map(|(key, value)| (key.clone(), value.clone())).collect(),
        }
    }

    /// True when a recording answers this, but for state, page and time. Score and time order stand in for each other.
    fn is_answered_by(&self, recorded: &Asked) -> bool {
        let same_order = if self.sort == "SORT_PRICE" || recorded.sort == "SORT_PRICE" {
            (&self.sort, &self.order) == (&recorded.sort, &recorded.order)
        } else {
            true
        };
        self.keyword == recorded.keyword && self.exclude == recorded.exclude && same_order
    }
}

fn strings(value: Option<&Value>) -> Vec<String> {
    let values = value.and_then(Value::as_array).into_iter().flatten();
    values.filter_map(|v| v.as_str().map(str::to_owned)).collect()
}

fn is_set(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(set) => *set,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty() && text != "0",
        Value::Array(values) => !values.is_empty(),
        Value::Object(map) => !map.is_empty(),
    }
}

/// All recorded search pages below a directory, oldest first: pairs of `*.request.json` with `*.body.json` or
/// `*.response.json`, and pages that a `manifest.json` describes.
pub fn load(dir: &Path) -> io::Result<Vec<Recording>> {
    let mut files = Vec::new();
    walk(dir, &mut files)?;
    files.sort();
    let mut recordings = Vec::new();
    for file in &files {
        let name = file.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        if let Some(stem) = name.strip_suffix(".request.json") {
            recordings.extend(pair(file, stem));
        } else if name == "manifest.json" {
            recordings.extend(described(file));
        }
    }
    for recording in &mut recordings {
        if let Ok(below) = Path::new(&recording.file).strip_prefix(dir) {
            recording.file = below.display().to_string();
        }
    }
    recordings.sort_by(|a, b| (a.date_ms, &a.file).cmp(&(b.date_ms, &b.file)));
    Ok(recordings)
}

fn walk(dir: &Path, into: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, into)?;
        } else {
            into.push(path);
        }
    }
    Ok(())
}

fn read(path: &Path) -> Option<Value> {
    serde_json::from_str(&fs::read_to_string(path).ok()?).ok()
}

/// A request file with its answer.
fn pair(request_file: &Path, stem: &str) -> Option<Recording> {
    let request = read(request_file)?;
    if !request["url"].as_str().unwrap_or_default().contains("entities:search") {
        return None;
    }
    let beside = |end: &str| request_file.with_file_name(format!("{stem}{end}"));
    let response = read(&beside(".response.json")).unwrap_or_default();
    let body_file = beside(".body.json");
    let body = fs::read_to_string(&body_file).ok().or_else(|| page_of(&response).map(Value::to_string))?;
    let date = response["headers"]["Date"].as_str().or_else(|| response["headers"]["date"].as_str());
    Some(Recording {
        file: body_file.display().to_string(),
        date_ms: date.and_then(date_ms).unwrap_or(0),
        asked: Asked::from_request(&request["body"]),
        body,
    })
}

/// The search page in a file: the whole of it, or its `body`.
fn page_of(value: &Value) -> Option<&Value> {
    let page = if value.get("body").is_some() { &value["body"] } else { value };
    (page["items"].is_array() && page["meta"].is_object()).then_some(page)
}

/// The pages a manifest describes by `file` and `keyword`, at its top or in `files`.
fn described(manifest_file: &Path) -> Vec<Recording> {
    let Some(Value::Object(manifest)) = read(manifest_file) else { return Vec::new() };
    let mut entries: Vec<Map<String, Value>> = vec![manifest.clone()];
    match manifest.get("files") {
        Some(Value::Array(files)) => entries.extend(files.iter().filter_map(|f| f.as_object().cloned())),
        Some(Value::Object(files)) => entries.extend(files.iter().filter_map(|(name, info)| {
            let mut entry = info.as_object()?.clone();
            entry.insert("file".to_owned(), json!(name));
            Some(entry)
        })),
        _ => {}
    }
    let page = |entry: &Map<String, Value>| {
        let file = manifest_file.with_file_name(entry.get("file")?.as_str()?);
        let mut asked = Asked::from_request(entry.get("request").unwrap_or(&Value::Null));
        asked.keyword = entry.get("keyword")?.as_str()?.to_owned();
        if let Some(sort) = entry.get("sort").and_then(Value::as_str) {
            asked.sort = sort.to_owned();
        }
        let date = ["recorded_utc", "recorded"].iter().find_map(|key| entry.get(*key).or_else(|| manifest.get(*key)));
        Some(Recording {
            date_ms: date.and_then(Value::as_str).and_then(date_ms).unwrap_or(0),
            asked,
            body: page_of(&read(&file)?)?.to_string(),
            file: file.display().to_string(),
        })
    };
    entries.iter().filter_map(page).collect()
}

/// Reads an HTTP date, an RFC 3339 instant or a day.
fn date_ms(text: &str) -> Option<i64> {
    let instant = jiff::fmt::rfc2822::parse(text).map(|zoned| zoned.timestamp()).ok();
    let instant = instant.or_else(|| text.parse::<jiff::Timestamp>().ok());
    let day = || text.parse::<jiff::civil::Date>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
    instant.or_else(|| day().map(|zoned| zoned.timestamp())).map(|t| t.as_millisecond())
}

/// Recordings to be served again.
#[derive(Debug, Default)]
pub struct Replay {
    recordings: Vec<Recording>,
}

impl Replay {
    /// Recordings in any order.
    pub fn new(mut recordings: Vec<Recording>) -> Replay {
        recordings.sort_by_key(|r| r.date_ms);
        Replay { recordings }
    }

    /// What is served.
    pub fn recordings(&self) -> &[Recording] {
        &self.recordings
    }

    /// The answer at the n-th crawl (the last recorded one from then on); none when the keyword was never recorded.
    pub fn answer(&self, asked: &Asked, step: usize) -> Option<String> {
        let all: Vec<&Recording> = self.recordings.iter().filter(|r| asked.is_answered_by(&r.asked)).collect();
        let alike: Vec<&Recording> = all.iter().copied().filter(|r| r.asked.filters == asked.filters).collect();
        let mut crawls: Vec<Vec<&Recording>> = Vec::new();
        for recording in if alike.is_empty() { all } else { alike } {
            match crawls.last_mut() {
                Some(crawl) if recording.date_ms - crawl[crawl.len() - 1].date_ms < ONE_CRAWL_MS => {
                    crawl.push(recording);
                }
                _ => crawls.push(vec![recording]),
            }
        }
        let crawl = crawls.get(step.min(crawls.len().checked_sub(1)?))?;
        Some(page_from(crawl, asked))
    }
}

/// The page of a crawl that fits best: same token, then same states, then all states; rows of other states left out.
fn page_from(crawl: &[&Recording], asked: &Asked) -> String {
    let first = asked.page_token == "v1:0";
    let fits = |r: &&&Recording| r.asked.page_token == asked.page_token || (first && r.asked.page_token == "v1:-1");
    let rank = |r: &&&Recording| match &r.asked.statuses {
        same if *same == asked.statuses => 0,
        none if none.is_empty() => 1,
        _ => 2,
    };
    let Some(recording) = crawl.iter().filter(fits).min_by_key(rank) else {
        return json!({"meta": {"nextPageToken": "", "previousPageToken": "", "numFound": "0"}, "items": [],
            "components": []})
        .to_string();
    };
    if asked.statuses.is_empty() || recording.asked.statuses == asked.statuses {
        return recording.body.clone();
    }
    let mut body: Value = serde_json::from_str(&recording.body).unwrap_or_default();
    if let Some(items) = body["items"].as_array_mut() {
        items.retain(|item| {
            let status = item["status"].as_str().unwrap_or_default();
            asked.statuses.iter().any(|wanted| status.strip_prefix("ITEM_") == Some(wanted))
        });
    }
    body.to_string()
}
