//! Every route that there is, with every credential there may be.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod credentials;
#[path = "../product/mod.rs"]
mod product;

use credentials::{Case, cases, configure};
use model::{SharedClock, SystemClock};
use product::Product;
use reqwest::{Client, StatusCode};
use serde_json::Value;
use sim::profiles::spread;
use std::sync::Arc;

/// Who may do what, as the specification has it. A new route needs a line here.
const LISTED: &str = include_str!("routes.txt");

/// One route.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    path: String,
    method: String,
    who: String,
}

async fn product(public: bool) -> Product {
    let clock: SharedClock = Arc::new(SystemClock);
    Product::start(&spread(1), clock, |settings| {
        configure(settings);
        if !public {
            settings.auth.public.clear();
        }
    })
    .await
}

/// The routes as the OpenAPI document has them.
async fn routes(product: &Product) -> Vec<Route> {
    let document = product.get("/api/openapi.json").await;
    let mut routes = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let who = operation["x-who"].as_str().unwrap().to_owned();
            routes.push(Route { path: path.clone(), method: method.to_uppercase(), who });
        }
    }
    routes.sort();
    routes
}

/// The routes as the router has them, pages and their files too.
async fn served(product: &Product) -> Vec<Route> {
    let body = product.get("/api/v1/system/routes").await;
    let text = |entry: &Value, name: &str| entry[name].as_str().unwrap().to_owned();
    let entries = body["data"].as_array().unwrap().iter();
    let mut routes: Vec<_> =
        entries.map(|e| Route { path: text(e, "path"), method: text(e, "method"), who: text(e, "who") }).collect();
    routes.sort();
    routes
}

/// Levels: 0 nobody, 1 viewer, 2 operator, 3 admin.
fn level(who: &str, public: bool) -> u8 {
    match who {
        "anybody" => 0,
        "market" => u8::from(!public),
        "viewer" => 1,
        "operator" => 2,
        "admin" => 3,
        other => panic!("{other}"),
    }
}

/// What the credential gets: `None` is to be let through to the handler.
fn expected(case: &Case, route: &Route, public: bool) -> Option<StatusCode> {
    let needed = level(&route.who, public);
    let unsafe_method = route.method != "GET";
    if needed > 0 && case.level == 0 {
        return Some(StatusCode::UNAUTHORIZED);
    }
    if case.level < needed {
        return Some(StatusCode::FORBIDDEN);
    }
    if case.foreign && (unsafe_method || needed >= 2) {
        return Some(StatusCode::FORBIDDEN);
    }
    (case.no_csrf && unsafe_method && route.who != "anybody").then_some(StatusCode::FORBIDDEN)
}

async fn matrix(public: bool) {
    let product = product(public).await;
    let mut routes = routes(&product).await;
    // Whoever logs out has to do it last.
    routes.sort_by_key(|route| route.path == "/api/logout");
    let client = Client::new();
    let (mut wrong, mut asked) = (Vec::new(), 0);
    for case in cases(&product, &client).await {
        for route in &routes {
            let url = format!("{}{}", product.base, route.path.replace("{id}", "999999999"));
            let mut request = client.request(route.method.parse().unwrap(), url);
            for (name, value) in &case.headers {
                request = request.header(*name, value);
            }
            let got = request.send().await.unwrap().status();
            let expected = expected(&case, route, public);
            let refused = got == StatusCode::UNAUTHORIZED || got == StatusCode::FORBIDDEN;
            asked += 1;
            if expected.is_some_and(|e| e != got) || (expected.is_none() && (refused || got.is_server_error())) {
                wrong.push(format!("{} {} with {}: {got}, expected {expected:?}", route.method, route.path, case.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {asked}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(asked > 1_000, "{asked}");
    product.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_opens_to_the_right_credentials_only() {
    matrix(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_closed_market_is_public() {
    matrix(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_is_listed() {
    let product = product(true).await;
    // Which pages there are depends on whether the web page was built; they hold no data.
    let file = |path: &str| path.starts_with("/assets/") || path == "/icon.svg";
    let page = |r: &Route| r.method == "GET" && (ui::PAGES.contains(&r.path.as_str()) || file(&r.path));
    let shown = |r: Route| format!("{} {} {}", r.who, r.method, r.path);
    let mut there: Vec<String> = served(&product).await.into_iter().filter(|r| !page(r)).map(shown).collect();
    there.sort();
    let listed: Vec<&str> = LISTED.lines().collect();
    assert_eq!(there, listed, "\n{}", there.join("\n"));
    // What is served and what is described are the same.
    let mut described: Vec<String> = routes(&product).await.into_iter().map(shown).collect();
    described.sort();
    assert_eq!(described, there);
    product.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_without_a_credential_names_what_is_private() {
    let product = product(true).await;
    let client = Client::new();
    for route in routes(&product).await.iter().filter(|r| level(&r.who, true) > 0) {
        let url = format!("{}{}", product.base, route.path.replace("{id}", "1"));
        let answer = client.request(route.method.parse().unwrap(), url).send().await.unwrap();
        assert_eq!(answer.headers()["cache-control"], "no-store", "{}", route.path);
        let body: Value = answer.json().await.unwrap();
        assert_eq!((&body["code"], body.as_object().unwrap().len()), (&401.into(), 2), "{}", route.path);
    }
    product.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_with_secrets_is_the_administrators() {
    let product = product(true).await;
    let client = Client::new();
    for (role, secrets, expected) in
        [("viewer", false, 200), ("viewer", true, 403), ("operator", true, 403), ("admin", true, 200)]
    {
        let body = serde_json::json!({ "all": true, "format": "txt", "secrets": secrets });
        let request = client.post(format!("{}/api/v1/keys/export", product.base)).json(&body);
        let answer = request.header("x-api-key", format!("a-key-of-the-{role}")).send().await.unwrap();
        assert_eq!(answer.status(), expected, "{role} {secrets}");
    }
    product.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hash_of_the_command_line_logs_in() {
    use std::process::Stdio;
    use tokio::io::AsyncWriteExt;
    let dir = tempfile::tempdir().unwrap();
    let mut command = product::tidewatch(dir.path(), &["hash-password"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all("correct horse\n".as_bytes()).await.unwrap();
    let output = child.wait_with_output().await.unwrap();
    let hash = String::from_utf8(output.stdout).unwrap().trim().to_owned();
    let clock: SharedClock = Arc::new(SystemClock);
    let product = Product::start(&spread(1), clock, |settings| {
        let password_hash = settings::Secret::new(hash);
        settings.auth.users.push(settings::UserSettings { name: "ann".into(), password_hash, ..Default::default() });
    })
    .await;
    let log_in = serde_json::json!({ "username": "ann", "password": "correct horse" });
    let (status, body) = product.send(reqwest::Method::POST, "/api/login", Some(log_in), None).await;
    assert_eq!((status, &body["data"]["role"]), (StatusCode::OK, &"viewer".into()));
    product.end().await;
}
