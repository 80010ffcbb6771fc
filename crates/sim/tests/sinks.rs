//! Simulated receivers over a real socket: what is in the ledger is what happened.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]

mod wire;

use serde_json::json;
use sim::accounts::{AccountsConfig, AccountsServer, RunningAccounts};
use sim::faults::When;
use sim::sinks::{Outcome, Sink, SinkFault, SinkFaults, SinkKind, SinksConfig, dingtalk_sign, feishu_sign};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use wire::{get, listener, post};

const START: i64 = 1_788_220_800_000;

async fn start(sinks: SinksConfig) -> (RunningAccounts, Arc<AtomicI64>) {
    let now = Arc::new(AtomicI64::new(START));
    let clock = Arc::clone(&now);
    let mut config = AccountsConfig::new(Arc::new(move || clock.load(Ordering::SeqCst)));
    config.sinks = sinks;
    (AccountsServer::start(listener().await, config).unwrap(), now)
}

fn message(kind: SinkKind, text: &str) -> String {
    match kind {
        SinkKind::Feishu => json!({"msg_type": "text", "content": {"text": text}}),
        SinkKind::Dingtalk | SinkKind::Wecom => {
            json!({"msgtype": "markdown", "markdown": {"title": "t", "text": text}})
        }
        SinkKind::Discord => json!({"content": text}),
        SinkKind::Telegram => json!({"chat_id": "1", "text": text}),
        SinkKind::Ntfy => json!({"topic": "t", "message": text}),
        SinkKind::Gotify => json!({"message": text}),
        SinkKind::Pagerduty => json!({"routing_key": "k", "event_action": "trigger", "payload": text}),
        SinkKind::Slack | SinkKind::Webhook => json!({"text": text}),
    }
    .to_string()
}

#[tokio::test]
async fn every_sort_takes_its_message_and_says_so() {
    let (sim, _) = start(SinksConfig::default()).await;
    for kind in SinkKind::ALL {
        let below = match kind {
            SinkKind::Telegram => "/bot123:abc/sendMessage",
            SinkKind::Gotify => "/message",
            _ => "",
        };
        let path = format!("/sink/{}/t1{below}", kind.name());
        assert_eq!(sim.sink_url(kind, "t1") + below, format!("{}{path}", sim.base_url()));
        let reply = post(sim.addr(), &path, &message(kind, "low")).await;
        let wanted = match kind {
            SinkKind::Discord => 204,
            SinkKind::Pagerduty => 202,
            _ => 200,
        };
        assert_eq!(reply.status, wanted, "{kind:?}");
        let received = sim.sinks().received();
        let last = received.last().unwrap();
        assert_eq!((last.serial, last.kind, last.path.as_str()), (received.len() as u64, kind, below));
        assert!(last.accepted && last.told && last.outcome == Outcome::Delivered);
        assert_eq!(sim.sinks().shown(kind, "t1"), [message(kind, "low")]);
        if kind != SinkKind::Webhook {
            let bad = post(sim.addr(), &path, "{}").await;
            let code = || bad.json()["code"].as_i64().or(bad.json()["errcode"].as_i64()).unwrap_or(0);
            assert!(bad.status >= 400 || code() != 0, "{kind:?}");
            assert!(!sim.sinks().received().last().unwrap().accepted);
        }
    }
    let ledger = get(sim.addr(), "/_sim/sinks?kind=webhook", "").await.json();
    assert_eq!((ledger["total"].clone(), ledger["by_outcome"]["delivered"].clone()), (json!(1), json!(1)));
    assert_eq!(post(sim.addr(), "/sink/pigeon/t1", "{}").await.status, 404);
}

#[tokio::test]
async fn signatures_keywords_and_tokens_are_checked_with_status_200() {
    let sink = |kind, keyword: Option<&str>| {
        let secret = (kind != SinkKind::Wecom).then(|| "demo".to_owned());
        Sink { kind, token: "t".to_owned(), secret, keyword: keyword.map(str::to_owned) }
    };
    let sinks = vec![sink(SinkKind::Feishu, Some("Tide")), sink(SinkKind::Dingtalk, None), sink(SinkKind::Wecom, None)];
    let (sim, _) = start(SinksConfig { sinks, closed: true, ..SinksConfig::default() }).await;
    let feishu = |seconds: i64, secret: &str, text: &str| {
        let sign = feishu_sign(&seconds.to_string(), secret);
        json!({"timestamp": seconds.to_string(), "sign": sign, "msg_type": "text", "content": {"text": text}})
            .to_string()
    };
    let now = START / 1_000;
    for (body, code) in [
        (feishu(now, "demo", "Tide is low"), 0),
        (feishu(now - 3_600, "demo", "Tide is low"), 0),
        (feishu(now - 3_601, "demo", "Tide is low"), 19_021),
        (feishu(now, "wrong", "Tide is low"), 19_021),
        (message(SinkKind::Feishu, "Tide is low"), 19_021),
        (feishu(now, "demo", "low"), 19_024),
        ("not json".to_owned(), 9_499),
    ] {
        let reply = post(sim.addr(), "/sink/feishu/t", &body).await;
        assert_eq!((reply.status, reply.json()["code"].clone()), (200, json!(code)), "{body}");
    }
    let sign = dingtalk_sign(&START.to_string(), "demo").replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    for (query, code) in [
        (format!("?access_token=x&timestamp={START}&sign={sign}"), 0),
        (format!("?timestamp={}&sign={sign}", START + 1), 310_000),
        (String::new(), 310_000),
    ] {
        let reply = post(sim.addr(), &format!("/sink/dingtalk/t{query}"), &message(SinkKind::Dingtalk, "x")).await;
        assert_eq!((reply.status, reply.json()["errcode"].clone()), (200, json!(code)), "{query}");
    }
    for (path, code) in [("/sink/wecom/t", 0), ("/sink/wecom/other", 93_000), ("/sink/dingtalk/other", 300_005)] {
        let reply = post(sim.addr(), path, &message(SinkKind::Wecom, "x")).await;
        assert_eq!((reply.status, reply.json()["errcode"].clone()), (200, json!(code)), "{path}");
    }
}

#[tokio::test]
async fn documented_limits_are_kept() {
    let (sim, now) = start(SinksConfig { limits: true, ..SinksConfig::default() }).await;
    let code = async |kind: SinkKind, member: &str| {
        let path = format!("/sink/{}/t", kind.name());
        post(sim.addr(), &path, &message(kind, "x")).await.json()[member].as_i64().unwrap()
    };
    for n in 0..7 {
        assert_eq!(code(SinkKind::Feishu, "code").await, if n < 5 { 0 } else { 11_232 }, "{n}");
    }
    now.fetch_add(1_000, Ordering::SeqCst);
    assert_eq!(code(SinkKind::Feishu, "code").await, 0);
    for (kind, rate) in [(SinkKind::Dingtalk, 130_101), (SinkKind::Wecom, 45_009)] {
        for n in 0..22 {
            assert_eq!(code(kind, "errcode").await, if n < 20 { 0 } else { rate }, "{n}");
        }
    }
    now.fetch_add(60_000, Ordering::SeqCst);
    assert_eq!(code(SinkKind::Wecom, "errcode").await, 0);
    assert_eq!(code(SinkKind::Dingtalk, "errcode").await, 130_101);
    now.fetch_add(540_000, Ordering::SeqCst);
    assert_eq!(code(SinkKind::Dingtalk, "errcode").await, 0);
    assert_eq!(post(sim.addr(), "/_sim/sinks/limits", r#"{"limits":false}"#).await.status, 204);
    for _ in 0..30 {
        assert_eq!(code(SinkKind::Feishu, "code").await, 0);
    }
}

#[tokio::test]
async fn faults_strike_as_said_and_the_ledger_knows_what_was_taken() {
    let (sim, _) = start(SinksConfig::default()).await;
    let send = async |text: &str| post(sim.addr(), "/sink/feishu/t", &message(SinkKind::Feishu, text)).await;
    for (fault, status, code, outcome) in [
        (SinkFault::Reset, 0, None, Outcome::Lost),
        (SinkFault::TakenThenCut, 0, None, Outcome::Unconfirmed),
        (SinkFault::ServerError, 500, None, Outcome::Failed),
        (SinkFault::Busy, 200, Some(11_232), Outcome::Busy),
        (SinkFault::Refused, 200, Some(19_021), Outcome::Refused),
    ] {
        sim.sinks().forget();
        sim.sinks().set_faults(SinkFaults::always(fault, When::Every(3), 1));
        for n in 1..=6 {
            let reply = send(&n.to_string()).await;
            if n % 3 == 0 {
                assert_eq!(reply.status, status, "{fault:?}: {}", reply.head);
                assert!(status > 0 || (reply.head.is_empty() && reply.body.is_empty()));
                assert!(code.is_none_or(|code| reply.json()["code"] == code));
            } else {
                assert_eq!(reply.json()["code"], 0);
            }
        }
        let received = sim.sinks().received();
        assert_eq!(received.iter().filter(|r| r.outcome == outcome).count(), 2);
        let taken = sim.sinks().shown(SinkKind::Feishu, "t").len();
        assert_eq!(taken, if fault == SinkFault::TakenThenCut { 6 } else { 4 });
        assert_eq!(received.iter().filter(|r| r.told).count(), 4);
    }
    let spec = json!({"seed": 5, "rules": [{"fault": "server_error", "when": {"probability": 0.5}, "kind": "slack"}]});
    let mut runs = Vec::new();
    for _ in 0..2 {
        assert_eq!(post(sim.addr(), "/_sim/sinks/faults", &spec.to_string()).await.status, 200);
        let mut statuses = Vec::new();
        for _ in 0..20 {
            assert_eq!(send("x").await.status, 200);
            statuses.push(post(sim.addr(), "/sink/slack/t", &message(SinkKind::Slack, "x")).await.status);
        }
        runs.push(statuses);
    }
    assert_eq!(runs[0], runs[1]);
    assert!(runs[0].contains(&500) && runs[0].contains(&200));
}
