//! The exchange's part is played by real processes that are really killed; the test answers the health checks for them.
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread::JoinHandle;

use hal::board::simulated::SimulatedWatchdog;
use rustix::process::kill_process;
use smol::channel::unbounded;

use super::*;
use crate::rescue::Code;
use crate::update::Updater;

/// Hands each line of the console to the test.
struct Lines(mpsc::Sender<String>);

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        let _ = self.0.send(String::from_utf8_lossy(line).trim_end().to_owned());
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

struct Stage {
    lines: mpsc::Receiver<String>,
    patterns: Receiver<Pattern>,
    events: Sender<Event>,
    runner: JoinHandle<()>,
}

fn free_port() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], ports::free(1)))
}

impl Stage {
    fn play(script: &'static str) -> Stage {
        let health = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let health_address = Some(health.local_addr().expect("it is bound"));
        std::thread::spawn(move || {
            for mut stream in health.incoming().flatten() {
                let _ = stream.read(&mut [0; 512]);
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
            }
        });
        let (sender, lines) = mpsc::channel();
        let (shown, patterns) = unbounded();
        let (events, received) = unbounded();
        let stop = events.clone();
        let runner = std::thread::spawn(move || {
            let executor: Executor = Box::leak(Box::new(LocalExecutor::new()));
            let mut command = Command::new("/bin/sh");
            command.args(["-c", script]);
            let printer = Printer::start(Lines(sender)).expect("a thread can be started");
            let watchdog: Option<Box<dyn Watchdog>> = Some(Box::new(SimulatedWatchdog::default()));
            let rescue =
                Rescue::new(free_port(), Code::draw().expect("the kernel has randomness"), Updater::of_no_box());
            let exchange = Exchange { command, health_address, printer, watchdog, patterns: shown, executor, rescue };
            let keeper = Keeper::new(
                Duration::ZERO,
                Duration::from_secs(30),
                Duration::from_secs(120),
                Duration::from_secs(3_600),
            );
            smol::block_on(executor.run(exchange.run(keeper, Instant::now(), (events, received))));
        });
        Stage { lines, patterns, events: stop, runner }
    }

    fn line(&self) -> String {
        self.lines.recv_timeout(Duration::from_secs(20)).expect("the child prints a line")
    }

    fn pid(&self) -> Pid {
        let line = self.line();
        let pid = line.strip_prefix("pid ").and_then(|pid| Pid::from_raw(pid.parse().ok()?));
        pid.unwrap_or_else(|| panic!("{line:?} is no process id"))
    }

    fn stop(&self) {
        self.events.try_send(Event::Stop).expect("somebody listens");
    }

    fn shown(&self, pattern: Pattern) {
        while self.patterns.recv_blocking().expect("patterns are shown while the exchange runs") != pattern {}
    }
}

#[test]
fn a_killed_child_is_replaced_and_the_new_one_can_be_stopped() {
    let stage = Stage::play("echo pid $$; exec sleep 1000");
    let first = stage.pid();
    stage.shown(Pattern::Running);
    kill_process(first, Signal::KILL).expect("it is our grandchild");
    let second = stage.pid();
    assert_ne!(first, second);
    stage.shown(Pattern::Running);
    stage.stop();
    stage.runner.join().expect("the runner ends without a panic");
    assert!(kill_process(second, Signal::TERM).is_err(), "it is still there");
}

#[test]
fn a_child_that_ignores_the_signal_is_killed() {
    let stage = Stage::play("trap '' TERM; echo pid $$; while :; do sleep 1; done");
    let pid = stage.pid();
    stage.stop();
    stage.stop();
    stage.runner.join().expect("the runner ends without a panic");
    assert!(kill_process(pid, Signal::TERM).is_err(), "it is still there");
}

#[test]
fn the_last_words_of_a_dying_child_are_printed() {
    let stage = Stage::play("printf 'standard output\\n'; printf 'no end of line' >&2; exit 3");
    assert_eq!(stage.line(), "standard output");
    assert_eq!(stage.line(), "no end of line");
    stage.stop();
    stage.runner.join().expect("the runner ends without a panic");
}

#[test]
fn a_program_that_is_not_there_is_tried_again_and_then_help_is_asked_for() {
    let at = free_port();
    let (shown, patterns) = unbounded();
    let (events, received) = unbounded();
    let stop = events.clone();
    let runner = std::thread::spawn(move || {
        let executor: Executor = Box::leak(Box::new(LocalExecutor::new()));
        let printer = Printer::start(std::io::sink()).expect("a thread can be started");
        let command = Command::new("/nowhere/tandem");
        let rescue = Rescue::new(at, Code::draw().expect("the kernel has randomness"), Updater::of_no_box());
        let exchange =
            Exchange { command, health_address: None, printer, watchdog: None, patterns: shown, executor, rescue };
        let keeper =
            Keeper::new(Duration::ZERO, Duration::from_secs(30), Duration::from_secs(120), Duration::from_secs(3_600));
        smol::block_on(executor.run(exchange.run(keeper, Instant::now(), (events, received))));
    });
    while patterns.recv_blocking().expect("patterns are shown while the exchange runs") != Pattern::Fault {}
    let mut page = TcpStream::connect(at).expect("the page is there");
    page.write_all(b"GET / HTTP/1.0\r\n\r\n").expect("it reads");
    let mut answer = String::new();
    page.read_to_string(&mut answer).expect("it answers");
    assert!(answer.contains("This box needs help"), "{answer}");
    stop.try_send(Event::Stop).expect("somebody listens");
    runner.join().expect("the runner ends without a panic");
}
