//! Handing a mail to an SMTP server. The name is resolved by the guard and the connection goes to the address it
//! answered; the certificate is still checked against the name.

use crate::guard::{GuardedResolver, Refusal};
use crate::wire::{Answer, MailTls, PreparedMail, Verdict};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{AsyncSmtpTransport, Error};
use lettre::{AsyncTransport as _, Tokio1Executor};
use model::Timestamp;
use reqwest::header::HeaderMap;
use std::error::Error as _;
use std::net::IpAddr;
use std::time::Duration;
use tokio::net::TcpStream;

/// Sends a mail; `total` bounds each wait for the server.
pub(crate) async fn send(mail: PreparedMail, resolver: &GuardedResolver, total: Duration) -> Result<Answer, Verdict> {
    let (host, port) = &mail.server;
    let addresses = resolver.resolve(host).await.map_err(|e| match e.downcast_ref::<Refusal>() {
        Some(refusal) => Verdict::refused(refusal.to_string()),
        None => Verdict::retry(format!("name not resolved: {e}")),
    })?;
    let address = reachable(&addresses, *port).await.ok_or_else(|| Verdict::retry("no connection to the server"))?;
    let tls = tls(mail.tls, host).map_err(|e| Verdict::retry(format!("TLS: {e}")))?;
    let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(address.to_string())
        .port(*port)
        .tls(tls)
        .hello_name(ClientId::Domain("tidewatch.invalid".to_owned()))
        .timeout(Some(total));
    if let Some((user, password)) = mail.login {
        transport = transport.credentials(Credentials::new(user, password.reveal().to_owned()));
    }
    match transport.build().send(mail.mail).await {
        Ok(response) => Ok(answer(u16::from(response.code()), response.message().collect::<Vec<_>>().join(" "))),
        Err(error) => refused(&error),
    }
}

/// The first address that takes a connection; a single one is not tried out first.
async fn reachable(addresses: &[IpAddr], port: u16) -> Option<IpAddr> {
    if let [only] = addresses {
        return Some(*only);
    }
    for address in addresses.iter().take(4) {
        let tried = tokio::time::timeout(Duration::from_secs(4), TcpStream::connect((*address, port))).await;
        if matches!(tried, Ok(Ok(_))) {
            return Some(*address);
        }
    }
    None
}

fn tls(wanted: MailTls, host: &str) -> Result<Tls, Error> {
    Ok(match wanted {
        MailTls::None => Tls::None,
        MailTls::Starttls => Tls::Required(TlsParameters::new(host.to_owned())?),
        MailTls::Wrapper => Tls::Wrapper(TlsParameters::new(host.to_owned())?),
    })
}

fn refused(error: &Error) -> Result<Answer, Verdict> {
    let said = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    match error.status() {
        Some(code) => Ok(answer(u16::from(code), said)),
        None => Err(Verdict::retry(format!("SMTP: {error}"))),
    }
}

fn answer(status: u16, text: String) -> Answer {
    Answer { status, headers: HeaderMap::new(), body: text.into_bytes(), at: Timestamp(0) }
}
