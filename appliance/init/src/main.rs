//! PID 1 of the box: mounts, brings the network up, starts the exchange, keeps it alive, and switches off in good order.
//!
//! The order is that of `run`. Nothing on the way waits for anything it does not need, since it all delays the first call.
mod console;
mod control;
mod dhcp;
mod exchange;
mod factory_reset;
mod hardware;
mod health;
mod keeper;
mod light;
mod mdns;
mod mount;
mod network;
mod ntp;
mod recorder;
mod rescue;
mod settings;
mod setup_code;
mod signals;
mod slot;
mod unprivileged;
mod update;

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use hal::button::{Button, Presses};
use hal::led::Pattern;
use rustix::process::{Resource, Rlimit, Signal, getpid, setrlimit};
use rustix::system::{RebootCommand, reboot};
use smol::channel::{Receiver, Sender, bounded, unbounded};
use smol::future::or;
use smol::{Async, LocalExecutor, Timer};

use console::{Printer, say};
use control::Board;
use exchange::{Ending, Event, Exchange, Executor};
use hardware::Hardware;
use keeper::Keeper;
use network::Network;
use ntp::{Offered, source::Source};
use rescue::{Code, Rescue, Wish};
use settings::Settings;
use signals::Signals;
use update::Updater;

const TANDEM: &str = "/bin/tandem";
/// How many files and sockets the exchange may have open; the kernel's own limit is less than a call for each RTP port.
const DESCRIPTORS: u64 = 65_536;
/// Who tells the time where neither the network nor the person who set the box up names anybody.
const TIME_SERVERS: &str = "pool.ntp.org";
const TANDEM_DATA: &str = "/data/tandem";
/// Who holds the button for so long wants everything erased.
const FACTORY_RESET: Duration = Duration::from_secs(10);
/// Without an address from the network for so long, the exchange starts all the same: the network may come later.
const ADDRESS_LIMIT: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    if !getpid().is_init() {
        eprintln!("tandem-init is the first process of the box and nothing else");
        return ExitCode::FAILURE;
    }
    let executor: Executor = Box::leak(Box::new(LocalExecutor::new()));
    let ending = smol::block_on(executor.run(run(executor))).unwrap_or_else(|error| {
        say(format_args!("cannot go on: {error:#}"));
        Ending::PowerOff
    });
    go_down(ending)
}

async fn run(executor: Executor) -> Result<Ending> {
    let began = Instant::now();
    let signals = Signals::take().context("signals cannot be taken")?;
    mount::essentials()?;
    say("up");
    defmt::info!("up");
    // Where memory runs out, it is the exchange that goes and comes back.
    let _ = fs::write("/proc/self/oom_score_adj", "-1000");
    let (settings, complaints) = Settings::parse(&fs::read_to_string("/proc/cmdline")?);
    if !complaints.is_empty() {
        defmt::warn!("{=usize} settings of the command line are ignored", complaints.len());
    }
    complaints.iter().for_each(say);
    let running = slot::Running::find(&settings);
    if let Some(running) = &running {
        running.announce();
    }
    let mut hardware = Hardware::open(settings.watchdog);
    hardware.set_time();

    let (sender, events) = unbounded();
    let (patterns, shown) = unbounded();
    listen(executor, signals, &mut hardware, &sender);
    if let Some(mut led) = hardware.led.take() {
        executor.spawn(async move { light::drive(&mut *led, shown).await }).detach();
    }
    // What is set of the network lies on the data partition; a box without it stands in the network as it came.
    let data = mount::data().and_then(|()| factory_reset::obey());
    let (network, offered) = bring_network_up(executor, &settings).await;
    follow_time(executor, &settings, offered);

    if let Some(running) = running {
        executor.spawn(running.examine(settings.clone(), began, sender.clone())).detach();
    }
    let keeper = Keeper::new(began.elapsed(), settings.watchdog, settings.patience, settings.rescue);
    let ending = match data.and_then(|()| command(&settings, &network)) {
        Ok(command) => {
            let recording = executor.spawn(recorder::keep());
            let name = become_known(executor, &settings, &network);
            let (data, has_watchdog, updater) = (mount::DATA.into(), hardware.watchdog.is_some(), updater());
            let board = Board { events: sender.clone(), data, has_watchdog, network, name, updater: updater.clone() };
            answer_the_exchange(executor, board);
            let (health_address, watchdog) = (settings.health_address(), hardware.watchdog.take());
            let printer = Printer::start(std::io::stdout())?;
            let rescue = Rescue::new(settings.rescue_address(), Code::draw()?, updater);
            let exchange = Exchange { command, health_address, printer, watchdog, patterns, executor, rescue };
            let ending = exchange.run(keeper, began, (sender, events)).await;
            // Its file would keep the data partition busy.
            recording.cancel().await;
            ending
        }
        Err(error) => {
            say(format_args!("no exchange without its data: {error:#}"));
            defmt::error!("no data partition: {=str}", clipped(&format!("{error:#}")));
            let _ = patterns.try_send(Pattern::Fault);
            wait_for_stop(&mut hardware, settings.watchdog, events).await;
            Ending::PowerOff
        }
    };
    say("stopped");
    defmt::info!("stopped");
    recorder::finish();
    hardware::keep_time();
    mount::put_away()?;
    Ok(ending)
}

/// How to start the exchange.
fn command(settings: &Settings, network: &Network) -> Result<Command> {
    let limit = Rlimit { current: Some(DESCRIPTORS), maximum: Some(DESCRIPTORS) };
    setrlimit(Resource::Nofile, limit).context("the limit of open files cannot be raised")?;
    fs::create_dir_all(TANDEM_DATA).with_context(|| format!("{TANDEM_DATA} cannot be made"))?;
    unprivileged::hand_over(Path::new(TANDEM_DATA))?;
    let mut command = Command::new(TANDEM);
    command
        .env_clear()
        .env("TANDEM_DATA", TANDEM_DATA)
        .env("TANDEM_FLIGHT_RECORDER", recorder::FILE)
        .env("TANDEM_BOARD", control::SOCKET)
        .env("TANDEM_CONFINE", "true")
        // Nowhere else may it write.
        .env("SQLITE_TMPDIR", TANDEM_DATA)
        .env("TANDEM_HOST_NAMES", format!("{0},{0}.local", network.hostname()))
        .envs(settings.exchange.iter().cloned());
    if setup_code::provide(Path::new(mount::DATA), &Path::new(TANDEM_DATA).join("tandem.db"))? {
        command.env("TANDEM_SETUP_CODE", setup_code::FILE);
    }
    command.current_dir(mount::DATA).stdin(std::process::Stdio::null());
    // Stacks count in full, though threads use a few pages of them.
    unprivileged::drop_for(&mut command, 2 * memory());
    signals::unblock_for(&mut command);
    Ok(command)
}

/// Who writes updates; a box that cannot be updated says why when it is asked.
fn updater() -> Updater {
    Updater::of_the_box(&fs::read_to_string("/proc/cmdline").unwrap_or_default())
}

/// What the board has, in octets.
fn memory() -> u64 {
    let information = rustix::system::sysinfo();
    u64::from(information.mem_unit).saturating_mul(information.totalram)
}

/// Opens the control socket; a box where that fails is a telephone exchange all the same.
fn answer_the_exchange(executor: Executor, board: Board) {
    match control::open(Path::new(control::SOCKET)) {
        Ok(listener) => executor.spawn(control::serve(executor, listener, Rc::new(board))).detach(),
        Err(error) => {
            say(format_args!("the exchange cannot ask the board for anything: {error:#}"));
            defmt::error!("there is no control socket");
        }
    }
}

/// Turns signals and presses of the power button into events.
fn listen(executor: Executor, signals: Signals, hardware: &mut Hardware, events: &Sender<Event>) {
    let sender = events.clone();
    let forward = async move {
        while let Ok(signal) = signals.next().await {
            let event = if signal == Signal::CHILD { Event::ChildEnded } else { Event::Stop };
            let _ = sender.send(event).await;
        }
    };
    executor.spawn(forward).detach();
    if let Some(button) = hardware.button.take() {
        let sender = events.clone();
        let watch = async move {
            if let Err(error) = watch_button(button, sender).await {
                say(format_args!("the power button is lost: {error}"));
            }
        };
        executor.spawn(watch).detach();
    }
}

async fn watch_button(mut button: impl Button + std::os::fd::AsFd, events: Sender<Event>) -> Result<()> {
    let readiness = Async::new_nonblocking(button.as_fd().try_clone_to_owned()?)?;
    let (began, mut presses) = (Instant::now(), Presses::default());
    loop {
        while let Some(edge) = button.poll_edge()? {
            let Some(held) = presses.handle_edge(began.elapsed(), edge) else { continue };
            let event = if held >= FACTORY_RESET { Event::Wish(Wish::FactoryReset) } else { Event::Stop };
            say(format_args!("the power button was pressed for {:.1} s", held.as_secs_f64()));
            defmt::info!("the power button was pressed for {=u64:ms}", held.as_millis() as u64);
            let _ = events.send(event).await;
        }
        readiness.readable().await?;
    }
}

/// Returns as soon as there is an address to listen on, or it is plain that there will be none soon; with whom the network
/// says to ask for the time.
async fn bring_network_up(executor: Executor, settings: &Settings) -> (Rc<Network>, Offered) {
    let (sender, has_address) = bounded(1);
    let file = Path::new(mount::DATA).join(network::FILE);
    let network = network::up(executor, &settings.network, file, sender);
    if !network.waits_for_dhcp() {
        return (network, Offered { time_servers: Vec::new(), changes: has_address });
    }
    let limit = async {
        Timer::after(ADDRESS_LIMIT).await;
        say("no address from the network yet, going on without");
        defmt::warn!("no address from the network yet");
        Vec::new()
    };
    let time_servers = or(async { has_address.recv().await.unwrap_or_default() }, limit).await;
    (network, Offered { time_servers, changes: has_address })
}

/// Has the box found by its name.
fn become_known(executor: Executor, settings: &Settings, network: &Rc<Network>) -> mdns::Name {
    let name = mdns::Name::default();
    let kinds = [
        ("_http._tcp.local.", "http"),
        ("_https._tcp.local.", "https"),
        ("_sip._udp.local.", "sip"),
        ("_sip._tcp.local.", "sip"),
        ("_sips._tcp.local.", "sips"),
    ];
    let services = kinds.into_iter().filter_map(|(kind, setting)| Some((kind, settings.port(setting)?))).collect();
    executor.spawn(mdns::follow(Rc::clone(network), services, name.clone())).detach();
    name
}

/// Keeps the clock right; nobody waits for it.
fn follow_time(executor: Executor, settings: &Settings, offered: Offered) {
    let (given, fallback) = (settings.time_servers.clone(), vec![Source::Name(TIME_SERVERS.to_owned(), ntp::PORT)]);
    let follow = async move {
        if let Err(error) = ntp::run(given, fallback, offered).await {
            say(format_args!("the time is not asked for: {error}"));
        }
    };
    executor.spawn(follow).detach();
}

/// A box that cannot do its work says so by its light and waits to be switched off; starting it anew would change nothing.
async fn wait_for_stop(hardware: &mut Hardware, timeout: Duration, events: Receiver<Event>) {
    let stop = async { while !matches!(events.recv().await, Ok(Event::Stop) | Err(_)) {} };
    let pet = async {
        loop {
            if let Some(watchdog) = &mut hardware.watchdog {
                let _ = watchdog.pet();
            }
            Timer::after(timeout / 4).await;
        }
    };
    or(stop, pet).await
}

/// So much of a text as is worth recording.
fn clipped(text: &str) -> &str {
    &text[..text.floor_char_boundary(100)]
}

fn go_down(ending: Ending) -> ! {
    let command = match ending {
        Ending::PowerOff => RebootCommand::PowerOff,
        Ending::Restart => RebootCommand::Restart,
    };
    say(match ending {
        Ending::PowerOff => "power off",
        Ending::Restart => "restart",
    });
    let _ = rustix::termios::tcdrain(std::io::stdout());
    rustix::fs::sync();
    loop {
        if let Err(error) = reboot(command) {
            say(format_args!("the power stays on: {error}"));
        }
        std::thread::sleep(Duration::from_secs(1));
    }
}
