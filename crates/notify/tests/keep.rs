//! Channels of the configuration, links, lengths and what an observer is told.
#![allow(clippy::unwrap_used, reason = "a test file; the lint only knows test functions")]

mod sink;

use model::Clock as _;
use notify::{
    ChannelDraft, DeliverOptions, DeliveryFilter, DeliveryState, Kept, NotifyError, Observer, Origin, Outcome, drafts,
    list_channels,
};
use serde_json::{Value, json};
use settings::{NotifySettings, Settings, SourceFile, Sources};
use sink::{RULES, START, Sink, World};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use url::Url;

fn settings(text: &str) -> Settings {
    let files = vec![SourceFile { name: "a.yaml".into(), text: text.into() }];
    settings::load(&Sources { files, ..Sources::default() }).unwrap().settings
}

fn stated(text: &str) -> Result<Vec<ChannelDraft>, String> {
    let settings = settings(text);
    drafts(&settings.channels, &settings.notify).map_err(|e| e.to_string())
}

const ALL: &str = r#"
notify: { apprise: 'https://apprise.example', digest_window: 5s }
channels:
  - { name: a, url: 'feishu://hunter2a?secret=hunter2b', severity_floor: warning, quiet_hours: '22:00-07:00 +09:00',
      language: zh, digest_window: 10s, per_minute: 30 }
  - { name: b, kind: dingtalk, url: 'https://oapi.dingtalk.com/robot/send?access_token=hunter2c', secret: hunter2d,
      at_mobiles: ['138'] }
  - { name: c, kind: email, host: smtp.example.com, port: 465, tls: wrapper, user: u, password: hunter2e,
      from: a@example.com, to: [b@example.com], enabled: false }
  - { name: d, kind: webhook, url: 'https://h.example/hunter2f', headers: ['X-Key: hunter2g'], format: alertmanager }
  - { name: e, url: 'bark://h.example/hunter2h' }
  - { name: f, kind: ntfy, url: 'https://ntfy.sh', topic: hunter2i }
  - { name: g, url: 'https://hooks.slack.com/services/T0/B0/hunter2j' }
  - { name: h, kind: telegram, token: '12:hunter2k', chat_id: '@ops' }
"#;

async fn keep(world: &World, text: &str) -> Kept {
    let drafts = stated(text).unwrap();
    let mut tx = world.store.begin().await.unwrap();
    let kept = notify::keep(&mut tx, &drafts, &RULES, world.clock.now()).await.unwrap();
    tx.commit().await.unwrap();
    kept
}

#[test]
fn a_channel_of_the_configuration_is_a_draft() {
    let drafts = stated(ALL).unwrap();
    let kinds: Vec<&str> = drafts.iter().map(|d| d.kind.as_str()).collect();
    assert_eq!(kinds, ["feishu", "dingtalk", "email", "webhook", "apprise", "ntfy", "slack", "telegram"]);
    let a = &drafts[0];
    assert_eq!((a.gather_seconds, a.per_minute, a.language.as_str()), (Some(10), Some(30), "zh"));
    assert_eq!(a.quiet.as_ref().unwrap().to_string(), "22:00-07:00 +09:00");
    assert_eq!(drafts[3].config.as_ref().unwrap()["headers"], json!({ "x-key": "hunter2g" }));
    assert_eq!(drafts[4].config.as_ref().unwrap()["urls"], json!(["bark://h.example/hunter2h"]));
    assert!(!drafts[2].enabled && drafts[5].enabled);
    for (text, part) in [
        ("{name: x, url: 'bark://hunter2/hunter2'}", "no Apprise gateway"),
        ("{name: x, kind: feishu, url: 'dingtalk://hunter2'}", "url: is a channel of kind dingtalk, not feishu"),
        ("{name: x, kind: wecom, url: 'https://h.example/hunter2', secret: hunter2}", "unknown field `secret`"),
        ("{name: x, kind: gotify, url: 'https://h.example/hunter2'}", "missing field `token`"),
        ("{name: x, url: 'ntfy://hunter2', quiet_hours: late}", "quiet_hours"),
        ("{name: x, kind: webhook, url: 'http://10.0.0.1/hunter2'}", "private"),
        ("{name: x, kind: webhook, url: 'https://h.example/', headers: [hunter2]}", "headers: write each as"),
        ("{name: x, kind: webhook, url: 'hunter2'}", "url: scheme is missing"),
    ] {
        let error = stated(&format!("channels: [{text}]")).unwrap_err();
        assert!(error.starts_with("channels[0] (x): ") && error.contains(part), "{text}: {error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn the_kinds_that_can_be_configured_are_the_kinds_there_are() {
    let schema = serde_json::to_value(settings::json_schema()).unwrap();
    let kinds = &schema["properties"]["channels"]["items"]["properties"]["kind"]["enum"];
    assert_eq!(kinds, &json!(notify::Channel::KINDS));
    assert_eq!(NotifySettings::default().max_attempts, notify::MAX_ATTEMPTS);
}

#[tokio::test]
async fn the_configuration_keeps_its_channels() {
    let world = World::new().await;
    world.channel(json!({ "name": "g", "kind": "webhook", "config": { "url": "https://mine.example/" } })).await;
    world.channel(json!({ "name": "mine", "kind": "webhook", "config": { "url": "https://mine.example/" } })).await;
    assert_eq!(keep(&world, ALL).await, Kept { added: 7, changed: 1, removed: 0 });
    assert_eq!(keep(&world, ALL).await, Kept::default(), "the same changes nothing");
    let rows = list_channels(&world.store).await.unwrap();
    let origins: Vec<_> = rows.iter().map(|r| (r.draft.name.as_str(), r.origin)).collect();
    assert_eq!(origins.len(), 9);
    assert!(origins.iter().all(|(name, origin)| (*origin == Origin::Ui) == (*name == "mine")));
    assert_eq!(rows[6].draft.kind, "slack", "a channel of people under a configured name is the configuration's");
    let changed = ALL.replace("hunter2d", "other").replace("severity_floor: warning", "severity_floor: critical");
    assert_eq!(keep(&world, &changed).await, Kept { changed: 2, ..Kept::default() });
    assert_eq!(
        keep(&world, "channels: [{name: a, url: 'wecom://k'}]").await,
        Kept { added: 0, changed: 1, removed: 7 }
    );
    let rows = list_channels(&world.store).await.unwrap();
    assert_eq!(rows.iter().map(|r| r.draft.name.as_str()).collect::<Vec<_>>(), ["a", "mine"]);
    assert_eq!(keep(&world, "").await, Kept { removed: 1, ..Kept::default() });

    let draft: ChannelDraft = serde_json::from_value(
        json!({ "name": "bad", "kind": "gotify", "config": { "url": "x", "token": "hunter2" } }),
    )
    .unwrap();
    let mut tx = world.store.begin().await.unwrap();
    let Err(NotifyError::Config(error)) = notify::keep(&mut tx, &[draft], &RULES, START).await else { panic!() };
    assert!(error.0.starts_with("\"bad\": ") && !error.0.contains("hunter2"), "{error}");
}

#[derive(Default)]
struct Tally(Mutex<Vec<(&'static str, &'static str)>>);

impl Observer for Tally {
    fn tried(&self, kind: &'static str, outcome: Outcome, took: Duration) {
        assert!(took < Duration::from_secs(10));
        self.0.lock().unwrap().push((kind, outcome.as_str()));
    }
}

#[tokio::test]
async fn a_message_says_where_to_look_and_how_long_it_lasted_and_somebody_counts() {
    let world = World::new().await;
    let sink = Sink::start(|n, _| (if n == 0 { 503 } else { 200 }, "ok".into())).await;
    let template = r#"{"link":"{{link}}","body":"{{body}}","items":{{items}}}"#;
    let config = json!({ "url": sink.url("/hook"), "template": template });
    world.channel(json!({ "kind": "webhook", "config": config })).await;
    let tally = Arc::new(Tally::default());
    let options = DeliverOptions { allow_private: true, gather: Duration::ZERO, ..DeliverOptions::default() };
    let public = Url::parse("https://tw.example/sub/").unwrap();
    let deliverer = world.plain(options).linked(Some(public)).observed(tally.clone());
    let key = store::AlertKey { kind: model::WatchKind::Account, ref_id: 7, alert_type: "low_balance", window: "" };
    let wording = store::Wording {
        severity: model::Severity::Critical,
        title: "Balance".into(),
        message: "below".into(),
        value: None,
    };
    for condition in [model::Condition::Bad, model::Condition::Good, model::Condition::Good] {
        let mut tx = world.store.begin().await.unwrap();
        let policy = model::AlertPolicy::default();
        store::step_alert(&mut tx, &key, condition, &wording, &policy, world.clock.now()).await.unwrap();
        tx.commit().await.unwrap();
        deliverer.step().await.unwrap();
        world.wait(3_660);
        deliverer.step().await.unwrap();
    }
    let seen: Vec<Value> = sink.seen().into_iter().map(|r| r.body).collect();
    assert_eq!(seen.len(), 3);
    assert!(seen.iter().all(|body| body["link"] == "https://tw.example/sub/alerts/1"), "{seen:?}");
    assert_eq!(seen[1]["body"], "below");
    assert_eq!(seen[2]["body"], "below\nLasted 2 h 2 min");
    assert_eq!((&seen[2]["items"][0]["lasted"], &seen[1]["items"][0]["lasted"]), (&json!(7_320), &Value::Null));
    let counted = [("webhook", "failed"), ("webhook", "delivered"), ("webhook", "delivered")];
    assert_eq!(*tally.0.lock().unwrap(), counted);
}

#[tokio::test]
async fn tries_and_gathering_are_the_installations_to_say() {
    let world = World::new().await;
    let sink = Sink::start(|_, _| (500, "oops".into())).await;
    let draft = |name: &str| json!({ "name": name, "kind": "webhook", "config": { "url": sink.url("/hook") } });
    world.channel(draft("one")).await;
    let options = DeliverOptions {
        allow_private: true,
        gather: Duration::from_secs(5),
        max_attempts: 2,
        ..DeliverOptions::default()
    };
    let deliverer = world.plain(options);
    world.tell(0..1, "warning").await;
    deliverer.step().await.unwrap();
    world.wait(4);
    deliverer.step().await.unwrap();
    assert_eq!(sink.count(), 0);
    world.wait(1);
    deliverer.step().await.unwrap();
    world.wait(600);
    deliverer.step().await.unwrap();
    assert_eq!((sink.count(), world.states().await), (2, vec![("dead".to_owned(), 1)]));

    world.channel(draft("two")).await;
    world.tell(1..3, "warning").await;
    for _ in 0..3 {
        world.wait(600);
        deliverer.step().await.unwrap();
    }
    let counts = notify::channel_counts(&world.store).await.unwrap();
    assert_eq!((counts[&1].dead, counts[&2].dead, counts[&1].last_sent_at), (3, 2, None));
    let mut tx = world.store.begin().await.unwrap();
    let of = |channel| DeliveryFilter { channel_id: Some(channel), ..DeliveryFilter::default() };
    assert_eq!(notify::resend_all(&mut tx, &of(2), world.clock.now()).await.unwrap(), 2);
    let about = DeliveryFilter { alert_id: Some(0), ..DeliveryFilter::default() };
    assert_eq!(notify::resend_all(&mut tx, &about, world.clock.now()).await.unwrap(), 1);
    let sent = DeliveryFilter { state: Some(DeliveryState::Sent), ..DeliveryFilter::default() };
    assert_eq!(notify::resend_all(&mut tx, &sent, world.clock.now()).await.unwrap(), 0);
    tx.commit().await.unwrap();
    assert_eq!(world.states().await, [("dead".to_owned(), 2), ("waiting".to_owned(), 3)]);
}
