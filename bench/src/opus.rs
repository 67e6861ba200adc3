//! What a call between Opus and G.711 costs in the engine over libopus alone, decoding and encoding the same, in one run.

pub mod calls;

use std::hint::black_box;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use audiopus::coder::{Decoder, Encoder};
use audiopus::packet::Packet;
use audiopus::{Application, Bitrate, Channels, MutSignals};
use media::codec::{self, opus};
use media::{
    AudioFormat, Codec, Command, Config, Direction, Engine, Format, Latch, OpusSettings, Remote, SampleRate, Socket,
    StreamId,
};

use crate::histogram::median;
use crate::print;
use crate::server::Prepared;

/// Packets of 20 ms of speech, and how often it is said.
const PACKETS: usize = 250;
const ROUNDS: usize = 25;
const TICK: Duration = Duration::from_millis(20);
/// The payload type of Opus.
const DYNAMIC: u8 = 111;
/// What phones and browsers that meet a telephone are asked for.
const BITRATE: i32 = 20_000;
/// Percent of packets that our encoder is told may be lost.
const LOSS: u8 = 5;

/// Runs the engine and libopus by turns.
pub fn measure(_: &Prepared) -> Result<()> {
    let speech = speech(SampleRate::Khz8);
    let (opus, law) = (packets(&opus_format())?, packets(&AudioFormat::new(Codec::Pcmu, 0))?);
    let (mut call, mut bare) = (Call::new(), Bare::new()?);
    let mut ratios = Vec::new();
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        let made: usize = opus.iter().zip(&law).map(|(opus, law)| call.tick(opus, law)).sum();
        let ours = begin.elapsed();
        // A few are missing at the beginning, until the jitter buffers have filled.
        ensure!(made + 20 > 2 * PACKETS, "only {made} packets came out");
        let begin = Instant::now();
        for (opus, pcm) in opus.iter().zip(speech.chunks_exact(160)) {
            bare.carry(opus, pcm)?;
        }
        ratios.push(ours.as_secs_f64() / begin.elapsed().as_secs_f64());
    }
    print("opus_leg_to_libopus", median(ratios), "ratio");
    Ok(())
}

/// Something like speech: a voice that changes its pitch and loudness, with breath and pauses.
fn speech(rate: SampleRate) -> Vec<i16> {
    let hz = f64::from(rate.hz());
    let (mut phase, mut random) = (0.0_f64, 1_u32);
    let sample = |n: usize| {
        let seconds = n as f64 / hz;
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = f64::from((random >> 16) as i16) / 32_768.0;
        phase += std::f64::consts::TAU * (140.0 + 40.0 * (seconds * 4.0).sin()) / hz;
        let syllable = (seconds * 12.0).sin().max(0.0);
        let voice: f64 = (1..=20).map(|harmonic| (phase * f64::from(harmonic)).sin() / f64::from(harmonic)).sum();
        (6_000.0 * syllable * voice + 400.0 * noise * (1.0 - syllable) + 20.0 * noise) as i16
    };
    (0..rate.frame() * PACKETS).map(sample).collect()
}

fn opus_format() -> AudioFormat {
    let settings = OpusSettings { in_band_fec: true, ..OpusSettings::default() };
    AudioFormat::new(Codec::Opus, DYNAMIC).with_opus(settings)
}

/// The speech as a phone or browser sends it, which does not know that it is bridged with a telephone.
fn packets(format: &AudioFormat) -> Result<Vec<Vec<u8>>> {
    let mut encoder = codec::Encoder::new(format)?;
    let speech = speech(encoder.sample_rate());
    let one = |pcm: &[i16]| {
        let mut payload = [0; 2_000];
        let encoded = encoder.encode(pcm, &mut payload)?;
        Ok(payload[..encoded.len].to_vec())
    };
    speech.chunks_exact(speech.len() / PACKETS).map(one).collect()
}

/// A call in an engine of its own.
struct Call {
    engine: Engine,
    tick: u32,
    packet: Vec<u8>,
    out: [u8; media::limits::AUDIO_PACKET],
}

impl Call {
    fn new() -> Call {
        let mut engine = Engine::new(Config { keepalive: None, ..Config::default() }, [1; 32]);
        let mut order = |command| engine.handle_command(Duration::ZERO, command);
        let (wide, narrow) = (Format::new(Codec::Opus, DYNAMIC), Format::new(Codec::Pcmu, 0));
        for (id, format) in [(0, Format { send: opus_format(), ..wide }), (1, narrow)] {
            let stream = StreamId(id);
            order(Command::Open { stream, port: 10_000 });
            let remote = Remote { rtp: phone(id), rtcp: phone(id) };
            let (direction, latch) = (Direction::SendRecv, Latch::Symmetric);
            order(Command::Configure { stream, remote, format, direction, latch, keys: None });
        }
        order(Command::Connect { a: StreamId(0), b: StreamId(1) });
        Call { engine, tick: 0, packet: Vec::new(), out: [0; media::limits::AUDIO_PACKET] }
    }

    /// Both say 20 ms; how many packets went out.
    fn tick(&mut self, opus: &[u8], law: &[u8]) -> usize {
        let now = TICK * self.tick;
        for (id, payload_type, clock, payload) in [(0, DYNAMIC, 960, opus), (1, 0, 160, law)] {
            self.packet.clear();
            self.packet.extend_from_slice(&[0x80, payload_type]);
            self.packet.extend_from_slice(&(self.tick as u16).to_be_bytes());
            self.packet.extend_from_slice(&(self.tick * clock).to_be_bytes());
            self.packet.extend_from_slice(&[0, 0, 0, 7]);
            self.packet.extend_from_slice(payload);
            self.engine.handle_packet(now, Socket::rtp(StreamId(id)), phone(id), &mut self.packet[..]);
        }
        self.tick += 1;
        let mut made = 0;
        while self.engine.poll_timeout().is_some_and(|deadline| deadline.at <= now) {
            self.engine.handle_timeout(now);
            while self.engine.poll_audio(black_box(&mut self.out)).is_some() {
                made += 1;
            }
            while self.engine.poll_transmit().is_some() {}
            while self.engine.poll_event().is_some() {}
        }
        made
    }
}

fn phone(id: u32) -> SocketAddr {
    ([198, 51, 100, id as u8], 40_000 + (id >> 8) as u16).into()
}

/// libopus alone, set up alike.
struct Bare {
    decoder: Decoder,
    encoder: Encoder,
}

impl Bare {
    fn new() -> Result<Bare> {
        let rate = audiopus::SampleRate::Hz8000;
        let mut encoder = Encoder::new(rate, Channels::Mono, Application::Voip).context("libopus")?;
        encoder.set_complexity(opus::COMPLEXITY)?;
        encoder.set_bitrate(Bitrate::BitsPerSecond(BITRATE))?;
        encoder.set_inband_fec(true)?;
        encoder.set_packet_loss_perc(LOSS)?;
        Ok(Bare { decoder: Decoder::new(rate, Channels::Mono)?, encoder })
    }

    fn carry(&mut self, opus: &[u8], samples: &[i16]) -> Result<()> {
        let (mut pcm, mut payload) = ([0; 160], [0; 1_275]);
        let room = MutSignals::try_from(&mut pcm[..])?;
        black_box(self.decoder.decode(Some(Packet::try_from(opus)?), room, false)?);
        black_box(self.encoder.encode(samples, &mut payload)?);
        Ok(())
    }
}
