//! Pauses that are told instead of sent: comfort noise (RFC 3389), and the discontinuous transmission of Opus.

use media::format::COMFORT_NOISE;
use media::{Codec, Command, ConferenceId, Format, OpusSettings, Playable, PlaybackId, SampleRate, StreamId, Target};
use rtp::header::Header;

use crate::world::{A, B, World, ulaw};

const ROOM: ConferenceId = ConferenceId(1);

fn wide() -> Format {
    Format::new(Codec::L16(SampleRate::Khz16), 97).with_telephone_event(101)
}

/// Noise of an office at night, about −55 dBm0, for so many milliseconds at 16 kHz.
fn noise(milliseconds: usize) -> Vec<i16> {
    let mut state = 1_u32;
    let mut sample = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 25) as i16 - 64
    };
    (0..milliseconds * 16).map(|_| sample()).collect()
}

fn packets(world: &World, who: usize) -> (Vec<Header>, Vec<Header>) {
    world.headers(who).into_iter().partition(|header| header.payload_type != COMFORT_NOISE)
}

/// Speech, as loud as it is: a tone that comes and goes.
fn words(world: &mut World, who: usize) {
    for _ in 0..5 {
        world.say(&[(who, 440.0)], 10);
        let pause = noise(100);
        world.say_samples(who, &pause);
    }
}

#[test]
fn a_pause_is_told_where_it_is_understood() {
    let mut world = World::call(&[wide(), ulaw().with_comfort_noise()]);
    world.say_samples(A, &noise(4_000));
    world.forget_heard();
    words(&mut world, A);
    let (speech, _) = packets(&world, B);
    assert!(speech.len() > 65, "{} packets of speech", speech.len());
    world.say_samples(A, &noise(2_000));
    world.forget_heard();
    world.say_samples(A, &noise(3_000));
    let (speech, told) = packets(&world, B);
    assert_eq!(speech.len(), 0);
    assert!((5..=7).contains(&told.len()), "{} packets tell of the noise", told.len());
    world.assert_gapless(B);
    assert!(told.iter().all(|header| !header.marker));
    assert!(told.windows(2).all(|pair| pair[1].timestamp.wrapping_sub(pair[0].timestamp) == 8 * 500));
    // The level (RFC 3389 §3): 20 ms of it have about −55 dBm0, which is −58 dB below full scale.
    let levels: Vec<u8> = world.phones[B].heard.iter().map(|heard| heard.packet.payload[0]).collect();
    assert!(levels.iter().all(|level| (56..=62).contains(level)), "{levels:?}");
    // Who speaks again is heard at once.
    world.forget_heard();
    world.say(&[(A, 440.0)], 10);
    let (speech, _) = packets(&world, B);
    assert!(speech.len() >= 8 && speech[0].marker && !speech[1].marker, "{speech:?}");
}

#[test]
fn where_it_is_not_understood_everything_is_sent() {
    let mut world = World::call(&[wide(), ulaw()]);
    world.say_samples(A, &noise(3_000));
    let (speech, told) = packets(&world, B);
    assert!(speech.len() > 145 && told.is_empty());
}

#[test]
fn what_is_played_is_no_pause() {
    let mut world = World::call(&[wide(), ulaw().with_comfort_noise()]);
    world.say_samples(A, &noise(4_000));
    world.command(Command::Play { playback: PlaybackId(1), to: Target::Stream(StreamId(2)), what: Playable::Music });
    world.forget_heard();
    world.say_samples(A, &noise(6_000));
    let (sound, told) = packets(&world, B);
    assert!(sound.len() >= 299 && told.is_empty(), "{} and {}", sound.len(), told.len());
}

#[test]
fn listeners_share_a_pause_with_those_who_understand_it() {
    let talking = ulaw().with_comfort_noise();
    let mut world = World::apart(&[wide(), talking, talking, ulaw()]);
    world.command(Command::OpenConference { conference: ROOM, loudest: None });
    for stream in 1..=4 {
        world.command(Command::Join { stream: StreamId(stream), conference: ROOM });
    }
    world.say_samples(A, &noise(4_000));
    world.forget_heard();
    world.say_samples(A, &noise(1_000));
    for who in [1, 2] {
        let (speech, told) = packets(&world, who);
        assert!(speech.is_empty() && (2..=3).contains(&told.len()), "{} and {}", speech.len(), told.len());
    }
    assert!(packets(&world, 3).0.len() >= 49);
}

#[test]
fn opus_says_nothing_in_a_pause_where_that_was_asked_for() {
    for dtx in [false, true] {
        let opus = OpusSettings { dtx, rate: SampleRate::Khz16, ..OpusSettings::default() };
        let audio = media::AudioFormat::new(Codec::Opus, 111).with_opus(opus);
        let mut format = Format::new(Codec::Opus, 111).with_telephone_event(101);
        (format.send, format.receive[0]) = (audio, Some(audio));
        let mut world = World::call(&[ulaw(), format]);
        world.say(&[(A, 440.0)], 50);
        world.say_samples(A, &[0; 8_000 * 2]);
        world.forget_heard();
        world.say_samples(A, &[0; 8_000 * 4]);
        let sent = world.phones[B].heard.len();
        assert!(if dtx { (5..=20).contains(&sent) } else { sent >= 199 }, "dtx {dtx}: {sent} of 200 packets");
        world.assert_gapless(B);
        // A word after it is heard from its first packet on.
        world.forget_heard();
        world.say(&[(A, 440.0)], 50);
        assert!(world.phones[B].heard.len() >= 48, "{}", world.phones[B].heard.len());
    }
}
