//! An item's life as a list of changes. Seconds are Unix seconds.

use serde::Serialize;

/// The price Mercari shows where there is none.
pub const NO_PRICE: u32 = 9_999_999;

/// What kind of listing an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A personal listing at a fixed price.
    Ordinary,
    /// A personal listing without a price (`isNoPrice`), until the seller names one.
    NoPrice,
    /// A personal listing whose price reads 9999999 although `isNoPrice` is false.
    OddPrice,
    /// A personal listing sold to the highest bidder.
    Auction,
    /// A product of Mercari Shops (`ITEM_TYPE_BEYOND`).
    Shops,
}

/// Where an item stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// To be bought.
    OnSale,
    /// Bought, the deal not completed.
    Trading,
    /// The deal is completed.
    SoldOut,
    /// Deleted by the seller: no search shows it.
    Gone,
}

/// What happened to an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// First listed.
    Listed,
    /// The seller changed the price.
    Repriced,
    /// The seller changed the title.
    Retitled,
    /// A Shops product was stamped anew and shows up as if just created.
    Restamped,
    /// A bid on an auction.
    Bid,
    /// Bought.
    Purchased,
    /// A step of the deal after the purchase (shipping).
    Shipped,
    /// The deal is done.
    Completed,
    /// The deal was called off, the item is on sale again.
    Cancelled,
    /// Deleted by the seller.
    Deleted,
}

/// One step of an item's life, with everything that holds from `at` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Change {
    /// When it happened.
    pub at: u32,
    /// The sort key from now on: the time of the last listing or edit.
    pub k: u32,
    /// The `updated` from now on.
    pub updated: u32,
    /// The price in yen from now on.
    pub price: u32,
    /// Where the item stands from now on.
    pub state: State,
    /// What happened.
    pub what: What,
}

impl Change {
    /// True when a purchase at this change belongs in price statistics of personal sales.
    pub fn counts_in_prices(&self, kind: Kind) -> bool {
        self.what == What::Purchased && !matches!(kind, Kind::Auction | Kind::Shops) && self.price != NO_PRICE
    }
}

/// An item as it is kept: everything else is derived from `number` and its changes.
#[derive(Debug, Clone, Copy)]
pub struct Item {
    /// The number its id is made of.
    pub number: u64,
    /// First listed.
    pub created: u32,
    /// Index of its first change.
    pub first_change: u32,
    /// How many changes it has.
    pub changes: u16,
    /// What kind of listing it is.
    pub kind: Kind,
}

/// The truth about one item.
#[derive(Debug, Clone, Serialize)]
pub struct ItemTruth {
    /// The id as search shows it.
    pub id: String,
    /// The keyword of its IP.
    pub keyword: String,
    /// What kind of listing it is.
    pub kind: Kind,
    /// First listed.
    pub created: u32,
    /// Every purchase, also one called off later.
    pub purchases: Vec<u32>,
    /// When the seller deleted it.
    pub deleted: Option<u32>,
    /// Its whole life in order of time.
    pub changes: Vec<Change>,
}
