//! Sessions of browsers: a cookie with 256 random bits, of which only the SHA-256 is stored, and the CSRF token that
//! belongs to it.

use crate::ApiError;
use aws_lc_rs::{constant_time, digest, rand};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use model::Timestamp;
use std::time::Duration;
use store::{AuditEntry, SessionRow, Store};

/// The cookie of a session.
pub(crate) const NAME: &str = "tidewatch_session";
const CSRF: &str = "x-csrf-token";

/// Where sessions are kept, and for how long.
#[derive(Clone)]
pub struct Sessions {
    store: Store,
    lifetime: Duration,
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sessions").field("lifetime", &self.lifetime).finish_non_exhaustive()
    }
}

impl Sessions {
    /// Keeps sessions in `store`, each for `lifetime` from its log-in.
    pub const fn new(store: Store, lifetime: Duration) -> Self {
        Self { store, lifetime }
    }

    pub(crate) const fn lifetime(&self) -> Duration {
        self.lifetime
    }

    pub(super) async fn find(&self, id: &[u8; 32], now: Timestamp) -> Result<Option<SessionRow>, ApiError> {
        Ok(store::find_session(&self.store, &stored(id), now).await?)
    }

    pub(super) async fn open(
        &self,
        principal: String,
        proof: String,
        actor: &str,
        now: Timestamp,
    ) -> Result<([u8; 32], Timestamp), ApiError> {
        let mut id = [0; 32];
        rand::fill(&mut id).map_err(|_| ApiError::internal("the system gives no random bytes"))?;
        let expires_at = now.plus(i64::try_from(self.lifetime.as_millis()).unwrap_or(i64::MAX));
        let row = SessionRow { id_hash: stored(&id), principal, proof, created_at: now, expires_at };
        let mut tx = self.store.begin().await?;
        store::open_session(&mut tx, &row).await?;
        let subject = row.principal.clone();
        store::audit(&mut tx, &AuditEntry { at: now, actor: actor.to_owned(), action: "session.open".into(), subject })
            .await?;
        tx.commit().await?;
        Ok((id, expires_at))
    }

    pub(crate) async fn close(&self, id: &[u8; 32], actor: &str, now: Timestamp) -> Result<(), ApiError> {
        let mut tx = self.store.begin().await?;
        if store::close_session(&mut tx, &stored(id)).await? {
            let (actor, subject) = (actor.to_owned(), actor.to_owned());
            store::audit(&mut tx, &AuditEntry { at: now, actor, action: "session.close".into(), subject }).await?;
        }
        Ok(tx.commit().await?)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// What the store knows of an id.
fn stored(id: &[u8; 32]) -> String {
    hex(digest::digest(&digest::SHA256, id).as_ref())
}

/// The token that has to come with writes. It follows from the id and says nothing of it.
pub(crate) fn csrf(id: &[u8; 32]) -> String {
    let text = [b"tidewatch csrf ".as_slice(), id].concat();
    hex(digest::digest(&digest::SHA256, &text).as_ref())
}

/// The id in the request's cookie; of two with this name neither is believed.
pub(super) fn cookie(headers: &HeaderMap) -> Option<[u8; 32]> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut found = lines.flat_map(|line| line.split(';')).filter_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        (name == NAME).then_some(value)
    });
    let value = found.next()?.as_bytes();
    if found.next().is_some() || value.len() != 64 || !value.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let mut id = [0; 32];
    for (byte, pair) in id.iter_mut().zip(value.chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(id)
}

/// `Set-Cookie` for a session that lasts `lifetime`; zero takes it away.
pub(crate) fn set_cookie(id: Option<&[u8; 32]>, lifetime: Duration, secure: bool) -> Result<HeaderValue, ApiError> {
    let (value, secure) = (id.map(|id| hex(id)).unwrap_or_default(), if secure { "; Secure" } else { "" });
    let age = lifetime.as_secs();
    let text = format!("{NAME}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={age}{secure}");
    HeaderValue::from_str(&text).map_err(ApiError::internal)
}

/// Refuses what another site makes a browser send.
pub(crate) fn same_site(headers: &HeaderMap) -> Result<(), ApiError> {
    let refused = || Err(ApiError::foreign("refused: the request comes from another site"));
    if let Some(site) = headers.get("sec-fetch-site") {
        return if site == "same-origin" || site == "none" { Ok(()) } else { refused() };
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    match (origin, host) {
        (Some((_, origin)), Some(host)) if origin.eq_ignore_ascii_case(host) => Ok(()),
        _ => refused(),
    }
}

/// Refuses a write of a session without its token.
pub(super) fn carries_token(headers: &HeaderMap, method: &Method, id: &[u8; 32]) -> Result<(), ApiError> {
    if method.is_safe() {
        return Ok(());
    }
    let given = headers.get(CSRF).map(HeaderValue::as_bytes).unwrap_or_default();
    match constant_time::verify_slices_are_equal(csrf(id).as_bytes(), given) {
        Ok(()) => Ok(()),
        Err(_) => Err(ApiError::foreign("writes of a session need its token as `X-CSRF-Token`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn one_cookie_of_the_right_form_is_read() {
        let id = "ab".repeat(32);
        let good = format!("theme=dark; {NAME}={id}; x=y");
        assert_eq!(cookie(&headers(&[("cookie", &good)])), Some([0xab; 32]));
        let twice = format!("{NAME}={id}; {NAME}={id}");
        let (short, odd) = (format!("{NAME}={}", &id[2..]), format!("{NAME}={}+f", &id[2..]));
        for line in [twice.as_str(), &short, &odd, "", NAME, &format!("x{good}").replace("theme", "")[..5]] {
            assert_eq!(cookie(&headers(&[("cookie", line)])), None, "{line}");
        }
    }

    #[test]
    fn other_sites_are_refused() {
        for (pairs, good) in [
            (&[][..], true),
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "none")], true),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "cross-site"), ("origin", "http://a:1"), ("host", "a:1")], false),
            (&[("origin", "http://a:1"), ("host", "a:1")], true),
            (&[("origin", "https://A:1"), ("host", "a:1")], true),
            (&[("origin", "http://a:2"), ("host", "a:1")], false),
            (&[("origin", "null"), ("host", "a:1")], false),
            (&[("origin", "http://a:1")], false),
        ] {
            assert_eq!(same_site(&headers(pairs)).is_ok(), good, "{pairs:?}");
        }
    }

    #[test]
    fn a_write_needs_the_token_of_its_own_session() {
        let (mine, other) = ([1; 32], [2; 32]);
        let with = |token: &str| headers(&[(CSRF, token)]);
        assert!(carries_token(&with(&csrf(&mine)), &Method::POST, &mine).is_ok());
        assert!(carries_token(&HeaderMap::new(), &Method::GET, &mine).is_ok());
        for bad in [HeaderMap::new(), with(""), with(&csrf(&other)), with(&hex(&mine)), with(&stored(&mine))] {
            assert!(carries_token(&bad, &Method::DELETE, &mine).is_err(), "{bad:?}");
        }
    }
}
