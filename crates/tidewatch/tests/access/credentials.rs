//! Every credential there may be: right, wrong, ended, forged.

use crate::product::{KEY, Product};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use reqwest::Client;
use serde_json::{Value, json};
use settings::{ApiKeySettings, RoleSetting, Secret, Settings, UserSettings};
use store::{OpenOptions, Store};
use tidewatch::app::database;

const SECRET: &str = "a-signing-secret-of-these-tests-only";
const PASSWORD: &str = "correct horse";
const ROLES: [(&str, RoleSetting, u8); 3] =
    [("viewer", RoleSetting::Viewer, 1), ("operator", RoleSetting::Operator, 2), ("admin", RoleSetting::Admin, 3)];

/// One way to ask.
pub struct Case {
    pub name: String,
    pub headers: Vec<(&'static str, String)>,
    /// What it should be good for: 0 is nothing.
    pub level: u8,
    /// Without the token of its session.
    pub no_csrf: bool,
    /// From another site.
    pub foreign: bool,
}

/// A user and a key of each role.
pub fn configure(settings: &mut Settings) {
    settings.auth.jwt.secret = Secret::new(SECRET);
    for (name, role, _) in ROLES {
        let (name, password) = (name.to_owned(), Secret::new(PASSWORD));
        settings.auth.api_keys.push(ApiKeySettings {
            name: name.clone(),
            key: Secret::new(format!("a-key-of-the-{name}")),
            role,
            ..Default::default()
        });
        settings.auth.users.push(UserSettings { name, password, role, ..Default::default() });
    }
}

fn signed(header: &str, claims: &Value, secret: &str, algorithm: hmac::Algorithm) -> String {
    let signed = format!("{}.{}", BASE64.encode(header), BASE64.encode(claims.to_string()));
    let tag = hmac::sign(&hmac::Key::new(algorithm, secret.as_bytes()), signed.as_bytes());
    format!("Bearer {signed}.{}", BASE64.encode(tag))
}

async fn post(product: &Product, client: &Client, path: &str, body: &Value) -> (Option<String>, Value) {
    let answer = client.post(format!("{}{path}", product.base)).json(body).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    let cookie = answer.headers().get("set-cookie").map(|c| c.to_str().unwrap().split(';').next().unwrap().to_owned());
    (cookie, answer.json().await.unwrap())
}

/// A new session: its cookie and its token.
async fn session(product: &Product, client: &Client, user: &str) -> (String, String) {
    let body = json!({ "username": user, "password": PASSWORD });
    let (cookie, body) = post(product, client, "/api/login", &body).await;
    (cookie.unwrap(), body["data"]["csrf"].as_str().unwrap().to_owned())
}

/// Lets every session there is end, as if its time had come.
async fn end_sessions(product: &Product) {
    let store = Store::open(&OpenOptions::new(database::url(&product.settings))).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    tx.exec("UPDATE sessions SET expires_at = 1", Vec::new()).await.unwrap();
    tx.commit().await.unwrap();
    store.close().await;
}

async fn forged(product: &Product, client: &Client) -> Vec<(&'static str, String)> {
    let body = json!({ "username": "admin", "password": PASSWORD });
    let (_, given) = post(product, client, "/api/token", &body).await;
    let token = given["access_token"].as_str().unwrap();
    let claims = BASE64.decode(token.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    let with = |changes: Value| {
        let mut claims = claims.clone();
        claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        claims
    };
    let iat = claims["iat"].as_i64().unwrap();
    let hs256 = r#"{"alg":"HS256","typ":"JWT"}"#;
    let good = signed(hs256, &claims, SECRET, hmac::HMAC_SHA256);
    let none = signed(r#"{"alg":"none","typ":"JWT"}"#, &claims, SECRET, hmac::HMAC_SHA256);
    let bare = none.rsplit_once('.').unwrap().0;
    let ended = with(json!({ "iat": iat - 7200, "exp": iat - 1 }));
    let viewer = with(json!({ "sub": "viewer" }));
    vec![
        ("forged: the very token", good),
        ("ended token", signed(hs256, &ended, SECRET, hmac::HMAC_SHA256)),
        ("token of alg none", format!("{bare}.")),
        ("token of alg none with a tag", none),
        ("token of HS512", signed(r#"{"alg":"HS512","typ":"JWT"}"#, &claims, SECRET, hmac::HMAC_SHA512)),
        ("token that says HS384", signed(r#"{"alg":"HS384","typ":"JWT"}"#, &claims, SECRET, hmac::HMAC_SHA256)),
        ("token of another key", signed(hs256, &claims, "another-secret-that-is-long-enough", hmac::HMAC_SHA256)),
        ("token for another user", signed(hs256, &viewer, SECRET, hmac::HMAC_SHA256)),
        ("token without an end", signed(hs256, &with(json!({ "exp": null })), SECRET, hmac::HMAC_SHA256)),
        ("token for ever", signed(hs256, &with(json!({ "exp": 99_999_999_999_i64 })), SECRET, hmac::HMAC_SHA256)),
    ]
}

pub async fn cases(product: &Product, client: &Client) -> Vec<Case> {
    let case = |name: String, headers: Vec<(&'static str, String)>, level: u8| Case {
        name,
        headers,
        level,
        no_csrf: false,
        foreign: false,
    };
    let (ended, ended_csrf) = session(product, client, "admin").await;
    end_sessions(product).await;
    let mut cases = vec![
        case("nothing".into(), vec![], 0),
        case("a wrong key".into(), vec![("x-api-key", "a-key-of-the-nobody".into())], 0),
        case("an empty key".into(), vec![("x-api-key", String::new())], 0),
        case("a key in another scheme".into(), vec![("authorization", format!("Basic {KEY}"))], 0),
        case("a made-up session".into(), vec![("cookie", format!("tidewatch_session={}", "ab".repeat(32)))], 0),
        case("an ended session".into(), vec![("cookie", ended), ("x-csrf-token", ended_csrf)], 0),
    ];
    for (name, bearer) in forged(product, client).await {
        // The first is not forged at all: it shows that the others fail for what they say.
        let level = if name.contains("very token") { 3 } else { 0 };
        cases.push(case(name.into(), vec![("authorization", bearer)], level));
    }
    for (role, _, level) in ROLES {
        cases.push(case(format!("{role}'s key"), vec![("x-api-key", format!("a-key-of-the-{role}"))], level));
        let body = json!({ "username": role, "password": PASSWORD });
        let token = post(product, client, "/api/token", &body).await.1["access_token"].as_str().unwrap().to_owned();
        cases.push(case(format!("{role}'s token"), vec![("authorization", format!("Bearer {token}"))], level));
        let (cookie, csrf) = session(product, client, role).await;
        cases.push(case(format!("{role}'s session"), vec![("cookie", cookie), ("x-csrf-token", csrf)], level));
    }
    let (cookie, csrf) = session(product, client, "admin").await;
    let headers = vec![("cookie", cookie.clone())];
    cases.push(Case { no_csrf: true, ..case("a session without its token".into(), headers, 3) });
    let headers = vec![("cookie", cookie), ("x-csrf-token", csrf), ("sec-fetch-site", "cross-site".into())];
    cases.push(Case { foreign: true, ..case("a session from another site".into(), headers, 3) });
    cases
}
