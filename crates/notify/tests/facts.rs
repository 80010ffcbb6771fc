//! Requests and answers of real services, as the facts beside this repository hold them. Without them nothing is tested.
#![allow(clippy::unwrap_used, reason = "a test file; the lint only knows test functions")]

use model::{Severity, Timestamp};
use notify::{Answer, Channel, Item, Language, Message, MessageKind, Prepared, PreparedRequest, Verdict};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;

fn facts() -> Option<PathBuf> {
    let near = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/facts/providers");
    near.is_dir().then_some(near)
}

fn sample(file: &str) -> Option<Value> {
    let text = std::fs::read_to_string(facts()?.join(file)).unwrap();
    Some(serde_json::from_str(&text).unwrap())
}

fn config(kind: &str) -> Value {
    let url = "https://hooks.example.com/services/T0/B0/k";
    match kind {
        "telegram" => json!({ "token": "1:a", "chat_id": "-1001234567890" }),
        "ntfy" => json!({ "url": "https://ntfy.sh", "topic": "mytopic" }),
        "gotify" => json!({ "url": "https://gotify.example.com", "token": "A" }),
        "pagerduty" => json!({ "routing_key": "R0000000000000000000000000000000", "source": "balance-monitor" }),
        "alertmanager" => json!({ "url": "http://am.example.com:9093", "hold_seconds": 0 }),
        "email" => json!({ "host": "mail.example.com", "from": "a@example.com", "to": ["b@example.com"] }),
        "apprise" => json!({ "url": "https://apprise.example.com", "key": "k" }),
        _ => json!({ "url": url }),
    }
}

fn channel(kind: &str, more: Value) -> Channel {
    let mut config = config(kind);
    config.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    Channel::parse(kind, &config.to_string()).unwrap()
}

fn message(severity: Severity, title: &str, body: &str) -> Message {
    let item = Item {
        id: "1:fired:0".into(),
        key: "balance/openrouter/main".into(),
        kind: MessageKind::Fired,
        severity,
        title: title.into(),
        body: body.into(),
        at: Timestamp::parse("2026-01-01T00:00:00Z").unwrap(),
        labels: BTreeMap::new(),
        details: Map::new(),
        link: None,
        lasted: None,
    };
    Message { title: title.into(), ..Message::single(item, Language::En) }
}

fn sent(channel: &Channel, message: &Message, now: Timestamp) -> (PreparedRequest, Value) {
    let Prepared::Http(request) = channel.request(message, now) else { panic!("no request") };
    let body = serde_json::from_str(&request.body).unwrap();
    (*request, body)
}

/// The same keys and types all the way down; texts that are not words of the protocol may differ.
fn same_shape(ours: &Value, theirs: &Value, path: &str) {
    match (ours, theirs) {
        (Value::Object(a), Value::Object(b)) => {
            assert!(a.keys().all(|k| b.contains_key(k)), "{path}: {:?} of {:?}", a.keys(), b.keys());
            assert!(b.keys().all(|k| a.contains_key(k)), "{path}: {:?} lacks of {:?}", a.keys(), b.keys());
            a.iter().for_each(|(k, v)| same_shape(v, &b[k], &format!("{path}.{k}")));
        }
        (Value::Array(a), Value::Array(b)) => {
            assert_eq!(a.len(), b.len(), "{path}");
            a.iter().zip(b).for_each(|(a, b)| same_shape(a, b, path));
        }
        (Value::String(_), Value::String(_)) => {}
        _ => assert_eq!(ours, theirs, "{path}"),
    }
}

#[test]
fn chat_bots_get_what_their_documents_show() {
    let Some(text) = sample("notify.feishu.request_text.json") else { return };
    let now = Timestamp::from_secs(1_599_360_473);
    let feishu = channel("feishu", json!({ "secret": "demo", "format": "text" }));
    assert_eq!(sent(&feishu, &message(Severity::Info, "request example", ""), now).1, text);

    let card = sample("notify.feishu.request_card.json").unwrap();
    let body = "**Balance** 4.10 USD\n**Threshold** 10 USD";
    let feishu = channel("feishu", json!({ "secret": "demo" }));
    assert_eq!(sent(&feishu, &message(Severity::Warning, "Balance low: OpenRouter", body), now).1, card);

    let markdown = sample("notify.dingtalk.request_markdown.json").unwrap();
    let low = message(Severity::Warning, "Balance low", "OpenRouter 4.10 USD < 10 USD");
    let ding = channel(
        "dingtalk",
        json!({ "url": "https://oapi.dingtalk.com/robot/send?access_token=t", "secret": "SECtest" }),
    );
    let (request, body) = sent(&ding, &low, Timestamp(1_700_000_000_000));
    same_shape(&body, &markdown, "dingtalk");
    assert_eq!(body["markdown"]["text"], markdown["markdown"]["text"]);
    let query = "access_token=t&timestamp=1700000000000&sign=aZLLrriXgn05YbwaGR7knYsLeJADjr9NwLaNNKpxh4g%3D";
    assert_eq!(request.url.query(), Some(query));

    let wecom = sample("notify.wecom.request_markdown.json").unwrap();
    let (_, body) = sent(&channel("wecom", json!({})), &low, now);
    same_shape(&body, &wecom, "wecom");
    assert_eq!(
        body["markdown"]["content"],
        "<font color=\"warning\">Balance low</font>\n>OpenRouter 4.10 USD ＜ 10 USD"
    );
}

#[test]
fn western_chats_get_what_their_documents_show() {
    let Some(slack) = sample("notify.slack.request.json") else { return };
    let one_line = message(Severity::Warning, "Balance low: OpenRouter 4.10 USD < 10 USD", "");
    let (_, body) = sent(&channel("slack", json!({})), &one_line, Timestamp(0));
    same_shape(&body, &slack, "slack");
    assert_eq!(body["text"], slack["text"].as_str().unwrap().replace('<', "&lt;"));

    let discord = sample("notify.discord.request.json").unwrap();
    let (_, body) = sent(&channel("discord", json!({})), &one_line, Timestamp(0));
    same_shape(&body, &discord, "discord");
    assert_eq!(body["content"], discord["content"]);

    let telegram = sample("notify.telegram.request.json").unwrap();
    let (request, body) = sent(&channel("telegram", json!({})), &one_line, Timestamp(0));
    assert_eq!(body, telegram);
    assert_eq!(request.url.as_str(), "https://api.telegram.org/bot1:a/sendMessage");

    let ntfy = sample("notify.ntfy.request.json").unwrap();
    let mut low = message(Severity::Warning, "Balance low: OpenRouter", "4.10 USD < 10 USD");
    low.link = Some("https://openrouter.ai/credits".into());
    let (request, body) = sent(&channel("ntfy", json!({ "token": "tk_1" })), &low, Timestamp(0));
    assert_eq!(body, ntfy);
    let authorization = request.headers.iter().find(|(n, _)| n == "authorization").unwrap();
    assert_eq!(authorization.1.reveal(), "Bearer tk_1");

    let gotify = sample("notify.gotify.request.json").unwrap();
    low.severity = Severity::Critical;
    let (request, body) = sent(&channel("gotify", json!({})), &low, Timestamp(0));
    assert_eq!(body, gotify);
    assert_eq!(request.url.as_str(), "https://gotify.example.com/message");
}

#[test]
fn pagers_get_what_their_documents_show() {
    let Some(trigger) = sample("notify.pagerduty.request_trigger.json") else { return };
    let mut low = message(Severity::Warning, "Balance low: OpenRouter 4.10 USD < 10 USD", "");
    let labels = [("component", "x"), ("provider", "openrouter"), ("group", "llm"), ("class", "balance")];
    low.items[0].labels = labels.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    low.items[0].details = trigger["payload"]["custom_details"].as_object().cloned().unwrap();
    let pagerduty = channel("pagerduty", json!({}));
    assert_eq!(sent(&pagerduty, &low, Timestamp(0)).1, trigger);
    low.items[0].kind = MessageKind::Recovered;
    assert_eq!(sent(&pagerduty, &low, Timestamp(0)).1, sample("notify.pagerduty.request_resolve.json").unwrap());
    low.items.push(low.items[0].clone());
    assert!(matches!(pagerduty.request(&low, Timestamp(0)), Prepared::Unfit(_)));
    assert!(!pagerduty.gathers());

    let mut low = message(Severity::Critical, "OpenRouter 4.10 USD < 10 USD", "");
    let labels = [("alertname", "BalanceLow"), ("provider", "openrouter")];
    low.items[0].labels = labels.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    low.items[0].link = Some("http://localhost:8080/".into());
    let whole_seconds = |value: Value| value.to_string().replace(":00.000Z", ":00Z");
    let v2 = sample("notify.alertmanager_api_v2.request.json").unwrap();
    let (request, body) = sent(&channel("alertmanager", json!({})), &low, Timestamp(0));
    assert_eq!(whole_seconds(body).parse::<Value>().unwrap(), v2);
    assert_eq!(request.url.as_str(), "http://am.example.com:9093/api/v2/alerts");

    let mut v4 = sample("notify.alertmanager_v4.request.json").unwrap();
    let webhook = channel("webhook", json!({ "format": "alertmanager", "receiver": "ops" }));
    low.link = Some("http://localhost:9093".into());
    let mut ours: Value = whole_seconds(sent(&webhook, &low, Timestamp(0)).1).parse().unwrap();
    // The fingerprint of the sample is made up.
    assert_eq!(ours["alerts"][0]["fingerprint"].as_str().unwrap().len(), 16);
    for body in [&mut ours, &mut v4] {
        body["alerts"][0]["fingerprint"] = Value::Null;
        body["commonLabels"] = Value::Null;
    }
    assert_eq!(ours, v4);
}

#[test]
fn the_old_webhook_keeps_its_form() {
    for (file, severity, watch) in [
        ("notify.seed_custom.request.json", Severity::Critical, "account"),
        ("notify.seed_custom.request_subscription.json", Severity::Warning, "subscription"),
    ] {
        let Some(wanted) = sample(file) else { return };
        let resource = wanted["Resources"][0].as_object().unwrap();
        let body = resource["Message"].as_str().unwrap();
        let mut ours = message(severity, wanted["RuleName"].as_str().unwrap(), body);
        ours.items[0].details =
            resource.iter().filter(|(k, _)| *k != "Message").map(|(k, v)| (k.clone(), v.clone())).collect();
        ours.items[0].labels.insert("watch".into(), watch.into());
        assert_eq!(sent(&channel("webhook", json!({})), &ours, Timestamp(0)).1, wanted);
    }
}

/// The body of a sample as it came over the wire.
fn wire(value: &Value) -> Vec<u8> {
    match value["_format"].as_str() {
        Some("text") => value["body"].as_str().unwrap().as_bytes().to_vec(),
        _ => value.to_string().into_bytes(),
    }
}

#[test]
fn every_recorded_answer_is_judged_by_its_body() {
    let Some(index) = sample("_index.json") else { return };
    let mut judged = 0;
    for entry in index["files"].as_array().unwrap() {
        let file = entry["file"].as_str().unwrap();
        let (Some(rest), Some(status)) = (file.strip_prefix("notify."), entry["http_status"].as_u64()) else {
            continue;
        };
        let kind = rest.split('.').next().unwrap();
        let answer =
            Answer { status: u16::try_from(status).unwrap(), body: wire(&sample(file).unwrap()), ..Answer::default() };
        let verdict = channel(kind, json!({})).judge(&answer);
        let delivered = entry["expect"]["delivered"].as_bool().unwrap();
        assert_eq!(verdict == Verdict::Delivered, delivered, "{file}: {verdict:?}");
        let later = file.contains("rate") || file.contains("429");
        if !delivered {
            assert_eq!(matches!(verdict, Verdict::Retry { .. }), later, "{file}: {verdict:?}");
        }
        judged += 1;
    }
    assert!(judged >= 36, "{judged}");
}

#[test]
fn waits_are_those_the_other_side_asked_for() {
    let judge = |kind: &str, status: u16, header: &str, body: Value| {
        let mut headers = reqwest::header::HeaderMap::new();
        if let Some((name, value)) = header.split_once(": ") {
            headers.insert(reqwest::header::HeaderName::try_from(name).unwrap(), value.parse().unwrap());
        }
        let answer = Answer { status, headers, body: body.to_string().into_bytes(), at: Timestamp(784_111_777_000) };
        match channel(kind, json!({})).judge(&answer) {
            Verdict::Retry { after, .. } => after.map(|a| a.as_millis()),
            other => panic!("{kind}: {other:?}"),
        }
    };
    let none = Value::Null;
    assert_eq!(judge("dingtalk", 200, "", json!({ "errcode": 130101, "errmsg": "x" })), Some(600_000));
    assert_eq!(judge("feishu", 200, "", json!({ "code": 9499, "msg": "too many request" })), Some(60_000));
    assert_eq!(judge("feishu", 400, "x-ogw-ratelimit-reset: 42", json!({ "code": 99991400 })), Some(42_000));
    assert_eq!(judge("wecom", 200, "", json!({ "errcode": -1 })), None);
    assert_eq!(judge("discord", 429, "retry-after: 1", json!({ "retry_after": 1.5 })), Some(1_500));
    assert_eq!(judge("telegram", 429, "", json!({ "ok": false, "parameters": { "retry_after": 7 } })), Some(7_000));
    assert_eq!(judge("slack", 429, "retry-after: 30", none.clone()), Some(30_000));
    assert_eq!(judge("slack", 503, "retry-after: Sun, 06 Nov 1994 08:50:37 GMT", none.clone()), Some(60_000));
    assert_eq!(judge("webhook", 500, "", none.clone()), None);
    // 200 from somebody else: a log-in page is no yes.
    for kind in ["feishu", "dingtalk", "wecom", "slack", "discord", "telegram", "ntfy", "gotify", "pagerduty"] {
        assert_eq!(judge(kind, 200, "", json!("<html>please log in</html>")), None, "{kind}");
    }
}

#[test]
fn a_configuration_with_an_unknown_word_is_refused_and_secrets_are_not_shown() {
    for kind in Channel::KINDS {
        let mut config = config(kind);
        let shown = channel(kind, json!({})).shown().to_string();
        assert!(!shown.contains("services/T0") && !shown.contains("R0000") && !shown.contains("mytopic"), "{shown}");
        config["colour"] = json!("red");
        let error = Channel::parse(kind, &config.to_string()).unwrap_err();
        assert!(error.to_string().contains("colour"), "{kind}: {error}");
    }
    assert!(Channel::parse("pigeon", "{}").is_err());
}

proptest::proptest! {
    #[test]
    fn no_answer_makes_a_judge_fall(status in 0u16..1000, body in proptest::collection::vec(proptest::num::u8::ANY, 0..200), retry in "[ -~]{0,30}") {
        let mut headers = reqwest::header::HeaderMap::new();
        headers.insert("retry-after", retry.parse().unwrap());
        headers.insert("x-ogw-ratelimit-reset", retry.parse().unwrap());
        for kind in Channel::KINDS {
            let answer = Answer { status, headers: headers.clone(), body: body.clone(), at: Timestamp(0) };
            channel(kind, json!({})).judge(&answer);
        }
    }

    #[test]
    fn no_json_answer_makes_a_judge_fall(status in 100u16..600, code in proptest::num::i64::ANY, wait in proptest::num::f64::ANY) {
        let body = json!({ "code": code, "errcode": code, "StatusCode": code, "ok": code % 2 == 0, "error_code": code,
            "retry_after": wait, "parameters": { "retry_after": wait, "migrate_to_chat_id": code }, "status": code, "id": wait });
        for kind in Channel::KINDS {
            let answer = Answer { status, body: body.to_string().into_bytes(), ..Answer::default() };
            let verdict = channel(kind, json!({})).judge(&answer);
            proptest::prop_assert!(status < 300 || *kind == "email" || verdict != Verdict::Delivered);
        }
    }

    #[test]
    fn any_text_fits_every_channel(title in ".{0,300}", body in "(?s).{0,9000}") {
        for kind in Channel::KINDS {
            let message = message(Severity::Critical, &title, &body);
            let size = match channel(kind, json!({})).request(&message, Timestamp(0)) {
                Prepared::Http(request) => request.body.len(),
                Prepared::Mail(_) => 0,
                Prepared::Unfit(why) => panic!("{kind}: {why}"),
            };
            let max = match *kind { "feishu" | "dingtalk" => 20_480, "wecom" => 10_000, _ => 512_000 };
            proptest::prop_assert!(size <= max, "{} {}", kind, size);
        }
    }
}
