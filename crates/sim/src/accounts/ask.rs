//! What the providers answer, before anything goes wrong.

use super::desk::{Auth, ReadyDesk};
use super::roster::{Account, Roster};
use super::signature::{Asked, decode};
use super::template::Scene;
use super::{Accounts, desks, factory};
use crate::answer::Answer;
use crate::faults::Fault;
use axum::body::Bytes;
use axum::http::{HeaderMap, Method, Uri};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::borrow::Cow;
use std::sync::Arc;

pub(crate) const FACTORY: &str = "factory";
const FACTORY_UNKNOWN: (u16, &str) = (401, r#"{"detail":"Invalid or expired API key"}"#);
const FACTORY_FAILED: (u16, &str) = (200, r#"{"usage":{"startDate":null,"endDate":null}}"#);
const FACTORY_LIMITED: (u16, &str) = (429, r#"{"detail":"Too many requests"}"#);
const NOWHERE: (u16, &str) = (404, r#"{"detail":"Not Found"}"#);
const PAGE: &str =
    "<!DOCTYPE html>\n<html><head><title>Maintenance</title></head><body><p>We will be back soon.</p></body></html>\n";

/// One request, read whole.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Where a request belongs.
pub(crate) enum Place<'a> {
    /// One of Factory's addresses; the rest of the path.
    Factory(&'a str),
    /// A desk.
    Desk(&'a ReadyDesk, Option<Arc<Account>>),
    /// None.
    Nowhere,
}

impl Call {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(crate) fn bearer(&self) -> &str {
        self.header("authorization").and_then(|text| text.strip_prefix("Bearer ")).unwrap_or_default()
    }

    /// The provider named by a path `/p/NAME/…`, and the provider's own path.
    fn named(&self) -> (Option<&str>, &str) {
        let path = self.uri.path();
        let Some(rest) = path.strip_prefix("/p/") else { return (None, path) };
        rest.find('/').map_or((Some(rest), "/"), |end| (Some(&rest[..end]), &rest[end..]))
    }

    fn asked<'c>(&'c self, path: &'c str) -> Asked<'c> {
        let query = self.uri.query().unwrap_or_default();
        Asked { method: self.method.as_str(), path, query, headers: &self.headers, body: &self.body }
    }

    /// What this request shows of a secret.
    fn shown(&self, auth: Auth) -> Option<Cow<'_, str>> {
        Some(match auth {
            Auth::Bearer => self.bearer().into(),
            Auth::Header(name, prefix) => self.header(name)?.strip_prefix(prefix)?.into(),
            Auth::Basic => {
                let coded = self.header("authorization")?.strip_prefix("Basic ")?;
                String::from_utf8(STANDARD.decode(coded).ok()?).ok()?.into()
            }
            Auth::Query(name) => {
                let pairs = self.uri.query()?.split('&');
                decode(pairs.filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name)?.1)
            }
            Auth::Body(name) => {
                let body: serde_json::Value = serde_json::from_slice(&self.body).ok()?;
                body.get(name)?.as_str()?.to_owned().into()
            }
            Auth::Sign(scheme) => scheme.key_id(&self.asked("/"))?.into(),
        })
    }

    /// Where this request belongs: of a path that several providers have, to the one that knows the secret.
    pub(crate) fn place<'a>(&'a self, roster: &'a Roster) -> Place<'a> {
        let (name, path) = self.named();
        if name == Some(FACTORY) || (name.is_none() && factory::is_path(path)) {
            return Place::Factory(path);
        }
        let known = |ready: &ReadyDesk| {
            let shown = self.shown(ready.desk.auth)?;
            roster.find(ready.desk.provider, &shown).cloned()
        };
        let fits = |ready: &&ReadyDesk| ready.desk.takes(&self.method, path);
        let mut first = None;
        let named = name.and_then(|name| roster.of(name)).into_iter().flatten();
        let any = roster.desks.iter().take(if name.is_none() { usize::MAX } else { 0 });
        for ready in named.chain(any).filter(fits) {
            match known(ready) {
                Some(account) => return Place::Desk(ready, Some(account)),
                None => first = first.or(Some(ready)),
            }
        }
        first.map_or(Place::Nowhere, |ready| Place::Desk(ready, None))
    }
}

impl Place<'_> {
    pub(crate) fn provider(&self) -> &str {
        match self {
            Place::Factory(_) => FACTORY,
            Place::Desk(ready, _) => ready.desk.provider,
            Place::Nowhere => "",
        }
    }
}

fn fixed((status, body): (u16, &str), call: &Call) -> Answer {
    // TikHub echoes the headers it was sent.
    let body = if body.contains("<secret>") { body.replace("<secret>", call.bearer()) } else { body.to_owned() };
    Answer::json(status, body)
}

/// The answer a fault puts in place of the provider's, if it is of that sort.
pub(crate) fn instead(place: &Place<'_>, fault: &Fault, call: &Call) -> Option<Answer> {
    let (unknown, failed, limited) = match place {
        Place::Desk(ready, _) => (ready.desk.unknown, ready.desk.failed, ready.desk.limited),
        _ => (FACTORY_UNKNOWN, FACTORY_FAILED, FACTORY_LIMITED),
    };
    match fault {
        Fault::TooManyRequests { .. } => Some(fixed(limited, call)),
        Fault::Unauthorized => Some(fixed(unknown, call)),
        Fault::FailedInside => Some(fixed(failed, call)),
        Fault::Page => Some(Answer { status: 200, content_type: "text/html; charset=utf-8", body: PAGE.to_owned() }),
        other => crate::spoil::instead(other),
    }
}

/// The answer at an instant (epoch ms).
pub(crate) fn answer(accounts: &Accounts, place: &Place<'_>, call: &Call, now_ms: i64) -> Answer {
    match place {
        Place::Factory(path) => of_factory(accounts, path, call, now_ms),
        Place::Desk(ready, Some(account)) if account.revoked_at_ms.is_none_or(|at| now_ms < at) => {
            if let Some(refusal) = refuse_signature(accounts, ready, account, call, now_ms) {
                return refusal;
            }
            let level = account.plan.level(account.seed, now_ms, ready.desk.places);
            let (secret, seed) = (account.secret.as_str(), account.seed);
            let (status, body) = ready.render(&Scene { secret, seed, level, now_ms });
            Answer::json(status, body)
        }
        Place::Desk(ready, _) => fixed(ready.desk.unknown, call),
        Place::Nowhere => fixed(NOWHERE, call),
    }
}

fn of_factory(accounts: &Accounts, path: &str, call: &Call, now_ms: i64) -> Answer {
    let pool = accounts.factory();
    let known = pool.and_then(|pool| Some((pool, pool.number(call.bearer())?)));
    let Some((pool, number)) = known.filter(|(pool, number)| !pool.is_revoked(*number)) else {
        return fixed(FACTORY_UNKNOWN, call);
    };
    let mut body = String::with_capacity(512);
    match pool.answer(number, path, now_ms, &mut body) {
        Some(status) => Answer::json(status, body),
        None => fixed(NOWHERE, call),
    }
}

fn refuse_signature(
    accounts: &Accounts,
    ready: &ReadyDesk,
    account: &Account,
    call: &Call,
    now_ms: i64,
) -> Option<Answer> {
    let Auth::Sign(scheme) = ready.desk.auth else { return None };
    let secret = account.private_part();
    // A client that keeps our prefix signs it; one that talks to the provider's own path does not.
    let tried = [call.uri.path(), call.named().1].map(|path| scheme.verify(&call.asked(path), secret, now_ms));
    if let [Err(refused), Err(_)] = tried {
        let (status, body) = desks::refuse(scheme, &refused);
        return Some(Answer::json(status, body));
    }
    let nonce = scheme.nonce(&call.asked("/"))?;
    accounts.nonce_came_before(&nonce, now_ms).then(|| fixed(desks::NONCE_USED, call))
}
