//! The dress of a row: title, seller, category, pictures. All of it is derived from the item's number.

use crate::book::{Book, item_id};
use crate::ids;
use crate::item::{Change, Item, Kind, NO_PRICE, State, What};
use crate::life::auction_length;
use crate::market::Market;
use crate::rng::{hash, pick};
use crate::search::{Hit, shown_created};

const GOODS: [(&str, u32); 16] = [
    ("アクリルスタンド", 1_386),
    ("缶バッジ", 1_385),
    ("フィギュア", 82),
    ("ぬいぐるみ", 1_384),
    ("ラバーストラップ", 1_387),
    ("クリアファイル", 1_388),
    ("タペストリー", 1_389),
    ("ポスター", 1_390),
    ("一番くじ", 1_391),
    ("カード まとめ売り", 1_289),
    ("Tシャツ", 302),
    ("CD 初回限定盤", 75),
    ("Blu-ray", 72),
    ("コミック 全巻セット", 69),
    ("キーホルダー", 1_392),
    ("複製原画", 1_393),
];
const NOTES: [&str; 10] =
    ["新品未開封", "美品", "限定", "非売品", "送料無料", "匿名配送", "2個セット", "未使用", "箱なし", "まとめ売り"];
const EDITS: [&str; 4] = ["【値下げ】", "【最終価格】", "【即購入可】", "【本日限定】"];
const BRANDS: [(u32, &str, &str); 6] = [
    (1_326, "バンダイ", "BANDAI"),
    (4_411, "グッドスマイルカンパニー", "GOOD SMILE COMPANY"),
    (8_807, "セガ", "SEGA"),
    (1_338, "タイトー", "TAITO"),
    (9_214, "バンプレスト", "BANPRESTO"),
    (1_372, "コトブキヤ", "KOTOBUKIYA"),
];

/// The state of an auction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auction {
    /// When it ends, Unix seconds.
    pub deadline: i64,
    /// Nanoseconds of the deadline (some carry them).
    pub deadline_nanos: u32,
    /// How many bids.
    pub total_bid: u32,
    /// The highest bid in yen.
    pub highest_bid: u32,
    /// The first price in yen.
    pub initial_price: u32,
}

/// One row of a search answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// `m…` or 22 base58 characters.
    pub id: String,
    /// The seller; 0 for most Shops products.
    pub seller_id: u64,
    /// Where the item stands.
    pub state: State,
    /// The title.
    pub name: String,
    /// The price in yen as shown.
    pub price: u32,
    /// First listed, or the last stamp of a Shops product; Unix seconds.
    pub created: i64,
    /// Last edit, bid, purchase or step of the deal; Unix seconds.
    pub updated: i64,
    /// True for ITEM_TYPE_BEYOND.
    pub shops: bool,
    /// The shop of a Shops product.
    pub shop_id: Option<String>,
    /// Condition, 1–6.
    pub condition: u8,
    /// Who pays shipping: 1 buyer, 2 seller, 0 Shops.
    pub shipping_payer: u8,
    /// The shipping method.
    pub shipping_method: u8,
    /// The category.
    pub category: u32,
    /// Brand id, name and sub-name.
    pub brand: Option<(u32, &'static str, &'static str)>,
    /// True for a listing without a price.
    pub no_price: bool,
    /// The auction, when asked for.
    pub auction: Option<Auction>,
    /// When the pictures were last changed, Unix seconds.
    pub picture_stamp: i64,
}

/// The title of an item after what it has lived through: a retitling changes it.
pub(crate) fn title(number: u64, lived: &[Change], keyword: &str, seed: u64) -> String {
    let word = hash(&[seed, number, 0x717]);
    let (goods, _) = GOODS[pick(word, GOODS.len())];
    let note = NOTES[pick(word >> 8, NOTES.len())];
    let retitled = lived.iter().filter(|c| c.what == What::Retitled).count();
    let edit = if retitled == 0 { "" } else { EDITS[pick((word >> 16) + retitled as u64, EDITS.len())] };
    format!("{edit}{keyword} {goods} {note}")
}

fn auction_of(book: &Book, item: &Item, change: &Change) -> Auction {
    let lived = book.lived(item, change.at);
    let length = i64::from(auction_length(item.created));
    let created = i64::from(item.created);
    Auction {
        deadline: created + length,
        deadline_nanos: if item.number.is_multiple_of(3) { (hash(&[item.number]) % 1_000_000_000) as u32 } else { 0 },
        total_bid: lived.iter().filter(|c| c.what == What::Bid).count() as u32,
        highest_bid: change.price,
        initial_price: lived.first().map_or(change.price, |c| c.price),
    }
}

impl Market {
    /// Dresses a hit as the row search shows.
    pub(crate) fn row(&self, book: &Book, ip: usize, hit: &Hit<'_>, with_auction: bool) -> Row {
        let (item, change, seed) = (book.item(hit.item), hit.change, self.config().seed);
        let look = hash(&[seed, item.number, 0x100c]);
        let shops = item.kind == Kind::Shops;
        let auction = item.kind == Kind::Auction;
        let hidden = auction && !with_auction && look.is_multiple_of(5);
        let (_, category) = GOODS[pick(hash(&[seed, item.number, 0x717]), GOODS.len())];
        Row {
            id: item_id(item),
            seller_id: if shops && look % 100 < 73 { 0 } else { 100_000_000 + look % 890_000_000 },
            state: change.state,
            name: title(item.number, book.lived(item, change.at), &self.config().profiles[ip].name, seed),
            price: if hidden { NO_PRICE } else { change.price },
            created: i64::from(shown_created(item, change)),
            updated: i64::from(change.updated),
            shops,
            shop_id: shops.then(|| ids::base58_22(9, look % 5_000)),
            condition: 1 + ((look >> 8) % 6) as u8,
            shipping_payer: if shops { 0 } else { 1 + u8::from(!(look >> 16).is_multiple_of(10)) },
            shipping_method: if shops { 0 } else { [14, 17, 5, 8][pick(look >> 24, 4)] },
            category,
            brand: (look >> 32).is_multiple_of(3).then(|| BRANDS[pick(look >> 40, BRANDS.len())]),
            no_price: item.kind == Kind::NoPrice && change.price == NO_PRICE,
            auction: (auction && with_auction).then(|| auction_of(book, item, change)),
            picture_stamp: i64::from(item.created),
        }
    }
}
