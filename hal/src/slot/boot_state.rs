//! What is remembered from one start to the next: the permanent slot, a trial of the other one, and how the last trial failed.
use super::{Slot, field, number};

/// Says what the octets are, and in which version of this format.
const MAGIC: [u8; 8] = *b"TDMBOOT\x01";
/// How many octets a state takes, the sum at their end included.
pub(super) const LENGTH: usize = 64;
/// Stands for no slot.
const NONE: u8 = 0xff;

/// Why a slot is not the one that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Reason {
    /// It was started as often as allowed and never made permanent: a crash, a hang or a power cut ended it.
    NotFinished,
    /// What it holds cannot be read or is not what was written: its trailer, or the sum of its kernel.
    Damaged,
    /// The firmware did not start its kernel.
    NotStarted,
    /// It ran, but the exchange was not healthy in time.
    NotHealthy,
    /// A person chose the other one.
    Ordered,
}

impl Reason {
    const ALL: [Reason; 5] =
        [Reason::NotFinished, Reason::Damaged, Reason::NotStarted, Reason::NotHealthy, Reason::Ordered];

    /// One word for files and events.
    pub fn name(self) -> &'static str {
        match self {
            Reason::NotFinished => "not_finished",
            Reason::Damaged => "damaged",
            Reason::NotStarted => "not_started",
            Reason::NotHealthy => "not_healthy",
            Reason::Ordered => "ordered",
        }
    }

    fn code(self) -> u8 {
        match self {
            Reason::NotFinished => 1,
            Reason::Damaged => 2,
            Reason::NotStarted => 3,
            Reason::NotHealthy => 4,
            Reason::Ordered => 5,
        }
    }
}

/// A slot that was given up, until somebody has reported it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The one given up.
    pub slot: Slot,
    /// Why.
    pub reason: Reason,
}

/// Why octets are no state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Nothing was ever written there, or another version of this format.
    NoState,
    /// The sum over them is wrong.
    BadSum,
    /// The sum is right and what they say makes no sense.
    Nonsense,
}

/// Which slot to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BootState {
    generation: u64,
    permanent: Slot,
    /// How often the other slot may still be started, while it is on trial.
    tries_left: Option<u8>,
    failure: Option<Failure>,
    floor: u64,
}

impl BootState {
    /// The state of a box as it comes out of the carton: one slot, no trial, no floor.
    pub fn new(permanent: Slot) -> BootState {
        BootState { generation: 1, permanent, tries_left: None, failure: None, floor: 0 }
    }

    /// The state of a box that has lost its own, from the builds found in slots A and B.
    ///
    /// Of two, the older one counts as permanent and the newer gets one try: if it was the permanent one it proves itself again.
    pub fn rebuilt(builds: [Option<u64>; 2]) -> BootState {
        match builds {
            [Some(a), Some(b)] if a != b => {
                let mut state = BootState::new(if a < b { Slot::A } else { Slot::B });
                state.begin_trial(1);
                state
            }
            [None, Some(_)] => BootState::new(Slot::B),
            _ => BootState::new(Slot::A),
        }
    }

    /// Goes up with every change; of two copies the higher one counts.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The slot that is started when none is on trial.
    pub fn permanent(&self) -> Slot {
        self.permanent
    }

    /// The slot that has yet to prove itself.
    pub fn on_trial(&self) -> Option<Slot> {
        self.tries_left.map(|_| self.permanent.other())
    }

    /// How often the slot on trial may still be started.
    pub fn tries_left(&self) -> Option<u8> {
        self.tries_left
    }

    /// The slot that was given up last, until [`BootState::forget_failure`].
    pub fn failure(&self) -> Option<Failure> {
        self.failure
    }

    /// No build with a lower number is to be installed.
    pub fn floor(&self) -> u64 {
        self.floor
    }

    /// Has the other slot started `tries` times, at least once, instead of the permanent one.
    pub fn begin_trial(&mut self, tries: u8) {
        self.change();
        self.tries_left = Some(tries.max(1));
        self.failure = None;
    }

    /// The slot to start now. A try is counted here: who starts a slot on trial saves the state before.
    pub fn start(&mut self) -> Slot {
        match self.tries_left {
            None => self.permanent,
            Some(0) => self.fall_back(Reason::NotFinished),
            Some(left) => {
                self.change();
                self.tries_left = Some(left - 1);
                self.permanent.other()
            }
        }
    }

    /// Ends the trial for the worse; returns the slot that is started from now on.
    pub fn fall_back(&mut self, reason: Reason) -> Slot {
        if self.tries_left.is_some() {
            self.change();
            self.tries_left = None;
            self.failure = Some(Failure { slot: self.permanent.other(), reason });
        }
        self.permanent
    }

    /// Ends the trial for the better. No build below `floor` is to be installed any more; a floor never goes down.
    pub fn make_permanent(&mut self, floor: u64) {
        if self.tries_left.is_some() {
            self.change();
            self.permanent = self.permanent.other();
            self.tries_left = None;
            self.floor = self.floor.max(floor);
        }
    }

    /// Gives the permanent slot up for the other one, which is then permanent: the last resort when it cannot be started, or
    /// the wish of a person. Returns the slot that is started from now on.
    pub fn swap(&mut self, reason: Reason) -> Slot {
        self.change();
        self.failure = Some(Failure { slot: self.permanent, reason });
        self.permanent = self.permanent.other();
        self.tries_left = None;
        self.permanent
    }

    /// The failure has been reported.
    pub fn forget_failure(&mut self) {
        if self.failure.is_some() {
            self.change();
            self.failure = None;
        }
    }

    fn change(&mut self) {
        self.generation = self.generation.saturating_add(1);
    }

    /// Magic (8), generation (8), floor (8), permanent, tries left, failed slot, reason (1 each), zeros, CRC-32 of it all (4).
    /// Numbers have their least significant octet first; 0xff stands for none.
    pub fn encode(&self) -> [u8; LENGTH] {
        let mut octets = [0; LENGTH];
        octets[..8].copy_from_slice(&MAGIC);
        octets[8..16].copy_from_slice(&self.generation.to_le_bytes());
        octets[16..24].copy_from_slice(&self.floor.to_le_bytes());
        octets[24] = slot_code(self.permanent);
        octets[25] = self.tries_left.unwrap_or(NONE);
        octets[26] = self.failure.map_or(NONE, |failure| slot_code(failure.slot));
        octets[27] = self.failure.map_or(NONE, |failure| failure.reason.code());
        let sum = crc32fast::hash(&octets[..LENGTH - 4]);
        octets[LENGTH - 4..].copy_from_slice(&sum.to_le_bytes());
        octets
    }

    /// Reads what [`BootState::encode`] wrote.
    pub fn decode(octets: &[u8; LENGTH]) -> Result<BootState, Flaw> {
        if octets[..8] != MAGIC {
            return Err(Flaw::NoState);
        }
        if field(octets, LENGTH - 4) != Some(crc32fast::hash(&octets[..LENGTH - 4]).to_le_bytes()) {
            return Err(Flaw::BadSum);
        }
        let failure = match (octets[26], octets[27]) {
            (NONE, NONE) => None,
            (slot, reason) => {
                let reason = Reason::ALL.into_iter().find(|known| known.code() == reason).ok_or(Flaw::Nonsense)?;
                Some(Failure { slot: slot_from(slot)?, reason })
            }
        };
        Ok(BootState {
            generation: number(octets, 8).ok_or(Flaw::Nonsense)?,
            floor: number(octets, 16).ok_or(Flaw::Nonsense)?,
            permanent: slot_from(octets[24])?,
            tries_left: (octets[25] != NONE).then_some(octets[25]),
            failure,
        })
    }
}

fn slot_code(slot: Slot) -> u8 {
    match slot {
        Slot::A => 0,
        Slot::B => 1,
    }
}

fn slot_from(code: u8) -> Result<Slot, Flaw> {
    Slot::ALL.into_iter().find(|slot| slot_code(*slot) == code).ok_or(Flaw::Nonsense)
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    use super::*;

    #[test]
    fn a_trial_that_is_made_permanent_stays() {
        let mut state = BootState::new(Slot::A);
        assert_eq!(state.start(), Slot::A);
        state.begin_trial(2);
        assert_eq!((state.on_trial(), state.tries_left()), (Some(Slot::B), Some(2)));
        assert_eq!(state.start(), Slot::B);
        state.make_permanent(7);
        assert_eq!((state.permanent(), state.on_trial(), state.floor()), (Slot::B, None, 7));
        assert_eq!(state.start(), Slot::B);
        state.begin_trial(1);
        assert_eq!(state.start(), Slot::A);
        state.make_permanent(3);
        assert_eq!((state.permanent(), state.floor()), (Slot::A, 7), "a floor never goes down");
    }

    #[test]
    fn a_trial_that_nobody_ends_is_over_when_its_tries_are() {
        let mut state = BootState::new(Slot::B);
        state.begin_trial(2);
        assert_eq!([state.start(), state.start(), state.start(), state.start()], [Slot::A, Slot::A, Slot::B, Slot::B]);
        assert_eq!(state.failure(), Some(Failure { slot: Slot::A, reason: Reason::NotFinished }));
        state.forget_failure();
        assert_eq!(state.failure(), None);
    }

    #[test]
    fn no_trial_cannot_be_ended() {
        let mut state = BootState::new(Slot::A);
        let before = state;
        state.make_permanent(9);
        assert_eq!(state.fall_back(Reason::NotHealthy), Slot::A);
        state.forget_failure();
        assert_eq!(state, before);
    }

    #[test]
    fn a_permanent_slot_that_is_damaged_is_swapped() {
        let mut state = BootState::new(Slot::A);
        assert_eq!(state.swap(Reason::Damaged), Slot::B);
        assert_eq!(state.start(), Slot::B);
        assert_eq!(state.failure(), Some(Failure { slot: Slot::A, reason: Reason::Damaged }));
    }

    #[test]
    fn a_lost_state_is_rebuilt_from_the_slots() {
        let of = |a, b| {
            let state = BootState::rebuilt([a, b]);
            (state.permanent(), state.on_trial())
        };
        assert_eq!(of(Some(1), None), (Slot::A, None));
        assert_eq!(of(None, Some(1)), (Slot::B, None));
        assert_eq!(of(Some(1), Some(2)), (Slot::A, Some(Slot::B)));
        assert_eq!(of(Some(2), Some(1)), (Slot::B, Some(Slot::A)));
        assert_eq!(of(Some(2), Some(2)), (Slot::A, None));
        assert_eq!(of(None, None), (Slot::A, None));
    }

    /// A state some steps after any other.
    pub(crate) fn wander(state: &mut BootState, seed: u64) {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        for _ in 0..random.next_u32() % 8 {
            match random.next_u32() % 6 {
                0 => state.begin_trial(random.next_u32() as u8 % 4),
                1 => _ = state.start(),
                2 => _ = state.fall_back(Reason::ALL[random.next_u32() as usize % Reason::ALL.len()]),
                3 => state.make_permanent(u64::from(random.next_u32())),
                4 => _ = state.swap(Reason::Damaged),
                _ => state.forget_failure(),
            }
        }
    }

    #[test]
    fn every_state_is_read_as_it_was_written_and_no_flipped_bit_is_believed() {
        for seed in 0..500 {
            let mut state = BootState::new(Slot::A);
            wander(&mut state, seed);
            let octets = state.encode();
            assert_eq!(BootState::decode(&octets), Ok(state), "seed {seed}");
            for bit in 0..LENGTH * 8 {
                let mut damaged = octets;
                damaged[bit / 8] ^= 1 << (bit % 8);
                assert!(BootState::decode(&damaged).is_err(), "seed {seed}, bit {bit}");
            }
        }
        assert_eq!(BootState::decode(&[0; LENGTH]), Err(Flaw::NoState));
        assert_eq!(BootState::decode(&[0xff; LENGTH]), Err(Flaw::NoState));
    }

    #[test]
    fn whatever_happens_a_trial_ends_and_the_slot_started_is_permanent_or_on_trial() {
        for seed in 0..500 {
            let mut state = BootState::new(Slot::A);
            wander(&mut state, seed);
            let (generation, trial) = (state.generation(), state.on_trial());
            let permanent = state.permanent();
            let started = state.start();
            assert!(started == permanent || Some(started) == trial, "seed {seed}");
            assert!(started == permanent || state.generation() > generation, "a try is counted: seed {seed}");
            for _ in 0..5 {
                state.start();
            }
            assert_eq!(state.start(), permanent, "seed {seed}");
        }
    }

    #[test]
    fn sense_is_asked_for_behind_the_sum() {
        for (at, value) in [(24, 2), (26, 0), (27, 1), (26, 9)] {
            let mut octets = BootState::new(Slot::A).encode();
            octets[at] = value;
            let sum = crc32fast::hash(&octets[..LENGTH - 4]);
            octets[LENGTH - 4..].copy_from_slice(&sum.to_le_bytes());
            assert_eq!(BootState::decode(&octets), Err(Flaw::Nonsense), "octet {at}");
        }
    }
}
