//! The flight recorder: what happened to the box, in a few octets a line, kept through resets.
//!
//! `defmt` keeps the texts out of the program; what is recorded are their numbers and values, read again by `make blackbox` with
//! the program's unstripped twin. Frames are encoded as rzCOBS: none contains a zero, and each ends with one, so that a reader finds
//! its way from anywhere. Before those of a start of the box stands which build of this program wrote them.
mod build;
mod file;
mod pending;

use std::cell::UnsafeCell;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use defmt::Encoder;
use rustix::time::{ClockId, clock_gettime};
use smol::Timer;

use crate::console::say;
use file::Tape;
use pending::Pending;

/// Where the recording lies on the data partition, for `tandem` to hand out.
pub const FILE: &str = "/data/flight-recorder";

/// How long a frame may wait in memory: one write for what happens together, and next to nothing lost in a reset.
const WAIT: Duration = Duration::from_secs(1);

struct State {
    encoder: Encoder,
    pending: Pending,
}

/// The one recorder, and who holds it.
struct Recorder {
    held: AtomicBool,
    state: UnsafeCell<State>,
}

// SAFETY: the state is touched only between `hold` and `release`, by one thread at a time.
unsafe impl Sync for Recorder {}

static RECORDER: Recorder = Recorder {
    held: AtomicBool::new(false),
    state: UnsafeCell::new(State { encoder: Encoder::new(), pending: Pending::new() }),
};

impl Recorder {
    fn hold(&self) {
        while self.held.compare_exchange_weak(false, true, Ordering::Acquire, Ordering::Relaxed).is_err() {
            std::thread::yield_now();
        }
    }

    fn release(&self) {
        self.held.store(false, Ordering::Release);
    }

    /// # Safety
    /// Only between `hold` and `release`, and one at a time.
    #[expect(clippy::mut_from_ref, reason = "whoever holds it is alone")]
    unsafe fn state(&self) -> &mut State {
        // SAFETY: the caller holds it.
        unsafe { &mut *self.state.get() }
    }

    /// Takes what is waiting.
    fn take(&self) -> Vec<u8> {
        self.hold();
        // SAFETY: it is held.
        let waiting = unsafe { self.state() }.pending.take();
        self.release();
        waiting
    }
}

#[defmt::global_logger]
struct Frames;

// SAFETY: a frame is written by whoever holds the recorder; another thread waits, and no frame begins within one.
unsafe impl defmt::Logger for Frames {
    fn acquire() {
        RECORDER.hold();
        // SAFETY: it is held.
        let State { encoder, pending } = unsafe { RECORDER.state() };
        pending.begin();
        // The zero that it would begin with is there already: the end of the frame before.
        encoder.start_frame(|_| ());
    }

    unsafe fn flush() {}

    unsafe fn release() {
        // SAFETY: it is held since `acquire`.
        let State { encoder, pending } = unsafe { RECORDER.state() };
        encoder.end_frame(|octets| pending.write(octets));
        pending.end();
        RECORDER.release();
    }

    unsafe fn write(octets: &[u8]) {
        // SAFETY: it is held since `acquire`.
        let State { encoder, pending } = unsafe { RECORDER.state() };
        encoder.write(octets, |octets| pending.write(octets));
    }
}

defmt::timestamp!("{=u64:us}", since_power_on());

fn since_power_on() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    u64::try_from(now.tv_sec).unwrap_or(0) * 1_000_000 + u64::try_from(now.tv_nsec).unwrap_or(0) / 1_000
}

/// Keeps what is recorded on the disk, for as long as the box runs; to be started once the data partition is there.
pub async fn keep() {
    let mut tape = match Tape::open(Path::new(FILE), build::id()) {
        Ok(tape) => tape,
        Err(error) => return say(format_args!("nothing is recorded: {error}")),
    };
    loop {
        if let Err(error) = tape.append(&RECORDER.take()) {
            say(format_args!("nothing is recorded any more: {error}"));
            return;
        }
        Timer::after(WAIT).await;
    }
}

/// Puts what is still waiting on the disk: the box goes down.
pub fn finish() {
    let waiting = RECORDER.take();
    if let Err(error) = Tape::open(Path::new(FILE), build::id()).and_then(|mut tape| tape.append(&waiting)) {
        say(format_args!("the last of the recording is lost: {error}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_end_with_a_zero_and_have_none_within() {
        defmt::warn!("the exchange ended with {=i32} after {=u32} s", -9, 0);
        defmt::info!("it was started");
        let recorded = RECORDER.take();
        let frames: Vec<&[u8]> = recorded.split_inclusive(|octet| *octet == 0).collect();
        assert!(frames.len() >= 2, "other tests record as well: {recorded:02x?}");
        for frame in frames {
            assert_eq!(frame.iter().position(|octet| *octet == 0), Some(frame.len() - 1), "{frame:02x?}");
            assert!((4..40).contains(&frame.len()), "{frame:02x?}");
        }
    }
}
