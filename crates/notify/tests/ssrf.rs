//! One table of ways inside, for the test of a channel and for a real send alike: neither gets there, for the same
//! reason.
#![allow(clippy::unwrap_used, reason = "a test file; the lint only knows test functions")]

mod sink;

use async_trait::async_trait;
use model::SteppedClock;
use notify::{
    ChannelDraft, DeliverOptions, Deliverer, DeliveryFilter, DeliveryState, Lookup, NotifyError, Sender, SenderOptions,
    Unsealed, Verdict, get_channel, list_deliveries,
};
use serde_json::{Value, json};
use sink::{Sink, World};
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Literal hosts, in every spelling. They are refused before anything is resolved.
const LITERALS: &[&str] = &[
    "127.0.0.1",
    "127.1",
    "0x7f.1",
    "0x7f000001",
    "0177.0.0.1",
    "017700000001",
    "2130706433",
    "localhost",
    "x.localhost",
    "0",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "3232235777",
    "0xc0a80101",
    "100.64.0.1",
    "169.254.169.254",
    "0xa9fea9fe",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::ffff:a9fe:a9fe]",
    "[64:ff9b::7f00:1]",
    "[fe80::1]",
    "[fd00::1]",
    "metadata.google.internal",
    "printer.local",
];

/// What a name may resolve to.
const ADDRESSES: &[&str] = &[
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "10.0.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "100.64.0.1",
    "100.127.255.255",
    "169.254.169.254",
    "192.0.0.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "fe80::1",
    "fd00::1",
    "ff02::1",
];

/// Answers what it is told to, one list after the other; the last for good.
#[derive(Default)]
struct Told(Mutex<Vec<Vec<IpAddr>>>);

impl Told {
    fn say(&self, lists: Vec<Vec<IpAddr>>) {
        *self.0.lock().unwrap() = lists;
    }
}

#[async_trait]
impl Lookup for Told {
    async fn lookup(&self, _: &str) -> std::io::Result<Vec<IpAddr>> {
        let mut lists = self.0.lock().unwrap();
        Ok(if lists.len() > 1 { lists.remove(0) } else { lists[0].clone() })
    }
}

struct Doors {
    world: World,
    deliverer: Deliverer,
    told: Arc<Told>,
    knocks: Arc<AtomicUsize>,
    port: u16,
    alerts: AtomicUsize,
}

/// What came of a try, in words that are the same for both.
#[derive(Debug, PartialEq)]
enum Came {
    Delivered,
    Refused(String),
    /// How a connection fails is the machine's to say, not the guard's.
    Retry,
    Unusable,
}

impl Doors {
    async fn new(allow_private: bool) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, knocks) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
        let counted = knocks.clone();
        tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                counted.fetch_add(1, Ordering::SeqCst);
            }
        });
        let (world, told) = (World::new().await, Arc::new(Told::default()));
        let clock: Arc<SteppedClock> = Arc::new(world.clock.clone());
        let options = SenderOptions {
            lookup: told.clone(),
            connect: Duration::from_millis(300),
            total: Duration::from_secs(3),
            ..SenderOptions::default()
        };
        let sender = Sender::new(options, clock.clone()).unwrap();
        let options = DeliverOptions { allow_private, gather: Duration::ZERO, ..DeliverOptions::default() };
        let deliverer = Deliverer::new(world.store.clone(), sender, Arc::new(Unsealed), clock, options);
        Self { world, deliverer, told, knocks, port, alerts: AtomicUsize::new(0) }
    }

    async fn test(&self, id: i64) -> Came {
        let row = get_channel(&self.world.store, id).await.unwrap().unwrap();
        match self.deliverer.test(&row).await {
            Ok(trial) => match trial.verdict {
                Verdict::Delivered => Came::Delivered,
                Verdict::Refused { why } => Came::Refused(why),
                Verdict::Retry { .. } => Came::Retry,
            },
            Err(NotifyError::Config(_)) => Came::Unusable,
            Err(error) => panic!("{error}"),
        }
    }

    async fn send(&self, id: i64) -> Came {
        let n = self.alerts.fetch_add(1, Ordering::SeqCst) as i64;
        self.world.tell(n..n + 1, "critical").await;
        self.deliverer.step().await.unwrap();
        let filter = DeliveryFilter { channel_id: Some(id), limit: 1, ..DeliveryFilter::default() };
        let row = list_deliveries(&self.world.store, &filter).await.unwrap().0.remove(0);
        let why = row.last_error.unwrap_or_default();
        match row.state {
            DeliveryState::Sent => Came::Delivered,
            DeliveryState::Dead => Came::Refused(why),
            _ if why.contains("configuration cannot be used") => Came::Unusable,
            _ => Came::Retry,
        }
    }

    /// Tries a channel both ways and removes it; `lists` is what its name resolves to, anew for each way.
    async fn both(&self, kind: &str, config: &Value, lists: &[&[&str]]) -> Came {
        let parse = |list: &&[&str]| list.iter().map(|a| a.parse().unwrap()).collect::<Vec<IpAddr>>();
        let say = || self.told.say(lists.iter().map(parse).collect());
        // The channel asks for the own network; whether it gets it is the deliverer's to say.
        let id = self.world.channel(json!({ "kind": kind, "config": config })).await;
        say();
        let tested = self.test(id).await;
        say();
        let sent = self.send(id).await;
        assert_eq!(tested, sent, "{kind} {config}");
        let mut tx = self.world.store.begin().await.unwrap();
        assert!(notify::remove_channel(&mut tx, id).await.unwrap());
        tx.commit().await.unwrap();
        sent
    }

    fn configs(&self, host: &str) -> Vec<(&'static str, Value)> {
        let url = format!("http://{host}:{}/x", self.port);
        let bare = host.trim_matches(['[', ']']);
        vec![
            ("webhook", json!({ "url": url })),
            ("gotify", json!({ "url": url, "token": "AbCdEf" })),
            (
                "email",
                json!({ "host": bare, "port": self.port, "tls": "none", "from": "a@b.example",
                              "to": ["c@d.example"] }),
            ),
        ]
    }
}

#[tokio::test]
async fn nothing_inside_is_reached_by_a_literal_address() {
    let doors = Doors::new(false).await;
    for host in LITERALS {
        for (kind, config) in doors.configs(host) {
            // What is refused for good inside is refused by those who open it, too.
            let text = config.to_string();
            if notify::Destination::parse(kind, &text, true).is_err() {
                assert!(notify::Destination::parse(kind, &text, false).is_err());
                continue;
            }
            let came = doors.both(kind, &config, &[&["8.8.8.8"]]).await;
            let refused = matches!(came, Came::Unusable | Came::Refused(_));
            assert!(refused, "{kind} {host}: {came:?}");
        }
    }
    assert_eq!(doors.knocks.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn nothing_inside_is_reached_by_a_name() {
    let doors = Doors::new(false).await;
    for address in ADDRESSES {
        for (kind, config) in doors.configs("inside.example") {
            let came = doors.both(kind, &config, &[&[*address]]).await;
            let Came::Refused(why) = &came else { panic!("{kind} {address}: {came:?}") };
            assert!(why.contains("not reachable from here"), "{why}");
        }
    }
    assert_eq!(doors.knocks.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_name_that_changes_its_address_gets_nowhere() {
    let doors = Doors::new(false).await;
    for (kind, config) in doors.configs("rebind.example") {
        // One look-up for one send: the public address of the first leads nowhere, and there is no second to be led
        // inside by.
        let came = doors.both(kind, &config, &[&["2001:500:88::dead"], &["127.0.0.1"]]).await;
        assert!(matches!(came, Came::Retry), "{kind}: {came:?}");
        let came = doors.both(kind, &config, &[&["127.0.0.1", "::1"]]).await;
        assert!(matches!(came, Came::Refused(_)), "{kind}: {came:?}");
    }
    assert_eq!(doors.knocks.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let doors = Doors::new(true).await;
    for status in [301, 302, 303, 307, 308] {
        let location = format!("Location: http://127.0.0.1:{}/\n\n", doors.port);
        let outside = Sink::start(move |_, _| (status, location.clone())).await;
        let came = doors.both("webhook", &json!({ "url": outside.url("/hook") }), &[&["127.0.0.1"]]).await;
        assert_eq!(came, Came::Refused(format!("HTTP {status}: redirects are not followed")));
        assert_eq!(outside.count(), 2, "once for each way");
    }
    assert_eq!(doors.knocks.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn the_own_network_is_open_where_both_say_so() {
    let sink = Sink::start(|_, _| (200, "ok".into())).await;
    let config = json!({ "url": sink.url("/hook") });
    assert_eq!(Doors::new(true).await.both("webhook", &config, &[&["127.0.0.1"]]).await, Came::Delivered);
    assert_eq!(sink.count(), 2);
    assert_eq!(Doors::new(false).await.both("webhook", &config, &[&["127.0.0.1"]]).await, Came::Unusable);
    let doors = Doors::new(true).await;
    let draft = json!({ "name": "x", "kind": "webhook", "config": config });
    let draft: ChannelDraft = serde_json::from_value(draft).unwrap();
    assert!(doors.deliverer.test_draft(&draft, None).await.is_err(), "the channel did not ask for it");
    assert_eq!(sink.count(), 2);
}
