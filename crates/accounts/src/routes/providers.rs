//! The providers there are, for forms.

use super::AccountsState;
use api::{Data, Reader};
use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Provider")]
pub(super) struct ProviderJson {
    name: String,
    title: String,
    kind: &'static str,
    docs: String,
    about: Option<String>,
    /// The parts of the secret, joined by `:`; empty is one part.
    secret: Vec<String>,
    params: Vec<ParamJson>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ProviderParam")]
struct ParamJson {
    name: String,
    about: String,
    required: bool,
    default: Option<String>,
    choices: Vec<String>,
}

pub(super) async fn list(_: Reader, State(state): State<AccountsState>) -> Data<Vec<ProviderJson>> {
    let all = state.providers.iter().map(|p| ProviderJson {
        name: p.name.clone(),
        title: p.title.clone(),
        kind: p.kind.as_str(),
        docs: p.docs.clone(),
        about: p.about.clone(),
        secret: p.secret.clone(),
        params: p
            .params
            .iter()
            .map(|(name, param)| ParamJson {
                name: name.clone(),
                about: param.about.clone(),
                required: param.required,
                default: param.default.clone(),
                choices: param.choices.keys().cloned().collect(),
            })
            .collect(),
    });
    let own = [http_json(), manual()];
    Data::of(all.chain(own).collect())
}

fn params(pairs: &[(&str, &str, bool)]) -> Vec<ParamJson> {
    let one = |(name, about, required): &(&str, &str, bool)| ParamJson {
        name: (*name).to_owned(),
        about: (*about).to_owned(),
        required: *required,
        default: None,
        choices: Vec::new(),
    };
    pairs.iter().map(one).collect()
}

fn http_json() -> ProviderJson {
    let about = crate::provider::http_json_params();
    let pairs: Vec<(&str, &str, bool)> =
        about.iter().map(|(name, about)| (*name, *about, matches!(*name, "url"))).collect();
    ProviderJson {
        name: "http_json".into(),
        title: "Any JSON address".into(),
        kind: "balance",
        docs: String::new(),
        about: Some("Any address that answers JSON, and a path to the number.".into()),
        secret: Vec::new(),
        params: params(&pairs),
    }
}

fn manual() -> ProviderJson {
    ProviderJson {
        name: crate::manual::NAME.into(),
        title: "Stated by hand".into(),
        kind: "balance",
        docs: String::new(),
        about: Some("A balance you state, which burns by a stated rate. Nobody is asked.".into()),
        secret: Vec::new(),
        params: params(&[
            ("balance", "what was left", true),
            ("as_of", "when: RFC 3339 or a date", true),
            ("burn_per_day", "what is used a day", false),
            ("unit", "a currency code, tokens, credits …", false),
            ("expires_at", "when it is gone in any case", false),
        ]),
    }
}
