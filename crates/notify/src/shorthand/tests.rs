use super::*;
use crate::channel::Channel;

fn read(text: &str) -> Result<(&'static str, Value), String> {
    read_url(text, None).map(|s| (s.kind, s.config)).map_err(|e| e.0)
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn each_line_is_a_channel() {
    let cases = [
        (
            "feishu://Ab-12?secret=S%2Bx&keyword=余额",
            "feishu",
            json!({ "url": "https://open.feishu.cn/open-apis/bot/v2/hook/Ab-12", "secret": "S+x", "keyword": "余额" }),
        ),
        ("lark://Ab", "feishu", json!({ "url": "https://open.larksuite.com/open-apis/bot/v2/hook/Ab" })),
        (
            "dingtalk://ToKen?secret=SECab+c",
            "dingtalk",
            json!({ "url": "https://oapi.dingtalk.com/robot/send?access_token=ToKen", "secret": "SECab+c" }),
        ),
        (
            "dingtalk://SEC1@ToKen/13800000000?at_all=yes",
            "dingtalk",
            json!({ "url": "https://oapi.dingtalk.com/robot/send?access_token=ToKen", "secret": "SEC1",
                    "at_mobiles": ["13800000000"], "at_all": true }),
        ),
        ("wecom://k-E-y", "wecom", json!({ "url": "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=k-E-y" })),
        ("WeComBot://k", "wecom", json!({ "url": "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=k" })),
        ("slack://T0/B0/xYz", "slack", json!({ "url": "https://hooks.slack.com/services/T0/B0/xYz" })),
        ("slack://bot@T0/B0/xYz/#ops", "slack", json!({ "url": "https://hooks.slack.com/services/T0/B0/xYz" })),
        ("discord://123/To_k-en", "discord", json!({ "url": "https://discord.com/api/webhooks/123/To_k-en" })),
        ("tgram://12:AbC/-100123", "telegram", json!({ "token": "12:AbC", "chat_id": "-100123" })),
        ("tgram://12:AbC/%40name", "telegram", json!({ "token": "12:AbC", "chat_id": "@name" })),
        ("ntfy://Topic", "ntfy", json!({ "url": "https://ntfy.sh/", "topic": "Topic" })),
        ("ntfys://n.example/T", "ntfy", json!({ "url": "https://n.example/", "topic": "T" })),
        (
            "ntfy://bob:p%40ss@n.example:8080/T",
            "ntfy",
            json!({ "url": "http://n.example:8080/", "topic": "T", "user": "bob", "password": "p@ss" }),
        ),
        (
            "ntfys://tk_1@n.example/sub/T",
            "ntfy",
            json!({ "url": "https://n.example/sub", "topic": "T", "token": "tk_1" }),
        ),
        ("gotify://g.lan:8080/AbC", "gotify", json!({ "url": "http://g.lan:8080/", "token": "AbC" })),
        ("gotifys://g.example/sub/AbC", "gotify", json!({ "url": "https://g.example/sub", "token": "AbC" })),
        (
            "pagerduty://R1?region=eu",
            "pagerduty",
            json!({ "routing_key": "R1", "url": "https://events.eu.pagerduty.com/v2/enqueue" }),
        ),
        ("pagerduty://R1@api/host", "pagerduty", json!({ "routing_key": "R1" })),
        ("alertmanager://am:9093", "alertmanager", json!({ "url": "http://am:9093/" })),
        (
            "mailto://bob:p%40ss@example.com?to=a@x.example,b@x.example",
            "email",
            json!({ "host": "example.com", "tls": "starttls", "user": "bob@example.com", "password": "p@ss",
                    "from": "bob@example.com", "to": ["a@x.example", "b@x.example"] }),
        ),
        (
            "mailtos://bob:pw@qq.com:465",
            "email",
            json!({ "host": "smtp.qq.com", "port": 465, "tls": "wrapper", "user": "bob@qq.com", "password": "pw",
                    "from": "bob@qq.com", "to": ["bob@qq.com"] }),
        ),
        (
            "mailto://relay.lan?from=tw@x.example&to=ops@x.example&mode=insecure&smtp=mx.lan",
            "email",
            json!({ "host": "mx.lan", "tls": "none", "from": "tw@x.example", "to": ["ops@x.example"] }),
        ),
        (
            "jsons://u:p@h.example/a/b?x=1&+X-Key=K%201",
            "webhook",
            json!({ "url": "https://h.example/a/b?x=1",
                    "headers": { "authorization": "Basic dTpw", "x-key": "K 1" } }),
        ),
        ("json://h.example:81/", "webhook", json!({ "url": "http://h.example:81/" })),
        (
            "apprises://a.example/key1?tag=ops",
            "apprise",
            json!({ "url": "https://a.example/", "key": "key1", "tag": "ops" }),
        ),
        (
            "https://open.feishu.cn/open-apis/bot/v2/hook/x",
            "feishu",
            json!({ "url": "https://open.feishu.cn/open-apis/bot/v2/hook/x" }),
        ),
        ("https://hooks.slack.com/services/T/B/x", "slack", json!({ "url": "https://hooks.slack.com/services/T/B/x" })),
        ("https://else.example/hook?k=1", "webhook", json!({ "url": "https://else.example/hook?k=1" })),
    ];
    for (line, kind, config) in cases {
        assert_eq!(read(line), Ok((kind, config.clone())), "{line}");
        Channel::parse(kind, &config.to_string()).unwrap_or_else(|e| panic!("{line}: {e}"));
    }
}

#[test]
fn an_error_names_the_part_and_never_repeats_it() {
    for (line, part) in [
        ("", "scheme"),
        ("hunter2", "scheme"),
        ("://hunter2", "scheme"),
        ("hun ter2://x", "scheme"),
        ("feishu://", "token"),
        ("feishu://hunter2?sekret=hunter2", "parameter \"sekret\""),
        ("feishu://hunter2/hunter2", "path"),
        ("dingtalk://", "token"),
        ("dingtalk://hunter2/hunter2", "phone"),
        ("dingtalk://hunter2?at_all=hunter2", "at_all"),
        ("wecom://", "key"),
        ("slack://hunter2", "webhook"),
        ("slack://hunter2/b", "token"),
        ("discord://hunter2/x", "id"),
        ("discord://12", "token"),
        ("tgram://hunter2/1", "token"),
        ("tgram://1:hunter2", "chat_id"),
        ("ntfy://", "topic"),
        ("gotify://host", "token"),
        ("gotify://ho st/hunter2", "host"),
        ("pagerduty://hunter2?region=mars", "region"),
        ("mailto://u:hunter2@example.com:x", "port"),
        ("mailto://example.com", "from"),
        ("mailto://u:hunter2@example.com?mode=x", "mode"),
        ("apprise://host", "key"),
        ("feishu://hunter2%FF", "line"),
        ("bark://hunter2", "scheme \"bark\""),
    ] {
        let error = read(line).unwrap_err();
        assert!(error.starts_with(part), "{line}: {error}");
        assert!(!error.contains("hunter2"), "{line}: {error}");
    }
}

#[test]
fn what_has_no_channel_here_goes_through_the_gateway() {
    let gateway = Url::parse("http://apprise.lan:8000/").unwrap();
    let read = read_url("bark://host/hunter2", Some(&gateway)).unwrap();
    assert_eq!(read.kind, "apprise");
    assert_eq!(read.config, json!({ "url": "http://apprise.lan:8000/", "urls": ["bark://host/hunter2"] }));
    let shown = Channel::parse(read.kind, &read.config.to_string()).unwrap().shown();
    assert!(!shown.to_string().contains("hunter2"), "{shown}");
}

proptest::proptest! {
    #[test]
    fn any_line_is_read_or_refused(scheme in "[a-z]{0,12}", rest in "\\PC{0,40}") {
        let _ = read_url(&format!("{scheme}://{rest}"), None);
        for scheme in ["feishu", "dingtalk", "mailto", "ntfy", "json", "tgram"] {
            if let Ok(read) = read_url(&format!("{scheme}://{rest}"), None) {
                proptest::prop_assert!(Channel::KINDS.contains(&read.kind));
            }
        }
    }
}
