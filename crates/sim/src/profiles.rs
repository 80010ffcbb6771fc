//! The IPs of a market: their names and temperatures.

use crate::rng::{exp, hash};
use serde::{Deserialize, Serialize};

/// One IP and how lively its market is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// Japanese name; the search keyword.
    pub name: String,
    /// English name.
    pub name_en: String,
    /// Chinese name.
    pub name_cn: String,
    /// anime, game, vocaloid, character or vtuber.
    pub category: String,
    /// Free tags.
    pub tags: Vec<String>,
    /// Mean listings per hour over the day, Shops included.
    pub listings_per_hour: f64,
    /// Share of fixed-price listings that are bought in the end, 0–1.
    pub sell_through: f64,
    /// Median asking price in yen.
    pub median_price: f64,
    /// Sigma of the logarithm of the asking price.
    pub price_sigma: f64,
}

impl Profile {
    /// A profile with a name and a temperature, and everything else middling.
    pub fn named(name: &str, listings_per_hour: f64, sell_through: f64) -> Profile {
        Profile {
            name: name.to_owned(),
            name_en: name.to_owned(),
            name_cn: name.to_owned(),
            category: "anime".to_owned(),
            tags: Vec::new(),
            listings_per_hour,
            sell_through,
            median_price: 1_800.0,
            price_sigma: 0.9,
        }
    }
}

type Known = (&'static str, &'static str, &'static str, &'static str, &'static str, f64, f64, f64);

/// name, name_en, name_cn, category, tags, listings per hour, sell-through, median price.
const KNOWN: [Known; 20] = [
    ("初音ミク", "Hatsune Miku", "初音未来", "vocaloid", "vocaloid,music", 60.0, 0.42, 2400.0),
    ("鬼滅の刃", "Demon Slayer", "鬼灭之刃", "anime", "shonen,jump", 140.0, 0.30, 1200.0),
    ("呪術廻戦", "Jujutsu Kaisen", "咒术回战", "anime", "shonen,jump", 120.0, 0.32, 1300.0),
    ("ハイキュー!!", "Haikyu!!", "排球少年!!", "anime", "shonen,jump,sports", 90.0, 0.36, 1100.0),
    ("SPY×FAMILY", "SPY x FAMILY", "间谍过家家", "anime", "shonen,comedy", 30.0, 0.27, 1300.0),
    ("ぼっち・ざ・ろっく!", "Bocchi the Rock!", "孤独摇滚!", "anime", "music,comedy", 12.0, 0.40, 2100.0),
    ("Re:ゼロから始める異世界生活", "Re:Zero", "Re:从零开始的异世界生活", "anime", "isekai,figure", 0.8, 0.33, 2600.0),
    ("Fate/Grand Order", "Fate/Grand Order", "命运/冠位指定", "game", "mobile,figure", 30.0, 0.29, 2500.0),
    ("原神", "Genshin Impact", "原神", "game", "mobile,hoyoverse", 40.0, 0.38, 1900.0),
    ("ウマ娘", "Uma Musume", "赛马娘", "game", "mobile,cygames", 28.0, 0.35, 1800.0),
    ("ブルーアーカイブ", "Blue Archive", "蔚蓝档案", "game", "mobile,yostar", 18.0, 0.45, 2700.0),
    ("ちいかわ", "Chiikawa", "吉伊卡哇", "character", "kawaii,plush", 320.0, 0.38, 1500.0),
    ("ポケモン", "Pokémon", "宝可梦", "game", "nintendo,cards", 600.0, 0.19, 1600.0),
    ("ワンピース", "One Piece", "海贼王", "anime", "shonen,jump,cards", 260.0, 0.28, 1700.0),
    ("名探偵コナン", "Detective Conan", "名侦探柯南", "anime", "mystery,sunday", 75.0, 0.31, 1200.0),
    ("推しの子", "Oshi no Ko", "我推的孩子", "anime", "idol,drama", 2.0, 0.30, 1300.0),
    ("ホロライブ", "hololive", "hololive", "vtuber", "vtuber,cover", 55.0, 0.37, 2200.0),
    ("進撃の巨人", "Attack on Titan", "进击的巨人", "anime", "dark,action", 20.0, 0.28, 1500.0),
    ("チェンソーマン", "Chainsaw Man", "电锯人", "anime", "shonen,jump", 5.0, 0.34, 1600.0),
    ("葬送のフリーレン", "Frieren: Beyond Journey's End", "葬送的芙莉莲", "anime", "fantasy,sunday", 9.0, 0.43, 2300.0),
];

/// Twenty well-known titles, from quiet to the hottest (600 listings an hour); names are public knowledge, the numbers made up.
pub fn well_known() -> Vec<Profile> {
    KNOWN
        .iter()
        .map(|(name, name_en, name_cn, category, tags, rate, sell_through, median)| Profile {
            name_en: (*name_en).to_owned(),
            name_cn: (*name_cn).to_owned(),
            category: (*category).to_owned(),
            tags: tags.split(',').map(str::to_owned).collect(),
            median_price: *median,
            ..Profile::named(name, *rate, *sell_through)
        })
        .collect()
}

/// `n` made-up IPs from very quiet (0.05 listings an hour) to very hot (600) in a geometric row.
pub fn spread(n: usize) -> Vec<Profile> {
    const LN_RATIO: f64 = 9.392_661_928_770_137; // ln(600 / 0.05)
    const KINDS: [&str; 5] = ["anime", "game", "vocaloid", "character", "vtuber"];
    (0..n)
        .map(|i| {
            let place = if n > 1 { i as f64 / (n - 1) as f64 } else { 0.5 };
            let rate = 0.05 * exp(LN_RATIO * place);
            let word = hash(&[i as u64, 77]);
            let sell_through = 0.42 - 0.24 * place + 0.04 * (word % 1000) as f64 / 1000.0;
            Profile {
                name: format!("架空作品{:02}", i + 1),
                name_en: format!("Imaginary Work {:02}", i + 1),
                name_cn: format!("虚构作品{:02}", i + 1),
                category: KINDS[i % KINDS.len()].to_owned(),
                tags: vec!["spread".to_owned()],
                median_price: 700.0 + (word >> 20) as f64 % 3500.0,
                ..Profile::named("", rate, sell_through)
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spread_is_geometric() {
        let all = spread(30);
        assert!((all[0].listings_per_hour - 0.05).abs() < 1e-9);
        assert!((all[29].listings_per_hour - 600.0).abs() < 1e-6);
        let ratio = all[1].listings_per_hour / all[0].listings_per_hour;
        assert!(all.windows(2).all(|w| (w[1].listings_per_hour / w[0].listings_per_hour / ratio - 1.0).abs() < 1e-9));
    }

    #[test]
    fn well_known_names_are_unique_and_whole() {
        let all = well_known();
        let mut names: Vec<&str> = all.iter().map(|p| p.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 20);
        assert!(all.iter().all(|p| !p.name_en.is_empty() && !p.name_cn.is_empty() && !p.tags.is_empty()));
    }
}
