//! The tables of this crate. All of its SQL is in this folder.

mod channels;
mod claims;
mod deliveries;
mod fan;
mod keep;

pub use channels::{
    ChannelCounts, ChannelDraft, ChannelRow, Origin, add_channel, channel_counts, get_channel, list_channels,
    remove_channel, update_channel,
};
pub(crate) use claims::{Claimed, Due, Settlement, Wait, claim, due, earliest, postpone, settle};
pub use deliveries::{
    DeliveryFilter, DeliveryRow, DeliveryState, Depths, depths, get_delivery, list_deliveries, resend, resend_all,
    sweep,
};
pub use fan::fan_out;
pub use keep::{Kept, keep};

use ::store::{Migration, Sealed};

/// The tables of channels and deliveries; the outbox is the engine's.
pub const MIGRATIONS: &[Migration] =
    &[Migration { name: "notify/001-first", sql: include_str!("../../migrations/001-first.sql") }];

/// Where secrets of channels are kept.
pub const SEALED: &[Sealed] = &[Sealed { table: "channels", column: "config", fingerprint: None }];

/// As many placeholders as there are values.
fn marks<T>(values: &[T]) -> String {
    vec!["?"; values.len()].join(",")
}
