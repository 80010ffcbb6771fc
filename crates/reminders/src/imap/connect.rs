//! From a host's name to a protected connection: the guard resolves, and what it answered is connected to.

use super::meter::Metered;
use super::{Brief, ReaderError, failure};
use crate::store::Tls;
use engine::FetchError;
use notify::{GuardedResolver, Lookup, Reach, Refusal, check_address};
use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls_platform_verifier::Verifier;
use std::fmt::Debug;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// A connection, with or without TLS.
pub(crate) trait Wire: AsyncRead + AsyncWrite + Unpin + Send + Debug {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + Debug> Wire for T {}

pub(super) type Client = async_imap::Client<Metered<Box<dyn Wire>>>;

/// Bytes a server may send until somebody has logged in.
const GREETING: u64 = 256 * 1024;
/// How long one address is waited for.
const PER_ADDRESS: Duration = Duration::from_secs(10);
/// Addresses that are tried.
const ADDRESSES: usize = 4;

pub(super) struct Connector {
    tls: TlsConnector,
    lookup: Arc<dyn Lookup>,
}

impl Connector {
    pub(super) fn new(ca_file: Option<&Path>, lookup: Arc<dyn Lookup>) -> Result<Self, ReaderError> {
        let extra = ca_file.map_or_else(|| Ok(Vec::new()), authorities)?;
        let wrong = |e: rustls::Error| ReaderError::Tls(e.to_string());
        let provider = Arc::new(default_provider());
        let verifier = Verifier::new_with_extra_roots(extra, Arc::clone(&provider)).map_err(wrong)?;
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(wrong)?
            .dangerous() // The platform's verifier, with more authorities: nothing is checked less.
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        Ok(Self { tls: TlsConnector::from(Arc::new(config)), lookup })
    }

    /// A client that has read the greeting.
    pub(super) async fn connect(&self, brief: &Brief) -> Result<Client, FetchError> {
        let tcp = self.reach(brief).await?;
        match brief.tls {
            Tls::Tls => greeted(self.protect(tcp, &brief.host).await?).await,
            Tls::None => greeted(Box::new(tcp)).await,
            Tls::Starttls => {
                let mut client = greeted(Box::new(tcp)).await?;
                client.run_command_and_check_ok("STARTTLS", None).await.map_err(|e| failure("STARTTLS", &e))?;
                // What came behind the answer in the clear is dropped with the client's buffer.
                let plain = client.into_inner().into_inner();
                let protected = self.protect(plain, &brief.host).await?;
                Ok(async_imap::Client::new(Metered::new(protected, GREETING)))
            }
        }
    }

    async fn reach(&self, brief: &Brief) -> Result<TcpStream, FetchError> {
        let resolver = GuardedResolver::new(Arc::clone(&self.lookup), Reach::of(brief.allow_private));
        let found = resolver.resolve(&brief.host).await.map_err(|e| match e.downcast_ref::<Refusal>() {
            Some(refusal) => FetchError::Rejected(format!("{}: {refusal}", brief.host)),
            None => FetchError::Transient(format!("{} is not resolved: {e}", brief.host)),
        })?;
        let public = |a: &IpAddr| check_address(*a, Reach::Public).is_ok();
        if brief.tls == Tls::None && found.iter().any(public) {
            return Err(FetchError::Rejected("without TLS only servers of the own network are spoken to".to_owned()));
        }
        let mut last = String::new();
        for address in found.into_iter().take(ADDRESSES) {
            match tokio::time::timeout(PER_ADDRESS, TcpStream::connect((address, brief.port))).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(e)) => last = e.to_string(),
                Err(_) => "no answer".clone_into(&mut last),
            }
        }
        Err(FetchError::Transient(format!("{}:{}: {last}", brief.host, brief.port)))
    }

    async fn protect(&self, plain: impl Wire + 'static, host: &str) -> Result<Box<dyn Wire>, FetchError> {
        let name = ServerName::try_from(host.trim_end_matches('.').to_owned());
        let name = name.map_err(|_| FetchError::Rejected(format!("{host} is no name of a server")))?;
        let stream = self.tls.connect(name, plain).await;
        Ok(Box::new(stream.map_err(|e| FetchError::Transient(format!("TLS with {host}: {e}")))?))
    }
}

async fn greeted(stream: Box<dyn Wire>) -> Result<Client, FetchError> {
    let mut client = async_imap::Client::new(Metered::new(stream, GREETING));
    match client.read_response().await {
        Ok(Some(_)) => Ok(client),
        Ok(None) => Err(FetchError::Transient("the server closed the connection without a greeting".to_owned())),
        Err(e) => Err(FetchError::Malformed(format!("no IMAP greeting: {e}"))),
    }
}

fn authorities(file: &Path) -> Result<Vec<CertificateDer<'static>>, ReaderError> {
    let wrong = |e: rustls::pki_types::pem::Error| ReaderError::Authorities(file.display().to_string(), e.to_string());
    let read: Vec<_> = CertificateDer::pem_file_iter(file).map_err(wrong)?.collect::<Result<_, _>>().map_err(wrong)?;
    if read.is_empty() {
        return Err(ReaderError::Authorities(file.display().to_string(), "no certificate in it".to_owned()));
    }
    Ok(read)
}
