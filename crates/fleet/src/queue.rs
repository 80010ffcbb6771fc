//! A stream with one consumer group, whose entries are deleted once they are done, and its dead letters.
//!
//! Done means acknowledged and deleted in one step: what is in the stream is waiting or taken, and the group's lag is
//! what no one has taken.

use crate::{FleetError, Link};
use model::Timestamp;
use redis::aio::MultiplexedConnection;
use redis::streams::{StreamAutoClaimReply, StreamId, StreamPendingCountReply, StreamRangeReply, StreamReadReply};
use redis::{Cmd, RedisError, Value, cmd, from_redis_value_ref, pipe};
use std::time::Duration;

/// Tasks on their way to workers: what KEDA scales by.
const TASKS: (&str, &str, &str) = ("tidewatch:tasks", "workers", "tidewatch:tasks:dead");
/// What came of them, on its way to a recorder.
const RESULTS: (&str, &str, &str) = ("tidewatch:results", "recorders", "tidewatch:results:dead");
/// Dead letters kept; the oldest go first.
const MOST_DEAD: usize = 1_000;
/// The field that holds a message.
const MESSAGE: &str = "message";

/// A stream, its group and its dead letters.
#[derive(Clone)]
pub struct Queue {
    link: Link,
    name: &'static str,
    stream: &'static str,
    group: &'static str,
    dead: &'static str,
}

/// A message that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its id in the stream.
    pub id: String,
    /// The message.
    pub message: String,
    /// How often it was taken, this time counted.
    pub deliveries: u64,
}

/// How much is in a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lengths {
    /// Not taken yet.
    pub waiting: u64,
    /// Taken and not done.
    pub taken: u64,
    /// Given up.
    pub dead: u64,
}

/// A message that was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its id.
    pub id: String,
    /// The message.
    pub message: String,
    /// Why it was given up.
    pub reason: String,
    /// When.
    pub at: Option<Timestamp>,
}

impl Queue {
    /// The tasks.
    pub fn tasks(link: &Link) -> Self {
        Self::of("tasks", TASKS, link)
    }

    /// The results.
    pub fn results(link: &Link) -> Self {
        Self::of("results", RESULTS, link)
    }

    fn of(name: &'static str, (stream, group, dead): (&'static str, &'static str, &'static str), link: &Link) -> Self {
        Self { link: link.clone(), name, stream, group, dead }
    }

    /// `tasks` or `results`.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Makes the stream and its group, if they are not there.
    pub async fn ensure(&self) -> Result<(), FleetError> {
        let made: Result<Value, RedisError> = cmd("XGROUP")
            .arg(&["CREATE", self.stream, self.group, "0", "MKSTREAM"])
            .query_async(&mut self.link.shared())
            .await;
        match made {
            Err(e) if e.code() == Some("BUSYGROUP") => Ok(()),
            made => Ok(made.map(drop)?),
        }
    }

    /// Adds a message.
    pub async fn push(&self, message: &str) -> Result<(), FleetError> {
        let _: String = self.add(message).query_async(&mut self.link.shared()).await?;
        Ok(())
    }

    fn add(&self, message: &str) -> Cmd {
        let mut add = cmd("XADD");
        add.arg(&[self.stream, "*", MESSAGE, message]);
        add
    }

    /// Ends an entry.
    pub async fn done(&self, id: &str) -> Result<(), FleetError> {
        let mut steps = pipe();
        self.end(steps.atomic(), id);
        Ok(steps.query_async::<Value>(&mut self.link.shared()).await.map(drop)?)
    }

    /// Ends an entry and adds a message to a queue, both or neither.
    pub async fn done_with(&self, id: &str, to: &Self, message: &str) -> Result<(), FleetError> {
        let mut steps = pipe();
        steps.atomic().add_command(to.add(message)).ignore();
        self.end(&mut steps, id);
        Ok(steps.query_async::<Value>(&mut self.link.shared()).await.map(drop)?)
    }

    /// Gives an entry up, with the reason.
    pub async fn bury(&self, entry: &Entry, reason: &str, now: Timestamp) -> Result<(), FleetError> {
        let mut steps = pipe();
        let mut add = cmd("XADD");
        add.arg(self.dead).arg(&["MAXLEN", "~"]).arg(MOST_DEAD).arg(&["*", MESSAGE, &entry.message, "reason", reason]);
        steps.atomic().add_command(add.arg("at").arg(now.millis()).to_owned()).ignore();
        self.end(&mut steps, &entry.id);
        Ok(steps.query_async::<Value>(&mut self.link.shared()).await.map(drop)?)
    }

    fn end(&self, steps: &mut redis::Pipeline, id: &str) {
        steps.cmd("XACK").arg(&[self.stream, self.group, id]).ignore().cmd("XDEL").arg(&[self.stream, id]).ignore();
    }

    /// Says that somebody still works on an entry: nobody claims it as an orphan for a while.
    pub async fn keep(&self, consumer: &str, id: &str) -> Result<(), FleetError> {
        let kept = cmd("XCLAIM").arg(&[self.stream, self.group, consumer, "0", id, "JUSTID"]).to_owned();
        Ok(kept.query_async::<Value>(&mut self.link.shared()).await.map(drop)?)
    }

    /// Takes a consumer that holds nothing off the list.
    pub async fn leave(&self, consumer: &str) -> Result<(), FleetError> {
        let held: StreamPendingCountReply = cmd("XPENDING")
            .arg(&[self.stream, self.group, "-", "+", "1", consumer])
            .query_async(&mut self.link.shared())
            .await?;
        if held.ids.is_empty() {
            let left = cmd("XGROUP").arg(&["DELCONSUMER", self.stream, self.group, consumer]).to_owned();
            left.query_async::<Value>(&mut self.link.shared()).await?;
        }
        Ok(())
    }

    /// How much is in it.
    pub async fn lengths(&self) -> Result<Lengths, FleetError> {
        let mut link = self.link.shared();
        let (all, dead): (u64, u64) =
            pipe().cmd("XLEN").arg(self.stream).cmd("XLEN").arg(self.dead).query_async(&mut link).await?;
        let pending = cmd("XPENDING").arg(&[self.stream, self.group]).to_owned();
        let taken = match pending.query_async::<Vec<Value>>(&mut link).await {
            Ok(summary) => summary.first().and_then(|n| from_redis_value_ref(n).ok()).unwrap_or(0),
            Err(e) if is_no_group(&e) => 0,
            Err(e) => return Err(e.into()),
        };
        Ok(Lengths { waiting: all.saturating_sub(taken), taken, dead })
    }

    /// Dead letters, newest first.
    pub async fn dead_letters(&self, (offset, limit): (usize, usize)) -> Result<Vec<DeadLetter>, FleetError> {
        let most = offset.saturating_add(limit).to_string();
        let range = cmd("XREVRANGE").arg(&[self.dead, "+", "-", "COUNT", &most]).to_owned();
        let reply: StreamRangeReply = range.query_async(&mut self.link.shared()).await?;
        Ok(reply.ids.iter().skip(offset).map(letter).collect())
    }

    /// One dead letter.
    pub async fn dead_letter(&self, id: &str) -> Result<Option<DeadLetter>, FleetError> {
        let range = cmd("XRANGE").arg(&[self.dead, id, id]).to_owned();
        let reply: StreamRangeReply = range.query_async(&mut self.link.shared()).await?;
        Ok(reply.ids.first().map(letter))
    }

    /// Throws a dead letter away; whether it was there.
    pub async fn drop_dead(&self, id: &str) -> Result<bool, FleetError> {
        let dropped: u64 = cmd("XDEL").arg(&[self.dead, id]).query_async(&mut self.link.shared()).await?;
        Ok(dropped > 0)
    }

    /// Puts a dead letter into the queue again, once; whether it was there.
    pub async fn replay(&self, letter: &DeadLetter) -> Result<bool, FleetError> {
        // Whoever deletes it may add it, so that two at once do not add it twice.
        let dropped = self.drop_dead(&letter.id).await?;
        if dropped {
            self.push(&letter.message).await?;
        }
        Ok(dropped)
    }

    /// Somebody who takes messages under this name.
    pub fn reader(&self, consumer: impl Into<String>) -> Reader {
        Reader { queue: self.clone(), consumer: consumer.into(), connection: None, cursor: "0-0".into() }
    }
}

fn letter(entry: &StreamId) -> DeadLetter {
    let text = |field: &str| entry.get::<String>(field).unwrap_or_default();
    DeadLetter {
        id: entry.id.clone(),
        message: text(MESSAGE),
        reason: text("reason"),
        at: entry.get::<i64>("at").map(Timestamp),
    }
}

fn is_no_group(e: &RedisError) -> bool {
    e.code() == Some("NOGROUP")
}

/// Takes messages of a queue.
pub struct Reader {
    queue: Queue,
    consumer: String,
    connection: Option<MultiplexedConnection>,
    cursor: String,
}

impl Reader {
    /// Takes up to `count` new messages; waits up to `wait` for the first.
    pub async fn take(&mut self, count: usize, wait: Duration) -> Result<Vec<Entry>, FleetError> {
        let block = wait.as_millis().max(1).to_string();
        let read = cmd("XREADGROUP")
            .arg(&["GROUP", self.queue.group, &self.consumer, "COUNT", &count.to_string(), "BLOCK", &block])
            .arg(&["STREAMS", self.queue.stream, ">"])
            .to_owned();
        let reply: Option<StreamReadReply> = self.ask(&read, wait).await?;
        let entries = reply.into_iter().flat_map(|reply| reply.keys).flat_map(|key| key.ids);
        Ok(entries.map(|entry| taken(&entry, 1)).collect())
    }

    /// Takes over up to `count` messages whose taker has shown no sign of life for `idle`.
    pub async fn orphans(&mut self, idle: Duration, count: usize) -> Result<Vec<Entry>, FleetError> {
        let idle = idle.as_millis().to_string();
        let claim = cmd("XAUTOCLAIM")
            .arg(&[
                self.queue.stream,
                self.queue.group,
                &self.consumer,
                &idle,
                &self.cursor,
                "COUNT",
                &count.to_string(),
            ])
            .to_owned();
        let reply: StreamAutoClaimReply = self.ask(&claim, Duration::ZERO).await?;
        // It looks at ten times as many as it may take, so the next look goes on where this one stopped.
        self.cursor = reply.next_stream_id;
        let mut entries = Vec::new();
        for entry in &reply.claimed {
            let pending =
                cmd("XPENDING").arg(&[self.queue.stream, self.queue.group, &entry.id, &entry.id, "1"]).to_owned();
            let times: StreamPendingCountReply = self.ask(&pending, Duration::ZERO).await?;
            let deliveries = times.ids.first().map_or(1, |pending| pending.times_delivered as u64);
            entries.push(taken(entry, deliveries));
        }
        Ok(entries)
    }

    /// Asks on the reader's own connection; makes the group anew where Redis has been emptied.
    async fn ask<T: redis::FromRedisValue>(&mut self, command: &Cmd, wait: Duration) -> Result<T, FleetError> {
        let mut made = false;
        loop {
            let connection = match &mut self.connection {
                Some(connection) => connection,
                none => none.insert(self.queue.link.own(wait.max(Duration::from_secs(5))).await?),
            };
            match command.query_async(connection).await {
                Ok(reply) => return Ok(reply),
                Err(e) if is_no_group(&e) && !made => {
                    made = true;
                    self.queue.ensure().await?;
                }
                Err(e) => {
                    // Whatever it was, the next question begins with a fresh connection.
                    self.connection = None;
                    return Err(e.into());
                }
            }
        }
    }
}

fn taken(entry: &StreamId, deliveries: u64) -> Entry {
    // An entry without the field is one of nobody we know: an empty message, which nobody can read.
    let message = entry.get::<String>(MESSAGE).unwrap_or_default();
    Entry { id: entry.id.clone(), message, deliveries }
}
