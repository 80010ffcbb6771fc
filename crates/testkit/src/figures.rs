//! Measured figures, printed as a table and kept as `target/figures/<name>.json`, to be followed from change to change.

use serde::Serialize;
use std::path::{Path, PathBuf};

/// One measured number.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    /// What was measured.
    pub name: String,
    /// The number.
    pub value: f64,
    /// Its unit.
    pub unit: &'static str,
    /// What it is compared with, in words and number.
    pub compared_with: String,
    /// The command that measures it.
    pub command: &'static str,
}

/// A table of figures.
#[derive(Debug)]
pub struct Figures {
    name: &'static str,
    command: &'static str,
    rows: Vec<Figure>,
}

impl Figures {
    /// An empty table.
    pub const fn new(name: &'static str, command: &'static str) -> Self {
        Self { name, command, rows: Vec::new() }
    }

    /// Adds a row and prints it.
    pub fn add(&mut self, name: &str, value: f64, unit: &'static str, compared_with: &str) {
        println!("{name:<58} {value:>14.3} {unit:<10} {compared_with}");
        self.rows.push(Figure {
            name: name.to_owned(),
            value,
            unit,
            compared_with: compared_with.to_owned(),
            command: self.command,
        });
    }

    /// Writes the file; the folder is `TIDEWATCH_FIGURES` or `target/figures`.
    pub fn save(&self) -> std::io::Result<PathBuf> {
        let folder = std::env::var("TIDEWATCH_FIGURES").unwrap_or_else(|_| "target/figures".to_owned());
        std::fs::create_dir_all(&folder)?;
        let path = Path::new(&folder).join(format!("{}.json", self.name));
        std::fs::write(&path, serde_json::to_vec_pretty(&self.rows)?)?;
        Ok(path)
    }
}
