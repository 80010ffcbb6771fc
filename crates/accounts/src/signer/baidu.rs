//! Baidu Cloud: bce-auth-v1. cloud.baidu.com/doc/Reference/s/njwvz1yfu.

use super::{Credentials, canonical};
use crate::request::PreparedRequest;
use model::Timestamp;

/// Seconds for which a signature holds.
const VALID: u32 = 1800;

pub(super) fn sign(request: &mut PreparedRequest, who: Credentials<'_>, now: Timestamp) {
    request.set_header("x-bce-date", canonical::utc(now));
    if let Some(token) = who.token {
        request.set_header("x-bce-security-token", token.to_owned());
    }
    let headers = canonical::headers_to_sign(request);
    let mut lines: Vec<String> =
        headers.iter().map(|(k, v)| format!("{}:{}", canonical::encode(k), canonical::encode(v))).collect();
    lines.sort();
    let query = canonical::canonical_query(request);
    let to_sign = format!("{}\n{}\n{query}\n{}", request.method, request.url.path(), lines.join("\n"));
    let prefix = format!("bce-auth-v1/{}/{}/{VALID}", who.id, canonical::utc(now));
    // The key of the second signature is the first one's text, not its bytes.
    let key = canonical::hex(&canonical::hmac256(who.secret.as_bytes(), &prefix));
    let signature = canonical::hex(&canonical::hmac256(key.as_bytes(), &to_sign));
    let text = format!("{prefix}/{}/{signature}", canonical::names(&headers));
    request.set_header("authorization", text);
}
