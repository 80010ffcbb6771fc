//! When a message is tried again. Pure.

use model::{SECOND, Timestamp};
use std::time::Duration;

/// Tries before a delivery is dead.
pub const MAX_ATTEMPTS: u32 = 8;

const FIRST: i64 = 15 * SECOND;
const LONGEST: i64 = 6 * 3_600 * SECOND;

/// When to try again after `attempts` failures: 15 s, 1 min, 4 min … at most 6 h, so that eight tries outlast a night;
/// never before what the other side asked for. `seed` spreads channels that failed together by up to a tenth.
pub fn next_attempt(attempts: u32, after: Option<Duration>, seed: i64, now: Timestamp) -> Timestamp {
    let wait = FIRST.saturating_mul(4_i64.saturating_pow(attempts.saturating_sub(1))).min(LONGEST);
    // Fibonacci hashing: neighbours get far apart.
    let spread = (seed.unsigned_abs().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 57) as i64;
    let backed_off = now.plus(wait + wait / 10 * spread / 128);
    after.map_or(backed_off, |after| backed_off.max(now + after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_the_other_side_is_obeyed() {
        let waits: Vec<i64> = (1..=7).map(|n| next_attempt(n, None, 0, Timestamp(0)).secs()).collect();
        assert_eq!(waits, [15, 60, 240, 960, 3_840, 15_360, 21_600]);
        let asked = Some(Duration::from_secs(71 * 60));
        assert_eq!(next_attempt(1, asked, 0, Timestamp(0)).secs(), 71 * 60);
        assert_eq!(next_attempt(7, Some(Duration::from_secs(1)), 0, Timestamp(0)).secs(), 21_600);
        for seed in 0..1_000 {
            let wait = next_attempt(2, None, seed, Timestamp(0)).millis();
            assert!((60_000..66_000).contains(&wait), "{wait}");
        }
        assert!(next_attempt(u32::MAX, Some(Duration::MAX), i64::MIN, Timestamp(i64::MAX)) >= Timestamp(0));
    }
}
