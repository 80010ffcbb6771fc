//! Tencent Cloud: TC3-HMAC-SHA256. cloud.tencent.com/document/api/213/30654.

use super::{Credentials, canonical};
use crate::request::PreparedRequest;
use model::Timestamp;

/// Signs the headers of `names` only, with their values in lower case as the service does.
pub(super) fn sign(request: &mut PreparedRequest, who: Credentials<'_>, service: &str, names: &[&str], now: Timestamp) {
    request.set_header("x-tc-timestamp", now.secs().to_string());
    if let Some(token) = who.token {
        request.set_header("x-tc-token", token.to_owned());
    }
    let headers: Vec<(String, String)> = canonical::headers_to_sign(request)
        .into_iter()
        .filter(|(name, _)| names.contains(&name.as_str()))
        .map(|(name, value)| (name, value.to_lowercase()))
        .collect();
    let hash = canonical::hashed(request, request.url.path(), &canonical::canonical_query(request), &headers);
    let date = canonical::utc(now);
    let day = &date[..10];
    let scope = format!("{day}/{service}/tc3_request");
    let key = canonical::chain(format!("TC3{}", who.secret).as_bytes(), &[day, service, "tc3_request"]);
    let to_sign = format!("TC3-HMAC-SHA256\n{}\n{scope}\n{hash}", now.secs());
    let signature = canonical::hex(&canonical::hmac256(&key, &to_sign));
    let names = canonical::names(&headers);
    let id = who.id;
    let text = format!("TC3-HMAC-SHA256 Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}");
    request.set_header("authorization", text);
}
