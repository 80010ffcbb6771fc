use super::*;
use crate::MarketOptions;
use crate::fetch::client::Statuses;
use crate::fetch::stream::{SearchPages, StreamEnd};
use crate::fetch::wire::{Page, Row, RowKind, RowStatus, SkippedRow};
use async_trait::async_trait;
use engine::FetchError;
use proptest::prelude::*;
use std::sync::Arc;

struct Nothing;

#[async_trait]
impl SearchPages for Nothing {
    async fn page(&self, _: Statuses, _: &str, _: Option<&str>) -> Result<Page, FetchError> {
        Ok(Page::default())
    }
}

fn watch() -> MarketWatch {
    MarketWatch::new(Arc::new(Nothing), MarketOptions::default())
}

const AT: Timestamp = Timestamp(1_795_000_000_123);

fn sample_errand() -> Errand<Brief> {
    let known = HashMap::from([("m1".to_owned(), Known::OnSale), ("m2".to_owned(), Known::Sold)]);
    let brief = Brief { since: Some(AT.plus(-3_600_000)), known, ..Brief::first("初音ミク") };
    Errand {
        task_id: "3f2a:17".into(),
        ref_id: 17,
        brief,
        handed_at: AT,
        lease_until: Some(AT.plus(900_000)),
        failures: 2,
        origin: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
    }
}

fn sample_row(id: &str, status: RowStatus, kind: RowKind, price: Option<i64>) -> Row {
    Row {
        source_id: id.into(),
        title: "ねんどろいど \"雪\"".into(),
        price,
        status,
        created: Some(AT.plus(-60_000)),
        updated: (kind != RowKind::Shops).then(|| AT.plus(-30_000)),
        image_url: (status != RowStatus::Trading).then(|| "https://static.mercdn.net/thumb/x.jpg".into()),
        item_url: format!("https://jp.mercari.com/item/{id}"),
        kind,
    }
}

fn sample_report() -> Report<Crawl> {
    let stream = |rows, end, reached: Option<Timestamp>| crate::fetch::Stream {
        rows,
        pages: 3,
        end,
        num_found: Some(15_000),
        skipped: vec![SkippedRow { index: 4, id: None, reason: "no price".into() }],
        duplicates: 1,
        reached,
        doubt: reached.map(|reached| reached.plus(-5_000)),
    };
    let on_sale = vec![
        sample_row("m1", RowStatus::OnSale, RowKind::Personal, Some(0)),
        sample_row("2JVoP4vefPkskNLnvGbb9P", RowStatus::OnSale, RowKind::Shops, None),
    ];
    let sold = vec![
        sample_row("m1", RowStatus::Trading, RowKind::Personal, Some(1_200)),
        sample_row("m3", RowStatus::SoldOut, RowKind::Auction, Some(9_999_999)),
    ];
    let crawl = Crawl {
        on_sale: stream(on_sale, StreamEnd::Ground, Some(AT.plus(-90_000))),
        sold: stream(sold, StreamEnd::Limit, None),
    };
    Report {
        task_id: "3f2a:17".into(),
        ref_id: 17,
        outcome: Ok(crawl),
        handed_at: Some(AT),
        seen_at: AT.plus(1_500),
        origin: None,
    }
}

#[test]
fn what_is_written_is_read_back() {
    let (watch, errand, report) = (watch(), sample_errand(), sample_report());
    assert_eq!(watch.read_errand(&watch.write_errand(&errand)), Ok(errand.clone()));
    assert_eq!(watch.read_report(&watch.write_report(&report)), Ok(report.clone()));
    let first = Errand { brief: Brief::first("x"), lease_until: None, origin: None, ..errand };
    assert_eq!(watch.read_errand(&watch.write_errand(&first)), Ok(first));
    for error in [
        FetchError::Transient("HTTP 500".into()),
        FetchError::Limited { retry_after: Some(Duration::from_secs(7)), message: "429".into() },
        FetchError::Limited { retry_after: None, message: "429".into() },
        FetchError::Blocked("challenge".into()),
        FetchError::Rejected("401".into()),
        FetchError::Malformed("items".into()),
        FetchError::Postponed(Duration::from_millis(1_500)),
    ] {
        let report = Report { outcome: Err(error), ..report.clone() };
        assert_eq!(watch.read_report(&watch.write_report(&report)), Ok(report));
    }
}

/// The samples that `deploy/tests` holds against the protobuf library.
#[test]
fn the_samples_of_the_protocol_are_what_is_written() {
    let watch = watch();
    let shown = |text: &str| {
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        serde_json::to_string_pretty(&value).unwrap() + "\n"
    };
    let failed = Report { outcome: Err(FetchError::Postponed(Duration::from_secs(9))), ..sample_report() };
    for (name, written) in [
        ("request", watch.write_errand(&sample_errand())),
        ("response", watch.write_report(&sample_report())),
        ("response-failed", watch.write_report(&failed)),
    ] {
        let path = format!("{}/../../proto/samples/{name}.json", env!("CARGO_MANIFEST_DIR"));
        if std::env::var_os("WRITE_SAMPLES").is_some() {
            std::fs::write(&path, shown(&written)).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(shown(&written), kept, "{path}: WRITE_SAMPLES=1 writes it anew");
    }
}

#[test]
fn messages_of_the_crawler_replaced_are_understood() {
    let watch = watch();
    let errand = watch
        .read_errand(r#"{"ipId":"5","keyword":"ミク","taskId":"t:5","createdAt":"1795000000","pagesOnSale":3}"#)
        .unwrap();
    assert_eq!((errand.brief.pages_on_sale, errand.brief.pages_sold, errand.lease_until), (3, 5, None));
    assert_eq!((errand.brief.ground_run_on_sale, errand.brief.since), (20, None));
    let text = r#"{"ip_id":5,"task_id":"t:5","crawled_at":1795000000,"pages_crawled":5,"total_found":2,"items":[
        {"source_id":"m1","title":"a","price":300,"status":"ITEM_STATUS_ON_SALE"},
        {"sourceId":"m2","title":"b","price":"400","itemUrl":"https://jp.mercari.com/item/m2","status":2}]}"#;
    let report = watch.read_report(text).unwrap();
    let crawl = report.outcome.unwrap();
    assert_eq!((crawl.on_sale.rows.len(), crawl.sold.rows.len()), (1, 1));
    assert_eq!((crawl.on_sale.end, crawl.sold.end), (StreamEnd::Limit, StreamEnd::Limit), "a lower bound");
    assert_eq!((crawl.sold.rows[0].price, crawl.sold.rows[0].status), (Some(400), RowStatus::SoldOut));
    assert_eq!(report.seen_at, Timestamp::from_secs(1_795_000_000));
    let failed = watch.read_report(r#"{"taskId":"t:5","crawledAt":"1","errorMessage":"net::ERR"}"#).unwrap();
    assert_eq!(failed.outcome, Err(FetchError::Transient("net::ERR".into())));
}

#[test]
fn what_makes_no_sense_is_named() {
    let watch = watch();
    for (text, word) in
        [("", "JSON"), (r#"{"ipId":"5"}"#, "keyword"), (r#"{"keyword":"x","pagesSold":5000}"#, "pagesSold")]
    {
        assert!(watch.read_errand(text).is_err_and(|e| e.contains(word)), "{text}");
    }
    let with = |more: &str| format!(r#"{{"taskId":"t:5","seenAtMs":"9",{more}}}"#);
    for (text, word) in [
        (r#"{"seenAtMs":"9"}"#.to_owned(), "taskId"),
        (r#"{"taskId":"t:5"}"#.to_owned(), "seenAtMs"),
        (with(r#""items":[{"sourceId":"../x","status":1}]"#), "items[0]: sourceId"),
        (with(r#""items":[{"sourceId":"m1"}]"#), "status"),
        (with(r#""items":[{"sourceId":"m1","status":"SOLD"}]"#), "ItemStatus"),
        (with(r#""items":[{"sourceId":"m1","status":1,"price":"-5"}]"#), "price"),
        (with(r#""onSale":{"end":1}"#), "onSale, sold"),
        (with(r#""onSale":{"end":1,"rows":3},"sold":{"end":1}"#), "rows"),
        (with(r#""onSale":{},"sold":{"end":1}"#), "end"),
        (with(r#""errorClass":"tired""#), "errorClass"),
    ] {
        assert!(
            watch.read_report(&text).as_ref().is_err_and(|e| e.contains(word)),
            "{text}: {:?}",
            watch.read_report(&text)
        );
    }
}

proptest! {
    #[test]
    fn no_text_breaks_it(text in ".{0,200}") {
        let watch = watch();
        let _ = (watch.read_errand(&text), watch.read_report(&text));
    }

    #[test]
    fn no_damage_to_a_message_breaks_it(at in 0usize..900, byte in any::<u8>(), cut in 0usize..900) {
        let watch = watch();
        let mut text = watch.write_report(&sample_report()).into_bytes();
        let (at, cut) = (at % text.len(), cut.max(1));
        text[at] = byte;
        let _ = watch.read_report(&String::from_utf8_lossy(&text));
        text.truncate(cut);
        let _ = watch.read_report(&String::from_utf8_lossy(&text));
    }
}
