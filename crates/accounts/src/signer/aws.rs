//! AWS Signature Version 4. docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html.

use super::{Credentials, canonical};
use crate::request::PreparedRequest;
use model::Timestamp;

pub(super) fn sign(request: &mut PreparedRequest, who: Credentials<'_>, region: &str, service: &str, now: Timestamp) {
    let date = canonical::compact(now);
    request.set_header("x-amz-date", date.clone());
    if let Some(token) = who.token {
        request.set_header("x-amz-security-token", token.to_owned());
    }
    let headers = canonical::headers_to_sign(request);
    let hash = canonical::hashed(request, request.url.path(), &canonical::canonical_query(request), &headers);
    let day = &date[..8];
    let scope = format!("{day}/{region}/{service}/aws4_request");
    let key = signing_key(who.secret, day, region, service);
    let signature = canonical::hex(&canonical::hmac256(&key, &format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{hash}")));
    let names = canonical::names(&headers);
    let id = who.id;
    let text = format!("AWS4-HMAC-SHA256 Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}");
    request.set_header("authorization", text);
}

pub(super) fn signing_key(secret: &str, day: &str, region: &str, service: &str) -> Vec<u8> {
    canonical::chain(format!("AWS4{secret}").as_bytes(), &[day, region, service, "aws4_request"])
}
