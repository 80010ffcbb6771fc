//! Search, scraping, translation, telephony and clouds. Bodies: docs of the vendors.

use crate::accounts::desk::{Auth, Body, Desk, PLAIN, Verb};

const NO_KEY: (u16, &str) = (
    200,
    r#"{"errorId":1,"errorCode":"ERROR_KEY_DOES_NOT_EXIST","errorDescription":"The key you've provided does not exists."}"#,
);
const CAPTCHA: Desk = Desk {
    method: Verb::Post,
    path: "/getBalance",
    auth: Auth::Body("clientKey"),
    places: 5,
    body: Body::OneOf(&[r#"{"errorId":0,"balance":<left>}"#]),
    unknown: NO_KEY,
    failed: (200, r#"{"errorId":1,"errorCode":"ERROR_INTERNAL","errorDescription":"internal error"}"#),
    limited: (200, r#"{"errorId":1,"errorCode":"ERROR_TOO_MUCH_REQUESTS","errorDescription":"too much requests"}"#),
    ..PLAIN
};

pub(super) const DESKS: &[Desk] = &[
    Desk { provider: "twocaptcha", ..CAPTCHA },
    Desk { provider: "anticaptcha", ..CAPTCHA },
    Desk { provider: "capmonster", ..CAPTCHA },
    Desk { provider: "capsolver", body: Body::OneOf(&[r#"{"balance":<left>,"errorId":0,"packages":[]}"#]), ..CAPTCHA },
    Desk {
        provider: "tavily",
        path: "/usage",
        unit: "credits",
        places: 0,
        body: Body::OneOf(&[
            r#"{"key":{"usage":<used>,"limit":<total>,"search_usage":100,"extract_usage":25,"crawl_usage":15,"map_usage":7,"research_usage":3},"account":{"current_plan":"Researcher","plan_usage":500,"plan_limit":15000,"paygo_usage":25,"paygo_limit":100,"search_usage":350,"extract_usage":75,"crawl_usage":50,"map_usage":15,"research_usage":10}}"#,
        ]),
        unlimited: Some(
            r#"{"key":{"usage":<used>,"limit":null},"account":{"current_plan":"Researcher","plan_usage":500,"plan_limit":15000,"paygo_usage":25,"paygo_limit":null}}"#,
        ),
        unknown: (401, r#"{"detail":{"error":"Unauthorized: missing or invalid API key."}}"#),
        ..PLAIN
    },
    Desk {
        provider: "serper",
        path: "/account",
        auth: Auth::Header("x-api-key", ""),
        unit: "credits",
        places: 0,
        body: Body::OneOf(&[r#"{"balance":<left>,"rateLimit":50}"#]),
        unknown: (403, r#"{"message":"Unauthorized.","statusCode":403}"#),
        ..PLAIN
    },
    Desk {
        provider: "serpapi",
        path: "/account.json",
        auth: Auth::Query("api_key"),
        unit: "searches",
        places: 0,
        body: Body::OneOf(&[
            r#"{"account_id":"5ac54d6adefb2f1dba1663f5","api_key":"<secret>","account_email":"demo@serpapi.com","plan_id":"bigdata","plan_name":"Big Data Plan","plan_monthly_price":250.0,"searches_per_month":<total>,"plan_searches_left":<left>,"extra_credits":0,"total_searches_left":<left>,"this_month_usage":<used>,"last_hour_searches":42,"account_rate_limit_per_hour":6000}"#,
        ]),
        unknown: (
            401,
            r#"{"error":"Invalid API key. Your API key should be here: https://serpapi.com/manage-api-key"}"#,
        ),
        ..PLAIN
    },
    Desk {
        provider: "firecrawl",
        path: "/v2/team/credit-usage",
        unit: "credits",
        places: 0,
        body: Body::OneOf(&[
            r#"{"success":true,"data":{"remainingCredits":<left>,"planCredits":<total>,"billingPeriodStart":"<begin:iso>","billingPeriodEnd":"<end:iso>"}}"#,
        ]),
        unknown: (401, r#"{"success":false,"error":"Unauthorized: Invalid token"}"#),
        failed: (200, r#"{"success":false,"error":"internal"}"#),
        ..PLAIN
    },
    Desk {
        provider: "deepl",
        path: "/v2/usage",
        auth: Auth::Header("authorization", "DeepL-Auth-Key "),
        unit: "characters",
        places: 0,
        body: Body::OneOf(&[r#"{"character_count":<used>,"character_limit":<total>}"#]),
        unlimited: Some(r#"{"character_count":<used>,"character_limit":1000000000000}"#),
        unknown: (403, r#"{"message":"Authorization failure"}"#),
        ..PLAIN
    },
    Desk {
        provider: "brightdata",
        path: "/customer/balance",
        body: Body::OneOf(&[r#"{"balance":<left>,"credit":0,"prepayment":0,"pending_costs":0.2}"#]),
        ..PLAIN
    },
    Desk {
        provider: "twilio",
        path: "/2010-04-01/Accounts/*/Balance.json",
        auth: Auth::Basic,
        body: Body::OneOf(&[
            r#"{"account_sid":"ACXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX","balance":"<left>","currency":"USD"}"#,
        ]),
        unknown: (
            401,
            r#"{"code":20003,"message":"Authenticate","more_info":"https://www.twilio.com/docs/errors/20003","status":401}"#,
        ),
        ..PLAIN
    },
    Desk {
        provider: "vonage",
        path: "/account/get-balance",
        auth: Auth::Basic,
        unit: "EUR",
        body: Body::OneOf(&[r#"{"value":<left>,"autoReload":false}"#]),
        ..PLAIN
    },
    Desk {
        provider: "plivo",
        path: "/v1/Account/*/",
        auth: Auth::Basic,
        places: 5,
        body: Body::OneOf(&[
            r#"{"account_type":"standard","address":"340 Pine St, San Francisco","api_id":"77eb6a2e-0000-0000-0000-000000000000","auth_id":"MAXXXXXXXXXXXXXXXXXX","auto_recharge":true,"billing_mode":"prepaid","cash_credits":"<left>","city":"SF","name":"Demo","resource_uri":"/v1/Account/MAXXXXXXXXXXXXXXXXXX/","state":"CA","timezone":"America/Los_Angeles"}"#,
        ]),
        ..PLAIN
    },
    Desk {
        provider: "telnyx",
        path: "/v2/balance",
        body: Body::OneOf(&[
            r#"{"data":{"record_type":"balance","pending":"10.00","balance":"<left>","credit_limit":"100.00","available_credit":"<left>","currency":"USD"}}"#,
        ]),
        ..PLAIN
    },
    Desk {
        provider: "digitalocean",
        path: "/v2/customers/my/balance",
        body: Body::OneOf(&[
            r#"{"month_to_date_balance":"<-left>","account_balance":"<-plus>","month_to_date_usage":"<gift>","generated_at":"<now:iso>"}"#,
        ]),
        unknown: (401, r#"{"id":"Unauthorized","message":"Unable to authenticate you"}"#),
        ..PLAIN
    },
    Desk {
        provider: "vultr",
        path: "/v2/account",
        body: Body::OneOf(&[
            r#"{"account":{"name":"Example Account","email":"admin@example.com","acls":["manage_users","billing"],"balance":<-plus>,"pending_charges":<gift>,"last_payment_date":"2020-10-10T01:56:20+00:00","last_payment_amount":-1.25}}"#,
        ]),
        unknown: (401, r#"{"error":"Invalid API token.","status":401}"#),
        ..PLAIN
    },
    Desk {
        provider: "linode",
        path: "/v4/account",
        body: Body::OneOf(&[
            r#"{"email":"ops@example.com","company":"Example Ltd","balance":<-plus>,"balance_uninvoiced":<gift>,"active_promotions":[],"active_since":"2020-01-01T00:00:00"}"#,
        ]),
        unknown: (401, r#"{"errors":[{"reason":"Invalid Token"}]}"#),
        ..PLAIN
    },
    Desk {
        provider: "stripe",
        path: "/v1/balance",
        body: Body::OneOf(&[
            r#"{"object":"balance","available":[{"amount":<left*100>,"currency":"usd","source_types":{"card":<left*100>}}],"connect_reserved":[{"amount":0,"currency":"usd"}],"livemode":false,"pending":[{"amount":61414,"currency":"usd","source_types":{"card":61414}}]}"#,
        ]),
        ..PLAIN
    },
];
