//! Gives memory back to the kernel after a burst.

use std::time::Duration;

/// Says when the process has calmed down after a burst, from how much it was given to do.
#[derive(Debug, Default)]
pub struct Trimmer {
    seen: u64,
    untrimmed: u64,
    rounds: u32,
}

impl Trimmer {
    /// How often to look.
    pub const INTERVAL: Duration = Duration::from_secs(10);
    /// So many inputs in an interval are calm: a hundred phones and a few calls.
    const CALM: u64 = 2_000;
    /// So many inputs leave behind what is worth giving back.
    const WORTH: u64 = 1_000;
    /// Transactions and dialogs are remembered for half a minute after their end (RFC 3261 §17, timers D and J), so that
    /// memory becomes free for so many intervals after a burst.
    const ROUNDS: u32 = 5;

    /// Takes how many inputs there were since the start; true when it is time to give back.
    pub fn observe(&mut self, inputs: u64) -> bool {
        let recent = inputs - self.seen;
        self.seen = inputs;
        self.untrimmed += recent;
        if self.untrimmed >= Self::WORTH {
            (self.untrimmed, self.rounds) = (0, Self::ROUNDS);
        }
        let due = recent <= Self::CALM && self.rounds > 0;
        self.rounds -= u32::from(due);
        due
    }
}

/// Has the allocator give whole free pages back.
pub fn trim() {
    // SAFETY: glibc allows this from any thread at any time.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Sets the allocator up; call it before other threads are there.
pub fn configure() {
    // Large tables that grow and go must not leave holes: each gets pages of its own, which go back when it goes. glibc
    // would raise this limit by itself with the first one that goes.
    const OWN_PAGES: libc::c_int = 128 * 1_024;
    // What lies free at the end of the heap and is not worth a system call.
    const SLACK: libc::c_int = 1 << 20;
    // SAFETY: no other thread is there yet.
    #[cfg(target_env = "gnu")]
    unsafe {
        // Each arena more would cost memory for good, and the busy threads pass what they allocate to each other anyhow.
        libc::mallopt(libc::M_ARENA_MAX, 2);
        libc::mallopt(libc::M_MMAP_THRESHOLD, OWN_PAGES);
        libc::mallopt(libc::M_TRIM_THRESHOLD, SLACK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_goes_back_several_times_after_a_burst() {
        let mut trimmer = Trimmer::default();
        assert!(!trimmer.observe(100), "nothing is worth it yet");
        assert!(!trimmer.observe(1_000_000), "not in the middle of a burst");
        for round in 1..=u64::from(Trimmer::ROUNDS) {
            assert!(trimmer.observe(1_000_000 + round), "round {round}");
        }
        assert!(!trimmer.observe(1_000_100));
    }
}
