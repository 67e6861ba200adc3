//! The audio of a leg: offer and answer (RFC 3264) on one side, the media engine's stream on the other.

mod encryption;
mod format;
mod preference;
#[cfg(test)]
mod tests;
mod webrtc;

use std::net::IpAddr;

use media::{Codec, Lane, StreamId, needs_transcoding};
use sip::endpoint::Body;
use sip::sdp::{
    Capabilities, Connection, Direction, Encryption, Local, Negotiated, Refusal, RtpMap, SessionDescription,
    UsedNumbers, offer_answer,
};
use sip::{Flow, Transport};

use super::LegKey;
use super::cause::Cause;
use crate::context::Context;
use crate::settings::Settings;
use encryption::Secrecy;
use format::format_of;
pub use preference::Preference;

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
    /// The payload types that have had a meaning in this session.
    used: UsedNumbers,
    /// Whether we hold the call: we do not want to hear the phone.
    holds: bool,
    /// Whether the phone is still to be told of that.
    news: bool,
    /// How it is encrypted.
    secrecy: Secrecy,
    /// Under which names and passwords a browser comes, where one does.
    ice: Option<media::webrtc::Credentials>,
    /// How its audio is encrypted, once the handshake is over.
    secured: Option<&'static str>,
}

impl Audio {
    /// Audio that is encrypted as it is set of who is at the other end. `None`: as the exchange does it.
    pub fn encrypted(set: Option<Encryption>) -> Audio {
        Audio { secrecy: Secrecy::of(set), ..Audio::default() }
    }

    /// Whether an offer has an audio stream with a codec of ours, encrypted or not as it has to be.
    pub fn can_answer(
        settings: &Settings,
        (transport, set): (Transport, Option<Encryption>),
        offer: &SessionDescription,
    ) -> Result<(), Refusal> {
        let is_spoken = preference::can_answer(settings, offer);
        match offer.has_handshake() {
            // Where there are no browsers, codecs are not what is lacking.
            true if is_spoken || settings.webrtc.is_none() => webrtc::can_answer(settings, offer),
            false if is_spoken => settings.encryption_over(transport, set).can_answer(offer),
            true | false => Err(Refusal::NoCommonCodec),
        }
    }

    /// Whether its audio can become that of another leg, once both are known.
    pub fn goes_with(&self, settings: &Settings, other: &Audio) -> bool {
        let (Some(ours), Some(theirs)) = (&self.negotiated, &other.negotiated) else { return true };
        let (Some(ours), Some(theirs)) = (format_of(ours), format_of(theirs)) else { return false };
        let forwarded = !needs_transcoding(&ours, &theirs) && !needs_transcoding(&theirs, &ours);
        forwarded || preference::go_together(settings, ours.send.codec, theirs.send.codec)
    }

    /// Takes a port of a media thread, if there is none yet.
    pub fn reserve(&mut self, ctx: &mut Context, lane: Lane) -> Result<u16, Cause> {
        if let Place::Reserved { port } | Place::Open { port, .. } = self.place {
            return Ok(port);
        }
        let Some(port) = ctx.ports.take(lane) else {
            ctx.totals.port_exhaustions += 1;
            return Err(Cause::NO_CIRCUIT);
        };
        self.place = Place::Reserved { port };
        Ok(port)
    }

    /// Has the media engine open the port, which is taken if there is none yet.
    pub fn open(&mut self, ctx: &mut Context, leg: LegKey, lane: Lane) -> Result<(), Cause> {
        let port = self.reserve(ctx, lane)?;
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

    /// Somebody is rung in this leg, of whom this is set; what was said to another before counts no more.
    pub fn begin_anew(&mut self, ctx: &mut Context, set: Option<Encryption>) {
        webrtc::close(ctx, self);
        (self.negotiated, self.local) = (None, None);
        self.secrecy = Secrecy::of(set);
    }

    /// Who is rung refused an offer that leaves it the choice: the next one insists on encryption. False where that was
    /// not what it was offered.
    pub fn insist(&mut self) -> bool {
        let insists = self.local.as_ref().is_some_and(|local| self.secrecy.may_insist(local));
        if insists {
            (self.negotiated, self.local) = (None, None);
            self.secrecy.insist();
        }
        insists
    }

    /// Whether our latest description insists on encryption.
    pub fn offered_secure(&self) -> bool {
        self.local.as_ref().is_some_and(SessionDescription::is_secure)
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
        self.negotiated.as_ref().and_then(|agreed| codec_of(&agreed.codec().map))
    }

    /// The codec as records show it: `PCMU/8000`.
    pub fn codec_name(&self) -> Option<String> {
        self.codec().map(|codec| format!("{}/{}", codec.name(), codec.clock_rate()))
    }

    /// The suite by which it is encrypted as records show it: `AES_CM_128_HMAC_SHA1_80`. `None`: it is not.
    pub fn suite_name(&self) -> Option<&'static str> {
        let by_keys = self.negotiated.as_ref()?.crypto.as_ref().map(|crypto| crypto.suite.name());
        by_keys.or(self.secured)
    }

    /// The handshake with a browser is over; how its audio is encrypted from now on.
    pub fn note_secured(&mut self, suite: &'static str) {
        self.secured = Some(suite);
    }

    /// An offer with everything we can do.
    pub fn offer(&mut self, ctx: &mut Context, flow: &Flow, preference: &Preference) -> Body {
        let mut capabilities = preference.to_offer(&ctx.settings);
        let local = self.add_security(ctx, (flow, None), &mut capabilities);
        let offer = offer_answer::offer(&capabilities, &local, self.local.as_ref());
        self.offered = true;
        self.say(offer)
    }

    /// The answer to an offer; the media engine follows it.
    pub fn answer(
        &mut self,
        ctx: &mut Context,
        flow: &Flow,
        offer: (&SessionDescription, &Preference),
    ) -> Result<Body, Refusal> {
        let (offer, preference) = offer;
        let mut capabilities = preference.to_answer(&ctx.settings, offer);
        let local = self.add_security(ctx, (flow, Some(offer)), &mut capabilities);
        let (mut answer, negotiated) = offer_answer::answer(offer, &capabilities, &local)?;
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
        self.secrecy.check(&negotiated)?;
        self.offered = false;
        self.agree(ctx, negotiated);
        Ok(())
    }

    /// Our latest description once more: in a 200 after a 183 that carried it.
    pub fn repeat(&self) -> Body {
        Body::sdp(self.local.as_ref().map(SessionDescription::to_bytes).unwrap_or_default())
    }

    /// Our latest description as an offer that changes nothing (RFC 4028 §7.4: same version) but what we have to tell.
    pub fn repeat_as_offer(&mut self) -> Body {
        self.offered = true;
        let direction = self.wanted();
        if let (true, Some(local)) = (std::mem::take(&mut self.news), &mut self.local) {
            for media in local.media.iter_mut().filter(|media| media.is_audio() && media.port != 0) {
                media.direction = Some(direction);
            }
            local.origin.version = local.origin.version.saturating_add(1);
        }
        self.repeat()
    }

    /// Whether the peer reaches us elsewhere than it was told; then it is to be told.
    pub fn follow(&mut self, ctx: &Context, flow: &Flow) -> bool {
        let address = Connection::Ip(match webrtc::wanted(ctx, self, flow, None) {
            Some(own) => webrtc::addresses(ctx, flow, &own).first().copied().unwrap_or(own.address.ip()),
            None => reached_at(ctx, flow),
        });
        let Some(local) = self.local.as_mut().filter(|local| local.connection.as_ref() != Some(&address)) else {
            return false;
        };
        // The origin stays what it was (RFC 3264 §8).
        local.connection = Some(address);
        self.news = true;
        true
    }

    /// Holds the call from now on, or takes it up again; whether the phone is to be told.
    pub fn hold(&mut self, holds: bool) -> bool {
        self.news = self.holds != holds && self.local.is_some();
        self.holds = holds;
        self.news
    }

    /// Whether the phone is still to be told that we hold, or hold no longer.
    pub fn has_news(&self) -> bool {
        self.news
    }

    fn wanted(&self) -> Direction {
        if self.holds { Direction::SendOnly } else { Direction::SendRecv }
    }

    /// The stream is closed, or will never be opened: its port may serve another leg.
    pub fn give_back(&mut self, ctx: &mut Context) {
        webrtc::close(ctx, self);
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
        self.used.note(&description);
        self.local = Some(description);
        self.repeat()
    }

    /// Adds to what we can do how it is encrypted, and says where audio is received.
    fn add_security(
        &mut self,
        ctx: &mut Context,
        (flow, offer): (&Flow, Option<&SessionDescription>),
        to: &mut Capabilities,
    ) -> Local {
        let (mut address, mut port) = (reached_at(ctx, flow), self.port());
        match webrtc::wanted(ctx, self, flow, offer) {
            Some(own) => {
                webrtc::add(ctx, self, (flow, &own, offer), to);
                let first = to.webrtc.as_ref().and_then(|ours| ours.addresses.first());
                (address, port) = first.map_or((address, port), |first| (first.ip(), first.port()));
            }
            None => encryption::add(ctx, self, (flow.transport, offer), to),
        }
        let session_id = ctx.random_below(1 << 62);
        Local { address, port, session_id, direction: self.wanted(), used: self.used }
    }

    fn agree(&mut self, ctx: &mut Context, negotiated: Negotiated) {
        if let (Some(stream), Some(format)) = (self.stream(), format_of(&negotiated)) {
            let remote = media::Remote { rtp: negotiated.remote_rtp, rtcp: negotiated.remote_rtcp };
            let direction = direction_of(negotiated.direction);
            let latch = if negotiated.webrtc.is_some() { media::Latch::Nominated } else { media::Latch::Symmetric };
            ctx.media(media::Command::Configure {
                stream,
                remote,
                format,
                direction,
                latch,
                keys: encryption::keys_of(&negotiated),
            });
            if let Some(theirs) = &negotiated.webrtc {
                webrtc::agree(ctx, stream, theirs);
            }
        }
        self.negotiated = Some(negotiated);
    }
}

/// Where the peer of a flow reaches our audio.
fn reached_at(ctx: &Context, flow: &Flow) -> IpAddr {
    let bound = ctx.settings.rtp;
    let own = if bound.is_unspecified() { flow.local.ip() } else { bound };
    ctx.sip.reached().address_for(own, flow.remote.ip())
}

fn codec_of(map: &RtpMap) -> Option<Codec> {
    Codec::from_rtpmap(&map.name, map.clock_rate, map.channels)
}

fn direction_of(direction: Direction) -> media::Direction {
    match direction {
        Direction::SendRecv => media::Direction::SendRecv,
        Direction::SendOnly => media::Direction::SendOnly,
        Direction::RecvOnly => media::Direction::RecvOnly,
        Direction::Inactive => media::Direction::Inactive,
    }
}
