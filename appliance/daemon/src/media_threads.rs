//! All media threads: one for each core but one, unless it is told otherwise, and at least one.
//!
//! Each has an engine of its own and a share of the ports. The exchange keeps the legs of a call on one of them; a
//! conference may be on several, which then tell each other what is said ([`partials`]). Which order is for which thread,
//! the [`dispatcher`] knows, and to which one sound is to be [`delivered`](deliveries).

pub mod deliveries;
pub mod dispatcher;
pub mod partials;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
use media::{Lane, Sound};

use crate::clock::Clock;
use crate::limits;
use crate::media_thread::workers::Workers;
use crate::media_thread::{Counters, MediaThread, Report, Surroundings, Waiting};
use crate::queue::Queue;
use crate::webrtc_thread::{self, Knocking, WebrtcThread};
use crate::{recording_thread, sound_thread, webrtc_tcp_thread};
use deliveries::{Deliveries, Owners};
use dispatcher::Dispatcher;
use partials::Partials;

/// The threads, seen from the others.
#[derive(Debug)]
pub struct MediaThreads {
    threads: Vec<MediaThread>,
    webrtc: Option<WebrtcThread>,
    owners: Owners,
}

/// Threads that do not run yet: those who work for them need their queues first.
#[derive(Debug)]
pub struct Waitings {
    threads: Vec<Waiting>,
    decoded: Vec<Queue<sound_thread::Delivery>>,
    emptied: Vec<Queue<recording_thread::Delivery>>,
    owners: Owners,
}

/// What all of them need of the rest of the process.
#[derive(Debug)]
pub struct Shared {
    /// Where streams are bound.
    pub address: IpAddr,
    /// The time.
    pub clock: Clock,
    /// Where they tell what they have to.
    pub reports: Queue<Report>,
    /// What the sound thread is told.
    pub sound: Queue<sound_thread::Order>,
    /// What the recording thread is told.
    pub recording: Queue<recording_thread::Order>,
    /// What is played where the exchange wants music; our own piece if there is nothing.
    pub music: Option<Arc<[Sound]>>,
}

/// What they counted, all together.
#[derive(Debug, Clone)]
pub struct Totals {
    threads: Arc<[Arc<Counters>]>,
    /// What is counted of the ways to browsers.
    pub webrtc: Arc<webrtc_thread::counters::Counters>,
    /// What is counted of those over TCP.
    pub webrtc_tcp: Arc<webrtc_tcp_thread::Counters>,
}

/// How many threads there are where nobody says: one core is left to everything else.
pub fn usual() -> u8 {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    cores.saturating_sub(1).clamp(1, limits::MEDIA_THREADS) as u8
}

impl Waitings {
    /// Threads to be.
    pub fn new(count: u8) -> Result<Waitings> {
        let threads: Vec<Waiting> = (0..count.max(1)).map(|_| Waiting::new()).collect::<Result<_>>()?;
        let decoded = threads.iter().map(|thread| thread.queue(limits::PLAYBACKS)).collect();
        let emptied = threads.iter().map(|thread| thread.queue(limits::RECORDINGS)).collect();
        Ok(Waitings { threads, decoded, emptied, owners: Owners::default() })
    }

    /// Where decoded sound goes.
    pub fn decoded(&self) -> Deliveries<sound_thread::Delivery> {
        Deliveries::new(self.decoded.clone(), self.owners.clone())
    }

    /// Where buffers go that were written down.
    pub fn emptied(&self) -> Deliveries<recording_thread::Delivery> {
        Deliveries::new(self.emptied.clone(), self.owners.clone())
    }
}

impl MediaThreads {
    /// Starts them.
    pub fn start(
        (waitings, knocking): (Waitings, Option<Knocking>),
        config: &media::Config,
        shared: &Shared,
    ) -> Result<MediaThreads> {
        let strays = knocking.as_ref().map(Knocking::strays);
        let meshed = Partials::mesh(waitings.threads.len());
        let mut threads = Vec::new();
        let ways = waitings.decoded.into_iter().zip(waitings.emptied).zip(meshed);
        for (place, (waiting, ((decoded, emptied), partials))) in waitings.threads.into_iter().zip(ways).enumerate() {
            let (sound, recording, music) = (shared.sound.clone(), shared.recording.clone(), shared.music.clone());
            let workers = Workers { sound, decoded, recording, emptied, music };
            let (address, clock, reports) = (shared.address, shared.clock, shared.reports.clone());
            let (lane, strays) = (Lane(place as u8), strays.clone());
            let around = Surroundings { lane, address, clock, reports, workers, partials, strays };
            threads.push(MediaThread::start(waiting, config.clone(), around)?);
        }
        let (media, clock) = (threads.iter().map(|thread| thread.orders.clone()).collect(), shared.clock);
        let reports = shared.reports.clone();
        let around = strays.map(|strays| webrtc_thread::Surroundings { clock, media, reports, strays });
        let webrtc = knocking.zip(around).map(|(knocking, around)| knocking.start(around)).transpose()?;
        Ok(MediaThreads { threads, webrtc, owners: waitings.owners })
    }

    /// What gives each order to the thread it is for.
    pub fn dispatcher(&self) -> Dispatcher {
        let webrtc = self.webrtc.as_ref().map(|thread| thread.orders.clone());
        let orders = self.threads.iter().map(|thread| thread.orders.clone()).collect();
        Dispatcher::new(orders, webrtc, self.owners.clone())
    }

    /// Where TCP connections of browsers go that somebody else has accepted.
    pub fn tcp_door(&self) -> Option<Queue<webrtc_tcp_thread::Order>> {
        Some(self.webrtc.as_ref()?.tcp.as_ref()?.orders.clone())
    }

    /// What they count.
    pub fn totals(&self) -> Totals {
        let webrtc = self.webrtc.as_ref().map(|thread| thread.counters.clone()).unwrap_or_default();
        let tcp = self.webrtc.as_ref().and_then(|thread| thread.tcp.as_ref());
        let webrtc_tcp = tcp.map(|thread| thread.counters.clone()).unwrap_or_default();
        Totals { threads: self.threads.iter().map(|thread| thread.counters.clone()).collect(), webrtc, webrtc_tcp }
    }

    /// Ends them after what was ordered before.
    pub fn stop(self) {
        if let Some(webrtc) = self.webrtc {
            webrtc.stop();
        }
        self.threads.into_iter().for_each(MediaThread::stop);
    }
}

impl Totals {
    /// The sum of one number.
    pub fn of(&self, counter: impl Fn(&Counters) -> &AtomicU64) -> u64 {
        self.threads.iter().map(|counters| counter(counters).load(Ordering::Relaxed)).sum()
    }
}
