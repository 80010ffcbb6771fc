//! How a listing lives: edits, bids, purchase, shipping, completion, cancellation, deletion. The whole life of an item
//! is drawn when it is created.

use crate::diurnal;
use crate::item::{Change, Kind, NO_PRICE, State, What};
use crate::market::Behaviour;
use crate::profiles::Profile;
use crate::rng::Rng;

const HOUR: f64 = 3600.0;
const DAY: f64 = 86_400.0;
/// Nothing happens to an item later than this after its creation.
const LIFE: u32 = 120 * 86_400;
/// Lognormal sigma for which p90/median = 9.65/3.65 (`updated − created` of 2,310 recorded SOLD_OUT items).
const COMPLETION_SIGMA: f64 = 0.758_7;
const COMPLETION_MEDIAN: f64 = 3.65 * DAY;

/// What kind of listing is born, by the market's shares.
pub fn kind(rng: &mut Rng, behaviour: &Behaviour) -> Kind {
    let mut draw = rng.unit();
    for (kind, share) in [
        (Kind::Shops, behaviour.shops_share),
        (Kind::Auction, behaviour.auction_share),
        (Kind::NoPrice, behaviour.no_price_share),
        (Kind::OddPrice, behaviour.odd_price_share),
    ] {
        if draw < share {
            return kind;
        }
        draw -= share;
    }
    Kind::Ordinary
}

/// The whole life of an item created at `created`, in order of time, each change at a later second than the one before.
pub fn live(rng: &mut Rng, created: u32, kind: Kind, profile: &Profile, behaviour: &Behaviour, into: &mut Vec<Change>) {
    let asked = price(rng, profile);
    let shown = if matches!(kind, Kind::NoPrice | Kind::OddPrice) { NO_PRICE } else { asked };
    let mut life = Life { rng, created, changes: into };
    life.changes.push(Change {
        at: created,
        k: created,
        updated: created,
        price: shown,
        state: State::OnSale,
        what: What::Listed,
    });
    let bought = if kind == Kind::Auction { life.auction() } else { life.shelf(kind, asked, profile, behaviour) };
    if let Some(at) = bought {
        life.deal(at, kind, behaviour);
    }
}

fn price(rng: &mut Rng, profile: &Profile) -> u32 {
    let drawn = rng.lognormal(profile.median_price, profile.price_sigma);
    round_price(drawn)
}

fn round_price(yen: f64) -> u32 {
    let step = if yen < 3_000.0 {
        10.0
    } else if yen < 30_000.0 {
        100.0
    } else {
        500.0
    };
    ((yen / step).round() * step).clamp(300.0, 380_000.0) as u32
}

struct Life<'a> {
    rng: &'a mut Rng,
    created: u32,
    changes: &'a mut Vec<Change>,
}

impl Life<'_> {
    fn last(&self) -> Change {
        self.changes[self.changes.len() - 1]
    }

    fn after(&self, from: u32, activity: f64) -> u32 {
        let at = diurnal::advance(i64::from(from), activity.min(f64::from(LIFE)) as i64);
        (at as u32).max(from + 1)
    }

    /// Adds a change unless it would lie after the end of the item's life; says whether it was added.
    fn push(&mut self, at: u32, what: What, state: State, price: u32) -> bool {
        let last = self.last();
        let at = at.max(last.at + 1);
        if at - self.created > LIFE {
            return false;
        }
        let edited = matches!(what, What::Repriced | What::Retitled | What::Restamped);
        let k = if edited { at } else { last.k };
        self.changes.push(Change { at, k, updated: at, price, state, what });
        true
    }

    /// How long until a buyer comes: minutes, hours, days or weeks.
    fn time_to_sell(&mut self) -> f64 {
        let draw = self.rng.unit();
        let (median, sigma) = match draw {
            d if d < 0.14 => (0.3 * HOUR, 0.8),
            d if d < 0.42 => (8.0 * HOUR, 0.9),
            d if d < 0.76 => (3.0 * DAY, 0.9),
            _ => (16.0 * DAY, 0.8),
        };
        self.rng.lognormal(median, sigma).max(25.0)
    }

    fn time_to_delete(&mut self) -> f64 {
        if self.rng.chance(0.25) {
            self.rng.lognormal(0.7 * HOUR, 0.8).max(90.0)
        } else {
            self.rng.lognormal(6.0 * DAY, 1.1)
        }
    }

    /// The time on the shelf at a fixed price; answers when it is bought.
    fn shelf(&mut self, kind: Kind, asked: u32, profile: &Profile, behaviour: &Behaviour) -> Option<u32> {
        let sells = self.rng.chance(profile.sell_through);
        let (sale_wait, delete_wait) = (self.time_to_sell(), self.time_to_delete());
        let bought = sells.then(|| self.after(self.created, sale_wait));
        let deletes = self.rng.chance(behaviour.delete_share);
        let deleted = (!sells && deletes).then(|| self.after(self.created, delete_wait));
        let end = bought.or(deleted).unwrap_or(self.created + LIFE);
        match kind {
            Kind::Shops => self.restamps(end),
            Kind::NoPrice | Kind::OddPrice => self.names_a_price(asked, end),
            _ => self.edits(end, behaviour),
        }
        if let Some(at) = deleted {
            let price = self.last().price;
            self.push(at, What::Deleted, State::Gone, price);
        }
        bought
    }

    fn edits(&mut self, end: u32, behaviour: &Behaviour) {
        let mut at = self.created;
        while self.rng.chance(behaviour.edit_chance) {
            let wait = self.rng.lognormal(2.0 * DAY, 1.4).max(60.0);
            at = self.after(at, wait);
            if at >= end {
                return;
            }
            let price = self.last().price;
            if self.rng.chance(0.7) {
                let lower = round_price(f64::from(price) * (0.80 + 0.17 * self.rng.unit()));
                if lower != price {
                    self.push(at, What::Repriced, State::OnSale, lower);
                }
            } else {
                self.push(at, What::Retitled, State::OnSale, price);
            }
        }
    }

    fn names_a_price(&mut self, asked: u32, end: u32) {
        let wait = self.rng.lognormal(1.0 * DAY, 1.2);
        let at = self.after(self.created, wait);
        if self.rng.chance(0.5) && at < end {
            self.push(at, What::Repriced, State::OnSale, asked);
        }
    }

    fn restamps(&mut self, end: u32) {
        let mut at = self.created;
        for _ in 0..40 {
            let wait = DAY * (0.5 + 4.0 * self.rng.unit());
            at = self.after(at, wait);
            if at >= end {
                return;
            }
            let price = self.last().price;
            self.push(at, What::Restamped, State::OnSale, price);
        }
    }

    /// Bids until the deadline; answers when the winner bought. An auction without a buyer ends.
    fn auction(&mut self) -> Option<u32> {
        let ends = self.created + auction_length(self.created);
        let length = f64::from(ends - self.created);
        let bids = if self.rng.chance(0.7) { 1 + self.rng.below(12) } else { 0 };
        let mut moments: Vec<f64> = (0..bids).map(|_| self.rng.unit()).collect();
        moments.sort_by(f64::total_cmp);
        for moment in moments {
            let last = self.last();
            let raised = round_price(f64::from(last.price) * (1.02 + 0.1 * self.rng.unit())).max(last.price + 10);
            let at = self.created + (length * (1.0 - (1.0 - moment) * (1.0 - moment))) as u32;
            if at.max(last.at + 1) < ends {
                self.push(at, What::Bid, State::OnSale, raised);
            }
        }
        let won = self.last().what == What::Bid && self.rng.chance(0.9);
        if !won {
            let price = self.last().price;
            self.push(ends + 60, What::Deleted, State::Gone, price);
        }
        won.then_some(ends)
    }

    /// The deal after a purchase: shipping, completion, or called off (and perhaps bought again).
    fn deal(&mut self, bought: u32, kind: Kind, behaviour: &Behaviour) {
        let price = self.last().price;
        if kind == Kind::Shops {
            self.push(bought, What::Purchased, State::SoldOut, price);
            return;
        }
        if !self.push(bought, What::Purchased, State::Trading, price) {
            return;
        }
        if self.rng.chance(behaviour.cancel_share) {
            let wait = self.rng.lognormal(14.0 * HOUR, 0.9).max(120.0);
            let at = self.after(bought, wait);
            if self.push(at, What::Cancelled, State::OnSale, price) && self.rng.chance(0.5) {
                let again = self.time_to_sell();
                self.deal(self.after(at, again), kind, behaviour);
            }
            return;
        }
        let done = bought + self.rng.lognormal(COMPLETION_MEDIAN, COMPLETION_SIGMA).clamp(0.3 * DAY, 60.0 * DAY) as u32;
        let wait = self.rng.lognormal(1.0 * DAY, 0.6).max(600.0);
        let shipped = self.after(bought, wait);
        if self.rng.chance(0.7) && shipped < done {
            self.push(shipped, What::Shipped, State::Trading, price);
        }
        self.push(done, What::Completed, State::SoldOut, price);
    }
}

/// Seconds an auction created at `created` runs: one, two or three days.
pub fn auction_length(created: u32) -> u32 {
    86_400 * (1 + created % 3)
}
