//! A disk of its own that can be made full.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A disk in memory, mounted; it needs the right to mount.
#[derive(Debug)]
pub struct Disk {
    folder: TempDir,
    size: u64,
}

impl Disk {
    /// Mounts an empty one of so many bytes; `None` where that is not allowed.
    pub fn mount(size: u64) -> Option<Self> {
        let folder = tempfile::tempdir().ok()?;
        let options = format!("size={size}");
        run(&["mount", "-t", "tmpfs", "-o", &options, "tmpfs", folder.path().to_str()?])
            .then_some(Self { folder, size })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// No byte more fits on it. Answers whether that worked.
    pub fn fill(&self) -> bool {
        // A disk cannot be made smaller than what is on it: the least that can be had is found by trying.
        let mut size = used(&self.path().to_path_buf());
        (0..64).any(|_| {
            size += 256 * 1024;
            self.resize(size)
        })
    }

    /// It is as large as it was.
    pub fn free(&self) -> bool {
        self.resize(self.size)
    }

    fn resize(&self, size: u64) -> bool {
        let options = format!("remount,size={size}");
        self.path().to_str().is_some_and(|path| run(&["mount", "-o", &options, path]))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if let Some(path) = self.path().to_str() {
            // Lazily: a process that is just ending may still have a file open.
            run(&["umount", "-l", path]);
        }
    }
}

fn run(words: &[&str]) -> bool {
    let mut command = Command::new(words[0]);
    let quiet = command.args(&words[1..]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// Bytes of all files below.
fn used(folder: &PathBuf) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(about) if about.is_dir() => used(&entry.path()),
            Ok(about) => std::os::unix::fs::MetadataExt::blocks(&about) * 512,
            Err(_) => 0,
        })
        .sum()
}
