//! A story: rounds of acts in the lab and in the reference, and the comparison after each.

use std::fmt::Write as _;
use std::time::Duration;

use lab::{Lab, OnInvite, Path, PhoneId, State};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sip::Transport;

use crate::act::{Act, Reaction};
use crate::reference::Reference;

/// Two phones share a number, so that calls fork.
const NUMBERS: [&str; 7] = ["1001", "1002", "1003", "1004", "1004", "1005", "1006"];
/// After this everything has settled: timer B, the RTP timeout and their answers.
const SETTLING: Duration = Duration::from_secs(110);

/// A story under way.
pub struct Story {
    /// The real thing.
    pub lab: Lab,
    /// What should be.
    pub reference: Reference,
    rng: ChaCha8Rng,
    words: String,
}

impl Story {
    /// The same seed tells the same story. `loss`: the share of datagrams that never arrive.
    pub fn new(seed: u64, loss: f64) -> Story {
        let mut lab = Lab::with_settings(seed, |settings| {
            // The reference knows who hears whom, and nothing of music.
            settings.music_on_hold = false;
            settings.expires = (Duration::from_secs(60), Duration::from_secs(3600), Duration::from_secs(100_000));
            settings.call_limit = Duration::from_secs(100_000);
            settings.nat_keepalive = Duration::from_secs(15);
        });
        for (place, number) in NUMBERS.iter().enumerate() {
            let phone = match place {
                2 => lab.phone_behind_nat(number),
                _ => lab.phone(number),
            };
            if place == 5 {
                lab[phone].transport = Transport::Tcp;
            }
            if place % 2 == 0 {
                lab[phone].manner.session_expires = Some(90);
            }
            lab[phone].manner.reliable_provisionals = place % 3 == 0;
            lab[phone].manner.expires = 100_000;
            lab.paths[phone.0] = if loss > 0.0 { Path::bad(loss) } else { Path::default() };
        }
        let rng = ChaCha8Rng::seed_from_u64(seed);
        Story { lab, reference: Reference::new(&NUMBERS), rng, words: format!("seed {seed}\n") }
    }

    /// One round.
    pub fn round(&mut self) {
        let acts = self.draw_acts();
        let _ = writeln!(self.words, "{:>6} s: {acts:?}", self.lab.now().as_secs());
        self.lab.begin_ladder();
        for act in &acts {
            self.perform(act);
            self.reference.perform(act);
        }
        self.lab.run_for(Duration::from_secs(8));
        for act in &acts {
            self.give_up(act);
        }
        self.lab.run_for(SETTLING);
        self.compare();
    }

    fn draw_acts(&mut self) -> Vec<Act> {
        let wanted = self.rng.random_range(1..=4);
        let (mut acts, mut touched): (Vec<Act>, Vec<usize>) = (Vec::new(), Vec::new());
        for _ in 0..wanted * 4 {
            let act = Act::draw(&self.reference, &mut self.rng);
            let phones = act.phones(&self.reference);
            if acts.len() < wanted && !phones.iter().any(|phone| touched.contains(phone)) {
                touched.extend(phones);
                acts.push(act);
            }
        }
        acts
    }

    fn perform(&mut self, act: &Act) {
        let lab = &mut self.lab;
        match act {
            Act::Register(phone) => lab[PhoneId(*phone)].register(),
            Act::Unregister(phone) => lab[PhoneId(*phone)].unregister(),
            Act::Call { caller, number, reactions } => {
                for (phone, reaction) in reactions {
                    lab[PhoneId(*phone)].manner.on_invite = match reaction {
                        Reaction::Answer => OnInvite::Answer,
                        Reaction::AnswerLater => OnInvite::AnswerAfter(Duration::from_secs(3)),
                        Reaction::Refuse => OnInvite::Refuse(486),
                        Reaction::RingUntilCancelled => OnInvite::Ring,
                    };
                }
                lab[PhoneId(*caller)].call(number);
            }
            Act::HangUp(phone) => lab[PhoneId(*phone)].hang_up(),
            Act::Hold(phone) => lab[PhoneId(*phone)].hold(),
            Act::Resume(phone) => lab[PhoneId(*phone)].resume(),
            Act::LosePower(phone) => lab[PhoneId(*phone)].lose_power(),
            Act::GetPower(phone) => {
                lab[PhoneId(*phone)].is_on = true;
                lab[PhoneId(*phone)].register();
            }
            Act::Nudge(phone) => match self.rng.random_range(0..4) {
                0 => lab[PhoneId(*phone)].update(false),
                1 => lab[PhoneId(*phone)].send_digit('5'),
                2 => lab[PhoneId(*phone)].send_within("REFER"),
                _ => lab[PhoneId(*phone)].register(),
            },
        }
    }

    /// The caller's patience is over where nobody will answer.
    fn give_up(&mut self, act: &Act) {
        let Act::Call { caller, reactions, .. } = act else { return };
        let is_answered = self.reference.phones[*caller].talks_with.is_some();
        let is_ringing = reactions.iter().any(|(_, reaction)| *reaction == Reaction::RingUntilCancelled);
        if !is_answered && is_ringing && self.reference.phones[*caller].last_status == Some(487) {
            self.lab[PhoneId(*caller)].hang_up();
        }
    }

    /// The lab and the reference agree.
    fn compare(&mut self) {
        let calls = self.reference.calls() as u64;
        for (counter, expected) in
            [("calls", calls), ("rtp_ports_used", 2 * calls), ("bindings", self.reference.bindings() as u64)]
        {
            let real = self.lab.counter(counter);
            assert_eq!(real, expected, "{counter}\n{}\n{}", self.words, self.lab.ladder());
        }
        // Legs that rang in vain stay with their call until it ends.
        let legs = self.lab.counter("legs");
        assert!(legs >= 2 * calls && (calls > 0 || legs == 0), "{legs} legs\n{}\n{}", self.words, self.lab.ladder());
        let phones = self.reference.phones.clone();
        for (place, seen) in phones.iter().enumerate().filter(|(_, seen)| seen.is_on) {
            let phone = &self.lab[PhoneId(place)];
            let state = if seen.talks_with.is_some() { State::Up } else { State::Ended };
            assert!(phone.is(state), "{place} is not {state:?}\n{}\n{}", self.words, self.lab.ladder());
            if let (None, Some(status), Some(call)) = (seen.talks_with, seen.last_status, phone.calls.last())
                && !call.is_incoming
                && status != 200
            {
                assert_eq!(call.status, Some(status), "{place}\n{}\n{}", self.words, self.lab.ladder());
            }
            for other in 0..phones.len() {
                let (real, expected) =
                    (self.lab.hears(PhoneId(place), PhoneId(other)), self.reference.hears(place, other));
                assert_eq!(real, expected, "does {place} hear {other}?\n{}\n{}", self.words, self.lab.ladder());
            }
        }
        assert_eq!(self.lab.complaints(), Vec::<String>::new(), "{}\n{}", self.words, self.lab.ladder());
    }

    /// Everybody hangs up and goes; nothing is left.
    pub fn finish(mut self) {
        for place in 0..NUMBERS.len() {
            let phone = &mut self.lab[PhoneId(place)];
            if !phone.is_on {
                phone.is_on = true;
                phone.register();
            }
            phone.hang_up();
        }
        self.lab.run_for(SETTLING);
        for place in 0..NUMBERS.len() {
            self.lab[PhoneId(place)].unregister();
        }
        self.lab.run_for(SETTLING);
        assert_eq!(self.lab.counter("bindings"), 0, "{}", self.words);
        self.lab.finish();
        let (created, ended) = (self.lab.facts.count("call_created"), self.lab.facts.count("call_hungup"));
        assert_eq!(created, ended, "{}", self.words);
    }
}
