//! Item ids as Mercari writes them, each a bijection of (IP, hour, serial), so that an id finds its item without a map.

use crate::rng::{hash, mix};

const SERIAL_BITS: u32 = 12;
const HOUR_BITS: u32 = 14;
const IP_BITS: u32 = 10;
const BITS: u32 = SERIAL_BITS + HOUR_BITS + IP_BITS;
const MASK: u64 = (1 << BITS) - 1;
const FACTOR: u64 = 0x5_d588_b65d;
const BASE: u64 = 10_000_000_000;
const BASE58: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// Items one IP may create in one hour.
pub const MAX_SERIAL: u64 = 1 << SERIAL_BITS;
/// Hours a market may last, history included.
pub const MAX_HOURS: u64 = 1 << HOUR_BITS;
/// IPs of one market.
pub const MAX_IPS: usize = 1 << IP_BITS;

/// Where an item was created: IP index, hour since the IP's history began, serial within the hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// Index of the IP in the market.
    pub ip: u32,
    /// Hour since the start of the IP's history.
    pub hour: u32,
    /// Serial within the hour.
    pub serial: u32,
}

impl Origin {
    fn pack(self) -> u64 {
        u64::from(self.ip) << (HOUR_BITS + SERIAL_BITS) | u64::from(self.hour) << SERIAL_BITS | u64::from(self.serial)
    }

    fn unpack(packed: u64) -> Origin {
        Origin {
            ip: (packed >> (HOUR_BITS + SERIAL_BITS)) as u32,
            hour: (packed >> SERIAL_BITS & (MAX_HOURS - 1)) as u32,
            serial: (packed & (MAX_SERIAL - 1)) as u32,
        }
    }
}

fn scramble(packed: u64, seed: u64) -> u64 {
    let word = packed.wrapping_mul(FACTOR) & MASK;
    let word = word ^ (word >> 17) ^ (mix(seed) & MASK);
    word.wrapping_mul(FACTOR) & MASK
}

fn unscramble(word: u64, seed: u64) -> u64 {
    // Newton's iteration doubles the correct low bits of the inverse of an odd number.
    let inverse = (0..6).fold(1_u64, |x, _| x.wrapping_mul(2_u64.wrapping_sub(FACTOR.wrapping_mul(x))));
    let word = (word.wrapping_mul(inverse) & MASK) ^ (mix(seed) & MASK);
    let word = word ^ (word >> 17) ^ (word >> 34);
    word.wrapping_mul(inverse) & MASK
}

/// The number of an item, unique in the market of this seed.
pub fn number(origin: Origin, seed: u64) -> u64 {
    scramble(origin.pack(), seed)
}

/// `m` and 11 digits, as personal listings have.
pub fn personal(number: u64) -> String {
    format!("m{}", BASE + number)
}

fn base58(mut value: u64, digits: usize) -> String {
    let mut out = vec![b'1'; digits];
    for slot in out.iter_mut().rev() {
        *slot = BASE58[(value % 58) as usize];
        value /= 58;
    }
    out.into_iter().map(char::from).collect()
}

/// 22 base58 characters made of a tag and a number; equal inputs give equal ids.
pub fn base58_22(tag: u64, number: u64) -> String {
    format!("2J{}{}{}", base58(hash(&[tag, number, 1]), 6), base58(hash(&[tag, number, 2]), 6), base58(number, 8))
}

/// The id of a Shops product.
pub fn shops(number: u64) -> String {
    base58_22(0, number)
}

/// True for the 22-character form of Shops products.
pub fn is_shops(id: &str) -> bool {
    id.len() == 22 && id.bytes().all(|b| BASE58.contains(&b))
}

/// The number behind an id, if this crate could have written it.
pub fn parse(id: &str) -> Option<u64> {
    let number = if is_shops(id) {
        let digits = id.as_bytes()[14..].iter();
        digits.fold(0, |sum, b| sum * 58 + BASE58.iter().position(|c| c == b).unwrap_or(0) as u64)
    } else {
        id.strip_prefix('m')?.parse::<u64>().ok()?.checked_sub(BASE)?
    };
    (number <= MASK && (id == personal(number) || id == shops(number))).then_some(number)
}

/// The origin behind a number of the market of this seed.
pub fn origin(number: u64, seed: u64) -> Origin {
    Origin::unpack(unscramble(number, seed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_bijective_and_well_formed() {
        for seed in [0, 1, 0xdead_beef] {
            for (ip, hour, serial) in [(0, 0, 0), (1, 2, 3), (1023, 16_383, 4095), (7, 900, 611), (29, 888, 1)] {
                let from = Origin { ip, hour, serial };
                let n = number(from, seed);
                assert_eq!(origin(n, seed), from);
                assert_eq!(personal(n).len(), 12);
                assert_eq!(parse(&personal(n)), Some(n));
                assert!(is_shops(&shops(n)));
                assert_eq!(parse(&shops(n)), Some(n));
            }
        }
        assert_eq!(parse("m1"), None);
        assert_eq!(parse("2JVoP4vefPkskNLnvGbb9P"), None);
    }
}
