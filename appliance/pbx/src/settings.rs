//! What an administrator may set of the exchange itself.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use media::Codec;
use sip::Transport;
use sip::auth::Algorithm;
use sip::sdp::Encryption;

use crate::limits;

/// The settings, fixed while the process runs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The digest realm and the domain of the extensions.
    pub realm: String,
    /// The digest algorithms of challenges, the preferred one first (RFC 8760). Many phones in use give up when they see
    /// any but MD5, even as a second choice; so that is the default.
    pub digest: Vec<Algorithm>,
    /// The address our SIP is reached at, for Via, Contact (the flow's local address wins where it is specific).
    pub sip: SocketAddr,
    /// Where we speak SIP over TLS, if we do.
    pub sips: Option<SocketAddr>,
    /// What peers are told instead of our own address, where the box is behind a translation of addresses.
    pub advertise: Advertise,
    /// The address RTP sockets are bound to.
    pub rtp: IpAddr,
    /// The first and the last RTP port, both included; an RTP port is even, RTCP is the next.
    pub rtp_ports: (u16, u16),
    /// How many media threads there are, each with a share of the ports.
    pub media_threads: u8,
    /// Calls of one conference on one media thread, before the next one has some of them as well.
    pub seats_a_thread: usize,
    /// How long a destination may ring.
    pub dial_timeout: Duration,
    /// How long a call may last.
    pub call_limit: Duration,
    /// Expiry granted to REGISTER: least, default, most.
    pub expires: (Duration, Duration, Duration),
    /// Session-Expires asked for (RFC 4028).
    pub session_expires: Duration,
    /// How long no RTP may come before a call is hung up.
    pub rtp_timeout: Duration,
    /// Whether those who wait hear music: whom a phone holds, and who is alone in a conference.
    pub music_on_hold: bool,
    /// How many actions one run of a flow may take.
    pub flow_actions: usize,
    /// Where the box stands, as an IANA name: what the time of day means in flows.
    pub time_zone: String,
    /// How often OPTIONS is sent to contacts behind a NAT.
    pub nat_keepalive: Duration,
    /// The codecs we speak, best first where nobody prefers anything. G.729 is passed on whether it stands here or not.
    pub codecs: Vec<Codec>,
    /// Whether a call between phones without a common codec is possible.
    pub transcodes: bool,
    /// Whether audio is encrypted, by keys in the description (RFC 4568). Off by default: while SIP itself goes unencrypted, who
    /// can listen can read the keys as well.
    pub encryption: Encryption,
    /// The same for phones whose SIP goes over TLS, so that nobody reads the keys on the way.
    pub encryption_over_tls: Encryption,
    /// Where browsers find us, if they may.
    pub webrtc: Option<Webrtc>,
}

/// Where browsers find us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webrtc {
    /// Where checks and audio of all of them arrive.
    pub address: SocketAddr,
    /// All addresses of the box, where that is bound to each of them.
    pub addresses: Vec<IpAddr>,
    /// Where they arrive over TCP (RFC 6544), for who gets through by nothing else.
    pub tcp: Option<SocketAddr>,
    /// The SHA-256 of our certificate.
    pub fingerprint: [u8; 32],
}

impl Settings {
    /// Our own address for a transport.
    pub fn own(&self, transport: Transport) -> SocketAddr {
        match transport {
            Transport::Tls => self.sips.unwrap_or(SocketAddr::new(self.sip.ip(), 5061)),
            _ => self.sip,
        }
    }

    /// Whether audio is encrypted with somebody whose SIP comes this way, where nothing is `set` of them themselves.
    pub fn encryption_over(&self, transport: Transport, set: Option<Encryption>) -> Encryption {
        set.unwrap_or(match transport {
            Transport::Tls | Transport::Wss => self.encryption_over_tls,
            Transport::Udp | Transport::Tcp | Transport::Ws => self.encryption,
        })
    }
}

/// What peers are told instead of our own address.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Advertise {
    /// Nothing: our own address is known to all.
    Nothing,
    /// This one, whoever it is.
    Address(IpAddr),
    /// Those who are beyond the translation: where a STUN server sees us.
    Stun {
        /// The server's name, or its address.
        host: String,
        /// Its port.
        port: u16,
    },
    /// The same: where the providers say that they see us.
    #[default]
    Received,
}

/// Whether this is the name of a time zone, as IANA gives them.
pub fn is_time_zone(name: &str) -> bool {
    jiff::tz::TimeZone::get(name).is_ok()
}

/// The codecs of a new box: what browsers like best, then what desk phones do, then what everybody has.
pub const CODECS: [Codec; 4] = [Codec::Opus, Codec::G722, Codec::Pcma, Codec::Pcmu];

impl Default for Settings {
    fn default() -> Self {
        Settings {
            realm: "tandem".into(),
            digest: vec![Algorithm::Md5],
            sip: SocketAddr::from(([127, 0, 0, 1], 5060)),
            sips: None,
            advertise: Advertise::default(),
            rtp: IpAddr::V4(Ipv4Addr::LOCALHOST),
            rtp_ports: (30_000, 39_999),
            media_threads: 1,
            seats_a_thread: limits::SEATS_A_THREAD,
            dial_timeout: Duration::from_secs(60),
            call_limit: Duration::from_secs(3600),
            expires: (Duration::from_secs(60), Duration::from_secs(3600), Duration::from_secs(7200)),
            session_expires: Duration::from_secs(1800),
            rtp_timeout: Duration::from_secs(60),
            music_on_hold: true,
            flow_actions: 1_000,
            time_zone: "UTC".into(),
            nat_keepalive: Duration::from_secs(25),
            codecs: CODECS.to_vec(),
            transcodes: true,
            encryption: Encryption::Off,
            encryption_over_tls: Encryption::Optional,
            webrtc: None,
        }
    }
}
