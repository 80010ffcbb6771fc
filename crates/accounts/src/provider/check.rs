//! What must hold between the keys of a provider's file.

use super::params::fill_json;
use super::{Auth, Combine, Provider, Request, Template};
use crate::formula::Formula;

impl Provider {
    /// The first thing that does not fit: its key, and how to mend it.
    pub(super) fn check(&self) -> Result<(), String> {
        if !self.docs.starts_with("https://") {
            return Err("docs: an https:// address at which this can be looked up is wanted".into());
        }
        if self.rate_limit.requests == 0 || self.rate_limit.seconds == 0 {
            return Err("rate_limit: at least one request in at least one second".into());
        }
        if self.requests.is_empty() {
            return Err("requests: at least one is wanted".into());
        }
        if self.requests.iter().all(|r| r.adds) {
            return Err("requests: one must give a reading of its own, without `adds`".into());
        }
        self.check_params()?;
        let top = [("success", &self.success), ("message", &self.message)];
        for (key, formula) in top.into_iter().filter_map(|(key, f)| Some((key, f.as_ref()?))) {
            self.check_formula(key, formula)?;
        }
        for rule in &self.errors {
            self.check_formula("errors.when", &rule.when)?;
        }
        for (index, request) in self.requests.iter().enumerate() {
            if self.requests[..index].iter().any(|r| r.name == request.name) {
                return Err(format!("requests.{index}.name: `{}` is there twice", request.name));
            }
            self.check_request(request).map_err(|fault| format!("requests.{index}.{fault}"))?;
        }
        self.check_samples_fit()
    }

    fn check_params(&self) -> Result<(), String> {
        for (name, param) in &self.params {
            let chosen = param.default.iter().chain(param.by_secret_end.values());
            if let Some(odd) = chosen.into_iter().find(|c| !param.choices.is_empty() && !param.choices.contains_key(*c))
            {
                return Err(format!("params.{name}: `{odd}` is none of its choices"));
            }
        }
        Ok(())
    }

    fn check_request(&self, request: &Request) -> Result<(), String> {
        for place in request.url.places_in_origin() {
            if !place.is_some_and(|name| self.brings_address(name)) {
                return Err(
                    "url: before the path only a parameter with `url: true`, or one brought by a choice, may be \
                            filled in: it decides who gets the secret"
                        .into(),
                );
            }
        }
        self.check_template("url", &request.url)?;
        for (name, template) in request.query.iter().chain(&request.headers) {
            self.check_template(name, template)?;
        }
        if let Some(body) = &request.body {
            let mut fault = None;
            let note = std::cell::RefCell::new(&mut fault);
            let visit = |template: &Template| {
                if let Err(found) = self.check_template("body", template) {
                    **note.borrow_mut() = Some(found);
                }
                String::new()
            };
            fill_json(body, &visit).map_err(|found| format!("body: {found}"))?;
            if let Some(fault) = fault {
                return Err(fault);
            }
        }
        if let Auth::Sign(_) = self.auth_of(request)
            && self.secret.len() < 2
        {
            return Err("auth: a signature needs `secret: [access_key_id, access_key_secret]`".into());
        }
        let own =
            [("success", &request.success), ("ask_next", &request.ask_next), ("says_nothing", &request.says_nothing)];
        for (key, formula) in own.into_iter().filter_map(|(key, f)| Some((key, f.as_ref()?))) {
            self.check_formula(key, formula)?;
        }
        for (key, formula) in request.read.formulas() {
            self.check_formula(&format!("read.{key}"), formula)?;
        }
        if let Some(unit) = &request.read.unit {
            self.check_template("read.unit", unit)?;
        }
        if !self.is_partial(request) && !request.read.says_something() {
            return Err("read: gives neither remaining, nor total and used, nor windows".into());
        }
        if request.optional && self.combine != Combine::Lowest || request.adds && self.combine != Combine::First {
            return Err("optional goes with `combine: lowest`, adds with `combine: first`".into());
        }
        Ok(())
    }

    fn check_formula(&self, key: &str, formula: &Formula) -> Result<(), String> {
        match formula.params().into_iter().find(|name| !self.knows(name)) {
            Some(name) => Err(format!("{key}: param({name}) is not declared under params")),
            None => Ok(()),
        }
    }

    fn check_template(&self, key: &str, template: &Template) -> Result<(), String> {
        if let Some(name) = template.params().find(|name| !self.knows(name)) {
            return Err(format!("{key}: ${{{name}}} is not declared under params"));
        }
        match template.secret_parts().find(|part| !self.secret.iter().any(|known| known == part)) {
            Some(part) => Err(format!("{key}: ${{secret.{part}}} is no part named under secret")),
            None => Ok(()),
        }
    }
}
