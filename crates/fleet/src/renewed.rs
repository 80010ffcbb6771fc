//! The connection that all parts of a process share. The library connects again after an error of the connection, but
//! not after an answer that never came: one that was cut off without a word would be asked in vain for a quarter of an
//! hour. Here such a one is given up and the next question makes another.

use redis::aio::{ConnectionLike, ConnectionManager, ConnectionManagerConfig};
use redis::{Client, Cmd, Pipeline, RedisError, RedisFuture, Value};
use std::sync::{Arc, Mutex, PoisonError};

/// Where the connection of the moment is.
#[derive(Clone)]
pub(crate) struct Slot(Arc<Made>);

struct Made {
    client: Client,
    config: ConnectionManagerConfig,
    /// The connection, and how many there were before it.
    current: Mutex<(u64, ConnectionManager)>,
}

impl Slot {
    pub(crate) fn new(client: Client, config: ConnectionManagerConfig) -> Result<Self, RedisError> {
        let manager = ConnectionManager::new_lazy_with_config(client.clone(), config.clone())?;
        Ok(Self(Arc::new(Made { client, config, current: Mutex::new((0, manager)) })))
    }

    /// The connection of the moment.
    pub(crate) fn get(&self) -> Renewed {
        let (number, manager) = self.0.current.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Renewed { slot: self.clone(), number, manager }
    }

    /// Takes another in place of the one of this number, if nobody did so before.
    fn renew(&self, number: u64) {
        let mut current = self.0.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.0 != number {
            return;
        }
        match ConnectionManager::new_lazy_with_config(self.0.client.clone(), self.0.config.clone()) {
            Ok(manager) => *current = (number + 1, manager),
            Err(e) => tracing::debug!(error = %e, "the connection to Redis stays"),
        }
    }
}

/// A connection that is given up after an answer that did not come.
#[derive(Clone)]
pub(crate) struct Renewed {
    slot: Slot,
    number: u64,
    manager: ConnectionManager,
}

impl Renewed {
    fn judged<T>(&self, answer: Result<T, RedisError>) -> Result<T, RedisError> {
        if answer.as_ref().is_err_and(RedisError::is_timeout) {
            self.slot.renew(self.number);
        }
        answer
    }
}

impl ConnectionLike for Renewed {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(async move {
            let answer = self.manager.req_packed_command(cmd).await;
            self.judged(answer)
        })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        Box::pin(async move {
            let answer = self.manager.req_packed_commands(pipeline, offset, count).await;
            self.judged(answer)
        })
    }

    fn get_db(&self) -> i64 {
        self.manager.get_db()
    }
}
