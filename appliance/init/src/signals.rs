//! Signals to PID 1, read from a file descriptor, and the dead that nobody else buries.
use std::io;
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::process::{Pid, Signal, WaitIdOptions, waitid};
use smol::Async;

/// The signals init wants to know of.
const WANTED: [Signal; 4] = [Signal::CHILD, Signal::TERM, Signal::INT, Signal::POWER];

/// The queue of signals to this process.
pub struct Signals {
    queue: Async<OwnedFd>,
}

impl Signals {
    /// Takes over the signals; call it before there is a second thread, since threads inherit what is blocked.
    pub fn take() -> io::Result<Signals> {
        // SAFETY: the set is initialised before it is read, and a descriptor the kernel has just made belongs to nobody else.
        let queue = unsafe {
            let mut set = std::mem::zeroed();
            libc::sigemptyset(&mut set);
            for signal in WANTED {
                libc::sigaddset(&mut set, signal.as_raw());
            }
            if libc::pthread_sigmask(libc::SIG_BLOCK, &set, std::ptr::null_mut()) != 0 {
                return Err(io::Error::last_os_error());
            }
            match libc::signalfd(-1, &set, libc::SFD_NONBLOCK | libc::SFD_CLOEXEC) {
                -1 => return Err(io::Error::last_os_error()),
                descriptor => OwnedFd::from_raw_fd(descriptor),
            }
        };
        Ok(Signals { queue: Async::new_nonblocking(queue)? })
    }

    /// The next signal.
    pub async fn next(&self) -> io::Result<Signal> {
        let mut information = [0; size_of::<libc::signalfd_siginfo>()];
        loop {
            self.queue.read_with(|queue| Ok(rustix::io::read(queue, &mut information)?)).await?;
            let number = i32::from_ne_bytes([information[0], information[1], information[2], information[3]]);
            if let Some(signal) = Signal::from_named_raw(number) {
                return Ok(signal);
            }
        }
    }
}

/// Has a program start with no signal blocked, though this process blocks those it reads.
pub fn unblock_for(command: &mut Command) {
    let unblock = || {
        // SAFETY: the set is initialised before it is read.
        let result = unsafe {
            let mut none = std::mem::zeroed();
            libc::sigemptyset(&mut none);
            libc::pthread_sigmask(libc::SIG_SETMASK, &none, std::ptr::null_mut())
        };
        if result == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(result)) }
    };
    // SAFETY: between fork and exec the closure calls only functions that are safe in a signal handler.
    unsafe { command.pre_exec(unblock) };
}

/// Buries dead processes whose parents died before them; `spared` is left to the one who waits for it.
pub fn bury_orphans(spared: Option<Pid>) {
    loop {
        // SAFETY: the kernel fills the structure, or leaves the process id at zero when nobody is dead.
        let dead = unsafe {
            let mut information: libc::siginfo_t = std::mem::zeroed();
            let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
            match libc::waitid(libc::P_ALL, 0, &mut information, options) {
                0 => Pid::from_raw(information.si_pid()),
                _ => None,
            }
        };
        match dead {
            Some(pid) if Some(pid) != spared => {
                let _ = waitid(rustix::process::WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
            }
            _ => return,
        }
    }
}
