//! The frame of the command line: reads it, runs one command, turns the outcome into an exit code.

use crate::commands::Command;
use clap::{Args, Parser};
use settings::{Flag, Loaded, Problems, Sources};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

/// Watches how goods move on Mercari Japan, and what API accounts have left.
#[derive(Debug, Parser)]
#[command(name = "tidewatch", version, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// How a command ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All is well: exit code 0.
    Good,
    /// It ran and found something the caller should look at: exit code 1.
    Finding,
}

/// What every command that needs the configuration takes.
#[derive(Args, Clone, Debug, Default)]
pub struct Common {
    /// Configuration file, or a directory of them.
    ///
    /// Without it: TIDEWATCH_CONFIG, ./tidewatch.yaml, /etc/tidewatch/tidewatch.yaml.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Address and port to listen on [server.listen].
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: Option<SocketAddr>,
    /// Directory of the database file and the keys [server.data_dir].
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

impl Common {
    /// The texts the configuration is made of, or why one of them cannot be read.
    pub fn sources(&self) -> Result<Sources, Problems> {
        self.sources_with(Vec::new())
    }

    /// The same with further flags of a command that set a key.
    pub fn sources_with(&self, more: Vec<Flag>) -> Result<Sources, Problems> {
        let listen = self.listen.map(|listen| ("--listen", "server.listen", listen.to_string()));
        let data_dir = self.data_dir.as_ref().map(|dir| ("--data-dir", "server.data_dir", dir.display().to_string()));
        let flags = [listen, data_dir].into_iter().flatten().map(|(name, key, value)| Flag { name, key, value });
        Sources::of_process(self.config.as_deref(), flags.chain(more).collect())
    }

    /// The configuration, or everything that is wrong with it.
    pub fn load(&self) -> Result<Loaded, Problems> {
        self.load_with(Vec::new())
    }

    /// The same with further flags of a command that set a key.
    pub fn load_with(&self, more: Vec<Flag>) -> Result<Loaded, Problems> {
        Ok(settings::load(&self.sources_with(more)?)?)
    }
}

/// Runs the command line of this process: 0 good, 1 a finding, 2 wrong usage or a failure.
pub async fn main() -> ExitCode {
    keep_no_memory();
    let cli = Cli::parse();
    match cli.command.run(&mut io::stdout()).await {
        Ok(Outcome::Good) => ExitCode::SUCCESS,
        Ok(Outcome::Finding) => ExitCode::from(1),
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // stderr may be closed too, and then nobody is left to tell.
            let _ = writeln!(io::stderr(), "{error:#}");
            ExitCode::from(2)
        }
    }
}

/// A core dump would keep the secrets of this process on a disk.
fn keep_no_memory() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    // Where it may not be lowered, the system has its own rules for dumps.
    let _ = setrlimit(Resource::Core, none);
}

/// `tidewatch … | head` is no failure.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.downcast_ref().is_some_and(|e: &io::Error| e.kind() == io::ErrorKind::BrokenPipe))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
