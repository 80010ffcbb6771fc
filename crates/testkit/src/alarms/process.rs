//! A process of the run. It dies with its parent: its standard input ends then.

use super::{Failure, Kill, Scene};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Instant;
use tokio::process::{Child, Command};

/// A living process and what it is started with.
#[derive(Debug)]
pub(crate) struct Process {
    program: PathBuf,
    scene: Scene,
    child: Child,
}

impl Process {
    pub(crate) fn start(program: PathBuf, scene: Scene) -> Result<Self, Failure> {
        let child = spawn(&program, &scene)?;
        Ok(Self { program, scene, child })
    }

    /// Fails when it has ended by itself.
    pub(crate) fn check(&mut self) -> Result<(), Failure> {
        match self.child.try_wait()? {
            Some(status) => Err(format!("a process ended with {status} by itself").into()),
            None => Ok(()),
        }
    }

    /// SIGKILL.
    pub(crate) async fn kill(&mut self) -> Result<Kill, Failure> {
        self.check()?;
        let from = Instant::now();
        self.child.kill().await?;
        Ok(Kill { from, to: Instant::now() })
    }

    /// Starts it again as it was.
    pub(crate) fn again(&mut self) -> Result<(), Failure> {
        self.child = spawn(&self.program, &self.scene)?;
        Ok(())
    }
}

fn spawn(program: &PathBuf, scene: &Scene) -> Result<Child, Failure> {
    let mut command = Command::new(program);
    command.arg("--child").arg(serde_json::to_string(scene)?);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).kill_on_drop(true);
    Ok(command.spawn()?)
}
