//! The keys of a Droid key-usage server, read out of its Redis and never written to it.
//!
//! That server keeps a hash `key:ID` for each key, whose one field `data` is JSON with `id`, `key`, `name` and
//! `created_at`; beside it the set `keys:list` and the texts `key:ID:usage`, `session:…` and `metrics:…`. A hash with a
//! field `key`, and a text that is such JSON or a bare `fk-…`, are taken as well; what is something else is passed over.

use accounts::keys::{Line, LineError, parse_json};
use anyhow::{Context, anyhow};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, FromRedisValue, Pipeline, RedisResult, cmd};
use serde_json::{Value, json};
use settings::SecretUrl;
use std::time::Duration;
use url::Url;

/// Names looked at in one step.
const STEP: u32 = 1000;
/// Bytes read of one text.
const LONGEST: usize = 16 << 10;
/// The library's own half a second is too short for a server under load.
const PATIENCE: Duration = Duration::from_secs(30);

/// Whether a text is the URL of a Redis.
pub fn is_url(text: &str) -> bool {
    let scheme = text.trim_start().split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    scheme.is_some_and(|scheme| ["redis", "rediss"].contains(&scheme.as_str()))
}

/// The URL as it may be shown: where it leads, without who asks.
pub fn shown(url: &SecretUrl) -> String {
    let Ok(url) = Url::parse(url.reveal().trim()) else { return "the Redis URL".into() };
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
}

/// Whether the URL carries a password.
pub fn has_password(url: &SecretUrl) -> bool {
    Url::parse(url.reveal().trim()).is_ok_and(|url| url.password().is_some())
}

/// A walk over all names of a database.
pub struct Walk {
    connection: MultiplexedConnection,
    /// `None` before the first step; 0 after the last.
    cursor: Option<u64>,
    number: u64,
    progress: Progress,
}

/// How far a walk is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Names there were at its beginning.
    pub total: u64,
    /// Names seen.
    pub seen: u64,
    /// Names that hold no key.
    pub passed_over: u64,
}

impl Walk {
    /// Connects. Says what is wrong without the password.
    pub async fn begin(url: &SecretUrl) -> anyhow::Result<Self> {
        let fault = || format!("{} cannot be read", shown(url));
        // What the library says of a URL may repeat it.
        let client = Client::open(url.reveal().trim()).map_err(|_| anyhow!("not the URL of a Redis"));
        let client = client.with_context(fault)?;
        let config =
            AsyncConnectionConfig::new().set_connection_timeout(Some(PATIENCE)).set_response_timeout(Some(PATIENCE));
        let mut connection = client.get_multiplexed_async_connection_with_config(&config).await.with_context(fault)?;
        let total = cmd("DBSIZE").query_async(&mut connection).await.with_context(fault)?;
        let progress = Progress { total, ..Progress::default() };
        Ok(Self { connection, cursor: None, number: 0, progress })
    }

    /// How far it is.
    pub const fn progress(&self) -> Progress {
        self.progress
    }

    /// The keys of some more names, or `None` at the end. A name may be met twice while the server reorders its table.
    pub async fn next(&mut self) -> anyhow::Result<Option<Vec<Line>>> {
        if self.cursor == Some(0) {
            return Ok(None);
        }
        let cursor = self.cursor.unwrap_or(0);
        let (next, names): (u64, Vec<Vec<u8>>) =
            cmd("SCAN").arg(cursor).arg("COUNT").arg(STEP).query_async(&mut self.connection).await?;
        self.cursor = Some(next);
        self.progress.seen += names.len() as u64;
        let found = self.read(&names).await?;
        self.progress.passed_over += (names.len() - found.len()) as u64;
        let numbered = found.into_iter().map(|(name, entry)| {
            self.number += 1;
            line(self.number, &name, entry)
        });
        Ok(Some(numbered.collect()))
    }

    /// What those of the names hold that hold keys.
    async fn read(&mut self, names: &[Vec<u8>]) -> RedisResult<Vec<(String, Result<Value, &'static str>)>> {
        let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).filter(|name| !is_other(name)).collect();
        let types: Vec<String> = self.of_each(&names, |name| command("TYPE", name)).await?;
        let of = |wanted: &str| -> Vec<&[u8]> {
            names.iter().zip(&types).filter(|(_, kind)| *kind == wanted).map(|(name, _)| *name).collect()
        };
        let (hashes, texts) = (of("hash"), of("string"));
        let hashed: Vec<[Option<Vec<u8>>; 3]> =
            self.of_each(&hashes, |name| command("HMGET", name).arg(&FIELDS).clone()).await?;
        let written: Vec<Vec<u8>> =
            self.of_each(&texts, |name| command("GETRANGE", name).arg(0).arg(LONGEST).clone()).await?;
        let hashed = hashes.iter().zip(&hashed).filter_map(|(name, fields)| Some((name, of_hash(name, fields)?)));
        let written = texts.iter().zip(&written).filter_map(|(name, text)| Some((name, of_text(text)?)));
        Ok(hashed.chain(written).map(|(name, entry)| (String::from_utf8_lossy(name).into_owned(), entry)).collect())
    }

    /// The answers to a question about each name, in one round trip.
    async fn of_each<T: FromRedisValue>(
        &mut self,
        names: &[&[u8]],
        question: impl Fn(&[u8]) -> Cmd,
    ) -> RedisResult<Vec<T>> {
        let mut pipeline = Pipeline::with_capacity(names.len());
        for name in names {
            pipeline.add_command(question(name));
        }
        if names.is_empty() { Ok(Vec::new()) } else { pipeline.query_async(&mut self.connection).await }
    }
}

fn command(word: &str, name: &[u8]) -> Cmd {
    let mut command = cmd(word);
    command.arg(name);
    command
}

/// What is read of a hash.
const FIELDS: [&str; 3] = ["data", "key", "name"];

/// Names of what that server keeps beside its keys.
fn is_other(name: &[u8]) -> bool {
    name.ends_with(b":usage") || name.starts_with(b"session:") || name.starts_with(b"metrics:") || name == b"keys:list"
}

/// The entry of a hash; `None` when it is something else.
fn of_hash(of: &[u8], [data, key, name]: &[Option<Vec<u8>>; 3]) -> Option<Result<Value, &'static str>> {
    match data.as_deref().map(object) {
        Some(Some(entry)) => return Some(Ok(entry)),
        Some(None) if of.starts_with(b"key:") => return Some(Err("its data is not JSON with a key")),
        _ => {}
    }
    let text = |bytes: &Option<Vec<u8>>| bytes.as_deref().map(String::from_utf8_lossy).unwrap_or_default().into_owned();
    key.is_some().then(|| Ok(json!({ "key": text(key), "name": text(name) })))
}

/// The entry of a text; `None` when it is something else.
fn of_text(text: &[u8]) -> Option<Result<Value, &'static str>> {
    let bare = std::str::from_utf8(text).ok().map(str::trim).filter(|text| text.starts_with("fk-"));
    match bare {
        Some(key) => Some(Ok(json!({ "key": key }))),
        None => object(text).map(Ok),
    }
}

/// JSON that has a key.
fn object(bytes: &[u8]) -> Option<Value> {
    let value: Value = serde_json::from_slice(bytes).ok()?;
    value.get("key")?.is_string().then_some(value)
}

/// The entry as a line of a list of keys: held against the same rules.
fn line(number: u64, name: &str, entry: Result<Value, &'static str>) -> Line {
    // Elsewhere than in the layout that is known, the name itself may be a key.
    let place = if name.starts_with("key:") && !name.contains("fk-") { name } else { "an entry" };
    let fault = |error: String| LineError { line: number, error: format!("{place}: {error}") };
    let entry = entry.map_err(|why| fault(why.to_owned()))?;
    let read = parse_json(Value::from(vec![entry]).to_string().as_bytes()).map_err(fault)?;
    match read.into_iter().next() {
        Some(Ok(entry)) => Ok(accounts::keys::Entry { line: number, ..entry }),
        Some(Err(e)) => Err(fault(e.error)),
        None => Err(fault("there is no key".into())),
    }
}
