//! HTTP/1.1 on a listener: bounded in connections and in the time a client may take for its request's head.

use std::net::SocketAddr;
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

use crate::origin::{Encrypted, Ends};
use crate::state::State;
use crate::{limits, router};

/// How long accepting waits after it failed: mostly the process has no file handle left.
const PAUSE: Duration = Duration::from_millis(100);

/// Answers requests, by HTTPS where `tls` says how, until `stop` is done; then running ones may end, for [`limits::DRAIN`] at most.
pub async fn serve(listener: TcpListener, tls: Option<TlsAcceptor>, state: State, stop: impl Future<Output = ()>) {
    let app = router(state.clone());
    let (stopping, stopped) = watch::channel(false);
    let connections = state.connections();
    tokio::pin!(stop);
    loop {
        let accepting = async {
            let permit = std::sync::Arc::clone(&connections).acquire_owned().await;
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

/// The same for one who speaks TLS, in the time that a request's head may take; whether it did.
async fn answer_encrypted(
    (tls, stream): (TlsAcceptor, TcpStream),
    ends: Ends,
    app: Router,
    stopped: watch::Receiver<bool>,
) -> bool {
    match tokio::time::timeout(limits::HEAD, tls.accept(stream)).await {
        Ok(Ok(stream)) => {
            let marked = app.layer(Extension(Encrypted));
            answer(stream, ends, marked, stopped).await;
            return true;
        }
        Ok(Err(error)) => tracing::trace!(peer = %ends.remote, %error, "a TLS handshake failed"),
        Err(_) => tracing::trace!(peer = %ends.remote, "a TLS handshake took too long"),
    }
    false
}

async fn answer(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    ends: Ends,
    app: Router,
    mut stopped: watch::Receiver<bool>,
) {
    let service = app.map_request(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(ConnectInfo(ends.remote));
        request.extensions_mut().insert(ends);
        request.map(axum::body::Body::new)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits::HEAD)
        .max_buf_size(limits::HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
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
