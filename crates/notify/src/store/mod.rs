//! The tables of this crate. All of its SQL is in this folder.

mod channels;
mod claims;
mod deliveries;
mod fan;

pub use channels::{ChannelDraft, ChannelRow, add_channel, get_channel, list_channels, remove_channel, update_channel};
pub(crate) use claims::{Claimed, Due, Settlement, Wait, claim, due, earliest, postpone, settle};
pub use deliveries::{DeliveryFilter, DeliveryRow, DeliveryState, Depths, depths, list_deliveries, resend, sweep};
pub use fan::fan_out;

use ::store::Migration;

/// The tables of channels and deliveries; the outbox is the engine's.
pub const MIGRATIONS: &[Migration] =
    &[Migration { name: "notify/001-first", sql: include_str!("../../migrations/001-first.sql") }];

/// As many placeholders as there are values.
fn marks<T>(values: &[T]) -> String {
    vec!["?"; values.len()].join(",")
}
