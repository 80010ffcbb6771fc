//! `/api/login`, `/api/logout`, `/api/session` and `/api/token`.

use super::role::{Caller, Way};
use super::{Credential, session as cookies};
use crate::openapi::{Reply, Takes};
use crate::server::Shared;
use crate::{ApiError, Data, Json, Mode, Viewer};
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use model::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use settings::Secret;
use std::convert::Infallible;
use std::net::IpAddr;
use std::time::Duration;

/// Whom a password without a name is for.
const SOLE: &str = "admin";

/// Where a request comes from.
pub(crate) struct Origin {
    address: IpAddr,
    /// It came over TLS, to us or to a proxy that is trusted.
    secure: bool,
}

impl FromRequestParts<Shared> for Origin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Infallible> {
        let trusted = &shared.options.trusted_proxies;
        let address = trusted.client(&parts.extensions, &parts.headers);
        Ok(Self { address, secure: trusted.is_secure(&parts.extensions, &parts.headers) })
    }
}

/// Nothing of the request's own.
impl Takes for Origin {}

/// What opens a session: a password, with a name or without, or a key.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogIn {
    username: Option<String>,
    password: Option<Secret>,
    api_key: Option<Secret>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SessionOpened")]
pub(crate) struct Opened {
    name: &'static str,
    #[schemars(extend("enum" = ["viewer", "operator", "admin"]))]
    role: &'static str,
    csrf: String,
    expires_at: Option<Timestamp>,
}

pub(crate) async fn log_in(
    State(shared): State<Shared>,
    from: Origin,
    headers: HeaderMap,
    Json(given): Json<LogIn>,
) -> Result<Reply<Data<Opened>>, ApiError> {
    // Else another site could log people in to an account of its own.
    cookies::same_site(&headers)?;
    let auth = &shared.auth;
    let lifetime = auth.sessions()?.lifetime();
    let credential = match given {
        LogIn { username: None, password: None, api_key: Some(key) } => {
            attempt(&shared, &from, "", async || auth.by_key(key.reveal())).await?
        }
        LogIn { username, password: Some(password), api_key: None } => {
            let name = username.as_deref().unwrap_or(SOLE);
            let sole = username.is_none();
            let password = password.reveal();
            attempt(&shared, &from, name, async || match auth.by_password(name, password).await {
                None if sole => auth.by_key(password),
                found => found,
            })
            .await?
        }
        _ => return Err(ApiError::bad_request("give password, username and password, or api_key")),
    };
    let caller = auth.open(credential).await?;
    let Way::Session { id } = caller.way else { return Err(ApiError::internal("a session of no session")) };
    let cookie = cookies::set_cookie(Some(&id), lifetime, from.secure)?;
    let opened = Opened {
        name: caller.name,
        role: caller.role.as_str(),
        csrf: cookies::csrf(&id),
        expires_at: caller.expires_at,
    };
    Ok(Reply::of(([(header::SET_COOKIE, cookie)], Data::of(opened))))
}

/// One try to be recognised, which counts as a failed one unless it is right.
async fn attempt<'a>(
    shared: &Shared,
    from: &Origin,
    account: &str,
    look: impl AsyncFnOnce() -> Option<&'a Credential>,
) -> Result<&'a Credential, ApiError> {
    let (attempts, auth) = (&shared.attempts, &shared.auth);
    let now = auth.now();
    attempts.begin_all(from.address, account, now).await.map_err(|wait| {
        tracing::warn!(address = %from.address, wait, "too many log-ins failed");
        ApiError::too_many(wait)
    })?;
    match look().await {
        Some(credential) => {
            attempts.succeeded_all(from.address, account, now).await;
            Ok(credential)
        }
        None => {
            // Not the name: people type their password there.
            tracing::warn!(address = %from.address, "a log-in failed");
            Err(ApiError::wrong_log_in())
        }
    }
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SessionClosed")]
pub(crate) struct Closed {}

pub(crate) async fn log_out(
    State(shared): State<Shared>,
    viewer: Viewer,
    from: Origin,
) -> Result<Reply<Data<Closed>>, ApiError> {
    let auth = &shared.auth;
    if let Some(Caller { way: Way::Session { id }, name, .. }) = viewer.0 {
        auth.sessions()?.close(&id, name, auth.now()).await?;
    }
    let cookie = cookies::set_cookie(None, Duration::ZERO, from.secure)?;
    Ok(Reply::of(([(header::SET_COOKIE, cookie)], Data::of(Closed {}))))
}

/// Which parts an installation has, for the UI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Features {
    /// The market watch.
    pub market: bool,
    /// The account watch.
    pub accounts: bool,
    /// The pool of keys.
    pub keys: bool,
    /// Subscriptions and mailboxes.
    pub reminders: bool,
}

impl Default for Features {
    fn default() -> Self {
        Self { market: true, accounts: true, keys: true, reminders: true }
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Session {
    #[schemars(extend("enum" = ["anonymous", "viewer", "operator", "admin"]))]
    role: &'static str,
    name: Option<&'static str>,
    csrf: Option<String>,
    expires_at: Option<Timestamp>,
    public: Vec<&'static str>,
    demo: bool,
    version: String,
    features: Features,
}

pub(crate) async fn session(State(shared): State<Shared>, viewer: Viewer) -> Data<Session> {
    let (caller, options) = (viewer.0, &shared.options);
    let csrf = caller.and_then(|caller| match caller.way {
        Way::Session { id } => Some(cookies::csrf(&id)),
        Way::Key | Way::Token => None,
    });
    Data::of(Session {
        role: caller.map_or("anonymous", |caller| caller.role.as_str()),
        name: caller.map(|caller| caller.name),
        csrf,
        expires_at: caller.and_then(|caller| caller.expires_at),
        public: if shared.auth.public() { vec!["market"] } else { Vec::new() },
        demo: options.mode == Mode::Demo,
        version: options.version.clone(),
        features: options.features,
    })
}

/// What gives a token.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ForToken {
    username: String,
    password: Secret,
}

/// As RFC 6749 (5.1) shows a token, outside of the envelope: clients of the system replaced read it so.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Token {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
}

pub(crate) async fn token(
    State(shared): State<Shared>,
    from: Origin,
    Json(given): Json<ForToken>,
) -> Result<axum::Json<Token>, ApiError> {
    let auth = &shared.auth;
    let tokens = auth.tokens().ok_or_else(|| ApiError::not_found("token log-in"))?;
    let (name, password) = (given.username.as_str(), given.password.reveal());
    let user = attempt(&shared, &from, name, async || auth.by_password(name, password).await).await?;
    let access_token = auth.token(tokens, user);
    Ok(axum::Json(Token { access_token, token_type: "bearer", expires_in: tokens.lifetime().as_secs() }))
}
