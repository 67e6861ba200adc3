//! How much a WebSocket may bring before it comes to something.
//!
//! Frames without octets, or with one each, never make a message too long, and nobody hears of them before it is whole. So what comes in is counted
//! beneath them: a connection that has brought far more than the longest message since the last one is over.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Octets of the head of a frame at most (RFC 6455 §5.2).
const HEAD: u64 = 14;

/// What one connection has brought. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Meter(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// Octets that came.
    read: AtomicU64,
    /// Those that came to something.
    settled: AtomicU64,
    /// How many more may come; 0: as many as they like, which is for HTTP to limit.
    limit: AtomicU64,
}

impl Meter {
    /// From here on so many octets may come to nothing.
    pub fn limit(&self, octets: usize) {
        self.settle_all();
        self.0.limit.store(octets as u64, Ordering::Relaxed);
    }

    /// A message is whole.
    pub fn settle_all(&self) {
        self.0.settled.store(self.0.read.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// A frame of so many octets was heard that may stand between the parts of a message.
    pub fn settle(&self, octets: usize) {
        self.0.settled.fetch_add(octets as u64 + HEAD, Ordering::Relaxed);
    }

    fn note(&self, octets: usize) -> Result<(), Endless> {
        let counts = &*self.0;
        let read = counts.read.fetch_add(octets as u64, Ordering::Relaxed) + octets as u64;
        let limit = counts.limit.load(Ordering::Relaxed);
        let open = read.saturating_sub(counts.settled.load(Ordering::Relaxed));
        if limit > 0 && open > limit { Err(Endless) } else { Ok(()) }
    }
}

/// Why nothing more is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Endless;

impl fmt::Display for Endless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a message without end")
    }
}

impl std::error::Error for Endless {}

/// A connection with a meter in it.
pub(crate) struct Metered<S> {
    inner: S,
    meter: Meter,
}

impl<S> Metered<S> {
    /// With this one.
    pub fn new(inner: S, meter: Meter) -> Metered<S> {
        Metered { inner, meter }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, buf))?;
        Poll::Ready(self.meter.note(buf.filled().len() - before).map_err(io::Error::other))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn what_comes_to_something_may_go_on_for_ever_and_nothing_else() {
        let (mut far, near) = tokio::io::duplex(1_024);
        let meter = Meter::default();
        let mut near = Metered::new(near, meter.clone());
        let mut octets = [0; 100];
        let mut pass = async |count: usize| {
            for _ in 0..count {
                far.write_all(&octets).await.unwrap();
                near.read_exact(&mut octets).await?;
                // One whole message, and the answer to a ping.
                if count == 1_000 {
                    meter.settle_all();
                } else if count == 500 {
                    meter.settle(100 - 14);
                }
            }
            io::Result::Ok(())
        };
        pass(50).await.expect("HTTP has no such limit");
        meter.limit(1_000);
        pass(1_000).await.expect("each is a message");
        pass(500).await.expect("each is a frame that was heard");
        pass(10).await.expect("a message may have parts");
        let error = pass(1).await.expect_err("this one is endless");
        assert!(error.get_ref().is_some_and(|error| error.is::<Endless>()), "{error}");
    }
}
