//! How far something is: a bar on a terminal, a line at each quarter elsewhere.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal, Write};

/// Something that takes a while, of a known length; tells on stderr.
#[derive(Debug)]
pub struct Progress {
    what: &'static str,
    bar: Option<ProgressBar>,
    /// Whether the quarters are told where there is no terminal.
    lines: bool,
    total: u64,
    told: u64,
}

impl Progress {
    /// Begins; elsewhere than on a terminal it stays silent.
    pub fn quiet(what: &'static str, total: u64) -> Self {
        Self { lines: false, ..Self::new(what, total) }
    }

    /// Begins.
    pub fn new(what: &'static str, total: u64) -> Self {
        let bar = io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("{prefix} [{bar:30}] {percent:>3} %  {msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
            bar.set_prefix(what);
            bar
        });
        Self { what, bar, lines: true, total: total.max(1), told: 0 }
    }

    /// `done` of the total is done; `detail` is what else there is to say.
    pub fn at(&mut self, done: u64, detail: impl FnOnce() -> String) {
        if let Some(bar) = &self.bar {
            bar.set_position(done);
            bar.set_message(detail());
            return;
        }
        let quarter = done.min(self.total) * 4 / self.total;
        if self.lines && quarter > self.told {
            self.told = quarter;
            let _ = writeln!(io::stderr(), "{} {} % {}", self.what, quarter * 25, detail());
        }
    }

    /// Ends; the bar goes away.
    pub fn done(self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
