//! The audio of a leg: offer and answer (RFC 3264) on one side, the media engine's stream on the other.

use media::{Codec, Format, StreamId, TelephoneEvent};
use sip::Flow;
use sip::endpoint::Body;
use sip::sdp::{self, Capabilities, Direction, Local, Negotiated, Refusal, SessionDescription, offer_answer};

use super::LegKey;
use super::cause::Cause;
use crate::context::Context;

/// What we can do, best first where nobody prefers anything.
const CODECS: [Codec; 2] = [Codec::Pcmu, Codec::Pcma];

/// The order in which codecs are offered or chosen: what the other leg speaks first, so that nothing is transcoded.
#[derive(Debug, Clone, Copy, Default)]
pub struct Preference {
    first: Option<Codec>,
    /// Whether nothing but the first is wanted where the peer has it.
    only: bool,
}

impl Preference {
    /// For the phones that are rung: what the caller offers first.
    pub fn of_caller(offer: Option<&SessionDescription>) -> Preference {
        let first = offer.and_then(|offer| spoken(offer).next());
        Preference { first, only: false }
    }

    /// For the leg that is bridged with this one: what this one speaks.
    pub fn of_leg(audio: &Audio) -> Preference {
        Preference { first: audio.codec(), only: true }
    }

    fn capabilities(self, offer: Option<&SessionDescription>) -> Capabilities {
        let mut codecs = CODECS.to_vec();
        if let Some(first) = self.first {
            codecs.sort_by_key(|codec| *codec != first);
            if self.only && offer.is_some_and(|offer| spoken(offer).any(|codec| codec == first)) {
                codecs.truncate(1);
            }
        }
        let describe = |codec: Codec| {
            let number = codec.static_payload_type().unwrap_or(96);
            sdp::Codec::new(number, codec.name(), codec.clock_rate())
        };
        Capabilities { codecs: codecs.into_iter().map(describe).collect(), ..Capabilities::default() }
    }
}

/// Where the media engine receives a leg's audio.
#[derive(Debug, Clone, Copy, Default)]
enum Place {
    /// Nowhere.
    #[default]
    None,
    /// The port is ours; nothing listens yet.
    Reserved { port: u16 },
    /// A stream listens.
    Open { port: u16, stream: StreamId },
}

/// The audio of one leg.
#[derive(Debug, Default)]
pub struct Audio {
    place: Place,
    /// Our latest description.
    local: Option<SessionDescription>,
    /// An offer of ours that waits for its answer.
    offered: bool,
    negotiated: Option<Negotiated>,
}

impl Audio {
    /// Whether an offer has an audio stream with a codec of ours.
    pub fn can_answer(offer: &SessionDescription) -> bool {
        spoken(offer).next().is_some()
    }

    /// Takes a port, if there is none yet.
    pub fn reserve(&mut self, ctx: &mut Context) -> Result<u16, Cause> {
        if let Place::Reserved { port } | Place::Open { port, .. } = self.place {
            return Ok(port);
        }
        let Some(port) = ctx.ports.take() else {
            ctx.totals.port_exhaustions += 1;
            return Err(Cause::NO_CIRCUIT);
        };
        self.place = Place::Reserved { port };
        Ok(port)
    }

    /// Has the media engine open the port, which is taken if there is none yet.
    pub fn open(&mut self, ctx: &mut Context, leg: LegKey) -> Result<(), Cause> {
        let port = self.reserve(ctx)?;
        let stream = ctx.index.new_stream(leg);
        ctx.media(media::Command::Open { stream, port });
        self.place = Place::Open { port, stream };
        Ok(())
    }

    /// The stream, while there is one.
    pub fn stream(&self) -> Option<StreamId> {
        match self.place {
            Place::Open { stream, .. } => Some(stream),
            Place::None | Place::Reserved { .. } => None,
        }
    }

    /// Whether there is a stream.
    pub fn is_open(&self) -> bool {
        self.stream().is_some()
    }

    /// Our RTP port; 0, which SDP reads as none, before there is one.
    pub fn port(&self) -> u16 {
        match self.place {
            Place::Open { port, .. } | Place::Reserved { port } => port,
            Place::None => 0,
        }
    }

    /// Whether both sides have agreed on something.
    pub fn is_negotiated(&self) -> bool {
        self.negotiated.is_some()
    }

    /// Whether an offer of ours waits for its answer.
    pub fn awaits_answer(&self) -> bool {
        self.offered
    }

    /// Our offer was refused; what was agreed on before stays.
    pub fn withdraw_offer(&mut self) {
        self.offered = false;
    }

    /// Whether the phone holds the call: it does not want to hear us.
    pub fn is_held(&self) -> bool {
        self.negotiated.as_ref().is_some_and(Negotiated::is_held)
    }

    /// The codec we send.
    pub fn codec(&self) -> Option<Codec> {
        self.negotiated.as_ref().and_then(|agreed| codec_of(&agreed.codec().map.name))
    }

    /// The codec as records show it: `PCMU/8000`.
    pub fn codec_name(&self) -> Option<String> {
        self.codec().map(|codec| format!("{}/{}", codec.name(), codec.clock_rate()))
    }

    /// An offer with everything we can do.
    pub fn offer(&mut self, ctx: &mut Context, flow: &Flow, preference: Preference) -> Body {
        let local = self.local_address(ctx, flow);
        let offer = offer_answer::offer(&preference.capabilities(None), &local, self.local.as_ref());
        self.offered = true;
        self.say(offer)
    }

    /// The answer to an offer; the media engine follows it.
    pub fn answer(
        &mut self,
        ctx: &mut Context,
        flow: &Flow,
        offer: (&SessionDescription, Preference),
    ) -> Result<Body, Refusal> {
        let (offer, preference) = offer;
        let local = self.local_address(ctx, flow);
        let (mut answer, negotiated) = offer_answer::answer(offer, &preference.capabilities(Some(offer)), &local)?;
        if let Some(previous) = &self.local {
            answer.follow(previous);
        }
        self.agree(ctx, negotiated);
        Ok(self.say(answer))
    }

    /// The answer of the peer to our offer; the media engine follows it.
    pub fn accept(&mut self, ctx: &mut Context, answer: &SessionDescription) -> Result<(), Refusal> {
        let Some(offer) = &self.local else { return Err(Refusal::Mismatch) };
        let negotiated = offer_answer::accept_answer(offer, answer)?;
        self.offered = false;
        self.agree(ctx, negotiated);
        Ok(())
    }

    /// Our latest description once more: in a 200 after a 183 that carried it.
    pub fn repeat(&self) -> Body {
        Body::sdp(self.local.as_ref().map(SessionDescription::to_bytes).unwrap_or_default())
    }

    /// Our latest description as an offer that changes nothing (RFC 4028 §7.4: same version).
    pub fn repeat_as_offer(&mut self) -> Body {
        self.offered = true;
        self.repeat()
    }

    /// The stream is closed, or will never be opened: its port may serve another leg.
    pub fn give_back(&mut self, ctx: &mut Context) {
        match std::mem::take(&mut self.place) {
            Place::None => {}
            Place::Reserved { port } => ctx.ports.give_back(ctx.now, port),
            Place::Open { port, stream } => {
                ctx.index.streams.remove(&stream);
                ctx.ports.give_back(ctx.now, port);
            }
        }
    }

    fn say(&mut self, description: SessionDescription) -> Body {
        self.local = Some(description);
        self.repeat()
    }

    fn local_address(&self, ctx: &mut Context, flow: &Flow) -> Local {
        let bound = ctx.settings.rtp;
        let own = if bound.is_unspecified() { flow.local.ip() } else { bound };
        let address = ctx.settings.advertised(own);
        Local { address, port: self.port(), session_id: ctx.random_below(1 << 62), direction: Direction::SendRecv }
    }

    fn agree(&mut self, ctx: &mut Context, negotiated: Negotiated) {
        if let (Some(stream), Some(format)) = (self.stream(), format_of(&negotiated)) {
            let remote = media::Remote { rtp: negotiated.remote_rtp, rtcp: negotiated.remote_rtcp };
            let direction = direction_of(negotiated.direction);
            ctx.media(media::Command::Configure { stream, remote, format, direction, latch: media::Latch::Symmetric });
        }
        self.negotiated = Some(negotiated);
    }
}

fn codec_of(name: &str) -> Option<Codec> {
    CODECS.into_iter().find(|codec| codec.name().eq_ignore_ascii_case(name))
}

/// The codecs of ours that an offer has for its first audio stream, in the offerer's order.
fn spoken(offer: &SessionDescription) -> impl Iterator<Item = Codec> {
    let audio = offer.media.iter().find(|media| media.is_audio());
    audio.into_iter().flat_map(|media| &media.formats).filter_map(|format| codec_of(&format.map.as_ref()?.name))
}

fn direction_of(direction: Direction) -> media::Direction {
    match direction {
        Direction::SendRecv => media::Direction::SendRecv,
        Direction::SendOnly => media::Direction::SendOnly,
        Direction::RecvOnly => media::Direction::RecvOnly,
        Direction::Inactive => media::Direction::Inactive,
    }
}

fn format_of(negotiated: &Negotiated) -> Option<Format> {
    let chosen = negotiated.codec();
    let mut format = Format::new(codec_of(&chosen.map.name)?, chosen.send);
    format.receive = [None; media::limits::RECEIVE_FORMATS];
    for agreed in &negotiated.codecs {
        if let Some(codec) = codec_of(&agreed.map.name) {
            format = format.receiving(codec, agreed.receive);
        }
    }
    if let Some(event) = negotiated.telephone_event() {
        let clock_rate = event.map.clock_rate;
        format.telephone_event = TelephoneEvent { send: Some(event.send), receive: Some(event.receive), clock_rate };
    }
    format.comfort_noise = negotiated.comfort_noise.is_some();
    format.ptime_ms = negotiated.ptime;
    Some(format)
}
