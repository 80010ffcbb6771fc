//! Makes a table of the files of `web/dist`, packed as the web build left them. Without them the program has the plain
//! pages only.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let dist = Path::new(&env::var("CARGO_MANIFEST_DIR").unwrap_or_default()).join("../../web/dist");
    println!("cargo:rerun-if-changed={}", dist.display());
    println!("cargo:rerun-if-changed=build.rs");
    let mut files = Vec::new();
    if dist.join("index.html").exists() {
        collect(&dist, &mut files)?;
    }
    files.sort();
    let mut table = String::from("static FILES: &[File] = &[\n");
    // Copies: a web build that runs meanwhile must not take a file away from the compiler.
    let out = PathBuf::from(env::var("OUT_DIR").unwrap_or_default());
    for (n, file) in files.iter().enumerate() {
        let Ok(bytes) = fs::read(file) else { continue };
        let name = file.strip_prefix(&dist).unwrap_or(file).to_string_lossy().replace('\\', "/");
        let copy = |end: &str| -> io::Result<String> {
            match fs::read(format!("{}{end}", file.display())) {
                Ok(packed) => {
                    let path = out.join(format!("{n}{end}"));
                    fs::write(&path, packed)?;
                    Ok(format!("Some(include_bytes!({:?}))", path.display()))
                }
                Err(_) => Ok("None".to_owned()),
            }
        };
        let (br, gz) = (copy(".br")?, copy(".gz")?);
        let path = out.join(format!("{n}.plain"));
        fs::write(&path, &bytes)?;
        let (path, tag) = (path.display().to_string(), fnv(&bytes));
        // Writing to a text does not fail.
        let _ = writeln!(
            table,
            "    File {{ name: {name:?}, tag: \"\\\"{tag:016x}\\\"\", plain: include_bytes!({path:?}), br: {br}, gz: {gz} }},"
        );
    }
    table.push_str("];\n");
    fs::write(out.join("files.rs"), table)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            collect(&path, files)?;
        } else if !name.ends_with(".br") && !name.ends_with(".gz") {
            files.push(path);
        }
    }
    Ok(())
}

/// FNV-1a, 64 bit: tells one build's file from another's.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, b| (hash ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3))
}
