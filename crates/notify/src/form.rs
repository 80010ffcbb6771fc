//! What a form for each kind of channel asks for. A test holds it against the kinds themselves.

use schemars::JsonSchema;
use serde::Serialize;

/// The form of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "ChannelForm")]
pub struct Form {
    /// The kind, as in [`crate::Channel::KINDS`].
    pub kind: &'static str,
    /// Under which key a UI finds its name.
    pub label: &'static str,
    /// The same channel in one line.
    pub example: &'static str,
    /// What it asks for, in order.
    pub fields: &'static [Field],
}

/// One field of a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "ChannelFormField")]
pub struct Field {
    /// Its key in the configuration.
    pub name: &'static str,
    /// Under which key a UI finds its words.
    pub label: &'static str,
    /// What is typed into it.
    #[serde(rename = "type")]
    pub kind: FieldKind,
    /// Whether it is written and never read back.
    pub secret: bool,
    /// Whether it must be filled in.
    pub required: bool,
    /// What it may look like.
    pub example: &'static str,
    /// The words to choose from; empty where it is free.
    pub choices: &'static [&'static str],
}

/// What is typed into a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "ChannelFormFieldKind")]
pub enum FieldKind {
    /// One line.
    Text,
    /// A web address.
    Url,
    /// Several lines.
    Lines,
    /// A whole number.
    Number,
    /// Yes or no.
    Flag,
    /// One of the choices.
    Choice,
    /// Any number of texts.
    List,
    /// Names with a text each.
    Map,
}

use FieldKind::{Choice, Flag, Lines, List, Map, Number, Text, Url};

const fn field(name: &'static str, label: &'static str, kind: FieldKind, example: &'static str) -> Field {
    Field { name, label, kind, secret: false, required: false, example, choices: &[] }
}

impl Field {
    const fn secret(self) -> Self {
        Self { secret: true, ..self }
    }

    const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    const fn of(self, choices: &'static [&'static str]) -> Self {
        Self { choices, ..self }
    }
}

const fn hook(example: &'static str) -> Field {
    field("url", "channel.field.url", Url, example).secret().required()
}

const fn server(example: &'static str) -> Field {
    field("url", "channel.field.server", Url, example).required()
}

const KEYWORD: Field = field("keyword", "channel.field.keyword", Text, "tidewatch");
const TOKEN: Field = field("token", "channel.field.token", Text, "tk_AgQdq7mVBoFD37zQVN29").secret();
const USER: Field = field("user", "channel.field.user", Text, "bob");
const PASSWORD: Field = field("password", "channel.field.password", Text, "correct horse").secret();

/// The form of every kind, in the order of [`crate::Channel::KINDS`].
pub const FORMS: &[Form] = &[
    Form {
        kind: "feishu",
        label: "channel.kind.feishu",
        example: "feishu://token?secret=signature-secret",
        fields: &[
            hook("https://open.feishu.cn/open-apis/bot/v2/hook/00000000-0000-0000-0000-000000000000"),
            field("secret", "channel.field.signature", Text, "signature-secret").secret(),
            KEYWORD,
            field("format", "channel.field.format", Choice, "card").of(&["card", "text"]),
        ],
    },
    Form {
        kind: "dingtalk",
        label: "channel.kind.dingtalk",
        example: "dingtalk://token?secret=SECsignature",
        fields: &[
            hook("https://oapi.dingtalk.com/robot/send?access_token=0123456789abcdef"),
            field("secret", "channel.field.signature", Text, "SECsignature").secret(),
            KEYWORD,
            field("at_mobiles", "channel.field.at_mobiles", List, "13800000000"),
            field("at_all", "channel.field.at_all", Flag, "false"),
        ],
    },
    Form {
        kind: "wecom",
        label: "channel.kind.wecom",
        example: "wecom://key",
        fields: &[hook("https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=00000000-0000-0000-0000-000000000000")],
    },
    Form {
        kind: "slack",
        label: "channel.kind.slack",
        example: "slack://T00000000/B00000000/token",
        fields: &[hook("https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXX")],
    },
    Form {
        kind: "discord",
        label: "channel.kind.discord",
        example: "discord://123456789012345678/token",
        fields: &[hook("https://discord.com/api/webhooks/123456789012345678/token-of-it")],
    },
    Form {
        kind: "telegram",
        label: "channel.kind.telegram",
        example: "tgram://123456:bot-token/chat",
        fields: &[
            field("token", "channel.field.bot_token", Text, "123456789:bot-token").secret().required(),
            field("chat_id", "channel.field.chat_id", Text, "-1001234567890").required(),
            field("base", "channel.field.server", Url, "https://api.telegram.org"),
        ],
    },
    Form {
        kind: "ntfy",
        label: "channel.kind.ntfy",
        example: "ntfys://host/topic",
        fields: &[
            server("https://ntfy.sh"),
            field("topic", "channel.field.topic", Text, "tidewatch-5f3a9c").secret().required(),
            TOKEN,
            USER,
            PASSWORD,
        ],
    },
    Form {
        kind: "gotify",
        label: "channel.kind.gotify",
        example: "gotifys://host/token",
        fields: &[server("https://gotify.example.com"), TOKEN.required()],
    },
    Form {
        kind: "pagerduty",
        label: "channel.kind.pagerduty",
        example: "pagerduty://routing-key",
        fields: &[
            field("routing_key", "channel.field.routing_key", Text, "0123456789abcdef0123456789abcdef")
                .secret()
                .required(),
            field("url", "channel.field.server", Url, "https://events.eu.pagerduty.com/v2/enqueue").secret(),
            field("source", "channel.field.source", Text, "tidewatch"),
        ],
    },
    Form {
        kind: "alertmanager",
        label: "channel.kind.alertmanager",
        example: "alertmanagers://host:9093",
        fields: &[
            server("https://alertmanager.example.com:9093"),
            TOKEN,
            USER,
            PASSWORD,
            field("hold_seconds", "channel.field.hold_seconds", Number, "90000"),
        ],
    },
    Form {
        kind: "email",
        label: "channel.kind.email",
        example: "mailtos://user:password@example.com?to=ops@example.com",
        fields: &[
            field("host", "channel.field.host", Text, "smtp.example.com").required(),
            field("port", "channel.field.port", Number, "587"),
            field("tls", "channel.field.tls", Choice, "starttls").of(&["starttls", "wrapper", "none"]),
            USER,
            PASSWORD,
            field("from", "channel.field.from", Text, "tidewatch@example.com").required(),
            field("to", "channel.field.to", List, "ops@example.com").required(),
        ],
    },
    Form {
        kind: "webhook",
        label: "channel.kind.webhook",
        example: "jsons://host/path",
        fields: &[
            hook("https://example.com/hooks/0123456789"),
            field("put", "channel.field.put", Flag, "false"),
            field("headers", "channel.field.headers", Map, "value").secret(),
            field("format", "channel.field.format", Choice, "resources").of(&["resources", "alertmanager"]),
            field("template", "channel.field.template", Lines, r#"{"text":"{{title}}"}"#),
            field("content_type", "channel.field.content_type", Text, "application/json"),
            field("receiver", "channel.field.receiver", Text, "tidewatch"),
        ],
    },
    Form {
        kind: "apprise",
        label: "channel.kind.apprise",
        example: "apprises://host/key",
        fields: &[
            server("https://apprise.example.com"),
            field("key", "channel.field.key", Text, "configuration-key").secret(),
            field("urls", "channel.field.urls", List, "bark://host/device-key").secret(),
            field("tag", "channel.field.tag", Text, "ops"),
        ],
    },
];

/// The form of a kind.
pub fn form_of(kind: &str) -> Option<&'static Form> {
    FORMS.iter().find(|form| form.kind == kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::Channel;
    use serde_json::{Map as Object, Value, json};

    fn value(field: &Field) -> Value {
        match field.kind {
            Text | Url | Lines | Choice => json!(field.example),
            Number => field.example.parse::<u32>().unwrap().into(),
            Flag => field.example.parse::<bool>().unwrap().into(),
            List => json!([field.example]),
            Map => json!({ "x-name": field.example }),
        }
    }

    /// All fields filled in; of two that exclude each other the first.
    fn filled(form: &Form) -> Object<String, Value> {
        let skip = |f: &&Field| !(form.kind == "apprise" && f.name == "urls");
        form.fields.iter().filter(skip).map(|f| (f.name.to_owned(), value(f))).collect()
    }

    fn parse(form: &Form, config: &Object<String, Value>) -> Result<Channel, String> {
        Channel::parse(form.kind, &json!(config).to_string()).map_err(|e| e.0)
    }

    #[test]
    fn every_kind_has_a_form_and_every_field_is_what_it_says() {
        assert_eq!(FORMS.iter().map(|f| f.kind).collect::<Vec<_>>(), Channel::KINDS);
        for form in FORMS {
            let config = filled(form);
            let shown = parse(form, &config).unwrap_or_else(|e| panic!("{}: {e}", form.kind)).shown();
            let known: Vec<&str> = shown.as_object().unwrap().keys().map(String::as_str).collect();
            assert!(
                known.iter().all(|k| form.fields.iter().any(|f| f.name == *k)),
                "{} lacks one of {known:?}",
                form.kind
            );
            for field in form.fields.iter().filter(|f| config.contains_key(f.name)) {
                let secret = shown[field.name].to_string().contains("***");
                assert_eq!(secret, field.secret, "{}.{}", form.kind, field.name);
                let mut without = config.clone();
                without.remove(field.name);
                let key_or_urls = form.kind == "apprise" && field.name == "key";
                assert_eq!(
                    parse(form, &without).is_err(),
                    field.required || key_or_urls,
                    "{}.{}",
                    form.kind,
                    field.name
                );
                for choice in field.choices {
                    // A password is not sent in the clear, whatever is chosen.
                    let mut other = config.clone();
                    other.retain(|name, _| !["user", "password"].contains(&name.as_str()));
                    other.insert(field.name.to_owned(), json!(choice));
                    assert!(parse(form, &other).is_ok(), "{}.{}: {choice}", form.kind, field.name);
                }
            }
            let line = crate::read_url(form.example, None).map(|s| s.kind);
            assert!(line == Ok(form.kind), "{}: {line:?}", form.example);
        }
    }
}
