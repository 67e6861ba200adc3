//! What media threads tell each other of conferences that they share: a bounded queue without a lock from each to each.
//!
//! Nobody is woken for it: a thread that has a part of a conference wakes every 20 ms anyhow, and hears the others first.

use heapless::spsc::{Consumer, Producer, Queue};
use media::{Engine, Lane, Partial, Time};

/// Places in a queue, one of which stays empty: a conference takes one at a time.
const PLACES: usize = 64;

/// The ends that one thread has.
#[derive(Default)]
pub struct Partials {
    to: Vec<(Lane, Producer<'static, Partial>)>,
    from: Vec<(Lane, Consumer<'static, Partial>)>,
    lost: u64,
}

impl Partials {
    /// The ends of so many threads, each connected with each.
    pub fn mesh(threads: usize) -> Vec<Partials> {
        let mut all: Vec<Partials> = (0..threads).map(|_| Partials::default()).collect();
        let pairs = (0..threads).flat_map(|from| (0..threads).map(move |to| (from, to)));
        for (from, to) in pairs.filter(|(from, to)| from != to) {
            // Media threads live as long as the process: so do the queues between them.
            let queue: &'static mut Queue<Partial, PLACES> = Box::leak(Box::default());
            let (producer, consumer) = queue.split();
            all[from].to.push((Lane(to as u8), producer));
            all[to].from.push((Lane(from as u8), consumer));
        }
        all
    }

    /// Hands the engine what the others have told.
    pub fn hear(&mut self, now: Time, engine: &mut Engine) {
        for (lane, consumer) in &mut self.from {
            while let Some(partial) = consumer.dequeue() {
                engine.handle_partial(now, *lane, &partial);
            }
        }
    }

    /// Tells the others what the engine has to say. A thread that does not listen misses it.
    pub fn tell(&mut self, engine: &mut Engine) {
        while let Some((lanes, partial)) = engine.poll_partial() {
            for (_, producer) in self.to.iter_mut().filter(|(lane, _)| lanes.contains(lane)) {
                self.lost += u64::from(producer.enqueue(partial.clone()).is_err());
            }
        }
    }
}

impl std::fmt::Debug for Partials {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Partials(to {}, from {}, {} lost)", self.to.len(), self.from.len(), self.lost)
    }
}

#[cfg(test)]
mod tests {
    use media::{Command, ConferenceId, Config};

    use super::*;

    const ROOM: ConferenceId = ConferenceId(1);

    fn engine(others: &[u8]) -> Engine {
        let mut engine = Engine::new(Config::default(), [1; 32]);
        engine.handle_command(Time::ZERO, Command::OpenConference { conference: ROOM, loudest: None });
        for lane in others {
            engine.handle_command(Time::ZERO, Command::LinkConference { conference: ROOM, with: Lane(*lane) });
        }
        engine
    }

    #[test]
    fn each_thread_tells_those_it_shares_a_conference_with() {
        let mut ends = Partials::mesh(3);
        // The third has no part of the conference, and complains if it is told.
        let mut engines = [engine(&[1]), engine(&[0]), engine(&[])];
        for tick in 0..10 {
            let now = Time::from_millis(20) * tick;
            for (end, engine) in ends.iter_mut().zip(&mut engines) {
                end.hear(now, engine);
                engine.handle_timeout(now);
                end.tell(engine);
            }
        }
        assert!(ends[0].from.iter().chain(&ends[1].from).all(|(_, consumer)| consumer.len() <= 1));
        for (end, engine) in ends.iter().zip(&engines) {
            assert_eq!((engine.counters().stray_partials, end.lost), (0, 0));
        }
    }

    #[test]
    fn a_thread_that_stands_still_costs_the_others_nothing_but_what_it_misses() {
        let mut ends = Partials::mesh(2);
        let mut engine = engine(&[1]);
        for tick in 0..100 {
            engine.handle_timeout(Time::from_millis(20) * tick);
            ends[0].tell(&mut engine);
        }
        assert_eq!(ends[0].lost, 100 - (PLACES as u64 - 1));
        assert_eq!(ends[1].from[0].1.len(), PLACES - 1);
    }
}
