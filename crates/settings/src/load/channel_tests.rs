//! Channels of the file and of the replaced systems.

use super::tests::{bad, good};
use crate::Span;

#[test]
fn the_webhook_of_the_replaced_systems_is_a_channel_behind_those_of_the_file() {
    let url = ("WEBHOOK_URL", "https://open.feishu.cn/open-apis/bot/v2/hook/hunter2");
    let file = "channels:\n  - name: ops\n    url: ntfy://topic\n    digest_window: 5s\n";
    for (kind, expected) in [("feishu", "feishu"), ("DingTalk", "dingtalk"), ("wecom", "wecom"), ("custom", "webhook")]
    {
        let loaded = good(file, &[url, ("WEBHOOK_TYPE", kind), ("WEBHOOK_SOURCE", "balance")]);
        let channels = &loaded.settings.channels;
        assert_eq!(channels.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["ops", "balance"]);
        assert_eq!((channels[1].kind.as_str(), channels[1].url.reveal()), (expected, url.1));
        assert_eq!(channels[0].digest_window, Some(Span::seconds(5)));
        assert!(loaded.notices.is_empty() && !format!("{loaded:?}{}", loaded.to_json()).contains("hunter2"));
    }
    assert_eq!(good("", &[url]).settings.channels[0].name, "webhook");
    let taken = good("channels: [{name: webhook, url: 'ntfy://topic'}]", &[url]);
    assert_eq!((taken.settings.channels.len(), taken.notices.len()), (1, 1));
    let alone = good("", &[("WEBHOOK_TYPE", "feishu")]);
    assert!(alone.settings.channels.is_empty() && alone.notices[0].message.contains("beside WEBHOOK_URL"));
    let expected = "WEBHOOK_TYPE: channels: \"smoke\" is not one of feishu, dingtalk, wecom, custom";
    assert_eq!(bad(&[], &[url, ("WEBHOOK_TYPE", "smoke")]), [expected]);
    let whole = good("", &[("TIDEWATCH_CHANNELS", "[{name: a, kind: wecom, url: 'https://x/?key=k'}]")]);
    assert_eq!(whole.settings.channels[0].kind, "wecom");
}

#[test]
fn channels_are_checked_as_far_as_can_be_seen_here() {
    for (text, expected) in [
        ("channels: [{url: 'ntfy://t'}]", "a.yaml:1:12: channels[0].name: is missing"),
        (
            "channels: [{name: a, kind: fax}]",
            "a.yaml:1:28: channels[0].kind: \"fax\" is not one of feishu, dingtalk, wecom, slack, discord, telegram, \
             ntfy, gotify, pagerduty, alertmanager, email, webhook, apprise",
        ),
        ("channels: [{name: a}]", "a.yaml:1:11: channels[0]: needs kind or url, which says what it is"),
        (
            "channels: [{name: a, url: x://y}, {name: a, url: x://y}]",
            "a.yaml:1:11: channels[1].name: \"a\" is there twice: also channels[0]",
        ),
        (
            "channels: [{name: a, url: x://y, tokn: z}]",
            "a.yaml:1:34: channels[0].tokn: unknown key; did you mean channels[0].token?",
        ),
        (
            "channels: [{name: a, url: x://y, digest_window: 2h}]",
            "a.yaml:1:49: channels[0].digest_window: \"2h\" is too long: at most 1h",
        ),
    ] {
        assert_eq!(bad(&[("a.yaml", text)], &[]), [expected], "{text}");
    }
}
