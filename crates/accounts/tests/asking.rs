//! What is sent for an account, and what several answers come to.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]

use accounts::provider::{Catalog, Params};
use accounts::{Answer, Answered, Inquiry, Reading, ReadingStatus, Step};
use model::Timestamp;
use reqwest::header::HeaderMap;
use settings::Secret;

const NOW: Timestamp = Timestamp::from_secs(1_795_000_000);

fn params(pairs: &[(&str, &str)]) -> Params {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

fn inquiry(provider: &str, secret: &str, pairs: &[(&str, &str)]) -> Inquiry {
    let params = params(pairs);
    let provider = Catalog::built_in().unwrap().get(provider, &params).unwrap();
    Inquiry::new(provider, &Secret::new(secret), &params).unwrap()
}

fn fault(provider: &str, secret: &str, pairs: &[(&str, &str)]) -> String {
    let params = params(pairs);
    let provider = Catalog::built_in().unwrap().get(provider, &params).unwrap();
    match Inquiry::new(provider, &Secret::new(secret), &params) {
        Err(fault) => fault.to_string(),
        Ok(inquiry) => inquiry.prepare(0, NOW, "nonce").map(|_| String::new()).unwrap_or_else(|f| f.to_string()),
    }
}

/// Address, the header `authorization` or the named one, and body of the first request.
fn sent(inquiry: &Inquiry, header: &str) -> (String, String, String) {
    let request = inquiry.prepare(0, NOW, "nonce").unwrap();
    let header = request.header(header).unwrap_or_default().to_owned();
    (request.url.to_string(), header, String::from_utf8(request.body).unwrap())
}

type Pairs = &'static [(&'static str, &'static str)];

/// Provider, secret, parameters; and of the first request a header's name, the address, that header, the body.
const SHOWN: &[(&str, &str, Pairs, &str, &str, &str, &str)] = &[
    ("openrouter", "sk", &[], "authorization", "https://openrouter.ai/api/v1/key", "Bearer sk", ""),
    (
        "twilio",
        "AC1:tok",
        &[],
        "authorization",
        "https://api.twilio.com/2010-04-01/Accounts/AC1/Balance.json",
        "Basic QUMxOnRvaw==",
        "",
    ),
    ("wxrank", "a b&c", &[], "authorization", "https://data.wxrank.com/weixin/score?key=a%20b%26c", "", ""),
    ("serper", "sk", &[], "x-api-key", "https://google.serper.dev/account", "sk", ""),
    (
        "deepgram",
        "sk",
        &[("project_id", "p/1")],
        "authorization",
        "https://api.deepgram.com/v1/projects/p%2F1/balances",
        "Token sk",
        "",
    ),
    (
        "twocaptcha",
        "s\"k",
        &[],
        "content-type",
        "https://api.2captcha.com/getBalance",
        "application/json",
        r#"{"clientKey":"s\"k"}"#,
    ),
    ("deepl", "sk:fx", &[], "authorization", "https://api-free.deepl.com/v2/usage", "DeepL-Auth-Key sk:fx", ""),
    ("deepl", "sk", &[], "authorization", "https://api.deepl.com/v2/usage", "DeepL-Auth-Key sk", ""),
    (
        "uniapi",
        "sk",
        &[("scope", "token")],
        "accept",
        "https://api.uniapi.io/v1/billing/usage?type=token&unit=usd",
        "application/json",
        "",
    ),
    (
        "newapi_user",
        "tok",
        &[("base", "http://new-api:3000/"), ("user_id", "7")],
        "new-api-user",
        "http://new-api:3000/api/user/self",
        "7",
        "",
    ),
    (
        "openai_costs",
        "sk",
        &[("budget", "5")],
        "authorization",
        "https://api.openai.com/v1/organization/costs?bucket_width=1d&limit=31&start_time=1793491200",
        "Bearer sk",
        "",
    ),
    (
        "tikhub",
        "sk",
        &[("origin", "http://127.0.0.1:9/tikhub")],
        "authorization",
        "http://127.0.0.1:9/tikhub/api/v1/tikhub/user/get_user_info",
        "Bearer sk",
        "",
    ),
];

#[test]
fn the_secret_is_shown_as_each_provider_wants_it() {
    for (provider, secret, pairs, header, url, shown, body) in SHOWN {
        let inquiry = inquiry(provider, secret, pairs);
        assert_eq!(sent(&inquiry, header), ((*url).to_owned(), (*shown).to_owned(), (*body).to_owned()), "{provider}");
        let shown = format!("{inquiry:?} {:?}", inquiry.plan(NOW, "nonce").unwrap());
        assert!(!shown.contains(secret) || *secret == "sk" && !shown.contains("Bearer"), "{shown}");
    }
}

#[test]
fn every_built_in_provider_can_be_asked() {
    let catalog = Catalog::built_in().unwrap();
    for provider in catalog.iter() {
        let secret = if provider.secret.is_empty() { "sk" } else { "id:secret" };
        let needed = provider.params.iter().filter(|(_, p)| p.required);
        let params: Params =
            needed.map(|(k, p)| (k.clone(), if p.url { "https://x.y" } else { "1" }.to_owned())).collect();
        let inquiry = Inquiry::new(provider.clone(), &Secret::new(secret), &params).unwrap();
        for request in inquiry.plan(NOW, "nonce").unwrap() {
            assert_eq!(request.url.scheme(), "https", "{}", provider.name);
            assert!(!request.url.as_str().contains("$%7B") && !request.url.as_str().contains("${"), "{}", request.url);
        }
    }
}

#[test]
fn a_signed_request_carries_its_signature() {
    let aliyun = inquiry("aliyun", "LTAI5tTestAccessKey:testAccessKeySecret", &[]);
    let request = aliyun
        .prepare(0, Timestamp::parse("2024-05-17T08:30:45Z").unwrap(), "f81d4fae-7dec-11d0-a765-00a0c91e6bf6")
        .unwrap();
    let url = request.url.as_str();
    assert!(
        url.starts_with(
            "https://business.aliyuncs.com/?AccessKeyId=LTAI5tTestAccessKey&Action=QueryAccountBalance&Format=JSON&"
        ),
        "{url}"
    );
    assert!(url.ends_with("&Signature=z8MVrPhYnXWKscZGXgj%2FjOnJNi4%3D"), "{url}");
    let volcengine = inquiry("volcengine", "AKTESTEXAMPLE:SKTESTEXAMPLESECRET", &[]);
    let request = volcengine.prepare(0, Timestamp::parse("2025-03-29T18:09:37Z").unwrap(), "").unwrap();
    let authorization = request.header("authorization").unwrap();
    assert!(
        authorization.ends_with("Signature=216b4c168d471b12054efe4618254d32e01566735f5f11286ec04f8a6e2bd6b9"),
        "{authorization}"
    );
}

#[test]
fn what_cannot_be_asked_says_how_to_mend_it_and_not_the_secret() {
    for (provider, secret, pairs, part) in [
        ("openrouter", " ", &[][..], "openrouter: secret: is empty"),
        ("openrouter", "a\nb", &[], "a line break"),
        ("aliyun", "only-one-part", &[], "aliyun: secret: is written access_key_id:access_key_secret:session_token"),
        ("aliyun", "id:", &[], "is written"),
        ("litellm", "sk", &[], "litellm: params.base: must be set"),
        ("litellm", "sk", &[("base", "http://proxy.example.com")], "would send the secret in the clear"),
        ("tikhub", "sk", &[("site", "mars")], "`mars` is none of china, global"),
        ("tikhub", "sk", &[("origin", "http://evil.example.com")], "in the clear"),
        ("http_json", "sk", &[("url", "https://x.y/"), ("remaining", "a"), ("body", "{")], "is not JSON"),
    ] {
        let params_fault = Catalog::built_in().unwrap().get(provider, &params(pairs)).err().map(|f| f.to_string());
        let found = params_fault.unwrap_or_else(|| fault(provider, secret, pairs));
        assert!(found.contains(part), "{found}");
        assert!(!found.contains("only-one-part"));
    }
}

fn answer(inquiry: &Inquiry, index: usize, http: u16, body: &str) -> Option<Answered> {
    let headers = HeaderMap::new();
    Some(inquiry.interpret(index, &Answer { http, headers: &headers, body: body.as_bytes() }, NOW))
}

fn done(step: Step) -> Reading {
    match step {
        Step::Done(_, reading) => *reading,
        Step::Ask(index) => panic!("asks {index}"),
    }
}

#[test]
fn openrouter_gives_the_lower_of_key_and_account() {
    let inquiry = inquiry("openrouter", "sk", &[]);
    let key = |remaining: &str, manages: &str| {
        answer(
            &inquiry,
            0,
            200,
            &format!(
                r#"{{"data": {{"limit_remaining": {remaining}, "is_management_key": {manages}, "expires_at": "2027-01-01T00:00:00Z"}}}}"#
            ),
        )
    };
    let credits = |total: &str| {
        answer(&inquiry, 1, 200, &format!(r#"{{"data": {{"total_credits": {total}, "total_usage": 1}}}}"#))
    };
    let remaining = |answers: &[Option<Answered>]| done(inquiry.step(answers)).remaining.map(|n| n.to_string());
    assert_eq!(inquiry.step(&[None, None]), Step::Ask(0));
    assert_eq!(inquiry.step(&[key("5", "true"), None]), Step::Ask(1));
    assert_eq!(remaining(&[key("5", "false"), None]).as_deref(), Some("5"), "an ordinary key is not asked twice");
    assert_eq!(remaining(&[key("5", "true"), credits("3")]).as_deref(), Some("2"));
    assert_eq!(remaining(&[key("5", "true"), credits("30")]).as_deref(), Some("5"));
    assert_eq!(remaining(&[key("null", "true"), credits("30")]).as_deref(), Some("29"));
    let account = done(inquiry.step(&[key("5", "true"), credits("3")]));
    assert!(account.expires_at.is_some(), "the key's end holds whichever is lower");
    let zeros = answer(&inquiry, 1, 200, r#"{"data": {"total_credits": 0, "total_usage": 0}}"#);
    assert_eq!(remaining(&[key("5", "true"), zeros]).as_deref(), Some("5"));
    let refused = answer(&inquiry, 1, 403, "{}");
    assert_eq!(remaining(&[key("5", "true"), refused.clone()]).as_deref(), Some("5"));
    assert!(done(inquiry.step(&[key("null", "true"), refused])).unlimited);
    let bad = answer(&inquiry, 0, 401, "{}");
    assert_eq!(done(inquiry.step(&[bad, None])).status, ReadingStatus::Unauthorized);
}

#[test]
fn factory_falls_back_and_learns_the_organisation() {
    let inquiry = inquiry("factory", "fk-1", &[]);
    let names: Vec<&str> = inquiry.provider().requests.iter().map(|r| r.name.as_str()).collect();
    assert_eq!(names, ["billing_limits", "subscription_usage", "chat_usage", "identity"]);
    let old_plan = answer(&inquiry, 0, 200, r#"{"usesTokenRateLimitsBilling": false, "limits": null}"#);
    let refused = answer(&inquiry, 1, 403, r#"{"detail": "Must be manager"}"#);
    let usage = answer(&inquiry, 2, 200, r#"{"usage": {"standard": {"orgTotalTokensUsed": 5, "totalAllowance": 20}}}"#);
    let me = answer(&inquiry, 3, 200, r#"{"organization": {"id": "org_9"}}"#);
    let gone = |index| answer(&inquiry, index, 404, "404 page not found");
    assert_eq!(inquiry.step(&[old_plan.clone(), None, None, None]), Step::Ask(1));
    assert_eq!(inquiry.step(&[old_plan.clone(), refused.clone(), None, None]), Step::Ask(2));
    assert_eq!(inquiry.step(&[old_plan.clone(), refused.clone(), usage.clone(), None]), Step::Ask(3));
    let reading = done(inquiry.step(&[old_plan.clone(), refused.clone(), usage.clone(), me]));
    assert_eq!((reading.remaining.unwrap().to_string().as_str(), reading.org.as_deref()), ("15", Some("org_9")));
    let without = done(inquiry.step(&[old_plan.clone(), refused.clone(), usage, gone(3)]));
    assert_eq!((without.is_ok(), without.org), (true, None));
    // A refusal says more than a later 404.
    assert_eq!(done(inquiry.step(&[old_plan.clone(), refused, gone(2), None])).status, ReadingStatus::Forbidden);
    // Whoever wants fewer questions is not asked another.
    let limited = answer(&inquiry, 0, 429, "{}");
    assert_eq!(done(inquiry.step(&[limited, None, None, None])).status, ReadingStatus::Limited);
    // A stated organisation saves a question.
    let stated = self::inquiry("factory", "fk-1", &[("org", "mine")]);
    let usage = answer(&stated, 1, 200, r#"{"usage": {"standard": {"orgTotalTokensUsed": 5, "totalAllowance": 20}}}"#);
    assert_eq!(done(stated.step(&[old_plan, usage, None, None])).org.as_deref(), Some("mine"));
}

#[test]
fn one_api_needs_both_answers() {
    let inquiry = inquiry("oneapi_billing", "sk", &[("base", "https://x.y/v1")]);
    let limit = answer(&inquiry, 0, 200, r#"{"hard_limit_usd": 7}"#);
    let used = answer(&inquiry, 1, 200, r#"{"total_usage": 50}"#);
    assert_eq!(inquiry.step(&[limit.clone(), None]), Step::Ask(1));
    assert_eq!(done(inquiry.step(&[limit.clone(), used.clone()])).remaining.unwrap().normalize().to_string(), "6.5");
    let half = answer(&inquiry, 1, 200, "{}");
    assert_eq!(done(inquiry.step(&[limit, half])).status, ReadingStatus::Malformed);
    let endless = answer(&inquiry, 0, 200, r#"{"hard_limit_usd": 100000000}"#);
    let endless = done(inquiry.step(&[endless, used]));
    assert!(endless.unlimited && endless.remaining.is_none() && endless.used.is_some());
}

#[test]
fn http_json_asks_what_the_account_says() {
    let pairs = [
        ("url", "https://x.y/balance?team=1"),
        ("auth", "header:X-Key"),
        ("remaining", "data.cents / 100"),
        ("unit", "EUR"),
        ("success", "ok == true"),
        ("message", "why?"),
    ];
    let inquiry = inquiry("http_json", "sk-secret", &pairs);
    assert_eq!(sent(&inquiry, "x-key").1, "sk-secret");
    let reading = answer(&inquiry, 0, 200, r#"{"ok": true, "data": {"cents": 1250}}"#).unwrap().reading;
    assert_eq!(
        (reading.remaining.unwrap().normalize().to_string().as_str(), reading.unit.as_deref()),
        ("12.5", Some("EUR"))
    );
    let failed = answer(&inquiry, 0, 200, r#"{"ok": false, "why": "no sk-secret"}"#).unwrap().reading;
    assert_eq!(failed.note.as_deref(), Some("the provider says it failed: no ***"));
}

#[test]
fn a_window_that_is_over_is_not_believed_and_the_unit_is_compared() {
    let kimi = inquiry("kimi_coding", "sk", &[]);
    let body = r#"{"usage": {"limit": 10, "remaining": 4}, "limits": [{"window": {"duration": 5, "timeUnit": "H"}, "detail": {"limit": 9, "remaining": 1, "resetTime": "2020-01-01T00:00:00Z"}}]}"#;
    let reading = answer(&kimi, 0, 200, body).unwrap().reading;
    assert!(reading.is_ok() && reading.windows.is_empty() && reading.note.unwrap().contains("5 h window is over"));
    let zenmux = inquiry("zenmux", "sk", &[]);
    let reading = answer(&zenmux, 0, 200, r#"{"success": true, "data": {"currency": "cny", "total_credits": 4}}"#)
        .unwrap()
        .reading;
    assert_eq!(reading.unit.as_deref(), Some("CNY"));
    assert!(reading.note.unwrap().contains("the answer is in CNY, USD was expected"));
}

#[test]
fn the_request_that_answered_last_time_is_asked_first() {
    let inquiry = inquiry("factory", "fk-1", &[("org", "org_1")]);
    let step = |via: Option<&str>, answers: &[Option<Answered>]| inquiry.clone().preferring(via).step(answers);
    let none = vec![None; 4];
    assert_eq!(step(None, &none), Step::Ask(0));
    assert_eq!(step(Some("a request of another version"), &none), Step::Ask(0));
    assert_eq!(step(Some("identity"), &none), Step::Ask(0), "it only adds");
    assert_eq!(step(Some("chat_usage"), &none), Step::Ask(2));
    let answered = |status| Answered { reading: Reading { status, ..Reading::default() }, ask_next: true };
    let mut answers = none;
    answers[2] = Some(answered(ReadingStatus::Unsupported));
    assert_eq!(step(Some("chat_usage"), &answers), Step::Ask(0), "the plan has changed");
    answers[2] =
        Some(Answered { reading: Reading { org: Some("org_1".into()), ..Reading::default() }, ask_next: true });
    let Step::Done(2, reading) = step(Some("chat_usage"), &answers) else { panic!("it has answered") };
    assert_eq!(reading.via.as_deref(), Some("chat_usage"));
}
