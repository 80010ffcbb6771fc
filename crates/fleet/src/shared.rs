//! One pace and one count for all processes, by scripts that run inside Redis and by its clock.

use crate::Link;
use api::{Counted, Guessing, SharedCounts};
use async_trait::async_trait;
use aws_lc_rs::digest::{SHA256, digest};
use engine::{Asked, SharedPace, Turn};
use redis::{FromRedisValue, RedisResult, Script, ScriptInvocation, cmd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// GCRA (ITU-T I.371): the theoretical arrival time in microseconds; answers {0, wait} or {1, wait} for too far.
const PACE: &str = r"
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local held = tonumber(redis.call('GET', KEYS[2]) or '0')
if held > now then return {1, held - now} end
local interval, burst, jitter, most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local arrival = tonumber(redis.call('GET', KEYS[1]) or '0')
local goes = math.max(now, arrival - interval * (burst - 1)) + jitter
if goes - jitter - now > most then return {1, goes - now} end
local next = math.max(arrival, goes) + interval
redis.call('SET', KEYS[1], string.format('%.0f', next), 'PX', math.ceil((next - now) / 1000) + 1000)
return {0, goes - now}";

const HOLD: &str = r"
local t = redis.call('TIME')
local till = t[1] * 1000000 + t[2] + tonumber(ARGV[1])
if till > tonumber(redis.call('GET', KEYS[1]) or '0') then
  redis.call('SET', KEYS[1], string.format('%.0f', till), 'PX', math.ceil(ARGV[1] / 1000) + 1)
end
return 1";

/// The same kept as when an allowance is whole again; answers {until whole, over or -1}.
const ALLOW: &str = r"
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local limit, span = tonumber(ARGV[1]), tonumber(ARGV[2])
local whole = math.min(math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now), now + span)
local next = whole + math.floor(span / limit)
local over = next - now - span
if over > 0 then return {whole - now, over} end
redis.call('SET', KEYS[1], string.format('%.0f', next), 'PX', math.ceil((next - now) / 1000))
return {next - now, -1}";

/// Failures and the instant the next attempt is let through, of an address and an account; answers the wait or 0.
const BEGIN: &str = r"
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local free, first, longest, forget = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
for _, key in ipairs(KEYS) do
  local open = tonumber(redis.call('HGET', key, 'open') or '0')
  if open > now then return open - now end
end
for _, key in ipairs(KEYS) do
  local failures = redis.call('HINCRBY', key, 'failures', 1)
  local wait = 0
  if failures >= free then wait = math.min(first * 2 ^ math.min(failures - free, 10), longest) end
  redis.call('HSET', key, 'open', string.format('%.0f', now + wait))
  redis.call('PEXPIRE', key, forget)
end
return 0";

const SUCCEEDED: &str = r"
redis.call('DEL', KEYS[2])
if redis.call('EXISTS', KEYS[1]) == 1 then
  if redis.call('HINCRBY', KEYS[1], 'failures', -1) <= 0 then redis.call('DEL', KEYS[1])
  else redis.call('HSET', KEYS[1], 'open', '0') end
end
return 1";

/// An answer that takes longer is no answer: a request must not wait for its counter.
const PATIENCE: Duration = Duration::from_millis(500);

/// Counts that all processes share.
pub struct Shared {
    link: Link,
    pace: Script,
    hold: Script,
    allow: Script,
    begin: Script,
    succeeded: Script,
    /// Redis did not answer last time: said once.
    away: AtomicBool,
}

impl Shared {
    /// Counts in this Redis.
    pub fn new(link: Link) -> Self {
        let [pace, hold, allow, begin, succeeded] = [PACE, HOLD, ALLOW, BEGIN, SUCCEEDED].map(Script::new);
        Self { link, pace, hold, allow, begin, succeeded, away: AtomicBool::new(false) }
    }

    async fn run<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> Option<T> {
        // While it is away, one short question finds out whether it is back.
        if self.away.load(Ordering::Relaxed) {
            let ping = async { cmd("PING").query_async::<String>(&mut self.link.shared()).await };
            self.settle(tokio::time::timeout(PATIENCE / 5, ping).await.ok())?;
        }
        let mut connection = self.link.shared();
        let asked = async { script.invoke_async(&mut connection).await };
        self.settle(tokio::time::timeout(PATIENCE, asked).await.ok())
    }

    fn settle<T>(&self, answer: Option<RedisResult<T>>) -> Option<T> {
        let (value, why) = match answer {
            Some(Ok(value)) => (Some(value), String::new()),
            Some(Err(e)) => (None, e.to_string()),
            None => (None, "no answer in time".to_owned()),
        };
        let was_away = self.away.swap(value.is_none(), Ordering::Relaxed);
        match (was_away, value.is_none()) {
            (false, true) => tracing::warn!(error = why, "Redis is away: each process keeps to its own limits"),
            (true, false) => tracing::info!("Redis is back: limits are shared again"),
            _ => {}
        }
        value
    }
}

#[async_trait]
impl SharedPace for Shared {
    async fn reserve(&self, upstream: &str, asked: Asked) -> Option<Turn> {
        let mut ask = self.pace.key(format!("tidewatch:pace:{upstream}"));
        ask.key(format!("tidewatch:hold:{upstream}"));
        ask.arg(micros(asked.interval).max(1))
            .arg(asked.burst.max(1))
            .arg(micros(asked.jitter))
            .arg(micros(asked.max_wait));
        let (refused, wait): (u8, u64) = self.run(&ask).await?;
        let wait = Duration::from_micros(wait);
        Some(if refused == 0 { Turn::In(wait) } else { Turn::TooFar(wait) })
    }

    async fn hold_off(&self, upstream: &str, wait: Duration) {
        let mut ask = self.hold.key(format!("tidewatch:hold:{upstream}"));
        let _: Option<u8> = self.run(ask.arg(micros(wait).max(1))).await;
    }
}

#[async_trait]
impl SharedCounts for Shared {
    async fn ask(&self, key: &str, limit: u32, span: Duration) -> Option<Counted> {
        let mut ask = self.allow.key(format!("tidewatch:allow:{key}"));
        let (whole, over): (u64, i64) = self.run(ask.arg(limit.max(1)).arg(micros(span))).await?;
        let over = u64::try_from(over).ok().map(Duration::from_micros);
        Some(Counted { whole_in: Duration::from_micros(whole), over })
    }

    async fn begin(&self, address: &str, account: &str, rule: Guessing) -> Option<Result<(), Duration>> {
        let millis = |span: Duration| span.as_millis() as u64;
        let [address, account] = subjects(address, account);
        let mut ask = self.begin.key(address);
        ask.key(account).arg(rule.free).arg(millis(rule.first)).arg(millis(rule.longest)).arg(millis(rule.forget));
        let wait: u64 = self.run(&ask).await?;
        Some(if wait == 0 { Ok(()) } else { Err(Duration::from_millis(wait)) })
    }

    async fn succeeded(&self, address: &str, account: &str) {
        let [address, account] = subjects(address, account);
        let mut ask = self.succeeded.key(address);
        let _: Option<u8> = self.run(ask.key(account)).await;
    }
}

/// People type passwords where names belong, so Redis never sees what was typed.
fn subjects(address: &str, account: &str) -> [String; 2] {
    let hash: String = digest(&SHA256, account.as_bytes()).as_ref().iter().map(|b| format!("{b:02x}")).collect();
    [format!("tidewatch:guess:address:{address}"), format!("tidewatch:guess:account:{hash}")]
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
