use super::*;
use proptest::prelude::*;

fn mail(from: &str, subject: &str, text: &str) -> Mail {
    let (sender_name, sender) = from.split_once('<').map_or(("", from), |(n, a)| (n.trim(), a.trim_end_matches('>')));
    Mail {
        sender: sender.to_owned(),
        sender_name: sender_name.to_owned(),
        subject: subject.to_owned(),
        text: text.to_owned(),
        ..Mail::default()
    }
}

fn amount(subject: &str, text: &str) -> Option<String> {
    let found = judge(&mail("a@b.com", subject, text), &Words::default())?.amount?;
    Some(format!("{} {}", found.value, found.currency))
}

#[test]
fn amounts_are_read_as_people_write_them() {
    for (text, expected) in [
        ("您已欠费 ¥123.45 元", "123.45 CNY"),
        ("欠费金额：￥１，２３４．５０", "1234.50 CNY"),
        ("余额不足，当前余额 -11.19 元", "-11.19 CNY"),
        ("余额不足，当前余额 -¥11.19", "-11.19 CNY"),
        ("余额不足 ¥-0.5", "-0.5 CNY"),
        ("续费 1.5万元", "15000.0 CNY"),
        ("残高不足のため 12,000円 をお支払いください", "12000 JPY"),
        ("お支払い金額は ¥3,980 です", "3980 JPY"),
        ("payment failed: $1,234.56 due", "1234.56 USD"),
        ("Invoice overdue: EUR 1.234,56", "1234.56 EUR"),
        ("Invoice overdue: 99,90 €", "99.90 EUR"),
        ("low balance: US$5 left", "5 USD"),
        ("low balance: 7 USD left", "7 USD"),
        ("overdue NT$1,200", "1200 TWD"),
        ("overdue £10.00 since 2026", "10.00 GBP"),
        ("order 20261121 of 3 pieces is overdue, please pay 88元 within 7 days", "88 CNY"),
        ("total $500.00 last year ........................ payment failed for $20.00", "20.00 USD"),
    ] {
        assert_eq!(amount("", text).as_deref(), Some(expected), "{text}");
    }
    for text in [
        "overdue since 2026-11-21",
        "overdue: 3 days",
        "欠费 version 1.2.3",
        "overdue, see pro-12",
        "overdue 5 eurostar",
    ] {
        assert_eq!(amount("", text), None, "{text}");
    }
    assert_eq!(amount("欠费 ¥5", "欠费 ¥7").as_deref(), Some("5 CNY"));
    assert_eq!(amount("欠费提醒", "欠费 ¥7").as_deref(), Some("7 CNY"));
}

#[test]
fn words_are_found_however_they_are_written() {
    let found = |text: &str| judge(&mail("a@b.com", "", text), &Words::default()).map(|f| f.words);
    assert_eq!(found("Your payment\r\n  FAILED today"), Some(vec!["payment failed".to_owned()]));
    assert_eq!(found("ｌｏｗ　ｂａｌａｎｃｅ"), Some(vec!["low balance".to_owned()]));
    assert_eq!(found("您的账户余额\r\n不足，请续\u{200b}费"), Some(vec!["余额不足".to_owned(), "续费".to_owned()]));
    assert_eq!(found("口座の残高\n不足"), Some(vec!["残高不足".to_owned()]));
    for text in ["", "nothing here", "overdues", "xoverdue", "low-balance", "余额充足"] {
        assert_eq!(found(text), None, "{text}");
    }
    let own = Words::new(["Rechnung", " ", "rechnung", "請求書"]);
    let found = judge(&mail("a@b.com", "Ihre RECHNUNG", "overdue"), &own).unwrap();
    assert_eq!(found.words, ["Rechnung"]);
    assert_eq!(Words::new([" "]), Words::default());
}

#[test]
fn the_service_is_who_people_know() {
    for (from, subject, expected) in [
        ("阿里云 <system@notice.aliyun.com>", "欠费", "阿里云"),
        ("no-reply <no-reply@x.example.com>", "【腾讯云】欠费", "腾讯云"),
        ("Notifications <a@github.com>", "[GitHub] payment failed", "GitHub"),
        ("billing <billing@mail.openai.com>", "[Action required] overdue", "openai.com"),
        ("info@sakura.ad.jp", "お支払い", "sakura.ad.jp"),
        ("noreply@mail.rakuten.co.jp", "【重要】お支払い", "rakuten.co.jp"),
        ("x@y.com <x@y.com>", "overdue", "y.com"),
        ("nobody", "overdue", "nobody"),
    ] {
        let found = judge(&mail(from, subject, ""), &Words::default()).unwrap();
        assert_eq!(found.service, expected, "{from} {subject}");
    }
}

const GB18030: &[u8] = b"From: =?gb18030?B?sKLA79TG?= <system@notice.aliyun.com>\r\n\
    Subject: =?gb18030?B?x7e30czh0NE=?=\r\nMessage-ID: <g1@x>\r\nContent-Type: text/plain; charset=gb18030\r\n\
    Content-Transfer-Encoding: 8bit\r\n\r\n\xc4\xfa\xd2\xd1\xc7\xb7\xb7\xd1 \xa3\xa4123.45 \xd4\xaa\r\n";
const ISO_2022_JP: &[u8] = b"From: shop@example.jp\r\nSubject: =?ISO-2022-JP?B?GyRCO0Q5YklUQi0bKEI=?=\r\n\
    Message-ID: <j1@x>\r\nContent-Type: text/plain; charset=ISO-2022-JP\r\nContent-Transfer-Encoding: 7bit\r\n\r\n\
    \x1b$B;D9bITB-\x1b(B 1,200\x1b$B1_\x1b(B\r\n";
const MULTIPART: &[u8] = b"From: \"Cloud, Inc.\" <billing@cloud.example>\r\nSubject: =?utf-8?Q?Your_invoice?=\r\n\
    Content-Type: multipart/mixed; boundary=\"m\"\r\nMIME-Version: 1.0\r\n\r\n--m\r\n\
    Content-Type: multipart/alternative; boundary=\"a\"\r\n\r\n--a\r\nContent-Type: text/plain\r\n\r\nPlease see the HTML.\r\n\
    --a\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
    <html><head><title>low balance</title><style type=3D\"text/css\">.x:after{content:'out of credits'}</style></head>\
    <body title=3D\"a>b\">Your <b>pay</b>ment <i>failed</i>:&nbsp;<td>&euro;&#49;2.50</td><!-- overdue --></body></html>\r\n\
    --a--\r\n--m\r\nContent-Type: text/plain; name=terms.txt\r\nContent-Disposition: attachment; filename=terms.txt\r\n\r\n\
    overdue past due $999\r\n--m--\r\n";

#[test]
fn charsets_encodings_and_parts_are_read_and_attachments_are_not() {
    let words = Words::default();
    let read = |raw: &[u8]| {
        let mail = Mail::read(raw).unwrap();
        let found = judge(&mail, &words);
        (mail, found)
    };
    let (mail, found) = read(GB18030);
    assert_eq!((mail.subject.as_str(), mail.sender_name.as_str()), ("欠费提醒", "阿里云"));
    let found = found.unwrap();
    assert_eq!((found.service.as_str(), found.words), ("阿里云", vec!["欠费".to_owned()]));
    assert_eq!(found.amount.unwrap().value.to_string(), "123.45");
    let (mail, found) = read(ISO_2022_JP);
    assert_eq!((mail.subject.as_str(), mail.message_id.as_str()), ("残高不足", "j1@x"));
    assert_eq!(found.unwrap().amount.unwrap().currency, "JPY");
    let (mail, found) = read(MULTIPART);
    let found = found.unwrap();
    assert_eq!(found.words, ["payment failed"], "{}", mail.text);
    assert_eq!(found.service, "Cloud, Inc.");
    assert_eq!(found.amount.unwrap(), Amount { value: "12.50".parse().unwrap(), currency: "EUR" });
}

#[test]
fn a_message_is_the_same_by_its_id_or_by_all_it_says() {
    let mail = |raw: &str| Mail::read(raw.as_bytes()).unwrap();
    let a = mail("From: a@b\r\nMessage-ID: <1@x>\r\nSubject: one\r\n\r\n1");
    let b = mail("From: c@d\r\nMessage-ID: <1@x>\r\nSubject: two\r\n\r\n2");
    assert_eq!(a.hash(), b.hash());
    let (c, d) = (mail("From: a@b\r\nSubject: one\r\n\r\n1"), mail("From: a@b\r\nSubject: one\r\n\r\n2"));
    assert_ne!(c.hash(), d.hash());
    assert_eq!(c.hash().len(), 64);
}

proptest! {
    #[test]
    fn nothing_that_comes_in_panics(raw in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        if let Some(mail) = Mail::read(&raw) {
            let _ = (mail.hash(), judge(&mail, &Words::default()));
        }
    }

    #[test]
    fn no_text_panics(subject in any::<String>(), text in "(?s)[<>&;#a-z0-9,.¥$円元欠费残高 \\-\"']{0,400}") {
        let _ = judge(&mail("x <y@z>", &subject, &text), &Words::default());
        let _ = html::text_of(&text);
    }

    #[test]
    fn a_cut_message_is_still_read(cut in 0..MULTIPART.len()) {
        if let Some(mail) = Mail::read(&MULTIPART[..cut]) {
            prop_assert!(mail.subject.is_empty() || "Your invoice".starts_with(&mail.subject) || mail.subject.contains('='));
        }
    }

    #[test]
    fn an_amount_comes_back_as_it_was_written(whole in 0_u32..10_000_000, cents in 0_u32..100) {
        let expected = format!("{whole}.{cents:02} USD");
        let digits = whole.to_string();
        let grouped: Vec<&str> = digits.as_bytes().rchunks(3).rev().map(|c| std::str::from_utf8(c).unwrap()).collect();
        prop_assert_eq!(amount("", &format!("overdue ${}.{cents:02} now", grouped.join(","))), Some(expected.clone()));
        let german = format!("overdue {},{cents:02} usd now", grouped.join("."));
        prop_assert_eq!(amount("", &german), Some(expected));
    }
}
