//! Audio that is found by ICE and secured by DTLS, as browsers have it and no other.
//!
//! The exchange only names who may come and how: the finding and the handshake are done elsewhere ([`Output::Webrtc`]), the keys
//! never come here.

use std::net::{IpAddr, SocketAddr};

use media::StreamId;
use media::webrtc::{Agreement, Command, Credentials, Fingerprint, Hash, Role};
use sip::sdp::webrtc::{self, Ours, Says, Theirs};
use sip::sdp::{Capabilities, OpusParameters, Refusal, SessionDescription};
use sip::{Flow, Transport};

use super::{Audio, reached_at};
use crate::context::Context;
use crate::exchange::Output;
use crate::settings::{Settings, Webrtc};

/// What names characters of credentials (RFC 8839 §5.4).
const ICE_CHARS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/// Characters of a name: 48 bits, enough that two are never the same.
const UFRAG: usize = 8;
/// Characters of a password: 144 bits; 128 are asked for.
const PASSWORD: usize = 24;

/// Whether an offer of such audio could be answered.
pub fn can_answer(settings: &Settings, offer: &SessionDescription) -> Result<(), Refusal> {
    settings.webrtc.as_ref().ok_or(Refusal::NoBrowsers)?;
    let index = offer.media.iter().position(|media| media.is_audio()).ok_or(Refusal::NoAudio)?;
    webrtc::read((offer, index), Says::Offer { were_we_active: false }).map(drop)
}

/// What of the box a leg needs whose audio is such, if it is: because it is offered so, was so before, or because its phone is a browser,
/// which has no other.
pub fn wanted(ctx: &Context, audio: &Audio, flow: &Flow, offer: Option<&SessionDescription>) -> Option<Webrtc> {
    let own = ctx.settings.webrtc.as_ref()?;
    let before = audio.local.as_ref().map(SessionDescription::has_handshake);
    let is_browser = matches!(flow.transport, Transport::Ws | Transport::Wss);
    let is_wanted = offer.map_or(before.unwrap_or(is_browser), SessionDescription::has_handshake);
    is_wanted.then(|| own.clone())
}

/// Adds to what we can do for a leg how it is found and secured.
pub fn add(
    ctx: &mut Context,
    audio: &mut Audio,
    (flow, own, offer): (&Flow, &Webrtc, Option<&SessionDescription>),
    to: &mut Capabilities,
) {
    let credentials = credentials(ctx, audio, offer);
    let places = |bound| places(ctx, flow, (bound, own));
    let agreed = audio.negotiated.as_ref().and_then(|agreed| agreed.webrtc.as_ref());
    to.webrtc = Some(Box::new(Ours {
        addresses: places(own.address),
        tcp_addresses: own.tcp.map(places).unwrap_or_default(),
        ufrag: credentials.ufrag,
        password: credentials.password,
        fingerprint: own.fingerprint,
        was_active: agreed.is_some_and(|theirs| theirs.are_we_active),
    }));
    to.comfort_noise = false;
    for codec in to.codecs.iter_mut().filter(|codec| codec.map.is("opus")) {
        // A browser sends one channel, less while nobody speaks, and what can be told of a lost packet.
        let said = OpusParameters::parse(codec.fmtp.as_deref());
        let wished = OpusParameters { stereo: false, sends_stereo: false, in_band_fec: true, dtx: true, ..said };
        codec.fmtp = wished.to_fmtp();
    }
}

/// Ours, under which a browser may come: those that it has, unless it has begun anew (RFC 8839 §4.4.3.1.1).
fn credentials(ctx: &mut Context, audio: &mut Audio, offer: Option<&SessionDescription>) -> Credentials {
    let before = audio.negotiated.as_ref().and_then(|agreed| agreed.webrtc.as_ref());
    let goes_on = |offer: &SessionDescription| {
        let index = offer.media.iter().position(|media| media.is_audio());
        let theirs = index.and_then(|index| webrtc::read((offer, index), Says::Offer { were_we_active: false }).ok());
        before.zip(theirs).is_none_or(|(before, theirs)| before.ufrag == theirs.ufrag)
    };
    if let Some(ours) = audio.ice.as_ref().filter(|_| offer.is_none_or(goes_on)) {
        return ours.clone();
    }
    let ours = Credentials { ufrag: draw(ctx, UFRAG), password: draw(ctx, PASSWORD) };
    audio.ice = Some(ours.clone());
    if let Some(stream) = audio.stream() {
        ctx.output(Output::Webrtc(Command::Expect { stream, ours: ours.clone() }));
    }
    ours
}

fn draw(ctx: &mut Context, len: usize) -> String {
    let mut octets = vec![0; len];
    ctx.fill(&mut octets);
    octets.into_iter().map(|octet| char::from(ICE_CHARS[usize::from(octet % 64)])).collect()
}

/// Where a browser can reach us, the likeliest first.
pub fn addresses(ctx: &Context, flow: &Flow, own: &Webrtc) -> Vec<IpAddr> {
    let places = places(ctx, flow, (own.address, own));
    places.iter().map(SocketAddr::ip).collect()
}

/// Where of this a browser can reach us, the likeliest first.
fn places(ctx: &Context, flow: &Flow, (at, own): (SocketAddr, &Webrtc)) -> Vec<SocketAddr> {
    let bound = at.ip();
    let here = if bound.is_unspecified() { flow.local.ip() } else { bound };
    let others = own.addresses.iter().copied().filter(|_| bound.is_unspecified());
    let mut found: Vec<IpAddr> = Vec::new();
    for address in [reached_at(ctx, flow), here].into_iter().chain(others) {
        if address.is_ipv4() == bound.is_ipv4() && !found.contains(&address) {
            found.push(address);
        }
    }
    found.into_iter().map(|address| SocketAddr::new(address, at.port())).collect()
}

/// Says who comes.
pub fn agree(ctx: &mut Context, stream: StreamId, theirs: &Theirs) {
    let (hash, octets) = &theirs.fingerprint;
    let hash = match hash {
        webrtc::Hash::Sha256 => Hash::Sha256,
        webrtc::Hash::Sha384 => Hash::Sha384,
        webrtc::Hash::Sha512 => Hash::Sha512,
    };
    let theirs = Agreement {
        ufrag: theirs.ufrag.clone(),
        fingerprint: Fingerprint { hash, octets: octets.clone() },
        role: if theirs.are_we_active { Role::Active } else { Role::Passive },
    };
    ctx.output(Output::Webrtc(Command::Agree { stream, theirs }));
}

/// Says that nobody comes any more.
pub fn close(ctx: &mut Context, audio: &mut Audio) {
    if let (Some(_), Some(stream)) = (audio.ice.take(), audio.stream()) {
        ctx.output(Output::Webrtc(Command::Close { stream }));
    }
    audio.secured = None;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::audio::Audio;

    /// An offer as a browser makes it, with nothing but Opus.
    const OFFER: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\n\
        a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=setup:actpass\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n";

    #[test]
    fn who_offers_it_to_a_box_that_has_none_is_told_so() {
        let offer = SessionDescription::parse(OFFER.as_bytes()).expect("it is a description");
        for codecs in [Settings::default().codecs, vec![media::Codec::Pcmu]] {
            let settings = Settings { codecs, ..Settings::default() };
            let refusal = Audio::can_answer(&settings, (Transport::Wss, None), &offer).expect_err("there is none");
            assert_eq!(refusal.warning(), (399, "WebRTC is off here: it takes --webrtc"));
        }
    }
}
