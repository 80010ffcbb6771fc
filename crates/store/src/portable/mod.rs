//! All of a database, table by table, the same on each of the three: what tables there are, a consistent reading of
//! them, a digest that does not depend on the order of rows, and the way into another database.

mod copy;
mod digest;
mod load;
mod schema;
mod select;
mod snapshot;

pub use copy::{Copied, CopyError, copy};
pub use digest::TableDigest;
pub use load::{UNFINISHED, drop_tables, finish, is_empty, load, set_unfinished, unfinished};
pub use schema::{Column, ColumnKind, Table, applied, foreign, tables};
pub use select::Selection;
pub use snapshot::Snapshot;
