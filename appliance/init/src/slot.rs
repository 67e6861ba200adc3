//! The slot this system runs from: tells the exchange about it, and ends a trial for better or worse.
use std::fs::{self, File, OpenOptions};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use hal::slot::{BootState, Reason, STATE_PARTITION, Slot, TRAILER_LENGTH, Trailer, load, save};
use hal::storage::Storage;
use smol::Timer;
use smol::channel::Sender;

use crate::console::say;
use crate::exchange::Event;
use crate::rescue::Wish;
use crate::settings::Settings;
use crate::{health, mount, update};

mod ping;
mod report;
mod trial;

use report::Report;
use trial::{Trial, Verdict};

const BLOCK_DEVICES: &str = "/sys/class/block";
/// How often a system on trial is examined.
const EXAMINED_EVERY: Duration = Duration::from_secs(1);

/// What is known about the running slot.
pub struct Running {
    slot: Slot,
    /// Its partition.
    partition: PathBuf,
    state_partition: PathBuf,
    state: BootState,
    /// What the exchange reads.
    report: PathBuf,
}

impl Running {
    /// Finds the slot by what the kernel was told; `None` where nothing was said of slots.
    pub fn find(settings: &Settings) -> Option<Running> {
        let slot = settings.slot?;
        match Running::open(slot) {
            Ok(running) => Some(running),
            Err(error) => {
                say(format_args!("the slots cannot be used: {error:#}"));
                defmt::error!("the slots cannot be used");
                None
            }
        }
    }

    fn open(slot: Slot) -> Result<Running> {
        let partition = |label: &'static str| {
            let found = mount::partition(label, Path::new(BLOCK_DEVICES));
            found.ok_or_else(|| anyhow!("no partition is labelled {label}"))
        };
        let (state_partition, partition) = (partition(STATE_PARTITION)?, partition(slot.partition())?);
        let state = load(&mut open(&state_partition)?).context("the boot state cannot be read")?;
        Ok(Running { slot, partition, state_partition, state, report: report::FILE.into() })
    }

    /// Says where the system runs from: on the console, to the flight recorder, and to the exchange.
    pub fn announce(&self) {
        let is_on_trial = self.is_on_trial();
        say(format_args!("slot {}{}", self.slot, if is_on_trial { ", on trial" } else { "" }));
        defmt::info!("slot {}, on trial: {=bool}", self.slot, is_on_trial);
        if let Some(failure) = self.state.failure() {
            say(format_args!("slot {} was given up: {}", failure.slot, failure.reason.name()));
            defmt::warn!("slot {} was given up: {}", failure.slot, failure.reason);
        }
        self.tell_exchange();
    }

    fn is_on_trial(&self) -> bool {
        self.state.on_trial() == Some(self.slot)
    }

    fn tell_exchange(&self) {
        let trailer = trailer(&self.partition).inspect_err(|error| say(format_args!("no trailer: {error:#}"))).ok();
        let report = Report { slot: self.slot, trailer, on_trial: self.is_on_trial(), failure: self.state.failure() };
        if let Err(error) = replace(&self.report, &report.json()) {
            say(format_args!("the exchange is not told its slot: {error:#}"));
        }
    }

    /// Examines a system on trial until it can be believed or not, and acts on it. Returns at once when there is no trial.
    pub async fn examine(mut self, settings: Settings, began: Instant, events: Sender<Event>) {
        let mut trial = Trial::new(settings.trial);
        while self.is_on_trial() {
            let is_well = is_well(&settings).await;
            match trial.handle_examination(began.elapsed(), is_well) {
                None => drop(Timer::after(EXAMINED_EVERY).await),
                Some(Verdict::Proven) => {
                    if self.change(|state| state.make_permanent(update::floor())) {
                        say(format_args!("slot {} is healthy and made permanent", self.slot));
                        defmt::info!("slot {} is made permanent", self.slot);
                    }
                    return;
                }
                Some(Verdict::Failed) => {
                    say(format_args!("slot {} is not healthy in time, the other one comes back", self.slot));
                    defmt::error!("slot {} is not healthy in time", self.slot);
                    self.change(|state| state.fall_back(Reason::NotHealthy));
                    let _ = events.send(Event::Wish(Wish::Restart)).await;
                    return;
                }
            }
        }
    }

    /// Returns whether it was done. A state that cannot be written leaves the trial as it is: its tries run out, and the other slot comes back.
    fn change<T>(&mut self, how: impl FnOnce(&mut BootState) -> T) -> bool {
        let changed = open(&self.state_partition).and_then(|mut storage| {
            // Somebody else may have changed it since.
            let mut state = load(&mut storage).context("the boot state cannot be read")?;
            how(&mut state);
            save(&mut storage, &state).context("the boot state cannot be written")?;
            Ok(state)
        });
        match changed {
            Ok(state) => {
                self.state = state;
                self.tell_exchange();
                true
            }
            Err(error) => {
                say(format_args!("{error:#}"));
                defmt::error!("the boot state cannot be changed");
                false
            }
        }
    }
}

/// Whether everything that callers and programs need answers: the API, the database behind it, and SIP.
async fn is_well(settings: &Settings) -> bool {
    let (Some(http), Some(sip)) = (settings.health_address(), settings.sip_address()) else { return false };
    examine(http, sip).await
}

async fn examine(http: SocketAddr, sip: SocketAddr) -> bool {
    health::check_all(http).await && ping::is_answered(sip).await
}

fn open(partition: &Path) -> Result<File> {
    let file = OpenOptions::new().read(true).write(true).open(partition);
    file.with_context(|| format!("{} cannot be opened", partition.display()))
}

/// What the trailer of a slot says.
fn trailer(partition: &Path) -> Result<Trailer> {
    let mut file = File::open(partition).with_context(|| partition.display().to_string())?;
    let length = length(&file)?;
    let at = length.checked_sub(TRAILER_LENGTH as u64).context("the partition is too short")?;
    let mut octets = [0; TRAILER_LENGTH];
    file.read_at(at, &mut octets)?;
    Trailer::decode(&octets, length).map_err(|flaw| anyhow!("the trailer is no good: {flaw:?}"))
}

/// The length of a file or a device, which tells it by its end only.
fn length(mut file: &File) -> Result<u64> {
    Ok(std::io::Seek::seek(&mut file, std::io::SeekFrom::End(0))?)
}

/// Replaces a file at once, so that whoever reads it has the old one or the new one.
fn replace(path: &Path, content: &str) -> Result<()> {
    let folder = path.parent().context("a file lies in a folder")?;
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let new = path.with_extension("new");
    fs::write(&new, content).with_context(|| new.display().to_string())?;
    fs::rename(&new, path).with_context(|| path.display().to_string())
}

#[cfg(test)]
mod tests;
