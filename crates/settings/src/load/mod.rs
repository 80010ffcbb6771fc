//! From texts to [`Settings`]: file < names of the replaced systems < `TIDEWATCH_` variables < flags.
//! [`load`] is pure: a reload is the same call with new [`Sources`], and a refused one leaves nothing behind.

#[cfg(test)]
mod channel_tests;
mod cross;
mod database;
mod draft;
mod environment;
mod files;
mod interpolate;
mod leaf;
mod legacy;
mod log_in;
#[cfg(test)]
mod log_in_tests;
mod problem;
mod process;
#[cfg(test)]
mod tests;
mod walk;
mod webhook;
mod yaml;

pub use problem::{Notice, Origin, Problem, Problems};

use crate::Settings;
use draft::Draft;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

/// Names and values of environment variables.
pub type Environment = BTreeMap<String, String>;

/// Reads a file that a value points to.
type Reader = Box<dyn Fn(&Path) -> io::Result<String> + Send + Sync>;

/// Everything a configuration is made of.
pub struct Sources {
    /// The configuration file, or the files of the directory, in order.
    pub files: Vec<SourceFile>,
    /// The environment.
    pub environment: Environment,
    /// Flags of the command line that set a key.
    pub flags: Vec<Flag>,
    /// Reads the files that `*_FILE` and `admin_key_file` name.
    pub read: Reader,
}

impl Default for Sources {
    fn default() -> Self {
        let read: Reader = Box::new(|_| Err(io::ErrorKind::NotFound.into()));
        Self { files: Vec::new(), environment: Environment::new(), flags: Vec::new(), read }
    }
}

/// One file of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// How problems name it.
    pub name: String,
    /// What it holds.
    pub text: String,
}

/// A flag that sets a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    /// The flag as it is typed, such as `--listen`.
    pub name: &'static str,
    /// The dotted key it sets.
    pub key: &'static str,
    /// Its value.
    pub value: String,
}

/// A configuration that holds.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// Where every dotted key comes from.
    pub provenance: BTreeMap<String, Origin>,
    /// What was understood and changes nothing.
    pub notices: Vec<Notice>,
}

/// Makes the settings of their sources, or says everything that is wrong with them at once.
pub fn load(sources: &Sources) -> Result<Loaded, Vec<Problem>> {
    let mut draft = Draft::default();
    files::apply(&mut draft, sources);
    legacy::apply(&mut draft, sources);
    environment::apply(&mut draft, sources);
    environment::apply_flags(&mut draft, sources);
    draft.finish()
}
