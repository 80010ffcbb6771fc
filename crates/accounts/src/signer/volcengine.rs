//! Volcengine: AWS's fourth version without the "AWS4" before the secret. volcengine.com/docs/6369/67269.

use super::{Credentials, canonical};
use crate::request::PreparedRequest;
use model::Timestamp;

pub(super) fn sign(request: &mut PreparedRequest, who: Credentials<'_>, region: &str, service: &str, now: Timestamp) {
    let date = canonical::compact(now);
    request.set_header("x-date", date.clone());
    if let Some(token) = who.token {
        request.set_header("x-security-token", token.to_owned());
    }
    let headers = canonical::headers_to_sign(request);
    let hash = canonical::hashed(request, request.url.path(), &canonical::canonical_query(request), &headers);
    let day = &date[..8];
    let scope = format!("{day}/{region}/{service}/request");
    let key = canonical::chain(who.secret.as_bytes(), &[day, region, service, "request"]);
    let signature = canonical::hex(&canonical::hmac256(&key, &format!("HMAC-SHA256\n{date}\n{scope}\n{hash}")));
    let names = canonical::names(&headers);
    let id = who.id;
    let text = format!("HMAC-SHA256 Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}");
    request.set_header("authorization", text);
}
