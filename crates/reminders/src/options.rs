//! How reminders behave.

use crate::zone::Zone;
use jiff::civil::Time;
use model::AlertPolicy;
use std::path::PathBuf;
use std::time::Duration;

/// How renewals are watched.
#[derive(Clone, Debug)]
pub struct SubscriptionOptions {
    /// Where the days of a subscription begin that says nothing of it.
    pub zone: Zone,
    /// When in the day people are told, in the subscription's zone; a few minutes later, so that not all are told of
    /// in the same instant.
    pub remind_at: Time,
}

impl Default for SubscriptionOptions {
    fn default() -> Self {
        Self { zone: Zone::jst(), remind_at: Time::constant(9, 0, 0, 0) }
    }
}

/// How mailboxes are scanned.
#[derive(Clone, Debug)]
pub struct MailboxOptions {
    /// Time between two scans of a mailbox that says nothing of it.
    pub interval: Duration,
    /// Messages read in one scan; what is left is read in the next one, soon after. A folder seen for the first time
    /// is read from so many before its end.
    pub max_messages: u32,
    /// Bytes read of one message.
    pub max_message_bytes: u32,
    /// How long one step with the server may take: connecting, logging in, a command.
    pub step_timeout: Duration,
    /// How long a scan may take before it stops at what it has read.
    pub scan_timeout: Duration,
    /// Mails received longer than this before their mailbox was added are kept as hits and told to nobody.
    pub history: Duration,
    /// How long an alert of a mail stays open when nobody acknowledges it.
    pub open_for: Duration,
    /// Words to look for, for mailboxes without their own; empty means the built-in ones.
    pub words: Vec<String>,
    /// Certificates (PEM) of authorities that are trusted beside the platform's.
    pub ca_file: Option<PathBuf>,
    /// When a mailbox that cannot be read is told of. A refused login is told at once.
    pub unreadable: AlertPolicy,
}

impl Default for MailboxOptions {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(3_600),
            max_messages: 1_000,
            max_message_bytes: 256 * 1024,
            step_timeout: Duration::from_secs(60),
            scan_timeout: Duration::from_secs(300),
            history: Duration::from_secs(7 * 86_400),
            open_for: Duration::from_secs(30 * 86_400),
            words: Vec::new(),
            ca_file: None,
            unreadable: AlertPolicy { failure_threshold: 3, ..AlertPolicy::default() },
        }
    }
}
