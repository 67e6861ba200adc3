//! The small async runtime that serves people and programs, and their way to the signalling thread.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use api::server::{Encryption, Framed};
use pbx::{Command, Rejection, Reply};
use rustls::ServerConfig;
use tokio::runtime::Runtime;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::certificates::Certificates;
use crate::options::Options;
use crate::queue::Queue;
use crate::signalling::{self, Request};
use crate::{media_threads, recording_thread, sip_sockets, sound_thread, webrtc_tcp_thread};

/// The way of requests to the exchange.
#[derive(Debug)]
pub struct Door {
    requests: Queue<Request>,
}

impl Door {
    /// Requests go in here and come out at the signalling thread.
    pub fn new(requests: Queue<Request>) -> Door {
        Door { requests }
    }
}

impl api::Exchange for Door {
    fn submit(&self, command: Command) -> oneshot::Receiver<Result<Reply, Rejection>> {
        let (answer, answered) = oneshot::channel();
        // When too many wait the request is dropped, and its sender with it: that is the answer.
        if self.requests.push(Request::Command(command, answer)).is_ok() {
            self.requests.ring();
        } else {
            tracing::warn!("the signalling thread is behind: a request is refused");
        }
        answered
    }
}

/// Where people and programs come in.
#[derive(Debug)]
pub struct Doors {
    /// By HTTP.
    pub plain: TcpListener,
    /// By HTTPS, where that is wanted.
    pub encrypted: Option<(TcpListener, Arc<ServerConfig>)>,
    /// Who has the connections on the port of HTTPS that are browsers' audio.
    browsers: Option<Queue<webrtc_tcp_thread::Order>>,
    certificates: Option<Arc<Certificates>>,
}

impl Doors {
    /// Binds the addresses before anything else runs.
    pub fn open(options: &Options, certificates: Option<Arc<Certificates>>) -> Result<Doors> {
        let encrypted = match options.tls.https.zip(certificates.as_ref()) {
            Some((address, certificates)) => Some((Http::bind(address)?, certificates.server(&[b"http/1.1"])?)),
            None => None,
        };
        Ok(Doors { plain: Http::bind(options.http)?, encrypted, browsers: None, certificates })
    }

    /// The same, where browsers may send audio to the port of HTTPS.
    pub fn with_browsers(self, browsers: Option<Queue<webrtc_tcp_thread::Order>>) -> Doors {
        Doors { browsers, ..self }
    }

    /// Where HTTPS is.
    pub fn https(&self) -> Result<Option<SocketAddr>> {
        let address = |(listener, _): &(TcpListener, _)| listener.local_addr().context("a listener has an address");
        self.encrypted.as_ref().map(address).transpose()
    }

    /// The port of HTTPS, where it is spoken.
    pub fn https_port(&self) -> Option<u16> {
        self.encrypted.as_ref()?.0.local_addr().ok().map(|address| address.port())
    }

    /// What the API tells and changes of the box's certificate.
    pub fn certificates(&self) -> Option<Arc<dyn api::certificate::Certificates>> {
        self.certificates.clone().map(|own| own as Arc<dyn api::certificate::Certificates>)
    }
}

/// A server that runs.
pub struct Http {
    /// What its requests share.
    pub state: api::State,
    runtime: Runtime,
    stop: watch::Sender<bool>,
    served: Vec<JoinHandle<()>>,
    certificates: Option<Arc<Certificates>>,
}

impl Http {
    /// Binds the address before anything else runs.
    pub fn bind(address: SocketAddr) -> Result<TcpListener> {
        let listener =
            TcpListener::bind(address).with_context(|| format!("cannot listen on TCP {address} for HTTP"))?;
        listener.set_nonblocking(true).context("cannot make a listener non-blocking")?;
        Ok(listener)
    }

    /// Starts serving.
    pub fn start(doors: Doors, options: api::Options) -> Result<Http> {
        doors.certificates.iter().try_for_each(|certificates| certificates.start(&options.journal))?;
        let state = api::State::new(options).context("cannot read the database")?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            // Password checks and database pages run beside the one worker.
            .max_blocking_threads(8)
            .thread_name("http")
            .thread_stack_size(512 * 1_024)
            .enable_all()
            .build()
            .context("cannot start the HTTP threads")?;
        let (stop, stopped) = watch::channel(false);
        let framed = doors.browsers.map(hand_over);
        let encryption = |config| Encryption { acceptor: TlsAcceptor::from(config), framed };
        let encrypted = doors.encrypted.map(|(listener, config)| (listener, Some(encryption(config))));
        let serve = |(listener, tls): (TcpListener, Option<Encryption>)| {
            let (state, mut stopped) = (state.clone(), stopped.clone());
            runtime.spawn(async move {
                match tokio::net::TcpListener::from_std(listener) {
                    // Whether somebody said so or is gone: it is over.
                    Ok(listener) => {
                        let over = async move { drop(stopped.wait_for(|stopped| *stopped).await) };
                        api::serve(listener, tls, state, over).await;
                    }
                    Err(error) => tracing::error!(%error, "cannot serve HTTP"),
                }
            })
        };
        runtime.spawn(api::tend_updates(state.clone()));
        let served = std::iter::once((doors.plain, None)).chain(encrypted).map(serve).collect();
        Ok(Http { state, runtime, stop, served, certificates: doors.certificates })
    }

    /// Renews the box's certificate where its time comes; to be called now and then.
    pub fn tend_certificates(&self) {
        self.certificates.iter().for_each(|certificates| certificates.tend());
    }

    /// Lets running requests end, within the API's own limit.
    pub fn stop(self) {
        self.stop.send_replace(true);
        for served in self.served {
            if self.runtime.block_on(served).is_err() {
                tracing::error!("the HTTP server panicked");
            }
        }
        self.runtime.shutdown_background();
    }
}

/// Gives connections that are browsers' audio to who has them.
fn hand_over(browsers: Queue<webrtc_tcp_thread::Order>) -> Framed {
    Arc::new(move |stream| {
        // What is refused is closed, and tried again by the browser.
        if browsers.push(webrtc_tcp_thread::Order::Take(stream)).is_ok() {
            browsers.ring();
        }
    })
}

/// What the threads count.
#[derive(Debug)]
pub struct Counts {
    /// What the signalling thread counts.
    pub signalling: Arc<signalling::counters::Counters>,
    /// What is counted of SIP by WebSocket.
    pub websockets: Arc<sip_sockets::Counters>,
    /// What the media threads count.
    pub media: media_threads::Totals,
    /// What the recording thread counts.
    pub recording: Arc<recording_thread::Counters>,
    /// What is counted of recordings on their way to the bucket.
    pub courier: Arc<delivery::recording::courier::Counters>,
    /// What the sound thread counts.
    pub sound: Arc<sound_thread::Counters>,
    /// What became of webhooks.
    pub webhooks: Arc<delivery::webhook::Counters>,
}

/// What the process itself counts, by metric name.
pub fn counters(counts: Counts) -> api::state::Counters {
    Arc::new(move || {
        let value = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (s, m, r, p) = (&counts.signalling, &counts.media, &counts.recording, &counts.sound);
        let (c, w, b) = (&counts.courier, &counts.webhooks, &counts.websockets);
        let mut list = vec![
            ("sip_datagrams_received_total", "SIP datagrams that arrived", value(&s.datagrams_received)),
            ("sip_datagrams_sent_total", "SIP datagrams that left", value(&s.datagrams_sent)),
            ("sip_datagrams_unsendable_total", "SIP datagrams that the kernel refused", value(&s.datagrams_unsendable)),
            ("sip_datagrams_overflowed_total", "SIP datagrams dropped before sending", value(&s.datagrams_overflowed)),
            ("sip_connections", "TCP connections", value(&s.connections)),
            ("sip_connections_refused_total", "TCP connections refused at a limit", value(&s.connections_refused)),
            ("sip_connections_cut_total", "TCP connections cut off for breaking a rule", value(&s.connections_cut)),
            ("sip_connections_gone_total", "Messages to TCP connections that are gone", value(&s.connections_gone)),
            ("sip_websockets", "Browsers connected by WebSocket", value(&b.open)),
            ("sip_websockets_refused_total", "WebSockets refused at a limit", value(&b.refused)),
            ("sip_websockets_cut_total", "WebSockets cut off for breaking a rule", value(&b.cut)),
            ("sip_websockets_gone_total", "Messages to WebSockets that are gone", value(&b.gone)),
            ("sip_websocket_messages_received_total", "SIP messages by WebSocket that arrived", value(&b.received)),
            ("facts_waiting", "Facts that wait in memory because the database is behind", value(&s.facts_waiting)),
            ("facts_lost_total", "Facts lost because the database did not work", value(&s.facts_lost)),
            ("rtp_packets_received_total", "RTP and RTCP packets that arrived", m.of(|media| &media.received)),
            ("rtp_packets_sent_total", "RTP and RTCP packets that left", m.of(|media| &media.sent)),
            ("rtp_send_errors_total", "RTP and RTCP packets that the kernel refused", m.of(|media| &media.send_errors)),
            ("rtp_packets_late_total", "Packets for calls that were over", m.of(|media| &media.late)),
            ("rtp_streams", "Streams with sockets", m.of(|media| &media.streams)),
            ("rtp_pairs_parked", "Socket pairs held for the next streams", m.of(|media| &media.parked)),
            ("recording_files", "Files of recordings that are written now", value(&r.recordings)),
            ("recording_files_failed_total", "Files of recordings that could not go on", value(&r.failures)),
            ("recording_sync_slowest_ms", "The longest that the disk took to sync them", value(&r.slowest_sync_ms)),
            ("recordings_waiting", "Recordings that wait for the bucket", value(&c.waiting)),
            ("recordings_waiting_bytes", "Octets of recordings that wait for the bucket", value(&c.waiting_bytes)),
            ("recordings_uploaded_total", "Recordings that were brought to the bucket", value(&c.uploaded)),
            ("recordings_upload_failures_total", "Tries to do so that failed", value(&c.failures)),
            ("sounds_playing", "Playbacks from files and memory that are decoded now", value(&p.playbacks)),
            ("sounds_failed_total", "Playbacks from files and memory that could not go on", value(&p.failures)),
            ("webhooks_delivered_total", "Events that a web server took", value(&w.delivered)),
            ("webhooks_failures_total", "Tries to tell a web server that failed", value(&w.failures)),
            ("webhooks_given_up_total", "Events that a web server did not take", value(&w.given_up)),
            ("webrtc_strays_lost_total", "Checks nobody had time for", m.of(|media| &media.strays_lost)),
        ];
        list.extend(m.webrtc.list());
        list.extend(m.webrtc_tcp.list());
        list
    })
}
