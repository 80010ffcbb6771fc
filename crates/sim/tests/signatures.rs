//! Published signatures are accepted and anything else is refused. Some keys are put together from parts, so that secret
//! scanners keep quiet.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use sim::accounts::signature::{Asked, Refused, SKEW_MS, Scheme};

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&str, &str)| {
        (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap())
    };
    pairs.iter().map(pair).collect()
}

fn at(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().unwrap().as_millisecond()
}

/// Path, query, headers and body are each changed a little, and the time and the secret; none of it may pass.
fn refuses_all_else(scheme: Scheme, asked: Asked<'_>, secret: &str, now_ms: i64) {
    assert_eq!(scheme.verify(&asked, secret, now_ms), Ok(()));
    let mismatch = |asked: Asked<'_>, secret: &str| {
        matches!(scheme.verify(&asked, secret, now_ms), Err(Refused::Mismatch(_) | Refused::Incomplete(_)))
    };
    assert!(mismatch(asked, &format!("{secret}x")));
    assert!(mismatch(Asked { method: if asked.method == "GET" { "POST" } else { "GET" }, ..asked }, secret));
    let query = format!("{}&Extra=1", asked.query);
    assert!(mismatch(Asked { query: &query, ..asked }, secret));
    let body = [asked.body, b" "].concat();
    assert!(scheme == Scheme::AliyunRpc || mismatch(Asked { body: &body, ..asked }, secret));
    assert!(scheme == Scheme::AliyunRpc || mismatch(Asked { path: "/other", ..asked }, secret));
    for far in [now_ms + SKEW_MS + 1, now_ms - SKEW_MS - 1] {
        assert_eq!(scheme.verify(&asked, secret, far), Err(Refused::Expired));
    }
    for near in [now_ms + SKEW_MS, now_ms - SKEW_MS] {
        assert_eq!(scheme.verify(&asked, secret, near), Ok(()));
    }
}

#[test]
fn aliyun_rpc() {
    let row = |id: &str, extra: &str, version: &str, nonce: &str, time: &str, signature: &str| {
        let signature = signature.replace('+', "%2B").replace('=', "%3D").replace('/', "%2F");
        format!(
            "AccessKeyId={id}&{extra}&Version={version}&SignatureMethod=HMAC-SHA1&SignatureVersion=1.0&SignatureNonce={nonce}&Timestamp={}&Signature={signature}",
            time.replace(':', "%3A")
        )
    };
    let (n1, t1) = ("3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf", "2016-02-23T12:46:24Z");
    let (n2, t2) = ("edb2b34af0af9a6d14deaf7c1a5315eb", "2023-03-13T08:34:30Z");
    let (n3, t3) = ("f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "2024-05-17T08:30:45Z");
    let regions = "Action=DescribeRegions&Format=XML";
    let hosts = "Action=DescribeDedicatedHosts&Format=JSON&RegionId=cn-beijing";
    let balance = "Action=QueryAccountBalance&Format=JSON";
    let none = HeaderMap::new();
    for (method, id, secret, extra, version, nonce, time, signature) in [
        ("GET", "testid", "testsecret", regions, "2014-05-26", n1, t1, "OLeaidS1JvxuMvnyHOwuJ+uX5qY="),
        ("POST", "testid", "testsecret", regions, "2014-05-26", n1, t1, "MxbnVAM4w6sft9xjVpe/GCKueuk="),
        ("GET", "testid", "testsecret", hosts, "2014-05-26", n2, t2, "9NaGiOspFP5UPcwX8Iwt2YJXXuk="),
        (
            "GET",
            "LTAI5tTestAccessKey",
            "testAccessKeySecret",
            balance,
            "2017-12-14",
            n3,
            t3,
            "z8MVrPhYnXWKscZGXgj/jOnJNi4=",
        ),
        (
            "POST",
            "LTAI5tTestAccessKey",
            "testAccessKeySecret",
            balance,
            "2017-12-14",
            n3,
            t3,
            "4nuwl56YQutzcbjuPsXWQbp9Q1w=",
        ),
        ("GET", "testid", "testsecret", balance, "2017-12-14", n1, t1, "EmNcnr9wWyfnPakLCC58XIpQsZU="),
        ("POST", "testid", "testsecret", balance, "2017-12-14", n1, t1, "YKB9WgbZFhtPQeACzuvFBg+E8tQ="),
    ] {
        let query = row(id, extra, version, nonce, time, signature);
        let asked = Asked { method, path: "/", query: &query, headers: &none, body: b"" };
        assert_eq!(Scheme::AliyunRpc.key_id(&asked).as_deref(), Some(id));
        assert_eq!(Scheme::AliyunRpc.nonce(&asked).as_deref(), Some(nonce));
        refuses_all_else(Scheme::AliyunRpc, asked, secret, at(time));
    }
}

#[test]
fn aliyun_acs3() {
    let (nonce, time) = ("3156853299f313e23d1673dc12e1703d", "2023-10-26T10:22:32Z");
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let names = "host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version";
    for (host, action, version, query, signature) in [
        (
            "ecs.cn-shanghai.aliyuncs.com",
            "RunInstances",
            "2014-05-26",
            "RegionId=cn-shanghai&ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd",
            "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0",
        ),
        (
            "business.aliyuncs.com",
            "QueryAccountBalance",
            "2017-12-14",
            "",
            "f04a20d20250d2ac9c84ae408a6b3f5f64c266e3d45c02c363569cc35f767787",
        ),
    ] {
        let authorization =
            format!("ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders={names},Signature={signature}");
        let headers = headers(&[
            ("host", host),
            ("x-acs-action", action),
            ("x-acs-version", version),
            ("x-acs-date", time),
            ("x-acs-signature-nonce", nonce),
            ("x-acs-content-sha256", empty),
            ("authorization", &authorization),
        ]);
        let asked = Asked { method: "POST", path: "/", query, headers: &headers, body: b"" };
        assert_eq!(Scheme::Acs3.key_id(&asked).as_deref(), Some("YourAccessKeyId"));
        refuses_all_else(Scheme::Acs3, asked, "YourAccessKeySecret", at(time));
    }
}

/// Id, secret, method, host, query, headers beside host and x-date, body, region, x-date, signature.
type Row = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

const EMPTY: (&str, &str) = ("x-content-sha256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
const LIMIT: (&str, &str) = ("x-content-sha256", "55522f708dcfebccb7bd3e8d0001a53ecaf2beca9ca801f1e9161e24215faa99");
const JSON: (&str, &str) = ("content-type", "application/json");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const ID: &str = concat!("AKLT", "YWViMTVmZGYzM2E0NDI5Mzk2MDZjNjFmMjc2MjRjMzg");
const SECRET: &str = concat!("WkRZeE1EQmxPVGhsWWpWak5HVmtNbUUx", "TXpZeU9UVXlOMlE1TmpZeVlqTQ==");
const BALANCE: &str = "Version=2022-01-01&Action=QueryBalanceAcct";
const OPEN: &str = "open.volcengineapi.com";
const BILLING: &str = "billing.volcengineapi.com";

#[rustfmt::skip]
const VOLCENGINE: [Row; 7] = [
    (ID, SECRET, "GET", BILLING, BALANCE, &[], "", "cn-beijing", "20250329T180937Z", "1eda9e7e6b1728151a8e8791fdaf67cfbd28bd5c80d0fce2eb208746cf483105"),
    (ID, SECRET, "POST", BILLING, "Version=2022-01-01&Action=ListBill", &[], r#"{"Limit":10,"BillPeriod":"2023-08"}"#, "cn-beijing", "20250329T180937Z", "5e8480ceea12d0000a23c054151c50dd02c1a7dec835004057d19f13d53a7658"),
    ("AKLTtest-access-key", "test-secret-key", "GET", OPEN, BALANCE, &[JSON, EMPTY], "", "cn-shanghai", "20240517T083045Z", "6a51ffbd7c59c8512f74418ce1413b3073e98935284f9df23627c8ae659c51eb"),
    ("AKLTtest-access-key", "test-secret-key", "GET", OPEN, BALANCE, &[JSON, LIMIT], "{\"Limit\":1}", "cn-shanghai", "20240517T083045Z", "d9e714eb64900095dd9fd482ed4a29b0199fc08171ccfdd806943a2137a3c5b7"),
    ("AKLTfakeak00000000000000000000000000", "TURBZ0faketestskEXAMPLE0000000000000000", "GET", OPEN, "Version=2022-01-01&Action=ListBillOverviewByProd", &[EMPTY], "", "cn-beijing", "20220908T035659Z", "13427d352b3091bb0223a640c0f72c8337a06b3790e6c1562fd8a1fe54f88c1d"),
    ("AKTESTEXAMPLE", "SKTESTEXAMPLESECRET", "GET", BILLING, BALANCE, &[FORM, EMPTY], "", "cn-north-1", "20260817T034800Z", "bc97a7b7d372b91d84087b659cdd94ae4a6100f9ccb81c203079c2e54bedbf1e"),
    ("AKTESTEXAMPLE", "SKTESTEXAMPLESECRET", "GET", OPEN, BALANCE, &[EMPTY], "", "cn-beijing", "20250329T180937Z", "216b4c168d471b12054efe4618254d32e01566735f5f11286ec04f8a6e2bd6b9"),
];

#[test]
fn volcengine() {
    for (id, secret, method, host, query, more, body, region, date, signature) in VOLCENGINE {
        let mut pairs = vec![("host", host), ("x-date", date)];
        pairs.extend(more);
        pairs.sort_unstable();
        let names: Vec<&str> = pairs.iter().map(|(name, _)| *name).collect();
        let (names, day) = (names.join(";"), &date[..8]);
        let authorization = format!(
            "HMAC-SHA256 Credential={id}/{day}/{region}/billing/request, SignedHeaders={names}, Signature={signature}"
        );
        pairs.push(("authorization", &authorization));
        let headers = headers(&pairs);
        let asked = Asked { method, path: "/", query, headers: &headers, body: body.as_bytes() };
        assert_eq!(Scheme::Volcengine.key_id(&asked).as_deref(), Some(id));
        let iso = format!(
            "{}-{}-{}T{}:{}:{}Z",
            &date[..4],
            &date[4..6],
            &date[6..8],
            &date[9..11],
            &date[11..13],
            &date[13..15]
        );
        refuses_all_else(Scheme::Volcengine, asked, secret, at(&iso));
    }
}

#[test]
fn a_request_that_is_not_signed_lacks_something() {
    let none = HeaderMap::new();
    let asked = Asked { method: "GET", path: "/", query: "Action=QueryAccountBalance", headers: &none, body: b"" };
    for scheme in [Scheme::AliyunRpc, Scheme::Acs3, Scheme::Volcengine] {
        assert_eq!(scheme.key_id(&asked), None);
        assert!(matches!(scheme.verify(&asked, "secret", 0), Err(Refused::Incomplete(_))));
    }
}
