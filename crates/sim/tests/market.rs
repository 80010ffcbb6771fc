//! The market as a pure function of time, and its ledger against a recount from search.

#![allow(clippy::unwrap_used)]

use sim::{
    Behaviour, Kind, Market, MarketConfig, NO_PRICE, Profile, Quirks, SearchPage, SearchQuery, Shape, State, What,
};
use std::collections::{BTreeMap, BTreeSet, HashSet};

const START: i64 = 1_788_188_400_000;
const HOUR: i64 = 3_600_000;
const MINUTE: i64 = 60_000;
const SOLD: [State; 2] = [State::Trading, State::SoldOut];

fn config(rate: f64) -> MarketConfig {
    let profiles = vec![
        Profile::named("初音ミク", rate, 0.4),
        Profile::named("原神", 2.0, 0.3),
        Profile::named("静か", 0.05, 0.3),
        Profile::named("ちいかわ", 5.0, 0.3),
    ];
    MarketConfig::new(7, profiles, START)
}

fn plain(rate: f64) -> MarketConfig {
    let quirks = Quirks { index_lag_ms: (0, 0), deep_empty_from: None, ..Quirks::default() };
    MarketConfig { quirks, ..config(rate) }
}

fn page(market: &Market, keyword: &str, statuses: &[State], page: i64, now: i64) -> SearchPage {
    market.search(&SearchQuery::newest(keyword, statuses, page), now)
}

fn all_pages(market: &Market, keyword: &str, statuses: &[State], now: i64) -> Vec<SearchPage> {
    let mut pages = vec![page(market, keyword, statuses, 0, now)];
    while !pages[pages.len() - 1].next_page_token.is_empty() {
        pages.push(page(market, keyword, statuses, pages.len() as i64, now));
    }
    pages
}

/// id → state of the whole listing, each id once.
fn snapshot(market: &Market, keyword: &str, now: i64) -> BTreeMap<String, (State, bool, i64)> {
    let pages = all_pages(market, keyword, &[], now);
    pages.into_iter().flat_map(|p| p.rows).map(|r| (r.id, (r.state, r.shops, r.created))).collect()
}

#[test]
fn answers_do_not_depend_on_the_order_of_asking() {
    let times: Vec<i64> = (0..20).map(|n| START + n * 37 * MINUTE).collect();
    let ask = |market: &Market, now: i64| {
        let sold = page(market, "初音ミク", &SOLD, 0, now).to_json(Shape::Y2026);
        let deep = page(market, "初音ミク", &[], 2, now).to_json(Shape::Y2026);
        let ledger = format!("{:?}", market.ledger("初音ミク", now - 5 * HOUR, now));
        (sold, deep, ledger, page(market, "unknown", &[], 0, now))
    };
    let (forward, backward) = (Market::new(config(20.0)), Market::new(config(20.0)));
    let first: Vec<_> = times.iter().map(|t| ask(&forward, *t)).collect();
    let mut second: Vec<_> = times.iter().rev().map(|t| ask(&backward, *t)).collect();
    second.reverse();
    assert_eq!(first, second);
    assert_eq!(first, times.iter().map(|t| ask(&forward, *t)).collect::<Vec<_>>());
}

#[test]
fn threads_get_the_same_answers() {
    let market = Market::new(config(20.0));
    let bodies: HashSet<String> = std::thread::scope(|scope| {
        let ask = || page(&market, "初音ミク", &[State::OnSale], 1, START + 9 * HOUR).to_json(Shape::Y2024);
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    assert_eq!(bodies.len(), 1);
}

#[test]
fn another_seed_is_another_market() {
    let (one, two) = (Market::new(config(5.0)), Market::new(MarketConfig { seed: 8, ..config(5.0) }));
    assert_ne!(page(&one, "原神", &[], 0, START).rows, page(&two, "原神", &[], 0, START).rows);
}

#[test]
fn ledger_equals_a_recount_from_search() {
    let behaviour = Behaviour { cancel_share: 0.0, ..Behaviour::default() };
    let market = Market::new(MarketConfig { behaviour, history_days: 8, ..plain(12.0) });
    let hours = 8;
    let mut before = snapshot(&market, "初音ミク", START - 1);
    let ledger = market.ledger("初音ミク", START, START + hours * HOUR);
    assert_eq!(ledger.len(), hours as usize);
    for hour in ledger {
        let (mut listed, mut sold, mut shops_sold) = (BTreeSet::new(), 0, 0);
        for step in 1..=60 {
            let now = snapshot(&market, "初音ミク", hour.hour_ms + step * MINUTE - 1);
            for (id, (state, shops, created)) in &now {
                let was_sold = before.get(id).is_some_and(|(state, ..)| SOLD.contains(state));
                if SOLD.contains(state) && !was_sold {
                    *(if *shops { &mut shops_sold } else { &mut sold }) += 1;
                }
                if !shops && created * 1000 >= hour.hour_ms {
                    listed.insert(id.clone());
                }
            }
            before = now;
        }
        let unseen = hour.vanished.iter().filter(|v| v.id.starts_with('m') && !listed.contains(&v.id)).count();
        assert_eq!(hour.listed as usize, listed.len() + unseen);
        assert_eq!((hour.sold, hour.shops_sold), (sold, shops_sold));
        let on_sale =
            |of_shops| before.values().filter(|(s, shops, _)| *s == State::OnSale && *shops == of_shops).count();
        assert_eq!((hour.on_sale as usize, hour.shops_on_sale as usize), (on_sale(false), on_sale(true)));
    }
}

#[test]
fn ledger_prices_are_those_of_ordinary_personal_sales() {
    let market = Market::new(config(200.0));
    let ledger = market.ledger("初音ミク", START, START + 24 * HOUR);
    let mut prices: Vec<u32> = ledger.iter().flat_map(|h| h.sold_prices.clone()).collect();
    let purchases = market.purchases("初音ミク", START - 1000, START + 24 * HOUR - 1000);
    let mut expected = Vec::new();
    for bought in &purchases {
        let truth = market.item(&bought.id, START + 24 * HOUR).unwrap();
        assert_eq!(bought.shops, truth.kind == Kind::Shops);
        if !matches!(truth.kind, Kind::Shops | Kind::Auction) && bought.price != NO_PRICE {
            expected.push(bought.price);
        }
    }
    prices.sort_unstable();
    expected.sort_unstable();
    assert_eq!(prices, expected);
    assert!(prices.len() < purchases.len());
    assert!(prices.iter().all(|p| (300..=380_000).contains(p)));
    let sold: u32 = ledger.iter().map(|h| h.sold + h.shops_sold).sum();
    assert_eq!(sold as usize, purchases.len());
}

#[test]
fn rows_are_in_the_order_of_the_hidden_key() {
    let market = Market::new(plain(30.0));
    let now = START + 7 * HOUR;
    let mut last = u32::MAX;
    let mut edited = 0;
    for row in page(&market, "初音ミク", &[], 0, now).rows {
        let truth = market.item(&row.id, now).unwrap();
        let change = *truth.changes.iter().rfind(|c| i64::from(c.at) * 1000 <= now).unwrap();
        assert!(change.k <= last && i64::from(change.k) >= row.created && i64::from(change.k) <= row.updated);
        edited += u32::from(!row.shops && i64::from(change.k) > row.created);
        last = change.k;
    }
    assert!(edited > 0, "edits resurface old listings");
}

#[test]
fn a_purchase_moves_updated_but_not_the_place() {
    let market = Market::new(plain(30.0));
    let purchases = market.purchases("初音ミク", START, START + 24 * HOUR);
    assert!(purchases.len() > 50);
    let order = |now: i64| -> Vec<String> {
        all_pages(&market, "初音ミク", &[], now).into_iter().flat_map(|p| p.rows).map(|r| r.id).collect()
    };
    for bought in &purchases {
        let truth = market.item(&bought.id, START + 24 * HOUR).unwrap();
        let at = truth.changes.iter().position(|c| c.what == What::Purchased && c.at == bought.at).unwrap();
        assert_eq!(truth.changes[at].k, truth.changes[at - 1].k);
        assert_eq!(truth.changes[at].updated, bought.at);
    }
    let at = purchases.iter().map(|p| i64::from(p.at) * 1000).find(|t| order(t - 1) == order(*t));
    assert!(at.is_some(), "a second with nothing but a purchase leaves the whole order as it was");
}

#[test]
fn search_shows_a_new_listing_fifty_to_sixty_seconds_late() {
    let market = Market::new(config(30.0));
    let now = START + 5 * HOUR;
    let rows = page(&market, "初音ミク", &[State::OnSale], 0, now).rows;
    let fresh: Vec<_> = rows.iter().filter(|r| !r.shops && r.updated == r.created).collect();
    assert!(fresh.len() > 5);
    for row in fresh {
        let seen =
            |ms: i64| page(&market, "初音ミク", &[], 0, row.created * 1000 + ms).rows.iter().any(|r| r.id == row.id);
        assert!(!seen(49_999), "{}", row.id);
        assert!(seen(60_001), "{}", row.id);
    }
}

#[test]
fn the_sold_listing_is_complete_and_unique_below_its_repeats() {
    let market = Market::new(plain(40.0));
    let now = START + 12 * HOUR;
    let pages = all_pages(&market, "初音ミク", &SOLD, now);
    assert!(pages.len() > 5);
    let shown: BTreeSet<String> = pages.iter().flat_map(|p| &p.rows).map(|r| r.id.clone()).collect();
    let standing: BTreeSet<String> = market
        .purchases("初音ミク", 0, now)
        .into_iter()
        .filter(|p| {
            let truth = market.item(&p.id, now).unwrap();
            let change = truth.changes.iter().rfind(|c| i64::from(c.at) * 1000 <= now).unwrap();
            SOLD.contains(&change.state)
        })
        .map(|p| p.id)
        .collect();
    assert_eq!(shown, standing);
    for (n, two) in pages.windows(2).enumerate() {
        let before: HashSet<&str> = two[0].rows.iter().map(|r| r.id.as_str()).collect();
        let repeats = two[1].rows.iter().filter(|r| before.contains(r.id.as_str())).count();
        assert_eq!(repeats > 0, n >= 1, "page {} repeats {repeats}", n + 1);
    }
}

#[test]
fn pages_hold_what_was_documented_and_the_last_has_no_next() {
    let market = Market::new(plain(40.0));
    let pages = all_pages(&market, "初音ミク", &[], START);
    assert!((113..=120).contains(&pages[0].rows.len()));
    for page in &pages[1..pages.len() - 1] {
        assert!((119..=120).contains(&page.rows.len()));
    }
    assert_eq!(pages[1].previous_page_token, "v1:0");
    assert_eq!(page(&market, "初音ミク", &[], pages.len() as i64, START).rows.len(), 0);
}

#[test]
fn minus_one_answers_v1_0_and_the_phantom_token_can_be_had() {
    let market = Market::new(config(1.0));
    let loops = page(&market, "静か", &[], -1, START);
    assert_eq!(loops.next_page_token, "v1:0");
    assert_eq!(loops.rows, page(&market, "静か", &[], 0, START).rows);
    assert_eq!(page(&market, "静か", &[], 0, START).next_page_token, "");
    let quirks = Quirks { phantom_next: true, ..Quirks::default() };
    let market = Market::new(MarketConfig { quirks, ..config(1.0) });
    assert_eq!(page(&market, "静か", &[], 0, START).next_page_token, "v1:1");
    let beyond = page(&market, "静か", &[], 1, START);
    assert!(beyond.rows.is_empty() && beyond.next_page_token.is_empty());
}

#[test]
fn an_unknown_keyword_finds_nothing_and_shows_48_others() {
    let market = Market::new(config(20.0));
    let answer = page(&market, "ドラゴンクエストVII リメインジンド", &[State::OnSale], 0, START);
    assert_eq!((answer.num_found, answer.rows.len(), answer.next_page_token.as_str()), (0, 48, ""));
    assert!(answer.rows.iter().all(|r| r.state == State::OnSale));
}

#[test]
fn drift_lets_rows_slip_from_one_page_to_the_next() {
    let quirks = Quirks { page_drift_ms: 10 * MINUTE, duplicates: false, ..Quirks::default() };
    let market = Market::new(MarketConfig { quirks, ..config(60.0) });
    let first = page(&market, "初音ミク", &[State::OnSale], 0, START);
    let second = page(&market, "初音ミク", &[State::OnSale], 1, START);
    let ids: HashSet<&str> = first.rows.iter().map(|r| r.id.as_str()).collect();
    assert!(second.rows.iter().any(|r| ids.contains(r.id.as_str())));
}

#[test]
fn num_found_is_capped_and_slightly_off() {
    let market = Market::new(config(200.0));
    let all = page(&market, "初音ミク", &[], 0, START);
    assert_eq!(all.num_found, 15_000);
    let ledger = market.ledger("原神", START - HOUR, START);
    let truth = f64::from(ledger[0].on_sale + ledger[0].shops_on_sale);
    let said: BTreeSet<u32> = (0..4).map(|n| page(&market, "原神", &[State::OnSale], n, START - 1).num_found).collect();
    assert!(said.len() > 1, "changes from page to page");
    assert!(said.iter().all(|n| (f64::from(*n) / truth - 1.0).abs() < 0.11), "{said:?} of {truth}");
}

#[test]
fn sold_depth_is_the_row_in_the_sold_listing() {
    let quirks = Quirks { duplicates: false, deep_empty_from: None, ..Quirks::default() };
    let market = Market::new(MarketConfig { quirks, ..config(40.0) });
    let now = START + 10 * HOUR;
    let rows: Vec<String> =
        all_pages(&market, "初音ミク", &SOLD, now).into_iter().flat_map(|p| p.rows).map(|r| r.id).collect();
    let depths = market.sold_depth("初音ミク", now, now - 2 * HOUR);
    assert_eq!(depths.len(), market.purchases("初音ミク", now - 2 * HOUR, now).len());
    for depth in &depths {
        assert_eq!(depth.row, rows.iter().position(|id| *id == depth.id), "{depth:?}");
    }
    assert!(depths.iter().any(|d| d.row.is_some_and(|row| row > 120)), "some sales hide deep");
}

#[test]
fn lives_follow_the_documented_durations_and_shares() {
    let market = Market::new(config(150.0));
    let ledger = market.ledger("初音ミク", START, START + 48 * HOUR);
    let listed: u32 = ledger.iter().map(|h| h.listed + h.shops_listed).sum();
    assert!((6_700..7_700).contains(&listed), "{listed}");
    let mut waits: Vec<u32> = Vec::new();
    let (mut quick, mut kinds, mut cancelled) = (0, BTreeMap::new(), 0);
    let purchases = market.purchases("初音ミク", START - 15 * 24 * HOUR, START);
    for bought in &purchases {
        let truth = market.item(&bought.id, START).unwrap();
        *kinds.entry(format!("{:?}", truth.kind)).or_insert(0) += 1;
        quick += u32::from(bought.at - truth.created < 3600);
        let next = truth.changes.iter().filter(|c| c.at > bought.at);
        let end = next.clone().find(|c| c.what == What::Completed);
        cancelled += u32::from(next.clone().next().is_some_and(|c| c.what == What::Cancelled));
        waits.extend(end.map(|c| c.at - bought.at));
    }
    waits.sort_unstable();
    let days = |share: f64| f64::from(waits[(waits.len() as f64 * share) as usize]) / 86_400.0;
    assert!((days(0.5) - 3.65).abs() < 0.3, "{}", days(0.5));
    assert!((days(0.9) - 9.65).abs() < 1.0, "{}", days(0.9));
    assert!(f64::from(quick) > 0.05 * purchases.len() as f64, "{quick} of {}", purchases.len());
    assert!(cancelled > 0 && f64::from(cancelled) < 0.01 * purchases.len() as f64, "{cancelled}");
    assert_eq!(kinds.len(), 5, "{kinds:?}");
}

#[test]
fn nights_are_quiet_and_quiet_ips_have_a_stock() {
    let market = Market::new(config(60.0));
    let ledger = market.ledger("初音ミク", START, START + 24 * HOUR);
    let (night, evening) = (ledger[4].listed, ledger[22].listed);
    assert!(evening > 4 * night, "04 h: {night}, 22 h: {evening}");
    let stock = page(&market, "静か", &[State::OnSale], 0, START);
    assert!(stock.rows.len() > 15 && stock.num_found > 0);
}

#[test]
fn auctions_show_only_when_asked_for() {
    let market = Market::new(config(100.0));
    let shown = |with_auction: bool| {
        let ask = |n| market.search(&SearchQuery { with_auction, ..SearchQuery::newest("初音ミク", &[], n) }, START);
        (0..8).flat_map(|n| ask(n).rows).collect::<Vec<_>>()
    };
    let with = shown(true);
    let auctions: Vec<_> = with.iter().filter(|r| r.auction.is_some()).collect();
    assert!(auctions.iter().any(|r| r.auction.as_ref().is_some_and(|a| a.total_bid > 0 && r.price == a.highest_bid)));
    let without = shown(false);
    assert!(without.iter().all(|r| r.auction.is_none()));
    assert!(without.iter().zip(&with).any(|(a, b)| a.price == NO_PRICE && !a.no_price && b.auction.is_some()));
    let shops = with.iter().filter(|r| r.shops);
    assert!(shops.clone().count() > 0 && shops.clone().all(|r| r.id.len() == 22 && r.shop_id.is_some()));
}

#[test]
fn bids_bump_updated_and_leave_the_key() {
    let market = Market::new(config(100.0));
    let rows = (0..10).flat_map(|n| page(&market, "初音ミク", &[], n, START).rows);
    let auctions: Vec<_> = rows.filter(|r| r.auction.is_some()).collect();
    let truths = auctions.iter().filter_map(|r| market.item(&r.id, START));
    let bids: Vec<_> = truths.flat_map(|t| t.changes).filter(|c| c.what == What::Bid).collect();
    assert!(bids.len() > 10 && bids.iter().all(|c| c.k < c.updated));
}

#[test]
fn deleted_listings_are_gone_from_search_and_in_the_ledger() {
    let market = Market::new(plain(60.0));
    let ledger = market.ledger("初音ミク", START, START + 24 * HOUR);
    let vanished: Vec<_> = ledger.iter().flat_map(|h| &h.vanished).collect();
    assert!(vanished.iter().any(|v| v.deleted - v.created < 3600));
    let gone = vanished[0];
    let seen = |second: u32| snapshot(&market, "初音ミク", i64::from(second) * 1000).contains_key(&gone.id);
    assert!(seen(gone.created) && seen(gone.deleted - 1) && !seen(gone.deleted));
    assert_eq!(market.item(&gone.id, START + 100 * HOUR).unwrap().deleted, Some(gone.deleted));
}

#[test]
fn shops_products_resurface_with_a_new_created() {
    let market = Market::new(plain(60.0));
    let shop = |now| page(&market, "初音ミク", &[State::OnSale], 0, now).rows.into_iter().find(|r| r.shops);
    let row = shop(START + 12 * HOUR).unwrap();
    let truth = market.item(&row.id, START + 12 * HOUR).unwrap();
    assert!(row.created >= i64::from(truth.created));
    let rows = (0..40).flat_map(|n| page(&market, "初音ミク", &[], n, START).rows).filter(|r| r.shops);
    let moved = rows.filter(|r| market.item(&r.id, START).is_some_and(|t| r.created > i64::from(t.created)));
    assert!(moved.count() > 5);
}

#[test]
fn filters_and_sorts_of_the_request_work() {
    let market = Market::new(plain(20.0));
    let base = SearchQuery::newest("初音ミク", &[], 0);
    let dear = market.search(&SearchQuery { price_min: 5_000, ..base.clone() }, START);
    assert!(!dear.rows.is_empty() && dear.rows.iter().all(|r| r.price >= 5_000));
    let cheap = market.search(&SearchQuery { sort: sim::Sort::PriceAsc, ..base.clone() }, START);
    assert!(cheap.rows.windows(2).all(|w| w[0].price <= w[1].price));
    let liked = market.search(&SearchQuery { sort: sim::Sort::NumLikes, ..base.clone() }, START);
    assert!((71..=77).contains(&liked.rows.len()));
    let shops = market.search(&SearchQuery { shops: Some(true), ..base.clone() }, START);
    assert!(!shops.rows.is_empty() && shops.rows.iter().all(|r| r.shops));
    let without = market.search(&SearchQuery { exclude_keyword: "フィギュア".to_owned(), ..base.clone() }, START);
    assert!(without.rows.iter().all(|r| !r.name.contains("フィギュア")));
    let day_ago = START / 1000 - 86_400;
    let after = market.search(&SearchQuery { created_after: Some(day_ago + 32_400), ..base }, START);
    assert!(!after.rows.is_empty() && after.rows.iter().all(|r| r.created >= day_ago));
}

#[test]
fn shapes_have_the_keys_of_their_year() {
    let market = Market::new(config(5.0));
    let answer = page(&market, "原神", &[], 0, START);
    for (shape, keys) in [(Shape::Y2022, 12), (Shape::Y2024, 22), (Shape::Y2026, 26)] {
        let body: serde_json::Value = serde_json::from_str(&answer.to_json(shape)).unwrap();
        let item = body["items"][0].as_object().unwrap();
        assert_eq!(item.len(), keys, "{shape:?}");
        assert!(item["price"].is_string() && item["created"].is_string() && body["meta"]["numFound"].is_string());
        assert_eq!(body["meta"].get("properties").is_some(), shape == Shape::Y2026);
        assert_eq!(body["components"].as_array().unwrap().is_empty(), shape != Shape::Y2026);
    }
}

#[test]
fn a_deal_called_off_brings_the_item_back_on_sale() {
    let behaviour = Behaviour { cancel_share: 0.5, ..Behaviour::default() };
    let market = Market::new(MarketConfig { behaviour, ..plain(20.0) });
    let purchases = market.purchases("初音ミク", START, START + 24 * HOUR);
    let called_off = purchases.iter().find_map(|p| {
        let truth = market.item(&p.id, START + 24 * HOUR)?;
        truth.changes.into_iter().find(|c| c.what == What::Cancelled).map(|c| (p.id.clone(), c))
    });
    let (id, change) = called_off.unwrap();
    let state = |ms: i64| snapshot(&market, "初音ミク", i64::from(change.at) * 1000 + ms)[&id].0;
    assert_eq!((state(-1), state(0)), (State::Trading, State::OnSale));
    assert!(change.k < change.updated && change.updated == change.at);
    let again = purchases.iter().filter_map(|p| market.item(&p.id, START + 24 * HOUR));
    assert!(again.into_iter().any(|t| t.purchases.len() == 2), "some are bought again");
}

#[test]
fn deep_pages_are_sometimes_empty() {
    let quirks = Quirks { deep_empty_from: Some(3), ..Quirks::default() };
    let market = Market::new(MarketConfig { quirks, ..config(40.0) });
    let empty = (0..30).filter(|n| page(&market, "初音ミク", &[], *n, START).rows.is_empty());
    let empty: Vec<i64> = empty.collect();
    assert!(!empty.is_empty() && empty.len() < 15 && empty[0] >= 3, "{empty:?}");
}

/// Fails when the market of a seed changes, on this machine or on another.
#[test]
fn the_market_of_a_seed_is_the_same_everywhere() {
    let market = Market::new(config(20.0));
    let bodies = (0..3).map(|n| page(&market, "初音ミク", &[], n, START + 5 * HOUR).to_json(Shape::Y2026));
    let fnv = |sum: u64, byte: u8| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let sum = bodies.flat_map(String::into_bytes).fold(0xcbf2_9ce4_8422_2325, fnv);
    assert_eq!(sum, 14_499_290_312_332_215_053);
}
