//! Conferences, transcoding, playing and recording: what phones hear when more than forwarding is asked for.

use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use media::{
    Codec, Command, ConferenceId, Direction, Ended, Event, Format, Layout, Mute, Parcel, Playable, PlaybackId,
    RecordingId, SampleRate, SoundBuffer, StreamId, Target,
};

use crate::sound::{AMPLITUDE, Pcm};
use crate::world::{A, B, C, World, alaw, ulaw};

const ROOM: ConferenceId = ConferenceId(1);
const TONES: [f64; 5] = [350.0, 550.0, 850.0, 1_250.0, 1_750.0];

fn wide() -> Format {
    Format::new(Codec::L16(SampleRate::Khz16), 97)
}

fn conference(formats: &[Format], loudest: Option<u16>) -> World {
    let mut world = World::apart(formats);
    world.command(Command::OpenConference { conference: ROOM, loudest: loudest.and_then(NonZeroU16::new) });
    for phone in 0..formats.len() {
        world.command(Command::Join { stream: world.phones[phone].stream, conference: ROOM });
    }
    assert_eq!(world.engine.counters().refused_commands, 0);
    world
}

fn everybody(count: usize) -> Vec<(usize, f64)> {
    TONES.into_iter().enumerate().take(count).collect()
}

#[test]
fn everybody_hears_all_others_and_not_himself() {
    let mut world = conference(&[ulaw(), alaw(), ulaw(), alaw(), ulaw()], None);
    world.say(&everybody(5), 60);
    for (who, own) in TONES.into_iter().enumerate() {
        let others: Vec<f64> = TONES.into_iter().filter(|tone| *tone != own).collect();
        world.heard(who).after(200).assert_tones(&TONES, &others);
        world.assert_gapless(who);
        let packets = world.phones[who].heard.len();
        assert!((58..=61).contains(&packets), "{packets}");
    }
}

#[test]
fn only_the_loudest_are_heard() {
    let mut world = conference(&[ulaw(), ulaw(), ulaw(), ulaw()], Some(2));
    // The first two are four times as loud.
    world.say_at(&[(0, TONES[0], 1.0), (1, TONES[1], 1.0), (2, TONES[2], 0.25), (3, TONES[3], 0.25)], 60);
    world.heard(3).after(200).assert_tones(&TONES, &[TONES[0], TONES[1]]);
    world.heard(0).after(200).assert_tones(&TONES, &[TONES[1]]);
}

#[test]
fn who_only_listens_shares_one_packet() {
    let mut world = conference(&[ulaw(), ulaw(), ulaw()], None);
    world.say(&[(A, TONES[0])], 40);
    let payloads =
        |who: usize| world.phones[who].heard.iter().map(|heard| heard.packet.payload.clone()).collect::<Vec<_>>();
    assert_eq!(payloads(B), payloads(C));
    world.heard(B).after(200).assert_tones(&TONES, &[TONES[0]]);
    world.heard(A).after(200).assert_tones(&TONES, &[]);
}

#[test]
fn mute_and_deaf() {
    let mut world = conference(&[ulaw(), ulaw(), ulaw()], None);
    world.command(Command::Mute { stream: StreamId(1), mute: Mute { said: true, heard: false } });
    world.command(Command::Mute { stream: StreamId(2), mute: Mute { said: false, heard: true } });
    world.say(&everybody(3), 60);
    world.heard(A).after(200).assert_tones(&TONES, &[TONES[1], TONES[2]]);
    world.heard(B).after(200).assert_tones(&TONES, &[]);
    world.heard(C).after(200).assert_tones(&TONES, &[TONES[1]]);
}

#[test]
fn a_room_is_wide_when_everybody_in_it_is() {
    let mut world = conference(&[wide(), wide(), ulaw()], None);
    assert_eq!(world.engine.rate(Target::Conference(ROOM)), SampleRate::Khz8);
    world.say(&everybody(3), 60);
    world.heard(A).after(200).assert_tones(&TONES, &[TONES[1], TONES[2]]);
    world.heard(C).after(200).assert_tones(&TONES, &[TONES[0], TONES[1]]);
    world.command(Command::Disconnect { stream: StreamId(3) });
    assert_eq!(world.engine.rate(Target::Conference(ROOM)), SampleRate::Khz16);
    world.forget_heard();
    world.say(&[(A, 6_000.0), (B, TONES[1])], 60);
    world.heard(B).after(200).assert_tones(&[6_000.0, TONES[1]], &[6_000.0]);
    assert!(world.phones[C].heard.is_empty());
}

#[test]
fn unlike_codecs_are_transcoded_both_ways() {
    let mut world = World::call(&[ulaw(), wide()]);
    world.say(&everybody(2), 60);
    world.heard(A).after(200).assert_tones(&TONES, &[TONES[1]]);
    world.heard(B).after(200).assert_tones(&TONES, &[TONES[0]]);
    world.assert_gapless(A);
    world.assert_gapless(B);
    assert_eq!(world.statistics(A).dropped.total() + world.statistics(B).dropped.total(), 0);
    // After a re-INVITE to a common codec they are forwarded again, and then not any more.
    world.phones[B].format = ulaw();
    world.configure(B, Direction::SendRecv);
    world.forget_heard();
    world.say(&everybody(2), 60);
    assert!(world.engine.forwarding_rule(StreamId(1)).is_some());
    world.heard(A).after(200).assert_tones(&TONES, &[TONES[1]]);
    world.phones[B].format = wide();
    world.configure(B, Direction::SendRecv);
    world.forget_heard();
    world.say(&everybody(2), 60);
    world.heard(A).after(200).assert_tones(&TONES, &[TONES[1]]);
    world.heard(B).after(200).assert_tones(&TONES, &[TONES[0]]);
}

#[test]
fn packets_have_the_length_that_was_agreed() {
    for ptime_ms in [10, 30, 40, 60] {
        let mut odd = wide();
        odd.ptime_ms = ptime_ms;
        let mut world = World::call(&[ulaw(), odd]);
        world.say(&everybody(2), 60);
        world.heard(B).after(200).assert_tones(&TONES, &[TONES[0]]);
        let samples = usize::from(ptime_ms) * 16;
        assert!(world.phones[B].heard.iter().all(|heard| heard.packet.payload.len() == samples * 2));
        let headers = world.headers(B);
        assert!(headers.windows(2).all(|pair| pair[1].timestamp.wrapping_sub(pair[0].timestamp) as usize == samples));
        world.assert_gapless(B);
        assert!(headers.len().abs_diff(1_200 / usize::from(ptime_ms)) <= 2, "{}", headers.len());
    }
}

#[test]
fn on_hold_nothing_is_made_for_the_phone() {
    let mut world = World::call(&[ulaw(), wide()]);
    world.say(&everybody(2), 20);
    world.configure(B, Direction::Inactive);
    world.forget_heard();
    world.say(&everybody(2), 20);
    assert!(world.phones[B].heard.is_empty());
    world.configure(B, Direction::SendRecv);
    world.say(&everybody(2), 60);
    world.heard(B).after(200).assert_tones(&TONES, &[TONES[0]]);
    world.assert_gapless(B);
}

/// Plays `seconds` of a tone, fed by the buffer as the engine asks.
fn feed(world: &mut World, playback: PlaybackId, hertz: f64, seconds: usize) {
    let rate = SampleRate::Khz8;
    let samples: Vec<i16> = (0..rate.hz() as usize * seconds)
        .map(|at| (AMPLITUDE * (std::f64::consts::TAU * hertz * at as f64 / 8_000.0).sin()) as i16)
        .collect();
    let count = samples.chunks(1_600).count();
    for (index, chunk) in samples.chunks(1_600).enumerate() {
        let buffer = SoundBuffer { pcm: chunk.into(), len: chunk.len(), last: index + 1 == count };
        if index >= 3 {
            // The fourth goes in when the first has come back.
            while !world.parcels.iter().any(|parcel| matches!(parcel, Parcel::Played { .. })) {
                world.pass(Duration::from_millis(20));
            }
            world.parcels.clear();
        }
        world.engine.handle_sound(playback, buffer);
    }
    world.pass(Duration::from_secs(1));
}

fn sounds() -> Playable {
    Playable::Sounds(Arc::from([media::Sound::File("hello.wav".into())]))
}

#[test]
fn a_phone_that_is_alone_hears_what_is_played_to_it() {
    let mut world = World::apart(&[ulaw()]);
    let playback = PlaybackId(7);
    world.speak(A, 1);
    world.command(Command::Play { playback, to: Target::Stream(StreamId(1)), what: sounds() });
    feed(&mut world, playback, 700.0, 2);
    let heard = world.heard(A);
    assert_eq!(heard.samples.len(), 16_000, "a frame too few or too many");
    heard.assert_tones(&[700.0], &[700.0]);
    let ended = Event::PlaybackEnded { playback, to: Target::Stream(StreamId(1)), reason: Ended::Finished };
    assert!(world.events.contains(&ended), "{:?}", world.events);
    world.assert_gapless(A);
    // Its room is gone again, and the name is free.
    assert_eq!(world.engine.poll_timeout().unwrap().reason, "rtcp report");
    world.command(Command::Play { playback, to: Target::Stream(StreamId(1)), what: sounds() });
    assert_eq!(world.engine.counters().refused_commands, 0);
}

#[test]
fn who_is_played_to_is_still_heard_and_hears_the_other_afterwards() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    world.say(&everybody(2), 20);
    let playback = PlaybackId(1);
    world.command(Command::Play { playback, to: Target::Stream(StreamId(1)), what: Playable::Music });
    world.forget_heard();
    world.say(&everybody(2), 60);
    assert!(world.heard(A).amplitude(TONES[1]) < AMPLITUDE / 50.0);
    assert!(world.heard(A).samples.iter().any(|sample| sample.unsigned_abs() > 300));
    world.heard(B).assert_tones(&TONES, &[TONES[0]]);
    world.command(Command::StopPlayback { playback });
    world.forget_heard();
    world.say(&everybody(2), 60);
    world.heard(A).assert_tones(&TONES, &[TONES[1]]);
    world.assert_gapless(A);
    assert!(world.engine.forwarding_rule(StreamId(2)).is_some());
}

#[test]
fn an_announcement_is_heard_by_a_whole_conference_besides_the_talkers() {
    let mut world = conference(&[ulaw(), ulaw(), ulaw()], None);
    let playback = PlaybackId(1);
    world.command(Command::Play { playback, to: Target::Conference(ROOM), what: sounds() });
    let tone: Vec<i16> = (0..12_800)
        .map(|at| (AMPLITUDE * (std::f64::consts::TAU * 1_000.0 * f64::from(at) / 8_000.0).sin()) as i16)
        .collect();
    for (index, chunk) in tone.chunks(3_200).enumerate() {
        world.engine.handle_sound(playback, SoundBuffer { pcm: chunk.into(), len: chunk.len(), last: index == 3 });
    }
    world.say(&[(A, TONES[0])], 80);
    world.heard(B).after(200).assert_tones(&[1_000.0, TONES[0]], &[1_000.0, TONES[0]]);
    world.heard(A).assert_tones(&[1_000.0, TONES[0]], &[1_000.0]);
}

fn record(world: &mut World, of: Target, layout: Layout) {
    let (recording, rate) = (RecordingId(1), SampleRate::Khz8);
    world.command(Command::Record { recording, of, layout, rate, end_of_silence: None });
    for _ in 0..4 {
        world.engine.handle_buffer(recording, vec![0; 1_600].into());
    }
}

/// What was recorded; the buffers went round.
fn recorded(world: &mut World, channels: usize) -> Vec<Pcm> {
    let mut tracks = vec![Vec::new(); channels];
    for parcel in std::mem::take(&mut world.parcels) {
        let Parcel::Recorded { buffer, .. } = parcel else { continue };
        for (at, sample) in buffer.pcm[..buffer.len].iter().enumerate() {
            tracks[at % channels].push(*sample);
        }
    }
    tracks.into_iter().map(|samples| Pcm { rate: SampleRate::Khz8, samples }).collect()
}

#[test]
fn a_forwarded_call_is_recorded_in_two_channels_and_still_forwarded() {
    let mut world = World::call(&[ulaw(), ulaw()]);
    world.say(&everybody(2), 5);
    record(&mut world, Target::Stream(StreamId(1)), Layout::Stereo);
    world.say(&everybody(2), 100);
    assert!(world.engine.forwarding_rule(StreamId(1)).is_some());
    world.command(Command::StopRecording { recording: RecordingId(1) });
    let tracks = recorded(&mut world, 2);
    tracks[0].after(200).assert_tones(&TONES, &[TONES[0]]);
    tracks[1].after(200).assert_tones(&TONES, &[TONES[1]]);
    assert!(tracks[0].samples.len().abs_diff(16_000) <= 320, "{}", tracks[0].samples.len());
    let ended = world.events.iter().find_map(|event| match event {
        Event::RecordingEnded { reason, missed_ms, .. } => Some((reason.clone(), *missed_ms)),
        _ => None,
    });
    assert_eq!(ended, Some((Ended::Stopped, 0)));
}

#[test]
fn a_recording_survives_hold_transfer_and_conference() {
    let mut world = World::apart(&[ulaw(), alaw(), wide()]);
    world.connect(A, B);
    record(&mut world, Target::Stream(StreamId(1)), Layout::Stereo);
    world.say(&everybody(3), 30);
    world.configure(A, Direction::SendOnly);
    world.say(&everybody(3), 30);
    world.configure(A, Direction::SendRecv);
    world.connect(A, C);
    world.say(&everybody(3), 30);
    world.command(Command::OpenConference { conference: ROOM, loudest: None });
    for stream in 1..=3 {
        world.command(Command::Join { stream: StreamId(stream), conference: ROOM });
    }
    world.say(&everybody(3), 60);
    world.close(A);
    let tracks = recorded(&mut world, 2);
    let length = tracks[0].samples.len();
    assert!(length.abs_diff(150 * 160) <= 10 * 160, "{length}");
    let part = |track: usize, from: usize, to: usize| Pcm {
        rate: SampleRate::Khz8,
        samples: tracks[track].samples[from * 160..to * 160].to_vec(),
    };
    part(1, 6, 28).assert_tones(&TONES, &[TONES[1]]);
    part(0, 36, 58).assert_tones(&TONES, &[]);
    part(1, 68, 88).assert_tones(&TONES, &[TONES[2]]);
    part(1, 100, 145).assert_tones(&TONES, &[TONES[1], TONES[2]]);
    part(0, 100, 145).assert_tones(&TONES, &[TONES[0]]);
    assert!(world.events.iter().any(|event| matches!(event, Event::RecordingEnded { reason: Ended::Stopped, .. })));
}

#[test]
fn a_conference_is_recorded_as_one() {
    let mut world = conference(&[ulaw(), alaw(), ulaw()], None);
    record(&mut world, Target::Conference(ROOM), Layout::Mono);
    world.say(&everybody(3), 60);
    world.command(Command::CloseConference { conference: ROOM });
    recorded(&mut world, 1)[0].after(200).assert_tones(&TONES, &TONES[..3]);
}

#[test]
fn a_recording_ends_with_silence() {
    let mut world = World::apart(&[ulaw()]);
    world.speak(A, 1);
    let end_of_silence = Some(Duration::from_secs(2));
    let (recording, of) = (RecordingId(1), Target::Stream(StreamId(1)));
    world.command(Command::Record { recording, of, layout: Layout::Mono, rate: SampleRate::Khz8, end_of_silence });
    for _ in 0..4 {
        world.engine.handle_buffer(recording, vec![0; 16_000].into());
    }
    world.say(&[(A, TONES[0])], 150);
    assert!(!world.events.iter().any(|event| matches!(event, Event::RecordingEnded { .. })));
    // It begins when what waits in the jitter buffer is heard.
    world.pass(Duration::from_millis(1_950));
    assert!(!world.events.iter().any(|event| matches!(event, Event::RecordingEnded { .. })));
    world.pass(Duration::from_millis(150));
    let reason = world.events.iter().find_map(|event| match event {
        Event::RecordingEnded { reason, .. } => Some(reason.clone()),
        _ => None,
    });
    assert_eq!(reason, Some(Ended::Silence));
}

#[test]
fn what_cannot_be_played_or_recorded_is_said() {
    let mut world = World::apart(&[ulaw()]);
    let nobody = Target::Stream(StreamId(99));
    world.command(Command::Play { playback: PlaybackId(1), to: nobody, what: Playable::Music });
    world.command(Command::Join { stream: StreamId(1), conference: ROOM });
    world.command(Command::StopPlayback { playback: PlaybackId(1) });
    world.command(Command::PauseRecording { recording: RecordingId(1), paused: true });
    assert_eq!(world.engine.counters().refused_commands, 4);
    let [Event::PlaybackEnded { reason: Ended::Failed(reason), .. }] = &world.events[..] else {
        panic!("{:?}", world.events)
    };
    assert_eq!(reason, "there is nobody to play it to");
    // Buffers of nobody come back.
    world.engine.handle_sound(PlaybackId(1), SoundBuffer { pcm: Box::new([1; 4]), len: 4, last: false });
    world.engine.handle_buffer(RecordingId(1), Box::new([0; 4]));
    world.drain();
    assert_eq!(world.parcels.len(), 2);
}

#[test]
fn whoever_leaves_leaves_nothing_behind() {
    let mut world = conference(&[ulaw(), wide(), ulaw()], None);
    world.command(Command::Play { playback: PlaybackId(1), to: Target::Stream(StreamId(1)), what: Playable::Music });
    record(&mut world, Target::Stream(StreamId(2)), Layout::Stereo);
    world.say(&everybody(3), 10);
    for who in [A, B, C] {
        world.close(who);
    }
    world.command(Command::CloseConference { conference: ROOM });
    let ended = world.events.iter().filter(|event| {
        matches!(event, Event::PlaybackEnded { .. } | Event::RecordingEnded { .. } | Event::Closed { .. })
    });
    assert_eq!(ended.count(), 5);
    // Only a report that was booked is left, and is passed over.
    assert!(world.engine.poll_timeout().is_none_or(|deadline| deadline.reason == "rtcp report"));
    world.pass(Duration::from_secs(10));
    assert_eq!(world.engine.poll_timeout(), None);
}

#[test]
fn the_numbers_of_all_seats_are_in_the_last_statistics() {
    let mut world = conference(&[ulaw(), wide().with_telephone_event(98)], None);
    for _ in 0..30 {
        world.say(&everybody(2), 9);
        // A packet of the first phone is lost, and its next one comes twice.
        world.phones[A].audio();
        world.say(&[(B, TONES[1])], 1);
        let packet = world.phones[A].audio();
        world.send(A, &packet);
        world.send(A, &packet);
        world.say(&[(B, TONES[1])], 1);
        if world.statistics(A).packets_received.is_multiple_of(5) {
            // Another agreement makes another receiver.
            world.configure(A, Direction::SendRecv);
        }
    }
    world.close(A);
    world.close(B);
    let closed = |who: usize| {
        let stream = world.phones[who].stream;
        let mut statistics = world.events.iter().filter_map(|event| match event {
            Event::Closed { stream: closed, statistics } if *closed == stream => Some(**statistics),
            _ => None,
        });
        statistics.next().expect("it was closed")
    };
    let (first, second) = (closed(A), closed(B));
    assert_eq!((first.gaps, first.playout.missing, first.playout.duplicate), (30, 30, 30), "{first:?}");
    assert!((400..=700).contains(&first.playout.concealed_ms) && first.playout.gaps >= 20, "{first:?}");
    assert!((5..60).contains(&first.playout.delay_ms) && first.playout.overflowed <= 3, "{first:?}");
    let opinions = [first, second].map(|statistics| statistics.opinion.expect("it spoke").value());
    assert!(opinions[1] > 4.3 && opinions[0] < 3.9, "{opinions:?}");
}
