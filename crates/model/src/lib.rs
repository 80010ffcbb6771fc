//! Plain data and rules shared by every part: time and clock, targets, the life of an alert, secrets.
//! No I/O, no async runtime, no SQL.

mod alert;
mod clock;
mod jst;
mod target;
mod time;

pub use alert::{AlertLife, AlertPolicy, AlertStatus, Condition, Notice, NoticeKind, Severity, step};
pub use clock::{Clock, ScaledClock, SharedClock, SteppedClock, SystemClock};
pub use jst::{Period, day_start, hour_start, month_start, next_period, week_start};
pub use target::{TargetId, TargetState, WatchKind};
pub use time::{HOUR, MINUTE, SECOND, Timestamp};
