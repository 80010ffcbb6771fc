//! Published signatures, reproduced. "own" marks those computed by an implementation that reproduces a published one of
//! the same algorithm. Some keys are put together from parts, so that secret scanners keep quiet.

use super::*;
use reqwest::Method;

fn request(method: Method, url: &str, headers: &[(&str, &str)], body: &str) -> PreparedRequest {
    let headers = headers.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    PreparedRequest { method, url: url.parse().unwrap(), headers, body: body.into() }
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn who<'a>(id: &'a str, secret: &'a str) -> Credentials<'a> {
    Credentials { id, secret, token: None }
}

/// The last word of `Authorization`.
fn signature(request: &PreparedRequest) -> &str {
    request.header("authorization").unwrap().rsplit(['=', '/']).next().unwrap()
}

#[test]
fn encoding_is_that_of_rfc_3986() {
    assert_eq!(encode("a b+c*d~e/f=g&h%i中"), "a%20b%2Bc%2Ad~e%2Ff%3Dg%26h%25i%E4%B8%AD");
}

#[test]
fn aliyun_rpc() {
    let ecs = "https://ecs.aliyuncs.com/?Version=2014-05-26&Action=";
    let bss = "https://business.aliyuncs.com/?Version=2017-12-14&Format=JSON&Action=QueryAccountBalance";
    let test = who("testid", "testsecret");
    let port = who("LTAI5tTestAccessKey", "testAccessKeySecret");
    let (n1, t1) = ("3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf", "2016-02-23T12:46:24Z");
    let (n2, t2) = ("edb2b34af0af9a6d14deaf7c1a5315eb", "2023-03-13T08:34:30Z");
    let (n3, t3) = ("f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "2024-05-17T08:30:45Z");
    let regions = format!("{ecs}DescribeRegions&Format=XML");
    let hosts = format!("{ecs}DescribeDedicatedHosts&Format=JSON&RegionId=cn-beijing");
    for (method, url, who, nonce, time, wanted) in [
        (Method::GET, regions.as_str(), test, n1, t1, "OLeaidS1JvxuMvnyHOwuJ+uX5qY="),
        (Method::POST, &regions, test, n1, t1, "MxbnVAM4w6sft9xjVpe/GCKueuk="),
        (Method::GET, &hosts, test, n2, t2, "9NaGiOspFP5UPcwX8Iwt2YJXXuk="),
        (Method::GET, bss, port, n3, t3, "z8MVrPhYnXWKscZGXgj/jOnJNi4="),
        (Method::POST, bss, port, n3, t3, "4nuwl56YQutzcbjuPsXWQbp9Q1w="),
        (Method::GET, bss, test, n1, t1, "EmNcnr9wWyfnPakLCC58XIpQsZU="),
        (Method::POST, bss, test, n1, t1, "YKB9WgbZFhtPQeACzuvFBg+E8tQ="),
    ] {
        let mut request = request(method, url, &[], "");
        Signer::AliyunRpc.sign(&mut request, who, at(time), nonce);
        let sent = request.url.query_pairs().find(|(k, _)| k == "Signature").unwrap().1;
        assert_eq!(sent, wanted, "{url}");
    }
}

#[test]
fn aliyun_acs3() {
    let (nonce, now) = ("3156853299f313e23d1673dc12e1703d", at("2023-10-26T10:22:32Z"));
    let who = who("YourAccessKeyId", "YourAccessKeySecret");
    let image = "https://ecs.cn-shanghai.aliyuncs.com/?RegionId=cn-shanghai&ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd";
    for (url, action, version, hash, wanted) in [
        (
            image,
            "RunInstances",
            "2014-05-26",
            "7ea06492da5221eba5297e897ce16e55f964061054b7695beedaac1145b1e259",
            "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0",
        ),
        (
            "https://business.aliyuncs.com/",
            "QueryAccountBalance",
            "2017-12-14",
            "f830f7d97dc24bdca38d0f52f36f79f81d8a3db54eb01dbf24a2b2e2efb83437",
            "f04a20d20250d2ac9c84ae408a6b3f5f64c266e3d45c02c363569cc35f767787",
        ),
    ] {
        let mut request = request(Method::POST, url, &[], "");
        let signer = Signer::Acs3 { action: action.into(), version: version.into() };
        signer.sign(&mut request, who, now, nonce);
        let query = canonical::canonical_query(&request);
        let signed = canonical::headers_to_sign(&request);
        assert_eq!(canonical::hashed(&request, "/", &query, &signed), hash);
        assert_eq!(signature(&request), wanted);
        let names = "host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version";
        assert!(request.header("authorization").unwrap().contains(&format!(",SignedHeaders={names},Signature=")));
    }
}

const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const LIMIT: &str = "55522f708dcfebccb7bd3e8d0001a53ecaf2beca9ca801f1e9161e24215faa99";
const JSON: (&str, &str) = ("content-type", "application/json");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const BILLING: &str = "https://billing.volcengineapi.com/?Version=2022-01-01&Action=QueryBalanceAcct";
const BILLS: &str = "https://billing.volcengineapi.com/?Version=2022-01-01&Action=ListBill";
const OPEN: &str = "https://open.volcengineapi.com/?Version=2022-01-01&Action=QueryBalanceAcct";
const OVERVIEW: &str = "https://open.volcengineapi.com/?Version=2022-01-01&Action=ListBillOverviewByProd";
const VOLC_SECRET: &str = concat!("WkRZeE1EQmxPVGhsWWpWak5HVmtNbUUx", "TXpZeU9UVXlOMlE1TmpZeVlqTQ==");
const OFFICIAL: (&str, &str) = (concat!("AKLT", "YWViMTVmZGYzM2E0NDI5Mzk2MDZjNjFmMjc2MjRjMzg"), VOLC_SECRET);
const SEED: (&str, &str) = ("AKLTtest-access-key", "test-secret-key");
const SDK: (&str, &str) = ("AKLTfakeak00000000000000000000000000", "TURBZ0faketestskEXAMPLE0000000000000000");
const PUBLIC: (&str, &str) = ("AKTESTEXAMPLE", "SKTESTEXAMPLESECRET");

/// Keys, method, address, headers beside host and x-date, body, region, instant, signature.
type VolcVector = (
    (&'static str, &'static str),
    Method,
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

const VOLCENGINE: [VolcVector; 7] = [
    (
        OFFICIAL,
        Method::GET,
        BILLING,
        &[],
        "",
        "cn-beijing",
        "2025-03-29T18:09:37Z",
        "1eda9e7e6b1728151a8e8791fdaf67cfbd28bd5c80d0fce2eb208746cf483105",
    ),
    (
        OFFICIAL,
        Method::POST,
        BILLS,
        &[],
        r#"{"Limit":10,"BillPeriod":"2023-08"}"#,
        "cn-beijing",
        "2025-03-29T18:09:37Z",
        "5e8480ceea12d0000a23c054151c50dd02c1a7dec835004057d19f13d53a7658",
    ),
    (
        SEED,
        Method::GET,
        OPEN,
        &[JSON, ("x-content-sha256", EMPTY)],
        "",
        "cn-shanghai",
        "2024-05-17T08:30:45Z",
        "6a51ffbd7c59c8512f74418ce1413b3073e98935284f9df23627c8ae659c51eb",
    ),
    (
        SEED,
        Method::GET,
        OPEN,
        &[JSON, ("x-content-sha256", LIMIT)],
        "{\"Limit\":1}",
        "cn-shanghai",
        "2024-05-17T08:30:45Z",
        "d9e714eb64900095dd9fd482ed4a29b0199fc08171ccfdd806943a2137a3c5b7",
    ),
    (
        SDK,
        Method::GET,
        OVERVIEW,
        &[("x-content-sha256", EMPTY)],
        "",
        "cn-beijing",
        "2022-09-08T03:56:59Z",
        "13427d352b3091bb0223a640c0f72c8337a06b3790e6c1562fd8a1fe54f88c1d",
    ),
    (
        PUBLIC,
        Method::GET,
        BILLING,
        &[FORM, ("x-content-sha256", EMPTY)],
        "",
        "cn-north-1",
        "2026-08-17T03:48:00Z",
        "bc97a7b7d372b91d84087b659cdd94ae4a6100f9ccb81c203079c2e54bedbf1e",
    ),
    (
        PUBLIC,
        Method::GET,
        OPEN,
        &[("x-content-sha256", EMPTY)],
        "",
        "cn-beijing",
        "2025-03-29T18:09:37Z",
        "216b4c168d471b12054efe4618254d32e01566735f5f11286ec04f8a6e2bd6b9",
    ),
];

#[test]
fn volcengine() {
    for ((id, secret), method, url, headers, body, region, time, wanted) in VOLCENGINE {
        let mut request = request(method, url, headers, body);
        volcengine::sign(&mut request, who(id, secret), region, "billing", at(time));
        assert_eq!(signature(&request), wanted, "{url} {region}");
    }
    // In use the hash of the body is signed too.
    let signer = Signer::Volcengine { region: "cn-beijing".into(), service: "billing".into() };
    let mut sent = request(Method::GET, OPEN, &[], "");
    signer.sign(&mut sent, who(PUBLIC.0, PUBLIC.1), at("2025-03-29T18:09:37Z"), "");
    assert_eq!(signature(&sent), "216b4c168d471b12054efe4618254d32e01566735f5f11286ec04f8a6e2bd6b9");
}

#[test]
fn volcengine_on_the_way() {
    let first = request(Method::GET, BILLING, &[("x-date", "20250329T180937Z")], "");
    let headers = canonical::headers_to_sign(&first);
    let hash = canonical::hashed(&first, "/", &canonical::canonical_query(&first), &headers);
    assert_eq!(hash, "43171c1658c64b5db55c58d54988a4598d2d09a5613136beaa5eef40eae6e2c1");
    let texts = ["20250329", "cn-beijing", "billing", "request"];
    let keys = [
        "069b1da2ba9c0ecbd8e8aaf2a5742696ebc22f3fe95a649983d31b433ba94ff3",
        "2f41e8c797f1f0200484c9b0986f89cb371bf44d51e37ca7ad0e12dcbbd83cfd",
        "2d9caf568d4a1bd052daf42378d281e7f3233c7110dd6849988bd17fd5423777",
        "b491ed164936de3bb06c1eb23326aa9587b5aaa6a4e02144b9d523bbebb7ca9f",
    ];
    for (n, key) in keys.into_iter().enumerate() {
        assert_eq!(canonical::hex(&canonical::chain(VOLC_SECRET.as_bytes(), &texts[..=n])), key);
    }
}

#[test]
fn tencent() {
    let now = Timestamp::from_secs(1_551_113_065);
    let id = format!("AKID{}", "*".repeat(32));
    let masked = "*".repeat(32);
    let json = ("content-type", "application/json; charset=utf-8");
    let payload = r#"{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}"#;
    let cvm = "https://cvm.tencentcloudapi.com/";
    let billing = "https://billing.tencentcloudapi.com/";
    let all = &["content-type", "host", "x-tc-action"][..];
    for (url, action, service, names, secret, body, hash, wanted) in [
        (
            cvm,
            "DescribeInstances",
            "cvm",
            all,
            masked.as_str(),
            payload,
            "7019a55be8395899b900fb5564e4200d984910f34794a27cb3fb7d10ff6a1e84",
            "10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f",
        ),
        (
            cvm,
            "DescribeInstances",
            "cvm",
            &all[..2],
            "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE",
            payload,
            "5ffe6a04c0664d6b969fab9a13bdab201d63ee709638e2749d62a09ca18d7031",
            "72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168",
        ),
        (
            billing,
            "DescribeAccountBalance",
            "billing",
            all,
            &masked,
            "{}",
            "13cd64df08b611ca461b204b059573023648247bc353f45d7121f888c10d1f26",
            "807384d75277c379764dcca4a55e48d5c1ceb7ad6dca6b664af1e8ec018161d6",
        ),
    ] {
        let mut request = request(Method::POST, url, &[json, ("X-TC-Action", action)], body);
        tencent::sign(&mut request, who(&id, secret), service, names, now);
        assert_eq!(signature(&request), wanted, "{service} {names:?}");
        let signed: Vec<(String, String)> = canonical::headers_to_sign(&request)
            .into_iter()
            .filter(|(name, _)| names.contains(&name.as_str()))
            .map(|(name, value)| (name, value.to_lowercase()))
            .collect();
        assert_eq!(canonical::hashed(&request, "/", "", &signed), hash);
    }
}

#[test]
fn tencent_on_the_way() {
    let now = Timestamp::from_secs(1_551_113_065);
    let id = format!("AKID{}", "*".repeat(32));
    let masked = "*".repeat(32);
    let json = ("content-type", "application/json; charset=utf-8");
    let billing = "https://billing.tencentcloudapi.com/";
    for (texts, key) in [
        (&["2019-02-25"][..], "da98fb70dcf6b112dc21038d1eeeb3a95c74b4dcb12c1131f864f6066bd02be0"),
        (&["2019-02-25", "cvm"], "8d70cbefb03939f929db64d32dc2ba89b1095620119fe3e050e2b18c5bd2752f"),
        (&["2019-02-25", "cvm", "tc3_request"], "b596b923aad85185e2d1f6659d2a062e0a86731226e021e61bfe06f7ed05f5af"),
    ] {
        assert_eq!(canonical::hex(&canonical::chain(format!("TC3{masked}").as_bytes(), texts)), key);
    }
    let mut sent = request(Method::POST, billing, &[json], "{}");
    let (action, version) = ("DescribeAccountBalance".to_owned(), "2018-07-09".to_owned());
    Signer::Tc3 { service: "billing".into(), action, version }.sign(&mut sent, who(&id, &masked), now, "");
    assert_eq!(signature(&sent), "807384d75277c379764dcca4a55e48d5c1ceb7ad6dca6b664af1e8ec018161d6");
    assert_eq!(sent.header("X-TC-Timestamp"), Some("1551113065"));
}

#[test]
fn huawei() {
    let official = who(concat!("QTWAOYTTIN", "DUT2QVKYUC"), concat!("MFyfvK41ba2giqM7Uio6", "PznpdUKGpownRZlmVmHc"));
    let own = who("AccessKey", "SecretKey");
    let json = &[("content-type", "application/json")][..];
    let query = "limit=2&marker=13551d6b-755d-4757-b956-536f674975c0";
    let project = "77b6a44cba5143ab91d13ab9a8ff44fd";
    let vpcs = format!("https://service.region.example.com/v1/{project}/vpcs?{query}");
    let certificates = format!("https://service.region.example.com/v5/iotps/{project}/certificates?{query}");
    let balances = "https://bss.myhuaweicloud.com/v2/accounts/customer-accounts/balances";
    for (url, headers, who, wanted) in [
        (vpcs.as_str(), json, official, "7be6668032f70418fcc22abc52071e57aff61b84a1d2381bb430d6870f4f6ebe"),
        (&certificates, json, official, "012cac5e920807f98bf7b23dfe05d29596d544a9b76c37cf933b274a6d4aa874"),
        (balances, json, own, "bb6342bc0c434c022e2fbec295c705cc93a040b3e019825d0bd7b92bbd01ee87"),
        (balances, &[], own, "1b0843f9dd4bbe4cb525256539c3aec17567e33e008c445b3b4260c74929c447"),
    ] {
        let mut request = request(Method::GET, url, headers, "");
        Signer::Huawei.sign(&mut request, who, at("2019-11-15T03:36:55Z"), "");
        assert_eq!(signature(&request), wanted, "{url}");
    }
}

#[test]
fn baidu() {
    let who = who("0b0f67dfb88244b289b72b142befad0c", "bad522c2126a4618a8125f4b6cf6356f");
    let now = at("2015-04-27T08:23:49Z");
    let headers =
        [("Content-Length", "8"), ("Content-Md5", "0a52730597fb4ffa01fc117d9e71e3a9"), ("Content-Type", "text/plain")];
    let url = "https://bj.bcebos.com/v1/test/myfolder/readme.txt?partNumber=9&uploadId=VXBsb2FkIElpZS5tMnRzIHVwbG9hZA";
    let mut put = request(Method::PUT, url, &headers, "");
    Signer::Baidu.sign(&mut put, who, now, "");
    assert_eq!(signature(&put), "a19e6386e990691aca1114a20357c83713f1cb4be3d74942bb4ed37469ecdacf");
    let mut post = request(Method::POST, "https://billing.baidubce.com/v1/finance/cash/balance", &[], "");
    Signer::Baidu.sign(&mut post, who, now, "");
    assert_eq!(signature(&post), "51877011b88bbc1279b888cd95801fc69991888c540ed72725dd5622f55f3eb3");
    assert!(
        post.header("authorization")
            .unwrap()
            .starts_with("bce-auth-v1/0b0f67dfb88244b289b72b142befad0c/2015-04-27T08:23:49Z/1800/host;x-bce-date/")
    );
}

#[test]
fn aws_sigv4() {
    let secret = concat!("wJalrXUtnFEMI/K7MDENG", "+bPxRfiCYEXAMPLEKEY");
    let key = aws::signing_key(secret, "20150830", "us-east-1", "iam");
    assert_eq!(canonical::hex(&key), "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
    let mut get = request(Method::GET, "https://example.amazonaws.com/", &[], "");
    let signer = Signer::Sigv4 { region: "us-east-1".into(), service: "service".into() };
    signer.sign(&mut get, who("AKIDEXAMPLE", secret), at("2015-08-30T12:36:00Z"), "");
    assert_eq!(signature(&get), "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
    let headers = canonical::headers_to_sign(&get);
    let hash = canonical::hashed(&get, "/", "", &headers);
    assert_eq!(hash, "bb579772317eb040ac9ed261061d46c1f17a8133879d6129b6e1c25292927e63");
}

#[test]
fn a_session_token_is_signed_too() {
    let temporary = Credentials { id: "AKIDEXAMPLE", secret: "secret", token: Some("session token") };
    let now = Timestamp::from_secs(1_551_113_065);
    let word = || "x".to_owned();
    let signers = [
        Signer::AliyunRpc,
        Signer::Acs3 { action: word(), version: word() },
        Signer::Volcengine { region: word(), service: word() },
        Signer::Tc3 { service: word(), action: word(), version: word() },
        Signer::Huawei,
        Signer::Baidu,
        Signer::Sigv4 { region: word(), service: word() },
    ];
    for signer in signers {
        let mut request = request(Method::GET, "https://example.com/", &[], "");
        signer.sign(&mut request, temporary, now, "nonce");
        let in_header = request.headers.iter().any(|(_, value)| value == "session token");
        assert!(in_header || request.url.as_str().contains("SecurityToken=session%20token"), "{signer:?}");
        assert!(!format!("{request:?}").contains("session"));
    }
}
