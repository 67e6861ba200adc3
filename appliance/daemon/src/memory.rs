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

/// Has a fresh thread of this name do `work`, and waits for it.
///
/// glibc keeps some blocks of each small size for the thread that freed them; they go back when that thread ends, and
/// `malloc_trim` does not touch them. After a burst each lies on another page: hundreds of pages that hold nothing else.
/// So the threads that are busy in a burst end after it, and others go on with their work.
pub fn on_fresh_thread(name: &str, mut work: impl FnMut() + Send) {
    let fresh = std::thread::Builder::new().name(name.into());
    // The end of the scope would not wait for the very end of the thread; joining does.
    match std::thread::scope(|scope| fresh.spawn_scoped(scope, &mut work).map(|thread| thread.join())) {
        Ok(Ok(())) => {}
        Ok(Err(panic)) => std::panic::resume_unwind(panic),
        Err(error) => {
            tracing::warn!(%error, name, "no fresh thread can be had");
            work();
        }
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
        // Each arena more costs memory for good, and the busy threads pass what they allocate to each other anyhow.
        libc::mallopt(libc::M_ARENA_MAX, 1);
        libc::mallopt(libc::M_MMAP_THRESHOLD, OWN_PAGES);
        libc::mallopt(libc::M_TRIM_THRESHOLD, SLACK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blocks of many sizes, each on a page of its own, as a burst leaves them: their addresses after they were freed.
    #[cfg(target_env = "gnu")]
    fn burst() -> Vec<usize> {
        let sizes = || (24..1_032).step_by(16).flat_map(|size| [size; 7]);
        let blocks: Vec<(Vec<u8>, Vec<u8>)> = sizes().map(|size| (vec![1; size], vec![1; 3 * 4_096])).collect();
        blocks.iter().map(|(block, _)| block.as_ptr() as usize).collect()
    }

    #[cfg(target_env = "gnu")]
    fn resident(addresses: &[usize]) -> usize {
        let is_resident = |address: &&usize| {
            let mut here = 0;
            let page = (**address & !4_095) as *mut libc::c_void;
            // SAFETY: the kernel says for any address whether its page is there, and writes one octet.
            unsafe { libc::mincore(page, 1, &mut here) == 0 && here & 1 == 1 }
        };
        addresses.iter().filter(is_resident).count()
    }

    #[test]
    #[cfg(target_env = "gnu")]
    fn what_a_thread_kept_goes_back_when_it_ends() {
        // In a process of its own: the tests beside this one would take what is free.
        const ALONE: &str = "TANDEM_TEST_ALONE";
        if std::env::var_os(ALONE).is_none() {
            let mut alone = std::process::Command::new(std::env::current_exe().expect("a test has a file"));
            alone.args(["--exact", "memory::tests::what_a_thread_kept_goes_back_when_it_ends"]).env(ALONE, "1");
            let output = alone.output().expect("it can be started");
            return assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        }
        configure();
        let mut addresses = Vec::new();
        on_fresh_thread("test", || {
            addresses = burst();
            trim();
            assert!(resident(&addresses) > 400, "{} of {}", resident(&addresses), addresses.len());
        });
        trim();
        // The slack at the end may stay.
        assert!(resident(&addresses) < 100, "{} of {}", resident(&addresses), addresses.len());
    }

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
