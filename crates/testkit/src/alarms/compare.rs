//! What had to be told against what was taken. Pure.

use super::{Fate, Notice, Post};
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// How long after its answer the write that follows may still not be there: a kill within it is the one moment in which
/// a message can be sent twice.
const WINDOW: Duration = Duration::from_millis(150);

/// A message without an end was the last of its sender, who died within this time.
const LOST: Duration = Duration::from_millis(500);

/// When a process was killed: the signal was given and the process was gone within this time.
#[derive(Clone, Copy, Debug)]
pub struct Kill {
    /// Before the signal.
    pub from: Instant,
    /// When it was gone.
    pub to: Instant,
}

/// What came of the notices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Notices in the database.
    pub notices: usize,
    /// Taken once.
    pub once: usize,
    /// Taken more than once, each time because the receiver cut the connection before it had answered.
    pub cut: usize,
    /// Taken more than once, and the sender was killed before it was answered.
    pub unanswered: usize,
    /// Taken more than once, and the sender was killed between the answer and the write that follows it.
    pub killed: usize,
    /// Longest time from such an answer to the kill.
    pub longest: Duration,
    /// Taken again although the answer was ok and nobody was killed then: must be none.
    pub doubled: Vec<String>,
    /// Never taken: must be none.
    pub never: Vec<String>,
    /// Taken, but not in the database: must be none.
    pub unheard: Vec<String>,
    /// Messages that came.
    pub posts: usize,
    /// Of these failed by the receiver's own doing.
    pub failed: usize,
    /// Kills that hit a process while a message was on its way.
    pub kills_in_send: usize,
}

/// Holds the notices against the ledger of the receiver, in its order.
pub fn told(notices: &[Notice], posts: &[Post], kills: &[Kill]) -> Told {
    let mut taken: HashMap<&str, Vec<&Post>> = HashMap::new();
    for post in posts.iter().filter(|post| post.fate.is_taken()) {
        post.ids.iter().for_each(|id| taken.entry(id).or_default().push(post));
    }
    let mut told = Told {
        notices: notices.len(),
        posts: posts.len(),
        failed: posts.iter().filter(|post| post.fate != Fate::Taken).count(),
        kills_in_send: kills.iter().filter(|kill| posts.iter().any(|post| is_open(post, kill))).count(),
        ..Told::default()
    };
    for notice in notices {
        let times = taken.remove(notice.id.as_str()).unwrap_or_default();
        let Some((_, before)) = times.split_last() else {
            told.never.push(notice.id.clone());
            continue;
        };
        match before.iter().map(|post| reason(post, kills)).max() {
            None => told.once += 1,
            Some(Reason::Cut) => told.cut += 1,
            Some(Reason::Unanswered) => told.unanswered += 1,
            Some(Reason::Killed(after)) => {
                told.killed += 1;
                told.longest = told.longest.max(after);
            }
            Some(Reason::Missing) => told.doubled.push(notice.id.clone()),
        }
    }
    told.unheard = taken.into_keys().map(str::to_owned).collect();
    told
}

/// Why a message that was taken came again; the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    /// The receiver gave no answer.
    Cut,
    /// The sender was killed before the answer.
    Unanswered,
    /// The sender was killed so long after the answer.
    Killed(Duration),
    /// There is none.
    Missing,
}

fn reason(post: &Post, kills: &[Kill]) -> Reason {
    if kills.iter().any(|kill| is_open(post, kill)) {
        return Reason::Unanswered;
    }
    if post.fate == Fate::Cut {
        return Reason::Cut;
    }
    let after = |kill: &Kill| post.over.and_then(|over| kill.from.checked_duration_since(over));
    let soon = kills.iter().filter_map(after).min().filter(|after| *after <= WINDOW);
    soon.map_or(Reason::Missing, Reason::Killed)
}

/// Whether a kill fell between the coming of a message and its answer.
fn is_open(post: &Post, kill: &Kill) -> bool {
    let over = post.over.unwrap_or(post.at + LOST);
    post.at <= kill.to && kill.from <= over
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_time_needs_a_reason() {
        let begin = Instant::now();
        let at = |ms: u64| begin + Duration::from_millis(ms);
        let post = |ms, fate, ids: &[&str]| Post {
            at: at(ms),
            over: Some(at(ms + 10)),
            fate,
            ids: ids.iter().map(|id| (*id).to_owned()).collect(),
        };
        let notices: Vec<Notice> = ["once", "cut", "killed", "doubled", "never"].map(Notice::named).into();
        let posts = [
            post(0, Fate::Taken, &["once", "doubled"]),
            post(1_000, Fate::Cut, &["cut"]),
            post(2_000, Fate::Taken, &["killed"]),
            post(3_000, Fate::Failed, &["never"]),
            post(9_000, Fate::Taken, &["cut", "killed", "doubled", "unheard"]),
        ];
        let kills = [Kill { from: at(2_012), to: at(2_013) }];
        let told = told(&notices, &posts, &kills);
        assert_eq!((told.notices, told.once, told.cut, told.unanswered, told.killed), (5, 1, 1, 0, 1));
        assert_eq!((told.posts, told.failed, told.kills_in_send, told.longest), (5, 2, 0, Duration::from_millis(2)));
        assert_eq!((told.doubled, told.never, told.unheard), (owned("doubled"), owned("never"), owned("unheard")));
    }

    fn owned(id: &str) -> Vec<String> {
        vec![id.to_owned()]
    }
}
