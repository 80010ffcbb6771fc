//! The market's tables. All of its SQL is in this folder.

mod hours;
mod ips;
mod items;
mod ranking;
mod retention;
mod rollups;
mod schedule;

pub use hours::{HourRow, Hours, SaleItem, hours_of, latest_hour, sold_prices, write_hours};
pub use ips::{Ip, IpDraft, IpFilter, IpPatch, add_ip, find_ip_by_name, get_ip, list_ips, update_ip, write_tracking};
pub use items::{ItemFilter, ItemRow, known_on_sale, known_rows, list_items, seen_at_last_crawl, write_items};
pub use ranking::{Flows, flows_by_ip};
pub use retention::sweep;
pub use rollups::{RollupRow, due_for_rollup, forget_rolled, list_rollups, prices_between, roll_up, set_rolled};
pub use schedule::{Overview, Schedule, cover_of_all, names_of, overview, schedule_of, set_interval};

use store::Migration;

/// The market's tables.
pub const MIGRATIONS: &[Migration] =
    &[Migration { name: "market/001-first", sql: include_str!("../../migrations/001-first.sql") }];
