//! Recognising who asks.

use super::password::{self, PasswordHash};
use super::role::{Caller, Role, Way, lasting};
use super::session::{self, Sessions};
use super::token::Tokens;
use crate::{AdminKey, ApiError};
use axum::http::{HeaderMap, header};
use model::{SharedClock, SystemClock, Timestamp};
use std::sync::Arc;

/// The credentials that are recognised, and whether reading needs one. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Auth(Arc<Rules>);

#[derive(Debug)]
struct Rules {
    credentials: Vec<Credential>,
    tokens: Option<Tokens>,
    sessions: Option<Sessions>,
    public: bool,
    clock: Time,
}

struct Time(SharedClock);

impl std::fmt::Debug for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Time")
    }
}

/// One way in.
#[derive(Clone, Debug)]
pub struct Credential {
    name: &'static str,
    role: Role,
    proof: Proof,
    /// What sessions and tokens made with it are tied to.
    fingerprint: String,
}

#[derive(Clone, Debug)]
enum Proof {
    Key(AdminKey),
    Password(PasswordHash),
}

impl Credential {
    /// An API key.
    pub fn key(name: &str, role: Role, key: AdminKey) -> Self {
        let fingerprint = key.fingerprint();
        Self { name: lasting(name), role, proof: Proof::Key(key), fingerprint }
    }

    /// A user with a password.
    pub fn user(name: &str, role: Role, password: PasswordHash) -> Self {
        let fingerprint = AdminKey::of(&password.to_string()).fingerprint();
        Self { name: lasting(name), role, proof: Proof::Password(password), fingerprint }
    }

    /// As sessions call it.
    fn principal(&self) -> String {
        match self.proof {
            Proof::Key(_) => format!("key:{}", self.name),
            Proof::Password(_) => format!("user:{}", self.name),
        }
    }

    fn caller(&self, way: Way, expires_at: Option<Timestamp>) -> Caller {
        Caller { name: self.name, role: self.role, expires_at, way }
    }
}

/// What [`Auth`] is made of.
pub struct Access {
    /// Keys and users; the generated admin key is one of them.
    pub credentials: Vec<Credential>,
    /// Tokens of `/api/token`, when there are any.
    pub tokens: Option<Tokens>,
    /// Where sessions are kept; without it nobody can log in.
    pub sessions: Option<Sessions>,
    /// Whether the market may be read without a credential.
    pub public: bool,
    /// When sessions and tokens end; should be the machine's clock.
    pub clock: SharedClock,
}

impl Auth {
    /// Recognises what `access` holds.
    pub fn with(access: Access) -> Self {
        let Access { credentials, tokens, sessions, public, clock } = access;
        Self(Arc::new(Rules { credentials, tokens, sessions, public, clock: Time(clock) }))
    }

    /// Recognises `key` as an administrator's and nothing else; with `public`, the market may be read without it.
    pub fn new(key: AdminKey, public: bool) -> Self {
        let credentials = vec![Credential::key("admin", Role::Admin, key)];
        Self::with(Access { credentials, tokens: None, sessions: None, public, clock: Arc::new(SystemClock) })
    }

    /// Whether the market may be read without a credential.
    pub fn public(&self) -> bool {
        self.0.public
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.clock.0.now()
    }

    pub(crate) fn tokens(&self) -> Option<&Tokens> {
        self.0.tokens.as_ref()
    }

    pub(crate) fn sessions(&self) -> Result<&Sessions, ApiError> {
        self.0.sessions.as_ref().ok_or_else(|| ApiError::not_found("log-in"))
    }

    /// Who asks: by a header if there is one, right or wrong, and by the session's cookie if there is none.
    pub(crate) async fn identify(&self, headers: &HeaderMap) -> Result<Option<Caller>, ApiError> {
        match presented(headers) {
            Presented::Key(text) => Ok(self.by_key(text).map(|c| c.caller(Way::Key, None))),
            Presented::Bearer(text) => {
                let key = self.by_key(text).map(|c| c.caller(Way::Key, None));
                Ok(key.or_else(|| self.by_token(text)))
            }
            Presented::Nonsense => Ok(None),
            Presented::Nothing => self.by_cookie(headers).await,
        }
    }

    /// The credential with this key. Every key is looked at whatever the others say.
    pub(crate) fn by_key(&self, presented: &str) -> Option<&Credential> {
        let presented = AdminKey::of(presented);
        let mut found = None;
        for credential in &self.0.credentials {
            if let Proof::Key(key) = &credential.proof
                && key.is_like(&presented)
            {
                found = Some(credential);
            }
        }
        found
    }

    /// The user with this password, after as long whether there is such a user or not.
    pub(crate) async fn by_password(&self, name: &str, password: &str) -> Option<&Credential> {
        let user = self.0.credentials.iter().find_map(|c| match &c.proof {
            Proof::Password(hash) if c.name == name => Some((c, hash.clone())),
            _ => None,
        });
        let (user, hash) = user.unzip();
        if password::verify(hash, password.to_owned()).await { user } else { None }
    }

    fn by_token(&self, text: &str) -> Option<Caller> {
        let claims = self.0.tokens.as_ref()?.read(text, self.now())?;
        let user =
            self.0.credentials.iter().find(|c| {
                matches!(c.proof, Proof::Password(_)) && c.name == claims.sub && c.fingerprint == claims.proof
            })?;
        // A user whose role was changed gets a token of the new role by logging in again.
        (user.role.as_str() == claims.role).then(|| user.caller(Way::Token, Some(Timestamp::from_secs(claims.exp))))
    }

    async fn by_cookie(&self, headers: &HeaderMap) -> Result<Option<Caller>, ApiError> {
        let (Some(sessions), Some(id)) = (&self.0.sessions, session::cookie(headers)) else { return Ok(None) };
        let Some(row) = sessions.find(&id, self.now()).await? else { return Ok(None) };
        let owner = self.0.credentials.iter().find(|c| c.principal() == row.principal && c.fingerprint == row.proof);
        Ok(owner.map(|c| c.caller(Way::Session { id }, Some(row.expires_at))))
    }

    /// Opens a session for a credential; answers its caller.
    pub(crate) async fn open(&self, credential: &Credential) -> Result<Caller, ApiError> {
        let (principal, proof) = (credential.principal(), credential.fingerprint.clone());
        let (id, ends) = self.sessions()?.open(principal, proof, credential.name, self.now()).await?;
        Ok(credential.caller(Way::Session { id }, Some(ends)))
    }

    /// A token for a user.
    pub(crate) fn token(&self, tokens: &Tokens, user: &Credential) -> String {
        tokens.make(user.name, user.role, &user.fingerprint, self.now())
    }
}

/// What the headers hold.
enum Presented<'a> {
    Nothing,
    Key(&'a str),
    Bearer(&'a str),
    Nonsense,
}

/// `X-API-Key: …` or `Authorization: Bearer …`.
fn presented(headers: &HeaderMap) -> Presented<'_> {
    if let Some(key) = headers.get("x-api-key") {
        return key.to_str().map_or(Presented::Nonsense, Presented::Key);
    }
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Presented::Nothing };
    let value = value.to_str().ok().and_then(|text| text.split_once(' '));
    match value {
        Some((scheme, text)) if scheme.eq_ignore_ascii_case("bearer") => Presented::Bearer(text.trim()),
        _ => Presented::Nonsense,
    }
}
