//! Who may do what in this installation.

use anyhow::{Context, bail};
use api::{Access, AdminKey, Auth, Credential, PasswordHash, Role, Sessions, Tokens};
use model::SystemClock;
use settings::{ApiKeySettings, AuthSettings, JwtSettings, PublicPart, RoleSetting, UserSettings};
use std::io::{self, ErrorKind, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use store::Store;

/// A configured key shorter than this can be guessed.
const SHORTEST: usize = 16;
/// A configured password shorter than this can be guessed.
const SHORTEST_PASSWORD: usize = 8;
/// The file of what tokens are signed with, in the data directory.
const SIGNING: &str = "signing-secret";

/// Everybody who is configured, and the admin key.
pub fn auth(settings: &AuthSettings, data_dir: &Path, address: SocketAddr, store: Store) -> anyhow::Result<Auth> {
    let admin = admin_key(settings, data_dir, address)?;
    let secret = signing_secret(&settings.jwt, data_dir)?;
    let mut credentials = vec![Credential::key("admin", Role::Admin, admin)];
    for key in &settings.api_keys {
        credentials.push(api_key(key).with_context(|| format!("auth.api_keys: {:?}", key.name))?);
    }
    for user in &settings.users {
        credentials.push(user_of(user, secret.as_bytes()).with_context(|| format!("auth.users: {:?}", user.name))?);
    }
    let tokens = || Tokens::new(secret.as_bytes(), settings.jwt.lifetime.duration());
    Ok(Auth::with(Access {
        credentials,
        tokens: settings.jwt.enabled.then(tokens),
        sessions: Some(Sessions::new(store, settings.session.lifetime.duration())),
        public: settings.public.contains(&PublicPart::Market),
        // People live in real time, also when the market runs faster.
        clock: Arc::new(SystemClock),
    }))
}

/// Those with a configured key, and nobody else: for a process that has neither people nor a database.
pub fn keys(settings: &AuthSettings) -> anyhow::Result<Auth> {
    let configured = settings.admin_key.reveal();
    let admin = Some(configured).filter(|key| !key.trim().is_empty());
    let mut credentials: Vec<_> =
        admin.map(|key| Credential::key("admin", Role::Admin, AdminKey::of(key))).into_iter().collect();
    for key in &settings.api_keys {
        credentials.push(api_key(key).with_context(|| format!("auth.api_keys: {:?}", key.name))?);
    }
    Ok(Auth::with(Access { credentials, tokens: None, sessions: None, public: false, clock: Arc::new(SystemClock) }))
}

/// The configured key, or the one whose hash is in the data directory. When there is none yet, makes one and prints
/// it, this once, on stderr. Without a key that can be used nothing listens, least of all beyond this machine.
fn admin_key(auth: &AuthSettings, data_dir: &Path, address: SocketAddr) -> anyhow::Result<AdminKey> {
    let beyond = !address.ip().to_canonical().is_loopback();
    let configured = auth.admin_key.reveal();
    let key = if configured.trim().is_empty() {
        let (key, new) = AdminKey::load_or_create(data_dir).context("no admin key")?;
        if let Some(new) = new {
            print_once(&new.reveal());
        }
        key
    } else {
        warn_if_short("auth.admin_key", configured, SHORTEST);
        AdminKey::of(configured)
    };
    if beyond {
        tracing::warn!(%address, "listening beyond this machine; changes need a credential");
    }
    Ok(key)
}

fn print_once(key: &str) {
    // Without stderr nobody would ever learn the key; then it is better to go on than to fail half-way.
    let _ =
        writeln!(io::stderr(), "\n  Admin key, shown only now: {key}\n  Send it as X-API-Key to change anything.\n");
}

fn warn_if_short(what: &str, text: &str, shortest: usize) {
    if text.chars().count() < shortest {
        tracing::warn!("{what} has less than {shortest} characters and can be guessed");
    }
}

const fn role_of(role: RoleSetting) -> Role {
    match role {
        RoleSetting::Viewer => Role::Viewer,
        RoleSetting::Operator => Role::Operator,
        RoleSetting::Admin => Role::Admin,
    }
}

/// What a file holds, without blanks around it.
fn read(file: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    match text.trim() {
        "" => bail!("{} is empty", file.display()),
        text => Ok(text.to_owned()),
    }
}

fn api_key(settings: &ApiKeySettings) -> anyhow::Result<Credential> {
    let ApiKeySettings { name, key, key_file, role } = settings;
    let text = if key.is_empty() { read(key_file)? } else { key.reveal().to_owned() };
    let key = if text.starts_with("sha256:") {
        AdminKey::stored(&text).context("is no SHA-256 in hex after sha256:")?
    } else {
        warn_if_short(&format!("the key {name:?} of auth.api_keys"), &text, SHORTEST);
        AdminKey::of(&text)
    };
    Ok(Credential::key(name, role_of(*role), key))
}

fn user_of(settings: &UserSettings, secret: &[u8]) -> anyhow::Result<Credential> {
    let UserSettings { name, password_hash, password_file, password, role } = settings;
    let text = match (password_hash.is_empty(), password.is_empty()) {
        (false, _) => password_hash.reveal().to_owned(),
        (true, false) => password.reveal().to_owned(),
        (true, true) => read(password_file)?,
    };
    // A password of this form would be taken for a hash in a file, and only there.
    let hashed = !password_hash.is_empty() || (password.is_empty() && text.starts_with("$argon2"));
    let hash = if hashed {
        PasswordHash::parse(&text)?
    } else {
        warn_if_short(&format!("the password of {name:?} in auth.users"), &text, SHORTEST_PASSWORD);
        PasswordHash::kept(&text, name, secret)?
    };
    Ok(Credential::user(name, role_of(*role), hash))
}

/// The configured secret, or that of the data directory, which is made at the first start.
fn signing_secret(jwt: &JwtSettings, data_dir: &Path) -> anyhow::Result<String> {
    use std::os::unix::fs::OpenOptionsExt;
    if !jwt.secret.is_empty() {
        return Ok(jwt.secret.reveal().to_owned());
    }
    let file = data_dir.join(SIGNING);
    match std::fs::read_to_string(&file) {
        Ok(text) if text.trim().len() >= 32 => return Ok(text.trim().to_owned()),
        Ok(_) => bail!("{} holds no secret; delete it to get a new one at the next start", file.display()),
        Err(e) if e.kind() == ErrorKind::NotFound => {}
        Err(e) => return Err(e).with_context(|| file.display().to_string()),
    }
    let secret = store::new_key()?;
    let written = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file);
    let written = written.and_then(|mut to| writeln!(to, "{secret}").and_then(|()| to.sync_all()));
    written.with_context(|| file.display().to_string())?;
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;
    use settings::Secret;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_signing_secret_is_made_once_and_only_its_owner_reads_it() {
        let dir = tempfile::tempdir().unwrap();
        let jwt = JwtSettings::default();
        let first = signing_secret(&jwt, dir.path()).unwrap();
        assert_eq!(signing_secret(&jwt, dir.path()).unwrap(), first);
        let file = dir.path().join(SIGNING);
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::write(&file, "short").unwrap();
        assert!(signing_secret(&jwt, dir.path()).is_err());
    }

    #[test]
    fn files_and_hashes_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("secret");
        let user = |text: &str| {
            std::fs::write(&file, text).unwrap();
            user_of(&UserSettings { name: "ann".into(), password_file: file.clone(), ..Default::default() }, b"s")
        };
        assert!(user("correct horse\n").is_ok());
        assert!(user(&PasswordHash::of("x").unwrap().to_string()).is_ok());
        assert!(user("$argon2id$nonsense").is_err() && user("\n").is_err());
        let key =
            |text: &str| api_key(&ApiKeySettings { name: "k".into(), key: Secret::new(text), ..Default::default() });
        assert!(key("plain-and-long-enough").is_ok() && key(&format!("sha256:{}", "ab".repeat(32))).is_ok());
        assert!(key("sha256:nonsense").is_err());
    }
}
