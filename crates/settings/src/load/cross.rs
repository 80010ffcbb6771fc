//! Rules that hold between keys. A rule is silent while one of its keys is refused for itself.

use super::draft::Draft;
use super::{Origin, Problem};
use crate::{CountersIn, Settings};
use std::collections::BTreeMap;
use std::fmt::Display;

pub(crate) fn check(settings: &Settings, draft: &Draft) -> Vec<Problem> {
    let mut rules = Rules { draft, problems: Vec::new() };
    let engine = &settings.engine;
    let market = &settings.market;
    let schedule = &market.schedule;
    let min = ("market.schedule.min_interval", schedule.min_interval);
    let base = ("market.schedule.base_interval", schedule.base_interval);
    let max = ("market.schedule.max_interval", schedule.max_interval);
    rules.at_most(min, max);
    // Said only of limits that hold between themselves: else one mistake is told three times.
    if min.1 <= max.1 {
        rules.at_most(min, base);
        rules.at_most(base, max);
    }
    let task_timeout = ("engine.task_timeout", engine.task_timeout);
    rules.below(task_timeout, ("engine.lease", engine.lease));
    rules.at_most(("market.browser.page_timeout", market.browser.page_timeout), task_timeout);
    rules.below(("redis.orphan_after", settings.redis.orphan_after), ("engine.lease", engine.lease));
    if settings.server.rate_limit.storage == CountersIn::Redis && settings.redis.url.is_empty() {
        let key = "server.rate_limit.storage";
        rules.problems.push(Problem::new(draft.origin(key), key.to_owned(), "redis needs redis.url beside it"));
    }
    let alerts = &market.alerts;
    rules.below(("market.alerts.low_liquidity", alerts.low_liquidity), ("market.alerts.surge", alerts.surge));
    let mut names = BTreeMap::new();
    for (n, ip) in market.ips.iter().enumerate() {
        if let Some(first) = names.insert(&ip.name, n) {
            let key = format!("market.ips[{n}].name");
            let message = format!("{:?} is there twice: also market.ips[{first}]", ip.name);
            rules.problems.push(Problem::new(draft.origin("market.ips"), key, message));
        }
    }
    let mut names = BTreeMap::new();
    for (n, channel) in settings.channels.iter().enumerate() {
        if let Some(first) = names.insert(channel.name.trim(), n) {
            let message = format!("{:?} is there twice: also channels[{first}]", channel.name);
            rules.problems.push(Problem::new(draft.origin("channels"), format!("channels[{n}].name"), message));
        }
        if channel.kind.is_empty() && channel.url.is_empty() {
            let message = "needs kind or url, which says what it is";
            rules.problems.push(Problem::new(draft.origin("channels"), format!("channels[{n}]"), message));
        }
    }
    rules.credentials(settings);
    rules.problems
}

struct Rules<'a> {
    draft: &'a Draft,
    problems: Vec<Problem>,
}

type Pair<T> = (&'static str, T);

impl Rules<'_> {
    /// Everybody has a name of their own and one way to prove it.
    fn credentials(&mut self, settings: &Settings) {
        let auth = &settings.auth;
        let mut names = BTreeMap::new();
        let users = auth.users.iter().enumerate().map(|(n, user)| {
            let given =
                [!user.password.is_empty(), !user.password_hash.is_empty(), !user.password_file.as_os_str().is_empty()];
            (
                format!("auth.users[{n}]"),
                "auth.users",
                &user.name,
                given.into_iter().filter(|g| *g).count(),
                "password_hash, password_file or password",
            )
        });
        let keys = auth.api_keys.iter().enumerate().map(|(n, key)| {
            let given = [!key.key.is_empty(), !key.key_file.as_os_str().is_empty()];
            (
                format!("auth.api_keys[{n}]"),
                "auth.api_keys",
                &key.name,
                given.into_iter().filter(|g| *g).count(),
                "key or key_file",
            )
        });
        for (key, list, name, given, ways) in users.chain(keys) {
            let mut refuse = |key: String, message: String| {
                self.problems.push(Problem::new(self.draft.origin(list), key, message));
            };
            if given != 1 {
                refuse(key.clone(), format!("needs one of {ways}"));
            }
            if let Some(first) = names.insert((list, name), key.clone()) {
                refuse(format!("{key}.name"), format!("{name:?} is there twice: also {first}"));
            }
        }
        let secret = auth.jwt.secret.reveal();
        if !secret.is_empty() && secret.len() < 32 {
            let key = "auth.jwt.secret";
            self.problems.push(Problem::new(
                self.draft.origin(key),
                key,
                "has less than 32 characters and can be guessed",
            ));
        }
    }

    fn at_most<T: PartialOrd + Display>(&mut self, less: Pair<T>, more: Pair<T>) {
        if less.1 > more.1 {
            self.broken(less, more, ["must not be more than", "must not be less than"]);
        }
    }

    fn below<T: PartialOrd + Display>(&mut self, less: Pair<T>, more: Pair<T>) {
        if less.1 >= more.1 {
            self.broken(less, more, ["must be less than", "must be more than"]);
        }
    }

    /// The problem is shown at the key that somebody set, with the rule as seen from there.
    fn broken<T: Display>(&mut self, less: Pair<T>, more: Pair<T>, [of_less, of_more]: [&str; 2]) {
        let refused = |key: &str| self.draft.problems.iter().any(|problem| problem.key == key);
        if refused(less.0) || refused(more.0) {
            return;
        }
        let at_more = self.draft.origin(less.0) == Origin::Default;
        let (shown, rule, other) = if at_more { (more, of_more, less) } else { (less, of_less, more) };
        let message = format!("{} {rule} {} = {} ({})", shown.1, other.0, other.1, self.draft.origin(other.0));
        self.problems.push(Problem::new(self.draft.origin(shown.0), shown.0, message));
    }
}
