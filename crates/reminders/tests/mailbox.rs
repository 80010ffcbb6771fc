//! The watch of mailboxes against a real IMAP server.
#![allow(clippy::unwrap_used, reason = "a test file; the lint only knows test functions")]

mod world;

use engine::{Checked, FetchError};
use model::{Clock as _, SystemClock, Timestamp, WatchKind};
use reminders::MailboxOptions;
use reminders::store::{HitRow, Mailbox, MailboxDraft, Tls, get_mailbox, list_hits, summary, update_mailbox};
use servers::Dovecot;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use world::{World, mailbox};

fn plain(n: usize, subject: &str, text: &str) -> Vec<u8> {
    format!(
        "From: Shop {n} <shop{n}@example.com>\r\nTo: me@example.org\r\nSubject: {subject}\r\n\
         Message-ID: <{n}@example.com>\r\nDate: Sat, 21 Nov 2026 12:00:00 +0900\r\n\
         Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{text}\r\n"
    )
    .into_bytes()
}

/// Mails as they come: charset, encoding and structure differ; the last two are no bills.
fn samples() -> Vec<(&'static str, Vec<u8>)> {
    let head = "From: x@y.example\r\nMIME-Version: 1.0\r\n";
    vec![
        ("utf-8", plain(1, "=?utf-8?B?5qyg6LS55o+Q6YaS?=", "您的账户余额不足 ¥12.00")),
        ("gb18030", [
            b"From: =?gb18030?B?sKLA79TG?= <system@notice.aliyun.com>\r\nSubject: =?gb18030?B?x7e30czh0NE=?=\r\n\
              Message-ID: <gb@x>\r\nContent-Type: text/plain; charset=gb18030\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
                .as_slice(),
            b"\xc4\xfa\xd2\xd1\xc7\xb7\xb7\xd1 \xa3\xa4123.45 \xd4\xaa\r\n",
        ]
        .concat()),
        ("iso-2022-jp", b"From: shop@example.jp\r\nSubject: =?ISO-2022-JP?B?GyRCO0Q5YklUQi0bKEI=?=\r\n\
            Message-ID: <jp@x>\r\nContent-Type: text/plain; charset=ISO-2022-JP\r\n\r\n\
            \x1b$B;D9bITB-\x1b(B 1,200\x1b$B1_\x1b(B\r\n".to_vec()),
        ("quoted-printable html", format!("{head}Subject: invoice\r\nMessage-ID: <qp@x>\r\n\
            Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
            <p>Your pay=\r\nment <b>fail</b>ed: &#36;9.99</p>\r\n").into_bytes()),
        ("base64 multipart", format!("{head}Subject: account\r\nMessage-ID: <b64@x>\r\n\
            Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\
            Content-Transfer-Encoding: base64\r\n\r\nWW91ciBpbnZvaWNlIGlzIG92ZXJkdWU6IFVTRCAyMC4wMA==\r\n\
            --b\r\nContent-Type: text/html\r\n\r\n<b>invoice</b>\r\n--b--\r\n").into_bytes()),
        ("attachment only", format!("{head}Subject: report\r\nMessage-ID: <att@x>\r\n\
            Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nsee file\r\n\
            --b\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename=a.txt\r\n\r\noverdue $1\r\n--b--\r\n"
        ).into_bytes()),
        ("newsletter", plain(7, "News", "Nothing to pay, overdues are a word of their own.")),
    ]
}

async fn world(dovecot: &Dovecot) -> World {
    let options = MailboxOptions { ca_file: Some(dovecot.authority()), ..MailboxOptions::default() };
    let world = World::on("sqlite::memory:", options).await;
    // Files carry the machine's time.
    world.clock.set(SystemClock.now());
    world
}

fn of(dovecot: &Dovecot, user: &str) -> MailboxDraft {
    mailbox(user, dovecot.port(), Dovecot::PASSWORD)
}

async fn hits(world: &World, id: i64) -> HashMap<String, HitRow> {
    let (rows, total) = list_hits(&world.store, id, (0, 10_000)).await.unwrap();
    assert_eq!(rows.len() as u64, total);
    rows.into_iter().map(|r| (r.hit.message_id.clone(), r)).collect()
}

async fn row(world: &World, id: i64) -> Mailbox {
    get_mailbox(&world.store, id).await.unwrap().unwrap()
}

/// Scans now, whatever the schedule says.
async fn scan(world: &World, id: i64) -> Checked {
    let mut tx = world.store.begin().await.unwrap();
    store::trigger(&mut tx, WatchKind::Mailbox, id, world.now()).await.unwrap();
    tx.commit().await.unwrap();
    let mut checked = world.look().await;
    assert_eq!(checked.len(), 1);
    checked.remove(0)
}

#[track_caller]
fn good(checked: &Checked) {
    assert!(matches!(checked, Checked::Recorded(_)), "{checked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn mails_of_every_kind_are_read_over_tls_starttls_and_without() {
    let Some(dovecot) = Dovecot::start() else { return };
    for (name, message) in samples() {
        dovecot.deliver("kinds", &name.replace([' ', '-'], "_"), &message);
    }
    for (tls, port, host) in [
        (Tls::None, dovecot.port(), "127.0.0.1"),
        (Tls::Starttls, dovecot.port(), "localhost"),
        (Tls::Tls, dovecot.tls_port(), "localhost"),
    ] {
        let world = world(&dovecot).await;
        let id = world.mailbox(&MailboxDraft { tls, port, host: host.to_owned(), ..of(&dovecot, "kinds") }).await;
        good(&world.look().await[0]);
        let found = hits(&world, id).await;
        let line = |id: &str| {
            let hit = &found[id].hit;
            let amount = hit.amount.map(|a| a.to_string()).unwrap_or_default();
            format!("{}|{}|{amount} {}", hit.service, hit.words.join(","), hit.currency.as_deref().unwrap_or_default())
        };
        assert_eq!(found.len(), 5, "{found:?}");
        assert_eq!(line("1@example.com"), "Shop 1|欠费,余额不足|12.00 CNY");
        assert_eq!(line("gb@x"), "阿里云|欠费|123.45 CNY");
        assert_eq!(line("jp@x"), "shop@example.jp".replace("shop@", "") + "|残高不足|1200 JPY");
        assert_eq!(line("qp@x"), "y.example|payment failed|9.99 USD");
        assert_eq!(line("b64@x"), "y.example|overdue|20.00 USD");
        assert!(found.values().all(|h| h.alerted));
        assert_eq!(world.told().await.len(), 5);
        let figures = &summary(&world.store, world.now()).await.unwrap().mailboxes[0];
        assert_eq!((figures.scans, figures.scanned, figures.hits, figures.readable), (1, 7, 5, Some(true)));
        println!("{tls:?}: 7 mails read, 5 hits, in {:?}", figures.took.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn five_thousand_mails_are_read_once_and_stay_unread() {
    let Some(dovecot) = Dovecot::start() else { return };
    let draft = of(&dovecot, "many");
    for n in 0..5_000 {
        let subject = if n % 10 == 0 { "payment failed" } else { "hello" };
        dovecot.deliver("many", &format!("{n:05}.M1P1.test"), &plain(n, subject, "text"));
    }
    let world = world(&dovecot).await;
    let id = world.mailbox(&draft).await;
    let begun = Instant::now();
    good(&world.look().await[0]);
    let first = row(&world, id).await;
    println!("first scan: {} of 5000 mails, {} hits, in {:?}", first.scan.scanned, first.scan.hits, begun.elapsed());
    assert_eq!((first.scan.scanned, first.scan.hits), (1_000, 100));
    assert_eq!(world.told().await.len(), 100);

    // Nothing new: nothing is read.
    let begun = Instant::now();
    good(&scan(&world, id).await);
    println!("a scan with nothing new: {:?}", begun.elapsed());
    assert_eq!(row(&world, id).await.scan.scanned, 1_000);

    // 2,500 new ones: three scans, ten seconds apart, without an order from anybody.
    for n in 5_000..7_500 {
        dovecot.deliver(
            "many",
            &format!("{n:05}.M2P1.test"),
            &plain(n, if n % 10 == 0 { "overdue" } else { "x" }, "y"),
        );
    }
    good(&scan(&world, id).await);
    for _ in 0..2 {
        world.clock.advance(Duration::from_secs(10));
        good(&world.look().await[0]);
    }
    world.clock.advance(Duration::from_secs(10));
    assert!(world.look().await.is_empty());
    let after = row(&world, id).await;
    assert_eq!((after.scan.scanned, after.scan.hits), (3_500, 350));
    assert_eq!(world.told().await.len(), 350);

    // The server numbers anew: the newest are read again, and nothing is told again.
    let begun = Instant::now();
    let renumbered = renumber(&dovecot, &world, id, &after).await;
    println!("scan after a new UIDVALIDITY: {:?}", begun.elapsed());
    assert_eq!(renumbered.scan.scanned, 4_500);
    assert_eq!((renumbered.scan.hits, world.told().await.len()), (350, 350));
    assert_eq!(hits(&world, id).await.len(), 350);
    assert_unread(&dovecot, "many", 7_500);
}

/// Takes the server's numbering away until it has made another.
async fn renumber(dovecot: &Dovecot, world: &World, id: i64, before: &Mailbox) -> Mailbox {
    for _ in 0..50 {
        for entry in std::fs::read_dir(dovecot.maildir("many")).unwrap() {
            let path = entry.unwrap().path();
            if path.file_name().unwrap().to_string_lossy().starts_with("dovecot") {
                std::fs::remove_file(path).unwrap();
            }
        }
        good(&scan(world, id).await);
        let after = row(world, id).await;
        if after.mark.unwrap().uidvalidity != before.mark.unwrap().uidvalidity {
            return after;
        }
    }
    panic!("the server keeps its UIDVALIDITY");
}

/// No file has the flag of a message that was seen.
fn assert_unread(dovecot: &Dovecot, user: &str, expected: usize) {
    let maildir = dovecot.maildir(user);
    let names: Vec<String> = ["new", "cur"]
        .iter()
        .flat_map(|part| std::fs::read_dir(maildir.join(part)).unwrap())
        .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(names.len(), expected);
    let seen = names.iter().filter(|n| n.split(",").nth(1).is_some_and(|flags| flags.contains('S'))).count();
    assert_eq!(seen, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_that_cannot_be_read_is_told_of() {
    let Some(dovecot) = Dovecot::start() else { return };
    let world = world(&dovecot).await;
    dovecot.maildir("locked");
    // A wrong password is told of at once, and nothing of it is in the message.
    let draft = mailbox("locked", dovecot.port(), "wrong-password-1");
    let id = world.mailbox(&draft).await;
    let checked = world.look().await.remove(0);
    assert!(matches!(checked, Checked::Failed(FetchError::Rejected(_))), "{checked:?}");
    let told = world.told().await;
    assert_eq!((told.len(), told[0].title.as_str()), (1, "Mailbox locked cannot be read"));
    assert!(!told[0].message.contains("wrong-password-1"), "{}", told[0].message);
    assert!(told[0].message.starts_with("refused by the upstream: login: [AUTHENTICATIONFAILED]"), "{told:?}");
    // The right one: over after two good scans.
    let mut tx = world.store.begin().await.unwrap();
    assert!(update_mailbox(&mut tx, id, &of(&dovecot, "locked"), world.now()).await.unwrap());
    tx.commit().await.unwrap();
    good(&world.look().await[0]);
    assert_eq!(world.told().await.len(), 1);
    good(&scan(&world, id).await);
    assert_eq!(world.told().await[1].title, "Mailbox locked can be read again");
    // No server: told after three failures, with growing pauses.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = listener.local_addr().unwrap().port();
    drop(listener);
    let gone = world.mailbox(&MailboxDraft { port: nobody, ..mailbox("gone", nobody, "x") }).await;
    let mut dues = Vec::new();
    for failures in 1..=3 {
        assert!(matches!(scan(&world, gone).await, Checked::Failed(FetchError::Transient(_))));
        dues.push(store::get_target(&world.store, WatchKind::Mailbox, gone).await.unwrap().unwrap().next_due);
        assert_eq!(world.told().await.len(), if failures < 3 { 2 } else { 3 });
    }
    assert!(dues.windows(2).all(|d| d[0] < d[1]), "{dues:?}");
    assert_eq!(row(&world, gone).await.scan.failed, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guard_the_authorities_and_the_folder_are_minded() {
    let Some(dovecot) = Dovecot::start() else { return };
    dovecot.maildir("minded");
    let world = world(&dovecot).await;
    let draft = of(&dovecot, "minded");
    let tls = MailboxDraft { tls: Tls::Tls, port: dovecot.tls_port(), host: "localhost".to_owned(), ..draft.clone() };
    for (name, draft, expected) in [
        ("private", MailboxDraft { allow_private: false, ..draft.clone() }, "rejected"),
        ("local name", MailboxDraft { allow_private: false, ..tls.clone() }, "rejected"),
        ("folder", MailboxDraft { folder: "No such".to_owned(), ..draft.clone() }, "rejected"),
        ("line break", MailboxDraft { username: "a\r\nB NOOP".to_owned(), ..draft.clone() }, "rejected"),
        ("other name", MailboxDraft { host: "127.0.0.1".to_owned(), ..tls.clone() }, "transient"),
    ] {
        let id = world.mailbox(&MailboxDraft { name: name.to_owned(), ..draft }).await;
        match &world.look().await[0] {
            Checked::Failed(e) => assert_eq!(e.class(), expected, "{name}: {e}"),
            other => panic!("{name}: {other:?}"),
        }
        println!("{name}: {}", row(&world, id).await.scan.error.unwrap());
    }
    // Without the authority's certificate the server is not believed.
    let strangers = World::on("sqlite::memory:", MailboxOptions::default()).await;
    strangers.mailbox(&tls).await;
    assert!(matches!(&strangers.look().await[0], Checked::Failed(FetchError::Transient(e)) if e.contains("TLS")));
}

#[tokio::test(flavor = "multi_thread")]
async fn long_messages_are_cut_and_old_ones_are_history() {
    let Some(dovecot) = Dovecot::start() else { return };
    let world = world(&dovecot).await;
    let long = plain(1, "overdue", &"x".repeat(3_000_000));
    dovecot.deliver("odd", "1.long", &long);
    dovecot.deliver("odd", "2.hidden", &plain(2, "x", &format!("{} overdue", "y ".repeat(200_000))));
    dovecot.deliver("odd", "3.again", &plain(1, "overdue", "the same message twice in a folder"));
    dovecot.deliver("odd", "4.old", &plain(4, "overdue", "from long ago"));
    let old = std::time::UNIX_EPOCH + Duration::from_millis((world.now().0 - 30 * 86_400_000).unsigned_abs());
    let file = dovecot.maildir("odd").join("new/4.old");
    std::fs::File::options().append(true).open(file).unwrap().set_modified(old).unwrap();
    let id = world.mailbox(&of(&dovecot, "odd")).await;
    good(&world.look().await[0]);
    let found = hits(&world, id).await;
    assert_eq!(row(&world, id).await.scan.scanned, 4);
    assert_eq!((found.len(), found["1@example.com"].alerted, found["4@example.com"].alerted), (2, true, false));
    assert_eq!(world.told().await.len(), 1);
    let received: Timestamp = found["4@example.com"].hit.received_at.unwrap();
    assert!(world.now().since(received) > Duration::from_secs(29 * 86_400));
}
