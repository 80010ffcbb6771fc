//! Deterministic randomness. Only IEEE-exact operations (+ − × ÷) are used, never the platform's libm, so one seed
//! gives the same market on every machine.

use std::f64::consts::LN_2;

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The 64-bit finaliser of SplitMix64 (Steele, Lea, Flood 2014).
pub fn mix(value: u64) -> u64 {
    let a = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let b = (a ^ (a >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    b ^ (b >> 31)
}

/// One hash of several words, different for every order of them.
pub fn hash(words: &[u64]) -> u64 {
    words.iter().fold(GOLDEN, |state, word| mix(state.wrapping_mul(3).wrapping_add(*word).wrapping_add(GOLDEN)))
}

/// A hash of a text (FNV-1a, then mixed).
pub fn hash_text(text: &str) -> u64 {
    let fnv = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    mix(fnv)
}

/// A whole number in 0..bound made of a hash, the same on 32 and 64 bits.
pub fn pick(word: u64, bound: usize) -> usize {
    (word % (bound as u64).max(1)) as usize
}

/// e^x by range reduction to |x| ≤ ln2/2 and a Taylor series of 14 terms.
pub fn exp(x: f64) -> f64 {
    let whole = (x / LN_2).round().clamp(-1000.0, 1000.0);
    let rest = x - whole * LN_2;
    let mut sum = 1.0;
    for n in (1..=14).rev() {
        sum = 1.0 + rest / f64::from(n) * sum;
    }
    let step = if whole < 0.0 { 0.5 } else { 2.0 };
    (0..whole.abs() as u32).fold(sum, |value, _| value * step)
}

/// A SplitMix64 stream.
#[derive(Debug, Clone)]
pub struct Rng(u64);

impl Rng {
    /// A stream that is a pure function of the words.
    pub fn from_words(words: &[u64]) -> Rng {
        Rng(hash(words))
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mix(self.0)
    }

    /// A number in 0..1 with 53 bits.
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True with the given probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// A whole number in 0..bound (0 when bound is 0).
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// A standard normal number: the sum of 12 uniforms less 6 (Irwin-Hall, never beyond ±6).
    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }

    /// A log-normal number with the given median and sigma of its logarithm.
    pub fn lognormal(&mut self, median: f64, sigma: f64) -> f64 {
        median * exp(sigma * self.normal())
    }

    /// A Poisson count (Knuth's product method, in portions of 8 so that e^-λ stays large).
    pub fn poisson(&mut self, mean: f64) -> u64 {
        let mut left = mean;
        let mut count = 0;
        while left > 0.0 {
            let portion = left.min(8.0);
            left -= portion;
            let floor = exp(-portion);
            let mut product = self.unit();
            while product > floor {
                count += 1;
                product *= self.unit();
            }
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_agrees_with_the_standard_library() {
        for i in -200..200 {
            let x = f64::from(i) / 10.0;
            assert!((exp(x) / x.exp() - 1.0).abs() < 1e-12, "{x}");
        }
    }

    #[test]
    fn moments_are_right() {
        let mut rng = Rng::from_words(&[1]);
        let n = 20_000;
        let mean = (0..n).map(|_| rng.poisson(30.0) as f64).sum::<f64>() / f64::from(n);
        assert!((mean - 30.0).abs() < 0.3, "{mean}");
        let mut draws: Vec<f64> = (0..n).map(|_| rng.lognormal(3.65, 0.7587)).collect();
        draws.sort_by(f64::total_cmp);
        assert!((draws[10_000] - 3.65).abs() < 0.15);
        assert!((draws[18_000] - 9.65).abs() < 0.6);
    }
}
