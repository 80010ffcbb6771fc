//! Statements over long lists: `… IN (@LIST@)`.
//!
//! A list goes to the database in pieces of a few lengths, the last filled up with its last value, so that the same
//! statements come again and stay prepared. To prepare a statement for each list costs more than to run it, and MySQL's
//! driver then says good-bye to it in a packet that nobody answers: the next one waits 40 ms for that one's
//! acknowledgement (Nagle's algorithm against delayed acknowledgements, RFC 1122 4.2.3.2 and 4.2.3.4).

use crate::dialect::Dialect;
use crate::error::StoreError;
use crate::handle::{Store, Tx};
use crate::row::Row;
use crate::value::Value;

/// The word in a statement for which the list stands.
const LIST: &str = "@LIST@";

/// The longest is below 1,000: MariaDB makes a join of lists from there on (in_predicate_conversion_threshold), which took
/// twice as long.
const LENGTHS: [usize; 6] = [8, 24, 64, 160, 400, LONGEST];
const LONGEST: usize = 900;

/// Numbers or texts as a list of arguments.
pub fn list<T: Clone + Into<Value>>(values: &[T]) -> Vec<Value> {
    values.iter().cloned().map(Into::into).collect()
}

impl Store {
    /// Reads with `@LIST@` of `sql` standing for `list`, which comes after `before` among the arguments, as
    /// [`Tx::query_listed`] does.
    pub async fn query_listed(&self, sql: &str, before: Vec<Value>, list: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        let mut rows = Vec::new();
        for piece in pieces(list) {
            let sql = worded(self.dialect(), sql, piece.len());
            rows.extend(self.read(sql, true, [before.as_slice(), &piece].concat()).await?);
        }
        Ok(rows)
    }
}

impl Tx {
    /// Reads with `@LIST@` of `sql` standing for `list`, which comes after `before` among the arguments: the rows of all
    /// its pieces. A value that is twice in the list may bring its rows twice.
    pub async fn query_listed(
        &mut self,
        sql: &str,
        before: Vec<Value>,
        list: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        let mut rows = Vec::new();
        for piece in pieces(list) {
            let sql = worded(self.dialect(), sql, piece.len());
            rows.extend(self.read(sql, true, [before.as_slice(), &piece].concat()).await?);
        }
        Ok(rows)
    }

    /// Runs a statement with `@LIST@` of `sql` standing for `list`, which comes after `before` among the arguments; answers
    /// the number of rows it matched.
    pub async fn exec_listed(&mut self, sql: &str, before: Vec<Value>, list: Vec<Value>) -> Result<u64, StoreError> {
        let mut matched = 0;
        for piece in pieces(list) {
            let sql = worded(self.dialect(), sql, piece.len());
            matched += self.run(sql, true, [before.as_slice(), &piece].concat()).await?;
        }
        Ok(matched)
    }
}

/// The statement for a list of `n` values.
fn worded(dialect: Dialect, sql: &str, n: usize) -> String {
    dialect.translate(&sql.replace(LIST, &vec!["?"; n].join(",")))
}

/// The list in pieces of the known lengths.
fn pieces(list: Vec<Value>) -> impl Iterator<Item = Vec<Value>> {
    let mut list = list.into_iter();
    std::iter::from_fn(move || {
        let mut piece: Vec<Value> = list.by_ref().take(LONGEST).collect();
        let last = piece.last()?.clone();
        let length = LENGTHS.into_iter().find(|length| *length >= piece.len()).unwrap_or(LONGEST);
        piece.resize(length, last);
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_hold_every_value_and_have_few_lengths() {
        for n in [0, 1, 7, 8, 9, 63, 64, 255, 700, 899, 900, 1_200, 2_345] {
            let list: Vec<Value> = (0..n).map(Value::Int).collect();
            let fewest = list.len().div_ceil(LONGEST);
            let pieces: Vec<_> = pieces(list.clone()).collect();
            assert!(pieces.iter().all(|piece| LENGTHS.contains(&piece.len())), "{n}");
            let mut all = pieces.concat();
            all.dedup();
            assert_eq!((all, pieces.len()), (list, fewest), "{n}");
        }
    }
}
