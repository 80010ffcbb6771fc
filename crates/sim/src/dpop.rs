//! DPoP proofs as Mercari checks them, on RustCrypto's p256: an implementation other than the client's.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{Signature, VerifyingKey};
use serde::{Deserialize, Serialize};

/// What a proof claims. `iat` and `jti` are not validated, as the real server does not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Issued at, Unix seconds.
    pub iat: i64,
    /// Token id; need not be unique.
    pub jti: String,
    /// The URL, of which only the path is compared.
    pub htu: String,
    /// The HTTP method.
    pub htm: String,
    /// The device, optional for search.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
}

/// Why a proof is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DpopError {
    /// Not three base64url parts of the right JSON.
    #[error("the token is malformed: {0}")]
    Malformed(&'static str),
    /// Not dpop+jwt, ES256, EC, P-256.
    #[error("the header is not that of an ES256 DPoP proof")]
    Header,
    /// x or y is not 32 bytes long, or not a point.
    #[error("x and y must be 32 bytes each and a point of P-256")]
    Key,
    /// The signature is not 64 bytes, or zero.
    #[error("the signature must be 64 raw bytes")]
    SignatureLength,
    /// The signature is not of this key over this text.
    #[error("the signature does not verify")]
    Signature,
    /// htu names another path.
    #[error("htu has another path")]
    Path,
    /// htm names another method.
    #[error("htm is another method")]
    Method,
}

#[derive(Deserialize)]
struct Header {
    typ: String,
    alg: String,
    jwk: Jwk,
}

#[derive(Deserialize)]
struct Jwk {
    crv: String,
    kty: String,
    x: String,
    y: String,
}

/// Verifies a proof for a request to `path` (no query) with method `htm`.
pub fn verify(token: &str, path: &str, htm: &str) -> Result<Claims, DpopError> {
    let (signed, signature) = token.rsplit_once('.').ok_or(DpopError::Malformed("no dots"))?;
    let (header, payload) = signed.split_once('.').ok_or(DpopError::Malformed("one dot"))?;
    let header: Header = json(header, "header")?;
    let claims: Claims = json(payload, "payload")?;
    if header.typ != "dpop+jwt" || header.alg != "ES256" || header.jwk.kty != "EC" || header.jwk.crv != "P-256" {
        return Err(DpopError::Header);
    }
    let key = key(&header.jwk)?;
    let signature = decode(signature).ok_or(DpopError::Malformed("signature"))?;
    let signature = Signature::from_slice(&signature).map_err(|_| DpopError::SignatureLength)?;
    key.verify(signed.as_bytes(), &signature).map_err(|_| DpopError::Signature)?;
    if path_of(&claims.htu) != Some(path) {
        return Err(DpopError::Path);
    }
    if claims.htm != htm {
        return Err(DpopError::Method);
    }
    Ok(claims)
}

fn decode(part: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(part).ok()
}

fn json<T: for<'d> Deserialize<'d>>(part: &str, name: &'static str) -> Result<T, DpopError> {
    let bytes = decode(part).ok_or(DpopError::Malformed(name))?;
    serde_json::from_slice(&bytes).map_err(|_| DpopError::Malformed(name))
}

fn key(jwk: &Jwk) -> Result<VerifyingKey, DpopError> {
    let coordinate = |text: &str| decode(text).filter(|bytes| bytes.len() == 32).ok_or(DpopError::Key);
    let mut point = vec![4];
    point.extend(coordinate(&jwk.x)?);
    point.extend(coordinate(&jwk.y)?);
    VerifyingKey::from_sec1_bytes(&point).map_err(|_| DpopError::Key)
}

fn path_of(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let path = &rest[rest.find('/')?..];
    Some(path.split(['?', '#']).next().unwrap_or(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use p256::ecdsa::SigningKey;
    use p256::ecdsa::signature::Signer;

    const SEARCH: &str = "/v2/entities:search";

    fn signing_key(n: u32) -> SigningKey {
        let mut scalar = [0; 32];
        scalar[28..].copy_from_slice(&n.to_be_bytes());
        SigningKey::from_slice(&scalar).unwrap()
    }

    fn coordinates(key: &SigningKey) -> (Vec<u8>, Vec<u8>) {
        let point = key.verifying_key().to_sec1_point(false);
        let bytes = point.as_bytes();
        (bytes[1..33].to_vec(), bytes[33..].to_vec())
    }

    fn b64(bytes: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn signed_part(x: &[u8], y: &[u8], jti: u32) -> String {
        let header = format!(
            r#"{{"typ":"dpop+jwt","alg":"ES256","jwk":{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}}}"#,
            b64(x),
            b64(y)
        );
        let payload = format!(r#"{{"iat":1,"jti":"{jti}","htu":"https://api.mercari.jp{SEARCH}?q=1","htm":"POST"}}"#);
        format!("{}.{}", b64(header.as_bytes()), b64(payload.as_bytes()))
    }

    fn token(key: &SigningKey, jti: u32) -> String {
        let (x, y) = coordinates(key);
        let signed = signed_part(&x, &y, jti);
        let signature: Signature = key.sign(signed.as_bytes());
        format!("{signed}.{}", b64(&signature.to_bytes()))
    }

    #[test]
    fn a_good_token_passes_and_the_query_does_not_matter() {
        let claims = verify(&token(&signing_key(7), 1), SEARCH, "POST").unwrap();
        assert_eq!((claims.iat, claims.jti.as_str()), (1, "1"));
    }

    #[test]
    fn wrong_path_method_signature_and_garbage_are_refused() {
        let good = token(&signing_key(7), 1);
        assert_eq!(verify(&good, "/items/get", "POST"), Err(DpopError::Path));
        assert_eq!(verify(&good, SEARCH, "GET"), Err(DpopError::Method));
        let other = token(&signing_key(8), 1);
        let mixed = format!("{}.{}", good.rsplit_once('.').unwrap().0, other.rsplit_once('.').unwrap().1);
        assert_eq!(verify(&mixed, SEARCH, "POST"), Err(DpopError::Signature));
        assert!(matches!(verify("abc", SEARCH, "POST"), Err(DpopError::Malformed(_))));
        assert!(matches!(verify("a.b.c", SEARCH, "POST"), Err(DpopError::Malformed(_))));
        let padded = format!("{good}=");
        assert!(matches!(verify(&padded, SEARCH, "POST"), Err(DpopError::Malformed(_))));
    }

    #[test]
    fn a_coordinate_with_a_leading_zero_must_be_padded() {
        let key = (1..5_000).map(signing_key).find(|key| coordinates(key).0[0] == 0).unwrap();
        assert!(verify(&token(&key, 1), SEARCH, "POST").is_ok());
        let (x, y) = coordinates(&key);
        let signed = signed_part(&x[1..], &y, 1);
        let signature: Signature = key.sign(signed.as_bytes());
        let stripped = format!("{signed}.{}", b64(&signature.to_bytes()));
        assert_eq!(verify(&stripped, SEARCH, "POST"), Err(DpopError::Key));
    }

    #[test]
    fn a_signature_with_a_leading_zero_must_be_padded() {
        let key = signing_key(99);
        for half in [0, 32] {
            let token = (0..20_000).map(|jti| token(&key, jti)).find(|token| {
                let raw = decode(token.rsplit_once('.').unwrap().1).unwrap();
                raw[half] == 0
            });
            let token = token.unwrap();
            assert!(verify(&token, SEARCH, "POST").is_ok());
            let (signed, raw) = token.rsplit_once('.').unwrap();
            let mut raw = decode(raw).unwrap();
            raw.remove(half);
            let stripped = format!("{signed}.{}", b64(&raw));
            assert_eq!(verify(&stripped, SEARCH, "POST"), Err(DpopError::SignatureLength));
        }
    }

    #[test]
    fn the_recorded_token_verifies() {
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/facts/mercari/mercapi/manifest.json");
        let Ok(text) = std::fs::read_to_string(manifest) else { return };
        let manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
        let token = manifest["full_dpop_example"][0][1].as_str().unwrap();
        let claims = verify(token, "/items/get", "GET").unwrap();
        assert_eq!(claims.iat, 1_663_201_171);
        assert!(claims.uuid.is_some());
    }
}
