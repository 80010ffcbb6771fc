//! One trace through the processes of a fleet, as a collector receives it: due in one that schedules, fetched in one that
//! crawls, recorded where it arrives, told by whoever delivers.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use testkit::scale::{Plan, drill};
use tokio::net::TcpListener;

/// A span and the process it came from.
#[derive(Clone, Debug)]
struct Told {
    pid: i64,
    span: Span,
}

type Book = Arc<Mutex<Vec<Told>>>;

async fn take(State(book): State<Book>, body: Bytes) -> Vec<u8> {
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    for resource in request.resource_spans {
        let attributes = resource.resource.unwrap().attributes;
        let pid = attributes.iter().find(|a| a.key == "process.pid").and_then(|a| a.value.as_ref()?.value.clone());
        let Some(Any::IntValue(pid)) = pid else { panic!("{attributes:?}") };
        let spans = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
        book.lock().unwrap().extend(spans.map(|span| Told { pid, span }));
    }
    ExportTraceServiceResponse::default().encode_to_vec()
}

async fn collector(book: &Book) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let app = Router::new().route("/v1/traces", post(take)).with_state(Arc::clone(book));
    tokio::spawn(async move { axum::serve(listener, app).await });
    base
}

/// The spans from this one up to the first of its trace.
fn upwards<'a>(told: &'a Told, by_id: &HashMap<&[u8], &'a Told>) -> Vec<&'a Told> {
    let mut line = vec![told];
    while let Some(parent) = line.last().and_then(|last| by_id.get(last.span.parent_span_id.as_slice())) {
        line.push(parent);
    }
    line
}

/// A trace of a crawl that ended in a message: what was told, from due to notify.
fn whole(told: &[Told]) -> Option<Vec<Told>> {
    let by_id: HashMap<&[u8], &Told> = told.iter().map(|t| (t.span.span_id.as_slice(), t)).collect();
    let notifies = told.iter().filter(|t| t.span.name == "notify");
    notifies.map(|notify| &notify.span.trace_id).find_map(|trace| {
        let own: Vec<&Told> = told.iter().filter(|t| &t.span.trace_id == trace).collect();
        let fetched = own.iter().find(|t| t.span.name == "fetch")?;
        let began = *upwards(fetched, &by_id).last()?;
        (began.span.name == "due" && began.pid != fetched.pid).then(|| own.into_iter().cloned().collect())
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_goes_from_due_to_notified_through_serve_and_worker() {
    let book = Book::default();
    let plan = Plan {
        program: PathBuf::from(env!("CARGO_BIN_EXE_chaos_scale")),
        serves: 1,
        workers: 1,
        ips: 12,
        hottest: 60.0,
        accounts: 4,
        speed: 720.0,
        calm: Duration::from_secs(1),
        faults: Vec::new(),
        lasts: Duration::from_secs(30),
        seed: 3,
        traces: Some(collector(&book).await),
    };
    let begun = Instant::now();
    let Some(outcome) = drill(&plan).await.unwrap() else { return };
    let told = book.lock().unwrap().clone();
    let trace = whole(&told);
    assert!(trace.is_some(), "no whole trace in {} spans after {:?}: {outcome:?}", told.len(), begun.elapsed());
    let trace = trace.unwrap();
    let by_id: HashMap<&[u8], &Told> = trace.iter().map(|t| (t.span.span_id.as_slice(), t)).collect();
    let only = |name: &str| {
        let all: Vec<&Told> = trace.iter().filter(|t| t.span.name == name).collect();
        assert_eq!(all.len(), 1, "{name}: {all:#?}");
        all[0]
    };
    let (due, fetch, record) = (only("due"), only("fetch"), only("record"));
    assert!(due.span.parent_span_id.is_empty());
    assert_ne!(due.pid, fetch.pid, "fetched by the one that crawls");
    assert_eq!(due.pid, record.pid, "recorded by the one that schedules");
    for below in [fetch, record] {
        assert_eq!(upwards(below, &by_id).last().unwrap().span.span_id, due.span.span_id, "{below:#?}");
        assert!(below.span.start_time_unix_nano >= due.span.start_time_unix_nano);
    }
    assert!(record.span.start_time_unix_nano >= fetch.span.end_time_unix_nano);
    // One message may tell of several alerts of this crawl; each hangs below its record.
    let notifies: Vec<&Told> = trace.iter().filter(|t| t.span.name == "notify").collect();
    assert!(!notifies.is_empty());
    for notify in notifies {
        assert_eq!(notify.span.parent_span_id, record.span.span_id);
        assert!(notify.span.start_time_unix_nano >= record.span.end_time_unix_nano);
    }
}
