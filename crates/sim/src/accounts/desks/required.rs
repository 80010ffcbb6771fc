//! The clouds with signatures, and the resellers of the first systems.

use crate::accounts::desk::{Auth, Body, Desk, PLAIN, Verb};
use crate::accounts::signature::{Refused, Scheme};
use std::fmt::Write;

const ALIYUN: Desk = Desk {
    provider: "aliyun",
    auth: Auth::Sign(Scheme::AliyunRpc),
    unit: "CNY",
    body: Body::OneOf(&[
        r#"{"Code":"200","Message":"success","RequestId":"16176743-6DC7-4CB3-BB25-A13982D8DFAD","Success":true,"Data":{"AvailableAmount":"<left>","CreditAmount":"0.00","MybankCreditAmount":"0.00","Currency":"CNY","AvailableCashAmount":"<left>","QuotaLimit":"<left>"}}"#,
        r#"{"Code":"Success","Message":"Successful!","RequestId":"BC3C8A2E-0000-0000-0000-000000000000","Data":{"AvailableAmount":"<left,>","Currency":"CNY","AvailableCashAmount":"<left,>"}}"#,
        r#"{"Code":"200","Message":"Successful!","RequestId":"BC3C8A2E-0000-0000-0000-000000000000","Success":true,"Data":{"AvailableAmount":"<left,>","MybankCreditAmount":"0.00","AvailableCashAmount":"<left,>","Currency":"CNY","CreditAmount":"0.00"}}"#,
    ]),
    unknown: (
        404,
        r#"{"RequestId":"14B25401-7028-38DC-A8AE-C813A6D60FEA","Message":"Specified access key is not found.","HostId":"business.aliyuncs.com","Code":"InvalidAccessKeyId.NotFound"}"#,
    ),
    failed: (
        200,
        r#"{"Code":"NotAuthorized","Message":"This API is not authorized for caller.","RequestId":"E5A3B0C1-0000-0000-0000-000000000000","Success":false}"#,
    ),
    limited: (
        400,
        r#"{"RequestId":"E5A3B0C1-0000-0000-0000-000000000000","Message":"Request was denied due to user flow control.","HostId":"business.aliyuncs.com","Code":"Throttling.User"}"#,
    ),
    ..PLAIN
};

const VOLCENGINE: Desk = Desk {
    provider: "volcengine",
    auth: Auth::Sign(Scheme::Volcengine),
    unit: "CNY",
    body: Body::OneOf(&[
        r#"{"ResponseMetadata":{"RequestId":"202308231151163C400BE8545DED89B87D","Action":"QueryBalanceAcct","Version":"2022-01-01","Service":"billing"},"Result":{"AccountID":2100000001,"ArrearsBalance":"0.00","AvailableBalance":"<left>","CashBalance":"<plus>","CreditLimit":"0.00","FreezeAmount":"<gift>"}}"#,
    ]),
    unknown: (
        401,
        r#"{"ResponseMetadata":{"RequestId":"20240517163045010000000000000002","Action":"QueryBalanceAcct","Version":"2022-01-01","Service":"billing","Region":"cn-north-1","Error":{"CodeN":100009,"Code":"InvalidAccessKey","Message":"The access key is invalid."}}}"#,
    ),
    failed: (
        200,
        r#"{"ResponseMetadata":{"RequestId":"20240517163045010000000000000001","Action":"QueryBalanceAcct","Version":"2022-01-01","Service":"billing","Error":{"Code":"AccessDenied","Message":"User is not authorized to perform: billing:QueryBalanceAcct"}}}"#,
    ),
    limited: (
        429,
        r#"{"ResponseMetadata":{"RequestId":"20240517163045010000000000000004","Error":{"Code":"FlowLimitExceeded","Message":"Request was rejected because the request speed of this openAPI is beyond the current flow control limit."}}}"#,
    ),
    ..PLAIN
};

pub(super) const DESKS: &[Desk] = &[
    ALIYUN,
    Desk { method: Verb::Post, ..ALIYUN },
    Desk { provider: "aliyun_acs3", method: Verb::Post, auth: Auth::Sign(Scheme::Acs3), ..ALIYUN },
    VOLCENGINE,
    Desk { method: Verb::Post, ..VOLCENGINE },
    Desk {
        provider: "uniapi",
        path: "/v1/billing/usage",
        places: 6,
        body: Body::OneOf(&[r#"{"data":{"balance":<left>,"used":<used>,"cache_used":0},"success":true}"#]),
        unlimited: Some(r#"{"data":{"balance":-1,"used":<used>,"cache_used":0},"success":true}"#),
        failed: (200, r#"{"success":false,"data":{}}"#),
        ..PLAIN
    },
    Desk {
        provider: "tikhub",
        path: "/api/v1/tikhub/user/get_user_info",
        places: 3,
        body: Body::OneOf(&[
            r#"{"code":200,"router":"/api/v1/tikhub/user/get_user_info","api_key_data":{"api_key_name":"Develop Test","api_key_scopes":["/api/v1/tikhub/user/"],"created_at":"2024-05-22T06:07:12.495520","expires_at":null,"api_key_status":1},"user_data":{"email":"example@example.com","balance":<paid>,"free_credit":<gift>,"email_verified":true,"account_disabled":false,"is_active":true}}"#,
        ]),
        // Echoes the key, as the real one does.
        unknown: (
            401,
            r#"{"detail":{"code":401,"message_zh":"无效的令牌","message":"Invalid token","headers":{"Authorization":"Bearer <secret>"}}}"#,
        ),
        limited: (
            429,
            r#"{"detail":{"code":429,"message_zh":"请求过快","message":"Too many requests","headers":{"Authorization":"Bearer <secret>"}}}"#,
        ),
        failed: (200, r#"{"code":500,"message":"internal"}"#),
        ..PLAIN
    },
    Desk {
        provider: "wxrank",
        path: "/weixin/score",
        auth: Auth::Query("key"),
        unit: "积分",
        places: 0,
        body: Body::OneOf(&[
            r#"{"code":0,"msg":"剩余<left>积分"}"#,
            r#"{"code":0,"msg":"剩余<left>余额"}"#,
            r#"{"code":0,"msg":"查询成功","data":{"score":<left>}}"#,
        ]),
        unknown: (200, r#"{"code":-1,"msg":"密钥无效"}"#),
        failed: (200, r#"{"code":1001,"msg":"查询失败 3 次"}"#),
        limited: (200, r#"{"code":9999,"msg":"QPS超限"}"#),
        ..PLAIN
    },
];

/// What a signature that is not accepted is answered with.
pub(crate) fn refuse(scheme: Scheme, refused: &Refused) -> (u16, String) {
    let mut body = String::new();
    if scheme == Scheme::Volcengine {
        let (status, code) = match refused {
            Refused::Incomplete(_) => (400, "InvalidAuthorization"),
            Refused::Expired => (401, "InvalidTimestamp"),
            Refused::Mismatch(_) => (401, "SignatureDoesNotMatch"),
        };
        _ = write!(
            body,
            r#"{{"ResponseMetadata":{{"RequestId":"20240517163045010000000000000003","Error":{{"Code":"{code}","Message":"签名不匹配"}}}}}}"#
        );
        return (status, body);
    }
    let (code, said) = match refused {
        Refused::Incomplete(what) => ("IncompleteSignature", format!("{what} is missing or not understood.")),
        Refused::Expired => ("InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.".to_owned()),
        // Echoes what it signed, access key id and all, as the real one does.
        Refused::Mismatch(signed) => (
            "SignatureDoesNotMatch",
            format!("Specified signature is not matched with our calculation. server string to sign is:{signed}"),
        ),
    };
    let said = serde_json::Value::from(said);
    _ = write!(
        body,
        r#"{{"Code":"{code}","Message":{said},"RequestId":"RID-1","Recommend":"https://api.aliyun.com/troubleshoot?q={code}"}}"#
    );
    (400, body)
}

/// What a nonce that came before is answered with.
pub(crate) const NONCE_USED: (u16, &str) = (
    400,
    r#"{"Code":"SignatureNonceUsed","Message":"Specified signature nonce was used already.","RequestId":"RID-2","HostId":"business.aliyuncs.com"}"#,
);
