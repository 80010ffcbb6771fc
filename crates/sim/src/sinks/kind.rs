//! The receivers there are, what they answer, and how much they take.

use crate::answer::Answer;
use serde::{Deserialize, Serialize};

/// A sort of receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SinkKind {
    /// Feishu or Lark custom bot.
    Feishu,
    /// DingTalk custom robot.
    Dingtalk,
    /// WeCom group robot.
    Wecom,
    /// Slack incoming webhook.
    Slack,
    /// Discord webhook.
    Discord,
    /// Telegram bot; its own paths come behind the token.
    Telegram,
    /// ntfy server.
    Ntfy,
    /// Gotify server; its own paths come behind the token.
    Gotify,
    /// PagerDuty events.
    Pagerduty,
    /// Whatever takes a POST.
    Webhook,
}

/// What a receiver finds wrong with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Complaint {
    /// No such token.
    Token,
    /// The signature or its time does not fit.
    Sign,
    /// The keyword is not in it.
    Keyword,
    /// It is not a message.
    Shape,
    /// Too many.
    Busy,
}

/// How much a receiver takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limit {
    pub(crate) per_second: usize,
    pub(crate) per_minute: usize,
    /// How long it takes nothing afterwards, ms.
    pub(crate) blocks_ms: i64,
}

impl SinkKind {
    /// Every sort.
    pub const ALL: [SinkKind; 10] = [
        SinkKind::Feishu,
        SinkKind::Dingtalk,
        SinkKind::Wecom,
        SinkKind::Slack,
        SinkKind::Discord,
        SinkKind::Telegram,
        SinkKind::Ntfy,
        SinkKind::Gotify,
        SinkKind::Pagerduty,
        SinkKind::Webhook,
    ];

    /// The name in paths.
    pub const fn name(self) -> &'static str {
        match self {
            SinkKind::Feishu => "feishu",
            SinkKind::Dingtalk => "dingtalk",
            SinkKind::Wecom => "wecom",
            SinkKind::Slack => "slack",
            SinkKind::Discord => "discord",
            SinkKind::Telegram => "telegram",
            SinkKind::Ntfy => "ntfy",
            SinkKind::Gotify => "gotify",
            SinkKind::Pagerduty => "pagerduty",
            SinkKind::Webhook => "webhook",
        }
    }

    /// The sort of this name.
    pub fn named(name: &str) -> Option<SinkKind> {
        SinkKind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The documented limit of one token; none where there is none.
    pub(crate) fn limit(self) -> Option<Limit> {
        let limit = |per_second, per_minute, blocks_ms| Some(Limit { per_second, per_minute, blocks_ms });
        match self {
            SinkKind::Feishu => limit(5, 100, 0),
            SinkKind::Dingtalk => limit(usize::MAX, 20, 600_000),
            SinkKind::Wecom => limit(usize::MAX, 20, 0),
            SinkKind::Slack => limit(1, usize::MAX, 0),
            SinkKind::Discord => limit(usize::MAX, 30, 0),
            SinkKind::Telegram => limit(1, 20, 0),
            _ => None,
        }
    }

    /// The answer to a message that was taken.
    pub(crate) fn accepted(self, serial: u64, now_ms: i64) -> Answer {
        let second = now_ms.div_euclid(1_000);
        let json = |body: &str| Answer::json(200, body.to_owned());
        match self {
            SinkKind::Feishu => {
                json(r#"{"StatusCode":0,"StatusMessage":"success","code":0,"data":{},"msg":"success"}"#)
            }
            SinkKind::Dingtalk | SinkKind::Wecom => json(r#"{"errcode":0,"errmsg":"ok"}"#),
            SinkKind::Slack => text(200, "ok"),
            SinkKind::Discord => text(204, ""),
            SinkKind::Telegram => json(&format!(
                r#"{{"ok":true,"result":{{"message_id":{serial},"date":{second},"chat":{{"id":-1001234567890,"type":"supergroup"}},"text":""}}}}"#
            )),
            SinkKind::Ntfy => json(&format!(
                r#"{{"id":"sim{serial}","time":{second},"event":"message","topic":"mytopic","message":""}}"#
            )),
            SinkKind::Gotify => json(&format!(
                r#"{{"id":{serial},"appid":1,"message":"","title":"","priority":5,"date":"{}"}}"#,
                jiff::Timestamp::from_second(second).unwrap_or_default()
            )),
            SinkKind::Pagerduty => Answer::json(
                202,
                format!(r#"{{"status":"success","message":"Event processed","dedup_key":"sim{serial}"}}"#),
            ),
            SinkKind::Webhook => json("{}"),
        }
    }

    /// The documented answer to a message that was not taken; of the Chinese bots with status 200.
    pub(crate) fn complains(self, complaint: Complaint) -> Answer {
        match self {
            SinkKind::Feishu => feishu(complaint),
            SinkKind::Dingtalk => dingtalk(complaint),
            SinkKind::Wecom => wecom(complaint),
            SinkKind::Slack => match complaint {
                Complaint::Token => text(404, "no_service"),
                Complaint::Sign => text(403, "invalid_token"),
                Complaint::Busy => text(429, "rate_limited"),
                _ => text(400, "invalid_payload"),
            },
            SinkKind::Telegram => telegram(complaint),
            SinkKind::Discord => {
                let (status, body) = match complaint {
                    Complaint::Token | Complaint::Sign => (404, r#"{"message":"Unknown Webhook","code":10015}"#),
                    Complaint::Busy => {
                        (429, r#"{"message":"You are being rate limited.","retry_after":1.5,"global":false}"#)
                    }
                    _ => (400, r#"{"message":"Cannot send an empty message","code":50006}"#),
                };
                Answer::json(status, body.to_owned())
            }
            SinkKind::Ntfy => ntfy(complaint),
            SinkKind::Gotify => {
                let (status, error) = match complaint {
                    Complaint::Token | Complaint::Sign => (401, "Unauthorized"),
                    Complaint::Busy => (429, "Too Many Requests"),
                    _ => (400, "Bad Request"),
                };
                let said = "you need to provide a valid access token or user credentials to access this api";
                let body = format!(r#"{{"error":"{error}","errorCode":{status},"errorDescription":"{said}"}}"#);
                Answer::json(status, body)
            }
            SinkKind::Pagerduty | SinkKind::Webhook => match complaint {
                Complaint::Busy => Answer::json(429, r#"{"status":"throttle exceeded"}"#.to_owned()),
                Complaint::Token => text(404, "not found"),
                _ => Answer::json(400, r#"{"status":"invalid event","message":"Event object is invalid"}"#.to_owned()),
            },
        }
    }
}

fn text(status: u16, body: &str) -> Answer {
    Answer { status, content_type: "text/plain; charset=utf-8", body: body.to_owned() }
}

fn feishu(complaint: Complaint) -> Answer {
    let body = match complaint {
        Complaint::Sign => {
            r#"{"code":19021,"msg":"sign match fail or timestamp is not within one hour from current time"}"#
        }
        Complaint::Keyword => r#"{"code":19024,"msg":"Key Words Not Found"}"#,
        Complaint::Busy => {
            r#"{"code":11232,"msg":"frequency limited psm[lark.oapi.app_platform_runtime]appID[1500]","data":{}}"#
        }
        Complaint::Token => r#"{"code":19001,"msg":"param invalid: incoming webhook access token invalid"}"#,
        Complaint::Shape => r#"{"code":9499,"msg":"Bad Request","data":{}}"#,
    };
    Answer::json(200, body.to_owned())
}

fn dingtalk(complaint: Complaint) -> Answer {
    let more = "more: [https://ding-doc.dingtalk.com/doc#/serverapi2/qf2nxq]";
    let (code, said) = match complaint {
        Complaint::Sign => (310_000, format!("sign not match, {more}")),
        Complaint::Keyword => (310_000, format!("keywords not in content, {more}")),
        Complaint::Busy => (130_101, "send too fast, exceed 20 times per minute".to_owned()),
        Complaint::Token => (300_005, "token is not exist".to_owned()),
        Complaint::Shape => (40_035, "缺少参数 json".to_owned()),
    };
    Answer::json(200, format!(r#"{{"errcode":{code},"errmsg":"{said}"}}"#))
}

fn wecom(complaint: Complaint) -> Answer {
    let (code, said) = match complaint {
        Complaint::Busy => (45_009, "api freq out of limit"),
        Complaint::Shape | Complaint::Keyword => (40_058, "invalid Request Parameter"),
        Complaint::Token | Complaint::Sign => (
            93_000,
            "invalid webhook url, hint: [1700000000000000], from ip: 203.0.113.5, more info at https://open.work.weixin.qq.com/devtool/query?e=93000",
        ),
    };
    Answer::json(200, format!(r#"{{"errcode":{code},"errmsg":"{said}"}}"#))
}

fn telegram(complaint: Complaint) -> Answer {
    let (status, body) = match complaint {
        Complaint::Token | Complaint::Sign => (401, r#"{"ok":false,"error_code":401,"description":"Unauthorized"}"#),
        Complaint::Busy => (
            429,
            r#"{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 7","parameters":{"retry_after":7}}"#,
        ),
        _ => (400, r#"{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}"#),
    };
    Answer::json(status, body.to_owned())
}

fn ntfy(complaint: Complaint) -> Answer {
    let (status, body) = match complaint {
        Complaint::Token | Complaint::Sign => (
            401,
            r#"{"code":40101,"http":401,"error":"unauthorized","link":"https://ntfy.sh/docs/publish/#authentication"}"#,
        ),
        Complaint::Busy => (
            429,
            r#"{"code":42901,"http":429,"error":"limit reached: too many requests, please be nice","link":"https://ntfy.sh/docs/publish/#limitations"}"#,
        ),
        _ => (400, r#"{"code":40009,"http":400,"error":"invalid request: topic invalid","link":""}"#),
    };
    Answer::json(status, body.to_owned())
}
