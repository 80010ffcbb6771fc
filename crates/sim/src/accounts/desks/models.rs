//! Vendors of models, and gateways to them. Bodies: docs of the vendors, or fixtures of public clients.

use crate::accounts::desk::{Auth, Body, Desk, PLAIN, Verb};

const NO_TOKEN: (u16, &str) =
    (200, r#"{"error":{"message":"无效的令牌","type":"new_api_error","param":"","code":""}}"#);
const NO_USER: (u16, &str) = (401, r#"{"success":false,"message":"无权进行此操作，未提供 New-Api-User"}"#);
const SELF: &str = r#"{"success":true,"message":"","data":{"id":42,"username":"demo","quota":<left*500000>,"used_quota":<used*500000>,"request_count":339,"group":"default"}}"#;

pub(super) const DESKS: &[Desk] = &[
    Desk {
        provider: "deepseek",
        path: "/user/balance",
        unit: "CNY",
        body: Body::OneOf(&[
            r#"{"is_available":<able>,"balance_infos":[{"currency":"CNY","total_balance":"<left>","granted_balance":"<gift>","topped_up_balance":"<paid>"}]}"#,
            r#"{"is_available":<able>,"balance_infos":[{"currency":"USD","total_balance":"0.00","granted_balance":"0.00","topped_up_balance":"0.00"},{"currency":"CNY","total_balance":"<left>","granted_balance":"<gift>","topped_up_balance":"<paid>"}]}"#,
        ]),
        unknown: (
            401,
            r#"{"error":{"message":"Authentication Fails, Your api key: ****here is invalid","type":"authentication_error","param":null,"code":"invalid_request_error"}}"#,
        ),
        failed: (200, r#"{"is_available":false,"balance_infos":[]}"#),
        ..PLAIN
    },
    Desk {
        provider: "moonshot",
        path: "/v1/users/me/balance",
        unit: "CNY",
        places: 5,
        body: Body::OneOf(&[
            r#"{"code":0,"data":{"available_balance":<left>,"voucher_balance":<gift>,"cash_balance":<paid>},"scode":"0x0","status":true}"#,
        ]),
        unknown: (401, r#"{"error":{"message":"Invalid Authentication","type":"invalid_authentication_error"}}"#),
        failed: (200, r#"{"code":401,"data":{},"scode":"unauthorized","status":false}"#),
        ..PLAIN
    },
    Desk {
        provider: "siliconflow",
        path: "/v1/user/info",
        unit: "CNY",
        body: Body::OneOf(&[
            r#"{"code":20000,"message":"OK","status":true,"data":{"id":"userid","name":"username","image":"user_avatar_image_url","email":"user_email_address","isAdmin":false,"balance":"<gift>","status":"normal","introduction":"","role":"","chargeBalance":"<paid>","totalBalance":"<left>"}}"#,
        ]),
        unknown: (401, r#""Invalid token""#),
        failed: (200, r#"{"code":20015,"message":"The service is busy","status":false,"data":null}"#),
        ..PLAIN
    },
    Desk {
        provider: "stepfun",
        path: "/v1/accounts",
        unit: "CNY",
        body: Body::OneOf(&[
            r#"{"object":"account","type":"prepaid","balance":<left>,"total_cash_balance":<paid>,"total_voucher_balance":<gift>}"#,
        ]),
        ..PLAIN
    },
    Desk {
        provider: "novita",
        path: "/openapi/v1/billing/balance/detail",
        body: Body::OneOf(&[
            r#"{"availableBalance":"<left*10000>","cashBalance":"<paid*10000>","creditLimit":"<gift*10000>","pendingCharges":"0","outstandingInvoices":"0"}"#,
        ]),
        ..PLAIN
    },
    Desk {
        provider: "aihubmix",
        path: "/dashboard/billing/remain",
        body: Body::OneOf(&[r#"{"object":"list","total_usage":<left>}"#]),
        unlimited: Some(r#"{"object":"list","total_usage":-0.002}"#),
        debt: false,
        failed: NO_TOKEN,
        ..PLAIN
    },
    Desk {
        provider: "newapi_token",
        path: "/api/usage/token/",
        body: Body::OneOf(&[
            r#"{"code":true,"message":"ok","data":{"object":"token_usage","name":"default","total_granted":<total*500000>,"total_used":<used*500000>,"total_available":<left*500000>,"unlimited_quota":false,"model_limits":{},"model_limits_enabled":false,"expires_at":0}}"#,
        ]),
        unlimited: Some(
            r#"{"code":true,"message":"ok","data":{"object":"token_usage","name":"default","total_granted":0,"total_used":<used*500000>,"total_available":0,"unlimited_quota":true,"model_limits":{},"model_limits_enabled":false,"expires_at":0}}"#,
        ),
        unknown: NO_TOKEN,
        failed: (200, r#"{"success":false,"message":"系统繁忙"}"#),
        ..PLAIN
    },
    Desk {
        provider: "newapi_user",
        path: "/api/user/self",
        auth: Auth::Header("authorization", ""),
        body: Body::OneOf(&[SELF]),
        unknown: NO_USER,
        failed: (200, r#"{"success":false,"message":"系统繁忙"}"#),
        ..PLAIN
    },
    Desk {
        provider: "laozhang",
        path: "/api/user/self",
        auth: Auth::Header("authorization", ""),
        body: Body::OneOf(&[
            r#"{"success":true,"message":null,"data":{"username":"your_username","display_name":"Your Name","quota":<left*500000>,"used_quota":<used*500000>,"request_count":339,"group":"svip"}}"#,
        ]),
        unknown: NO_USER,
        failed: (200, r#"{"success":false,"message":"系统繁忙"}"#),
        ..PLAIN
    },
    Desk {
        provider: "openai_credit_grants",
        path: "/v1/dashboard/billing/credit_grants",
        body: Body::OneOf(&[
            r#"{"object":"credit_summary","total_granted":<total>,"total_used":<used>,"total_available":<left>,"grants":{"object":"list","data":[]}}"#,
        ]),
        ..PLAIN
    },
    Desk {
        provider: "litellm",
        path: "/key/info",
        body: Body::OneOf(&[
            r#"{"key":"<secret>","info":{"key_name":"sk-...1234","spend":<used>,"max_budget":<total>,"budget_reset_at":"<end:iso>"}}"#,
        ]),
        unlimited: Some(
            r#"{"key":"<secret>","info":{"key_name":"sk-...1234","spend":<used>,"max_budget":null,"budget_reset_at":null}}"#,
        ),
        ..PLAIN
    },
    Desk {
        provider: "sub2api",
        path: "/v1/usage",
        body: Body::OneOf(&[
            r#"{"mode":"quota_limited","isValid":true,"status":"active","remaining":<left>,"unit":"USD","quota":{"limit":<total>,"used":<used>,"remaining":<left>,"unit":"USD"}}"#,
            r#"{"mode":"unrestricted","isValid":true,"status":"active","balance":<left>,"unit":"USD"}"#,
        ]),
        failed: (200, r#"{"isValid":false,"status":"disabled","message":"key disabled"}"#),
        ..PLAIN
    },
    Desk {
        provider: "minimax",
        path: "/v1/token_plan/remains",
        unit: "points",
        places: 0,
        body: Body::OneOf(&[
            r#"{"base_resp":{"status_code":0,"status_msg":"success"},"data":{"current_subscribe_title":"Token Plan Plus","points_balance":"<left>","model_remains":[]}}"#,
        ]),
        unknown: (
            200,
            r#"{"base_resp":{"status_code":1004,"status_msg":"login fail: Please carry the API secret key in the 'Authorization' field of the request header"}}"#,
        ),
        failed: (200, r#"{"base_resp":{"status_code":1000,"status_msg":"unknown error"}}"#),
        limited: (200, r#"{"base_resp":{"status_code":1002,"status_msg":"rate limit"}}"#),
        ..PLAIN
    },
    Desk {
        provider: "elevenlabs",
        path: "/v1/user/subscription",
        auth: Auth::Header("xi-api-key", ""),
        unit: "characters",
        places: 0,
        body: Body::OneOf(&[
            r#"{"tier":"creator","character_count":<used>,"character_limit":<total>,"voice_slots_used":3,"voice_limit":30,"current_overage":{"amount":"0","currency":"usd"},"status":"active","next_character_count_reset_unix":<end:s>}"#,
        ]),
        unknown: (401, r#"{"detail":{"status":"invalid_api_key","message":"Invalid API key"}}"#),
        ..PLAIN
    },
    Desk {
        provider: "stability",
        path: "/v1/user/balance",
        unit: "credits",
        places: 3,
        body: Body::OneOf(&[r#"{"credits":<left>}"#]),
        ..PLAIN
    },
    Desk {
        provider: "fal",
        path: "/v1/account/billing",
        auth: Auth::Header("authorization", "Key "),
        body: Body::OneOf(&[r#"{"username":"demo","credits":{"current_balance":<left>,"currency":"USD"}}"#]),
        ..PLAIN
    },
    Desk {
        provider: "poe",
        path: "/usage/current_balance",
        unit: "points",
        places: 0,
        body: Body::OneOf(&[r#"{"current_point_balance":<left>}"#]),
        ..PLAIN
    },
    Desk {
        provider: "crof",
        path: "/usage_api/",
        places: 4,
        body: Body::OneOf(&[r#"{"credits":<left>,"requests_plan":null,"usable_requests":null,"usage":{}}"#]),
        ..PLAIN
    },
    Desk {
        provider: "codebuff",
        method: Verb::Post,
        path: "/api/v1/usage",
        unit: "credits",
        places: 0,
        body: Body::OneOf(&[
            r#"{"usage":<used>,"quota":<total>,"remainingBalance":<left>,"autoTopupEnabled":true,"next_quota_reset":"<end:iso>"}"#,
        ]),
        ..PLAIN
    },
    Desk {
        provider: "zenmux",
        path: "/api/v1/management/payg/balance",
        body: Body::OneOf(&[
            r#"{"success":true,"data":{"currency":"usd","total_credits":<left>,"top_up_credits":<paid>,"bonus_credits":<gift>}}"#,
        ]),
        failed: (200, r#"{"success":false,"message":"internal"}"#),
        ..PLAIN
    },
    Desk {
        provider: "wavespeed",
        path: "/api/v3/balance",
        body: Body::OneOf(&[r#"{"code":200,"message":"success","data":{"balance":<left>}}"#]),
        failed: (200, r#"{"code":500,"message":"internal error"}"#),
        limited: (200, r#"{"code":429,"message":"too many requests"}"#),
        ..PLAIN
    },
    Desk {
        provider: "deepinfra",
        path: "/payment/checklist",
        body: Body::OneOf(&[
            r#"{"stripe_balance":<-plus>,"recent":<gift>,"limit":20,"suspended":false,"suspend_reason":null}"#,
        ]),
        ..PLAIN
    },
    Desk {
        provider: "xai",
        path: "/v1/billing/teams/*/prepaid/balance",
        body: Body::OneOf(&[r#"{"total":{"val":"<left*-100>"}}"#]),
        ..PLAIN
    },
    Desk {
        provider: "venice",
        path: "/api/v1/billing/balance",
        body: Body::OneOf(&[
            r#"{"canConsume":<able>,"consumptionCurrency":"DIEM","balances":{"diem":90.5,"usd":<left>},"diemEpochAllocation":100}"#,
        ]),
        ..PLAIN
    },
    Desk {
        provider: "ollama",
        path: "/api/balance",
        body: Body::OneOf(&[
            r#"{"included":{"balance_usd":<gift>,"allowance_usd":100,"period":{"start":"<begin:iso>","end":"<end:iso>"}},"purchased":{"balance_usd":<paid>}}"#,
        ]),
        ..PLAIN
    },
    Desk {
        provider: "featherless",
        path: "/credits/balance",
        body: Body::OneOf(&[
            r#"{"balance_nano_usd":"<plus*1000000000>","balance_usd":"<plus>","reserved_nano_usd":"<gift*1000000000>","reserved_usd":"<gift>","available_nano_usd":"<left*1000000000>","available_usd":"<left>","currency":"usd"}"#,
        ]),
        ..PLAIN
    },
    Desk {
        provider: "wpengine_ai",
        path: "/v1/credits",
        unit: "credits",
        places: 6,
        body: Body::OneOf(&[r#"{"credits_nano":<left*1000000000>}"#]),
        ..PLAIN
    },
    Desk {
        provider: "kilo",
        path: "/api/trpc/user.getCreditBlocks",
        places: 6,
        body: Body::OneOf(&[
            r#"[{"result":{"data":{"creditBlocks":[{"id":"cb-1","effective_date":"2026-02-01T00:00:00Z","expiry_date":null,"balance_mUsd":<left*1000000>,"amount_mUsd":<total*1000000>,"is_free":false}],"totalBalance_mUsd":<left*1000000>,"autoTopUpEnabled":false}}}]"#,
        ]),
        ..PLAIN
    },
    Desk {
        provider: "runpod",
        method: Verb::Post,
        path: "/graphql",
        places: 4,
        body: Body::OneOf(&[
            r#"{"data":{"myself":{"clientBalance":<left>,"currentSpendPerHr":0.44,"underBalance":false,"minBalance":0}}}"#,
        ]),
        unknown: (
            200,
            r#"{"errors":[{"message":"Unauthorized","extensions":{"code":"UNAUTHENTICATED"}}],"data":{"myself":null}}"#,
        ),
        failed: (200, r#"{"errors":[{"message":"Something went wrong"}],"data":{"myself":null}}"#),
        ..PLAIN
    },
    Desk {
        provider: "deepgram",
        path: "/v1/projects/*/balances",
        auth: Auth::Header("authorization", "Token "),
        body: Body::OneOf(&[
            r#"{"balances":[{"balance_id":"a","amount":<paid>,"units":"USD","purchase_order_id":"p1"},{"balance_id":"b","amount":<gift>,"units":"USD","purchase_order_id":"p2"}]}"#,
        ]),
        unknown: (401, r#"{"err_code":"INVALID_AUTH","err_msg":"Invalid credentials.","request_id":"uuid"}"#),
        ..PLAIN
    },
    Desk {
        provider: "vast",
        path: "/api/v0/users/current",
        body: Body::OneOf(&[r#"{"id":123456,"email":"user@example.com","balance":<left>,"credit":<left>}"#]),
        unknown: (401, r#"{"success":false,"error":"auth_error","msg":"Invalid user key"}"#),
        ..PLAIN
    },
    Desk {
        provider: "kimi_coding",
        path: "/coding/v1/usages",
        unit: "requests",
        places: 0,
        body: Body::OneOf(&[
            r#"{"usage":{"limit":"<total>","remaining":"<left>","resetTime":"<end:iso>"},"limits":[]}"#,
        ]),
        ..PLAIN
    },
    Desk {
        provider: "aimlapi",
        path: "/v1/billing/balance",
        unit: "credits",
        places: 0,
        body: Body::OneOf(&[
            r#"{"balance":<left>,"lowBalance":false,"lowBalanceThreshold":10000,"lastUpdated":"<now:iso>","autoDebitStatus":"disabled","status":"current","statusExplanation":"Balance is current"}"#,
        ]),
        ..PLAIN
    },
];
