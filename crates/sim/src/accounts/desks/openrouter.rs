//! OpenRouter: a key's own limit, and for a management key (`-mgmt-` in it) the credits of the account.

use crate::accounts::desk::{Body, Desk, PLAIN};
use crate::accounts::template::Scene;
use std::fmt::Write;

const ROUTER: Desk = Desk {
    provider: "openrouter",
    places: 6,
    unknown: (401, r#"{"error":{"message":"User not found.","code":401}}"#),
    failed: (200, r#"{"error":{"code":502,"message":"upstream error"}}"#),
    ..PLAIN
};

pub(super) const DESKS: &[Desk] = &[
    Desk { path: "/api/v1/key", body: Body::Made(key), ..ROUTER },
    Desk { path: "/api/v1/auth/key", body: Body::Made(key), ..ROUTER },
    Desk { path: "/api/v1/credits", body: Body::Made(credits), ..ROUTER },
];

fn manages(scene: &Scene<'_>) -> bool {
    scene.secret.contains("-mgmt-")
}

fn key(scene: &Scene<'_>, out: &mut String) -> u16 {
    let level = scene.level;
    let own = level.remaining.zip(level.total).filter(|_| !manages(scene));
    let reset = match level.period {
        Some((begin, end)) if own.is_some() => match (end - begin) / 86_400_000 {
            1 => "\"daily\"",
            7 => "\"weekly\"",
            _ => "\"monthly\"",
        },
        _ => "null",
    };
    let (limit, left) = own
        .map_or_else(|| ("null".to_owned(), "null".to_owned()), |(left, total)| (total.to_string(), left.to_string()));
    let (used, manages) = (level.used, manages(scene));
    _ = write!(
        out,
        r#"{{"data":{{"label":"sk-or-v1-0e6...1c96","limit":{limit},"usage":{used},"usage_daily":{used},"usage_weekly":{used},"usage_monthly":{used},"byok_usage":0,"byok_usage_daily":0,"byok_usage_weekly":0,"byok_usage_monthly":0,"is_free_tier":false,"is_management_key":{manages},"is_provisioning_key":{manages},"limit_remaining":{left},"limit_reset":{reset},"include_byok_in_limit":false,"creator_user_id":"user_2dHFtVWx2n56w6HkM0000000000","expires_at":null,"rate_limit":{{"requests":-1,"interval":"10s","note":"This field is deprecated and safe to ignore."}}}}}}"#
    );
    200
}

fn credits(scene: &Scene<'_>, out: &mut String) -> u16 {
    if !manages(scene) {
        out.push_str(r#"{"error":{"code":403,"message":"Only management keys can perform this operation"}}"#);
        return 403;
    }
    // Without credits of its own the account says nothing, as has been seen.
    let (total, used) = scene.level.total.map(|total| (total, scene.level.used)).unwrap_or_default();
    _ = write!(out, r#"{{"data":{{"total_credits":{total},"total_usage":{used}}}}}"#);
    200
}
