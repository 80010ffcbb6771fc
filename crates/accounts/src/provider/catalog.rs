//! The providers there are: those compiled in, and the files of a directory of the user's own.

use super::{Params, Provider, ProviderFault, SetupFault, http_json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

macro_rules! built_in {
    ($($name:literal)*) => {
        /// Name and text of every provider that is compiled in, by name.
        pub const BUILT_IN: &[(&str, &str)] =
            &[$((concat!($name, ".yaml"), include_str!(concat!("../../providers/", $name, ".yaml")))),*];
    };
}

built_in! {
    "aihubmix"
    "aimlapi"
    "aliyun"
    "aliyun_acs3"
    "anthropic"
    "anticaptcha"
    "aws_budgets"
    "aws_cost_explorer"
    "baidu"
    "brightdata"
    "capmonster"
    "capsolver"
    "cloudflare_ai_gateway"
    "codebuff"
    "crof"
    "deepgram"
    "deepinfra"
    "deepl"
    "deepseek"
    "digitalocean"
    "elevenlabs"
    "factory"
    "fal"
    "featherless"
    "firecrawl"
    "huawei"
    "kilo"
    "kimi_coding"
    "laozhang"
    "linode"
    "litellm"
    "minimax"
    "moonshot"
    "namecheap"
    "neuralwatt"
    "newapi_token"
    "newapi_user"
    "northflank"
    "novita"
    "ollama"
    "oneapi_billing"
    "openai_costs"
    "openai_credit_grants"
    "openrouter"
    "plivo"
    "poe"
    "runpod"
    "scraperapi"
    "searchapi"
    "serpapi"
    "serper"
    "siliconflow"
    "stability"
    "stepfun"
    "stripe"
    "sub2api"
    "tavily"
    "telnyx"
    "tencent"
    "tikhub"
    "twilio"
    "twitterapi"
    "twocaptcha"
    "uniapi"
    "vast"
    "venice"
    "volcengine"
    "vonage"
    "vultr"
    "wavespeed"
    "wpengine_ai"
    "wxrank"
    "xai"
    "zai"
    "zenmux"
}

/// Providers whose name has no file: `http_json` is made of the account's own parameters, `manual` asks nobody.
const WITHOUT_FILE: [&str; 2] = [http_json::NAME, crate::manual::NAME];

/// The providers there are, by name.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    providers: BTreeMap<String, Arc<Provider>>,
    origins: BTreeMap<String, String>,
}

impl Catalog {
    /// Those that are compiled in. All of them are read in the tests, so a fault here is one of the build.
    pub fn built_in() -> Result<Self, ProviderFault> {
        let mut catalog = Self::default();
        for (file, text) in BUILT_IN {
            catalog.add(Provider::parse(file, text)?);
        }
        Ok(catalog)
    }

    /// Adds every `*.yaml` of a directory; one with the name of a built-in provider takes its place. What cannot be used
    /// is left out and told of.
    pub fn add_directory(&mut self, directory: &Path) -> Vec<ProviderFault> {
        let fault = |file: &Path, fault: String| ProviderFault { file: file.display().to_string(), fault };
        let entries = match std::fs::read_dir(directory) {
            Ok(entries) => entries,
            Err(error) => return vec![fault(directory, format!(" cannot be read: {error}"))],
        };
        let mut files: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        files.retain(|file| file.extension().is_some_and(|end| end == "yaml" || end == "yml"));
        files.sort();
        let mut faults = Vec::new();
        for file in files {
            let read =
                std::fs::read_to_string(&file).map_err(|error| fault(&file, format!(" cannot be read: {error}")));
            match read.and_then(|text| Provider::parse(&file.display().to_string(), &text)) {
                Ok(provider) if WITHOUT_FILE.contains(&provider.name.as_str()) => {
                    faults.push(fault(
                        &file,
                        format!(" name: `{}` has a meaning of its own: take another", provider.name),
                    ));
                }
                Ok(provider) => self.add(provider),
                Err(found) => faults.push(found),
            }
        }
        faults
    }

    fn add(&mut self, provider: Provider) {
        self.providers.insert(provider.name.clone(), Arc::new(provider));
    }

    /// Asks providers (by name) elsewhere: scheme, host and port, and if need be the beginning of a path.
    pub fn at_origins(mut self, origins: BTreeMap<String, String>) -> Self {
        self.origins = origins;
        self
    }

    /// An account's parameters, with where its provider is if that is not where its file says.
    pub fn located(&self, name: &str, params: &Params) -> Params {
        let mut params = params.clone();
        if let Some(origin) = self.origins.get(name) {
            params.entry("origin".to_owned()).or_insert_with(|| origin.clone());
        }
        params
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Provider>> {
        self.providers.values()
    }

    /// The provider of an account; `http_json` is made of the account's parameters. `Unknown` names the nearest.
    pub fn get(&self, name: &str, params: &Params) -> Result<Arc<Provider>, SetupFault> {
        if name == http_json::NAME {
            return http_json::provider(params).map(Arc::new);
        }
        self.providers.get(name).cloned().ok_or_else(|| {
            let known = self.providers.keys().map(String::as_str).chain(WITHOUT_FILE);
            let nearest = known.max_by(|a, b| strsim::jaro_winkler(a, name).total_cmp(&strsim::jaro_winkler(b, name)));
            let nearest = nearest.map_or_else(String::new, |nearest| format!("; the nearest is `{nearest}`"));
            SetupFault::Unknown(format!("there is no provider `{name}`{nearest}"))
        })
    }
}
