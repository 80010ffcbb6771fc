//! `http_json`: a provider that is told by the account itself what to ask and where the number stands.

use super::{Auth, Combine, Kind, Param, Params, Provider, RateLimit, ReadRules, Request, SetupFault, Template, Verb};
use crate::address;
use crate::formula::Formula;

/// The provider's name.
pub(super) const NAME: &str = "http_json";

const PARAMS: [(&str, &str); 14] = [
    ("url", "the address to ask; may hold ${secret}"),
    ("method", "GET or POST"),
    ("body", "a JSON body, as text; may hold ${secret}"),
    ("auth", "bearer, basic, header:NAME, query:NAME or none"),
    ("prefix", "with auth header: what stands before the secret, such as `Token `"),
    ("success", "a formula that holds for a good answer"),
    ("message", "a formula for the words of a failure"),
    ("remaining", "a formula for what is left, such as data.balance / 100"),
    ("total", "a formula for what there was"),
    ("used", "a formula for what is gone"),
    ("unlimited", "a formula that holds where there is no limit"),
    ("unit", "a currency code, tokens, credits …"),
    ("period_end", "a formula for when it comes back"),
    ("expires_at", "a formula for when it ends"),
];

/// The parameters and what they are.
pub fn http_json_params() -> &'static [(&'static str, &'static str)] {
    &PARAMS
}

/// Makes the provider of an account's parameters. `Param` names what is missing or makes no sense.
pub(super) fn provider(params: &Params) -> Result<Provider, SetupFault> {
    let fault =
        |param: &str, message: String| SetupFault::Param { provider: NAME.into(), param: param.into(), message };
    let given = |name: &str| params.get(name).map(|v| v.trim()).filter(|v| !v.is_empty());
    let formula = |name: &str| {
        let parsed = given(name).map(Formula::parse).transpose();
        parsed.map_err(|f| fault(name, f.to_string()))
    };
    let url = given("url").ok_or_else(|| fault("url", "must be set: the address to ask".into()))?;
    let template = Template::parse(url).map_err(|f| fault("url", f))?;
    let bare = url::Url::parse(url).map_err(|_| fault("url", "is not an address".into()))?;
    address::allowed(&bare).map_err(|f| fault("url", f))?;
    let body = given("body").map(serde_json::from_str).transpose();
    let read = ReadRules {
        remaining: formula("remaining")?,
        total: formula("total")?,
        used: formula("used")?,
        unlimited: formula("unlimited")?,
        unit: given("unit").map(|unit| Template::parse(unit).map_err(|f| fault("unit", f))).transpose()?,
        period_end: formula("period_end")?,
        expires_at: formula("expires_at")?,
        ..ReadRules::default()
    };
    let request = Request {
        name: "ask".into(),
        method: match given("method") {
            None | Some("GET" | "get") => Verb::Get,
            Some("POST" | "post") => Verb::Post,
            Some(other) => return Err(fault("method", format!("`{other}` is neither GET nor POST"))),
        },
        url: template,
        body: body.map_err(|_| fault("body", "is not JSON".into()))?,
        read,
        ..Request::default()
    };
    let provider = Provider {
        name: NAME.into(),
        title: "HTTP with JSON".into(),
        docs: "https://www.rfc-editor.org/rfc/rfc8259".into(),
        kind: Kind::Balance,
        about: None,
        secret: Vec::new(),
        params: PARAMS.map(|(name, about)| (name.into(), Param { about: about.into(), ..Param::default() })).into(),
        rate_limit: RateLimit { requests: 1, seconds: 1, documented: false },
        combine: Combine::First,
        auth: auth(given("auth"), given("prefix")).map_err(|f| fault("auth", f))?,
        success: formula("success")?,
        message: formula("message")?,
        errors: Vec::new(),
        requests: vec![request],
        samples: Vec::new(),
    };
    provider.check().map_err(|f| fault("remaining", f))?;
    Ok(provider)
}

fn auth(text: Option<&str>, prefix: Option<&str>) -> Result<Auth, String> {
    let text = text.unwrap_or("bearer");
    Ok(match text.split_once(':').map_or((text, ""), |(kind, name)| (kind.trim(), name.trim())) {
        ("none", "") => Auth::None,
        ("bearer", "") => Auth::Bearer,
        ("basic", "") => Auth::Basic,
        ("header", name) if !name.is_empty() => {
            // The blank at the end of a prefix is lost on its way here.
            let prefix = prefix.map_or_else(String::new, |p| format!("{p} "));
            Auth::Header { name: name.into(), prefix }
        }
        ("query", name) if !name.is_empty() => Auth::Query { name: name.into() },
        _ => return Err(format!("`{text}` is none of bearer, basic, header:NAME, query:NAME, none")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(pairs: &[(&str, &str)]) -> Params {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let url = ("url", "https://x.y/balance");
        for (pairs, part) in [
            (vec![], "params.url: must be set"),
            (vec![url], "gives neither remaining"),
            (vec![("url", "http://x.y/"), ("remaining", "a")], "params.url: would send the secret in the clear"),
            (vec![url, ("remaining", "a +")], "params.remaining: at character 4"),
            (vec![url, ("remaining", "a"), ("auth", "digest")], "params.auth: `digest` is none of"),
            (vec![url, ("remaining", "a"), ("method", "PUT")], "neither GET nor POST"),
            (vec![url, ("remaining", "param(x)")], "param(x) is not declared"),
        ] {
            let fault = provider(&params(&pairs)).unwrap_err().to_string();
            assert!(fault.contains(part), "{fault}");
        }
        let good = provider(&params(&[url, ("total", "a"), ("used", "b"), ("auth", "header:X-Key")])).unwrap();
        assert_eq!(good.auth, Auth::Header { name: "X-Key".into(), prefix: String::new() });
    }
}
