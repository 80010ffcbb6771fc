//! The way to Redis.

use crate::FleetError;
use crate::renewed::{Renewed, Slot};
use redis::aio::{ConnectionManagerConfig, MultiplexedConnection, PubSub};
use redis::io::tcp::TcpSettings;
use redis::{AsyncConnectionConfig, Client, IntoConnectionInfo, cmd};
use std::time::Duration;
use url::Url;

/// Longest wait for an answer that does not wait itself.
const PATIENCE: Duration = Duration::from_secs(5);
/// The oldest Redis with all that is used: SET with NX and GET at once, and the lag of a group.
const OLDEST: (u32, u32) = (7, 0);

/// One Redis. Cheap to clone; connects when it is first asked, and again after each loss.
#[derive(Clone)]
pub struct Link {
    client: Client,
    slot: Slot,
    shown: String,
}

impl Link {
    /// A link by URL, and by password where the URL has none; must be made inside a runtime. `Unusable` when the URL is
    /// none of a Redis.
    pub fn open(url: &str, password: &str) -> Result<Self, FleetError> {
        engine::http::install_crypto();
        // What the library says of a URL may repeat it.
        let unusable = || FleetError::Unusable("redis.url is not the URL of a Redis".into());
        let mut parsed = Url::parse(url.trim()).map_err(|_| unusable())?;
        let shown = format!("{}:{}", parsed.host_str().unwrap_or_default(), parsed.port().unwrap_or(6379));
        if parsed.password().is_none() && !password.is_empty() {
            parsed.set_password(Some(password)).map_err(|()| unusable())?;
        }
        let info = parsed.as_str().into_connection_info().map_err(|_| unusable())?;
        // A command that follows one that nobody answers at once would wait 40 ms for that one's acknowledgement.
        let info = info.set_tcp_settings(TcpSettings::default().set_nodelay(true));
        let client = Client::open(info).map_err(|_| unusable())?;
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(1)
            .set_max_delay(Duration::from_millis(200))
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE));
        let slot = Slot::new(client.clone(), config)?;
        Ok(Self { client, slot, shown })
    }

    /// Where it leads, without who asks.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Asks for a sign of life and the version. `Unusable` when that is too old.
    pub async fn check(&self) -> Result<String, FleetError> {
        let info: String = cmd("INFO").arg("server").query_async(&mut self.shared()).await?;
        let version = info.lines().find_map(|line| line.strip_prefix("redis_version:")).unwrap_or_default().trim();
        let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
        if (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) < OLDEST {
            let (major, minor) = OLDEST;
            return Err(FleetError::Unusable(format!("Redis {version} is too old; it takes {major}.{minor} or newer")));
        }
        Ok(version.to_owned())
    }

    /// The connection all share; it must not be kept waiting.
    pub(crate) fn shared(&self) -> Renewed {
        self.slot.get()
    }

    /// A connection of one's own, for commands that wait up to `wait`.
    pub(crate) async fn own(&self, wait: Duration) -> Result<MultiplexedConnection, FleetError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(wait + PATIENCE));
        Ok(self.client.get_multiplexed_async_connection_with_config(&config).await?)
    }

    /// A connection that listens.
    pub(crate) async fn listener(&self) -> Result<PubSub, FleetError> {
        let listening = tokio::time::timeout(PATIENCE, self.client.get_async_pubsub());
        listening.await.map_err(|_| FleetError::Unreachable("no connection in time".into()))?.map_err(Into::into)
    }
}
