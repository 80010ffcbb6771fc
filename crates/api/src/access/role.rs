//! Roles, and who a request comes from.

use crate::ApiError;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use model::Timestamp;
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::{Mutex, PoisonError};

/// What somebody may do; each role may all that those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Sees everything but secrets.
    Viewer,
    /// Does the daily work: accounts, keys, reminders, alerts, IPs.
    Operator,
    /// Everything.
    Admin,
}

impl Role {
    /// The word in settings, tokens and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// The role of a word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Viewer, Self::Operator, Self::Admin].into_iter().find(|role| role.as_str() == word)
    }
}

/// How a request was recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// An API key in a header.
    Key,
    /// A token of `/api/token` in a header.
    Token,
    /// A cookie, which browsers send also when another site asks them to.
    Session { id: [u8; 32] },
}

/// Somebody who was recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The credential's name, for the audit log; never the credential.
    pub name: &'static str,
    /// What they may do.
    pub role: Role,
    /// When the session or token ends; keys do not.
    pub expires_at: Option<Timestamp>,
    pub(crate) way: Way,
}

/// Names are kept for good: they come from the configuration, so there are few, and whoever acts can be copied around.
pub(crate) fn lasting(name: &str) -> &'static str {
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    match names.get(name) {
        Some(known) => known,
        None => {
            let new: &'static str = Box::leak(name.to_owned().into_boxed_str());
            names.insert(new);
            new
        }
    }
}

/// A handler that takes it is for this role and those above; all others get 401 or 403.
macro_rules! for_role {
    ($name:ident, $role:expr, $doc:literal) => {
        #[doc = $doc]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name {
            /// The credential's name, for the audit log; never the credential.
            pub name: &'static str,
            /// What they may do.
            pub role: Role,
        }

        impl<S: Send + Sync> FromRequestParts<S> for $name {
            type Rejection = ApiError;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
                let caller = parts.extensions.get::<Caller>().ok_or_else(ApiError::unauthorized)?;
                if caller.role < $role {
                    return Err(ApiError::forbidden($role));
                }
                Ok(Self { name: caller.name, role: caller.role })
            }
        }
    };
}

for_role!(Reader, Role::Viewer, "Anybody who is logged in.");
for_role!(Operator, Role::Operator, "Somebody who does the daily work.");
for_role!(Admin, Role::Admin, "An administrator.");

impl Reader {
    /// The same, where it takes an administrator to go on; 403 for all others.
    pub fn as_admin(self) -> Result<Admin, ApiError> {
        if self.role < Role::Admin {
            return Err(ApiError::forbidden(Role::Admin));
        }
        Ok(Admin { name: self.name, role: self.role })
    }
}

/// Anybody who reads; who is logged in sees more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Viewer(pub Option<Caller>);

impl Viewer {
    /// Whether it is somebody who was recognised.
    pub const fn is_known(self) -> bool {
        self.0.is_some()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Viewer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.extensions.get::<Caller>().copied()))
    }
}
