//! `tidewatch providers`: whom accounts can be kept at.

use crate::app::accounts::providers;
use crate::cli::{Common, Outcome};
use crate::terminal::{Align, Table, fit};
use clap::Args;
use std::io::Write;

/// What `providers` takes.
#[derive(Args, Debug)]
pub struct Providers {
    #[command(flatten)]
    common: Common,
}

impl Providers {
    /// Runs it; data goes to `out`.
    pub fn run(&self, out: &mut dyn Write) -> anyhow::Result<Outcome> {
        let catalog = providers(&self.common.load()?.settings.accounts)?;
        let mut table = Table::new([
            ("provider", Align::Left),
            ("title", Align::Left),
            ("gives", Align::Left),
            ("secret", Align::Left),
            ("params", Align::Left),
        ]);
        for p in catalog.iter() {
            let secret = if p.secret.is_empty() { "secret".to_owned() } else { p.secret.join(":") };
            let params: Vec<String> = p
                .params
                .iter()
                .map(|(name, param)| if param.required { format!("{name}!") } else { name.clone() })
                .collect();
            table.row([
                p.name.clone(),
                fit(&p.title, 36),
                p.kind.as_str().to_owned(),
                secret,
                fit(&params.join(" "), 48),
            ]);
        }
        write!(out, "{table}")?;
        writeln!(out, "and http_json (any JSON address), manual (a balance you state); ! must be set")?;
        Ok(Outcome::Good)
    }
}
