//! The book of one IP: its items hour by hour, an index of sort keys, and a calendar of changes. The book grows only
//! forward; what is in it never changes.

use crate::diurnal;
use crate::ids::{self, Origin};
use crate::item::{Change, Item, Kind, State};
use crate::life;
use crate::market::Behaviour;
use crate::profiles::Profile;
use crate::rng::Rng;
use std::cmp::Ordering;

/// An item holds sort key `k` from `k` until the second before `until`.
#[derive(Debug, Clone, Copy)]
pub struct KeySpan {
    /// The sort key, a Unix second.
    pub k: u32,
    /// When the next key replaces it; `u32::MAX` if never.
    pub until: u32,
    /// Index of the item.
    pub item: u32,
}

/// A change in the calendar.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Index of the item.
    pub item: u32,
    /// Index of the change in the arena.
    pub change: u32,
}

/// How many items stand where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stock {
    /// Personal listings on sale.
    pub on_sale: i32,
    /// Shops products on sale.
    pub shops_on_sale: i32,
    /// TRADING, of both kinds.
    pub trading: i32,
    /// SOLD_OUT, of both kinds.
    pub sold_out: i32,
}

impl Stock {
    fn slot(&mut self, kind: Kind, state: State) -> Option<&mut i32> {
        match (state, kind) {
            (State::OnSale, Kind::Shops) => Some(&mut self.shops_on_sale),
            (State::OnSale, _) => Some(&mut self.on_sale),
            (State::Trading, _) => Some(&mut self.trading),
            (State::SoldOut, _) => Some(&mut self.sold_out),
            (State::Gone, _) => None,
        }
    }

    fn apply(&mut self, kind: Kind, before: Option<State>, after: State) {
        if let Some(slot) = before.and_then(|state| self.slot(kind, state)) {
            *slot -= 1;
        }
        if let Some(slot) = self.slot(kind, after) {
            *slot += 1;
        }
    }
}

/// The items of one IP.
#[derive(Debug)]
pub struct Book {
    ip: u32,
    seed: u64,
    /// Epoch second at which the first hour begins.
    start: i64,
    items: Vec<Item>,
    arena: Vec<Change>,
    first_item: Vec<u32>,
    keys: Vec<Vec<KeySpan>>,
    calendar: Vec<Vec<Entry>>,
    stock: Vec<Stock>,
}

impl Book {
    /// An empty book whose first hour begins at epoch second `start` (a whole hour).
    pub fn new(ip: u32, seed: u64, start: i64) -> Book {
        Book {
            ip,
            seed,
            start,
            items: Vec::new(),
            arena: Vec::new(),
            first_item: Vec::new(),
            keys: Vec::new(),
            calendar: Vec::new(),
            stock: Vec::new(),
        }
    }

    /// Hour of an epoch second; none before the history.
    pub fn hour_of(&self, second: i64) -> Option<usize> {
        usize::try_from((second - self.start).div_euclid(3600)).ok()
    }

    /// Epoch second at which an hour begins.
    pub fn hour_start(&self, hour: usize) -> i64 {
        self.start + hour as i64 * 3600
    }

    /// Number of hours already written.
    pub fn written(&self) -> usize {
        self.stock.len()
    }

    /// Writes the next hours until `hours` are written.
    pub fn write_until(&mut self, hours: usize, profile: &Profile, behaviour: &Behaviour) {
        for hour in self.written()..hours.min(ids::MAX_HOURS as usize) {
            self.write_hour(hour, profile, behaviour);
        }
    }

    fn write_hour(&mut self, hour: usize, profile: &Profile, behaviour: &Behaviour) {
        let begin = self.hour_start(hour);
        let mut rng = Rng::from_words(&[self.seed, u64::from(self.ip), hour as u64, 0x1157]);
        let count = rng.poisson(profile.listings_per_hour * diurnal::factor(begin)).min(ids::MAX_SERIAL);
        let mut moments: Vec<u32> = (0..count).map(|_| (begin as u64 + rng.below(3600)) as u32).collect();
        moments.sort_unstable();
        self.first_item.push(self.items.len() as u32);
        for (serial, created) in moments.into_iter().enumerate() {
            let origin = Origin { ip: self.ip, hour: hour as u32, serial: serial as u32 };
            self.write_item(origin, created, profile, behaviour);
        }
        self.close_hour(hour);
    }

    fn write_item(&mut self, origin: Origin, created: u32, profile: &Profile, behaviour: &Behaviour) {
        let number = ids::number(origin, self.seed);
        let mut rng = Rng::from_words(&[self.seed, number, 0x11fe]);
        let kind = life::kind(&mut rng, behaviour);
        let first_change = self.arena.len() as u32;
        life::live(&mut rng, created, kind, profile, behaviour, &mut self.arena);
        let index = self.items.len() as u32;
        let changes = (self.arena.len() - first_change as usize) as u16;
        self.items.push(Item { number, created, first_change, changes, kind });
        let mut key: Option<u32> = None;
        for change in first_change..self.arena.len() as u32 {
            let Change { at, k, .. } = self.arena[change as usize];
            self.file(at, |book, hour| slot(&mut book.calendar, hour).push(Entry { item: index, change }));
            if key != Some(k) {
                let until = self.arena[change as usize..].iter().find(|c| c.k != k).map_or(u32::MAX, |c| c.k);
                self.file(k, |book, hour| slot(&mut book.keys, hour).push(KeySpan { k, until, item: index }));
                key = Some(k);
            }
        }
    }

    fn file(&mut self, second: u32, put: impl FnOnce(&mut Book, usize)) {
        if let Some(hour) = self.hour_of(i64::from(second)).filter(|hour| *hour < ids::MAX_HOURS as usize) {
            put(self, hour);
        }
    }

    fn close_hour(&mut self, hour: usize) {
        let mut keys = std::mem::take(slot(&mut self.keys, hour));
        keys.sort_unstable_by(|a, b| b.k.cmp(&a.k).then_with(|| self.id_order(a.item, b.item)));
        self.keys[hour] = keys;
        let mut entries = std::mem::take(slot(&mut self.calendar, hour));
        entries.sort_unstable_by_key(|e| (self.arena[e.change as usize].at, e.item, e.change));
        let mut stock = self.stock.last().copied().unwrap_or_default();
        for entry in &entries {
            self.count(&mut stock, *entry);
        }
        self.calendar[hour] = entries;
        self.stock.push(stock);
    }

    fn count(&self, stock: &mut Stock, entry: Entry) {
        let item = &self.items[entry.item as usize];
        let after = self.arena[entry.change as usize].state;
        let before = (entry.change > item.first_change).then(|| self.arena[entry.change as usize - 1].state);
        stock.apply(item.kind, before, after);
    }

    fn id_order(&self, a: u32, b: u32) -> Ordering {
        let (a, b) = (&self.items[a as usize], &self.items[b as usize]);
        if a.kind != Kind::Shops && b.kind != Kind::Shops {
            return a.number.cmp(&b.number);
        }
        item_id(a).cmp(&item_id(b))
    }

    /// An item by index.
    pub fn item(&self, index: u32) -> &Item {
        &self.items[index as usize]
    }

    /// The item created in an hour with a serial.
    pub fn find(&self, hour: usize, serial: usize) -> Option<u32> {
        let first = *self.first_item.get(hour)? as usize;
        let end = self.first_item.get(hour + 1).map_or(self.items.len(), |end| *end as usize);
        (first + serial < end).then_some((first + serial) as u32)
    }

    /// All changes of an item.
    pub fn changes(&self, item: &Item) -> &[Change] {
        let first = item.first_change as usize;
        &self.arena[first..first + item.changes as usize]
    }

    /// A change by its index in the arena.
    pub fn change(&self, index: u32) -> &Change {
        &self.arena[index as usize]
    }

    /// Changes of an item up to and with `second`, oldest first.
    pub fn lived(&self, item: &Item, second: u32) -> &[Change] {
        let all = self.changes(item);
        &all[..all.partition_point(|c| c.at <= second)]
    }

    /// The calendar of one hour in order of time.
    pub fn entries(&self, hour: usize) -> &[Entry] {
        self.calendar.get(hour).map_or(&[], Vec::as_slice)
    }

    /// The stock after the last second of an hour.
    pub fn stock_after(&self, hour: usize) -> Stock {
        self.stock.get(hour).copied().unwrap_or_default()
    }

    /// The stock at a second.
    pub fn stock_at(&self, second: u32) -> Stock {
        let Some(hour) = self.hour_of(i64::from(second)) else { return Stock::default() };
        let hour = hour.min(self.written());
        let mut stock = hour.checked_sub(1).map(|before| self.stock_after(before)).unwrap_or_default();
        for entry in self.entries(hour).iter().take_while(|e| self.arena[e.change as usize].at <= second) {
            self.count(&mut stock, *entry);
        }
        stock
    }

    /// Items in the order of SORT_CREATED_TIME at `second`: sort key descending, then id ascending.
    pub fn newest_first(&self, second: u32) -> impl Iterator<Item = KeySpan> + '_ {
        let hours = self.hour_of(i64::from(second)).map_or(0, |hour| hour + 1).min(self.written());
        self.keys[..hours].iter().rev().flatten().copied().filter(move |s| s.k <= second && second < s.until)
    }
}

fn slot<T>(table: &mut Vec<Vec<T>>, hour: usize) -> &mut Vec<T> {
    if table.len() <= hour {
        table.resize_with(hour + 1, Vec::new);
    }
    &mut table[hour]
}

/// The id of an item as search shows it.
pub fn item_id(item: &Item) -> String {
    if item.kind == Kind::Shops { ids::shops(item.number) } else { ids::personal(item.number) }
}
