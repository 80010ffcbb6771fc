//! Redis, where several processes are to work as one.

use super::Check;
use crate::app::scale::Scale;
use fleet::{FleetError, Link};
use model::{Clock, SystemClock};
use settings::RedisSettings;

/// Asks Redis for its version and who is there. Nothing without `redis.url`.
pub(super) async fn redis(redis: &RedisSettings) -> Option<Check> {
    const NAME: &str = "redis";
    if redis.url.is_empty() {
        return None;
    }
    let mend = "check redis.url (REDIS_URL) and redis.password, that it runs, and that TLS is rediss://";
    let link = match Link::open(redis.url.reveal(), redis.password.reveal()) {
        Ok(link) => link,
        Err(e) => return Some(Check::bad(NAME, e.to_string(), mend)),
    };
    let looked = async {
        let version = link.check().await?;
        Ok((version, fleet::Roster::new(link.clone()).all(SystemClock.now()).await?))
    };
    Some(match looked.await {
        Ok((version, there)) => {
            let workers = there.iter().filter(|member| member.role == Scale::WORKER).count();
            let serves = there.len() - workers;
            Check::ok(NAME, format!("Redis {version} at {}: {serves} serve, {workers} workers", link.shown()))
        }
        Err(FleetError::Unusable(why)) => Check::bad(NAME, why, "use Redis 7"),
        Err(e) => Check::bad(NAME, format!("{}: {e}", link.shown()), mend),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;
    use settings::{Secret, SecretUrl};

    #[tokio::test]
    async fn a_redis_that_is_away_or_refuses_is_to_be_mended_and_named_without_its_password() {
        assert_eq!(redis(&RedisSettings::default()).await, None);
        let mut settings =
            RedisSettings { url: SecretUrl::new("redis://:hunter2@127.0.0.1:1/0"), ..Default::default() };
        let found = redis(&settings).await.unwrap();
        assert_eq!((found.state, found.detail.contains("hunter2")), (State::Bad, false), "{}", found.detail);
        let Some(server) = servers::Redis::start() else { return };
        settings.url = SecretUrl::new(server.url_without_password());
        assert_eq!(redis(&settings).await.unwrap().state, State::Bad);
        settings.password = Secret::new(server.password());
        let found = redis(&settings).await.unwrap();
        assert_eq!((found.state, found.detail.ends_with("0 serve, 0 workers")), (State::Ok, true), "{}", found.detail);
    }
}
