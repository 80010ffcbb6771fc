//! Stepping an alert of a reminder and letting listeners know.

use engine::Event;
use model::{AlertPolicy, Condition, NoticeKind, Timestamp};
use serde_json::json;
use store::{AlertKey, StoreError, Tx, Wording};

/// One look at one alert.
pub(crate) struct Look<'a> {
    pub key: AlertKey<'a>,
    /// The name of the subscription or mailbox.
    pub name: &'a str,
    pub condition: Condition,
    pub wording: Wording,
    pub policy: AlertPolicy,
}

/// Steps the alert; answers an event when people are told.
pub(crate) async fn tell(tx: &mut Tx, look: &Look<'_>, now: Timestamp) -> Result<Option<Event>, StoreError> {
    let Look { key, name, condition, wording, policy } = look;
    let told = store::step_alert(tx, key, *condition, wording, policy, now).await?;
    Ok(told.map(|notice| event(key, name, wording, notice)))
}

fn event(key: &AlertKey<'_>, name: &str, wording: &Wording, notice: NoticeKind) -> Event {
    let data = json!({
        "watch": key.kind, "ref_id": key.ref_id, "name": name, "alert_type": key.alert_type, "window": key.window,
        "notice": notice.as_str(), "severity": wording.severity, "title": wording.title, "message": wording.message,
    });
    Event { name: "alert".into(), data }
}
