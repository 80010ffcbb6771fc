//! `tidewatch completions SHELL`.

use crate::cli::{Cli, Outcome};
use clap::{Args, CommandFactory};
use clap_complete::Shell;
use std::io::Write;

/// What `completions` takes.
#[derive(Args, Debug)]
pub struct Completions {
    /// The shell.
    shell: Shell,
}

impl Completions {
    /// Prints the script that the shell sources.
    pub fn run(&self, out: &mut dyn Write) -> anyhow::Result<Outcome> {
        // clap_complete panics when it cannot write, as into a closed pipe: it writes into memory instead.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "tidewatch", &mut script);
        out.write_all(&script)?;
        Ok(Outcome::Good)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_gets_a_script() {
        for shell in [Shell::Bash, Shell::Elvish, Shell::Fish, Shell::PowerShell, Shell::Zsh] {
            let mut out = Vec::new();
            assert_eq!(Completions { shell }.run(&mut out).unwrap(), Outcome::Good);
            assert!(String::from_utf8(out).unwrap().contains("tidewatch"), "{shell}");
        }
    }
}
