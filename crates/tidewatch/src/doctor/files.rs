//! Directory, disk, admin key.

use super::Check;
use settings::AuthSettings;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Less free space than this is too little for a database that grows.
const LEAST_FREE: u64 = 512 << 20;

pub(super) fn data_dir(dir: &Path) -> Check {
    const NAME: &str = "data directory";
    let shown = dir.display();
    let Ok(found) = fs::metadata(dir) else {
        return match nearest(dir) {
            Some(parent) if writable(parent) => Check::note(NAME, format!("{shown} is not there yet; serve makes it")),
            _ => Check::bad(NAME, format!("{shown} is not there and cannot be made"), "name another --data-dir"),
        };
    };
    if !found.is_dir() {
        return Check::bad(NAME, format!("{shown} is not a directory"), "name another --data-dir");
    }
    if !writable(dir) {
        let mend = "give the directory to the user that runs tidewatch (chown)";
        return Check::bad(NAME, format!("{shown} cannot be written to"), mend);
    }
    match found.permissions().mode() & 0o777 {
        mode if mode & 0o077 != 0 => {
            let mend = "chmod 700: others can read the database";
            Check::bad(NAME, format!("{shown} is open to others ({mode:03o})"), mend)
        }
        _ => Check::ok(NAME, shown.to_string()),
    }
}

/// The directory itself, or the first one above it that is there.
fn nearest(dir: &Path) -> Option<&Path> {
    let above = dir.ancestors().map(|path| if path.as_os_str().is_empty() { Path::new(".") } else { path });
    above.into_iter().find(|path| path.is_dir())
}

fn writable(dir: &Path) -> bool {
    // The file has no name, so nothing is left behind.
    tempfile::tempfile_in(dir).is_ok()
}

pub(super) fn disk(dir: &Path) -> Option<Check> {
    const NAME: &str = "disk";
    let stat = rustix::fs::statvfs(nearest(dir)?).ok()?;
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    let detail = format!("{:.1} GiB free", free as f64 / (1u64 << 30) as f64);
    Some(if free < LEAST_FREE {
        Check::bad(NAME, detail, "make room: at least 0.5 GiB; market.retention decides how much is kept")
    } else {
        Check::ok(NAME, detail)
    })
}

pub(super) fn admin_key(auth: &AuthSettings, dir: &Path) -> Check {
    const NAME: &str = "admin key";
    let configured = auth.admin_key.reveal();
    if !configured.is_empty() {
        return if configured.len() < 16 {
            Check::bad(NAME, "configured, shorter than 16 characters", "choose a longer auth.admin_key")
        } else {
            Check::ok(NAME, "configured")
        };
    }
    let file = dir.join("admin-key");
    match fs::metadata(&file) {
        Err(_) => Check::note(NAME, "none yet; the first start makes one and prints it"),
        Ok(found) => match found.permissions().mode() & 0o777 {
            0o600 | 0o400 => Check::ok(NAME, format!("{} (its hash)", file.display())),
            mode => Check::bad(NAME, format!("{} has mode {mode:03o}", file.display()), "chmod 600"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;

    #[test]
    fn a_directory_open_to_others_is_a_finding() {
        let dir = tempfile::tempdir().unwrap();
        let state = |mode| {
            fs::set_permissions(dir.path(), fs::Permissions::from_mode(mode)).unwrap();
            data_dir(dir.path()).state
        };
        assert_eq!([state(0o700), state(0o750)], [State::Ok, State::Bad]);
        assert_eq!(data_dir(&dir.path().join("a/b")).state, State::Note);
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        assert_eq!(data_dir(&file).state, State::Bad);
    }

    #[test]
    fn an_admin_key_is_for_its_owner_only() {
        let dir = tempfile::tempdir().unwrap();
        let auth = AuthSettings::default();
        assert_eq!(admin_key(&auth, dir.path()).state, State::Note);
        let file = dir.path().join("admin-key");
        fs::write(&file, "").unwrap();
        for (mode, state) in [(0o600, State::Ok), (0o644, State::Bad)] {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(admin_key(&auth, dir.path()).state, state);
        }
    }
}
