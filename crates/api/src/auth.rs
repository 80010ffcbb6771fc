//! Who may do what.

use crate::{AdminKey, ApiError};
use axum::Router;
use axum::extract::{FromRef, FromRequestParts, Request, State};
use axum::http::{HeaderMap, header, request::Parts};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use std::convert::Infallible;
use std::sync::Arc;

/// The credentials that are recognised, and whether reading needs one. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Auth(Arc<Rules>);

#[derive(Debug)]
struct Rules {
    key: AdminKey,
    public: bool,
}

impl Auth {
    /// Recognises `key`; with `public`, the market may be read without it.
    pub fn new(key: AdminKey, public: bool) -> Self {
        Self(Arc::new(Rules { key, public }))
    }

    /// Whether the market may be read without a credential.
    pub fn public(&self) -> bool {
        self.0.public
    }

    /// Who asks, if the request carries the right key.
    pub fn admin(&self, headers: &HeaderMap) -> Option<Admin> {
        let presented = presented(headers)?;
        self.0.key.accepts(presented).then_some(Admin { name: "admin" })
    }
}

/// `X-API-Key: …` or `Authorization: Bearer …`.
pub(crate) fn presented(headers: &HeaderMap) -> Option<&str> {
    if let Some(key) = headers.get("x-api-key") {
        return key.to_str().ok();
    }
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, credential) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| credential.trim())
}

/// A request with the admin key; a handler that takes it answers 401 to all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admin {
    /// The credential's name, for the audit log; never the credential.
    pub name: &'static str,
}

impl<S> FromRequestParts<S> for Admin
where
    Auth: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Auth::from_ref(state).admin(&parts.headers).ok_or_else(ApiError::unauthorized)
    }
}

/// Anybody who reads; the administrator sees more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Viewer(pub Option<Admin>);

impl Viewer {
    /// Whether the admin key was shown.
    pub const fn is_admin(self) -> bool {
        self.0.is_some()
    }
}

impl<S> FromRequestParts<S> for Viewer
where
    Auth: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        Ok(Self(Auth::from_ref(state).admin(&parts.headers)))
    }
}

/// Closes the routes to those without the admin key, unless reading is public.
pub fn closed_unless_public<S: Clone + Send + Sync + 'static>(routes: Router<S>, auth: &Auth) -> Router<S> {
    if auth.public() { routes } else { routes.route_layer(from_fn_with_state(auth.clone(), only_admin)) }
}

async fn only_admin(State(auth): State<Auth>, request: Request, next: Next) -> Result<Response, ApiError> {
    auth.admin(request.headers()).ok_or_else(ApiError::unauthorized)?;
    Ok(next.run(request).await)
}
