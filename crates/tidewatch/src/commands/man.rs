//! `tidewatch man`.

use crate::cli::{Cli, Outcome};
use clap::{Args, CommandFactory};
use clap_mangen::Man as Page;
use std::io::Write;

/// What `man` takes.
#[derive(Args, Debug)]
pub struct Man {
    /// The command whose page it is; without one, the program's.
    command: Option<String>,
}

impl Man {
    /// Prints the page in roff: `tidewatch man | man -l -`.
    pub fn run(&self, out: &mut dyn Write) -> anyhow::Result<Outcome> {
        let mut cli = Cli::command();
        cli.build();
        let page = match &self.command {
            None => Page::new(cli),
            Some(name) => {
                let known = cli.find_subcommand(name);
                let of = known.ok_or_else(|| anyhow::anyhow!("no command {name}; `tidewatch help` lists them"))?;
                Page::new(of.clone())
            }
        };
        page.render(out)?;
        Ok(Outcome::Good)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page() {
        let names: Vec<String> = Cli::command().get_subcommands().map(|c| c.get_name().to_owned()).collect();
        assert!(names.len() > 20);
        for command in names.into_iter().map(Some).chain([None]) {
            let (mut out, man) = (Vec::new(), Man { command: command.clone() });
            assert_eq!(man.run(&mut out).unwrap(), Outcome::Good);
            let text = String::from_utf8(out).unwrap();
            assert!(text.contains(".TH tidewatch") && text.contains(".SH"), "{command:?}");
        }
        let refused = Man { command: Some("nothing".into()) }.run(&mut Vec::new()).unwrap_err();
        assert!(refused.to_string().contains("no command nothing"));
    }
}
