//! Mutated corpora through every target: the same ones in each run, no panic, and not a byte more memory held afterwards.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::Cursor;
use std::time::Duration;

use bytes::Bytes;
use fuzz::mutate::{Dice, mutated};
use fuzz::{Target, corpus};
use media::SampleRate;
use media::sound::SoundReader;
use sip::endpoint::{Config, Event, Reply};
use sip::{Endpoint, Flow, Transport};

/// The system's memory, counted for each thread: every target keeps to the thread it is called on.
struct Counted;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    let held = HELD.get() + bytes;
    HELD.set(held);
    MOST.set(MOST.get().max(held));
}

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller keeps the promises of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller keeps the promises of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static MEMORY: Counted = Counted;

fn mutate(name: &str, target: Target, count: usize) {
    let seeds: Vec<Vec<u8>> = corpus(name).into_iter().map(|(_, input)| input).collect();
    let mut dice = Dice::new(0x7A5D_E401);
    for input in seeds.iter().take(3) {
        target(input);
    }
    let before = HELD.get();
    for round in 0..count {
        let input = mutated(&mut dice, &seeds);
        let passed = std::panic::catch_unwind(|| target(&input));
        assert!(passed.is_ok(), "{name}, round {round}: {:?}", String::from_utf8_lossy(&input));
    }
    let grown = HELD.get() - before;
    assert!(grown < 4_096, "{name}: {grown} bytes more are held after {count} inputs");
}

#[test]
fn messages() {
    mutate("sip_message", fuzz::sip_message, 200_000);
}

#[test]
fn session_descriptions() {
    mutate("sdp", fuzz::sdp, 50_000);
}

#[test]
fn endpoints() {
    mutate("endpoint", fuzz::endpoint, 60_000);
}

#[test]
fn ways_to_browsers() {
    mutate("webrtc", fuzz::webrtc, 3_000);
}

#[test]
fn pages() {
    mutate("page", fuzz::page, 10_000);
}

#[test]
fn audio() {
    mutate("rtp_ingress", fuzz::rtp_ingress, 20_000);
}

#[test]
fn reports() {
    mutate("rtcp", fuzz::rtcp, 100_000);
}

#[test]
fn received_audio() {
    mutate("receiver", fuzz::receiver, 10_000);
}

#[test]
fn encrypted_audio() {
    mutate("srtp", fuzz::srtp, 40_000);
}

#[test]
fn wav_files() {
    mutate("sound_wav", fuzz::sound_wav, 20_000);
}

#[test]
fn mp3_files() {
    mutate("sound_mp3", fuzz::sound_mp3, 5_000);
}

#[test]
fn ogg_files() {
    mutate("sound_ogg", fuzz::sound_ogg, 5_000);
}

#[test]
fn updates() {
    mutate("bundle", fuzz::bundle, 20_000);
}

/// The tables that the MP3 decoder makes once are not counted, nor are libopus' own 26 KiB: they come from C.
#[test]
fn a_sound_reader_holds_little() {
    let read = |octets: &[u8], rate| {
        let before = HELD.get();
        MOST.set(before);
        if let Ok(mut reader) = SoundReader::open(Cursor::new(octets), rate) {
            let mut pcm = [0; 160];
            while reader.read(&mut pcm).is_ok_and(|count| count == pcm.len()) {}
        }
        MOST.get() - before
    };
    for (name, most) in [("sound_wav", 140_000), ("sound_mp3", 160_000), ("sound_ogg", 140_000)] {
        for (file, octets) in corpus(name) {
            read(&octets, SampleRate::Khz8);
            for rate in SampleRate::ALL {
                let held = read(&octets, rate);
                assert!(held < most, "{name}/{file} at {rate}: {held} bytes");
            }
        }
    }
}

/// Ten seconds of 10,000 messages a second from 250 addresses, half of them mutated, everything answered: what is held is bounded, and given back.
#[test]
fn a_flood_at_one_endpoint() {
    let seeds: Vec<Vec<u8>> = corpus("sip_message").into_iter().map(|(_, input)| input).collect();
    let mut dice = Dice::new(0xF100_D000);
    let before = HELD.get();
    let mut endpoint = Endpoint::new(Config::default(), [5; 32]);
    let (mut now, mut most, mut answered) = (Duration::ZERO, 0, 0);
    for number in 0..100_000 {
        now += Duration::from_micros(100);
        let whole = seeds[dice.below(seeds.len())].clone();
        let message = if number % 2 == 0 { whole } else { mutated(&mut dice, &seeds) };
        let message = renamed(&message, number);
        endpoint.handle_message(now, from(dice.below(250) as u8), &message);
        if endpoint.poll_timeout().is_some_and(|deadline| deadline.at <= now) {
            endpoint.handle_timeout(now);
        }
        answered += drain(&mut endpoint, now);
        most = most.max(HELD.get() - before);
    }
    let statistics = endpoint.statistics();
    assert!(answered > 5_000 && statistics.malformed > 5_000, "{answered} answered, {statistics:?}");
    assert!(most < 64 << 20, "{most} bytes were held");
    while let Some(deadline) = endpoint.poll_timeout() {
        now = now.max(deadline.at);
        endpoint.handle_timeout(now);
        drain(&mut endpoint, now);
    }
    assert!(endpoint.is_idle(), "{:?}", endpoint.counts());
    let left = HELD.get() - before;
    assert!(left < 32 << 10, "{left} bytes are still held, {most} at most");
}

/// The same message as another call and transaction.
fn renamed(message: &[u8], number: usize) -> Bytes {
    let mut text = message.to_vec();
    for (name, shift) in [(b"z9hG4bK".as_slice(), 7), (b"Call-ID: ", 9)] {
        if let Some(at) = text.windows(name.len()).position(|window| window == name) {
            text.splice(at + shift..at + shift, number.to_string().into_bytes());
        }
    }
    text.into()
}

fn from(address: u8) -> Flow {
    let (local, remote) = (([192, 0, 2, 10], 5060).into(), ([198, 51, 100, address], 5060).into());
    Flow { transport: Transport::Udp, local, remote, connection: None }
}

/// Answers every request with 404 and gives up every dialog; the number of requests.
fn drain(endpoint: &mut Endpoint, now: Duration) -> usize {
    let mut requests = 0;
    loop {
        while endpoint.poll_transmit().is_some() {}
        let Some(event) = endpoint.poll_event() else { return requests };
        if let Event::Request { server, .. } = event {
            requests += 1;
            endpoint.respond(now, server, Reply::new(404));
        }
    }
}
