//! How many calls between browsers (Opus in SRTP) and telephones (G.711) the engine carries on one core, and how many libopus alone would.

use media::srtp::{Inbound, Keys, MasterKey, Outbound, Profile};

use super::*;
use crate::usage;

/// Calls at a time.
const CALLS: u32 = 200;
/// Packets of each in one window: a second.
const TICKS: usize = 50;
const ROUNDS: usize = 8;
/// What browsers and we agree on.
const PROFILE: Profile = Profile::AeadAes256Gcm;

/// Runs a second of all calls, of the same without ciphers, and of libopus, by turns.
pub fn measure(_: &Prepared) -> Result<()> {
    let speech = speech(SampleRate::Khz8);
    let (opus, law) = (packets(&opus_format())?, packets(&AudioFormat::new(Codec::Pcmu, 0))?);
    let (mut calls, mut open) = (Calls::new(Some(PROFILE))?, Calls::new(None)?);
    let mut bare: Vec<Bare> = (0..CALLS).map(|_| Bare::new()).collect::<Result<_>>()?;
    let (mut ours, mut limits, mut ratios, mut open_ratios) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let places = (0..TICKS).map(|tick| (round * TICKS + tick) % PACKETS);
        let (mut spent, mut unciphered) = (Duration::ZERO, Duration::ZERO);
        for place in places.clone() {
            spent += calls.tick(&opus[place], &law[place])?;
        }
        for place in places.clone() {
            unciphered += open.tick(&opus[place], &law[place])?;
        }
        let made = std::mem::take(&mut calls.made);
        let begin = usage::own_cpu()?;
        for place in places {
            bare.iter_mut().try_for_each(|bare| bare.carry(&opus[place], &speech[place * 160..][..160]))?;
        }
        let alone = usage::own_cpu()? - begin;
        // In the first second the jitter buffers fill.
        if round > 0 {
            let wanted = 2 * CALLS as usize * TICKS;
            ensure!(made * 100 >= wanted * 99, "only {made} of {wanted} packets came out");
            let carried = |spent: Duration| f64::from(CALLS) * TICKS as f64 * TICK.as_secs_f64() / spent.as_secs_f64();
            ours.push(carried(spent));
            limits.push(carried(alone));
            ratios.push(spent.as_secs_f64() / alone.as_secs_f64());
            open_ratios.push(unciphered.as_secs_f64() / alone.as_secs_f64());
        }
    }
    let carried = median(ours);
    print("opus_srtp_g711_calls_on_a_core", carried, "calls");
    print("opus_srtp_g711_200_calls_core_share", 100.0 * f64::from(CALLS) / carried, "%");
    print("libopus_alone_allows", median(limits), "calls");
    print("opus_srtp_g711_to_libopus", median(ratios), "ratio");
    print("opus_rtp_g711_to_libopus", median(open_ratios), "ratio");
    Ok(())
}

/// Two hundred calls in one engine. All browsers have the same keys, so that what they say is encrypted once; the engine cannot know.
struct Calls {
    engine: Engine,
    tick: u32,
    ciphers: Option<(Outbound, Inbound)>,
    made: usize,
    out: [u8; media::limits::AUDIO_PACKET],
}

impl Calls {
    fn new(profile: Option<Profile>) -> Result<Calls> {
        let mut engine = Engine::new(Config { keepalive: None, ..Config::default() }, [1; 32]);
        let key = |profile: Profile, fill| MasterKey::new(profile, &vec![fill; profile.key_len() + profile.salt_len()]);
        let keys = |profile| Ok(Keys { send: key(profile, 1)?, receive: key(profile, 2)?, receive_key_id_len: 0 });
        let keys: Option<Keys> = profile.map(keys).transpose().map_err(|error: media::srtp::KeyLength| error)?;
        let ours = if keys.is_some() { Latch::Nominated } else { Latch::Symmetric };
        let (wide, narrow) = (Format::new(Codec::Opus, DYNAMIC), Format::new(Codec::Pcmu, 0));
        let wide = Format { send: opus_format(), ..wide };
        for call in 0..CALLS {
            let (a, b) = (StreamId(2 * call), StreamId(2 * call + 1));
            for (stream, format, latch) in [(a, wide, ours), (b, narrow, Latch::Symmetric)] {
                engine.handle_command(Duration::ZERO, Command::Open { stream, port: 10_000 });
                let remote = Remote { rtp: phone(stream.0), rtcp: phone(stream.0) };
                let direction = Direction::SendRecv;
                let configure = Command::Configure { stream, remote, format, direction, latch, keys: None };
                engine.handle_command(Duration::ZERO, configure);
            }
            if let Some(keys) = keys.clone() {
                let secure = Command::Secure { stream: a, remote: phone(a.0), keys: Box::new(keys) };
                engine.handle_command(Duration::ZERO, secure);
            }
            engine.handle_command(Duration::ZERO, Command::Connect { a, b });
            while engine.poll_event().is_some() {}
        }
        let ciphers = keys.map(|keys| (Outbound::new(&keys.receive), Inbound::new(&keys.send, 0)));
        Ok(Calls { engine, tick: 0, ciphers, made: 0, out: [0; media::limits::AUDIO_PACKET] })
    }

    /// Everybody says 20 ms; what the engine took of the processor for it.
    fn tick(&mut self, opus: &[u8], law: &[u8]) -> Result<Duration> {
        let now = TICK * self.tick;
        let mut said = [Vec::new(), Vec::new()];
        for (packet, (payload_type, clock, payload)) in said.iter_mut().zip([(DYNAMIC, 960, opus), (0, 160, law)]) {
            packet.extend_from_slice(&[0x80, payload_type]);
            packet.extend_from_slice(&(self.tick as u16).to_be_bytes());
            packet.extend_from_slice(&(self.tick * clock).to_be_bytes());
            packet.extend_from_slice(&[0, 0, 0, 7]);
            packet.extend_from_slice(payload);
        }
        if let Some((browser, _)) = &mut self.ciphers {
            let len = said[0].len();
            said[0].resize(len + media::srtp::RTP_OVERHEAD, 0);
            let len = browser.protect(&mut said[0], len)?;
            said[0].truncate(len);
        }
        self.tick += 1;
        let (begin, mut packet) = (usage::own_cpu()?, Vec::with_capacity(1_500));
        for id in 0..2 * CALLS {
            packet.clear();
            packet.extend_from_slice(&said[id as usize % 2]);
            self.engine.handle_packet(now, Socket::rtp(StreamId(id)), phone(id), &mut packet[..]);
        }
        let mut heard = None;
        while self.engine.poll_timeout().is_some_and(|deadline| deadline.at <= now) {
            self.engine.handle_timeout(now);
            while let Some(forward) = self.engine.poll_audio(black_box(&mut self.out)) {
                self.made += 1;
                if forward.at.stream == StreamId(0) {
                    heard = Some(self.out[..forward.len].to_vec());
                }
            }
            while self.engine.poll_transmit().is_some() {}
            while self.engine.poll_event().is_some() {}
        }
        let spent = usage::own_cpu()? - begin;
        // What goes to a browser is what a browser can read.
        if let (Some(mut packet), Some((_, ours))) = (heard, &mut self.ciphers) {
            ours.unprotect(&mut packet).context("what went to a browser")?;
        }
        Ok(spent)
    }
}
