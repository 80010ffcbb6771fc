use super::*;
use crate::fetch::wire::RowStatus;
use std::sync::Mutex;

pub(in crate::fetch) const SINCE: i64 = 1_795_000_000;

/// A market of fixed pages; the token of page n is `v1:n`.
#[derive(Default)]
struct Pages {
    on_sale: Vec<Page>,
    sold: Vec<Page>,
    asked: Mutex<Vec<(Statuses, usize)>>,
}

#[async_trait]
impl SearchPages for Pages {
    async fn page(&self, statuses: Statuses, _: &str, token: Option<&str>) -> Result<Page, FetchError> {
        let n = token.map_or(0, |t| t.strip_prefix("v1:").unwrap().parse().unwrap());
        self.asked.lock().unwrap().push((statuses, n));
        let pages = if statuses == Statuses::OnSale { &self.on_sale } else { &self.sold };
        pages.get(n).cloned().ok_or_else(|| FetchError::Transient("no such page".into()))
    }
}

pub(in crate::fetch) fn row(id: usize, updated: i64) -> Row {
    Row {
        source_id: format!("m{id}"),
        title: String::new(),
        price: Some(1_000),
        status: RowStatus::OnSale,
        created: None,
        updated: Some(Timestamp::from_secs(SINCE + updated)),
        image_url: None,
        item_url: String::new(),
        kind: RowKind::Personal,
    }
}

fn page(rows: Vec<Row>, next: &str) -> Page {
    let next_token = (!next.is_empty()).then(|| next.to_owned());
    Page { rows, num_found: Some(500), next_token, ..Page::default() }
}

/// `n` pages of 30 rows, one row per minute backwards from `newest` seconds after the previous crawl.
fn market(n: usize, newest: i64) -> Vec<Page> {
    (0..n)
        .map(|p| {
            let rows = (p * 30..(p + 1) * 30).map(|i| row(i, newest - 60 * i as i64)).collect();
            page(rows, &if p + 1 < n { format!("v1:{}", p + 1) } else { String::new() })
        })
        .collect()
}

fn brief() -> Brief {
    Brief { since: Some(Timestamp::from_secs(SINCE)), ..Brief::first("初音ミク") }
}

async fn on_sale(pages: Vec<Page>, brief: &Brief) -> Stream {
    let source = Pages { on_sale: pages, sold: vec![page(vec![], "")], ..Pages::default() };
    crawl(&source, brief).await.unwrap().on_sale
}

#[tokio::test]
async fn a_quiet_ip_costs_one_page_each_way() {
    let source = Pages { on_sale: market(9, 120), sold: market(9, 120), ..Pages::default() };
    let brief = Brief { ground_run_sold: 20, ..brief() };
    let crawl = crawl(&source, &brief).await.unwrap();
    assert_eq!((crawl.on_sale.end, crawl.sold.end), (StreamEnd::Ground, StreamEnd::Ground));
    assert_eq!((crawl.on_sale.pages, crawl.sold.pages), (1, 1));
    assert_eq!(crawl.on_sale.reached, Some(Timestamp::from_secs(SINCE + 120 - 60 * 29)));
    assert_eq!(*source.asked.lock().unwrap(), [(Statuses::OnSale, 0), (Statuses::Sold, 0)]);
}

#[tokio::test]
async fn a_run_may_cross_pages_and_forty_sold_rows_need_two() {
    let source = Pages { on_sale: market(9, 900), sold: market(9, 0), ..Pages::default() };
    let crawl = crawl(&source, &brief()).await.unwrap();
    // 18 rows are newer than since − lag, so page 0 ends with a run of 12.
    assert_eq!((crawl.on_sale.end, crawl.on_sale.pages), (StreamEnd::Ground, 2));
    assert_eq!((crawl.sold.end, crawl.sold.pages), (StreamEnd::Ground, 2));
}

#[tokio::test]
async fn the_first_crawl_and_a_flood_go_to_the_limit() {
    let mut first = Brief::first("x");
    let stream = on_sale(market(9, 0), &first).await;
    assert_eq!((stream.end, stream.pages, stream.rows.len()), (StreamEnd::Limit, 10, 150), "five and the way back");
    assert_eq!(on_sale(market(5, 0), &first).await.end, StreamEnd::Exhausted, "the limit is the last page");
    let stream = on_sale(market(9, 100_000), &brief()).await;
    assert_eq!((stream.end, stream.pages), (StreamEnd::Limit, 10));
    first.pages_on_sale = 0;
    assert_eq!(on_sale(market(9, 0), &first).await.pages, 0);
}

#[tokio::test]
async fn known_rows_are_ground_but_edited_ones_are_not() {
    // Seen by the previous crawl, which ran past its own start: newer than since − lag, and known.
    let fresh: Vec<Row> = (0..30).map(|i| row(i, -60)).collect();
    let known = fresh.iter().map(|r| (r.source_id.clone(), Known::OnSale)).collect();
    let brief = Brief { known, ..brief() };
    let tail = || page((30..60).map(|i| row(i, -9_000)).collect(), "");
    assert_eq!(on_sale(vec![page(fresh, "v1:1"), tail()], &brief).await.pages, 1);
    // The naive rule stops here: thirty known rows, all marked down after the previous crawl, above new listings.
    let edited = (0..30).map(|i| row(i, 600)).collect();
    let new = page((100..130).map(|i| row(i, 500)).collect(), "v1:2");
    let stream = on_sale(vec![page(edited, "v1:1"), new, tail()], &brief).await;
    assert!(stream.rows.iter().any(|r| r.source_id == "m100"), "new listings below the edited ones are seen");
    assert_eq!(stream.pages, 6, "three and the way back");
}

#[tokio::test]
async fn in_the_sold_stream_a_known_sale_is_ground_even_when_it_moved_on() {
    let rows: Vec<Row> = (0..45).map(|i| row(i, 600)).collect();
    let known = rows.iter().map(|r| (r.source_id.clone(), Known::Sold)).collect();
    let sold = vec![page(rows, "v1:1")];
    let source = Pages { sold, on_sale: vec![page(vec![], "")], ..Pages::default() };
    assert_eq!(crawl(&source, &Brief { known, ..brief() }).await.unwrap().sold.end, StreamEnd::Ground);
}

#[tokio::test]
async fn shops_and_auctions_neither_count_nor_break_a_run() {
    let mut rows: Vec<Row> = (0..40).map(|i| row(i, if i % 2 == 0 { 5_000 } else { -5_000 })).collect();
    for (i, r) in rows.iter_mut().enumerate().filter(|(i, _)| i % 2 == 0) {
        r.kind = if i % 4 == 0 { RowKind::Shops } else { RowKind::Auction };
    }
    let stream = on_sale(vec![page(rows.clone(), "v1:1")], &brief()).await;
    assert_eq!(stream.end, StreamEnd::Ground);
    for r in &mut rows {
        r.kind = RowKind::Shops;
        r.updated = Some(Timestamp::from_secs(SINCE - 9_000));
    }
    let stream = on_sale(vec![page(rows, "v1:1"), page(vec![row(99, 0)], "")], &brief()).await;
    assert_eq!((stream.end, stream.pages), (StreamEnd::Exhausted, 3), "Shops rows alone are no ground");
}

#[tokio::test]
async fn page_traps_end_a_stream() {
    let ids = |from: usize| (from..from + 5).map(|i| row(i, 5_000)).collect::<Vec<_>>();
    let cases: [(&str, Vec<Page>, u32, usize); 6] = [
        ("a token seen before", vec![page(ids(0), "v1:1"), page(ids(5), "v1:1")], 3, 10),
        ("back to the first page", vec![page(ids(0), "v1:1"), page(ids(5), "v1:0")], 3, 10),
        ("an empty page", vec![page(ids(0), "v1:1"), page(vec![], "v1:2")], 3, 5),
        ("no new id", vec![page(ids(0), "v1:1"), page(ids(0), "v1:2")], 3, 5),
        ("an empty token", vec![Page { next_token: Some(String::new()), ..page(ids(0), "") }], 1, 5),
        ("everything fitted, yet there is a token", vec![page(ids(0), "v1:1"), page(vec![], "")], 3, 5),
    ];
    for (name, pages, fetched, rows) in cases {
        let stream = on_sale(pages, &brief()).await;
        assert_eq!((stream.end, stream.pages, stream.rows.len()), (StreamEnd::Exhausted, fetched, rows), "{name}");
    }
}

#[tokio::test]
async fn repeated_ids_count_once_and_are_told() {
    let rows = |range: std::ops::Range<usize>| range.map(|i| row(i, 5_000)).collect::<Vec<_>>();
    let stream = on_sale(vec![page(rows(0..10), "v1:1"), page(rows(7..17), "")], &brief()).await;
    assert_eq!((stream.rows.len(), stream.duplicates), (17, 3));
}

#[tokio::test]
async fn a_failed_page_fails_the_crawl() {
    let source = Pages { on_sale: market(1, 0), sold: vec![page(vec![row(1, 9_000)], "v1:7")], ..Pages::default() };
    assert_eq!(crawl(&source, &brief()).await.unwrap_err().class(), "transient");
}

#[tokio::test]
async fn a_listing_bought_while_the_crawl_ran_is_sold() {
    let mut bought = row(3, 700);
    bought.status = RowStatus::Trading;
    let on_sale = vec![page((0..5).map(|i| row(i, 500)).collect(), "")];
    let source = Pages { on_sale, sold: vec![page(vec![bought], "")], ..Pages::default() };
    let crawl = crawl(&source, &brief()).await.unwrap();
    let merged = crawl.merge();
    assert_eq!(merged.len(), 5);
    assert_eq!(merged.iter().filter(|r| r.source_id == "m3" && r.status == RowStatus::Trading).count(), 1);
    let text = serde_json::to_string(&crawl).unwrap();
    assert_eq!(serde_json::from_str::<Crawl>(&text).unwrap(), crawl);
}
