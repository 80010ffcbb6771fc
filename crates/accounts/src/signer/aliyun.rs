//! Alibaba Cloud: the RPC signature 1.0 (HMAC-SHA1 in the query) and its successor ACS3-HMAC-SHA256.
//! help.aliyun.com/document_detail/315526.html (RPC), 2593177.html (V3).

use super::{Credentials, canonical};
use crate::request::PreparedRequest;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::Timestamp;

/// base64(HMAC-SHA1(secret&, METHOD&%2F&enc(sorted query))), put into the query with everything it covers.
pub(super) fn rpc(request: &mut PreparedRequest, who: Credentials<'_>, now: Timestamp, nonce: &str) {
    let mut own = vec![
        ("AccessKeyId", who.id.to_owned()),
        ("SignatureMethod", "HMAC-SHA1".to_owned()),
        ("SignatureNonce", nonce.to_owned()),
        ("SignatureVersion", "1.0".to_owned()),
        ("Timestamp", canonical::utc(now)),
    ];
    own.extend(who.token.map(|token| ("SecurityToken", token.to_owned())));
    for (name, value) in own {
        request.url.query_pairs_mut().append_pair(name, &value);
    }
    let query = canonical::canonical_query(request);
    let to_sign = format!("{}&%2F&{}", request.method, canonical::encode(&query));
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, format!("{}&", who.secret).as_bytes());
    let signature = STANDARD.encode(hmac::sign(&key, to_sign.as_bytes()));
    // Sent as it was signed: `query_pairs_mut` would write a blank as `+`.
    request.url.set_query(Some(&format!("{query}&Signature={}", canonical::encode(&signature))));
}

/// hex(HMAC-SHA256(secret, sts)) in `Authorization`, without any derivation of the key.
pub(super) fn acs3(
    request: &mut PreparedRequest,
    who: Credentials<'_>,
    action: &str,
    version: &str,
    now: Timestamp,
    nonce: &str,
) {
    request.set_header("x-acs-action", action.to_owned());
    request.set_header("x-acs-version", version.to_owned());
    request.set_header("x-acs-date", canonical::utc(now));
    request.set_header("x-acs-signature-nonce", nonce.to_owned());
    request.set_header("x-acs-content-sha256", canonical::sha256_hex(&request.body));
    if let Some(token) = who.token {
        request.set_header("x-acs-security-token", token.to_owned());
    }
    let headers = canonical::headers_to_sign(request);
    let hash = canonical::hashed(request, request.url.path(), &canonical::canonical_query(request), &headers);
    let signature = canonical::hex(&canonical::hmac256(who.secret.as_bytes(), &format!("ACS3-HMAC-SHA256\n{hash}")));
    let names = canonical::names(&headers);
    let id = who.id;
    let text = format!("ACS3-HMAC-SHA256 Credential={id},SignedHeaders={names},Signature={signature}");
    request.set_header("authorization", text);
}
