//! Statements over long lists: `… IN (@LIST@)`.
//!
//! A list goes to the database in pieces of a few lengths, the last filled up with its last value, so that the same
//! statements come again and stay prepared. To prepare a statement for each list costs more than to run it, and MySQL's
//! driver then says good-bye to it in a packet that nobody answers: the next one waits 40 ms for that one's
//! acknowledgement (Nagle's algorithm against delayed acknowledgements, RFC 1122 4.2.3.2 and 4.2.3.4).

use crate::error::StoreError;
use crate::handle::{Store, Tx};
use crate::row::Row;
use crate::value::Value;

/// The word in a statement for which the list stands.
const LIST: &str = "@LIST@";

/// Below 1,000: MariaDB makes a join of longer lists (in_predicate_conversion_threshold), which took twice as long.
const LENGTHS: [usize; 4] = [900, 256, 64, 8];

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
            let sql = self.dialect().translate(&sql.replace(LIST, &marks(piece.len())));
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
            let sql = self.dialect().translate(&sql.replace(LIST, &marks(piece.len())));
            rows.extend(self.read(sql, true, [before.as_slice(), &piece].concat()).await?);
        }
        Ok(rows)
    }

    /// Runs a statement with `@LIST@` of `sql` standing for `list`, which comes after `before` among the arguments; answers
    /// the number of rows it matched.
    pub async fn exec_listed(&mut self, sql: &str, before: Vec<Value>, list: Vec<Value>) -> Result<u64, StoreError> {
        let mut matched = 0;
        for piece in pieces(list) {
            let sql = self.dialect().translate(&sql.replace(LIST, &marks(piece.len())));
            matched += self.run(sql, true, [before.as_slice(), &piece].concat()).await?;
        }
        Ok(matched)
    }
}

fn marks(n: usize) -> String {
    vec!["?"; n].join(",")
}

/// The list in pieces of the known lengths.
fn pieces(list: Vec<Value>) -> Vec<Vec<Value>> {
    let mut list = list.into_iter();
    let mut pieces = Vec::new();
    while list.len() > 0 {
        let fits = LENGTHS.into_iter().find(|length| *length <= list.len());
        let mut piece: Vec<Value> = list.by_ref().take(fits.unwrap_or(usize::MAX)).collect();
        let (length, last) = (LENGTHS.into_iter().rev().find(|length| *length >= piece.len()), piece.last().cloned());
        if let (Some(length), Some(last)) = (length, last) {
            piece.resize(length, last);
        }
        pieces.push(piece);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_hold_every_value_and_have_few_lengths() {
        for n in [0, 1, 7, 8, 9, 63, 64, 255, 700, 899, 900, 1_200, 2_345] {
            let list: Vec<Value> = (0..n).map(Value::Int).collect();
            let pieces = pieces(list.clone());
            assert!(pieces.iter().all(|piece| LENGTHS.contains(&piece.len())), "{n}");
            let mut all = pieces.concat();
            all.dedup();
            assert_eq!(all, list, "{n}");
        }
    }
}
