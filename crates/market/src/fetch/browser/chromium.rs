//! The Chromium process: finding it, starting it apart from everything else of the user's, ending all of it.

use chromiumoxide::cdp::browser_protocol::browser::CloseParams;
use chromiumoxide::error::CdpError;
use chromiumoxide::handler::HandlerConfig;
use futures::StreamExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Programs that speak the protocol, in the order they are looked for.
const NAMES: [&str; 6] =
    ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome", "chrome-headless-shell"];
/// Where they are, apart from `PATH`.
const PLACES: [&str; 5] = ["/usr/bin", "/usr/local/bin", "/snap/bin", "/opt/google/chrome", "/usr/lib/chromium"];

/// Ends the browser with all its processes and removes its profile as soon as the pipe to it closes: also when this
/// process is killed. $1 is the profile, the rest is the browser's command. Its helpers live a moment longer than itself and
/// may write into the profile that is being removed, so it is looked at again.
const KEEPER: &str = r#"profile=$1; shift; "$@" </dev/null & browser=$!
exec 2>/dev/null; read -r _; trap '' TERM; kill -KILL $browser; kill -TERM 0; wait $browser
for _ in 1 2 3 4 5 6 7 8 9 10; do rm -rf -- "$profile"; sleep 0.05; [ -e "$profile" ] || break; done; kill -KILL 0"#;

/// Nothing but the page's own traffic, no sound, no questions, no telemetry.
const ARGUMENTS: [&str; 24] = [
    "--headless=new",
    "--remote-debugging-port=0",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-component-extensions-with-background-pages",
    "--disable-sync",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-breakpad",
    "--disable-crash-reporter",
    "--disable-domain-reliability",
    "--disable-client-side-phishing-detection",
    "--disable-field-trial-config",
    "--disable-features=OptimizationHints,MediaRouter,Translate,AutofillServerCommunication,InterestFeedContentSuggestions",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--mute-audio",
    "--metrics-recording-only",
    "--lang=ja-JP",
];

/// There is no browser to use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoChromium {
    /// The one that is configured is no program.
    #[error(
        "{0} is no program: correct market.browser.chrome_bin (CHROME_BIN), or empty it to look in the usual places"
    )]
    Configured(PathBuf),
    /// None was found.
    #[error(
        "no Chromium on this machine: install one (Debian: apt install chromium) or name it in market.browser.chrome_bin (CHROME_BIN)"
    )]
    Nowhere,
}

/// The configured program, or the first Chromium in `path` (as in `PATH`) and the usual places.
pub fn find(configured: &Path, path: Option<&std::ffi::OsStr>) -> Result<PathBuf, NoChromium> {
    if !configured.as_os_str().is_empty() {
        let known = is_program(configured).then(|| configured.to_owned());
        return known.ok_or_else(|| NoChromium::Configured(configured.to_owned()));
    }
    let dirs: Vec<PathBuf> = path.into_iter().flat_map(std::env::split_paths).collect();
    let all = || dirs.iter().cloned().chain(PLACES.iter().map(PathBuf::from));
    let named = NAMES.iter().flat_map(|name| all().map(move |dir| dir.join(name)));
    named.into_iter().find(|file| is_program(file)).ok_or(NoChromium::Nowhere)
}

#[cfg(unix)]
fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(file).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(file: &Path) -> bool {
    file.is_file()
}

/// What the program says it is, such as `Chromium 140.0.7339.185`; the error says why it does not.
pub async fn version(program: &Path) -> Result<String, String> {
    let asked = Command::new(program).arg("--version").stdin(Stdio::null()).kill_on_drop(true).output();
    let done = tokio::time::timeout(Duration::from_secs(20), asked).await.map_err(|_| "did not answer within 20 s")?;
    let done = done.map_err(|e| e.to_string())?;
    let text = String::from_utf8_lossy(&done.stdout).trim().to_owned();
    if done.status.success() && !text.is_empty() { Ok(text) } else { Err(format!("ended with {}", done.status)) }
}

/// How to start one.
pub(super) struct Launch<'a> {
    pub(super) program: &'a Path,
    pub(super) proxy: Option<&'a str>,
    pub(super) arguments: &'a [String],
    pub(super) patience: Duration,
}

/// A running browser. Dropping it ends every process of it.
pub(super) struct Running {
    pub(super) browser: chromiumoxide::Browser,
    /// As of a browser that is seen.
    pub(super) user_agent: String,
    /// Set when it does not answer any more.
    pub(super) gone: CancellationToken,
    events: JoinHandle<()>,
    opened: AtomicU32,
    retired: AtomicBool,
    keeper: Mutex<Option<Keeper>>,
    group: u32,
}

/// The shell that ends the browser when `_pipe` closes.
struct Keeper {
    _pipe: ChildStdin,
    shell: Child,
}

impl Running {
    /// Takes the right to open one more page in it; false when it is to be replaced.
    pub(super) fn take_page(&self, most: u32) -> bool {
        let usable = !self.retired.load(Ordering::SeqCst) && !self.gone.is_cancelled();
        usable && self.opened.fetch_add(1, Ordering::SeqCst) < most.max(1)
    }

    /// No further page is opened in it; the last one to leave ends it.
    pub(super) fn retire(&self) {
        self.retired.store(true, Ordering::SeqCst);
    }

    pub(super) const fn group(&self) -> u32 {
        self.group
    }

    /// Asks it to end, then ends it; returns when its processes are gone.
    pub(super) async fn close(&self) {
        self.retire();
        let asked = self.browser.execute(CloseParams::default());
        if tokio::time::timeout(Duration::from_secs(2), asked).await.is_err() {
            tracing::debug!("the browser did not end when asked");
        }
        let keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Keeper { _pipe, mut shell }) = keeper else { return };
        drop(_pipe);
        if tokio::time::timeout(Duration::from_secs(5), shell.wait()).await.is_err() {
            tracing::warn!(group = self.group, "the browser's processes did not end within 5 s");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The pipe closes with the keeper; the shell behind it does the rest.
        self.events.abort();
    }
}

/// Starts a browser with a profile of its own and waits until it can be spoken to. The error says why it cannot.
pub(super) async fn launch(launch: &Launch<'_>) -> Result<Running, String> {
    let profile = std::env::temp_dir().join(format!("tidewatch-browser-{}", uuid::Uuid::new_v4().simple()));
    make_private(&profile).map_err(|e| format!("its profile {}: {e}", profile.display()))?;
    let mut command = command(launch, &profile);
    let mut shell = command.spawn().map_err(|e| format!("/bin/sh, which keeps it: {e}"))?;
    let group = shell.id().unwrap_or_default();
    let (Some(pipe), Some(stderr)) = (shell.stdin.take(), shell.stderr.take()) else {
        return Err("its pipes could not be made".into());
    };
    let keeper = Keeper { _pipe: pipe, shell };
    let mut lines = BufReader::new(stderr).lines();
    let mut said = Vec::new();
    let address = tokio::time::timeout(launch.patience, async {
        while let Ok(Some(line)) = lines.next_line().await {
            if let Some(address) = line.trim().strip_prefix("DevTools listening on ") {
                return Some(address.to_owned());
            }
            said.push(line);
        }
        None
    });
    let address = address.await.ok().flatten();
    let Some(address) = address else {
        let last: String = said.iter().rev().find(|l| !l.trim().is_empty()).cloned().unwrap_or_default();
        return Err(format!(
            "{} did not start: {}",
            launch.program.display(),
            last.chars().take(200).collect::<String>()
        ));
    };
    // Read to the end: a full pipe would stop the browser.
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            tracing::trace!(line, "browser");
        }
    });
    connect(&address, keeper, group, launch.patience).await
}

fn command(launch: &Launch<'_>, profile: &Path) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", KEEPER, "tidewatch-browser"]).arg(profile).arg(launch.program).args(ARGUMENTS);
    command.arg(format!("--user-data-dir={}", profile.display()));
    if is_root() {
        command.arg("--no-sandbox");
    }
    if let Some(proxy) = launch.proxy {
        command.arg(format!("--proxy-server={proxy}"));
    }
    command.args(launch.arguments).arg("about:blank");
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    #[cfg(unix)]
    command.process_group(0);
    command
}

async fn connect(address: &str, keeper: Keeper, group: u32, patience: Duration) -> Result<Running, String> {
    let config = HandlerConfig { ignore_https_errors: false, request_timeout: patience, ..HandlerConfig::default() };
    let connecting = chromiumoxide::Browser::connect_with_config(address, config);
    let connected = tokio::time::timeout(patience, connecting).await.map_err(|_| "it did not answer")?;
    let (browser, mut handler) = connected.map_err(|e| e.to_string())?;
    let gone = CancellationToken::new();
    let ended = gone.clone().drop_guard();
    // Before the first command: without it no answer is ever read.
    let events = tokio::spawn(async move {
        let _ended = ended;
        while let Some(event) = handler.next().await {
            match event {
                Err(error @ (CdpError::Ws(_) | CdpError::Io(_))) => {
                    tracing::debug!(%error, "the browser is gone");
                    break;
                }
                // Messages of a newer Chromium than the library knows.
                Err(error) => tracing::trace!(%error, "message of the browser"),
                Ok(()) => {}
            }
        }
    });
    let asked = tokio::time::timeout(patience, browser.version()).await.map_err(|_| "it did not say its version")?;
    let user_agent = asked.map_err(|e| e.to_string())?.user_agent.replace("HeadlessChrome", "Chrome");
    let (opened, retired) = (AtomicU32::new(0), AtomicBool::new(false));
    Ok(Running { browser, user_agent, gone, events, opened, retired, keeper: Mutex::new(Some(keeper)), group })
}

#[cfg(unix)]
fn make_private(dir: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().mode(0o700).create(dir)
}

#[cfg(not(unix))]
fn make_private(dir: &Path) -> std::io::Result<()> {
    std::fs::create_dir(dir)
}

/// Chromium's sandbox refuses to work for root.
#[cfg(unix)]
fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|m| m.uid() == 0)
}

#[cfg(not(unix))]
const fn is_root() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_configured_is_used_or_refused_and_nothing_else_is_tried() {
        let missing = Path::new("/nowhere/chromium");
        let error = find(missing, None).unwrap_err();
        assert_eq!(error, NoChromium::Configured(missing.to_owned()));
        assert!(error.to_string().contains("CHROME_BIN"), "{error}");
        assert_eq!(find(Path::new("/bin/sh"), None), Ok("/bin/sh".into()));
    }
}
