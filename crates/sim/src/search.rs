//! Search as Mercari answers it: filter, order, pages and their traps.

use crate::book::{Book, KeySpan};
use crate::item::{Change, Item, Kind, State};
use crate::market::Market;
use crate::rng::{hash, hash_text, pick};
use crate::row::{Row, title};

/// numFound never says more.
pub const MAX_FOUND: u32 = 15_000;
const SUBSTITUTES: usize = 48;
/// The server reads `createdAfterDate` and `createdBeforeDate` as JST.
const JST: i64 = 32_400;

/// The order of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// By the hidden key: the time of the last listing or edit, newest first.
    #[default]
    CreatedTime,
    /// By relevance (here: at random, but always the same).
    Score,
    /// Cheapest first.
    PriceAsc,
    /// Dearest first.
    PriceDesc,
    /// Most liked first.
    NumLikes,
}

/// One search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchQuery {
    /// The keyword; finds the IP whose name it is.
    pub keyword: String,
    /// No row whose title holds this, if not empty.
    pub exclude_keyword: String,
    /// Only these states; empty for all.
    pub statuses: Vec<State>,
    /// The order.
    pub sort: Sort,
    /// Zero-based page; −1 is accepted and answers as the real one does.
    pub page: i64,
    /// Rows asked for.
    pub page_size: u32,
    /// Whether auctions show as such.
    pub with_auction: bool,
    /// Only Shops products (`Some(true)`), only personal listings (`Some(false)`), or both.
    pub shops: Option<bool>,
    /// Lowest price in yen, 0 for none.
    pub price_min: u32,
    /// Highest price in yen, 0 for none.
    pub price_max: u32,
    /// As sent: read as JST by the server.
    pub created_after: Option<i64>,
    /// As sent: read as JST by the server.
    pub created_before: Option<i64>,
}

impl SearchQuery {
    /// Newest first, 120 rows a page, auctions shown.
    pub fn newest(keyword: &str, statuses: &[State], page: i64) -> SearchQuery {
        SearchQuery {
            keyword: keyword.to_owned(),
            exclude_keyword: String::new(),
            statuses: statuses.to_vec(),
            sort: Sort::CreatedTime,
            page,
            page_size: 120,
            with_auction: true,
            shops: None,
            price_min: 0,
            price_max: 0,
            created_after: None,
            created_before: None,
        }
    }

    fn is_plain(&self) -> bool {
        self.exclude_keyword.is_empty()
            && self.shops.is_none()
            && self.price_min == 0
            && self.price_max == 0
            && self.created_after.is_none()
            && self.created_before.is_none()
    }
}

/// One page of answers.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchPage {
    /// What was asked.
    pub query: SearchQuery,
    /// Token of the next page, empty at the end.
    pub next_page_token: String,
    /// Token of the page before, empty on the first.
    pub previous_page_token: String,
    /// What the server says it found.
    pub num_found: u32,
    /// The rows.
    pub rows: Vec<Row>,
}

/// A row of a listing before it is dressed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hit<'b> {
    pub(crate) item: u32,
    pub(crate) change: &'b Change,
}

/// Which rows of the true list a page holds.
struct Layout {
    offset: usize,
    own: usize,
    repeats: usize,
}

impl Market {
    /// The listing of an IP in these states (all if empty) at an instant, newest key first.
    pub(crate) fn listing<'b>(
        &self,
        book: &'b Book,
        statuses: &'b [State],
        now_ms: i64,
    ) -> impl Iterator<Item = Hit<'b>> {
        let second = second_of(now_ms);
        let (least, most) = self.config().quirks.index_lag_ms;
        let seed = self.config().seed;
        let newest = now_ms - least;
        book.newest_first(second).filter_map(move |KeySpan { item: index, .. }| {
            let item = book.item(index);
            let listed_ms = i64::from(item.created) * 1000;
            if listed_ms > newest || listed_ms + lag(seed, item, least, most) > now_ms {
                return None;
            }
            let change = book.lived(item, second).last()?;
            let wanted = statuses.is_empty() || statuses.contains(&change.state);
            (wanted && change.state != State::Gone).then_some(Hit { item: index, change })
        })
    }

    /// Answers a search as of `now_ms` (epoch ms); a pure function of the market's config, the query and the time.
    pub fn search(&self, query: &SearchQuery, now_ms: i64) -> SearchPage {
        let page = query.page.max(0) as usize;
        let quirks = &self.config().quirks;
        let mut answer = SearchPage {
            query: query.clone(),
            next_page_token: String::new(),
            previous_page_token: if page > 0 { token(page as i64 - 1) } else { String::new() },
            num_found: 0,
            rows: Vec::new(),
        };
        let now_ms = now_ms + page as i64 * quirks.page_drift_ms;
        if let Some(ip) = self.ip_of(&query.keyword) {
            let more = self.fill(ip, query, page, now_ms, &mut answer);
            if more || (quirks.phantom_next && page == 0 && !answer.rows.is_empty()) {
                answer.next_page_token = token(page as i64 + 1);
            }
        }
        if page == 0 && answer.rows.is_empty() && quirks.substitutes {
            answer.num_found = 0;
            answer.rows = self.substitutes(query, now_ms);
        }
        if query.page < 0 {
            answer.next_page_token = token(query.page + 1);
        }
        answer
    }

    /// Fills rows and numFound; says whether rows remain.
    fn fill(&self, ip: usize, query: &SearchQuery, page: usize, now_ms: i64, answer: &mut SearchPage) -> bool {
        let layout = self.layout(ip, query, page);
        let salt = [self.config().seed, ip as u64, page as u64, status_bits(query)];
        let dark = self.config().quirks.deep_empty_from.is_some_and(|from| page >= from as usize);
        self.read(ip, now_ms.div_euclid(1000), |book| {
            let hits = self.hits(book, ip, query, now_ms, layout.offset + layout.own + 1);
            answer.num_found = self.num_found(book, ip, query, now_ms, hash(&salt));
            if dark && hash(&[salt[0], salt[1], salt[2], 0xdead]).is_multiple_of(4) {
                return false;
            }
            let end = hits.len().min(layout.offset + layout.own);
            let own = hits.get(layout.offset..end).unwrap_or_default();
            let dress = |hit: &Hit<'_>| self.row(book, ip, hit, query.with_auction);
            answer.rows = own.iter().map(dress).collect();
            if !own.is_empty() {
                let before = self.layout(ip, query, page.saturating_sub(1));
                for n in 0..layout.repeats.min(before.own) {
                    let word = hash(&[salt[0], salt[1], salt[2], n as u64]);
                    let again = before.offset + before.own - 1 - (n * 2) % before.own;
                    answer.rows.insert(pick(word, answer.rows.len() + 1), dress(&hits[again]));
                }
            }
            hits.len() > end
        })
    }

    /// The first `depth` matches in the order asked for.
    fn hits<'b>(&self, book: &'b Book, ip: usize, query: &'b SearchQuery, now_ms: i64, depth: usize) -> Vec<Hit<'b>> {
        let name = self.config().profiles[ip].name.as_str();
        let matches = move |hit: &Hit<'_>| query.is_plain() || self.matches(book, hit, query, name);
        let list = self.listing(book, &query.statuses, now_ms).filter(matches);
        if query.sort == Sort::CreatedTime {
            return list.take(depth).collect();
        }
        let mut all: Vec<Hit<'b>> = list.take(MAX_FOUND as usize).collect();
        let rank = |hit: &Hit<'_>| {
            let price = i64::from(hit.change.price);
            let number = book.item(hit.item).number;
            match query.sort {
                Sort::PriceAsc => (price, number),
                Sort::PriceDesc => (-price, number),
                _ => ((hash(&[number, query.sort as u64]) >> 1) as i64, number),
            }
        };
        all.sort_by_cached_key(rank);
        all.truncate(depth);
        all
    }

    fn matches(&self, book: &Book, hit: &Hit<'_>, query: &SearchQuery, name: &str) -> bool {
        let item = book.item(hit.item);
        let created = i64::from(shown_created(item, hit.change));
        query.shops.is_none_or(|shops| shops == (item.kind == Kind::Shops))
            && hit.change.price >= query.price_min
            && (query.price_max == 0 || hit.change.price <= query.price_max)
            && query.created_after.is_none_or(|after| created >= after - JST)
            && query.created_before.is_none_or(|before| created <= before - JST)
            && (query.exclude_keyword.is_empty() || !self.title(book, hit, name).contains(&query.exclude_keyword))
    }

    fn title(&self, book: &Book, hit: &Hit<'_>, name: &str) -> String {
        let item = book.item(hit.item);
        title(item.number, book.lived(item, hit.change.at), name, self.config().seed)
    }

    fn num_found(&self, book: &Book, ip: usize, query: &SearchQuery, now_ms: i64, salt: u64) -> u32 {
        let stock = book.stock_at(second_of(now_ms));
        let asked = |state: State| query.statuses.is_empty() || query.statuses.contains(&state);
        let count = if query.is_plain() {
            i32::from(asked(State::OnSale)) * (stock.on_sale + stock.shops_on_sale)
                + i32::from(asked(State::Trading)) * stock.trading
                + i32::from(asked(State::SoldOut)) * stock.sold_out
        } else {
            self.hits(book, ip, query, now_ms, MAX_FOUND as usize).len() as i32
        };
        let error = if self.config().quirks.num_found_error && count >= 30 { (salt % 17) as i32 - 9 } else { 0 };
        (count + count.min(1_000_000) * error / 100).clamp(0, MAX_FOUND as i32) as u32
    }

    fn layout(&self, ip: usize, query: &SearchQuery, page: usize) -> Layout {
        let mut layout = Layout { offset: 0, own: 0, repeats: 0 };
        for n in 0..=page {
            let word = hash(&[self.config().seed, ip as u64, n as u64, status_bits(query), 0x9a6e]);
            let holds = self.page_holds(query, n, word);
            layout.offset += layout.own;
            layout.repeats = if self.config().quirks.duplicates && n >= 2 && query.page_size >= 60 {
                (3 * (n - 1) + pick(word >> 32, 3)).min(24)
            } else {
                0
            };
            layout.own = holds - layout.repeats;
        }
        layout
    }

    /// Rows on page n: 113–120 on the first, 119–120 later; never more than 131; 71–77 when sorted by likes.
    fn page_holds(&self, query: &SearchQuery, n: usize, word: u64) -> usize {
        let asked = query.page_size.clamp(1, 131) as usize;
        if query.sort == Sort::NumLikes {
            return asked.min(71 + (word % 7) as usize);
        }
        let shortest = if n == 0 { 8 } else { 2 };
        let short = if self.config().quirks.short_pages && asked >= 60 { word % shortest } else { 0 };
        asked - short as usize
    }

    /// 48 rows of other IPs for a search that found nothing.
    fn substitutes(&self, query: &SearchQuery, now_ms: i64) -> Vec<Row> {
        let ips = self.config().profiles.len();
        let own = self.ip_of(&query.keyword);
        let mut rows = Vec::new();
        let first = pick(hash_text(&query.keyword), ips);
        let each = if ips > 6 { 16 } else { SUBSTITUTES };
        for ip in (0..ips).map(|n| (first + n) % ips).filter(|ip| Some(*ip) != own) {
            let room = (SUBSTITUTES - rows.len()).min(each);
            if room == 0 {
                break;
            }
            self.read(ip, now_ms.div_euclid(1000), |book| {
                let hits = self.listing(book, &query.statuses, now_ms).take(room);
                rows.extend(hits.map(|hit| self.row(book, ip, &hit, query.with_auction)));
            });
        }
        rows
    }
}

/// The `created` a row shows: Shops products carry their last stamp.
pub(crate) fn shown_created(item: &Item, change: &Change) -> u32 {
    if item.kind == Kind::Shops { change.k } else { item.created }
}

fn lag(seed: u64, item: &Item, least: i64, most: i64) -> i64 {
    least + (hash(&[seed, item.number, 0x1a6]) % (most - least).max(0).unsigned_abs().saturating_add(1)) as i64
}

fn second_of(now_ms: i64) -> u32 {
    now_ms.div_euclid(1000).clamp(0, i64::from(u32::MAX) - 1) as u32
}

fn token(page: i64) -> String {
    format!("v1:{page}")
}

fn status_bits(query: &SearchQuery) -> u64 {
    query.statuses.iter().fold(0, |bits, state| bits | 1 << (*state as u64))
}
