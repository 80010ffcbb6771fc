//! Traces as a collector receives them, and the log beside them: one trace follows a task from due to notified, through
//! two processes.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod product;

use axum::body::Bytes;
use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::Span;
use product::{KEY, tidewatch, until};
use prost::Message as _;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

const SECRET: &str = "sk-planted/in+a=key";
const HOOK: &str = "planted-in-the-path";

/// A span and the process it came from.
#[derive(Clone, Debug)]
struct Told {
    pid: i64,
    span: Span,
}

/// A collector, a provider and a receiver of messages at one address.
#[derive(Clone, Default)]
struct World {
    told: Arc<Mutex<Vec<Told>>>,
    messages: Arc<Mutex<Vec<Value>>>,
}

fn attribute(all: &[KeyValue], key: &str) -> Option<Any> {
    all.iter().find(|a| a.key == key)?.value.as_ref()?.value.clone()
}

fn text(span: &Span, key: &str) -> String {
    match attribute(&span.attributes, key) {
        Some(Any::StringValue(text)) => text,
        other => panic!("{key} of {}: {other:?}", span.name),
    }
}

async fn traces(State(world): State<World>, body: Bytes) -> Vec<u8> {
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    for resource in request.resource_spans {
        let attributes = resource.resource.unwrap().attributes;
        assert_eq!(attribute(&attributes, "service.name"), Some(Any::StringValue("tidewatch".into())));
        let Some(Any::IntValue(pid)) = attribute(&attributes, "process.pid") else { panic!("{attributes:?}") };
        let spans = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
        world.told.lock().unwrap().extend(spans.map(|span| Told { pid, span }));
    }
    ExportTraceServiceResponse::default().encode_to_vec()
}

impl World {
    async fn start(&self) -> String {
        let message = async |State(world): State<World>, Json(message): Json<Value>| {
            world.messages.lock().unwrap().push(message);
        };
        let app = Router::new()
            .route("/v1/traces", post(traces))
            .route("/balance", get(async || r#"{"balance": 5}"#))
            .route("/hook/{secret}", post(message))
            .with_state(self.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        base
    }

    fn named(&self, name: &str) -> Vec<Told> {
        self.told.lock().unwrap().iter().filter(|told| told.span.name == name).cloned().collect()
    }
}

fn configure(dir: &Path, base: &str) {
    let configuration = json!({
        "server": {"listen": "127.0.0.1:0", "data_dir": "data"},
        // Otherwise a key is made and shown, once, to people.
        "auth": {"admin_key": KEY},
        "log": {"level": "debug", "format": "json"},
        "market": {"enabled": false},
        "notify": {"allow_private": true},
        "accounts": {"allow_private": true, "list": [{"name": "below", "provider": "http_json", "secret": SECRET,
            "thresholds": ["10"], "params": [format!("url: {base}/balance"), "remaining: balance", "unit: USD"]}]},
        // Long enough for the first process to be gone, and with it all it had in memory.
        "channels": [{"name": "hook", "kind": "webhook", "url": format!("{base}/hook/{HOOK}"), "allow_private": true,
            "digest_window": "6s"}],
    });
    std::fs::write(dir.join("tidewatch.yaml"), configuration.to_string()).unwrap();
}

struct Serve {
    child: Child,
    log: JoinHandle<String>,
}

fn serve(dir: &Path, collector: Option<&str>) -> Serve {
    let mut command = tidewatch(dir, &["serve"]);
    if let Some(collector) = collector {
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", collector).env("OTEL_BSP_SCHEDULE_DELAY", "100");
    }
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = child.stderr.take().unwrap();
    let log = tokio::spawn(async move {
        let mut log = String::new();
        stderr.read_to_string(&mut log).await.unwrap();
        log
    });
    Serve { child, log }
}

/// Ends it as a service manager does; answers its log.
async fn end(mut process: Serve) -> String {
    let pid = process.child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
    let ended = tokio::time::timeout(Duration::from_secs(30), process.child.wait()).await.unwrap().unwrap();
    let log = process.log.await.unwrap();
    assert_eq!(ended.code(), Some(0), "{log}");
    log
}

/// Every line is one JSON object with its level, and no secret is in any.
fn sound(log: &str) {
    let mut debug = 0;
    for line in log.lines() {
        let event: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        assert!(event["timestamp"].is_string() && event["target"].is_string(), "{line}");
        assert_ne!(event["target"], "spans");
        debug += u32::from(event["level"] == "DEBUG");
    }
    assert!(debug > 10, "{debug} lines of debugging");
    for secret in [SECRET, HOOK, KEY] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_goes_from_due_to_notified_through_two_processes() {
    let (world, dir) = (World::default(), tempfile::tempdir().unwrap());
    let base = world.start().await;
    configure(dir.path(), &base);
    let first = serve(dir.path(), Some(&base));
    until("recorded", async || !world.named("due").is_empty()).await;
    sound(&end(first).await);
    assert!(world.messages.lock().unwrap().is_empty(), "told before its time");
    let second = serve(dir.path(), Some(&base));
    until("told", async || !world.messages.lock().unwrap().is_empty()).await;
    sound(&end(second).await);

    let only = |name: &str, pid: i64| {
        let all: Vec<Told> = world.named(name).into_iter().filter(|told| told.pid == pid).collect();
        assert_eq!(all.len(), 1, "{name}: {all:#?}");
        all.into_iter().next().unwrap().span
    };
    let notify = world.named("notify").pop().unwrap();
    let due = world.named("due").remove(0);
    assert_ne!(due.pid, notify.pid);
    let (notify, due, pid) = (notify.span, due.span, due.pid);
    assert!(due.parent_span_id.is_empty());
    assert_eq!((text(&due, "watch").as_str(), text(&due, "status").as_str()), ("account", "success"));
    for (child, parent) in
        [("fetch", &due), ("record", &due), ("admit", &only("fetch", pid)), ("request", &only("fetch", pid))]
    {
        let child = only(child, pid);
        assert_eq!((&child.trace_id, &child.parent_span_id), (&due.trace_id, &parent.span_id), "{}", child.name);
        assert!(child.start_time_unix_nano >= parent.start_time_unix_nano);
    }
    let record = only("record", pid);
    assert_eq!((&notify.trace_id, &notify.parent_span_id), (&due.trace_id, &record.span_id));
    assert!(notify.start_time_unix_nano > record.end_time_unix_nano);
    assert_eq!((text(&notify, "outcome").as_str(), text(&notify, "channel").as_str()), ("delivered", "webhook"));
    assert_eq!(text(&only("request", pid), "outcome"), "ok");
    let told = format!("{:?}", world.told.lock().unwrap());
    assert!(!told.contains(SECRET) && !told.contains(HOOK), "a secret is in a span");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_collector_no_trace_is_kept() {
    let (world, dir) = (World::default(), tempfile::tempdir().unwrap());
    let base = world.start().await;
    configure(dir.path(), &base);
    let process = serve(dir.path(), None);
    until("told", async || !world.messages.lock().unwrap().is_empty()).await;
    sound(&end(process).await);
    assert!(world.told.lock().unwrap().is_empty());
    let url = format!("sqlite://{}", dir.path().join("data/tidewatch.db").display());
    let store = store::Store::open(&store::OpenOptions::new(url)).await.unwrap();
    let row =
        store.query_one("SELECT COUNT(*), COUNT(traceparent) FROM outbox", store::args![]).await.unwrap().unwrap();
    assert_eq!((row.int(0).unwrap(), row.int(1).unwrap()), (1, 0));
}
