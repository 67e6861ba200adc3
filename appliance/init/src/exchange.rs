//! Runs the exchange as a child: carries out the keeper's orders and tells it what becomes of them.
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use hal::led::Pattern;
use hal::watchdog::Watchdog;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use smol::channel::{Receiver, Sender};
use smol::future::or;
use smol::{Async, LocalExecutor, Task, Timer};

use crate::console::{Printer, say};
use crate::factory_reset;
use crate::health;
use crate::keeper::{Keeper, Notice, Order};
use crate::rescue::{Rescue, Wish};
use crate::signals::bury_orphans;

/// Where tasks run: on the one thread of init, which lives as long as the box.
pub type Executor = &'static LocalExecutor<'static>;

/// The exchange may have left its output open to somebody; that does not keep its end secret for longer.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What happens to the exchange.
#[derive(Debug)]
pub enum Event {
    /// The box is to go down.
    Stop,
    /// Some process has ended.
    ChildEnded,
    Health(bool),
    Exit(ExitStatus),
    /// Somebody at the rescue page, or with a finger on the button, wants this.
    Wish(Wish),
}

/// How the box goes down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    PowerOff,
    Restart,
}

/// Both ends of the channel of events.
pub type Events = (Sender<Event>, Receiver<Event>);

/// The exchange as a process, with all that belongs to it.
pub struct Exchange {
    /// Starts it.
    pub command: Command,
    pub health_address: Option<SocketAddr>,
    pub printer: Printer,
    pub watchdog: Option<Box<dyn Watchdog>>,
    pub patterns: Sender<Pattern>,
    pub executor: Executor,
    pub rescue: Rescue,
}

/// The living child.
struct Child {
    pid: Pid,
    handle: OwnedFd,
    /// Waits for its end and forwards its output.
    _watch: Task<()>,
    /// Asks for its health.
    check: Option<Task<()>>,
}

impl Exchange {
    /// Keeps the exchange running until the box is to go down and it has ended; says how.
    pub async fn run(mut self, mut keeper: Keeper, began: Instant, (sender, events): Events) -> Ending {
        let mut child: Option<Child> = None;
        let (mut pattern, mut ending) = (None, Ending::PowerOff);
        while !keeper.is_done() {
            keeper.handle_timeout(began.elapsed());
            while let Some(order) = keeper.poll_order() {
                if self.carry_out(order, &mut child, &sender).is_err() {
                    keeper.handle_exit(began.elapsed());
                }
            }
            if pattern.replace(keeper.pattern()) != Some(keeper.pattern()) {
                defmt::info!("the light: {}", keeper.pattern());
                let _ = self.patterns.try_send(keeper.pattern());
            }
            if keeper.is_done() {
                break;
            }
            let due = began + keeper.poll_timeout();
            let timeout = async {
                Timer::at(due).await;
                None
            };
            match or(async { events.recv().await.ok() }, timeout).await {
                Some(Event::Stop) => keeper.handle_stop(began.elapsed()),
                Some(Event::Wish(Wish::TryAgain)) => keeper.handle_retry(began.elapsed()),
                Some(Event::Wish(wish)) => {
                    ending = grant(wish);
                    keeper.handle_stop(began.elapsed());
                }
                Some(Event::Health(is_healthy)) => keeper.handle_health(began.elapsed(), is_healthy),
                Some(Event::Exit(status)) => {
                    say(format_args!("tandem has ended: {status}"));
                    self.rescue.note_end(status);
                    record_end(status);
                    child = None;
                    keeper.handle_exit(began.elapsed());
                    bury_orphans(None);
                }
                Some(Event::ChildEnded) => bury_orphans(child.as_ref().map(|child| child.pid)),
                None => {}
            }
        }
        ending
    }

    /// An error is a child that could not be started.
    fn carry_out(&mut self, order: Order, child: &mut Option<Child>, events: &Sender<Event>) -> Result<(), ()> {
        match (order, child.as_mut()) {
            (Order::Pet, _) => {
                if let Some(Err(error)) = self.watchdog.as_mut().map(|watchdog| watchdog.pet()) {
                    say(error);
                    defmt::error!("{}", error);
                }
            }
            (Order::Start, _) => {
                let started = self.start(events.clone());
                *child = Some(started.map_err(|error| {
                    say(format_args!("tandem cannot be started: {error:#}"));
                    defmt::error!("tandem cannot be started");
                })?);
                say("tandem is started");
                defmt::info!("tandem is started");
            }
            (Order::Check, Some(child)) => child.check = Some(self.check(events.clone())),
            (Order::Terminate, Some(child)) => signal(child, Signal::TERM),
            (Order::Kill, Some(child)) => signal(child, Signal::KILL),
            (Order::Check | Order::Terminate | Order::Kill, None) => {}
            (Order::OpenRescue, _) => self.rescue.open(events.clone()),
            (Order::CloseRescue, _) => self.rescue.close(),
            (Order::Tell(notice), _) => {
                defmt::info!("tandem: {}", notice);
                say(match notice {
                    Notice::Answers => "tandem answers",
                    Notice::Hangs => "tandem does not answer any more, it is replaced",
                    Notice::NeverAnswered => "tandem has not answered since its start, it is replaced",
                    Notice::GivenUp => "tandem cannot be kept alive, the watchdog is no longer petted",
                });
            }
        }
        Ok(())
    }

    fn start(&mut self, events: Sender<Event>) -> Result<Child> {
        let (reader, writer) = std::io::pipe()?;
        self.command.stdout(writer.try_clone()?).stderr(writer);
        let spawned = self.command.spawn();
        // The command would keep the pipe's writing end open after the child's end.
        self.command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        let mut process = spawned.with_context(|| self.command.get_program().display().to_string())?;
        let pid = Pid::from_child(&process);
        let handle = pidfd_open(pid, PidfdFlags::NONBLOCK)?;
        let ended = Async::new_nonblocking(handle.as_fd().try_clone_to_owned()?)?;
        let printer = self.printer.clone();
        let output = self.executor.spawn(async move {
            if let Err(error) = printer.forward(reader.into()).await {
                say(format_args!("the output of tandem is lost: {error}"));
            }
        });
        let watch = self.executor.spawn(async move {
            let _ = ended.readable().await;
            let status = process.wait().unwrap_or_else(|_| ExitStatus::from_raw(-1));
            // What it said last is still in the pipe.
            let limit = async {
                Timer::after(LAST_WORDS).await;
            };
            or(output, limit).await;
            let _ = events.send(Event::Exit(status)).await;
        });
        Ok(Child { pid, handle, _watch: watch, check: None })
    }

    fn check(&self, events: Sender<Event>) -> Task<()> {
        let address = self.health_address;
        self.executor.spawn(async move {
            let is_healthy = match address {
                Some(address) => health::check(address).await,
                None => false,
            };
            let _ = events.send(Event::Health(is_healthy)).await;
        })
    }
}

/// Does what somebody wants, as far as it is done before the box goes down.
fn grant(wish: Wish) -> Ending {
    match wish {
        Wish::FactoryReset => {
            defmt::warn!("everything is to be erased");
            if let Err(error) = factory_reset::order() {
                say(format_args!("nothing will be erased: {error}"));
            }
            Ending::Restart
        }
        // That the other slot is tried is written down already.
        Wish::Restart | Wish::SwitchSlots => Ending::Restart,
        Wish::PowerOff | Wish::TryAgain => Ending::PowerOff,
    }
}

fn record_end(status: ExitStatus) {
    match (status.code(), status.signal()) {
        (Some(0), _) => defmt::info!("tandem has ended in good order"),
        (Some(code), _) => defmt::error!("tandem has ended with code {=i32}", code),
        (None, signal) => defmt::error!("tandem was ended by signal {=i32}", signal.unwrap_or(0)),
    }
}

fn signal(child: &Child, signal: Signal) {
    // A child that has ended a moment ago needs no signal.
    let _ = pidfd_send_signal(&child.handle, signal);
}

#[cfg(test)]
mod tests;
