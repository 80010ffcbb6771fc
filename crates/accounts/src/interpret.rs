//! What an answer means. Pure, and suspicious: what is not surely understood is malformed.

use crate::document::Node;
use crate::formula::{EvalFault, Formula, Scope, Value};
use crate::inquiry::{Answer, Answered, Inquiry};
use crate::provider::{Provider, Request, WindowRule};
use crate::reading::{Reading, ReadingStatus, Window};
use crate::redact::Redactor;
use engine::http::is_challenge;
use model::Timestamp;

pub(crate) fn interpret(inquiry: &Inquiry, index: usize, answer: &Answer<'_>, now: Timestamp) -> Answered {
    let Some(request) = inquiry.provider.requests.get(index) else {
        let reading = Reading::failed(ReadingStatus::Unsupported, format!("there is no request {index}"));
        return Answered { reading, ask_next: false };
    };
    if is_challenge(answer.headers, answer.body) {
        let reading = Reading::failed(ReadingStatus::Unreachable, "blocked: a page that wants to see a person");
        return Answered { reading, ask_next: false };
    }
    let document = request.format.read(answer.body);
    let nothing = Node::Null;
    let root = document.as_ref().unwrap_or(&nothing);
    let scope = Scope { root, here: root, params: &inquiry.values, now, http: answer.http };
    let page = document.as_ref().err().copied();
    match refusal(&inquiry.provider, request, &scope, page) {
        None => succeeded(inquiry, request, scope),
        Some(mut refusal) => {
            let words = message(&inquiry.provider, &scope).map(|words| inquiry.redactor.note(&words));
            refusal.note = refusal.note.map(|note| match words {
                Some(words) => format!("{note}: {words}"),
                None => note,
            });
            Answered { reading: refusal, ask_next: true }
        }
    }
}

/// What the answer is instead of a good one. `page` says why the body could not be read.
fn refusal(provider: &Provider, request: &Request, scope: &Scope<'_>, page: Option<&str>) -> Option<Reading> {
    let good = (200..300).contains(&scope.http);
    let verdict = match (page, provider.success_of(request)) {
        _ if !good => Ok(false),
        (Some(page), _) => return Some(Reading::failed(ReadingStatus::Malformed, page)),
        (None, Some(success)) => success.holds(scope),
        (None, None) => Ok(true),
    };
    if verdict == Ok(true) {
        return None;
    }
    let rules = if page.is_none() { provider.errors.as_slice() } else { &[] };
    // A rule about a field that this answer lacks does not hold.
    if let Some(rule) = rules.iter().find(|rule| rule.when.holds(scope).unwrap_or(false)) {
        return Some(Reading::failed(rule.is, format!("refused (HTTP {})", scope.http)));
    }
    Some(match verdict {
        Err(fault) => malformed(&fault),
        Ok(_) if good => Reading::failed(ReadingStatus::Unreachable, "the provider says it failed"),
        Ok(_) => by_status(scope.http),
    })
}

/// What an HTTP status means where the provider's file says nothing else.
fn by_status(http: u16) -> Reading {
    use ReadingStatus::{Forbidden, Limited, Unauthorized, Unreachable, Unsupported};
    let (status, words) = match http {
        401 => (Unauthorized, "the secret is not accepted"),
        402 => (Forbidden, "the account is out of credit"),
        403 => (Forbidden, "the secret may not see this"),
        429 => (Limited, "too many questions"),
        300..=399 => (Unsupported, "sent elsewhere; a redirect is not followed with a secret"),
        404 | 405 | 410 => (Unsupported, "not offered under this address"),
        408 | 425 | 500..=599 => (Unreachable, "the provider is in trouble"),
        _ => (Unsupported, "the question is not understood"),
    };
    Reading::failed(status, format!("{words} (HTTP {http})"))
}

fn message(provider: &Provider, scope: &Scope<'_>) -> Option<String> {
    provider.message.as_ref()?.text(scope).ok().flatten()
}

fn malformed(fault: &EvalFault) -> Reading {
    Reading::failed(ReadingStatus::Malformed, format!("answer not understood: {fault}"))
}

fn succeeded<'a>(inquiry: &Inquiry, request: &'a Request, scope: Scope<'a>) -> Answered {
    let holds = |formula: &Option<Formula>| formula.as_ref().map_or(Ok(false), |f| f.holds(&scope));
    let ask_next = request.ask_next.as_ref().is_none_or(|f| f.holds(&scope).unwrap_or(true));
    let reading = match holds(&request.says_nothing) {
        Ok(true) => Reading::failed(ReadingStatus::Unsupported, "the answer is empty of meaning for this secret"),
        Ok(false) => read(inquiry, request, scope).unwrap_or_else(|fault| malformed(&fault)),
        Err(fault) => malformed(&fault),
    };
    Answered { reading: finished(inquiry, request, reading), ask_next }
}

/// Fills in what follows, unless other requests add to it first.
fn finished(inquiry: &Inquiry, request: &Request, mut reading: Reading) -> Reading {
    if !reading.is_ok() {
        return reading;
    }
    if let Some(org) = inquiry.values.get("org") {
        reading.org = Some(org.clone());
    }
    reading.org = reading.org.map(|org| inquiry.redactor.note(&org));
    reading.unit = reading.unit.map(|unit| inquiry.redactor.note(&unit));
    if inquiry.provider.is_partial(request) {
        return reading;
    }
    let reading = reading.complete();
    if reading.says_something() {
        reading
    } else {
        Reading::failed(ReadingStatus::Malformed, "answer without an amount")
    }
}

fn read<'a>(inquiry: &Inquiry, request: &'a Request, mut scope: Scope<'a>) -> Result<Reading, EvalFault> {
    let rules = &request.read;
    if let Some(at) = &rules.at {
        let Value::Node(here) = at.value(&scope)? else { return Err(EvalFault::Missing("at".into())) };
        scope.here = here;
    }
    let amount = |formula: &Option<Formula>| formula.as_ref().map_or(Ok(None), |f| f.amount(&scope));
    let instant = |formula: &Option<Formula>| formula.as_ref().map_or(Ok(None), |f| f.instant(&scope));
    let text = |formula: &Option<Formula>| formula.as_ref().map_or(Ok(None), |f| f.text(&scope));
    let mut reading = Reading {
        used: amount(&rules.used)?,
        period_start: instant(&rules.period_start)?,
        period_end: instant(&rules.period_end)?,
        expires_at: instant(&rules.expires_at)?,
        org: text(&rules.org)?,
        unlimited: rules.unlimited.as_ref().map_or(Ok(false), |f| f.holds(&scope))?,
        ..Reading::default()
    };
    if !reading.unlimited {
        reading.remaining = amount(&rules.remaining)?;
        reading.total = amount(&rules.total)?;
    }
    let stated = rules.unit.as_ref().map(|unit| unit.fill(inquiry.fillings(scope.now))).filter(|unit| !unit.is_empty());
    reading.unit = text(&rules.unit_from)?.or_else(|| stated.clone());
    if let (Some(unit), Some(stated)) = (&reading.unit, &stated)
        && unit != stated
    {
        let words = inquiry.redactor.note(&format!("the answer is in {unit}, {stated} was expected"));
        reading.remark(&words);
    }
    for rule in &rules.windows {
        windows(rule, &scope, &inquiry.redactor, &mut reading)?;
    }
    for warning in &rules.warnings {
        if warning.when.holds(&scope)? {
            reading.remark(&warning.say);
        }
    }
    reading.note = reading.note.map(|note| inquiry.redactor.note(&note));
    Ok(reading)
}

fn windows(rule: &WindowRule, scope: &Scope<'_>, redactor: &Redactor, reading: &mut Reading) -> Result<(), EvalFault> {
    let Some(each) = &rule.each else { return window(rule, scope, redactor, reading) };
    match each.value(scope)? {
        Value::Null => Ok(()),
        Value::Node(Node::List(items)) => items.iter().try_for_each(|item| {
            let inner = Scope { here: item, ..*scope };
            window(rule, &inner, redactor, reading)
        }),
        _ => Err(EvalFault::Missing(format!("a list of {}", rule.name))),
    }
}

fn window(rule: &WindowRule, scope: &Scope<'_>, redactor: &Redactor, reading: &mut Reading) -> Result<(), EvalFault> {
    let Some(used_ratio) = rule.used_ratio.amount(scope)? else { return Ok(()) };
    let resets_at = rule.resets_at.as_ref().map_or(Ok(None), |f| f.instant(scope))?;
    let label = rule.label.as_ref().map_or(Ok(None), |f| f.text(scope))?;
    let name = label.map_or_else(|| rule.name.clone(), |label| format!("{} {}", redactor.note(&label), rule.name));
    if resets_at.is_some_and(|at| at <= scope.now) {
        // It has been whole again since; how much of it is used by now, nobody said.
        reading.remark(&format!("the window {name} is over"));
        return Ok(());
    }
    reading.windows.push(Window { name, used_ratio, resets_at });
    Ok(())
}
