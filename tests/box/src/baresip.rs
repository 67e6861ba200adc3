//! A phone: Debian's baresip, driven by its TCP control, hearing into a WAV file.
//!
//! baresip 1.0 has no player into a file; what it hears is kept by its `sndfile` filter. It plays a tone of its own.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::child::Child;
use crate::sound::{self, Sound};
use crate::{Api, wait};

/// How a phone is set up.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The extension.
    pub number: String,
    /// The SIP password.
    pub password: String,
    /// `udp`, `tcp` or `tls`.
    pub transport: &'static str,
    /// The pitch of the tone it plays, in hertz.
    pub pitch: u32,
    /// How loud it plays it: 1.0 is as loud as it can be.
    pub loudness: f64,
    /// Whether it answers by itself.
    pub answers: bool,
    /// Its codecs, best first, as baresip names them.
    pub codecs: &'static str,
    /// How it encrypts audio, as baresip names it: `srtp` where the peer can, `srtp-mand` always. Empty: not at all.
    pub encryption: &'static str,
    /// Whether its audio is found by ICE and secured by DTLS, as that of a browser is.
    pub is_browser: bool,
    /// Whom it trusts where it speaks TLS, as a PEM file.
    pub authority: Option<PathBuf>,
    /// Where the phone registers.
    pub registrar: SocketAddr,
    /// The phone's own address.
    pub host: IpAddr,
}

impl Setup {
    /// A phone of an exchange: UDP, 440 Hz, answered by hand.
    pub fn new(exchange: &Api, number: &str) -> Setup {
        Setup {
            number: number.into(),
            password: format!("secret{number}"),
            transport: "udp",
            pitch: 440,
            loudness: 1.0,
            answers: false,
            codecs: "pcmu,pcma",
            encryption: "",
            is_browser: false,
            authority: None,
            registrar: exchange.sip_address(),
            host: exchange.sip_address().ip(),
        }
    }

    /// The same over TCP.
    pub fn over_tcp(self) -> Setup {
        Setup { transport: "tcp", ..self }
    }

    /// The same over TLS, to this address, trusting the authority of this file.
    pub fn over_tls(self, registrar: SocketAddr, authority: PathBuf) -> Setup {
        Setup { transport: "tls", registrar, authority: Some(authority), ..self }
    }

    /// The same with audio as browsers have it.
    pub fn as_browser(self) -> Setup {
        Setup { is_browser: true, encryption: "dtls_srtp", ..self }
    }

    /// The same with another tone.
    pub fn playing(self, pitch: u32) -> Setup {
        Setup { pitch, ..self }
    }

    /// The same, less loud: where several are heard together, their sum has to stay below what 16 bits hold.
    pub fn at_loudness(self, loudness: f64) -> Setup {
        Setup { loudness, ..self }
    }

    /// The same, answering by itself.
    pub fn answering(self) -> Setup {
        Setup { answers: true, ..self }
    }

    /// Makes the extension, starts the phone, and waits until it is registered.
    pub fn registered(self, exchange: &Api) -> Result<Phone> {
        let number = self.number.clone();
        exchange.add_extension(&number)?;
        let phone = self.start()?;
        exchange.await_registrations(&number, 1)?;
        Ok(phone)
    }

    /// Starts it; it begins to register at once.
    pub fn start(self) -> Result<Phone> {
        Phone::start(self)
    }
}

/// A running phone.
pub struct Phone {
    /// The process.
    pub process: Child,
    /// How it was set up.
    pub setup: Setup,
    /// Its own SIP port.
    pub port: u16,
    control: TcpStream,
    unread: Vec<u8>,
    home: tempfile::TempDir,
}

impl Phone {
    fn start(setup: Setup) -> Result<Phone> {
        let home = tempfile::tempdir()?;
        let (sip, control, rtp) = (ports::free(4), ports::free(2), ports::free(20));
        std::fs::write(home.path().join("config"), config(&setup, (sip, control, rtp), home.path().to_path_buf()))?;
        std::fs::write(home.path().join("accounts"), account(&setup))?;
        std::fs::write(home.path().join("contacts"), "")?;
        if setup.loudness < 1.0 {
            let tone = (f64::from(setup.pitch), setup.loudness);
            sound::write_tone(&home.path().join("tone.wav"), source_format(&setup), tone)?;
        }
        let mut command = Command::new("baresip");
        if setup.is_browser {
            show_certificate_of_ec(&mut command, home.path())?;
        }
        let mut process = Child::start(command.arg("-f").arg(home.path()).arg("-s"))?;
        let control = wait::until("baresip's control port", || {
            (!process.is_running())
                .then_some(None)
                .or_else(|| TcpStream::connect(("127.0.0.1", control)).ok().map(Some))
        })?;
        let Some(control) = control else { bail!("baresip ended at once: {}", process.said().join("\n")) };
        control.set_read_timeout(Some(Duration::from_millis(50)))?;
        Ok(Phone { process, setup, port: sip, control, unread: Vec::new(), home })
    }

    /// Gives a command of baresip's menu: `dial`, `hangup`, `accept`, `hold`, `resume`, …
    pub fn command(&mut self, command: &str, parameter: &str) -> Result<()> {
        let message = json!({"command": command, "params": parameter, "token": command}).to_string();
        write!(self.control, "{}:{message},", message.len())?;
        Ok(())
    }

    /// Calls a number at the exchange.
    pub fn dial(&mut self, number: &str) -> Result<()> {
        let uri = format!("sip:{number}@{};transport={}", self.setup.registrar, self.setup.transport);
        self.command("dial", &uri)
    }

    /// Waits for an event: `CALL_RINGING`, `CALL_ESTABLISHED`, `CALL_CLOSED`, … Those before it are skipped.
    pub fn await_event(&mut self, kind: &str) -> Result<Value> {
        let mut skipped = Vec::new();
        let found = wait::until(&format!("{kind} at phone {}", self.setup.number), || {
            while let Ok(Some(event)) = self.next_message() {
                if event["type"] == kind {
                    return Some(event);
                }
                skipped.push(event);
            }
            None
        });
        found.with_context(|| format!("there were {skipped:#?}\nit said\n{}", self.process.said().join("\n")))
    }

    /// Waits until the phone itself says that it is registered.
    pub fn await_registered(&self) -> Result<()> {
        wait::until(&format!("phone {} to be registered", self.setup.number), || {
            self.process.said().iter().any(|line| line.contains("200 OK") && line.contains("binding")).then_some(())
        })
    }

    /// The next message of the control connection: `<length>:<JSON>,`.
    fn next_message(&mut self) -> Result<Option<Value>> {
        let mut piece = [0; 4096];
        if let Ok(count) = self.control.read(&mut piece) {
            self.unread.extend_from_slice(&piece[..count]);
        }
        let Some(colon) = self.unread.iter().position(|byte| *byte == b':') else { return Ok(None) };
        let length: usize = std::str::from_utf8(&self.unread[..colon])?.parse()?;
        let end = colon + 1 + length;
        if self.unread.len() <= end {
            return Ok(None);
        }
        let message = serde_json::from_slice(&self.unread[colon + 1..end])?;
        self.unread.drain(..=end);
        Ok(Some(message))
    }

    /// What it has heard in its latest call. Ends the phone, which completes the file.
    pub fn heard(mut self) -> Result<Sound> {
        self.process.signal(libc::SIGTERM);
        self.process.wait(wait::PATIENCE).context("baresip ends on SIGTERM")?;
        let mut files: Vec<PathBuf> = std::fs::read_dir(self.home.path())?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.to_string_lossy().ends_with("-dec.wav"))
            .collect();
        files.sort();
        let latest = files.last().with_context(|| format!("nothing was heard: {}", self.process.said().join("\n")))?;
        sound::read_wav(latest)
    }
}

/// Gives the phone a certificate as browsers have them: its own is RSA.
fn show_certificate_of_ec(command: &mut Command, home: &Path) -> Result<()> {
    let (library, certificate) = (home.join("ec.so"), home.join("certificate.pem"));
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/src/baresip_ec.c");
    run(Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(source))?;
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-nodes", "-days", "30", "-subj", "/CN=phone", "-newkey", "ec"]);
    let options = ["-pkeyopt", "ec_paramgen_curve:prime256v1", "-keyout"];
    run(openssl.args(options).arg(&certificate).arg("-out").arg(home.join("public.pem")))?;
    let both = [std::fs::read(&certificate)?, std::fs::read(home.join("public.pem"))?].concat();
    std::fs::write(&certificate, both)?;
    command.env("LD_PRELOAD", library).env("TANDEM_TEST_CERTIFICATE", certificate);
    Ok(())
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

fn account(setup: &Setup) -> String {
    let Setup { number, password, transport, registrar, codecs, encryption, .. } = setup;
    let answer = if setup.answers { "auto" } else { "manual" };
    let mut encryption = if encryption.is_empty() { String::new() } else { format!(";mediaenc={encryption}") };
    if setup.is_browser {
        encryption.push_str(";medianat=ice");
    }
    // A phone without a password belongs to no exchange.
    let interval = if password.is_empty() { 0 } else { 60 };
    format!(
        "\"Phone {number}\" <sip:{number}@{registrar};transport={transport}>;auth_user={number};auth_pass={password};\
         regint={interval};answermode={answer};audio_codecs={codecs}{encryption}\n"
    )
}

/// Samples a second and channels of what a phone plays. ausine has but one format. A file has that of the phone's first codec,
/// because baresip's way from one rate to another takes up to 3 dB away, more of some pitches than of others.
fn source_format(setup: &Setup) -> (u32, u16) {
    match setup.codecs.split(['/', ',']).next() {
        Some("pcmu" | "pcma") if setup.loudness < 1.0 => (8_000, 1),
        Some("G722") if setup.loudness < 1.0 => (16_000, 1),
        _ => (48_000, 2),
    }
}

fn config(setup: &Setup, ports: (u16, u16, u16), home: PathBuf) -> String {
    let (sip, control, rtp) = ports;
    let modules = "/usr/lib/baresip/modules";
    let last = rtp + 19;
    let home = home.display();
    let (rate, channels) = source_format(setup);
    // ausine plays a tone as loud as can be.
    let source = match setup.loudness < 1.0 {
        true => format!("aufile,{home}/tone.wav"),
        false => format!("ausine,{}", setup.pitch),
    };
    let (host, listen) = (setup.host, SocketAddr::new(setup.host, sip));
    let authority = setup.authority.as_ref().map(|file| format!("sip_cafile {}\n", file.display())).unwrap_or_default();
    let (mux, browser) = if setup.is_browser { ("yes", "module dtls_srtp.so\nmodule ice.so\n") } else { ("no", "") };
    format!(
        "poll_method epoll\nsip_listen {listen}\nnet_interface {host}\ncall_local_timeout 120\ncall_max_calls 4\n\
         audio_player aubridge,nil\naudio_source {source}\naudio_alert aubridge,nil\nausrc_srate {rate}\nausrc_channels {channels}\n\
         auplay_srate 8000\nausrc_format s16\nauplay_format s16\nauenc_format s16\naudec_format s16\naudio_buffer 20-160\n\
         rtp_ports {rtp}-{last}\nrtcp_mux {mux}\njitter_buffer_delay 1-5\n\
         module_path {modules}\nmodule g711.so\nmodule g722.so\nmodule opus.so\nmodule srtp.so\n{browser}module sndfile.so\n\
         module ausine.so\nmodule aufile.so\nmodule aubridge.so\n\
         module_tmp account.so\nmodule_app menu.so\nmodule_app ctrl_tcp.so\nctrl_tcp_listen 127.0.0.1:{control}\nsnd_path {home}\n{authority}"
    )
}
