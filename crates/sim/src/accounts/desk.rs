//! One address of a provider: who may ask, and what is answered.

use super::signature::Scheme;
use super::template::{Scene, Template};
use axum::http::Method;

/// How an account shows its secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Auth {
    /// `Authorization: Bearer …`
    Bearer,
    /// A header, with what comes before the secret.
    Header(&'static str, &'static str),
    /// `Authorization: Basic …` of `user:password`.
    Basic,
    /// A parameter of the query.
    Query(&'static str),
    /// A member of the JSON body.
    Body(&'static str),
    /// A signature; the secret is `id:secret`.
    Sign(Scheme),
}

/// What stands in the place of a body.
#[derive(Clone, Copy)]
pub(crate) enum Body {
    /// One of these, the same for an account each time.
    OneOf(&'static [&'static str]),
    /// Made for the account; answers the status.
    Made(fn(&Scene<'_>, &mut String) -> u16),
}

/// A status and a body.
pub(crate) type Fixed = (u16, &'static str);

/// One address of a provider.
#[derive(Clone, Copy)]
pub(crate) struct Desk {
    /// The provider, as its file is named.
    pub(crate) provider: &'static str,
    pub(crate) method: Verb,
    /// `*` stands for any segment.
    pub(crate) path: &'static str,
    pub(crate) auth: Auth,
    pub(crate) unit: &'static str,
    pub(crate) places: u8,
    pub(crate) body: Body,
    /// Of an account without a limit.
    pub(crate) unlimited: Option<&'static str>,
    /// Whether less than nothing can be shown.
    pub(crate) debt: bool,
    /// To a secret that is not known.
    pub(crate) unknown: Fixed,
    /// A failure that is answered with 200, or what comes next to it.
    pub(crate) failed: Fixed,
    /// Asked too often.
    pub(crate) limited: Fixed,
}

/// GET or POST.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    Post,
}

impl Verb {
    fn is(self, method: &Method) -> bool {
        match self {
            Verb::Get => method == Method::GET,
            Verb::Post => method == Method::POST,
        }
    }
}

/// GET with a bearer token, in dollars and cents; the rest is to be said.
pub(crate) const PLAIN: Desk = Desk {
    provider: "",
    method: Verb::Get,
    path: "/",
    auth: Auth::Bearer,
    unit: "USD",
    places: 2,
    body: Body::OneOf(&["{}"]),
    unlimited: None,
    debt: true,
    unknown: (401, r#"{"error":{"message":"Unauthorized","code":401}}"#),
    failed: (500, r#"{"error":{"message":"internal error"}}"#),
    limited: (429, r#"{"error":{"code":429,"message":"Rate limit exceeded"}}"#),
};

impl Desk {
    /// Whether a request is for this address.
    pub(crate) fn takes(&self, method: &Method, path: &str) -> bool {
        let mut asked = path.split('/');
        self.method.is(method)
            && self.path.split('/').all(|own| asked.next().is_some_and(|given| own == given || own == "*"))
            && asked.next().is_none()
    }
}

/// A desk with its bodies read once.
pub(crate) struct ReadyDesk {
    pub(crate) desk: &'static Desk,
    bodies: Vec<Template>,
    unlimited: Option<Template>,
}

impl ReadyDesk {
    pub(crate) fn new(desk: &'static Desk) -> ReadyDesk {
        let bodies = match desk.body {
            Body::OneOf(texts) => texts.iter().map(|text| Template::parse(text)).collect(),
            Body::Made(_) => Vec::new(),
        };
        ReadyDesk { desk, bodies, unlimited: desk.unlimited.map(Template::parse) }
    }

    /// Whether an account without a limit can be shown.
    pub(crate) fn shows_unlimited(&self) -> bool {
        self.unlimited.is_some() || matches!(self.desk.body, Body::Made(_))
    }

    /// The answer about an account.
    pub(crate) fn render(&self, scene: &Scene<'_>) -> (u16, String) {
        let mut out = String::with_capacity(768);
        if let Body::Made(make) = self.desk.body {
            let status = make(scene, &mut out);
            return (status, out);
        }
        let body = match &self.unlimited {
            Some(unlimited) if scene.level.remaining.is_none() => Some(unlimited),
            _ => self.bodies.get(crate::rng::pick(scene.seed >> 7, self.bodies.len())),
        };
        if let Some(body) = body {
            body.fill(scene, self.desk.places, &mut out);
        }
        (200, out)
    }
}
