//! `external_media_start`: a program listens to the call and speaks into it, by RTP.
//!
//! The program has a stream and a port of its own, which are given back when it is told to stop or the leg ends.

use std::net::{IpAddr, SocketAddr};

use media::{Codec, Format, SampleRate, Sides, StreamId};

use crate::call::{CALLER, Call, ladder};
use crate::context::Context;
use crate::flow::Outcome;
use crate::flow::order::{Encapsulation, ExternalMedia, Order};
use crate::names::{self, Located, Question, Waiter};

/// The payload type of linear samples, which have none of their own at 8 kHz.
const LINEAR: u8 = 96;

impl Call {
    /// Lets a program listen and speak.
    pub(super) fn start_program(&mut self, ctx: &mut Context, program: Box<ExternalMedia>) -> Option<Outcome> {
        if program.encapsulation == Encapsulation::AudioSocket {
            return Some(self.refuse_unavailable(ctx, "external_media_start with the encapsulation audiosocket"));
        }
        let Some((host, port)) = split(&program.host) else {
            return Some(Outcome::Failed("external_host is not host:port".into()));
        };
        let address = match host.parse::<IpAddr>() {
            Ok(address) => SocketAddr::new(address, port),
            Err(_) => {
                let question = Question {
                    host: host.into(),
                    port: Some(port),
                    transport: Some(sip::Transport::Udp),
                    may_be_tls: false,
                };
                match names::locate(ctx, &question, Waiter::Flow(self.key)) {
                    Located::At(places) => places[0].remote,
                    Located::Nowhere(_) => return Some(Outcome::Failed(format!("nobody knows where {host} is"))),
                    Located::Asked => {
                        self.wait_for_place(ctx, Order::StartExternalMedia(program));
                        return None;
                    }
                }
            }
        };
        Some(match self.attach_program(ctx, address, &program) {
            Ok(()) => Outcome::Done,
            Err(reason) => Outcome::Failed(reason.into()),
        })
    }

    fn attach_program(
        &mut self,
        ctx: &mut Context,
        address: SocketAddr,
        program: &ExternalMedia,
    ) -> Result<(), &'static str> {
        let (hears, speaks) = (sides(&program.listens), sides(&program.speaks));
        if hears == Sides::default() && speaks == Sides::default() {
            return Err("the program would neither listen nor speak");
        }
        if address.ip().is_unspecified() || address.ip().is_multicast() || address.port() == u16::MAX {
            return Err("external_host is no address that a program can have");
        }
        let leg = &self.legs[CALLER];
        if leg.program.is_some() {
            return Err("a program listens to the call already");
        }
        let negotiated = leg.audio.stream().filter(|_| leg.is_up() && leg.audio.is_negotiated());
        let (Some(to), key) = (negotiated, leg.key) else { return Err("the call is not answered") };
        let Some(port) = ctx.ports.take(self.lane) else {
            ctx.totals.port_exhaustions += 1;
            return Err("no RTP port is free");
        };
        let stream = ctx.index.new_stream(key);
        ctx.programs.insert(stream, port);
        self.legs[CALLER].program = Some(stream);
        ctx.media(media::Command::Open { stream, port });
        ctx.media(media::Command::Configure {
            stream,
            remote: media::Remote { rtp: address, rtcp: SocketAddr::new(address.ip(), address.port() + 1) },
            format: format_of(&program.format),
            direction: match (hears != Sides::default(), speaks != Sides::default()) {
                (true, true) => media::Direction::SendRecv,
                (true, false) => media::Direction::SendOnly,
                (false, _) => media::Direction::RecvOnly,
            },
            latch: media::Latch::Signalled,
            keys: None,
        });
        ctx.media(media::Command::Attach { program: stream, to, hears, speaks });
        let words = format!("port {port}\n{}", program.format);
        self.ladder.media(ctx.unix(), (ladder::CALL, ladder::MEDIA), format!("a program at {address}"), words);
        Ok(())
    }

    pub(super) fn stop_program_for_flow(&mut self, ctx: &mut Context) -> Outcome {
        match self.end_program(ctx, CALLER) {
            true => Outcome::Done,
            false => Outcome::Failed("no program listens to the call".into()),
        }
    }

    /// The program of a leg is let go; whether there was one.
    pub fn end_program(&mut self, ctx: &mut Context, place: usize) -> bool {
        let Some(stream) = self.legs[place].program.take() else { return false };
        ctx.media(media::Command::Close { stream });
        self.ladder.media(ctx.unix(), (ladder::CALL, ladder::MEDIA), "the program is let go", String::new());
        true
    }

    /// The media thread has no place for the program's stream.
    pub fn lose_program(&mut self, ctx: &mut Context, place: usize, reason: &str) {
        self.legs[place].program = None;
        let label = "the program's stream could not be opened";
        self.ladder.media(ctx.unix(), (ladder::MEDIA, ladder::CALL), label, reason.to_string());
    }
}

/// The stream of a program is gone: its port may serve another one.
pub fn forget(ctx: &mut Context, stream: StreamId) {
    ctx.index.streams.remove(&stream);
    if let Some(port) = ctx.programs.remove(&stream) {
        ctx.ports.give_back(ctx.now, port);
    }
}

/// Host and port; the host of an IPv6 address stands in brackets.
fn split(host: &str) -> Option<(&str, u16)> {
    let (host, port) = host.rsplit_once(':')?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let port = port.parse().ok().filter(|port| *port != 0)?;
    (!bare.is_empty()).then_some((bare, port))
}

/// VoIPBIN's direction, seen from the exchange: `in` is what the phone says, `out` what it hears.
fn sides(direction: &str) -> Sides {
    Sides { said: matches!(direction, "in" | "both"), heard: matches!(direction, "out" | "both") }
}

fn format_of(name: &str) -> Format {
    match name {
        "alaw" => Format::new(Codec::Pcma, 8),
        "slin" => Format::new(Codec::L16(SampleRate::Khz8), LINEAR),
        _ => Format::new(Codec::Pcmu, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_a_port() {
        assert_eq!(split("192.0.2.7:9092"), Some(("192.0.2.7", 9092)));
        assert_eq!(split("[2001:db8::7]:9092"), Some(("2001:db8::7", 9092)));
        assert_eq!(split("speech.example.com:1"), Some(("speech.example.com", 1)));
        for wrong in ["", "192.0.2.7", ":9092", "192.0.2.7:", "192.0.2.7:0", "192.0.2.7:65536", "a:b"] {
            assert_eq!(split(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn directions_are_seen_from_the_exchange() {
        assert_eq!(sides("in"), Sides { said: true, heard: false });
        assert_eq!(sides("out"), Sides { said: false, heard: true });
        assert_eq!(sides("both"), Sides { said: true, heard: true });
        assert_eq!(sides(""), Sides::default());
    }
}
