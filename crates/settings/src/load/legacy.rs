//! The variables of the systems that Tidewatch replaces. One table says what each means here; none is swallowed.

use super::draft::{Draft, read_file};
use super::{Origin, Sources, database, environment, log_in, webhook};
use crate::schema;
use std::net::SocketAddr;

/// One name of a replaced system.
pub(crate) struct Legacy {
    pub(crate) name: &'static str,
    pub(crate) meaning: Meaning,
}

/// What a name means here.
pub(crate) enum Meaning {
    /// Sets a key, its text as it stands.
    Sets(&'static str),
    /// Sets a key that is `true` or `false` from the words people use for it.
    Switch(&'static str),
    /// Sets a key after the text is made lower-case and `warning` and the like are made levels.
    Word(&'static str),
    /// Sets the port of `server.listen` and leaves its address.
    Port,
    /// A piece of `store.url`, put together in [`database`].
    Database,
    /// A piece of a channel, put together in [`webhook`].
    Webhook,
    /// A piece of somebody who may log in, put together in [`log_in`].
    LogIn,
    /// Sets a length of time that is given as a number of hours.
    Hours(&'static str),
    /// Names the configuration file; used before there is a configuration.
    File,
    /// Sets a URL of this scheme that is given as host and port, unless the other variable says it.
    Address(&'static str, &'static str, &'static str),
    /// Where requests are counted: a word, or the URL of a Redis.
    Storage,
    /// Has no counterpart, and why.
    Gone(&'static str),
}

use Meaning::{Address, Database, File, Gone, Hours, LogIn, Port, Sets, Storage, Switch, Webhook, Word};

const fn row(name: &'static str, meaning: Meaning) -> Legacy {
    Legacy { name, meaning }
}

/// Every name, in the order of the specification.
pub(crate) const TABLE: &[Legacy] = &[
    row("SCHEDULER_BASE_INTERVAL", Sets("market.schedule.base_interval")),
    row("SCHEDULER_MIN_INTERVAL", Sets("market.schedule.min_interval")),
    row("SCHEDULER_MAX_INTERVAL", Sets("market.schedule.max_interval")),
    row("SCHEDULER_SCHEDULE_SLOT", Sets("market.schedule.schedule_slot")),
    row("SCHEDULER_PAGES_ON_SALE", Sets("market.pages_on_sale")),
    row("SCHEDULER_PAGES_SOLD", Sets("market.pages_sold")),
    row("SCHEDULER_BATCH_SIZE", Sets("engine.batch_size")),
    row("SCHEDULER_BACKPRESSURE_THRESHOLD", Sets("engine.backpressure_threshold")),
    row("JANITOR_INTERVAL", Sets("engine.retention_interval")),
    row("JANITOR_TIMEOUT", Sets("engine.lease")),
    row("ANALYZER_ITEM_TTL_AVAILABLE", Sets("market.item_ttl_available")),
    row("ANALYZER_ITEM_TTL_SOLD", Sets("market.item_ttl_sold")),
    row("ANALYZER_HIGH_OUTFLOW_THRESHOLD", Sets("market.alerts.high_outflow")),
    row("ANALYZER_LOW_LIQUIDITY_THRESHOLD", Sets("market.alerts.low_liquidity")),
    row("ANALYZER_HIGH_LIQUIDITY_THRESHOLD", Sets("market.alerts.surge")),
    row("BROWSER_MAX_CONCURRENCY", Sets("market.browser.max_concurrency")),
    row("BROWSER_PAGE_TIMEOUT", Sets("market.browser.page_timeout")),
    row("BROWSER_TASK_TIMEOUT", Sets("engine.task_timeout")),
    row("CHROME_BIN", Sets("market.browser.chrome_bin")),
    row("HTTP_PROXY", Sets("market.proxy.url")),
    row("PROXY_AUTO_SWITCH", Switch("market.proxy.auto_switch")),
    row("PROXY_COOLDOWN", Sets("market.proxy.cool_down")),
    row("PROXY_FAILURE_THRESHOLD", Sets("market.proxy.failure_threshold")),
    row("APP_RATE_LIMIT", Sets("market.rate.per_second")),
    row("APP_RATE_BURST", Sets("market.rate.burst")),
    row("APP_LOG_LEVEL", Word("log.level")),
    row("ADMIN_API_KEY", Sets("auth.admin_key")),
    row("ADMIN_PASSWORD", LogIn),
    row("WEB_API_KEY", LogIn),
    row("DB_DSN", Database),
    row("DB_HOST", Database),
    row("DB_PORT", Database),
    row("DB_USER", Database),
    row("DB_PASSWORD", Database),
    row("DB_NAME", Database),
    row("MYSQL_PASSWORD", Database),
    row("REDIS_URL", Sets("redis.url")),
    row("REDIS_ADDR", Address("redis.url", "redis", "REDIS_URL")),
    row("REDIS_PASSWORD", Sets("redis.password")),
    row("PORT", Port),
    row("ENV", Gone("the program is the same in every environment")),
    row("MAX_WORKERS", Sets("keys.max_workers")),
    row("QUEUE_SIZE", Gone("the schedule is the queue and has no size")),
    row("HTTP_TIMEOUT", Gone("a request to a provider takes 15 s at most")),
    row("CACHE_TTL", Sets("keys.interval")),
    row("SESSION_TTL", Sets("auth.session.lifetime")),
    row("WEBHOOK_URL", Webhook),
    row("WEBHOOK_TYPE", Webhook),
    row("WEBHOOK_SOURCE", Webhook),
    row("CONFIG_PATH", File),
    row("BALANCE_REFRESH_INTERVAL_SECONDS", Sets("accounts.interval")),
    row("MAX_CONCURRENT_CHECKS", Sets("accounts.max_concurrent_checks")),
    row("ALERT_COOLDOWN_SECONDS", Sets("market.alerts.cooldown_seconds")),
    row("ENABLE_JWT", Switch("auth.jwt.enabled")),
    row("JWT_SECRET_KEY", Sets("auth.jwt.secret")),
    row("JWT_ACCESS_TOKEN_EXPIRES_HOURS", Hours("auth.jwt.lifetime")),
    row("AUTH_USERNAME", LogIn),
    row("AUTH_PASSWORD", LogIn),
    row("ENABLE_RATE_LIMIT", Switch("server.rate_limit.enabled")),
    row("RATE_LIMIT_STORAGE", Storage),
    row("CONFIG_ENCRYPTION_KEY", Sets("secrets.encryption_key")),
    row("LOG_FORMAT", Word("log.format")),
    row("DOMAIN_NAME", Gone("read by the files in deploy/, not by the program")),
    row("LETSENCRYPT_EMAIL", Gone("read by the files in deploy/, not by the program")),
];

pub(crate) fn apply(draft: &mut Draft, sources: &Sources) {
    let mut found = Vec::new();
    for entry in TABLE {
        let Some((name, text)) = look_up(entry.name, draft, sources) else { continue };
        let origin = Origin::Variable(name);
        let (key, text) = match entry.meaning {
            Sets(key) => (key, text),
            Switch(key) => (key, switch(&text)),
            Word(key) => (key, word(&text)),
            Port => ("server.listen", with_port(draft, &text)),
            // A text that is no number is left to be refused.
            Hours(key) => (key, format!("{}h", text.trim())),
            Database | Webhook | LogIn | File => continue,
            Address(_, _, instead) if look_up(instead, draft, sources).is_some() => {
                draft.notice(origin, format!("recognised, not used: {instead} says it"));
                continue;
            }
            Address(key, scheme, _) => (key, format!("{scheme}://{}", text.trim())),
            // The rate limiter of the system replaced took URLs: memory:// and redis://….
            Storage => ("server.rate_limit.storage", word(text.split(':').next().unwrap_or(&text))),
            Gone(why) => {
                draft.notice(origin, format!("recognised, not used: {why}"));
                continue;
            }
        };
        match schema::find(key).map(|schema| environment::assign(key, schema, &text, origin)) {
            Some(Ok(assignment)) => found.push(assignment),
            Some(Err(mut problems)) => draft.problems.append(&mut problems),
            None => {}
        }
    }
    draft.layer(found, sources);
    database::apply(draft, sources);
    webhook::apply(draft, sources);
    log_in::apply(draft, sources);
}

/// The variable that is set, `NAME` or `NAME_FILE`, and its text. An empty one, as compose files make, is not set.
pub(crate) fn look_up(name: &str, draft: &mut Draft, sources: &Sources) -> Option<(String, String)> {
    let set = |name: &str| sources.environment.get(name).filter(|text| !text.is_empty());
    if let Some(text) = set(name) {
        return Some((name.to_owned(), text.clone()));
    }
    let of_file = format!("{name}_FILE");
    match read_file(sources, set(&of_file)?) {
        Ok(text) => Some((of_file, text)),
        Err(message) => {
            draft.refuse(Origin::Variable(of_file), "", message);
            None
        }
    }
}

fn switch(text: &str) -> String {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "t" | "yes" | "y" | "on" => "true".into(),
        "0" | "false" | "f" | "no" | "n" | "off" => "false".into(),
        _ => text.to_owned(),
    }
}

fn word(text: &str) -> String {
    match text.to_ascii_lowercase().as_str() {
        "warning" => "warn".into(),
        "critical" | "fatal" | "panic" => "error".into(),
        other => other.to_owned(),
    }
}

/// The address that is set so far with another port; a text that is no port is left to be refused.
fn with_port(draft: &Draft, text: &str) -> String {
    let listen = draft.get("server.listen").and_then(|listen| listen.as_str()?.parse::<SocketAddr>().ok());
    let mut listen = listen.unwrap_or_else(|| crate::ServerSettings::default().listen);
    match text.trim_start_matches(':').parse() {
        Ok(port) => {
            listen.set_port(port);
            listen.to_string()
        }
        Err(_) => text.to_owned(),
    }
}
