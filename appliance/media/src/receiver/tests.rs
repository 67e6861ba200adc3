//! The receiver behind networks and clocks of every kind, in virtual time.

use super::*;
use crate::codec::Encoder;
use crate::format::Codec;
use crate::test_sound::{Dice, level, speech, tone};
use crate::{AudioFormat, Format};

/// A phone that sends sound, and what is heard of it.
struct Line {
    receiver: Receiver,
    encoder: Encoder,
    payload_type: u8,
    clock_rate: u32,
    /// Samples in a packet.
    packet: usize,
    /// How much slower than ours its clock is, in millionths.
    slow: f64,
    sequence: u64,
    timestamp: u32,
    /// The next packet leaves then.
    leaves: f64,
    /// Packets on their way, by arrival.
    on_the_way: Vec<(f64, OnTheWay)>,
    ticks: u64,
    heard: Vec<i16>,
    kinds: Vec<Kind>,
    delays: Vec<f64>,
}

struct OnTheWay {
    sequence: u64,
    timestamp: u32,
    payload_type: u8,
    payload: Vec<u8>,
}

impl Line {
    fn new(format: &Format, settings: Settings) -> Line {
        let encoder = Encoder::new(&format.send).unwrap();
        Line {
            receiver: Receiver::new(format, settings),
            packet: encoder.sample_rate().frame(),
            encoder,
            payload_type: format.send.payload_type,
            clock_rate: format.send.codec.clock_rate(),
            slow: 0.0,
            sequence: 65_000,
            timestamp: u32::MAX - 10_000,
            leaves: 1_000.0,
            on_the_way: Vec::new(),
            ticks: 0,
            heard: Vec::new(),
            kinds: Vec::new(),
            delays: Vec::new(),
        }
    }

    fn of(codec: Codec) -> Line {
        let format = Format::new(codec, codec.static_payload_type().unwrap_or(96)).with_comfort_noise();
        Line::new(&format, Settings::default())
    }

    /// The same with a delay that does not change.
    fn steady(codec: Codec) -> Line {
        let delay = Duration::from_millis(40);
        let settings = Settings { minimum: delay, initial: delay, ..Settings::default() };
        Line::new(&Format::new(codec, codec.static_payload_type().unwrap_or(96)), settings)
    }

    /// Milliseconds that a packet is long, by our clock.
    fn ptime(&self) -> f64 {
        let nominal = self.packet as f64 / self.encoder.sample_rate().per_ms() as f64;
        nominal * (1.0 + self.slow / 1e6)
    }

    fn units(&self) -> u32 {
        (self.packet as u64 * u64::from(self.clock_rate) / u64::from(self.encoder.sample_rate().hz())) as u32
    }

    /// Sends `sound`; a packet takes as many milliseconds as `delay` says to arrive, or is lost.
    fn talk(&mut self, sound: &[i16], mut delay: impl FnMut(usize) -> Option<f64>) {
        for (index, frame) in sound.chunks_exact(self.packet).enumerate() {
            self.leaves += self.ptime();
            let mut payload = vec![0; 4_000];
            let len = self.encoder.encode(frame, &mut payload).unwrap().len;
            payload.truncate(len);
            let (sequence, timestamp, payload_type) = (self.sequence, self.timestamp, self.payload_type);
            let packet = OnTheWay { sequence, timestamp, payload_type, payload };
            if let Some(delay) = delay(index) {
                self.on_the_way.push((self.leaves + delay, packet));
            }
            self.sequence += 1;
            self.timestamp = self.timestamp.wrapping_add(self.units());
            self.hear(self.leaves);
        }
    }

    /// Sends one packet of any kind now.
    fn send(&mut self, payload_type: u8, payload: &[u8]) {
        let (sequence, timestamp) = (self.sequence, self.timestamp);
        let packet = OnTheWay { sequence, timestamp, payload_type, payload: payload.to_vec() };
        self.on_the_way.push((self.leaves + 30.0, packet));
        self.sequence += 1;
    }

    /// Sends nothing for a while.
    fn rest(&mut self, milliseconds: u32) {
        self.leaves += f64::from(milliseconds);
        self.timestamp = self.timestamp.wrapping_add(milliseconds * (self.clock_rate / 1_000));
        self.hear(self.leaves);
    }

    /// Lets ticks pass until `until`, in milliseconds.
    fn hear(&mut self, until: f64) {
        loop {
            let now = 1_007.3 + self.ticks as f64 * 20.0;
            if now > until {
                return;
            }
            self.ticks += 1;
            self.on_the_way.sort_by(|one, other| one.0.total_cmp(&other.0));
            let arrived = self.on_the_way.partition_point(|packet| packet.0 <= now);
            for (at, packet) in self.on_the_way.drain(..arrived) {
                let OnTheWay { sequence, timestamp, payload_type, payload } = packet;
                let packet = ReceivedPacket { sequence, timestamp, payload_type, marker: false, payload: &payload };
                self.receiver.push(Duration::from_secs_f64(at / 1_000.0), &packet);
            }
            let mut pcm = [0; 960];
            let pulled = self.receiver.pull(Duration::from_secs_f64(now / 1_000.0), &mut pcm);
            assert_eq!(pulled.samples, pulled.rate.frame());
            self.heard.extend(&pcm[..pulled.samples]);
            self.kinds.push(pulled.kind);
            self.delays.push(self.receiver.statistics().delay.as_secs_f64() * 1_000.0);
        }
    }

    fn count(&self, kind: Kind) -> usize {
        self.kinds.iter().filter(|one| **one == kind).count()
    }
}

/// The steepest bend of a tone of `hertz` beyond its own, in dB below its amplitude: what is heard as a click.
fn click(pcm: &[i16], rate: SampleRate, hertz: f64, dbm0: f64) -> f64 {
    let turn = 2.0 * (std::f64::consts::TAU * hertz / f64::from(rate.hz())).cos();
    let bend = |three: &[i16]| (f64::from(three[0]) - turn * f64::from(three[1]) + f64::from(three[2])).abs();
    let worst = pcm.windows(3).map(bend).fold(0.0, f64::max);
    20.0 * (worst / crate::test_sound::amplitude(dbm0)).log10()
}

#[test]
fn what_is_sent_is_heard() {
    for rate in SampleRate::ALL {
        let mut line = Line::steady(Codec::L16(rate));
        let sound = speech(1, rate.hz(), -20.0, 2).pcm;
        line.talk(&sound, |_| Some(30.0));
        let first = line.kinds.iter().position(|kind| *kind == Kind::Speech).unwrap();
        let heard = &line.heard[first * rate.frame()..];
        assert!(heard == &sound[..heard.len()], "{rate}: something else is heard");
        assert!(heard.len() >= sound.len() - 5 * rate.frame());
        assert!(line.kinds[..first].iter().all(|kind| *kind == Kind::Silence));
        assert!(line.kinds[first..].iter().all(|kind| *kind == Kind::Speech));
    }
}

#[test]
fn the_delay_is_what_is_added() {
    let mut line = Line::of(Codec::L16(SampleRate::Khz8));
    let mut sound = vec![0i16; 8_000 * 20];
    sound[8_000 * 19] = 20_000;
    line.talk(&sound, |_| Some(45.0));
    line.rest(200);
    let heard = line.heard.iter().position(|sample| *sample > 10_000).unwrap() as f64 / 8.0 + 1_007.3;
    // It is the first of its packet, which is sent when the last is taken.
    let arrived = 1_000.0 + 19_000.0 + 20.0 + 45.0;
    let delay = heard - arrived;
    let told = line.receiver.statistics().delay.as_secs_f64() * 1_000.0;
    assert!((delay - told).abs() < 1.0, "{delay} {told}");
    // It began with 40 ms and nothing was ever late.
    assert!((10.0..36.0).contains(&delay), "{delay}");
}

/// Ten minutes of a tone of −10 dBm0 from a phone whose clock is `slow`: the least and greatest delay after the first
/// twenty seconds, and the worst click.
fn drift(codec: Codec, hertz: f64, slow: f64, ptime_ms: usize) -> (f64, f64, f64) {
    let mut line = Line::of(codec);
    let rate = line.encoder.sample_rate();
    (line.slow, line.packet) = (slow, ptime_ms * rate.per_ms());
    // Whole periods, so that the tone goes on from one to the next.
    let piece = tone(rate.hz(), hertz, -10.0, 1_200);
    let mut dice = Dice::new(9);
    for _ in 0..500 {
        line.talk(&piece, |_| Some(30.0 + dice.between(0.0, 6.0)));
    }
    let statistics = line.receiver.statistics();
    let counts = statistics.packets;
    let name = format!("{codec:?} {slow} {ptime_ms}: {statistics:?}");
    assert_eq!((counts.late, counts.lost, counts.overflowed), (0, 0, 0), "{name}");
    assert_eq!(statistics.concealed, Duration::ZERO, "{name}");
    let moved = statistics.inserted.as_secs_f64() - statistics.removed.as_secs_f64();
    assert!((moved * 1_000.0 - slow * 0.6).abs() < 60.0, "{name}");
    let settled = &line.delays[1_000..];
    let extremes = |(least, most): (f64, f64), delay: &f64| (least.min(*delay), most.max(*delay));
    let (least, most) = settled.iter().fold((f64::MAX, 0.0), extremes);
    (least, most, click(&line.heard[rate.frame() * 50..], rate, hertz, -10.0))
}

#[test]
fn a_clock_that_is_off_is_followed_without_a_click() {
    for slow in [300.0, -300.0, 0.0] {
        for (rate, hertz, ptime) in [
            (SampleRate::Khz8, 440.0, 10),
            (SampleRate::Khz8, 440.0, 20),
            (SampleRate::Khz8, 440.0, 30),
            (SampleRate::Khz8, 440.0, 60),
            (SampleRate::Khz16, 1_000.0, 20),
            (SampleRate::Khz48, 435.0, 20),
        ] {
            let (least, most, click) = drift(Codec::L16(rate), hertz, slow, ptime);
            assert!(least > 8.0 && most < 52.0, "{rate} {slow} {ptime}: {least}..{most} ms");
            assert!(click < -48.0, "{rate} {slow} {ptime}: {click} dB");
        }
        // G.711's own steps are louder than ours.
        let (least, most, click) = drift(Codec::Pcmu, 440.0, slow, 20);
        assert!(least > 8.0 && most < 42.0 && click < -26.0, "{slow}: {least}..{most} ms, {click} dB");
    }
}

#[test]
fn speech_of_a_clock_that_is_off_is_followed_too() {
    for slow in [300.0, -300.0] {
        let mut line = Line::of(Codec::Pcma);
        line.slow = slow;
        let mut dice = Dice::new(3);
        for minute in 0..10 {
            let sound = speech(minute, 8_000, -20.0, 60).pcm;
            line.talk(&sound, |_| Some(20.0 + dice.between(0.0, 15.0)));
        }
        let statistics = line.receiver.statistics();
        let counts = statistics.packets;
        assert_eq!((counts.lost, counts.overflowed), (0, 0), "{statistics:?}");
        assert!(counts.late <= 2 && statistics.concealed < Duration::from_millis(100), "{statistics:?}");
        let most = line.delays[1_000..].iter().copied().fold(0.0, f64::max);
        assert!(most < 60.0, "{most}");
    }
}

#[test]
fn jitter_costs_delay_and_little_else() {
    let mut line = Line::of(Codec::Pcmu);
    let sound = speech(5, 8_000, -20.0, 120).pcm;
    let mut dice = Dice::new(5);
    line.talk(&sound, |_| Some(30.0 + 80.0 * dice.unit().powi(2)));
    let statistics = line.receiver.statistics();
    assert!(statistics.packets.late < 20 && statistics.packets.lost == 0, "{statistics:?}");
    // Packets overtake each other by up to four.
    assert!(statistics.packets.reordered > 500);
    let not_speech = line.kinds[100..].iter().filter(|kind| **kind != Kind::Speech).count();
    assert!(not_speech < 40, "{not_speech} of {}", line.kinds.len());
    assert!((60.0..120.0).contains(&line.delays[line.delays.len() - 1]), "{:?}", line.delays.last());
}

#[test]
fn two_percent_of_loss_leaves_no_gap_longer_than_a_packet() {
    let mut line = Line::of(Codec::Pcmu);
    let sound = tone(8_000, 400.0, -10.0, 120_000);
    let mut dice = Dice::new(5);
    line.talk(&sound, |_| Some(30.0).filter(|_| dice.unit() > 0.02));
    let statistics = line.receiver.statistics();
    let lost = statistics.packets.lost;
    assert!((90..150).contains(&lost), "{statistics:?}");
    assert_eq!(statistics.concealed, Duration::from_millis(20) * lost as u32);
    let quiet = |window: &&[i16]| level(window) < -30.0;
    let mut longest = 0;
    let mut present = 0;
    for window in line.heard[160 * 10..].chunks_exact(40) {
        present = if quiet(&window) { present + 5 } else { 0 };
        longest = longest.max(present);
    }
    assert!(longest <= 20, "{longest} ms of nothing");
}

#[test]
fn a_pause_with_noise_is_filled_with_it() {
    let mut line = Line::of(Codec::Pcmu);
    let sound = tone(8_000, 400.0, -10.0, 1_000);
    for _ in 0..3 {
        line.talk(&sound, |_| Some(30.0));
        for _ in 0..10 {
            line.send(13, &[50]);
            line.rest(100);
        }
    }
    line.rest(200);
    assert_eq!((line.receiver.statistics().packets.lost, line.receiver.statistics().packets.late), (0, 0));
    let noise: Vec<i16> = (0..line.kinds.len())
        .filter(|tick| line.kinds[*tick] == Kind::ComfortNoise && line.kinds[*tick - 1] == Kind::ComfortNoise)
        .flat_map(|tick| line.heard[tick * 160..(tick + 1) * 160].to_vec())
        .collect();
    // −50 dBov of noise: overload is +3.17 dBm0 for a sine, whose power is half that of the greatest square.
    assert!((level(&noise) - (-50.0 + 6.18)).abs() < 1.0, "{}", level(&noise));
    assert!((140..160).contains(&line.count(Kind::ComfortNoise)), "{}", line.count(Kind::ComfortNoise));
    let (silent, concealed) = (line.count(Kind::Silence), line.count(Kind::Concealed));
    assert!(silent <= 6 && concealed <= 3, "{silent} {concealed}");
}

#[test]
fn a_pause_without_a_word_fades_into_silence() {
    let mut line = Line::of(Codec::Pcmu);
    let sound = tone(8_000, 400.0, -10.0, 1_000);
    for _ in 0..3 {
        line.talk(&sound, |_| Some(30.0));
        line.rest(1_000);
    }
    let statistics = line.receiver.statistics();
    assert_eq!((statistics.packets.lost, statistics.packets.late), (0, 0));
    assert!((3 * 3..=3 * 4).contains(&line.count(Kind::Concealed)), "{}", line.count(Kind::Concealed));
    assert!(line.count(Kind::Silence) > 120);
    for (tick, kind) in line.kinds.iter().enumerate() {
        let is_silent = line.heard[tick * 160..(tick + 1) * 160].iter().all(|sample| *sample == 0);
        assert_eq!(is_silent, *kind == Kind::Silence, "{tick} {kind:?}");
    }
    // From silence into sound without a step.
    let steepest = line.heard.windows(2).map(|pair| pair[0].abs_diff(pair[1])).max().unwrap();
    assert!(steepest < 3_500, "{steepest}");
}

#[test]
fn the_codec_may_change_in_the_stream() {
    let format = Format::new(Codec::Pcmu, 0).receiving(Codec::Pcma, 8).receiving(Codec::L16(SampleRate::Khz16), 97);
    let mut line = Line::new(&format, Settings::default());
    let formats = [(Codec::Pcma, 8), (Codec::L16(SampleRate::Khz16), 97), (Codec::Pcmu, 0)];
    for (codec, payload_type) in formats.into_iter().cycle().take(12) {
        line.encoder = Encoder::new(&AudioFormat::new(codec, payload_type)).unwrap();
        let rate = line.encoder.sample_rate();
        (line.payload_type, line.packet, line.clock_rate) = (payload_type, rate.frame(), rate.hz());
        line.talk(&tone(rate.hz(), 400.0, -10.0, 1_000), |_| Some(30.0));
        assert_eq!(line.receiver.rate(), rate);
        assert!((level(&line.heard[line.heard.len() - rate.frame()..]) + 10.0).abs() < 0.5);
    }
    let statistics = line.receiver.statistics();
    assert_eq!((statistics.packets.lost, statistics.packets.late, statistics.malformed), (0, 0, 0));
    assert!(line.kinds.len() - line.count(Kind::Speech) < 30, "{:?}", statistics);
}

#[test]
fn digits_and_what_is_unknown_are_no_loss() {
    let mut line = Line::of(Codec::Pcmu);
    let sound = tone(8_000, 400.0, -10.0, 1_000);
    for _ in 0..3 {
        line.talk(&sound, |_| Some(30.0));
        for _ in 0..5 {
            line.send(101, &[5, 0x0A, 0, 160]);
            line.send(77, &[1; 300]);
            line.rest(20);
        }
    }
    line.rest(100);
    let statistics = line.receiver.statistics();
    assert_eq!((statistics.packets.lost, statistics.packets.late), (0, 0));
    assert_eq!(statistics.packets.received, 3 * 60, "{statistics:?}");
}

#[test]
fn payloads_that_hold_no_sound_are_concealed_and_counted() {
    let mut line = Line::of(Codec::L16(SampleRate::Khz8));
    let sound = tone(8_000, 400.0, -10.0, 1_000);
    line.talk(&sound, |_| Some(30.0));
    for len in [1, 0, 7, 3_001, 2_001] {
        line.send(96, &vec![1; len]);
        line.timestamp = line.timestamp.wrapping_add(160);
        line.leaves += 20.0;
        line.hear(line.leaves);
    }
    line.talk(&sound, |_| Some(30.0));
    assert_eq!(line.receiver.statistics().malformed, 5);
    assert_eq!(line.count(Kind::Concealed), 5);
}

#[test]
fn another_source_is_heard_at_once() {
    let mut line = Line::of(Codec::Pcmu);
    let sound = tone(8_000, 400.0, -10.0, 1_000);
    line.talk(&sound, |_| Some(30.0));
    line.on_the_way.clear();
    line.receiver.reset();
    (line.sequence, line.timestamp) = (7, 5);
    let before = line.kinds.len();
    line.talk(&sound, |_| Some(30.0));
    let silent = line.kinds[before..].iter().filter(|kind| **kind != Kind::Speech).count();
    assert!(silent <= 6, "{silent}");
    assert_eq!(line.receiver.statistics().packets.lost, 0);
}

#[test]
fn any_packets_at_any_time_are_survived() {
    let format = Format::new(Codec::Pcmu, 0).receiving(Codec::L16(SampleRate::Khz48), 96).with_comfort_noise();
    let mut receiver = Receiver::new(&format, Settings::default());
    let mut dice = Dice::new(11);
    let (mut now, mut sequence, mut timestamp) = (Duration::ZERO, 70_000u64, 0u32);
    let mut pcm = [0; 960];
    for _ in 0..200_000 {
        now += Duration::from_micros(dice.roll() % 20_000);
        match dice.roll() % 40 {
            0 => sequence = dice.roll() % 200_000,
            1 => timestamp = dice.roll() as u32,
            2 => now += Duration::from_secs(dice.roll() % 5),
            3 => receiver.reset(),
            _ => {}
        }
        sequence = (sequence + dice.roll() % 4).saturating_sub(1);
        timestamp = timestamp.wrapping_add(160);
        let payload = [[dice.roll() as u8; 1_200], [0; 1_200]][(dice.roll() % 2) as usize];
        let payload = &payload[..(dice.roll() % 1_200) as usize];
        let payload_type = [0, 0, 0, 96, 13, 101][(dice.roll() % 6) as usize];
        let marker = dice.roll().is_multiple_of(9);
        receiver.push(now, &ReceivedPacket { sequence, timestamp, payload_type, marker, payload });
        if dice.roll().is_multiple_of(2) {
            let room = if dice.roll().is_multiple_of(50) { 7 } else { 960 };
            let pulled = receiver.pull(now, &mut pcm[..room]);
            assert!(pulled.samples == pulled.rate.frame().min(room));
        }
    }
    let counts = receiver.statistics().packets;
    assert_eq!(counts.received, 200_000);
    assert!(counts.late > 0 && counts.duplicate > 0 && counts.overflowed > 0 && counts.reordered > 0, "{counts:?}");
}

#[test]
fn a_receiver_of_telephone_sound_is_small() {
    let format = Format::new(Codec::Pcmu, 0).receiving(Codec::Pcma, 8);
    let mut receiver = Receiver::new(&format, Settings::default());
    let samples = receiver.playout.room().len();
    let size = std::mem::size_of::<Receiver>() + 2 * samples;
    assert!(size < 16 * 1_024, "{size}");
}

#[test]
fn opus_recovers_what_the_next_packet_holds() {
    let opus = crate::OpusSettings { in_band_fec: true, rate: SampleRate::Khz16, ..Default::default() };
    let mut format = Format::new(Codec::Opus, 111);
    format.send.opus = opus;
    format.receive[0] = Some(format.send);
    let mut line = Line::new(&format, Settings::default());
    let sound = speech(8, 16_000, -18.0, 60).pcm;
    let mut dice = Dice::new(8);
    line.talk(&sound, |_| Some(30.0).filter(|_| dice.unit() > 0.05));
    let statistics = line.receiver.statistics();
    assert!((100..210).contains(&statistics.packets.lost), "{statistics:?}");
    assert!(statistics.recovered * 10 > statistics.packets.lost * 3, "{statistics:?}");
    assert_eq!(line.receiver.rate(), SampleRate::Khz16);
}

#[test]
fn opus_that_is_silent_is_no_loss() {
    let opus = crate::OpusSettings { dtx: true, rate: SampleRate::Khz16, ..Default::default() };
    let mut format = Format::new(Codec::Opus, 111);
    format.send.opus = opus;
    format.receive[0] = Some(format.send);
    let mut line = Line::new(&format, Settings::default());
    let mut sound = speech(8, 16_000, -18.0, 3).pcm;
    sound.extend(crate::test_sound::noise(1, 16_000, -65.0, 10_000));
    sound.extend(speech(9, 16_000, -18.0, 3).pcm);
    let mut skipped = 0;
    for frame in sound.chunks_exact(320) {
        let mut payload = vec![0; 4_000];
        let encoded = line.encoder.encode(frame, &mut payload).unwrap();
        line.leaves += 20.0;
        if encoded.worth_sending {
            payload.truncate(encoded.len);
            line.leaves -= 30.0;
            line.send(111, &payload);
            line.leaves += 30.0;
        } else {
            skipped += 1;
        }
        line.timestamp = line.timestamp.wrapping_add(960);
        line.hear(line.leaves);
    }
    let statistics = line.receiver.statistics();
    assert!(skipped > 300, "{skipped}");
    assert_eq!((statistics.packets.lost, statistics.packets.late), (0, 0));
    let (concealed, noise) = (line.count(Kind::Concealed), line.count(Kind::ComfortNoise));
    assert!(noise > 350 && concealed < 20 && line.count(Kind::Silence) < 8, "{concealed} {noise}");
}
