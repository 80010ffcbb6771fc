//! Huawei Cloud: SDK-HMAC-SHA256. support.huaweicloud.com/devg-apisign/api-sign-algorithm-002.html.

use super::{Credentials, canonical};
use crate::request::PreparedRequest;
use model::Timestamp;

pub(super) fn sign(request: &mut PreparedRequest, who: Credentials<'_>, now: Timestamp) {
    let date = canonical::compact(now);
    request.set_header("x-sdk-date", date.clone());
    if let Some(token) = who.token {
        request.set_header("x-security-token", token.to_owned());
    }
    let headers = canonical::headers_to_sign(request);
    // The path that is signed ends with a slash, whether or not the one that is sent does.
    let path = format!("{}/", request.url.path().trim_end_matches('/'));
    let hash = canonical::hashed(request, &path, &canonical::canonical_query(request), &headers);
    let to_sign = format!("SDK-HMAC-SHA256\n{date}\n{hash}");
    let signature = canonical::hex(&canonical::hmac256(who.secret.as_bytes(), &to_sign));
    let names = canonical::names(&headers);
    let text = format!("SDK-HMAC-SHA256 Access={}, SignedHeaders={names}, Signature={signature}", who.id);
    request.set_header("authorization", text);
}
