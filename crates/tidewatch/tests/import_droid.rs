//! The keys of a Droid key-usage server, out of a real Redis that afterwards is as it was.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod product;

use product::{finished, tidewatch};
use redis::aio::MultiplexedConnection;
use redis::{Client, cmd, pipe};
use serde_json::{Value, json};
use servers::Redis;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Stdio;
use tokio::io::AsyncWriteExt;

const KEYS: u32 = 5_000;

fn secret(n: u32) -> String {
    format!("fk-{n:06}-abcdefghijklmnopqrstuvwxyz")
}

/// What such a server keeps, and some of what else may lie in its Redis.
async fn seed(connection: &mut MultiplexedConnection) {
    for chunk in (0..KEYS).collect::<Vec<_>>().chunks(500) {
        let mut pipeline = pipe();
        for n in chunk {
            let id = format!("key-{n:08x}-1760000000");
            let data =
                json!({"id": id, "key": secret(*n), "name": format!("Key {id}"), "created_at": "2026-01-02T03:04:05Z"});
            pipeline.hset(format!("key:{id}"), "data", data.to_string()).ignore();
            pipeline.sadd("keys:list", &id).ignore();
            let usage = json!({"id": id, "remaining": 1.5, "last_updated": "2026-01-02T03:04:05Z"});
            pipeline.set_ex(format!("key:{id}:usage"), usage.to_string(), 86_400).ignore();
        }
        pipeline.exec_async(connection).await.unwrap();
    }
    pipe()
        .set("session:6ba7b810", r#"{"id":"6ba7b810","created_at":"2026-01-02T03:04:05Z"}"#)
        .set("metrics:requests", 7)
        .hset("key:broken", "data", "not JSON")
        .hset("key:short", "data", r#"{"id":"short","key":"fk-1","name":""}"#)
        .hset("key:plain", "key", secret(KEYS))
        .hset("key:plain", "name", "plain")
        .set("droid:1", secret(KEYS + 1))
        .set("droid:2", json!({"key": secret(0), "name": "again"}).to_string())
        .set("counter", "12")
        .hset("user:1", "data", "not JSON")
        .lpush("queue", "a")
        .zadd("scores", "a", 1)
        .exec_async(connection)
        .await
        .unwrap();
}

const ENTRIES: u32 = 3 + 2; // keys in their own layouts, and broken ones
const OTHERS: u32 = KEYS + 7; // usages, keys:list, session, metrics, counter, user, queue, scores

/// Every name with what it holds.
async fn content(connection: &mut MultiplexedConnection) -> BTreeMap<String, Vec<u8>> {
    let names: Vec<String> = cmd("KEYS").arg("*").query_async(connection).await.unwrap();
    let mut dumps = BTreeMap::new();
    for name in names {
        let dump = cmd("DUMP").arg(&name).query_async(connection).await.unwrap();
        dumps.insert(name, dump);
    }
    dumps
}

async fn commands(connection: &mut MultiplexedConnection) -> BTreeSet<String> {
    let info: String = cmd("INFO").arg("commandstats").query_async(connection).await.unwrap();
    let words = info.lines().filter_map(|line| line.strip_prefix("cmdstat_")?.split_once(':'));
    words.map(|(word, _)| word.to_owned()).collect()
}

fn command(dir: &Path, args: &[&str], url: &str) -> tokio::process::Command {
    let mut command = tidewatch(dir, &[&["import"][..], args].concat());
    command.env("TIDEWATCH_IMPORT_URL", url);
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn all_keys_come_over_once_and_nothing_is_written_there() {
    let Some(server) = Redis::start() else { return };
    let mut connection = Client::open(server.url()).unwrap().get_multiplexed_async_connection().await.unwrap();
    seed(&mut connection).await;
    let before = content(&mut connection).await;
    cmd("CONFIG").arg("RESETSTAT").exec_async(&mut connection).await.unwrap();

    let dir = tempfile::tempdir().unwrap();
    let run = async |args: &[&str]| {
        let (code, stdout, stderr) = finished(command(dir.path(), args, &server.url())).await;
        assert!(!stdout.contains("fk-0") && !stdout.contains(server.password()), "{stdout}");
        assert!(!stderr.contains("fk-0") && !stderr.contains(server.password()), "{stderr}");
        (code, stdout)
    };
    let line = |added: u32, there: u32| {
        format!(
            "{added} added, {there} already there, 2 failed, of {} keys; {OTHERS} other entries passed over\n",
            KEYS + ENTRIES
        )
    };
    let (code, stdout) = run(&["--dry-run"]).await;
    assert!(code == 1 && stdout.ends_with(&format!("nothing written; would be: {}", line(KEYS + 2, 1))), "{stdout}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);

    let (code, stdout) = run(&["--tags", "droid"]).await;
    assert!(code == 1 && stdout.ends_with(&line(KEYS + 2, 1)), "{stdout}");
    assert!(stdout.contains("key:broken: its data is not JSON with a key"), "{stdout}");
    assert!(stdout.contains("key:short: the key is shorter than 8 characters"), "{stdout}");
    for args in [&[][..], &["--dry-run"]] {
        let (_, stdout) = run(args).await;
        assert!(stdout.ends_with(&line(0, KEYS + 3)), "{stdout}");
    }

    let used = commands(&mut connection).await;
    let reads = ["auth", "hello", "client|setinfo", "select", "dbsize", "scan", "type", "hmget", "getrange"];
    let own = ["config|resetstat", "info"];
    let odd: Vec<_> = used.iter().filter(|word| !reads.iter().chain(&own).any(|read| read == word)).collect();
    assert!(odd.is_empty() && used.contains("hmget"), "{odd:?} of {used:?}");
    let after = content(&mut connection).await;
    assert!(before == after, "{} names before, {} after", before.len(), after.len());

    let (code, stdout, stderr) = finished(tidewatch(dir.path(), &["keys", "list", "--json", "--tag", "droid"])).await;
    let listed: Value = serde_json::from_str(&stdout).unwrap_or_else(|e| panic!("{e}: {stdout}{stderr}"));
    assert_eq!((code, listed.as_array().map(Vec::len)), (0, Some(50)));
    assert!(listed[0]["name"].as_str().is_some_and(|name| !name.is_empty()) && listed[0]["provider"] == "factory");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_url_comes_by_any_way_and_is_not_told() {
    let Some(server) = Redis::start() else { return };
    let mut connection = Client::open(server.url()).unwrap().get_multiplexed_async_connection().await.unwrap();
    let data = json!({"id": "a", "key": secret(1), "name": "eins"}).to_string();
    cmd("HSET").arg("key:a").arg("data").arg(data).exec_async(&mut connection).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let told = |text: &str| text.contains(server.password());

    let mut child =
        tidewatch(dir.path(), &["import", "-", "--json"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(format!("{}\n", server.url()).as_bytes()).await.unwrap();
    let output = child.wait_with_output().await.unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["success"], &report["passed_over"]), (&json!(1), &json!(0)), "{report}");

    let (code, stdout, stderr) = finished(tidewatch(dir.path(), &["import", &server.url()])).await;
    assert!(code == 0 && stdout.starts_with("0 added, 1 already there"), "{stdout}{stderr}");
    assert!(stderr.contains("TIDEWATCH_IMPORT_URL") && !told(&stderr), "{stderr}");

    let (code, _, stderr) = finished(tidewatch(dir.path(), &["import", &server.url_without_password()])).await;
    assert!(code == 2 && stderr.contains("cannot be read"), "{stderr}");
    let wrong = server.url().replace(server.password(), "hunter2");
    let (code, _, stderr) = finished(command(dir.path(), &[], &wrong)).await;
    assert!(code == 2 && !stderr.contains("hunter2"), "{stderr}");
    let (code, _, stderr) = finished(command(dir.path(), &[], "redis://:hunter2@127.0.0.1:bad/0")).await;
    assert!(code == 2 && !stderr.contains("hunter2"), "{stderr}");
    let (code, _, stderr) = finished(command(dir.path(), &["--kind", "config"], &server.url())).await;
    assert!(code == 2 && stderr.contains("--kind droid") && !told(&stderr), "{stderr}");
    let (code, _, stderr) = finished(tidewatch(dir.path(), &["import"])).await;
    assert!(code == 2 && stderr.contains("TIDEWATCH_IMPORT_URL"), "{stderr}");
}
