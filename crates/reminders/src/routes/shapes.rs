//! Rows as the API shows them. Secrets are never among them.

use crate::ahead::Ahead;
use crate::cycle::CycleType;
use crate::standing::Standing;
use crate::store::{Auth, HitRow, Mailbox, Subscription, Tls};
use jiff::civil::Date;
use model::Timestamp;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use schemars::JsonSchema;
use serde::Serialize;
use std::time::Duration;
use store::TargetRow;

/// A date as JSON has it.
pub(super) fn shown(date: Option<Date>) -> Option<String> {
    date.map(|d| d.to_string())
}

/// A subscription and where it stands.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Subscription")]
pub(super) struct SubscriptionJson {
    id: i64,
    name: String,
    owner_project: String,
    cycle_type: CycleType,
    renewal_day: i64,
    alert_days_before: Ahead,
    amount: Option<String>,
    currency: String,
    time_zone: String,
    last_renewed_date: Option<String>,
    end_date: Option<String>,
    notes: String,
    enabled: bool,
    #[schemars(extend("enum" = ["paused", "ended", "renewed", "due", "upcoming"]))]
    status: &'static str,
    days_until_renewal: Option<i64>,
    next_renewal_date: Option<String>,
    next_reminder_date: Option<String>,
    already_renewed: bool,
    need_alert: bool,
    next_check_at: Option<Timestamp>,
    last_checked_at: Option<Timestamp>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl SubscriptionJson {
    pub(super) fn of(row: Subscription, standing: &Standing, target: Option<&TargetRow>) -> Self {
        let draft = row.draft;
        let enabled = draft.enabled;
        Self {
            id: row.id,
            name: draft.name,
            owner_project: draft.project,
            cycle_type: draft.terms.cycle.kind(),
            renewal_day: draft.terms.cycle.day(),
            alert_days_before: draft.terms.ahead,
            amount: draft.amount.map(|a| a.to_string()),
            currency: draft.currency,
            time_zone: draft.zone.name().to_owned(),
            last_renewed_date: shown(draft.terms.last_renewed),
            end_date: shown(draft.terms.end),
            notes: draft.notes,
            enabled,
            status: status(standing, enabled),
            days_until_renewal: standing.days,
            next_renewal_date: shown(standing.next),
            next_reminder_date: shown(standing.next_reminder).filter(|_| enabled),
            already_renewed: standing.renewed,
            need_alert: enabled && standing.reminder.is_some(),
            next_check_at: target.filter(|_| enabled).map(|t| t.next_due),
            last_checked_at: row.checked_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

const fn status(standing: &Standing, enabled: bool) -> &'static str {
    match standing {
        _ if !enabled => "paused",
        Standing { next: None, .. } => "ended",
        Standing { renewed: true, .. } => "renewed",
        Standing { reminder: Some(_), .. } => "due",
        _ => "upcoming",
    }
}

/// A subscription in the shape of the system replaced; its amounts were numbers.
#[derive(Serialize, JsonSchema)]
pub(super) struct OldSubscription {
    id: i64,
    name: String,
    owner_project: String,
    cycle_type: CycleType,
    renewal_day: i64,
    days_until_renewal: Option<i64>,
    next_renewal_date: Option<String>,
    amount: Option<f64>,
    currency: String,
    alert_days_before: Ahead,
    last_renewed_date: Option<String>,
    enabled: bool,
    already_renewed: bool,
    need_alert: bool,
}

impl OldSubscription {
    pub(super) fn of(row: Subscription, standing: &Standing) -> Self {
        let draft = row.draft;
        Self {
            id: row.id,
            name: draft.name,
            owner_project: draft.project,
            cycle_type: draft.terms.cycle.kind(),
            renewal_day: draft.terms.cycle.day(),
            days_until_renewal: standing.days,
            next_renewal_date: shown(standing.next),
            amount: draft.amount.as_ref().and_then(Decimal::to_f64),
            currency: draft.currency,
            alert_days_before: draft.terms.ahead,
            last_renewed_date: shown(draft.terms.last_renewed),
            enabled: draft.enabled,
            already_renewed: standing.renewed,
            need_alert: draft.enabled && standing.reminder.is_some(),
        }
    }
}

/// A mailbox and what came of reading it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Mailbox")]
pub(super) struct MailboxJson {
    id: i64,
    name: String,
    host: String,
    port: u16,
    tls: Tls,
    auth: Auth,
    username: String,
    has_secret: bool,
    folder: String,
    /// Null: the general ones.
    words: Option<Vec<String>>,
    allow_private: bool,
    interval_seconds: u64,
    enabled: bool,
    /// Null before the first scan.
    readable: Option<bool>,
    last_scan_at: Option<Timestamp>,
    last_good_at: Option<Timestamp>,
    last_took_ms: Option<u64>,
    last_error: Option<String>,
    next_scan_at: Option<Timestamp>,
    scans: i64,
    failed_scans: i64,
    scanned: i64,
    hits: i64,
    uidvalidity: Option<u32>,
    last_uid: Option<u32>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl MailboxJson {
    pub(super) fn of(row: Mailbox, target: Option<&TargetRow>) -> Self {
        let (draft, scan) = (row.draft, row.scan);
        Self {
            id: row.id,
            name: draft.name,
            host: draft.host,
            port: draft.port,
            tls: draft.tls,
            auth: draft.auth,
            username: draft.username,
            has_secret: !draft.sealed.is_empty(),
            folder: draft.folder,
            words: draft.words,
            allow_private: draft.allow_private,
            interval_seconds: draft.interval.as_secs(),
            enabled: draft.enabled,
            readable: scan.last_at.map(|_| scan.error.is_none()),
            last_scan_at: scan.last_at,
            last_good_at: scan.last_good_at,
            last_took_ms: scan.took.map(millis),
            last_error: scan.error,
            next_scan_at: target.filter(|_| draft.enabled).map(|t| t.next_due),
            scans: scan.scans,
            failed_scans: scan.failed,
            scanned: scan.scanned,
            hits: scan.hits,
            uidvalidity: row.mark.map(|m| m.uidvalidity),
            last_uid: row.mark.map(|m| m.last_uid),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// A mail with billing words.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "MailboxHit")]
pub(super) struct HitJson {
    id: i64,
    message_id: String,
    received_at: Option<Timestamp>,
    found_at: Timestamp,
    sender: String,
    subject: String,
    service: String,
    amount: Option<String>,
    currency: Option<String>,
    words: Vec<String>,
    alerted: bool,
}

impl From<HitRow> for HitJson {
    fn from(row: HitRow) -> Self {
        let hit = row.hit;
        Self {
            id: row.id,
            message_id: hit.message_id,
            received_at: hit.received_at,
            found_at: row.found_at,
            sender: hit.sender,
            subject: hit.subject,
            service: hit.service,
            amount: hit.amount.map(|a| a.to_string()),
            currency: hit.currency,
            words: hit.words,
            alerted: row.alerted,
        }
    }
}
