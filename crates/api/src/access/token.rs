//! Tokens of `/api/token`: JSON web tokens (RFC 7519) of one kind, HS256 (RFC 7515). What a header says of the algorithm
//! decides nothing: it must be the one header we write.

use super::Role;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use model::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;
/// No token of ours is longer.
const LONGEST: usize = 2048;

/// Makes tokens and recognises them. Cheap to clone.
#[derive(Clone)]
pub struct Tokens {
    key: Arc<hmac::Key>,
    lifetime: Duration,
}

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims {
    /// The user.
    pub sub: String,
    /// The role at the time it was made.
    pub role: String,
    /// Fingerprint of the password it was made for.
    pub proof: String,
    /// Seconds since the epoch when it was made.
    pub iat: i64,
    /// Seconds since the epoch when it ends.
    pub exp: i64,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: Option<String>,
    /// Extensions that must be understood (RFC 7515, 4.1.11); we understand none.
    crit: Option<serde_json::Value>,
}

impl Tokens {
    /// Signs with `secret`, which should have at least 256 bits of chance in it; tokens are good for `lifetime`.
    pub fn new(secret: &[u8], lifetime: Duration) -> Self {
        Self { key: Arc::new(hmac::Key::new(hmac::HMAC_SHA256, secret)), lifetime }
    }

    pub(crate) const fn lifetime(&self) -> Duration {
        self.lifetime
    }

    pub(crate) fn make(&self, sub: &str, role: Role, proof: &str, now: Timestamp) -> String {
        let iat = now.millis().div_euclid(1000);
        let exp = iat.saturating_add_unsigned(self.lifetime.as_secs());
        let role = role.as_str().to_owned();
        let claims = Claims { sub: sub.to_owned(), role, proof: proof.to_owned(), iat, exp };
        let claims = serde_json::to_vec(&claims).unwrap_or_default();
        let signed = format!("{}.{}", BASE64.encode(HEADER), BASE64.encode(claims));
        let tag = hmac::sign(&self.key, signed.as_bytes());
        format!("{signed}.{}", BASE64.encode(tag))
    }

    /// What a token says that is ours and good at `now`.
    pub(crate) fn read(&self, token: &str, now: Timestamp) -> Option<Claims> {
        if token.len() > LONGEST {
            return None;
        }
        let (signed, tag) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        hmac::verify(&self.key, signed.as_bytes(), &BASE64.decode(tag).ok()?).ok()?;
        let header: Header = serde_json::from_slice(&BASE64.decode(header).ok()?).ok()?;
        let typed = header.typ.is_none_or(|typ| typ.eq_ignore_ascii_case("JWT"));
        if header.alg != "HS256" || !typed || header.crit.is_some() {
            return None;
        }
        let claims: Claims = serde_json::from_slice(&BASE64.decode(claims).ok()?).ok()?;
        let now = now.millis().div_euclid(1000);
        let lifetime = i64::try_from(self.lifetime.as_secs()).unwrap_or(i64::MAX);
        // A minute for clocks that differ; a lifetime longer than ours was not given by us.
        let good = claims.iat <= now + 60 && now < claims.exp && claims.exp.saturating_sub(claims.iat) <= lifetime;
        good.then_some(claims)
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("lifetime", &self.lifetime).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_795_000_000);

    fn tokens() -> Tokens {
        Tokens::new(b"an-installation-secret-of-32-byte", Duration::from_secs(3600))
    }

    fn signed(tokens: &Tokens, header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", BASE64.encode(header), BASE64.encode(claims));
        let tag = hmac::sign(&tokens.key, signed.as_bytes());
        format!("{signed}.{}", BASE64.encode(tag))
    }

    #[test]
    fn a_token_is_good_until_it_ends() {
        let tokens = tokens();
        let token = tokens.make("ann", Role::Operator, "p", NOW);
        let claims = tokens.read(&token, NOW).unwrap();
        assert_eq!((claims.sub.as_str(), claims.role.as_str(), claims.exp - claims.iat), ("ann", "operator", 3600));
        assert!(tokens.read(&token, NOW.plus(3_599_999)).is_some());
        assert!(tokens.read(&token, NOW.plus(3_600_000)).is_none());
        assert!(tokens.read(&token, NOW.plus(-61_000)).is_none(), "made in the future");
        assert!(Tokens::new(b"another", tokens.lifetime).read(&token, NOW).is_none());
    }

    #[test]
    fn nothing_else_is_a_token() {
        let tokens = tokens();
        let iat = NOW.millis() / 1000;
        let claims = |exp: i64| format!(r#"{{"sub":"ann","role":"admin","proof":"p","iat":{iat},"exp":{exp}}}"#);
        let good = claims(iat + 60);
        assert!(tokens.read(&signed(&tokens, HEADER, &good), NOW).is_some());
        let none = format!("{}.{}.", BASE64.encode(r#"{"alg":"none"}"#), BASE64.encode(&good));
        let made = tokens.make("ann", Role::Viewer, "p", NOW);
        let mut parts = made.split('.');
        let (head, tag) = (parts.next().unwrap(), parts.next_back().unwrap());
        let raised = format!("{head}.{}.{tag}", BASE64.encode(&good));
        for token in [
            none,
            raised,
            signed(&tokens, r#"{"alg":"none"}"#, &good),
            signed(&tokens, r#"{"alg":"HS512"}"#, &good),
            signed(&tokens, r#"{"alg":"RS256","typ":"JWT"}"#, &good),
            signed(&tokens, r#"{"alg":"hs256"}"#, &good),
            signed(&tokens, r#"{"alg":"HS256","crit":["x"]}"#, &good),
            signed(&tokens, r#"{"alg":"HS256","typ":"JWE"}"#, &good),
            signed(&tokens, HEADER, &claims(iat + 86_400)),
            signed(&tokens, HEADER, r#"{"sub":"ann","role":"admin"}"#),
            made[..made.len() - 1].to_owned(),
            "..".to_owned(),
            "a.b.c".to_owned(),
            String::new(),
        ] {
            assert_eq!(tokens.read(&token, NOW), None, "{token}");
        }
    }
}
