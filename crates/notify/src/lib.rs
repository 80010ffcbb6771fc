//! Outgoing messages: from the outbox, which an alert is written to in its own transaction, to the channels people chose.
//!
//! outbox row → one delivery for each channel that wants it ([`fan_out`]) → what is due for a channel becomes one
//! [`Message`] → [`Channel::request`] → [`Sender`], through the one SSRF guard → [`Channel::judge`] → sent, tried again
//! or dead. All but the middle and the tables is pure.

mod channel;
mod deliver;
mod destination;
mod error;
mod form;
mod guard;
mod mail;
mod message;
mod observer;
mod quiet;
mod rate;
mod redact;
mod retry;
mod rules;
mod run;
mod seal;
mod secrets;
mod send;
mod shorthand;
mod stated;
mod store;
mod text;
mod wire;

pub use channel::{Channel, ConfigError, HookUrl};
pub use deliver::{DeliverOptions, Deliverer};
pub use destination::Destination;
pub use error::NotifyError;
pub use form::{FORMS, Field, FieldKind, Form, form_of};
pub use guard::{GuardedResolver, Lookup, Reach, Refusal, SystemLookup, check_address, check_url};
pub use message::{Item, Message, MessageKind, Tone};
pub use observer::{Observer, Outcome};
pub use quiet::Quiet;
pub use rate::{Rate, Recent};
pub use retry::{MAX_ATTEMPTS, next_attempt};
pub use rules::Rules;
pub use seal::{SealError, Sealer, Unsealed};
pub use secrets::redacted;
pub use send::{Sender, SenderOptions, Trial};
pub use shorthand::{Stated, read_url};
pub use stated::{StatedError, drafts};
pub use store::{
    ChannelCounts, ChannelDraft, ChannelRow, DeliveryFilter, DeliveryRow, DeliveryState, Depths, Kept, MIGRATIONS,
    Origin, SEALED, add_channel, channel_counts, depths, fan_out, get_channel, get_delivery, keep, list_channels,
    list_deliveries, remove_channel, resend, resend_all, sweep, update_channel,
};
pub use text::Language;
pub use wire::{Answer, MailTls, Prepared, PreparedMail, PreparedRequest, Verdict};
