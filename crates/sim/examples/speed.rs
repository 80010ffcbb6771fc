//! Prints how long search pages of the hottest IP take: `cargo run --release -p sim --example speed`.

use sim::{Market, MarketConfig, SearchQuery, Shape, State, profiles};
use std::time::{Duration, Instant};

const START: i64 = 1_788_188_400_000;
const DAY: i64 = 86_400_000;

fn timed<R>(work: impl FnOnce() -> R) -> (R, Duration) {
    let begun = Instant::now();
    (work(), begun.elapsed())
}

fn main() {
    let market = Market::new(MarketConfig::new(1, profiles::spread(30), START));
    let now = START + 16 * DAY;
    let (_, written) = timed(|| market.prepare(now));
    println!("30 IPs, 21 + 16 days written in {written:?}");
    let hot = &market.config().profiles[29].name;
    let sold = [State::Trading, State::SoldOut];
    for (what, statuses) in [("on sale", &[State::OnSale][..]), ("sold", &sold[..]), ("all", &[][..])] {
        for page in [0, 4, 20, 49] {
            let query = SearchQuery::newest(hot, statuses, page);
            let runs = 200;
            let (rows, search) = timed(|| (0..runs).map(|n| market.search(&query, now - n).rows.len()).sum::<usize>());
            let answer = market.search(&query, now);
            let (bytes, json) = timed(|| (0..runs).map(|_| answer.to_json(Shape::Y2026).len()).sum::<usize>());
            let (rows, bytes) = (rows / runs as usize, bytes / runs as usize);
            println!(
                "{what:8} page {page:2}: {:?} for {rows} rows, {:?} for {bytes} bytes of JSON",
                search / runs as u32,
                json / runs as u32
            );
        }
    }
    let ledger = market.ledger(hot, now - DAY, now);
    let (listed, bought) = ledger.iter().fold((0, 0), |(l, s), h| (l + h.listed, s + h.sold));
    println!("last day of {hot}: {listed} listed, {bought} sold, {} on sale", ledger[23].on_sale);
    let depths = market.sold_depth(hot, now, now - 2 * 3_600_000);
    let beyond = depths.iter().filter(|d| d.row.is_none_or(|row| row >= 600)).count();
    println!("of {} purchases of the last 2 h, {beyond} lie beyond the first 5 sold pages", depths.len());
}
