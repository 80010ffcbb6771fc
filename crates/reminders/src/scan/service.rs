//! Who a mail is from, in a word people know.

use super::Mail;

/// Names and brackets that say nothing of who it is.
const GENERIC: &[&str] = &[
    "noreply",
    "no-reply",
    "no_reply",
    "donotreply",
    "do-not-reply",
    "notification",
    "notifications",
    "notice",
    "billing",
    "support",
    "service",
    "services",
    "info",
    "admin",
    "team",
    "mail",
    "postmaster",
    "mailer-daemon",
    "alert",
    "alerts",
    "通知",
    "提醒",
    "系统通知",
    "系统消息",
    "重要",
    "重要通知",
    "紧急",
    "緊急",
    "お知らせ",
    "重要なお知らせ",
    "ご案内",
    "important",
    "urgent",
    "action required",
    "external",
    "account",
];
/// Labels that are part of a public suffix of two.
const SECOND_LEVEL: &[&str] = &["co", "com", "ne", "or", "ac", "net", "org", "gov", "edu", "ad", "go", "gr", "lg"];
/// The longest name, in characters.
const LONGEST: usize = 64;

/// The sender's name, else the name in brackets before the subject, else the sender's domain, else its address.
pub(super) fn name(mail: &Mail) -> String {
    let named = Some(mail.sender_name.as_str()).filter(|n| says_something(n) && !n.contains('@'));
    let name = named.or_else(|| bracketed(&mail.subject).filter(|n| says_something(n)));
    let name = name.map(str::to_owned).unwrap_or_else(|| domain(&mail.sender));
    name.trim().chars().take(LONGEST).collect()
}

fn says_something(name: &str) -> bool {
    let name = name.trim().to_lowercase();
    !name.is_empty() && !GENERIC.contains(&name.as_str())
}

/// `【阿里云】…`, `[GitHub] …`.
fn bracketed(subject: &str) -> Option<&str> {
    let subject = subject.trim_start();
    let (open, close) = [('【', '】'), ('[', ']'), ('［', '］')].into_iter().find(|(o, _)| subject.starts_with(*o))?;
    let inner = &subject[open.len_utf8()..];
    let inner = inner[..inner.find(close)?].trim();
    (inner.chars().count() <= 24).then_some(inner)
}

fn domain(address: &str) -> String {
    let Some((_, host)) = address.rsplit_once('@') else { return address.to_owned() };
    let labels: Vec<&str> = host.split('.').filter(|l| !l.is_empty()).collect();
    let two = labels.len() >= 3 && SECOND_LEVEL.contains(&labels[labels.len() - 2]);
    let keep = if two { 3 } else { 2 };
    labels[labels.len().saturating_sub(keep)..].join(".")
}
