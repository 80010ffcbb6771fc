//! Logging in, with a password or a token.

use super::connect::Client;
use super::{Brief, Session, failure, said, without};
use crate::store::Auth;
use async_imap::Authenticator;
use async_imap::error::Error;
use engine::FetchError;
use settings::Secret;

pub(super) async fn log_in(client: Client, brief: &Brief, secret: &Secret) -> Result<Session, FetchError> {
    let logged_in = match brief.auth {
        Auth::Password => client.login(&brief.username, secret.reveal()).await,
        Auth::Xoauth2 => {
            let first = format!("user={}\x01auth=Bearer {}\x01\x01", brief.username, secret.reveal());
            client.authenticate("XOAUTH2", Token(Some(first))).await
        }
    };
    let mut session = logged_in.map_err(|(e, _)| without(refused(&e), secret))?;
    let able = session.capabilities().await.map_err(|e| failure("CAPABILITY", &e))?;
    if able.has_str("ID") {
        // Some servers (163.com, 126.com) open no folder for a client that has not said who it is (RFC 2971).
        let id = [("name", Some("tidewatch")), ("version", Some(env!("CARGO_PKG_VERSION")))];
        session.id(id).await.map_err(|e| failure("ID", &e))?;
    }
    Ok(session)
}

/// A login that was refused, unless the server says that it is its own fault (RFC 5530).
fn refused(error: &Error) -> FetchError {
    let text = format!("login: {}", said(error));
    let upper = text.to_uppercase();
    let passing = ["UNAVAILABLE", "INUSE", "LIMIT", "SERVERBUG", "TRY AGAIN", "TRYAGAIN"];
    match error {
        Error::No(_) if passing.iter().any(|word| upper.contains(word)) => FetchError::Transient(text),
        Error::No(_) | Error::Bad(_) | Error::Validate(_) => FetchError::Rejected(text),
        other => failure("login", other),
    }
}

/// The token in the first answer; nothing in the second, to hear why the first was refused.
struct Token(Option<String>);

impl Authenticator for Token {
    type Response = String;

    fn process(&mut self, _: &[u8]) -> String {
        self.0.take().unwrap_or_default()
    }
}
