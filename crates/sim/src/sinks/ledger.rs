//! The ledger of what arrived. Tests compare with it.

use super::Post;
use super::kind::SinkKind;
use serde::Serialize;

/// Longest part of a body that is kept, bytes.
const MAX_BODY: usize = 64 * 1024;

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Taken, and the sender was told.
    Delivered,
    /// Taken, but the connection ended before the sender was told.
    Unconfirmed,
    /// Not taken: it is wrong, and the sender was told.
    Refused,
    /// Not taken: too many, and the sender was told.
    Busy,
    /// Not taken: status 500.
    Failed,
    /// Not taken: the connection ended.
    Lost,
}

/// A message that arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Received {
    /// Number, from 1.
    pub serial: u64,
    /// When, epoch ms.
    pub at_ms: i64,
    /// Sort of the receiver.
    pub kind: SinkKind,
    /// Its token.
    pub token: String,
    /// What of the path came behind the token, with its slash; empty otherwise.
    pub path: String,
    /// What became of it.
    pub outcome: Outcome,
    /// Whether people see it.
    pub accepted: bool,
    /// Whether the sender was told that it was taken.
    pub told: bool,
    /// The status of the answer; none when the connection ended.
    pub status: Option<u16>,
    /// The body as text, 64 KiB at most.
    pub body: String,
}

impl Received {
    pub(crate) fn new(post: &Post<'_>, serial: u64, at_ms: i64, outcome: Outcome, status: Option<u16>) -> Received {
        let body = post.body.get(..MAX_BODY).unwrap_or(post.body);
        Received {
            serial,
            at_ms,
            kind: post.kind,
            token: post.token.to_owned(),
            path: post.path.to_owned(),
            outcome,
            accepted: matches!(outcome, Outcome::Delivered | Outcome::Unconfirmed),
            told: outcome == Outcome::Delivered,
            status,
            body: String::from_utf8_lossy(body).into_owned(),
        }
    }
}
