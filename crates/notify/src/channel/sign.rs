//! The HMAC-SHA256 signatures of the Chinese chat bots. They mirror each other: key and message are swapped.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

fn hmac_base64(key: &str, message: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    STANDARD.encode(hmac::sign(&key, message.as_bytes()))
}

/// Feishu's: the key is timestamp (seconds) and secret, the message is empty (open.feishu.cn, custom bot guide).
pub(crate) fn feishu(seconds: i64, secret: &str) -> String {
    hmac_base64(&format!("{seconds}\n{secret}"), "")
}

/// DingTalk's: the key is the secret, the message timestamp (milliseconds) and secret (open.dingtalk.com, custom
/// robot); not yet URL-encoded.
pub(crate) fn dingtalk(millis: i64, secret: &str) -> String {
    hmac_base64(secret, &format!("{millis}\n{secret}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_signatures() {
        assert_eq!(feishu(100, "demo"), "jquNHnVOwmDRfw+vqTIrY5dooJAgi5EcRtLsQE4wfXg=");
        assert_eq!(feishu(1_599_360_473, "demo"), "l1N0gAcBjdwBvGm1xMjOF0XSyaLRpR7tuO5dHfhAYc8=");
        assert_eq!(dingtalk(1_577_262_236_757, "this is secret"), "hmPWwU+7lVdm3ZZz0r9tSfx0L4Q26jWOZr9+Gs6EZQM=");
        assert_eq!(dingtalk(1_700_000_000_000, "SECtest"), "aZLLrriXgn05YbwaGR7knYsLeJADjr9NwLaNNKpxh4g=");
    }
}
