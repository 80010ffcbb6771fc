//! The way out, over real sockets: the guard, redirects, answers that are 200 and no success, mail.
#![allow(clippy::unwrap_used, reason = "a test file; the lint only knows test functions")]

mod sink;

use async_trait::async_trait;
use model::SystemClock;
use notify::{Destination, Language, Lookup, Sender, SenderOptions, Verdict};
use serde_json::{Value, json};
use sink::Sink;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

fn destination(kind: &str, config: Value, allow_private: bool) -> Destination {
    Destination::parse(kind, &config.to_string(), allow_private).unwrap()
}

fn sender(lookup: Arc<dyn Lookup>) -> Sender {
    let options = SenderOptions {
        lookup,
        connect: Duration::from_millis(500),
        total: Duration::from_secs(3),
        ..Default::default()
    };
    Sender::new(options, Arc::new(SystemClock)).unwrap()
}

/// Answers the first list once, then the second for good.
struct Rebinding {
    first: Vec<IpAddr>,
    then: Vec<IpAddr>,
    asked: AtomicUsize,
}

#[async_trait]
impl Lookup for Rebinding {
    async fn lookup(&self, _: &str) -> std::io::Result<Vec<IpAddr>> {
        let first = self.asked.fetch_add(1, Ordering::SeqCst) == 0;
        Ok(if first { self.first.clone() } else { self.then.clone() })
    }
}

fn at(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// A TCP port that counts who knocks.
async fn counting() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, knocks) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
    let counted = knocks.clone();
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    (port, knocks)
}

#[tokio::test]
async fn a_name_that_changes_its_address_gets_nowhere() {
    let (port, knocks) = counting().await;
    // The first address is public and leads nowhere on a machine without IPv6 or within the time-out.
    let lookup = Arc::new(Rebinding {
        first: vec![at("2001:500:88::dead")],
        then: vec![at("127.0.0.1"), at("::1")],
        asked: AtomicUsize::new(0),
    });
    let sender = sender(lookup.clone());
    let to = destination("webhook", json!({ "url": format!("http://rebind.example:{port}/x") }), false);
    assert!(matches!(sender.test(&to, Language::En).await.verdict, Verdict::Retry { .. }), "no connection");
    assert_eq!(lookup.asked.load(Ordering::SeqCst), 1, "one look-up for one send: nothing in between to change");
    for _ in 0..3 {
        let verdict = sender.test(&to, Language::En).await.verdict;
        let Verdict::Refused { why } = verdict else { panic!("{verdict:?}") };
        assert!(why.contains("loopback"), "{why}");
    }
    // Mail goes through the same resolver.
    let mail =
        json!({ "host": "rebind.example", "port": port, "tls": "none", "from": "a@b.example", "to": ["c@d.example"] });
    let verdict = sender.test(&destination("email", mail, false), Language::En).await.verdict;
    assert!(matches!(&verdict, Verdict::Refused { why } if why.contains("loopback")), "{verdict:?}");
    assert_eq!(knocks.load(Ordering::SeqCst), 0, "nobody knocked inside");
}

#[tokio::test]
async fn literal_addresses_are_refused_before_anything_is_sent() {
    let (port, knocks) = counting().await;
    for host in ["127.0.0.1", "0x7f.1", "2130706433", "[::1]", "[::ffff:127.0.0.1]", "localhost", "0"] {
        let url = format!("http://{host}:{port}/");
        assert!(Destination::parse("webhook", &json!({ "url": url }).to_string(), false).is_err(), "{host}");
    }
    for host in ["127.0.0.1", "::1", "[::1]", "localhost", "0x7f.1", "::ffff:127.0.0.1"] {
        let mail = json!({ "host": host, "port": port, "tls": "none", "from": "a@b.example", "to": ["c@d.example"] });
        let verdict =
            sender(Arc::new(notify::SystemLookup)).test(&destination("email", mail, false), Language::En).await.verdict;
        assert!(matches!(verdict, Verdict::Refused { .. }), "{host}: {verdict:?}");
    }
    assert_eq!(knocks.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let inside = Sink::start(|_, _| (200, "secret".into())).await;
    for status in [301, 302, 303, 307, 308] {
        let location = format!("Location: {}\n\n", inside.url("/latest/meta-data/"));
        let outside = Sink::start(move |_, _| (status, location.clone())).await;
        let to = destination("webhook", json!({ "url": outside.url("/hook") }), true);
        let verdict = sender(Arc::new(notify::SystemLookup)).test(&to, Language::En).await.verdict;
        assert!(matches!(&verdict, Verdict::Refused { why } if why.contains("redirect")), "{verdict:?}");
        assert_eq!(outside.count(), 1);
    }
    assert_eq!(inside.count(), 0);
}

#[tokio::test]
async fn two_hundred_is_not_delivered() {
    let answers = [
        ("feishu", r#"{"code":19024,"msg":"Key Words Not Found"}"#, false),
        ("feishu", r#"{"code":0,"msg":"success"}"#, true),
        ("dingtalk", r#"{"errcode":310000,"errmsg":"sign not match"}"#, false),
        ("dingtalk", r#"{"errcode":0,"errmsg":"ok"}"#, true),
        ("wecom", r#"{"errcode":93000,"errmsg":"invalid webhook url"}"#, false),
        ("wecom", r#"{"errcode":0}"#, true),
        ("slack", "invalid_token", false),
        ("slack", "ok", true),
        ("gotify", "<html>log in</html>", false),
    ];
    for (kind, body, delivered) in answers {
        let sink = Sink::start(move |_, _| (200, body.to_owned())).await;
        let mut config = json!({ "url": sink.url("/") });
        if kind == "gotify" {
            config["token"] = json!("A");
        }
        let verdict =
            sender(Arc::new(notify::SystemLookup)).test(&destination(kind, config, true), Language::Zh).await.verdict;
        assert_eq!(verdict == Verdict::Delivered, delivered, "{kind} {body}: {verdict:?}");
        assert_eq!(sink.count(), 1);
    }
}

#[tokio::test]
async fn what_is_kept_of_an_answer_has_no_secret_in_it_and_no_end() {
    let sink = Sink::start(|_, r| {
        let key = r.headers.get("x-gotify-key").and_then(|v| v.to_str().ok()).unwrap_or_default();
        (400, format!("bad key {key} at {}{}", r.path, "x".repeat(3_000_000)))
    })
    .await;
    let to = destination("gotify", json!({ "url": sink.url("/sub-path-9/"), "token": "AbCdEf123" }), true);
    let verdict = sender(Arc::new(notify::SystemLookup)).test(&to, Language::En).await.verdict;
    let Verdict::Refused { why } = verdict else { panic!("{verdict:?}") };
    assert!(why.contains("bad key ***") && !why.contains("AbCdEf123") && why.len() < 600, "{why}");
    assert!(!format!("{to:?}").contains("AbCdEf123"));
}

/// An SMTP server that answers DATA's end with `last` and keeps what it was told.
async fn smtp(last: &'static str) -> (u16, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, mail) = (listener.local_addr().unwrap().port(), Arc::new(Mutex::new(String::new())));
    let kept = mail.clone();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let (read, mut write) = socket.split();
            let mut lines = BufReader::new(read).lines();
            write.write_all(b"220 stub\r\n").await.unwrap();
            let mut data = false;
            while let Ok(Some(line)) = lines.next_line().await {
                kept.lock().unwrap().push_str(&format!("{line}\n"));
                let reply = match line.split(' ').next().unwrap_or_default() {
                    "." if data => {
                        data = false;
                        last
                    }
                    _ if data => continue,
                    "EHLO" => "250-stub\r\n250 8BITMIME",
                    "DATA" => {
                        data = true;
                        "354 go on"
                    }
                    "QUIT" => "221 bye",
                    _ => "250 ok",
                };
                write.write_all(format!("{reply}\r\n").as_bytes()).await.unwrap();
            }
        }
    });
    (port, mail)
}

#[tokio::test]
async fn mail_is_handed_over_and_its_reply_is_judged() {
    for (last, wanted) in [("250 queued", "delivered"), ("451 later", "retry"), ("554 spam", "refused")] {
        let (port, mail) = smtp(last).await;
        let config = json!({
            "host": "127.0.0.1", "port": port, "tls": "none",
            "from": "Tidewatch <tw@example.com>", "to": ["ops@example.com", "日本 <jp@example.com>"],
        });
        let verdict = sender(Arc::new(notify::SystemLookup))
            .test(&destination("email", config, true), Language::Ja)
            .await
            .verdict;
        let got = match &verdict {
            Verdict::Delivered => "delivered",
            Verdict::Retry { .. } => "retry",
            Verdict::Refused { .. } => "refused",
        };
        assert_eq!(got, wanted, "{verdict:?}");
        let mail = mail.lock().unwrap().clone();
        for part in [
            "MAIL FROM:<tw@example.com>",
            "RCPT TO:<jp@example.com>",
            "Message-ID: <test.",
            "Auto-Submitted: auto-generated",
        ] {
            assert!(mail.contains(part), "{part} in {mail}");
        }
    }
    // STARTTLS is asked for and the stub has none: the mail must not go out in the clear.
    let (port, mail) = smtp("250 queued").await;
    let config = json!({ "host": "127.0.0.1", "port": port, "from": "a@b.example", "to": ["c@d.example"] });
    let verdict =
        sender(Arc::new(notify::SystemLookup)).test(&destination("email", config, true), Language::En).await.verdict;
    assert!(matches!(verdict, Verdict::Retry { .. }), "{verdict:?}");
    assert!(!mail.lock().unwrap().contains("MAIL FROM"));
}
