//! Connections to RabbitMQ: the host found by our own resolver, and TLS where that is asked for.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use anyhow::{Context, Result};
use delivery::cloud::broker::{Dial, Place};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpStream as AsyncTcpStream, UnixStream as AsyncUnixStream};
use tokio::runtime::Handle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::options::cloud::CloudService;
use crate::web::certificates;
use crate::{host_names, limits};

/// What makes the connections to the RabbitMQ that is set.
pub fn dial(service: &CloudService) -> Result<Dial> {
    let connector = TlsConnector::from(Arc::new(config(service)?));
    Ok(Box::new(move |place, handle| {
        let stream = connect(place)?;
        stream.set_nonblocking(true)?;
        handle.block_on(async {
            let stream = AsyncTcpStream::from_std(stream)?;
            if !place.is_encrypted {
                return Ok(stream);
            }
            let name = ServerName::try_from(place.host.clone()).map_err(io::Error::other)?;
            let encrypted = tokio::time::timeout(limits::FETCH_CONNECT, connector.connect(name, stream));
            through(encrypted.await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??, handle)
        })
    }))
}

/// The first of the host's addresses at which somebody answers.
fn connect(place: &Place) -> io::Result<TcpStream> {
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in host_names::addresses(&place.host, limits::FETCH_CONNECT)? {
        match TcpStream::connect_timeout(&SocketAddr::new(address, place.port), limits::FETCH_CONNECT) {
            Ok(stream) => return stream.set_nodelay(true).map(|()| stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The near end of what is encrypted further on. The client of RabbitMQ takes only what it believes to be TCP; with TLS of its
/// own it would bring a second library for it and thirty crates.
fn through(mut encrypted: TlsStream<AsyncTcpStream>, handle: &Handle) -> io::Result<AsyncTcpStream> {
    let (near, far) = UnixStream::pair()?;
    near.set_nonblocking(true)?;
    far.set_nonblocking(true)?;
    let mut far = AsyncUnixStream::from_std(far)?;
    handle.spawn(async move {
        // However it ends, the near end is told by its own end.
        let _ = copy_bidirectional(&mut far, &mut encrypted).await;
    });
    AsyncTcpStream::from_std(TcpStream::from(OwnedFd::from(near)))
}

fn config(service: &CloudService) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    match &service.roots {
        Some(path) => {
            for root in chain(path)? {
                roots.add(root).with_context(|| format!("{} holds no root", path.display()))?;
            }
        }
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().context("ring speaks TLS")?;
    let builder = builder.with_root_certificates(roots);
    let Some((certificate, path)) = &service.certificate else { return Ok(builder.with_no_client_auth()) };
    let pem = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let key = PrivateKeyDer::from_pem_slice(&pem).with_context(|| format!("{} is no key", path.display()))?;
    let chain = chain(certificate)?;
    builder.with_client_auth_cert(chain, key).context("--cloud-certificate and --cloud-key do not belong together")
}

fn chain(path: &std::path::Path) -> Result<Vec<CertificateDer<'static>>> {
    Ok(certificates(path)?.iter().map(|certificate| certificate.der().to_vec().into()).collect())
}
