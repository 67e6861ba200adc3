//! What people do with phones, drawn so that the acts of one round do not touch the same phones.

use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};

use crate::reference::Reference;

/// What a phone does when it is rung.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reaction {
    /// Takes the call at once.
    Answer,
    /// Rings, and takes the call after a while.
    AnswerLater,
    /// Is busy.
    Refuse,
    /// Rings until somebody else takes it or the caller gives up.
    RingUntilCancelled,
}

/// Something that somebody does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// A phone registers, or refreshes.
    Register(usize),
    /// A phone takes its contact back.
    Unregister(usize),
    /// A phone calls a number; each phone that rings reacts.
    Call {
        /// Who calls.
        caller: usize,
        /// Whom.
        number: &'static str,
        /// What the phones of that number do.
        reactions: Vec<(usize, Reaction)>,
    },
    /// A phone ends its call.
    HangUp(usize),
    /// A phone holds its call.
    Hold(usize),
    /// A phone takes its call off hold.
    Resume(usize),
    /// Somebody pulls the plug.
    LosePower(usize),
    /// Somebody puts it in again, and the phone registers.
    GetPower(usize),
    /// A phone sends something within its call that changes nothing.
    Nudge(usize),
}

impl Act {
    /// The phones that have a part in it.
    pub fn phones(&self, reference: &Reference) -> Vec<usize> {
        let own = match self {
            Act::Call { caller, number, .. } => {
                let of_number = |phone: &usize| reference.phones[*phone].number == *number;
                return (0..reference.phones.len()).filter(of_number).chain([*caller]).collect();
            }
            Act::Register(phone)
            | Act::Unregister(phone)
            | Act::HangUp(phone)
            | Act::Hold(phone)
            | Act::Resume(phone)
            | Act::LosePower(phone)
            | Act::GetPower(phone)
            | Act::Nudge(phone) => *phone,
        };
        reference.phones[own].talks_with.into_iter().chain([own]).collect()
    }

    /// Something that is possible now.
    pub fn draw(reference: &Reference, rng: &mut impl Rng) -> Act {
        let phone = rng.random_range(0..reference.phones.len());
        let seen = &reference.phones[phone];
        if !seen.is_on {
            return Act::GetPower(phone);
        }
        match (seen.talks_with, rng.random_range(0..10)) {
            (Some(_), 0..3) => Act::HangUp(phone),
            (Some(_), 3..6) if seen.holds => Act::Resume(phone),
            (Some(_), 3..6) => Act::Hold(phone),
            (Some(other), 6) if !seen.holds && !reference.phones[other].holds => Act::LosePower(phone),
            (Some(_), _) => Act::Nudge(phone),
            (None, 0) => Act::LosePower(phone),
            (None, 1) if seen.is_registered => Act::Unregister(phone),
            (None, 2) => Act::Register(phone),
            (None, _) if !seen.is_registered => Act::Register(phone),
            (None, _) => Act::draw_call(reference, phone, rng),
        }
    }

    fn draw_call(reference: &Reference, caller: usize, rng: &mut impl Rng) -> Act {
        let mut numbers: Vec<&'static str> = reference.phones.iter().map(|phone| phone.number).collect();
        numbers.push("1999");
        let number = numbers.choose(rng).copied().expect("there are numbers");
        let mut is_answered = false;
        let mut reactions = Vec::new();
        for phone in reference.contacts(caller, number) {
            let reaction = match rng.random_range(0..8) {
                _ if reference.phones[phone].talks_with.is_some() => Reaction::Refuse,
                0..3 if !is_answered => Reaction::Answer,
                3..5 if !is_answered => Reaction::AnswerLater,
                5 => Reaction::Refuse,
                _ => Reaction::RingUntilCancelled,
            };
            is_answered |= matches!(reaction, Reaction::Answer | Reaction::AnswerLater);
            reactions.push((phone, reaction));
        }
        Act::Call { caller, number, reactions }
    }
}
