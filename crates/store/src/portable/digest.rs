//! The digest of a table: the number of its rows and the sum, modulo 2^256, of the SHA-256 of each. Databases order
//! texts each in its own way, so it must not depend on the order. It finds accidents; it is no signature.

use crate::value::Value;
use aws_lc_rs::digest::{Context, SHA256};
use std::fmt;

/// What a table holds, in 40 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableDigest {
    /// How many rows.
    pub rows: u64,
    /// The sum, its highest word first.
    sum: [u64; 4],
}

impl TableDigest {
    /// Counts a row in.
    pub fn add(&mut self, row: &[Value]) {
        let mut context = Context::new(&SHA256);
        for value in row {
            match value {
                Value::Int(v) => {
                    context.update(b"i");
                    context.update(&v.to_be_bytes());
                }
                Value::Real(v) => {
                    // Minus zero comes back as zero from some databases, and means nothing else.
                    let v = if *v == 0.0 { 0.0 } else { *v };
                    context.update(b"r");
                    context.update(&v.to_bits().to_be_bytes());
                }
                Value::Text(v) => {
                    context.update(b"t");
                    context.update(&(v.len() as u64).to_be_bytes());
                    context.update(v.as_bytes());
                }
                Value::NullInt | Value::NullReal | Value::NullText => context.update(b"n"),
            }
        }
        let hash = context.finish();
        let mut carry = false;
        for (word, bytes) in self.sum.iter_mut().zip(hash.as_ref().chunks_exact(8)).rev() {
            let more = bytes.iter().fold(0_u64, |n, b| (n << 8) | u64::from(*b));
            let (sum, over) = word.overflowing_add(more);
            let (sum, again) = sum.overflowing_add(u64::from(carry));
            (*word, carry) = (sum, over || again);
        }
        self.rows += 1;
    }
}

impl fmt::Display for TableDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sum.iter().try_for_each(|word| write!(f, "{word:016x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args;

    fn of(rows: &[Vec<Value>]) -> TableDigest {
        let mut digest = TableDigest::default();
        rows.iter().for_each(|row| digest.add(row));
        digest
    }

    #[test]
    fn it_depends_on_every_row_and_not_on_their_order() {
        let (a, b) = (args![1_i64, "x", 0.5], args![2_i64, "y", None::<f64>]);
        assert_eq!(of(&[a.clone(), b.clone()]), of(&[b.clone(), a.clone()]));
        assert_ne!(of(&[a.clone(), b.clone()]), of(std::slice::from_ref(&a)));
        assert_ne!(of(&[a.clone(), a.clone()]), of(&[b.clone(), b.clone()]), "two of the same do not cancel out");
        assert_ne!(of(&[args!["ab", "c"]]), of(&[args!["a", "bc"]]));
        assert_ne!(of(&[args![0_i64]]), of(&[args![None::<i64>]]), "unknown is never zero");
        assert_ne!(of(&[args![""]]), of(&[args![None::<&str>]]));
        assert_eq!(of(&[args![-0.0]]), of(&[args![0.0]]));
        assert_eq!(of(&[a]).to_string().len(), 64);
    }
}
