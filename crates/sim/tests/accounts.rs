//! Simulated providers over a real socket.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]

mod wire;

use serde_json::{Value, json};
use sim::accounts::{
    Account, AccountsConfig, AccountsError, AccountsServer, Amount, FactoryPlan, FactoryPool, Plan, RunningAccounts,
};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use wire::{get, listener, post, send};

const START: i64 = 1_788_220_800_000;
const DAY: i64 = 86_400_000;

fn steady() -> Plan {
    Plan::steady(START, Amount::whole(2_000), Amount::whole(10))
}

async fn start(accounts: Vec<Account>, factory: Option<FactoryPool>) -> (RunningAccounts, Arc<AtomicI64>) {
    let now = Arc::new(AtomicI64::new(START + DAY));
    let clock = Arc::clone(&now);
    let mut config = AccountsConfig::new(Arc::new(move || clock.load(Ordering::SeqCst)));
    (config.accounts, config.factory) = (accounts, factory);
    (AccountsServer::start(listener().await, config).unwrap(), now)
}

#[tokio::test]
async fn a_level_is_told_at_both_paths_and_follows_the_clock() {
    let (sim, now) = start(vec![Account::new("deepseek", "sk-1", 0, steady())], None).await;
    for (day, text) in [(1, "1990.00"), (2, "1980.00"), (200, "0.00")] {
        now.store(START + day * DAY, Ordering::SeqCst);
        for path in ["/p/deepseek/user/balance", "/user/balance"] {
            let reply = get(sim.addr(), path, "sk-1").await;
            assert_eq!(reply.status, 200);
            assert_eq!(reply.json()["balance_infos"][0]["total_balance"], text);
        }
        let truth = sim.accounts().truth("deepseek", "sk-1", START + day * DAY);
        assert_eq!(truth.remaining.unwrap(), Amount::whole(2_000 - 10 * day.min(200)));
    }
    assert_eq!(get(sim.addr(), "/user/balance", "sk-2").await.status, 401);
    assert_eq!(get(sim.addr(), "/p/poe/user/balance", "sk-1").await.status, 404);
    assert!(!sim.accounts().truth("deepseek", "sk-2", START).accepted);
    let counters = sim.counters();
    assert_eq!((counters.requests, counters.by_status[&200], counters.in_flight), (8, 6, 0));
    sim.shutdown().await;
}

#[tokio::test]
async fn an_account_is_opened_revoked_and_refused_when_it_cannot_be() {
    let (sim, now) = start(Vec::new(), None).await;
    let accounts = sim.accounts();
    accounts.put(Account::new("poe", "sk-9", 0, steady())).unwrap();
    assert_eq!(get(sim.addr(), "/usage/current_balance", "sk-9").await.status, 200);
    let reply = post(sim.addr(), "/_sim/accounts/revoke", r#"{"provider":"poe","secret":"sk-9"}"#).await;
    assert_eq!(reply.status, 204);
    assert_eq!(get(sim.addr(), "/usage/current_balance", "sk-9").await.status, 401);
    assert!(!accounts.truth("poe", "sk-9", now.load(Ordering::SeqCst)).accepted);
    assert!(accounts.truth("poe", "sk-9", START).accepted);
    assert!(!accounts.revoke("poe", "sk-8", 0));
    let nobody = accounts.put(Account::new("nobody", "x", 0, steady()));
    assert_eq!(nobody, Err(AccountsError::Provider("nobody".to_owned())));
    let boundless = accounts.put(Account::new("poe", "x", 0, Plan::unlimited(START, Amount::whole(1))));
    assert_eq!(boundless, Err(AccountsError::Unlimited("poe".to_owned())));
    let owing = Plan::overdrawn(START, Amount::whole(1), Amount::whole(1));
    let owing = accounts.put(Account::new("aihubmix", "x", 0, owing));
    assert_eq!(owing, Err(AccountsError::Debt("aihubmix".to_owned())));
}

#[tokio::test]
async fn faults_speak_the_providers_language() {
    let account = |provider| Account::new(provider, "key", 0, steady());
    let (sim, _) = start(["wxrank", "uniapi", "tikhub"].map(account).into(), None).await;
    let (wxrank, uniapi) = ("/p/wxrank/weixin/score?key=key", "/p/uniapi/v1/billing/usage");
    let tikhub = "/p/tikhub/api/v1/tikhub/user/get_user_info";
    let put = async |spec: &str| assert_eq!(post(sim.addr(), "/_sim/accounts/faults", spec).await.status, 200);
    put("429").await;
    let reply = get(sim.addr(), wxrank, "").await;
    assert_eq!((reply.status, reply.json()["code"].clone()), (200, json!(9999)));
    let reply = get(sim.addr(), tikhub, "key").await;
    assert!(reply.status == 429 && reply.has("retry-after"));
    assert_eq!(reply.json()["detail"]["headers"]["Authorization"], "Bearer key");
    put("200-failed").await;
    let reply = get(sim.addr(), uniapi, "key").await;
    assert_eq!((reply.status, reply.json()["success"].clone()), (200, json!(false)));
    put("page").await;
    let reply = get(sim.addr(), uniapi, "key").await;
    assert!(reply.status == 200 && reply.body.starts_with("<!DOCTYPE html>"));
    put("503:every=2,latency=1+2").await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(get(sim.addr(), uniapi, "key").await.status);
    }
    assert_eq!(statuses, [200, 503, 200, 503]);
    // Only one provider, and there only one secret.
    put(r#"{"rules":[{"fault":{"kind":"unauthorized"},"when":{"every":1},"path":"uniapi","keyword":"key"}]}"#).await;
    assert_eq!(get(sim.addr(), uniapi, "key").await.status, 401);
    assert_eq!(get(sim.addr(), tikhub, "key").await.status, 200);
    assert_eq!(sim.counters().by_fault["503"], 2);
    assert_eq!(post(sim.addr(), "/_sim/accounts/faults", "teapot").await.status, 400);
}

#[tokio::test]
async fn factory_answers_by_plan_and_many_at_once() {
    let pool = FactoryPool { revoked: 20, ..FactoryPool::new(11, 2_000, START) };
    let (sim, _) = start(Vec::new(), Some(pool.clone())).await;
    let addr = sim.addr();
    let first = |plan| (0..2_000).find(|n| pool.plan(*n) == plan && !pool.is_revoked(*n)).unwrap();
    let ask = async |number, path: &str| get(addr, &format!("/p/factory{path}"), &pool.key(number)).await;
    let limits = ask(first(FactoryPlan::RateLimits), "/api/billing/limits").await.json();
    assert_eq!(limits["usesTokenRateLimitsBilling"], true);
    let truth = pool.truth(first(FactoryPlan::RateLimits), START + DAY);
    assert_eq!(limits["limits"]["standard"]["weekly"]["usedPercent"], truth.windows[1].used_percent);
    assert_eq!(limits["extraUsageBalanceCents"], truth.remaining.unwrap().as_micros() / 10_000);
    let tokens = first(FactoryPlan::Tokens);
    assert_eq!(ask(tokens, "/api/billing/limits").await.json()["usesTokenRateLimitsBilling"], false);
    let usage = ask(tokens, "/api/organization/subscription/usage?useCache=true").await.json();
    let truth = pool.truth(tokens, START + DAY);
    assert_eq!(usage["usage"]["standard"]["orgTotalTokensUsed"], truth.used.unwrap().as_micros() / 1_000_000);
    assert_eq!(ask(tokens, "/api/app/auth/me").await.json()["organization"]["id"], truth.org.unwrap().as_str());
    let member = first(FactoryPlan::Members);
    assert_eq!(ask(member, "/api/billing/limits").await.status, 404);
    assert_eq!(ask(member, "/api/organization/subscription/usage").await.status, 403);
    assert_eq!(ask(member, "/api/organization/members/chat-usage").await.status, 200);
    assert_eq!(get(addr, "/api/billing/limits", "fk-sim-000002000").await.status, 401);

    let many = (0..500_u64).map(|n| {
        let key = pool.key(n);
        async move { get(addr, "/api/organization/members/chat-usage", &key).await.status }
    });
    let statuses = futures::future::join_all(many).await;
    for (number, status) in statuses.into_iter().enumerate() {
        assert_eq!(status == 200, !pool.is_revoked(number as u64), "{number}: {status}");
    }
    let counters = sim.counters();
    assert_eq!((counters.requests, counters.in_flight), (508, 0));
    assert!(counters.peak_in_flight >= 1);
}

#[tokio::test]
async fn unsigned_and_replayed_requests_are_refused() {
    let cloud = |provider| Account::new(provider, "AKID:secret", 0, steady());
    let (sim, now) = start(vec![cloud("aliyun"), cloud("volcengine")], None).await;
    // 2016-02-23T12:46:24Z: the vector's own keys, at its own time.
    let testid = Account::new("aliyun", "testid:testsecret", 0, Plan::steady(0, Amount::whole(100), Amount::ZERO));
    sim.accounts().put(testid).unwrap();
    now.store(1_456_231_584_000, Ordering::SeqCst);
    let query = "AccessKeyId=testid&Action=QueryAccountBalance&Format=JSON&SignatureMethod=HMAC-SHA1\
        &SignatureNonce=3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf&SignatureVersion=1.0&Timestamp=2016-02-23T12%3A46%3A24Z\
        &Version=2017-12-14&Signature=EmNcnr9wWyfnPakLCC58XIpQsZU%3D";
    let reply = get(sim.addr(), &format!("/p/aliyun/?{query}"), "").await;
    assert_eq!((reply.status, reply.json()["Data"]["AvailableAmount"].clone()), (200, json!("100.00")));
    let code = async |query: &str| {
        let reply = get(sim.addr(), &format!("/p/aliyun/?{query}"), "").await;
        (reply.status, reply.json()["Code"].as_str().unwrap().to_owned())
    };
    assert_eq!(code(query).await, (400, "SignatureNonceUsed".to_owned()));
    let tampered = query.replace("QueryAccountBalance", "QueryAccountBill");
    assert_eq!(code(&tampered).await, (400, "SignatureDoesNotMatch".to_owned()));
    assert_eq!(code("AccessKeyId=AKID").await, (400, "IncompleteSignature".to_owned()));
    assert_eq!(code("AccessKeyId=other").await, (404, "InvalidAccessKeyId.NotFound".to_owned()));
    now.store(START, Ordering::SeqCst);
    assert_eq!(code(query).await, (400, "InvalidTimeStamp.Expired".to_owned()));
    let head = "GET /p/volcengine/?Action=QueryBalanceAcct HTTP/1.1\r\nAuthorization: HMAC-SHA256 Credential=AKID/20260901/cn-beijing/billing/request, SignedHeaders=host;x-date, Signature=00\r\nX-Date: 20260901T000000Z\r\n";
    let reply = send(sim.addr(), head, "").await;
    assert_eq!(
        (reply.status, reply.json()["ResponseMetadata"]["Error"]["Code"].clone()),
        (401, json!("SignatureDoesNotMatch"))
    );
}

/// All keys of a document with where they stand; of lists the first item.
fn keys(value: &Value, at: &str, out: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(key, member)| {
            out.insert(format!("{at}.{key}"));
            keys(member, &format!("{at}.{key}"), out);
        }),
        Value::Array(items) => items.first().into_iter().for_each(|item| keys(item, &format!("{at}[]"), out)),
        _ => {}
    }
}

/// The keys of a recorded body; none where the collection is not at hand.
fn recorded(file: &str) -> Option<BTreeSet<String>> {
    let directory = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/facts/providers"));
    let text = std::fs::read_to_string(directory.join(format!("{file}.json"))).ok()?;
    let mut theirs = BTreeSet::new();
    keys(&serde_json::from_str(&text).unwrap(), "", &mut theirs);
    Some(theirs)
}

#[tokio::test]
async fn factorys_bodies_have_all_that_recorded_ones_have() {
    let pool = FactoryPool::new(11, 2_000, START);
    let (sim, _) = start(Vec::new(), Some(pool.clone())).await;
    for (file, plan, path) in [
        ("factory.billing_limits", FactoryPlan::RateLimits, "/api/billing/limits"),
        ("factory.subscription_usage", FactoryPlan::Tokens, "/api/organization/subscription/usage"),
        ("factory.chat_usage_overage", FactoryPlan::Members, "/api/organization/members/chat-usage"),
        ("factory.schedule", FactoryPlan::Tokens, "/api/organization/subscription/schedule"),
    ] {
        let number = (0..2_000).find(|n| pool.plan(*n) == plan).unwrap();
        let mut ours = BTreeSet::new();
        keys(&get(sim.addr(), path, &pool.key(number)).await.json(), "", &mut ours);
        let theirs = recorded(file).unwrap_or_default();
        assert_eq!(theirs.difference(&ours).next(), None, "{file}");
    }
}

#[tokio::test]
async fn bodies_have_the_shape_of_recorded_ones() {
    let plain = "GET {} HTTP/1.1\r\nAuthorization: Bearer key\r\n";
    for (file, provider, path) in [
        ("openrouter.key", "openrouter", "/api/v1/key"),
        ("deepseek.success", "deepseek", "/user/balance"),
        ("moonshot.success", "moonshot", "/v1/users/me/balance"),
        ("siliconflow.success", "siliconflow", "/v1/user/info"),
        ("stepfun.account", "stepfun", "/v1/accounts"),
        ("novita.balance_detail", "novita", "/openapi/v1/billing/balance/detail"),
        ("newapi.token_usage", "newapi_token", "/api/usage/token/"),
        ("uniapi.user", "uniapi", "/v1/billing/usage"),
        ("tikhub.success", "tikhub", "/api/v1/tikhub/user/get_user_info"),
        ("wxrank.success", "wxrank", "/weixin/score?key=key"),
        ("tavily.usage", "tavily", "/usage"),
        ("firecrawl.v2", "firecrawl", "/v2/team/credit-usage"),
        ("serpapi.account", "serpapi", "/account.json?api_key=key"),
        ("telnyx.balance", "telnyx", "/v2/balance"),
        ("vultr.account", "vultr", "/v2/account"),
        ("linode.account", "linode", "/v4/account"),
        ("stripe.balance", "stripe", "/v1/balance"),
        ("digitalocean.balance", "digitalocean", "/v2/customers/my/balance"),
        ("zenmux.payg_balance", "zenmux", "/api/v1/management/payg/balance"),
        ("ollama.balance", "ollama", "/api/balance"),
        ("litellm.key_info", "litellm", "/key/info"),
        ("openai.credit_grants", "openai_credit_grants", "/v1/dashboard/billing/credit_grants"),
        ("kilo.credit_blocks", "kilo", "/api/trpc/user.getCreditBlocks"),
        ("aimlapi.balance", "aimlapi", "/v1/billing/balance"),
    ] {
        // Seed 0 shows the first of several bodies.
        let (sim, _) = start(vec![Account::new(provider, "key", 0, steady())], None).await;
        let reply = send(sim.addr(), &plain.replace("{}", &format!("/p/{provider}{path}")), "").await;
        let mut ours = BTreeSet::new();
        keys(&reply.json(), "", &mut ours);
        let theirs = recorded(file).unwrap_or_else(|| ours.clone());
        assert_eq!(ours, theirs, "{file}");
    }
}
