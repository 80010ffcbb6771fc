//! What the answers look like.

use super::Names;
use model::{AlertStatus, Timestamp, WatchKind};
use notify::DeliveryRow;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use store::{AlertCount, AlertRow, OutboxRow};

/// One alert.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Alert")]
pub(super) struct AlertJson {
    id: i64,
    kind: String,
    ref_id: i64,
    target_name: Option<String>,
    /// The words the market has for the two above.
    #[serde(flatten)]
    ip: Option<IpJson>,
    alert_type: String,
    window: String,
    severity: String,
    status: AlertStatus,
    title: String,
    message: String,
    value: Option<f64>,
    opened_at: Timestamp,
    told_at: Option<Timestamp>,
    snoozed_until: Option<Timestamp>,
    resolved_at: Option<Timestamp>,
    acknowledged: bool,
    acknowledged_at: Option<Timestamp>,
    acknowledged_by: Option<String>,
    notices: u64,
}

#[derive(Serialize, JsonSchema)]
struct IpJson {
    ip_id: i64,
    ip_name: Option<String>,
}

impl AlertJson {
    pub(super) fn of(row: AlertRow, names: &Names, notices: &HashMap<i64, u64>) -> Self {
        let kind = WatchKind::parse(&row.kind);
        let name = kind.and_then(|kind| names.get(&(kind, row.ref_id)).cloned());
        let ip = (kind == Some(WatchKind::Market)).then(|| IpJson { ip_id: row.ref_id, ip_name: name.clone() });
        Self {
            id: row.id,
            kind: row.kind,
            ref_id: row.ref_id,
            target_name: name,
            ip,
            alert_type: row.alert_type,
            window: row.window,
            severity: row.severity,
            status: row.life.status,
            title: row.title,
            message: row.message,
            value: row.value,
            opened_at: row.life.opened_at,
            told_at: row.life.told_at,
            snoozed_until: row.life.snoozed_until,
            resolved_at: row.life.resolved_at,
            acknowledged: row.acked_at.is_some(),
            acknowledged_at: row.acked_at,
            acknowledged_by: row.acked_by,
            notices: notices.get(&row.id).copied().unwrap_or(0),
        }
    }
}

/// One alert with its reasons and who was told of it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AlertExplained")]
pub(super) struct Explained {
    #[serde(flatten)]
    pub(super) alert: AlertJson,
    pub(super) why: Why,
    /// Messages about it that are still kept, newest first.
    pub(super) log: Vec<NoticeJson>,
}

/// What was found, and how often in a row.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AlertWhy")]
pub(super) struct Why {
    value: Option<f64>,
    title: String,
    message: String,
    life: LifeJson,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AlertLife")]
struct LifeJson {
    status: AlertStatus,
    failures: u32,
    successes: u32,
    opened_at: Timestamp,
    told_at: Option<Timestamp>,
    snoozed_until: Option<Timestamp>,
    resolved_at: Option<Timestamp>,
    /// How long it has been, or was, in seconds.
    lasting_seconds: u64,
}

impl Why {
    pub(super) fn of(row: &AlertRow, now: Timestamp) -> Self {
        let life = &row.life;
        Self {
            value: row.value,
            title: row.title.clone(),
            message: row.message.clone(),
            life: LifeJson {
                status: life.status,
                failures: life.failures,
                successes: life.successes,
                opened_at: life.opened_at,
                told_at: life.told_at,
                snoozed_until: life.snoozed_until,
                resolved_at: life.resolved_at,
                lasting_seconds: life.resolved_at.unwrap_or(now).since(life.opened_at).as_secs(),
            },
        }
    }
}

/// One message about the alert.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AlertNotice")]
pub(super) struct NoticeJson {
    id: i64,
    notice: String,
    severity: String,
    title: String,
    message: String,
    created_at: Timestamp,
    /// Nobody has looked at it yet.
    waiting: bool,
    deliveries: Vec<DeliveryRow>,
}

/// The messages with their deliveries.
pub(super) fn log(messages: Vec<OutboxRow>, deliveries: Vec<DeliveryRow>) -> Vec<NoticeJson> {
    let mut of_message = HashMap::<i64, Vec<DeliveryRow>>::new();
    for delivery in deliveries {
        of_message.entry(delivery.outbox_id).or_default().push(delivery);
    }
    let notice = |row: OutboxRow| NoticeJson {
        deliveries: of_message.remove(&row.id).unwrap_or_default(),
        waiting: row.state == "waiting",
        id: row.id,
        notice: row.notice,
        severity: row.severity,
        title: row.title,
        message: row.message,
        created_at: row.created_at,
    };
    messages.into_iter().map(notice).collect()
}

/// How much is open.
#[derive(Default, Serialize, JsonSchema)]
#[schemars(rename = "AlertSummary")]
pub(super) struct Summary {
    open: u64,
    pending: u64,
    /// Open and not seen by anybody.
    unacknowledged: u64,
    by_severity: BTreeMap<String, u64>,
    by_kind: BTreeMap<String, u64>,
    by_status: BTreeMap<String, u64>,
}

impl Summary {
    pub(super) fn of(counts: Vec<AlertCount>) -> Self {
        let zero = |words: &[&str]| words.iter().map(|word| ((*word).to_owned(), 0)).collect();
        let mut summary = Self {
            by_severity: zero(&["info", "warning", "critical"]),
            by_status: zero(&["firing", "acked", "snoozed"]),
            ..Self::default()
        };
        for AlertCount { kind, severity, status, count } in counts {
            if status == AlertStatus::Pending.as_str() {
                summary.pending += count;
                continue;
            }
            summary.open += count;
            if status == AlertStatus::Firing.as_str() {
                summary.unacknowledged += count;
            }
            *summary.by_severity.entry(severity).or_default() += count;
            *summary.by_kind.entry(kind).or_default() += count;
            *summary.by_status.entry(status).or_default() += count;
        }
        summary
    }
}
