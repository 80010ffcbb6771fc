//! The thin reader: gathers [`Sources`] from the file system and the environment of this process.

use super::{Environment, Flag, Origin, Problem, Problems, SourceFile, Sources};
use std::path::{Path, PathBuf};
use std::{fs, io};

/// Files looked for when none is named.
const PLACES: [&str; 2] = ["tidewatch.yaml", "/etc/tidewatch/tidewatch.yaml"];

/// Variables that name the file, the first before the second.
const VARIABLES: [&str; 2] = ["TIDEWATCH_CONFIG", "CONFIG_PATH"];

impl Sources {
    /// The sources of this process: `config` (the `--config` flag), else `TIDEWATCH_CONFIG`, else `CONFIG_PATH`, else
    /// the first of `./tidewatch.yaml` and `/etc/tidewatch/tidewatch.yaml` that is there, else no file.
    ///
    /// Fails when a file that is named, or one that is there, cannot be read.
    pub fn of_process(config: Option<&Path>, flags: Vec<Flag>) -> Result<Self, Problems> {
        // A variable that is not Unicode is nobody's setting.
        let environment = std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)));
        Self::gather(config, environment.collect(), flags)
    }

    /// The file or directory that [`Sources::of_process`] would read, if there is one.
    pub fn place(config: Option<&Path>) -> Option<PathBuf> {
        let variable = |name: &str| std::env::var_os(name).filter(|path| !path.is_empty()).map(PathBuf::from);
        let named = config.map(Path::to_owned).or_else(|| VARIABLES.into_iter().find_map(variable));
        named.or_else(|| PLACES.map(PathBuf::from).into_iter().find(|path| path.exists()))
    }

    /// The same for a given environment.
    pub fn gather(config: Option<&Path>, environment: Environment, flags: Vec<Flag>) -> Result<Self, Problems> {
        let named = match config {
            Some(path) => Some((path.to_owned(), Origin::Flag("--config".into()))),
            None => VARIABLES.into_iter().find_map(|name| {
                let path = environment.get(name).filter(|path| !path.is_empty())?;
                Some((PathBuf::from(path), Origin::Variable(name.into())))
            }),
        };
        let files = match named {
            Some((path, origin)) => read(&path).map_err(|(path, error)| unreadable(&path, origin, &error))?,
            None => {
                let there = PLACES.map(Path::new).into_iter().find(|path| path.exists());
                let whole = |path: &Path| Origin::Whole(path.display().to_string());
                let files = there.map(|path| read(path).map_err(|(p, error)| unreadable(&p, whole(path), &error)));
                files.transpose()?.unwrap_or_default()
            }
        };
        Ok(Self { files, environment, flags, read: Box::new(|path| fs::read_to_string(path)) })
    }
}

fn unreadable(path: &Path, origin: Origin, error: &io::Error) -> Problems {
    Problems(vec![Problem::new(origin, "", format!("{} cannot be read: {error}", path.display()))])
}

/// One file, or the files of a directory by name; hidden ones, as Kubernetes keeps beside a mount, are not read.
fn read(path: &Path) -> Result<Vec<SourceFile>, (PathBuf, io::Error)> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |error| (path, error)
    };
    let paths = if path.is_dir() { entries(path).map_err(at(path))? } else { vec![path.to_owned()] };
    let file = |path: PathBuf| {
        let text = fs::read_to_string(&path).map_err(at(&path))?;
        Ok(SourceFile { name: path.display().to_string(), text })
    };
    paths.into_iter().map(file).collect()
}

fn entries(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let paths = fs::read_dir(directory)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    let is_config = |path: &PathBuf| {
        let extension = path.extension().and_then(|extension| extension.to_str());
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        !hidden && matches!(extension, Some("yaml" | "yml" | "json")) && path.is_file()
    };
    let mut paths: Vec<PathBuf> = paths.into_iter().filter(is_config).collect();
    paths.sort();
    if paths.is_empty() { Err(io::Error::other("no *.yaml, *.yml or *.json in it")) } else { Ok(paths) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(config: Option<&Path>, environment: &[(&str, &Path)]) -> Result<Vec<String>, String> {
        let environment = environment.iter().map(|(k, v)| ((*k).into(), v.display().to_string())).collect();
        let name = |file: SourceFile| file.name.rsplit('/').next().map(str::to_owned).unwrap_or_default();
        let sources = Sources::gather(config, environment, Vec::new()).map_err(|problems| problems.to_string())?;
        Ok(sources.files.into_iter().map(name).collect())
    }

    #[test]
    fn the_first_that_is_named_is_read_and_a_directory_by_name() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        for name in ["b.yml", "a.yaml", "c.json", ".hidden.yaml", "note.txt"] {
            fs::write(path(name), "").unwrap();
        }
        let (own, legacy) = (("TIDEWATCH_CONFIG", path("b.yml")), ("CONFIG_PATH", path("c.json")));
        let both = [(own.0, own.1.as_path()), (legacy.0, legacy.1.as_path())];
        assert_eq!(names(Some(&path("a.yaml")), &both).unwrap(), ["a.yaml"]);
        assert_eq!(names(None, &both).unwrap(), ["b.yml"]);
        assert_eq!(names(None, &both[1..]).unwrap(), ["c.json"]);
        assert_eq!(names(Some(directory.path()), &[]).unwrap(), ["a.yaml", "b.yml", "c.json"]);
        let missing = names(None, &[("TIDEWATCH_CONFIG", &path("none.yaml"))]).unwrap_err();
        assert!(missing.starts_with("TIDEWATCH_CONFIG: ") && missing.contains("cannot be read"), "{missing}");
    }
}
