//! SIGTERM and SIGINT, taken by one thread that does nothing else.

use std::io;
use std::mem::MaybeUninit;

use anyhow::{Context, Result};

/// The signals that ask the process to end, held back from every thread.
#[derive(Clone, Copy)]
pub struct Signals {
    set: libc::sigset_t,
}

impl Signals {
    /// Holds them back in this thread and in all that it starts, so that [`Signals::forward`] gets them. Call it first.
    pub fn hold() -> Result<Signals> {
        let mut set = MaybeUninit::uninit();
        // SAFETY: `sigemptyset` makes the set before it is used, and all pointers outlive the calls.
        let (set, result) = unsafe {
            libc::sigemptyset(set.as_mut_ptr());
            libc::sigaddset(set.as_mut_ptr(), libc::SIGTERM);
            libc::sigaddset(set.as_mut_ptr(), libc::SIGINT);
            let set = set.assume_init();
            (set, libc::pthread_sigmask(libc::SIG_BLOCK, &set, std::ptr::null_mut()))
        };
        if result != 0 {
            return Err(io::Error::from_raw_os_error(result)).context("cannot hold signals back");
        }
        Ok(Signals { set })
    }

    /// Starts a thread that calls `each` for each signal.
    pub fn forward(self, mut each: impl FnMut() + Send + 'static) -> Result<()> {
        let wait = move || {
            loop {
                let mut signal = 0;
                // SAFETY: the set was made by `hold`, and both pointers outlive the call.
                if unsafe { libc::sigwait(&self.set, &mut signal) } == 0 {
                    each();
                }
            }
        };
        let thread = std::thread::Builder::new().name("signals".into()).stack_size(64 * 1_024);
        thread.spawn(wait).context("cannot start the signal thread").map(drop)
    }
}
