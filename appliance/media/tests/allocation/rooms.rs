//! Transcoding, conferences, playing and recording allocate nothing while they go on.

use std::net::SocketAddr;
use std::time::Duration;

use media::{
    Codec, Command, ConferenceId, Config, Direction, Engine, Format, Lane, Latch, Layout, Parcel, Partial, Playable,
    PlaybackId, RecordingId, Remote, SampleRate, Socket, StreamId, Target,
};

use crate::counting::allocations;
use crate::forwarding::phone;

const CALLS: u32 = 8;
const SEATS: u32 = 12;
const RECORDED: u32 = 100;

fn open(engine: &mut Engine, id: u32, codec: Codec) {
    let stream = StreamId(id);
    engine.handle_command(Duration::ZERO, Command::Open { stream, port: 10_000 + 2 * id as u16 });
    let remote = Remote { rtp: phone(id), rtcp: SocketAddr::new(phone(id).ip(), 40_001) };
    let format = Format::new(codec, codec.static_payload_type().unwrap_or(97));
    let (direction, latch) = (Direction::SendRecv, Latch::Symmetric);
    engine.handle_command(Duration::ZERO, Command::Configure { stream, remote, format, direction, latch, keys: None });
}

fn codec(id: u32) -> Codec {
    match id {
        RECORDED.. => Codec::Pcmu,
        _ if id % 2 == 1 => Codec::L16(SampleRate::Khz16),
        _ => Codec::Pcmu,
    }
}

/// Transcoded calls from 0 on, a conference behind them, and a forwarded call that is recorded.
fn busy() -> Engine {
    let mut engine = Engine::new(Config::default(), [1; 32]);
    for id in (0..2 * CALLS + SEATS).chain(RECORDED..RECORDED + 2) {
        open(&mut engine, id, codec(id));
    }
    let mut order = |command| engine.handle_command(Duration::ZERO, command);
    for call in 0..CALLS {
        order(Command::Connect { a: StreamId(2 * call), b: StreamId(2 * call + 1) });
    }
    order(Command::OpenConference { conference: ConferenceId(1), loudest: None });
    for seat in 2 * CALLS..2 * CALLS + SEATS {
        order(Command::Join { stream: StreamId(seat), conference: ConferenceId(1) });
    }
    // It has a part in another engine.
    order(Command::LinkConference { conference: ConferenceId(1), with: Lane(1) });
    order(Command::Connect { a: StreamId(RECORDED), b: StreamId(RECORDED + 1) });
    let (of, rate) = (Target::Stream(StreamId(RECORDED)), SampleRate::Khz8);
    let recording = RecordingId(1);
    order(Command::Record { recording, of, layout: Layout::Stereo, rate, end_of_silence: None });
    order(Command::Play { playback: PlaybackId(1), to: Target::Stream(StreamId(0)), what: Playable::Music });
    assert_eq!(engine.counters().refused_commands, 0);
    for _ in 0..4 {
        engine.handle_buffer(recording, vec![0; 3_200].into());
    }
    engine
}

fn speak(engine: &mut Engine, now: Duration, tick: u32, id: u32) -> bool {
    let wide = codec(id) != Codec::Pcmu;
    let (payload, units) = if wide { (640, 320) } else { (160, 160) };
    let mut packet = [(tick * 31 + id * 7) as u8; 652];
    packet[0] = 0x80;
    packet[1] = if wide { 97 } else { 0 };
    packet[2..4].copy_from_slice(&(tick as u16).to_be_bytes());
    packet[4..8].copy_from_slice(&(tick * units).to_be_bytes());
    packet[8..12].copy_from_slice(&id.to_be_bytes());
    engine.handle_packet(now, Socket::rtp(StreamId(id)), phone(id), &mut packet[..12 + payload]).is_some()
}

pub fn ten_thousand_ticks() {
    let mut engine = busy();
    let mut packet = [0; media::limits::AUDIO_PACKET];
    let (mut elsewhere, mut exchanged) = (Partial::silence(ConferenceId(1), SampleRate::Khz8), 0u64);
    let (mut warm, mut made, mut forwarded, mut recorded) = (0, 0u64, 0u64, 0u64);
    for tick in 0..11_000 {
        let now = Duration::from_millis(20) * tick;
        if tick == 1_000 {
            warm = allocations();
        }
        for id in (0..2 * CALLS + SEATS).chain(RECORDED..RECORDED + 2) {
            // Every so often a packet is lost.
            if (tick + id) % 53 != 0 {
                forwarded += u64::from(speak(&mut engine, now, tick, id));
            }
        }
        for step in 0..5 {
            let now = now + Duration::from_millis(4) * step;
            while engine.poll_timeout().is_some_and(|deadline| deadline.at <= now) {
                engine.handle_timeout(now);
                // The other engine says what this one did.
                if let Some((_, partial)) = engine.poll_partial() {
                    elsewhere.clone_from(partial);
                    engine.handle_partial(now, Lane(1), &elsewhere);
                    exchanged += u64::from(!elsewhere.pcm().is_empty());
                }
                made += std::iter::from_fn(|| engine.poll_audio(&mut packet)).count() as u64;
            }
        }
        while let Some(parcel) = engine.poll_parcel() {
            let Parcel::Recorded { recording, buffer } = parcel else { continue };
            recorded += buffer.len as u64;
            engine.handle_buffer(recording, buffer.pcm);
        }
        std::iter::from_fn(|| engine.poll_event()).count();
        std::iter::from_fn(|| engine.poll_transmit()).count();
    }
    assert_eq!(allocations() - warm, 0);
    assert!(made > 300_000, "{made}");
    assert!(forwarded > 20_000, "{forwarded}");
    assert!(recorded > 3_000_000, "{recorded}");
    assert!(exchanged > 9_000, "{exchanged}");
    assert_eq!(engine.counters().lost_events + engine.counters().lost_transmits, 0);
}
