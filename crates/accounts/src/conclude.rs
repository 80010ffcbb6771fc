//! What several answers come to.

use crate::inquiry::{Answered, Step};
use crate::provider::{Combine, Provider};
use crate::reading::{Reading, ReadingStatus};

/// `prefer` is the request that gave the numbers last time: of several that take turns it is asked before the others.
pub(crate) fn step(provider: &Provider, prefer: Option<usize>, answers: &[Option<Answered>]) -> Step {
    let given = |index: usize| answers.get(index).and_then(Option::as_ref);
    match provider.combine {
        Combine::First => first(provider, prefer, &given),
        Combine::Lowest => lowest(provider, &given),
        Combine::Merge => merge(provider, &given),
    }
}

fn done(from: usize, reading: Reading) -> Step {
    Step::Done(from, Box::new(reading))
}

/// Which failure to tell of: what to do about a refused secret is plain, so it goes before all else.
fn weight(status: ReadingStatus) -> u8 {
    match status {
        ReadingStatus::Unauthorized => 0,
        ReadingStatus::Forbidden => 1,
        ReadingStatus::Malformed => 2,
        _ => 3,
    }
}

fn first<'a>(provider: &Provider, prefer: Option<usize>, given: &impl Fn(usize) -> Option<&'a Answered>) -> Step {
    let mut refusals: Vec<(usize, &Reading)> = Vec::new();
    let asking = |index: &usize| provider.requests.get(*index).is_some_and(|request| !request.adds);
    let others = (0..provider.requests.len()).filter(|index| Some(*index) != prefer);
    for index in prefer.into_iter().chain(others).filter(asking) {
        let Some(answer) = given(index) else { return Step::Ask(index) };
        match answer.reading.status {
            ReadingStatus::Ok => {
                let mut reading = answer.reading.clone();
                reading.via = provider.requests.get(index).map(|request| request.name.clone());
                return added(provider, given, index, reading);
            }
            // The next address would be asked just as much too often.
            ReadingStatus::Limited | ReadingStatus::Unreachable => return done(index, answer.reading.clone()),
            _ => refusals.push((index, &answer.reading)),
        }
    }
    match refusals.into_iter().min_by_key(|(_, reading)| weight(reading.status)) {
        Some((index, reading)) => done(index, reading.clone()),
        None => done(0, Reading::failed(ReadingStatus::Unsupported, "there is nothing to ask")),
    }
}

/// The reading that counted, with what further requests add to it.
fn added<'a>(
    provider: &Provider,
    given: &impl Fn(usize) -> Option<&'a Answered>,
    from: usize,
    mut reading: Reading,
) -> Step {
    for (index, request) in provider.requests.iter().enumerate().filter(|(_, request)| request.adds) {
        if request.read.org.is_some() && reading.org.is_some() {
            continue;
        }
        match given(index) {
            None => return Step::Ask(index),
            Some(answer) if answer.reading.is_ok() => fill(&mut reading, &answer.reading),
            Some(_) => {}
        }
    }
    done(from, reading)
}

fn lowest<'a>(provider: &Provider, given: &impl Fn(usize) -> Option<&'a Answered>) -> Step {
    let mut least: Option<(usize, &Reading)> = None;
    let mut ask_next = true;
    for (index, request) in provider.requests.iter().enumerate() {
        if !ask_next {
            break;
        }
        let Some(answer) = given(index) else { return Step::Ask(index) };
        ask_next = answer.ask_next;
        let reading = &answer.reading;
        if !reading.is_ok() {
            if request.optional {
                continue;
            }
            return done(index, reading.clone());
        }
        let less = match least {
            None => true,
            Some((_, known)) => match (known.remaining, reading.remaining) {
                // Of two units neither is less.
                _ if known.unit != reading.unit => false,
                (None, Some(_)) => true,
                (Some(known), Some(this)) => this < known,
                _ => false,
            },
        };
        if less {
            least = Some((index, reading));
        }
    }
    match least {
        Some((index, reading)) => {
            let mut reading = reading.clone();
            // What a key has of its own (its end, its period) holds whichever amount is the least.
            if let Some(first) = given(0).filter(|first| index != 0 && first.reading.is_ok()) {
                reading.expires_at = reading.expires_at.or(first.reading.expires_at);
            }
            done(index, reading)
        }
        None => done(0, Reading::failed(ReadingStatus::Unsupported, "no request gave a reading")),
    }
}

fn merge<'a>(provider: &Provider, given: &impl Fn(usize) -> Option<&'a Answered>) -> Step {
    let mut merged = Reading::default();
    for index in 0..provider.requests.len() {
        let Some(answer) = given(index) else { return Step::Ask(index) };
        if !answer.reading.is_ok() {
            return done(index, answer.reading.clone());
        }
        fill(&mut merged, &answer.reading);
    }
    let merged = merged.complete();
    if merged.says_something() {
        done(0, merged)
    } else {
        done(0, Reading::failed(ReadingStatus::Malformed, "answers without an amount"))
    }
}

/// Takes from `other` what `reading` does not know.
fn fill(reading: &mut Reading, other: &Reading) {
    reading.remaining = reading.remaining.or(other.remaining);
    reading.total = reading.total.or(other.total);
    reading.used = reading.used.or(other.used);
    reading.used_ratio = reading.used_ratio.or(other.used_ratio);
    reading.period_start = reading.period_start.or(other.period_start);
    reading.period_end = reading.period_end.or(other.period_end);
    reading.expires_at = reading.expires_at.or(other.expires_at);
    reading.unlimited |= other.unlimited;
    reading.unit = reading.unit.take().or_else(|| other.unit.clone());
    reading.org = reading.org.take().or_else(|| other.org.clone());
    reading.windows.extend(other.windows.iter().cloned());
    if let Some(note) = &other.note {
        reading.remark(note);
    }
}
