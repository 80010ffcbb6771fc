//! Services at addresses people choose: the first part is a host.

use super::chats::{config, text};
use super::parts::Parts;
use super::{Stated, wrong};
use crate::channel::ConfigError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use url::Url;

type Read = Result<Stated, ConfigError>;

/// `scheme://host[:port]/…`.
fn web(scheme: &str, host: &str, segments: &[String]) -> Result<Url, ConfigError> {
    let url = Url::parse(&format!("{scheme}://{host}/")).ok();
    let mut url = url.filter(|url| url.path() == "/" && url.query().is_none() && url.username().is_empty());
    let url = url.as_mut().ok_or_else(|| wrong("host", "is not a host with or without a port"))?;
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    Ok(url.clone())
}

/// `ntfy://topic` at ntfy.sh, or `ntfy://[user:password@|token@]host[:port]/topic?token=`.
pub(super) fn ntfy(mut parts: Parts, scheme: &str) -> Read {
    let topic = parts.last("topic")?;
    let url = match parts.left() {
        0 => Url::parse("https://ntfy.sh").map_err(|_| wrong("url", "is not a URL"))?,
        _ => {
            let host = parts.next("host")?;
            web(scheme, &host, &parts.rest())?
        }
    };
    let (mut user, password) = (parts.user.take(), parts.password.take());
    let lone = if password.is_none() { user.take() } else { None };
    let token = parts.take("token").or(lone);
    let config = config([
        ("url", Some(json!(url.as_str()))),
        ("topic", Some(json!(topic))),
        ("token", text(token)),
        ("user", text(user)),
        ("password", text(password)),
    ]);
    parts.end()?;
    Ok(Stated::new("ntfy", config))
}

/// `gotify://host[:port][/path]/token`.
pub(super) fn gotify(mut parts: Parts, scheme: &str) -> Read {
    let host = parts.next("host")?;
    let token = parts.last("token")?;
    let url = web(scheme, &host, &parts.rest())?;
    parts.end()?;
    Ok(Stated::new("gotify", json!({ "url": url.as_str(), "token": token })))
}

/// `alertmanager://[user:password@]host[:port][/path]?token=`.
pub(super) fn alertmanager(mut parts: Parts, scheme: &str) -> Read {
    let host = parts.next("host")?;
    let url = web(scheme, &host, &parts.rest())?;
    let config = config([
        ("url", Some(json!(url.as_str()))),
        ("token", text(parts.take("token"))),
        ("user", text(parts.user.take())),
        ("password", text(parts.password.take())),
    ]);
    parts.end()?;
    Ok(Stated::new("alertmanager", config))
}

/// `json://[user:password@]host[:port]/path?name=value&+Header=value`.
pub(super) fn webhook(mut parts: Parts, scheme: &str) -> Read {
    let host = parts.next("host")?;
    let mut url = web(scheme, &host, &parts.rest())?;
    let mut headers = Map::new();
    if let Some(user) = parts.user.take() {
        let account = format!("{user}:{}", parts.password.take().unwrap_or_default());
        headers.insert("authorization".to_owned(), json!(format!("Basic {}", STANDARD.encode(account))));
    }
    for (name, value) in parts.parameters() {
        match name.strip_prefix('+') {
            Some(header) => drop(headers.insert(header.to_ascii_lowercase(), json!(value))),
            None => drop(url.query_pairs_mut().append_pair(&name, &value)),
        }
    }
    let headers = (!headers.is_empty()).then_some(Value::Object(headers));
    Ok(Stated::new("webhook", config([("url", Some(json!(url.as_str()))), ("headers", headers)])))
}

/// `apprise://host[:port][/path]/key?tag=`, a configuration kept by an Apprise API server.
pub(super) fn apprise(mut parts: Parts, scheme: &str) -> Read {
    let host = parts.next("host")?;
    let key = parts.last("key")?;
    let url = web(scheme, &host, &parts.rest())?;
    let config = config([
        ("url", Some(json!(url.as_str()))),
        ("key", Some(json!(key))),
        ("tag", text(parts.take("tag").or_else(|| parts.take("tags")))),
    ]);
    parts.end()?;
    Ok(Stated::new("apprise", config))
}

/// `mailto://user:password@domain[:port][/to…]?smtp=&user=&from=&to=&mode=starttls|ssl|insecure`.
pub(super) fn mail(mut parts: Parts) -> Read {
    let first = parts.next("domain")?;
    let (domain, port) = match first.split_once(':') {
        Some((domain, port)) => {
            (domain.to_owned(), Some(port.parse::<u16>().map_err(|_| wrong("port", "is not a number"))?))
        }
        None => (first, None),
    };
    let address = parts.user.take().map(|user| if user.contains('@') { user } else { format!("{user}@{domain}") });
    let mut to = parts.rest();
    to.extend(parts.take("to").into_iter().flat_map(|list| list.split(',').map(str::to_owned).collect::<Vec<_>>()));
    let from = parts.take("from").or_else(|| address.clone()).ok_or_else(|| wrong("from", "is missing"))?;
    if to.is_empty() {
        to.push(from.clone());
    }
    let tls = match parts.take("mode").as_deref() {
        None if port == Some(465) => "wrapper",
        None | Some("starttls") => "starttls",
        Some("ssl" | "wrapper") => "wrapper",
        Some("insecure" | "none") => "none",
        Some(_) => return Err(wrong("mode", "is not starttls, ssl or insecure")),
    };
    let password = parts.password.take();
    let user = parts.take("user").or(address).filter(|_| password.is_some());
    let host = parts.take("smtp").unwrap_or_else(|| server(&domain));
    let config = config([
        ("host", Some(json!(host))),
        ("port", port.map(|port| json!(port))),
        ("tls", Some(json!(tls))),
        ("user", text(user)),
        ("password", text(password)),
        ("from", Some(json!(from))),
        ("to", Some(json!(to))),
    ]);
    parts.end()?;
    Ok(Stated::new("email", config))
}

/// The SMTP server of a mail domain, as far as large ones go.
fn server(domain: &str) -> String {
    match domain {
        "gmail.com" | "qq.com" | "163.com" | "126.com" | "sina.com" | "icloud.com" => match domain {
            "icloud.com" => "smtp.mail.me.com".to_owned(),
            other => format!("smtp.{other}"),
        },
        other => other.to_owned(),
    }
}
