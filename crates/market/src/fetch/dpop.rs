//! The proof of possession every request carries: a JWT (RFC 9449 in outline) signed with a key of our own making.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use engine::FetchError;
use model::Timestamp;
use std::time::Duration;
use uuid::Uuid;

/// Age at which a key is replaced.
pub const KEY_LIFE: Duration = Duration::from_secs(15 * 60);

/// A P-256 key and the JWT header that shows its public half.
pub struct Signer {
    pair: EcdsaKeyPair,
    header: String,
    born: Timestamp,
}

impl Signer {
    /// Makes a fresh key. `Transient` when the machine has no randomness to give.
    pub fn new(now: Timestamp) -> Result<Self, FetchError> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
            .map_err(|_| FetchError::Transient("no key could be made".into()))?;
        // The uncompressed point: 0x04, then x and y of 32 bytes each, leading zeros included. A coordinate or a
        // signature half without its zeros is refused, once in 256 requests.
        let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        let header = URL_SAFE_NO_PAD.encode(format!(
            r#"{{"typ":"dpop+jwt","alg":"ES256","jwk":{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}}}"#
        ));
        Ok(Self { pair, header, born: now })
    }

    /// Whether the key has lived its time; also when the clock says it is not born yet.
    pub fn expired(&self, now: Timestamp) -> bool {
        now < self.born || now.since(self.born) >= KEY_LIFE
    }

    /// Signs a proof for one request: method `htm`, absolute URL `htu`. `Transient` when signing fails.
    pub fn proof(&self, htm: &str, htu: &str, now: Timestamp, jti: Uuid, device: Uuid) -> Result<String, FetchError> {
        let claims = serde_json::json!({
            "iat": now.secs(), "jti": jti.to_string(), "htu": htu, "htm": htm, "uuid": device.to_string(),
        });
        let mut token = format!("{}.{}", self.header, URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature = self
            .pair
            .sign(&SystemRandom::new(), token.as_bytes())
            .map_err(|_| FetchError::Transient("no proof could be signed".into()))?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature.as_ref(), &mut token);
        Ok(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use p256::ecdsa::signature::Verifier;
    use p256::ecdsa::{Signature, VerifyingKey};
    use serde_json::Value;
    use std::io::Write;
    use std::path::{Path, PathBuf};
    use std::process::{Command, Stdio};

    const URL: &str = "https://api.mercari.jp/v2/entities:search";
    const NOW: Timestamp = Timestamp::from_secs(1_788_341_954);

    fn proof(signer: &Signer, n: u128) -> String {
        signer.proof("POST", URL, NOW, Uuid::from_u128(n), Uuid::from_u128(2)).unwrap()
    }

    /// Verifies with RustCrypto, strictly: padded coordinates, 64-byte signature. Returns header and payload.
    fn verify(token: &str) -> (Value, Value) {
        let parts: Vec<&str> = token.split('.').collect();
        let [header, payload, signature] = parts[..] else { panic!("not three parts: {token}") };
        let json = |part: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
        let (head, claims) = (json(header), json(payload));
        let coordinate = |name: &str| {
            let bytes = URL_SAFE_NO_PAD.decode(head["jwk"][name].as_str().unwrap()).unwrap();
            assert_eq!(bytes.len(), 32, "{name}");
            bytes
        };
        let point = [vec![4], coordinate("x"), coordinate("y")].concat();
        let key = VerifyingKey::from_sec1_bytes(&point).unwrap();
        let signature = Signature::from_slice(&URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
        key.verify(format!("{header}.{payload}").as_bytes(), &signature).unwrap();
        (head, claims)
    }

    #[test]
    fn an_independent_implementation_accepts_every_proof() {
        let signer = Signer::new(NOW).unwrap();
        let (head, claims) = verify(&proof(&signer, 1));
        assert_eq!((head["typ"].as_str(), head["alg"].as_str()), (Some("dpop+jwt"), Some("ES256")));
        assert_eq!((head["jwk"]["crv"].as_str(), head["jwk"]["kty"].as_str()), (Some("P-256"), Some("EC")));
        assert_eq!(head["jwk"].as_object().unwrap().len(), 4, "nothing private");
        assert_eq!((claims["htm"].as_str(), claims["htu"].as_str()), (Some("POST"), Some(URL)));
        assert_eq!(claims["iat"], 1_788_341_954);
        assert_eq!(claims["jti"], "00000000-0000-0000-0000-000000000001");
        assert_eq!(claims["uuid"], "00000000-0000-0000-0000-000000000002");
        // 600 signatures and 300 keys: short halves and coordinates come about once in 256.
        (0..600).for_each(|n| drop(verify(&proof(&signer, n))));
        (0..300).for_each(|n| drop(verify(&proof(&Signer::new(NOW).unwrap(), n))));
    }

    #[test]
    fn a_proof_made_by_mercaris_own_page_verifies_the_same_way() {
        let facts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/facts/mercari/mercapi/manifest.json");
        let Ok(text) = std::fs::read(facts) else { return eprintln!("no recordings here") };
        let manifest: Value = serde_json::from_slice(&text).unwrap();
        let (_, claims) = verify(manifest["full_dpop_example"][0][1].as_str().unwrap());
        assert_eq!(claims["htm"], "GET");
    }

    #[test]
    fn a_key_is_replaced_after_a_quarter_of_an_hour() {
        let signer = Signer::new(NOW).unwrap();
        assert!(!signer.expired(NOW + Duration::from_secs(899)));
        assert!(signer.expired(NOW + Duration::from_secs(900)));
        assert!(signer.expired(NOW.plus(-1)));
        let other = Signer::new(NOW).unwrap();
        assert_ne!(signer.header, other.header);
    }

    #[test]
    fn pyjwt_accepts_a_proof() {
        let present = Command::new("python3").args(["-c", "import jwt, cryptography"]).output();
        if !present.is_ok_and(|o| o.status.success()) {
            assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "CI needs python3 with PyJWT and cryptography");
            return eprintln!("PyJWT or cryptography missing: not checked");
        }
        let script: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pyjwt_dpop.py");
        let mut child = Command::new("python3")
            .arg(script)
            .args(["POST", URL])
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let signer = Signer::new(NOW).unwrap();
        let tokens: String = (0..50).map(|n| proof(&signer, n) + "\n").collect();
        child.stdin.take().unwrap().write_all(tokens.as_bytes()).unwrap();
        let done = child.wait_with_output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
}
