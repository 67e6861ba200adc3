//! The thread with real files: what comes out, in which pieces, and what is said when nothing does.

mod network;

use std::fs;
use std::io::Cursor;
use std::time::{Duration, Instant};

use media::sound::wav_writer::WavWriter;

use super::*;

/// A sound thread, the folder it plays from, and where its deliveries arrive.
struct Bench {
    thread: Option<SoundThread>,
    home: tempfile::TempDir,
    deliveries: Queue<Delivery>,
    poll: Poll,
    heard: VecDeque<Delivery>,
}

const ID: PlaybackId = PlaybackId(7);

impl Bench {
    fn new() -> Bench {
        Bench::reaching(Reach::Others([].into()))
    }

    fn reaching(reach: Reach) -> Bench {
        let home = tempfile::tempdir().expect("the temporary folder is writable");
        let poll = Poll::new().expect("the kernel has epoll");
        let bell = Bell::new(Waker::new(poll.registry(), BELL).expect("the kernel has eventfd"));
        let deliveries = Queue::new(100, bell);
        let around = Surroundings {
            sounds: home.path().join("sounds"),
            music: Some(home.path().join("music.wav")),
            cache: home.path().join("cache"),
            spoken: home.path().join("spoken"),
            reach,
            deliveries: deliveries.clone().into(),
        };
        let thread = SoundThread::start(around).expect("it can be started");
        Bench { thread: Some(thread), home, deliveries, poll, heard: VecDeque::new() }
    }

    fn order(&self, order: Order) {
        let orders = &self.thread.as_ref().expect("it runs").orders;
        orders.push_always(order);
        orders.ring();
    }

    fn start(&self, playback: PlaybackId, sounds: Vec<Sound>) {
        self.order(Order::Start { playback, sounds: sounds.into(), rate: SampleRate::Khz8, repeats: false });
    }

    fn file(&self, name: &str, samples: &[i16]) -> Sound {
        fs::write(self.home.path().join("sounds").join(name), wav(samples)).expect("it is writable");
        Sound::File(name.into())
    }

    /// The next delivery.
    fn next(&mut self) -> Delivery {
        let start = Instant::now();
        let mut taken = VecDeque::new();
        while start.elapsed() < Duration::from_secs(10) {
            if let Some(delivery) = self.heard.pop_front() {
                return delivery;
            }
            self.deliveries.take(&mut taken);
            self.heard.append(&mut taken);
            if self.heard.is_empty() {
                let mut events = Events::with_capacity(4);
                self.poll.poll(&mut events, Some(Duration::from_millis(50))).expect("nothing interrupts");
            }
        }
        panic!("nothing was delivered");
    }

    /// Plays to the end, one buffer after another, as the engine does; the samples and why it ended.
    fn play(&mut self) -> (Vec<i16>, Option<String>) {
        let mut samples = Vec::new();
        loop {
            match self.next() {
                Delivery::Filled { playback, buffer } => {
                    assert_eq!((playback, buffer.pcm.len()), (ID, 1_600));
                    samples.extend_from_slice(&buffer.pcm[..buffer.len]);
                    if buffer.last {
                        return (samples, None);
                    }
                    self.order(Order::Refill { playback, pcm: buffer.pcm });
                }
                Delivery::Failed { playback, reason } => {
                    assert_eq!(playback, ID);
                    return (samples, Some(reason));
                }
            }
        }
    }

    /// Ends the thread and gives everything it still delivered.
    fn quit(mut self) -> Vec<Delivery> {
        self.thread.take().expect("it runs").stop();
        let mut taken = VecDeque::new();
        self.deliveries.take(&mut taken);
        self.heard.into_iter().chain(taken).collect()
    }
}

fn wav(samples: &[i16]) -> Vec<u8> {
    let mut writer = WavWriter::new(Cursor::new(Vec::new()), 8_000, 1).expect("memory can be written");
    writer.write(samples).and_then(|()| writer.checkpoint()).expect("memory can be written");
    writer.sink().get_ref().clone()
}

fn ramp(from: i16, len: usize) -> Vec<i16> {
    (0..len).map(|at| from.wrapping_add(at as i16)).collect()
}

#[test]
fn a_list_is_played_without_a_gap() {
    let mut bench = Bench::new();
    let (first, second) = (ramp(1, 3_333), ramp(-5_000, 777));
    let sounds = vec![
        bench.file("first.wav", &first),
        Sound::Octets(wav(&second).into()),
        Sound::Silence(Duration::from_millis(125)),
        bench.file("empty.wav", &[]),
        Sound::Octets(wav(&first).into()),
    ];
    bench.start(ID, sounds);
    let expected = [&first[..], &second, &[0; 1_000], &first].concat();
    let (samples, failed) = bench.play();
    assert!(samples == expected, "{} samples for {}", samples.len(), expected.len());
    assert_eq!(failed, None);
    // Nothing at all is over at once.
    bench.start(ID, vec![]);
    assert_eq!(bench.play(), (vec![], None));
}

#[test]
fn music_begins_anew_without_a_gap_and_nothing_does_not() {
    let mut bench = Bench::new();
    let music = bench.home.path().join("music.wav");
    fs::write(&music, wav(&ramp(1, 700))).expect("it is writable");
    let name = Sound::File(music.to_str().expect("temporary names are plain").into());
    let start = |sounds: Vec<Sound>| Order::Start {
        playback: ID,
        sounds: sounds.into(),
        rate: SampleRate::Khz8,
        repeats: true,
    };
    bench.order(start(vec![name]));
    let mut heard = Vec::new();
    for _ in 0..10 {
        let Delivery::Filled { buffer, .. } = bench.next() else { panic!("it goes on") };
        assert!(!buffer.last);
        heard.extend_from_slice(&buffer.pcm[..buffer.len]);
        bench.order(Order::Refill { playback: ID, pcm: buffer.pcm });
    }
    assert!(heard == ramp(1, 700).repeat(30)[..heard.len()] && heard.len() == 16_000);
    bench.order(Order::Stop { playback: ID });
    let mut bench = Bench::new();
    let empty = bench.file("empty.wav", &[]);
    bench.order(start(vec![empty]));
    assert_eq!(bench.play(), (vec![], None));
}

#[test]
fn music_that_cannot_be_played_is_named() {
    let home = tempfile::tempdir().expect("the temporary folder is writable");
    let file = |name: &str, octets: &[u8]| {
        fs::write(home.path().join(name), octets).expect("it is writable");
        home.path().join(name)
    };
    assert_eq!(Library::check_music(&file("good.wav", &wav(&ramp(1, 10)))), Ok(()));
    for (path, reason) in [
        (file("empty.wav", &wav(&[])), "there is no sound in it"),
        (file("text.mp3", b"this is no music"), "text.mp3"),
        (home.path().join("missing.wav"), "No such file"),
        (home.path().to_owned(), "it is no file"),
    ] {
        let said = Library::check_music(&path).expect_err("it cannot be played");
        assert!(said.contains(reason) && !said.contains('\n'), "{said}");
    }
}

#[test]
fn a_raw_file_is_known_by_its_name_and_a_misnamed_one_by_its_content() {
    let mut bench = Bench::new();
    let sounds = bench.home.path().join("sounds");
    fs::write(sounds.join("silence.ulaw"), [0xFF; 400]).expect("it is writable");
    fs::write(sounds.join("really.ulaw"), wav(&ramp(5, 100))).expect("it is writable");
    bench.start(ID, vec![Sound::File("silence.ulaw".into()), Sound::File("really.ulaw".into())]);
    assert_eq!(bench.play(), ([vec![0; 400], ramp(5, 100)].concat(), None));
}

#[test]
fn no_more_is_decoded_than_there_are_buffers() {
    let mut bench = Bench::new();
    let sound = bench.file("long.wav", &ramp(0, 30_000));
    bench.start(ID, vec![sound]);
    let delivered: Vec<Delivery> = (0..limits::SOUND_BUFFERS).map(|_| bench.next()).collect();
    assert!(
        delivered.iter().all(|delivery| matches!(delivery, Delivery::Filled { buffer, .. } if buffer.len == 1_600))
    );
    bench.order(Order::Stop { playback: ID });
    for delivery in delivered {
        let Delivery::Filled { playback, buffer } = delivery else { unreachable!("they were just looked at") };
        bench.order(Order::Refill { playback, pcm: buffer.pcm });
    }
    // What comes back after the end is dropped.
    assert!(bench.quit().is_empty());
}

#[test]
fn what_cannot_be_played_is_named() {
    let mut bench = Bench::new();
    let good = bench.file("good.wav", &ramp(9, 2_000));
    fs::write(bench.home.path().join("sounds/bad.wav"), "RIFF").expect("it is writable");
    for (sounds, samples, reason) in [
        (
            vec![Sound::File("../tandem.db".into())],
            0,
            "sound “../tandem.db”: the name leads out of the folder of sounds",
        ),
        (vec![Sound::File("gone.wav".into())], 0, "sound “gone.wav”: No such file or directory (os error 2)"),
        (
            vec![good.clone(), Sound::File("bad.wav".into())],
            2_000,
            "sound “bad.wav”: the WAV file ends within its head, at octet 0",
        ),
        (
            vec![Sound::Octets(Arc::from(*b"nonsense"))],
            0,
            "8 octets of sound: not a sound file: begins with “nonsense”",
        ),
    ] {
        bench.start(ID, sounds);
        let (played, failed) = bench.play();
        assert_eq!((played.len(), failed.as_deref()), (samples, Some(reason)));
    }
    bench.start(ID, vec![Sound::Silence(Duration::ZERO); limits::SOUNDS + 1]);
    assert_eq!(bench.play().1.as_deref(), Some("257 sounds in a row; 256 are allowed"));
}

#[test]
fn too_many_playbacks_are_refused() {
    let mut bench = Bench::new();
    let forever = || vec![Sound::Silence(Duration::MAX)];
    for id in 0..limits::PLAYBACKS as u32 {
        bench.start(PlaybackId(1_000 + id), forever());
    }
    for _ in 0..limits::PLAYBACKS * limits::SOUND_BUFFERS {
        assert!(matches!(bench.next(), Delivery::Filled { .. }));
    }
    bench.start(ID, forever());
    assert_eq!(bench.play().1.as_deref(), Some("512 sounds are played already"));
    bench.order(Order::Stop { playback: PlaybackId(1_000) });
    bench.start(ID, forever());
    assert!(matches!(bench.next(), Delivery::Filled { playback: ID, .. }));
}
