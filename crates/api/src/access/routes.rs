//! Routes, each with who may use it: the one list that builds the router, is served as `/api/v1/system/routes` and that
//! the tests walk through. There is no other way to add a route.

use super::role::{Caller, Role, Way};
use super::{Auth, session};
use crate::limit::{Limits, Rate};
use crate::openapi::{Described, Sketch};
use crate::{ApiError, Data};
use axum::extract::{Request, State};
use axum::handler::Handler;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{self, MethodRouter};
use axum::{Extension, Router};
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;

/// Who may use a route; each may what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Who {
    /// Anybody; what the route itself checks is its own.
    Anybody,
    /// Anybody while the market is public, else whoever is logged in.
    Market,
    /// Viewers and above.
    Viewer,
    /// Operators and above.
    Operator,
    /// Administrators.
    Admin,
}

impl Who {
    /// The word in `/api/v1/system/routes`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anybody => "anybody",
            Self::Market => "market",
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// The least role; `None` is for everybody.
    const fn role(self, public: bool) -> Option<Role> {
        match self {
            Self::Anybody => None,
            Self::Market if public => None,
            Self::Market | Self::Viewer => Some(Role::Viewer),
            Self::Operator => Some(Role::Operator),
            Self::Admin => Some(Role::Admin),
        }
    }

    /// Under another limit than the usual one.
    pub const fn at(self, rate: Rate) -> Terms {
        Terms { who: self, rate }
    }
}

/// Who may use a route, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Who.
    pub who: Who,
    /// How often.
    pub rate: Rate,
}

impl From<Who> for Terms {
    fn from(who: Who) -> Self {
        who.at(Rate::Usual)
    }
}

/// One route as it is listed.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The method; a GET route answers HEAD as well.
    pub method: &'static str,
    /// The path's template, from the root.
    pub path: String,
    /// Who may use it, and how often.
    pub terms: Terms,
    /// What it does, in a sentence.
    pub about: &'static str,
    /// Writes down what it takes and answers; pages and their files are not described.
    pub describe: Option<Describe>,
}

/// Writes down what a handler takes and answers.
pub type Describe = fn(&mut Sketch<'_>);

/// A router that knows who may use each of its routes.
pub struct Routes<S = ()> {
    router: Router<S>,
    entries: Vec<Entry>,
    auth: Auth,
}

macro_rules! methods {
    ($($name:ident $method:literal),*) => {$(
        #[doc = concat!("Adds a ", $method, " route, which `about` describes in a sentence.")]
        pub fn $name<H, T, D>(self, path: &str, terms: impl Into<Terms>, about: &'static str, handler: H) -> Self
        where
            H: Handler<T, S> + Described<D>,
            T: 'static,
        {
            let (path, terms) = (path.to_owned(), terms.into());
            let entry = Entry { method: $method, path, terms, about, describe: Some(H::describe) };
            self.route(entry, routing::$name(handler))
        }
    )*};
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// No routes yet; those that come stand behind `auth`.
    pub fn new(auth: &Auth) -> Self {
        Self { router: Router::new(), entries: Vec::new(), auth: auth.clone() }
    }

    methods!(get "GET", post "POST", put "PUT", delete "DELETE");

    /// Adds a page or a file of one, for people: it is no part of the described API.
    pub fn page<H: Handler<T, S>, T: 'static>(self, path: &str, terms: impl Into<Terms>, handler: H) -> Self {
        let (path, terms) = (path.to_owned(), terms.into());
        self.route(Entry { method: "GET", path, terms, about: "A page.", describe: None }, routing::get(handler))
    }

    fn route(mut self, entry: Entry, handler: MethodRouter<S>) -> Self {
        let gate = Gate { auth: self.auth.clone(), terms: entry.terms };
        let handler = handler.route_layer(from_fn_with_state(Arc::new(gate), pass));
        self.router = self.router.route(&entry.path, handler);
        self.entries.push(entry);
        self
    }

    /// Adds those of another list.
    pub fn merge(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.entries.extend(other.entries);
        self
    }

    /// Adds those of another list below `prefix`.
    pub fn nest(mut self, prefix: &str, other: Self) -> Self {
        self.router = self.router.nest(prefix, other.router);
        self.entries.extend(other.entries.into_iter().map(|e| Entry { path: format!("{prefix}{}", e.path), ..e }));
        self
    }

    /// Hands `value` to the handlers so far as an extension.
    pub fn with_extension<T: Clone + Send + Sync + 'static>(mut self, value: T) -> Self {
        self.router = self.router.layer(Extension(value));
        self
    }

    /// Hands the state to the handlers.
    pub fn with_state(self, state: S) -> Routes {
        Routes { router: self.router.with_state(state), entries: self.entries, auth: self.auth }
    }

    /// The list.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

impl Routes {
    /// The router alone, without what [`crate::router`] puts around it.
    pub fn into_router(self) -> Router {
        self.router
    }
}

/// What stands before one route.
struct Gate {
    auth: Auth,
    terms: Terms,
}

/// Who asks, whether it is too much, whether they may: in this order, so that guessing is limited too.
async fn pass(State(gate): State<Arc<Gate>>, mut request: Request, next: Next) -> Response {
    if gate.terms == Who::Anybody.at(Rate::Free) {
        return next.run(request).await;
    }
    let caller = match gate.auth.identify(request.headers()).await {
        Ok(caller) => caller,
        Err(e) => return e.into_response(),
    };
    let limits = request.extensions().get::<Arc<Limits>>().cloned();
    let allowance = match &limits {
        Some(limits) => {
            let asked = limits.of(gate.terms, caller, &request);
            limits.ask(asked).await
        }
        None => None,
    };
    let refused = allowance.and_then(|a| a.refusal()).or_else(|| gate.refusal(caller, &request));
    let mut response = match refused {
        Some(refused) => refused.into_response(),
        None => {
            if let Some(caller) = caller {
                request.extensions_mut().insert(caller);
            }
            next.run(request).await
        }
    };
    if let Some(allowance) = allowance {
        allowance.tell(response.headers_mut());
    }
    response
}

impl Gate {
    fn refusal(&self, caller: Option<Caller>, request: &Request) -> Option<ApiError> {
        if let Some(needed) = self.terms.who.role(self.auth.public()) {
            match caller {
                None => return Some(ApiError::unauthorized()),
                Some(caller) if caller.role < needed => return Some(ApiError::forbidden(needed)),
                Some(_) => {}
            }
        }
        let Some(Caller { way: Way::Session { id }, .. }) = caller else { return None };
        let (method, headers) = (request.method(), request.headers());
        // Some GET routes of old do something: those of operators and above are not for other sites either.
        let from_here =
            if !method.is_safe() || self.terms.who >= Who::Operator { session::same_site(headers) } else { Ok(()) };
        let written = || match self.terms.who {
            // Log-in: whoever has an old session need not know its token to get a new one.
            Who::Anybody => Ok(()),
            _ => session::carries_token(headers, method, &id),
        };
        from_here.and_then(|()| written()).err()
    }
}

/// One route in `/api/v1/system/routes`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "RouteListed")]
pub(crate) struct Listed {
    method: &'static str,
    path: String,
    who: &'static str,
}

impl Listed {
    pub(crate) fn of(entry: &Entry) -> Self {
        Self { method: entry.method, path: entry.path.clone(), who: entry.terms.who.as_str() }
    }
}

pub(crate) async fn list(Extension(listed): Extension<Arc<Vec<Listed>>>) -> Data<Vec<Listed>> {
    Data::of(listed.to_vec())
}
