//! The program as it is shipped: size, start, and memory when there is nothing to do.

use crate::figure::quantile;
use crate::wire::Wire;
use crate::{Failure, Options};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use testkit::Figures;

const COMMAND: &str = "make bench";
const STARTS: usize = 7;
/// A program that does not answer by then is given up.
const PATIENCE: Duration = Duration::from_secs(30);
/// Idle means: so long after the start.
const SETTLED: Duration = Duration::from_secs(10);

/// Starts the program of `--bin` several times.
pub async fn run(options: &Options) -> Result<(), Failure> {
    let Some(program) = options.path("bin") else {
        println!("process: skipped, no --bin PATH of the tidewatch program was given");
        return Ok(());
    };
    let program = program.canonicalize().map_err(|e| format!("--bin {}: {e}", program.display()))?;
    let folder = tempfile::tempdir()?;
    let mut figures = Figures::new("process", COMMAND);
    let size = std::fs::metadata(&program)?.len();
    figures.add(
        "size of the program",
        size as f64 / 1e6,
        "MB",
        &program.file_name().unwrap_or_default().to_string_lossy(),
    );
    let first = start(&program, folder.path()).await?;
    figures.add("start to /live, new database", first.took.as_secs_f64() * 1000.0, "ms", "migrations included");
    tokio::time::sleep(SETTLED).await;
    let pid = first.child.0.id();
    figures.add("resident memory, idle", memory(pid, "VmRSS:")?, "MB", "10 s after the start, no IP watched");
    figures.add("resident memory, peak", memory(pid, "VmHWM:")?, "MB", "");
    drop(first);
    let mut spans = Vec::new();
    for _ in 0..STARTS {
        spans.push(start(&program, folder.path()).await?.took);
    }
    figures.add("start to /live, median", quantile(&mut spans, 0.5), "ms", "median of 7, database there");
    figures.save()?;
    Ok(())
}

struct Started {
    child: Running,
    took: Duration,
}

/// A child that does not outlive the measurement.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn start(program: &Path, folder: &Path) -> Result<Started, Failure> {
    let address: SocketAddr = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let said = std::fs::File::create(folder.join("stderr"))?;
    let begun = Instant::now();
    let child = Command::new(program)
        .arg("serve")
        .args(["--listen", &address.to_string()])
        .arg("--data-dir")
        .arg(folder.join("data"))
        .current_dir(folder)
        .env_remove("TIDEWATCH_CONFIG")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(said)
        .spawn()?;
    let mut child = Running(child);
    loop {
        if let Ok(mut wire) = Wire::to(address).await
            && matches!(wire.get("/live").await, Ok((200, _)))
        {
            return Ok(Started { child, took: begun.elapsed() });
        }
        if let Some(status) = child.0.try_wait()? {
            let said = std::fs::read_to_string(folder.join("stderr"))?;
            return Err(format!("{} serve ended with {status}: {said}", program.display()).into());
        }
        if begun.elapsed() > PATIENCE {
            return Err(format!("/live did not answer within {PATIENCE:?}").into());
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// A line of `/proc/<pid>/status`, in MB.
fn memory(pid: u32, line: &str) -> Result<f64, Failure> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let value = status.lines().find_map(|l| l.strip_prefix(line)).ok_or("no such line")?;
    let kilobytes: f64 = value.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kilobytes * 1024.0 / 1e6)
}
