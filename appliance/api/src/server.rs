//! HTTP/1.1 on a listener: bounded in connections and in the time a client may take for its request's head.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use crate::meter::{Meter, Metered};
use crate::origin::{Encrypted, Ends};
use crate::state::State;
use crate::{limits, router};

/// How long accepting waits after it failed: mostly the process has no file handle left.
const PAUSE: Duration = Duration::from_millis(100);

/// How requests are answered by HTTPS.
#[derive(Clone)]
pub struct Encryption {
    /// By which certificate, and all that.
    pub acceptor: TlsAcceptor,
    /// Who has the connections that are no TLS, but a browser's checks and audio (RFC 6544); nobody otherwise.
    pub framed: Option<Framed>,
}

/// Takes a connection of a browser.
pub type Framed = Arc<dyn Fn(std::net::TcpStream) + Send + Sync>;

/// What a connection that is no TLS may begin with: the first octet of the length of a check (RFC 4571), where TLS has the kind of its
/// record, which is 20 at least (RFC 8446 §5.1).
const FRAMED: std::ops::Range<u8> = 0..20;

/// Answers requests, by HTTPS where `tls` says how, until `stop` is done; then running ones may end, for [`limits::DRAIN`] at most.
pub async fn serve(listener: TcpListener, tls: Option<Encryption>, state: State, stop: impl Future<Output = ()>) {
    let app = router(state.clone());
    let (stopping, stopped) = watch::channel(false);
    let connections = state.connections();
    tokio::pin!(stop);
    loop {
        let accepting = async {
            let permit = Arc::clone(&connections).acquire_owned().await;
            (permit.expect("the semaphore is never closed"), listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            accepted = accepting => accepted,
            () = &mut stop => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let (app, stopped, tls, state) = (app.clone(), stopped.clone(), tls.clone(), state.clone());
                tokio::spawn(async move {
                    // Answers are small and written whole; waiting to fill a segment only delays them.
                    let _ = stream.set_nodelay(true);
                    // Who is gone already has none.
                    let Ok(local) = stream.local_addr() else { return };
                    let ends = Ends { local: canonical(local), remote: canonical(peer) };
                    match tls {
                        None => answer(stream, ends, app, stopped).await,
                        Some(tls) => {
                            if !answer_encrypted((tls, stream), ends, app, stopped).await {
                                state.note_refused_handshake();
                            }
                        }
                    }
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    drop((listener, stopped));
    state.stop();
    stopping.send_replace(true);
    // A connection holds a receiver as long as it lives.
    if tokio::time::timeout(limits::DRAIN, stopping.closed()).await.is_err() {
        tracing::warn!("some requests were cut off");
    }
}

/// A socket of IPv6 that hears IPv4 as well has such addresses written in its own way; everybody else knows them as they are.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// The same for one who speaks TLS, in the time that a request's head may take; false if it failed to.
async fn answer_encrypted(
    (tls, stream): (Encryption, TcpStream),
    ends: Ends,
    app: Router,
    stopped: watch::Receiver<bool>,
) -> bool {
    let began = async {
        match tls.framed {
            Some(framed) if is_framed(&stream).await => {
                framed(stream.into_std()?);
                Ok(None)
            }
            _ => tls.acceptor.accept(stream).await.map(Some),
        }
    };
    match tokio::time::timeout(limits::HEAD, began).await {
        // Somebody else has it.
        Ok(Ok(None)) => return true,
        Ok(Ok(Some(stream))) => {
            let marked = app.layer(Extension(Encrypted));
            answer(stream, ends, marked, stopped).await;
            return true;
        }
        Ok(Err(error)) => tracing::trace!(peer = %ends.remote, %error, "a TLS handshake failed"),
        Err(_) => tracing::trace!(peer = %ends.remote, "a TLS handshake took too long"),
    }
    false
}

/// Whether somebody begins as no TLS does, but as a browser that cannot use UDP.
async fn is_framed(stream: &TcpStream) -> bool {
    let mut first = [0];
    matches!(stream.peek(&mut first).await, Ok(1)) && FRAMED.contains(&first[0])
}

async fn answer(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    ends: Ends,
    app: Router,
    mut stopped: watch::Receiver<bool>,
) {
    let meter = Meter::default();
    let metered = meter.clone();
    let service = app.map_request(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(ConnectInfo(ends.remote));
        request.extensions_mut().insert(ends);
        request.extensions_mut().insert(metered.clone());
        request.map(axum::body::Body::new)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits::HEAD)
        .max_buf_size(limits::HEAD_BYTES)
        .serve_connection(TokioIo::new(Metered::new(stream, meter)), TowerToHyperService::new(service))
        .with_upgrades();
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = told(&mut stopped) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::trace!(peer = %ends.remote, %error, "a connection broke");
    }
}

/// Done once the server stops, or is gone.
async fn told(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stopped| *stopped).await;
}
