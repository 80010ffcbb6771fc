//! The pool of keys: reading lists of them, taking them in, choosing among them, and following their refresh.

pub mod csv;
mod filter;
mod follow;
mod import;
mod parse;
mod totals;

pub use filter::{KeyFilter, MAX_IDS, STATUSES, Selection};
pub use follow::follow;
pub use import::{Import, ImportError, ImportOptions, ImportReport};
pub(crate) use parse::parse_values;
pub use parse::{Entry, Line, LineError, NamedKey, Parser, parse_json};
pub use totals::{Share, Tally, Totals, UnitTotals};
