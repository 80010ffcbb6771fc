//! What a person at a terminal sees.

mod progress;
mod table;

pub use progress::Progress;
pub use table::{Align, Table, fit, grouped};
