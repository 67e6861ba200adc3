//! Decoders, encoders and resamplers allocate when they are made and never again, whatever they are fed with: counted by
//! Rust's allocator. (libopus has its own; its only calls of it stand in `opus_*_create`.)

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use media::codec::{Decoder, Encoder};
use media::{Resampler, SampleRate};

use crate::{Random, formats};

struct Counting;

thread_local! {
    /// Of this thread, because tests run side by side.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: everything is handed to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the pointer came from `alloc` above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn nothing_is_allocated_for_a_packet() {
    let mut random = Random(7);
    for format in formats() {
        let mut encoder = Encoder::new(&format).expect("a codec of ours");
        let mut decoder = Decoder::new(&format).expect("a codec of ours");
        let (mut down, mut up) = (
            Resampler::new(encoder.sample_rate(), SampleRate::Khz8),
            Resampler::new(SampleRate::Khz8, SampleRate::Khz48),
        );
        let said = random.noise(encoder.sample_rate().frame());
        let (mut payload, mut pcm, mut narrow, mut full) = ([0; 2_000], [0; 5_760], [0; 960], [0; 5_760]);
        let before = ALLOCATIONS.with(Cell::get);
        for round in 0..100 {
            let encoded = encoder.encode(&said, &mut payload).expect("a frame of 20 ms");
            let written = match round % 10 {
                0 => decoder.recover(&payload[..encoded.len], &mut pcm[..said.len()]),
                1 => usize::from(decoder.conceal(&mut pcm[..said.len()])),
                2 => decoder.decode(&[0xFF; 3], &mut pcm).unwrap_or(0),
                _ => decoder.decode(&payload[..encoded.len], &mut pcm).expect("what the encoder made"),
            };
            let written = down.process(&pcm[..written], &mut narrow);
            up.process(&narrow[..written], &mut full);
        }
        assert_eq!(ALLOCATIONS.with(Cell::get) - before, 0, "{format:?}");
    }
    let before = ALLOCATIONS.with(Cell::get);
    drop(std::hint::black_box(vec![0_u8; 10]));
    assert_eq!(ALLOCATIONS.with(Cell::get) - before, 1, "the counter counts");
}
