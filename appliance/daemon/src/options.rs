//! What the administrator may set: flags, `TANDEM_…` variables, a TOML file, defaults, in this order of precedence.

pub mod board;
pub mod bucket;
pub mod cloud;
pub mod ice;
pub mod tls;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use clap::Parser;
use pbx::settings::Advertise;
use serde::Deserialize;
use sip::auth::Algorithm;
use sip::sdp::Encryption;

use crate::codec_list::CodecList;
use crate::options::board::{Board, BoardFlags};
use crate::options::bucket::{BucketFlags, BucketService};
use crate::options::cloud::{CloudFlags, CloudService};
use crate::options::ice::IceUrls;
use crate::options::tls::{Tls, TlsFlags};
use crate::time_zone::TimeZone;
use crate::{limits, media_threads};

/// The settings of this process, complete and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The folder that holds everything that is remembered.
    pub data: PathBuf,
    /// Where SIP is spoken, over UDP and TCP.
    pub sip: SocketAddr,
    /// Where people and programs find the API and the web page.
    pub http: SocketAddr,
    /// Where both are spoken encrypted.
    pub tls: Tls,
    /// Where audio arrives.
    pub rtp: RtpPorts,
    /// Where browsers knock, if they may.
    pub webrtc: Option<SocketAddr>,
    /// What peers are told instead of our own address.
    pub advertise: AdvertiseWish,
    /// Who is asked where names are; nobody: those of the system.
    pub nameservers: Vec<SocketAddr>,
    /// The digest realm.
    pub realm: String,
    /// The digest algorithms that phones are offered, the preferred one first.
    pub digest: DigestAlgorithms,
    /// The codecs that are offered.
    pub codecs: CodecList,
    /// Whether audio is encrypted.
    pub encryption: Option<EncryptionWish>,
    /// Where the box stands, if that is not left to the page.
    pub time_zone: Option<TimeZone>,
    /// How many actions one run of a flow may take.
    pub flow_actions: usize,
    /// Threads that carry audio; where none is given, one for each core but one.
    pub threads: Option<u8>,
    /// Calls of one conference on one of them.
    pub conference_seats_per_thread: usize,
    /// A web service that speaks better.
    pub speech: Option<SpeechService>,
    /// Over which mail server flows send e-mails, and as whom.
    pub mail: Option<MailServer>,
    /// The program that speaks; where none is named, where Debian puts it.
    pub flite: Option<PathBuf>,
    /// What the board records of itself, where this is one.
    pub flight_recorder: Option<PathBuf>,
    /// What a board of our own wants.
    pub board: Board,
    /// Web servers on this very box that flows may reach.
    pub own_web_servers: OwnWebServers,
    /// Whose certificates web servers may have that are told of events; those that browsers trust unless told otherwise.
    pub webhook_roots: Option<PathBuf>,
    /// What those hear who wait.
    pub music_on_hold: MusicOnHold,
    /// Where recordings are brought, and how long they are kept.
    pub bucket: BucketService,
    /// Who is told of everything, if anybody.
    pub cloud: Option<CloudService>,
    /// The servers by which pages find their way to the box.
    pub ice_servers: IceUrls,
}

/// What those hear who wait, written as a file, or `off`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "PathBuf")]
pub enum MusicOnHold {
    /// Our own piece.
    #[default]
    Ours,
    /// A sound file of theirs, again and again.
    File(PathBuf),
    /// Nothing.
    Off,
}

impl Options {
    /// How many threads carry audio: no more than have ports for a call.
    pub fn media_threads(&self) -> u8 {
        let calls = (self.rtp.last - self.rtp.first).div_ceil(4).max(1);
        u16::from(self.threads.unwrap_or_else(media_threads::usual)).min(calls) as u8
    }
}

/// Whether audio is encrypted: `off`, `optional` or `required`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct EncryptionWish(pub Encryption);

/// What peers are told instead of our own address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct AdvertiseWish(pub Advertise);

/// A web service that speaks, but for its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpeechService {
    /// Its URL.
    pub url: String,
    /// The model.
    pub model: String,
    /// The voice where a flow names none.
    pub voice: String,
}

/// Somebody who is asked where names are: an address, perhaps with a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct NameServer(pub SocketAddr);

/// A mail server, but for the password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailServer {
    /// Its URL.
    pub url: String,
    /// Who writes.
    pub from: String,
}

/// Addresses of web servers on this box, written with commas between them: `127.0.0.1:3000,[::1]:3000`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct OwnWebServers(pub Vec<SocketAddr>);

/// Digest algorithms, written with commas between them, the preferred one first: `sha-256,md5`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct DigestAlgorithms(pub Vec<Algorithm>);

/// The address and the range of ports that audio uses, written `ADDR:FROM-TO`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct RtpPorts {
    /// The address.
    pub address: IpAddr,
    /// The first port, even.
    pub first: u16,
    /// The last port, odd.
    pub last: u16,
}

/// Tandem, a telephone exchange.
#[derive(Debug, Default, Parser)]
#[command(name = "tandem", version, about, disable_help_subcommand = true)]
struct Flags {
    /// The folder that holds everything that is remembered [default: /var/lib/tandem]
    #[arg(long, env = "TANDEM_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where SIP is spoken, over UDP and TCP [default: 0.0.0.0:5060]
    #[arg(long, env = "TANDEM_SIP", value_name = "ADDR:PORT")]
    sip: Option<SocketAddr>,
    /// Where the API and the web page are served [default: 0.0.0.0:8080]
    #[arg(long, env = "TANDEM_HTTP", value_name = "ADDR:PORT")]
    http: Option<SocketAddr>,
    /// Where audio arrives [default: 0.0.0.0:30000-39999]
    #[arg(long, env = "TANDEM_RTP", value_name = "ADDR:FROM-TO")]
    rtp: Option<RtpPorts>,
    /// Where browsers knock: the UDP port for the audio of all of them [default: nowhere; the usual port is 3478]
    #[arg(long, env = "TANDEM_WEBRTC", value_name = "ADDR:PORT")]
    webrtc: Option<SocketAddr>,
    /// What peers are told instead of our own address, behind a NAT: an address, stun:SERVER[:PORT] (where that server
    /// sees us), received (where providers see us), off [default: received]
    #[arg(long, env = "TANDEM_ADVERTISE", value_name = "ADDR|stun:SERVER|received|off")]
    advertise: Option<AdvertiseWish>,
    /// Who is asked where names are [default: those of /etc/resolv.conf]
    #[arg(long, env = "TANDEM_NAMESERVERS", value_name = "ADDR[:PORT],…", value_delimiter = ',', num_args = 1)]
    nameservers: Option<Vec<NameServer>>,
    /// The digest realm [default: tandem]
    #[arg(long, env = "TANDEM_REALM", value_name = "NAME")]
    realm: Option<String>,
    /// The digest algorithms offered, the preferred one first: md5, sha-256, sha-512-256. Many phones give up when they see
    /// any but md5 [default: md5]
    #[arg(long, env = "TANDEM_DIGEST", value_name = "LIST")]
    digest: Option<DigestAlgorithms>,
    /// The codecs that are offered, best first [default: opus,g722,pcma,pcmu]
    #[arg(long, env = "TANDEM_CODECS", value_name = "LIST")]
    codecs: Option<CodecList>,
    /// Whether audio is encrypted, by keys in SIP: off, optional (where the phone can do it), required (other calls are
    /// refused) [default: optional where SIP goes over TLS, else off]
    #[arg(long, env = "TANDEM_ENCRYPTION", value_name = "WORD")]
    encryption: Option<EncryptionWish>,
    /// Threads that carry audio, 1 to 16 [default: one for each core but one]
    #[arg(long, env = "TANDEM_MEDIA_THREADS", value_name = "N", value_parser = clap::value_parser!(u8).range(1..=limits::MEDIA_THREADS as i64))]
    media_threads: Option<u8>,
    /// Calls of one conference on one such thread, before the next has some of them as well
    #[arg(long, hide = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    conference_seats_per_thread: Option<u16>,
    /// What those hear who wait: a sound file (WAV, MP3, Ogg Opus), or off [default: a piece of our own]
    #[arg(long, env = "TANDEM_MUSIC_ON_HOLD", value_name = "FILE|off")]
    music_on_hold: Option<PathBuf>,
    /// Where the box stands, for the time of day in flows, e.g. Europe/Berlin [default: what was
    /// said at the page, else the machine's zone]
    #[arg(long, env = "TANDEM_TIME_ZONE", value_name = "ZONE")]
    time_zone: Option<TimeZone>,
    /// How many actions one run of a flow may take [default: 1000]
    #[arg(long, env = "TANDEM_FLOW_ACTIONS", value_name = "NUMBER")]
    flow_actions: Option<usize>,
    /// Web servers on this very box that flows may reach; all others are out of their reach, for what is on a box is
    /// often meant for nobody else [default: none]
    #[arg(long, env = "TANDEM_OWN_WEB_SERVERS", value_name = "ADDR:PORT,…")]
    own_web_servers: Option<OwnWebServers>,
    /// Whose certificates web servers may have that are told of events, PEM [default: those that browsers trust]
    #[arg(long, env = "TANDEM_WEBHOOK_ROOTS", value_name = "FILE")]
    webhook_roots: Option<PathBuf>,
    /// The program flite, which speaks the texts of flows [default: /bin/flite or /usr/bin/flite]
    #[arg(long, env = "TANDEM_FLITE", value_name = "FILE")]
    flite: Option<PathBuf>,
    /// What tandem-init records of the board, for the API to hand out [default: none]
    #[arg(long, env = "TANDEM_FLIGHT_RECORDER", value_name = "FILE")]
    flight_recorder: Option<PathBuf>,
    #[command(flatten)]
    board: BoardFlags,
    /// A web service that speaks the texts of flows, in the shape of OpenAI's /v1/audio/speech. Its key is what
    /// TANDEM_SPEECH_KEY says, once: it is kept encrypted [default: none, flite speaks]
    #[arg(long, env = "TANDEM_SPEECH_URL", value_name = "URL")]
    speech_url: Option<String>,
    /// The service's model [default: tts-1]
    #[arg(long, env = "TANDEM_SPEECH_MODEL", value_name = "NAME")]
    speech_model: Option<String>,
    /// The service's voice where a flow names none [default: alloy]
    #[arg(long, env = "TANDEM_SPEECH_VOICE", value_name = "NAME")]
    speech_voice: Option<String>,
    /// STUN and TURN servers that browsers ask: stun:HOST[:PORT], turn:HOST[:PORT][?transport=udp|tcp]. What opens a TURN server is
    /// what TANDEM_TURN_SECRET says, or TANDEM_TURN_ACCOUNT as USER:PASSWORD, once: it is kept encrypted [default: none]
    #[arg(long, env = "TANDEM_ICE_SERVERS", value_name = "URL,…")]
    ice_servers: Option<IceUrls>,
    #[command(flatten)]
    tls: TlsFlags,
    #[command(flatten)]
    bucket: BucketFlags,
    #[command(flatten)]
    cloud: CloudFlags,
    /// The mail server over which flows send e-mails: smtps://user@host, smtp://user@host:587?tls=required or smtp://host. The
    /// user's password is what TANDEM_SMTP_PASSWORD says, once: it is kept encrypted [default: none, no e-mails]
    #[arg(long, env = "TANDEM_SMTP_URL", value_name = "URL")]
    smtp_url: Option<String>,
    /// Who writes those e-mails [default: tandem@localhost]
    #[arg(long, env = "TANDEM_SMTP_FROM", value_name = "ADDRESS")]
    smtp_from: Option<String>,
    /// A TOML file with the same names as keys
    #[arg(long, env = "TANDEM_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

/// The keys of the TOML file.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    data: Option<PathBuf>,
    sip: Option<SocketAddr>,
    http: Option<SocketAddr>,
    https: Option<SocketAddr>,
    sips: Option<SocketAddr>,
    host_names: Option<Vec<String>>,
    https_redirect: Option<bool>,
    rtp: Option<RtpPorts>,
    webrtc: Option<SocketAddr>,
    advertise: Option<AdvertiseWish>,
    nameservers: Option<Vec<NameServer>>,
    realm: Option<String>,
    digest: Option<DigestAlgorithms>,
    codecs: Option<CodecList>,
    encryption: Option<EncryptionWish>,
    media_threads: Option<u8>,
    music_on_hold: Option<MusicOnHold>,
    time_zone: Option<TimeZone>,
    flow_actions: Option<usize>,
    own_web_servers: Option<OwnWebServers>,
    webhook_roots: Option<PathBuf>,
    flite: Option<PathBuf>,
    speech_url: Option<String>,
    speech_model: Option<String>,
    speech_voice: Option<String>,
    bucket_url: Option<String>,
    bucket_region: Option<String>,
    bucket_name: Option<String>,
    bucket_key_id: Option<String>,
    bucket_roots: Option<PathBuf>,
    bucket_days: Option<u16>,
    recording_days: Option<u16>,
    upload_rate: Option<u32>,
    cloud_url: Option<String>,
    cloud_certificate: Option<PathBuf>,
    cloud_key: Option<PathBuf>,
    cloud_roots: Option<PathBuf>,
    cloud_public_key: Option<PathBuf>,
    smtp_url: Option<String>,
    smtp_from: Option<String>,
    ice_servers: Option<IceUrls>,
}

/// What the command line asked for.
#[derive(Debug)]
pub enum Wish {
    /// To run.
    Run(Box<Options>),
    /// To be told something: the help or the version.
    Tell(String),
}

/// Reads flags and variables of this process, and the file they may name.
pub fn read() -> Result<Wish> {
    match Flags::try_parse() {
        Ok(flags) => Ok(Wish::Run(Box::new(complete(flags)?))),
        Err(error) if !error.use_stderr() => Ok(Wish::Tell(error.to_string())),
        Err(error) => bail!("{}", first_line(&error.to_string())),
    }
}

impl File {
    /// What it says of TLS.
    fn take_tls(&mut self) -> TlsFlags {
        TlsFlags {
            https: self.https,
            sips: self.sips,
            host_names: self.host_names.take(),
            https_redirect: self.https_redirect,
        }
    }
}

fn complete(flags: Flags) -> Result<Options> {
    let mut file = match &flags.config {
        Some(path) => read_file(path)?,
        None => File::default(),
    };
    let any = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    let tls = flags.tls.complete(file.take_tls());
    let named = flags.nameservers.or(file.nameservers);
    let seats = flags.conference_seats_per_thread.map(usize::from);
    let options = Options {
        data: flags.data.or(file.data).unwrap_or_else(|| PathBuf::from("/var/lib/tandem")),
        sip: flags.sip.or(file.sip).unwrap_or_else(|| SocketAddr::new(any, 5060)),
        http: flags.http.or(file.http).unwrap_or_else(|| SocketAddr::new(any, 8080)),
        tls,
        rtp: flags.rtp.or(file.rtp).unwrap_or(RtpPorts { address: any, first: 30_000, last: 39_999 }),
        webrtc: flags.webrtc.or(file.webrtc),
        advertise: flags.advertise.or(file.advertise).unwrap_or_default(),
        nameservers: named.into_iter().flatten().map(|server| server.0).collect(),
        realm: flags.realm.or(file.realm).unwrap_or_else(|| "tandem".into()),
        digest: flags.digest.or(file.digest).unwrap_or(DigestAlgorithms(vec![Algorithm::Md5])),
        codecs: flags.codecs.or(file.codecs).unwrap_or_default(),
        encryption: flags.encryption.or(file.encryption),
        threads: flags.media_threads.or(file.media_threads),
        conference_seats_per_thread: seats.unwrap_or(pbx::limits::SEATS_A_THREAD),
        music_on_hold: flags.music_on_hold.map(MusicOnHold::from).or(file.music_on_hold).unwrap_or_default(),
        time_zone: flags.time_zone.or(file.time_zone),
        speech: flags.speech_url.or(file.speech_url).map(|url| SpeechService {
            url,
            model: flags.speech_model.or(file.speech_model).unwrap_or_else(|| "tts-1".into()),
            voice: flags.speech_voice.or(file.speech_voice).unwrap_or_else(|| "alloy".into()),
        }),
        mail: flags.smtp_url.or(file.smtp_url).map(|url| MailServer {
            url,
            from: flags.smtp_from.or(file.smtp_from).unwrap_or_else(|| "tandem@localhost".into()),
        }),
        flite: flags.flite.or(file.flite),
        flight_recorder: flags.flight_recorder,
        board: flags.board.complete(),
        own_web_servers: flags.own_web_servers.or(file.own_web_servers).unwrap_or_default(),
        webhook_roots: flags.webhook_roots.or(file.webhook_roots),
        bucket: flags.bucket.complete(BucketFlags {
            bucket_url: file.bucket_url,
            bucket_region: file.bucket_region,
            bucket_name: file.bucket_name,
            bucket_key_id: file.bucket_key_id,
            bucket_roots: file.bucket_roots,
            bucket_days: file.bucket_days,
            recording_days: file.recording_days,
            upload_rate: file.upload_rate,
        })?,
        cloud: flags.cloud.complete(CloudFlags {
            cloud_url: file.cloud_url,
            cloud_certificate: file.cloud_certificate,
            cloud_key: file.cloud_key,
            cloud_roots: file.cloud_roots,
            cloud_public_key: file.cloud_public_key,
        })?,
        ice_servers: flags.ice_servers.or(file.ice_servers).unwrap_or_default(),
        flow_actions: flags.flow_actions.or(file.flow_actions).unwrap_or(1_000),
    };
    if options.threads.is_some_and(|threads| !(1..=limits::MEDIA_THREADS).contains(&usize::from(threads))) {
        bail!("media_threads: 1 to {}", limits::MEDIA_THREADS);
    }
    check_realm(&options.realm)?;
    if !(1..=1_000_000).contains(&options.flow_actions) {
        bail!("--flow-actions: 1 to 1000000");
    }
    Ok(options)
}

/// The realm stands in quotes in every challenge (RFC 3261 §25.1, quoted-string).
fn check_realm(realm: &str) -> Result<()> {
    if realm.is_empty() || realm.len() > 128 || realm.chars().any(|c| c.is_control() || c == '"' || c == '\\') {
        bail!("--realm: 1 to 128 characters without quotes, backslashes and control characters");
    }
    Ok(())
}

fn read_file(path: &Path) -> Result<File> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    parse_file(&text).map_err(|(line, reason)| anyhow::anyhow!("{}:{line}: {reason}", path.display()))
}

/// The file, or the line that is wrong and why.
fn parse_file(text: &str) -> Result<File, (usize, String)> {
    toml::from_str(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start.min(text.len()));
        (text.as_bytes()[..start].iter().filter(|octet| **octet == b'\n').count() + 1, first_line(error.message()))
    })
}

fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}

impl FromStr for OwnWebServers {
    type Err = String;

    fn from_str(text: &str) -> Result<OwnWebServers, String> {
        let address = |text: &str| text.trim().parse().map_err(|_| format!("'{text}' is not ADDR:PORT"));
        text.split(',').filter(|text| !text.trim().is_empty()).map(address).collect::<Result<_, _>>().map(OwnWebServers)
    }
}

impl TryFrom<String> for OwnWebServers {
    type Error = String;

    fn try_from(text: String) -> Result<OwnWebServers, String> {
        text.parse()
    }
}

impl FromStr for AdvertiseWish {
    type Err = String;

    fn from_str(text: &str) -> Result<AdvertiseWish, String> {
        let advertise = match text {
            "off" => Advertise::Nothing,
            "received" => Advertise::Received,
            text => match (text.strip_prefix("stun:"), text.parse::<IpAddr>()) {
                (Some(server), _) => {
                    let (host, port) = stun_server(server)?;
                    Advertise::Stun { host, port }
                }
                (None, Ok(address)) if address.is_unspecified() => return Err(format!("'{text}' reaches nobody")),
                (None, Ok(address)) => Advertise::Address(address),
                (None, Err(_)) => return Err(format!("'{text}' is none of ADDR, stun:SERVER[:PORT], received, off")),
            },
        };
        Ok(AdvertiseWish(advertise))
    }
}

impl TryFrom<String> for AdvertiseWish {
    type Error = String;

    fn try_from(text: String) -> Result<AdvertiseWish, String> {
        text.parse()
    }
}

/// A server and its port: `stun.example.com`, `192.0.2.1:3479`, `[2001:db8::1]:3478`.
fn stun_server(text: &str) -> Result<(String, u16), String> {
    const STUN: u16 = 3_478;
    if let Ok(address) = text.trim_matches(['[', ']']).parse::<IpAddr>() {
        return Ok((address.to_string(), STUN));
    }
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Ok((address.ip().to_string(), address.port()));
    }
    let (host, port) = match text.split_once(':') {
        Some((host, port)) => (host, port.parse().ok().filter(|port| *port != 0)),
        None => (text, Some(STUN)),
    };
    let is_name =
        (1..=253).contains(&host.len()) && host.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
    match port {
        Some(port) if is_name => Ok((host.into(), port)),
        _ => Err(format!("'{text}' is no server: a name or an address, and perhaps a port")),
    }
}

impl FromStr for NameServer {
    type Err = String;

    fn from_str(text: &str) -> Result<NameServer, String> {
        let alone = || text.parse::<IpAddr>().map(|address| SocketAddr::new(address, 53));
        let server = text.parse::<SocketAddr>().or_else(|_| alone());
        server.map(NameServer).map_err(|_| format!("'{text}' is not ADDR or ADDR:PORT"))
    }
}

impl TryFrom<String> for NameServer {
    type Error = String;

    fn try_from(text: String) -> Result<NameServer, String> {
        text.parse()
    }
}

impl FromStr for RtpPorts {
    type Err = String;

    fn from_str(text: &str) -> Result<RtpPorts, String> {
        let wrong = || format!("'{text}' is not ADDR:FROM-TO, for example 0.0.0.0:30000-39999");
        let (address, ports) = text.rsplit_once(':').ok_or_else(wrong)?;
        let address = address.strip_prefix('[').and_then(|a| a.strip_suffix(']')).unwrap_or(address);
        let (from, to) = ports.split_once('-').ok_or_else(wrong)?;
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let (from, to): (u16, u16) = (from.parse().map_err(|_| wrong())?, to.parse().map_err(|_| wrong())?);
        // RTP takes the even port of a pair (RFC 3550 §11), so half pairs at either end are left out.
        let (first, last) =
            (from.checked_next_multiple_of(2).ok_or_else(wrong)?, if to % 2 == 0 { to.wrapping_sub(1) } else { to });
        if from < 1024 || to < from || last < first || last - first < 3 {
            return Err(format!("'{text}' holds no room for a call: four ports above 1023 are the least"));
        }
        Ok(RtpPorts { address, first, last })
    }
}

impl FromStr for DigestAlgorithms {
    type Err = String;

    fn from_str(text: &str) -> Result<DigestAlgorithms, String> {
        let mut algorithms = Vec::new();
        for word in text.split(',').map(str::trim) {
            let algorithm = Algorithm::parse(word.as_bytes())
                .ok_or_else(|| format!("'{word}' is no digest algorithm: there are md5, sha-256 and sha-512-256"))?;
            if algorithms.contains(&algorithm) {
                return Err(format!("'{word}' stands in '{text}' twice"));
            }
            algorithms.push(algorithm);
        }
        Ok(DigestAlgorithms(algorithms))
    }
}

impl FromStr for EncryptionWish {
    type Err = String;

    fn from_str(text: &str) -> Result<EncryptionWish, String> {
        match text {
            "off" => Ok(EncryptionWish(Encryption::Off)),
            "optional" => Ok(EncryptionWish(Encryption::Optional)),
            "required" => Ok(EncryptionWish(Encryption::Required)),
            _ => Err(format!("'{text}' is none of off, optional, required")),
        }
    }
}

impl From<PathBuf> for MusicOnHold {
    fn from(path: PathBuf) -> MusicOnHold {
        match path.as_os_str() == "off" {
            true => MusicOnHold::Off,
            false => MusicOnHold::File(path),
        }
    }
}

impl TryFrom<String> for EncryptionWish {
    type Error = String;

    fn try_from(text: String) -> Result<EncryptionWish, String> {
        text.parse()
    }
}

impl TryFrom<String> for DigestAlgorithms {
    type Error = String;

    fn try_from(text: String) -> Result<DigestAlgorithms, String> {
        text.parse()
    }
}

impl TryFrom<String> for RtpPorts {
    type Error = String;

    fn try_from(text: String) -> Result<RtpPorts, String> {
        text.parse()
    }
}

impl fmt::Display for RtpPorts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            IpAddr::V4(address) => write!(f, "{address}:{}-{}", self.first, self.last),
            IpAddr::V6(address) => write!(f, "[{address}]:{}-{}", self.first, self.last),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(arguments: &[&str]) -> Result<Flags, String> {
        Flags::try_parse_from(std::iter::once("tandem").chain(arguments.iter().copied()))
            .map_err(|error| first_line(&error.to_string()))
    }

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("the temporary folder is writable");
        std::fs::write(file.path(), text).expect("the file was just made");
        file
    }

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
        let file = file("sip = \"127.0.0.1:5070\"\nhttp = \"127.0.0.1:8090\"\nrealm = \"house\"\ncodecs = \"g722\"\n");
        let path = file.path().to_str().expect("temporary names are plain");
        let flags = flags(&["--sip", "127.0.0.1:5080", "--config", path]).expect("the flags are right");
        let options = complete(flags).expect("the file is right");
        assert_eq!(options.sip, "127.0.0.1:5080".parse().expect("an address"));
        assert_eq!(options.http, "127.0.0.1:8090".parse().expect("an address"));
        assert_eq!(options.realm, "house");
        assert_eq!(options.codecs.to_string(), "g722");
        assert_eq!(options.rtp.to_string(), "0.0.0.0:30000-39999");
        assert_eq!(options.data, PathBuf::from("/var/lib/tandem"));
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let (line, reason) =
            parse_file("realm = \"x\"\n\nsipp = \"127.0.0.1:5060\"\n").expect_err("there is no such key");
        assert_eq!(line, 3);
        assert!(reason.contains("unknown field `sipp`"), "{reason}");
    }

    #[test]
    fn a_wrong_value_in_the_file_is_named_with_its_line() {
        let (line, reason) = parse_file("realm = \"x\"\nrtp = \"127.0.0.1:9\"\n").expect_err("no range");
        assert_eq!(line, 2);
        assert!(reason.contains("127.0.0.1:9"), "{reason}");
        let (line, _) = parse_file("sip = 5060\n").expect_err("a number is no address");
        assert_eq!(line, 1);
        let (line, _) = parse_file("realm = \"a\"\nrealm = \"b\"\n").expect_err("twice the same key");
        assert_eq!(line, 2);
    }

    #[test]
    fn a_wrong_flag_is_one_line() {
        for wrong in [
            &["--sip", "localhost"][..],
            &["--rtp", "1.2.3.4:10-20"],
            &["--nonsense"],
            &["--codecs", "mp3"],
            &["--media-threads", "0"],
            &["--media-threads", "17"],
            &["stray"],
            &["--sip"],
        ] {
            let reason = flags(wrong).expect_err("the flag is wrong");
            assert!(!reason.contains('\n') && !reason.starts_with("error"), "{reason}");
        }
        assert!(complete(flags(&["--config", "/nowhere/tandem.toml"]).expect("a path")).is_err());
        assert!(complete(flags(&["--realm", "a\"b"]).expect("a word")).is_err());
    }

    #[test]
    fn there_are_no_more_media_threads_than_ports_for_calls() {
        let threads =
            |arguments: &[&str]| complete(flags(arguments).expect("flags")).map(|options| options.media_threads());
        assert!((1..=16).contains(&threads(&[]).expect("it is complete")));
        assert_eq!(threads(&["--media-threads", "3"]).expect("it is complete"), 3);
        assert_eq!(threads(&["--media-threads", "3", "--rtp", "127.0.0.1:30000-30007"]).expect("it is complete"), 2);
        assert_eq!(threads(&["--media-threads", "3", "--rtp", "127.0.0.1:30000-30003"]).expect("it is complete"), 1);
        let file = file("media_threads = 99\n");
        let path = file.path().to_str().expect("temporary names are plain");
        assert!(complete(flags(&["--config", path]).expect("a path")).is_err());
    }

    #[test]
    fn digest_algorithms_come_in_the_order_in_which_they_are_preferred() {
        let list = |text: &str| text.parse::<DigestAlgorithms>().map(|list| list.0);
        assert_eq!(list("md5"), Ok(vec![Algorithm::Md5]));
        assert_eq!(
            list("SHA-512-256, sha-256,MD5"),
            Ok(vec![Algorithm::Sha512_256, Algorithm::Sha256, Algorithm::Md5])
        );
        for wrong in ["", ",", "md5,", "sha256", "md5 sha-256", "md5,sha-256,md5"] {
            let reason = list(wrong).expect_err("it is no list");
            assert!(reason.contains('\''), "{reason}");
        }
        let given = flags(&["--digest", "sha-256,md5"]).expect("a list");
        assert_eq!(complete(given).expect("it is complete").digest.0, [Algorithm::Sha256, Algorithm::Md5]);
        assert_eq!(complete(Flags::default()).expect("it is complete").digest.0, [Algorithm::Md5]);
        let reason = flags(&["--digest", "sha-1"]).expect_err("there is no such algorithm");
        assert!(reason.contains("--digest") && reason.contains("sha-1"), "{reason}");
        let (line, reason) = parse_file("realm = \"x\"\ndigest = \"sha-1\"\n").expect_err("no such algorithm");
        assert!(line == 2 && reason.contains("sha-1"), "{line}: {reason}");
        let parsed = parse_file("digest = \"sha-256\"\n").expect("a list");
        assert_eq!(parsed.digest, Some(DigestAlgorithms(vec![Algorithm::Sha256])));
    }

    #[test]
    fn audio_is_encrypted_as_it_is_said() {
        let given = flags(&["--encryption", "required"]).expect("a word");
        assert_eq!(complete(given).expect("it is complete").encryption.map(|wish| wish.0), Some(Encryption::Required));
        assert_eq!(complete(Flags::default()).expect("it is complete").encryption, None);
        assert_eq!(
            parse_file("encryption = \"optional\"\n").expect("a word").encryption,
            Some(EncryptionWish(Encryption::Optional))
        );
        let reason = flags(&["--encryption", "on"]).expect_err("no such word");
        assert!(reason.contains("--encryption") && reason.contains("'on'"), "{reason}");
    }

    #[test]
    fn the_public_address_is_set_asked_or_received() {
        let given = |text: &str| text.parse::<AdvertiseWish>().map(|wish| wish.0);
        let stun = |host: &str, port| Ok(Advertise::Stun { host: host.into(), port });
        assert_eq!(given("203.0.113.9"), Ok(Advertise::Address([203, 0, 113, 9].into())));
        assert_eq!(given("stun:stun.example.com"), stun("stun.example.com", 3_478));
        assert_eq!(given("stun:192.0.2.1:3479"), stun("192.0.2.1", 3_479));
        assert_eq!(given("stun:[2001:db8::1]:3479"), stun("2001:db8::1", 3_479));
        assert_eq!(given("stun:2001:db8::1"), stun("2001:db8::1", 3_478));
        assert_eq!((given("received"), given("off")), (Ok(Advertise::Received), Ok(Advertise::Nothing)));
        assert_eq!(complete(Flags::default()).expect("it is complete").advertise.0, Advertise::Received);
        for wrong in ["0.0.0.0", "::", "here", "", "stun:", "stun:a b", "stun:host:0", "stun:host:x", "stun:a:1:2"] {
            let reason = given(wrong).expect_err("it is nothing of that");
            assert!(reason.contains('\''), "{reason}");
        }
    }

    #[test]
    fn name_servers_may_have_ports() {
        let servers = |text: &str| complete(flags(&["--nameservers", text])?).map_err(|error| error.to_string());
        let list = servers("192.0.2.1,[2001:db8::1]:5353,2001:db8::2").expect("a list").nameservers;
        let words: Vec<String> = list.iter().map(ToString::to_string).collect();
        assert_eq!(words, ["192.0.2.1:53", "[2001:db8::1]:5353", "[2001:db8::2]:53"]);
        let reason = servers("192.0.2.1,dns").expect_err("a name says nothing before there is a server");
        assert!(reason.contains("'dns'"), "{reason}");
        let read = parse_file("nameservers = [\"192.0.2.1:5353\"]\n").expect("a list").nameservers;
        assert_eq!(read.expect("it is there")[0].0.port(), 5_353);
    }

    #[test]
    fn music_is_ours_theirs_or_off() {
        let music = |arguments: &[&str]| complete(flags(arguments).expect("a file")).expect("complete").music_on_hold;
        assert_eq!(music(&[]), MusicOnHold::Ours);
        assert_eq!(music(&["--music-on-hold", "off"]), MusicOnHold::Off);
        assert_eq!(music(&["--music-on-hold", "/a/b.mp3"]), MusicOnHold::File("/a/b.mp3".into()));
        let parsed = parse_file("music_on_hold = \"off\"\n").expect("a word");
        assert_eq!(parsed.music_on_hold, Some(MusicOnHold::Off));
    }

    #[test]
    fn ports_come_in_whole_pairs() {
        let ports = |text: &str| text.parse::<RtpPorts>().map(|ports| ports.to_string());
        assert_eq!(ports("10.0.0.1:30000-30009").as_deref(), Ok("10.0.0.1:30000-30009"));
        assert_eq!(ports("10.0.0.1:30001-30008").as_deref(), Ok("10.0.0.1:30002-30007"));
        assert_eq!(ports("[::]:1024-65535").as_deref(), Ok("[::]:1024-65535"));
        for wrong in [
            "",
            "1.2.3.4",
            "1.2.3.4:5",
            "1.2.3.4:9-1",
            "1.2.3.4:2000-2002",
            "1.2.3.4:0-100",
            "1.2.3.4:65535-65535",
            "x:2000-3000",
        ] {
            assert!(ports(wrong).is_err(), "{wrong}");
        }
    }
}
