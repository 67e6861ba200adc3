//! Chaos: everybody does anything at any time, well or badly mannered. Nobody says what has to come of it, but every call
//! that begins ends, the facts stay in order, nothing panics, and nothing is left behind.

use std::time::Duration;

use crate::flows;
use crate::purse::Purse;
use lab::{Direction, Lab, OnInvite, Path, PhoneId, manner};
use pbx::call::transfer::{NewTransfer, TransferKind};
use pbx::call::{Address, AddressKind};
use pbx::command::NewActiveflow;
use pbx::flow::order::NewCall;
use pbx::groupcall::{NewGroupcall, RingMethod};
use pbx::{Command, Reply};
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sip::Transport;
use uuid::Uuid;

const NUMBERS: [&str; 9] = ["1001", "1002", "1002", "1002", "1003", "1004", "1005", "1006", "1007"];

/// A lab out of hand.
pub struct Chaos {
    /// The lab.
    pub lab: Lab,
    rng: ChaCha8Rng,
    words: Vec<String>,
    groupcalls: Vec<Uuid>,
    /// Who takes calls out, and brings calls in.
    carrier: PhoneId,
    farewell: [Command; 2],
    purse: Purse,
}

impl Chaos {
    /// The same seed is the same chaos.
    pub fn new(seed: u64) -> Chaos {
        let mut lab = Lab::with_settings(seed, |settings| {
            settings.dial_timeout = Duration::from_secs(20);
            settings.call_limit = Duration::from_secs(200);
            settings.rtp_timeout = Duration::from_secs(20);
            settings.session_expires = Duration::from_secs(90);
            settings.rtp_ports = (30_000, 30_023);
        });
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        for (place, number) in NUMBERS.iter().enumerate() {
            let phone = match place {
                4 => lab.phone_behind_nat(number),
                5 => lab.phone_at(number, "[2001:db8::15]:5060".parse().expect("an address")),
                _ => lab.phone(number),
            };
            if place >= 7 {
                lab[phone].transport = Transport::Tcp;
            }
            let loss = [0.0, 0.02, 0.1, 0.3].choose(&mut rng).copied().expect("there are some");
            lab.paths[phone.0] = if loss > 0.0 { Path::bad(loss) } else { Path::default() };
            lab[phone].register();
        }
        let (carrier, farewell) = flows::connect_carrier(&mut lab, &NUMBERS);
        flows::furnish(&mut lab, &NUMBERS, &mut rng);
        let mut dice = ChaCha8Rng::seed_from_u64(!seed);
        lab.outside.answers = Box::new(move |errand| flows::answer(errand, &mut dice));
        lab.run_for(Duration::from_secs(20));
        let purse = Purse::open(&mut lab, seed.is_multiple_of(3));
        Chaos { lab, rng, words: vec![format!("seed {seed}")], groupcalls: Vec::new(), carrier, farewell, purse }
    }

    /// So many acts, at random moments.
    pub fn rage(&mut self, acts: usize) {
        for _ in 0..acts {
            let phone = PhoneId(self.rng.random_range(0..NUMBERS.len()));
            let act = self.rng.random_range(0..41);
            self.words.push(format!("{:?} phone {} act {act}", self.lab.now(), phone.0));
            self.act(phone, act);
            let pause = match self.rng.random_range(0..4) {
                0 => 0,
                1 => self.rng.random_range(0..40),
                2 => self.rng.random_range(0..1_000),
                _ => self.rng.random_range(0..8_000),
            };
            self.lab.run_for(Duration::from_millis(pause));
        }
    }

    fn act(&mut self, phone: PhoneId, act: u32) {
        let (lab, rng) = (&mut self.lab, &mut self.rng);
        match act {
            _ if !lab[phone].is_on => {
                lab[phone].is_on = true;
                lab[phone].register();
            }
            0..3 => {
                let number =
                    if rng.random_bool(0.1) { flows::OUTSIDE } else { NUMBERS.choose(rng).expect("there are some") };
                lab[phone].call(number);
            }
            3..5 => {
                let number = flows::NUMBERS.choose(rng).copied().expect("there are some");
                lab[phone].call(number);
            }
            21 | 22 => lab[phone].press(if rng.random_bool(0.5) { '1' } else { '5' }),
            5 | 6 => lab[phone].answer(),
            7 | 8 => lab[phone].hang_up(),
            9 => lab[phone].hold(),
            10 => lab[phone].resume(),
            11 => lab[phone].update(true),
            12 => lab[phone].change_port(),
            13 => lab[phone].change_codecs(&[manner::PCMA, manner::PCMU]),
            14 => lab[phone].ask_for_offer(),
            15 => lab[phone].send_digit('1'),
            16 => lab[phone].register(),
            17 => lab[phone].unregister(),
            18 => lab[phone].lose_power(),
            19 => lab.break_connection(phone),
            20 => self.hang_up_any(),
            26 | 27 => self.begin_calls(),
            28 => self.hang_up_a_group(),
            29 => lab[phone].refer(NUMBERS.choose(rng).copied().expect("there are some")),
            30 => lab[phone].refer_to_other_call(),
            31 | 32 => self.transfer_any(),
            33 => lab[self.carrier].answer(),
            34 => lab[self.carrier].hang_up(),
            35 => {
                lab[self.carrier].call(flows::NUMBERS.choose(rng).copied().expect("there are some"));
            }
            36 => self.change_manner(self.carrier),
            37 | 38 => self.pick_up_from(phone),
            39 => self.purse.pay(lab, rng.random_range(-20..60)),
            // Anywhere between 1970 and a hundred years later.
            40 => lab.set_clock(Duration::from_secs(rng.random_range(0..3_200_000_000))),
            _ => self.change_manner(phone),
        }
    }

    fn hang_up_any(&mut self) {
        let ids: Vec<_> = self.lab.facts.unfinished().iter().map(|record| record.id).collect();
        if let Some(id) = ids.choose(&mut self.rng) {
            let answer = self.lab.command(Command::HangupCall(*id));
            assert!(matches!(answer, Ok(Reply::Call(_)) | Err(pbx::Rejection::AlreadyHungUp)), "{answer:?}");
        }
    }

    /// Takes the place of another phone in whatever call that has.
    fn pick_up_from(&mut self, phone: PhoneId) {
        let other = PhoneId(self.rng.random_range(0..NUMBERS.len()));
        let Some(call) = self.lab[other].live().filter(|_| other != phone) else { return };
        let early_only = if self.rng.random_bool(0.2) { ";early-only" } else { "" };
        let place = call.dialog.replaces() + early_only;
        self.lab[phone].pick_up(NUMBERS[other.0], &place);
    }

    /// Somebody has the exchange transfer a call.
    fn transfer_any(&mut self) {
        let ids: Vec<_> = self.lab.facts.unfinished().iter().map(|record| record.id).collect();
        let (Some(call), rng) = (ids.choose(&mut self.rng).copied(), &mut self.rng) else { return };
        let kind = if rng.random_bool(0.5) { TransferKind::Blind } else { TransferKind::Attended };
        let target = (*NUMBERS.choose(rng).expect("there are some")).into();
        let addresses = vec![Address { kind: AddressKind::Extension, target, target_name: String::new() }];
        let answer = self.lab.command(Command::CreateTransfer(NewTransfer { kind, call, addresses }));
        assert!(matches!(answer, Ok(Reply::Transfer(_)) | Err(pbx::Rejection::CallState)), "{answer:?}");
    }

    /// Somebody has the exchange call a few.
    fn begin_calls(&mut self) {
        let (lab, rng) = (&mut self.lab, &mut self.rng);
        let actions = loop {
            let drawn = flows::draw_again(&NUMBERS, rng);
            if pbx::flow::findings(&drawn).iter().all(|finding| !finding.grave) {
                break drawn;
            }
        };
        let count = rng.random_range(1..4);
        let destinations = (0..count).map(|_| {
            let (kind, target) = match rng.random_range(0..8) {
                0 => (AddressKind::Agent, flows::AGENT),
                1 => (AddressKind::Tel, flows::OUTSIDE),
                _ => (AddressKind::Extension, *NUMBERS.choose(rng).expect("there are some")),
            };
            Address { kind, target: target.into(), target_name: String::new() }
        });
        let call = NewCall {
            destinations: destinations.collect(),
            actions,
            early_execution: rng.random_bool(0.3),
            ..NewCall::default()
        };
        let ring_method = if rng.random_bool(0.5) { RingMethod::RingAll } else { RingMethod::Linear };
        if rng.random_bool(0.2) {
            let new = NewActiveflow { actions: call.actions, ..NewActiveflow::default() };
            let answer = lab.command(Command::CreateActiveflow(Box::new(new)));
            return assert!(matches!(answer, Ok(Reply::Activeflow(_))), "{answer:?}");
        }
        let command = match rng.random_bool(0.5) {
            true => Command::CreateCalls(Box::new(call)),
            false => Command::CreateGroupcall(Box::new(NewGroupcall { call, ring_method })),
        };
        match lab.command(command) {
            Ok(Reply::Groupcall(groupcall)) => self.groupcalls.push(groupcall.id),
            Ok(Reply::Calls(calls, groupcalls)) => {
                assert!(!calls.is_empty());
                self.groupcalls.extend(groupcalls.iter().map(|groupcall| groupcall.id));
            }
            Err(pbx::Rejection::Spent) => {}
            other => panic!("{other:?}"),
        }
    }

    fn hang_up_a_group(&mut self) {
        if let Some(id) = self.groupcalls.choose(&mut self.rng) {
            let answer = self.lab.command(Command::HangupGroupcall(*id));
            assert!(matches!(answer, Ok(Reply::Groupcall(_)) | Err(pbx::Rejection::NotFound(_))), "{answer:?}");
        }
    }

    fn change_manner(&mut self, phone: PhoneId) {
        let rng = &mut self.rng;
        let manner = &mut self.lab[phone].manner;
        manner.on_invite = [
            OnInvite::Ring,
            OnInvite::Answer,
            OnInvite::AnswerAfter(Duration::from_millis(rng.random_range(0..3_000))),
            OnInvite::EarlyMedia,
            OnInvite::Refuse(*[302, 404, 486, 488, 500, 503, 600, 603].choose(rng).expect("there are some")),
            OnInvite::OnlyTrying,
            OnInvite::Ignore,
        ]
        .choose(rng)
        .copied()
        .expect("there are some");
        manner.acknowledges = rng.random_bool(0.9);
        manner.answers_requests = rng.random_bool(0.9);
        manner.offers_late = rng.random_bool(0.2);
        manner.reliable_provisionals = rng.random_bool(0.5);
        manner.session_expires = rng.random_bool(0.5).then_some(90);
        manner.refresher = if rng.random_bool(0.5) { "uac" } else { "uas" };
        manner.refreshes_session = rng.random_bool(0.8);
        manner.refreshes_by_update = rng.random_bool(0.5);
        manner.holds_by_address = rng.random_bool(0.3);
        manner.hold_direction = if rng.random_bool(0.5) { Direction::SendOnly } else { Direction::Inactive };
        manner.talks = rng.random_bool(0.9);
    }

    /// How many facts of that name there were.
    pub fn count(&self, name: &str) -> usize {
        self.lab.facts.count(name)
    }

    /// Peace: the phones mind their manners, hang up, and go.
    pub fn end(mut self) {
        let own: Vec<PhoneId> = (0..NUMBERS.len()).map(PhoneId).collect();
        let phones: Vec<PhoneId> = own.iter().copied().chain([self.carrier]).collect();
        for phone in &phones {
            self.lab.paths[phone.0] = Path::default();
            let phone = &mut self.lab[*phone];
            phone.is_on = true;
            phone.manner = lab::Manner { on_invite: OnInvite::Refuse(486), ..lab::Manner::default() };
        }
        while phones.iter().any(|phone| self.lab[*phone].live().is_some()) {
            phones.iter().for_each(|phone| self.lab[*phone].hang_up());
            self.lab.run_for(Duration::from_secs(10));
            assert!(self.lab.now() < Duration::from_secs(100_000), "it never ends\n{}", self.words.join("\n"));
        }
        self.lab.run_for(Duration::from_secs(300));
        for phone in &own {
            self.lab[*phone].unregister_all();
        }
        for command in self.farewell.clone() {
            let answer = self.lab.command(command);
            assert!(answer.is_ok(), "{answer:?}");
        }
        self.lab.run_for(Duration::from_secs(60));
        let words = self.words.join("\n");
        // A flow without a call hurries: what it wants of a web server may wait there for long.
        while self.lab.counter("errands") > 0 {
            self.lab.run_for(Duration::from_secs(60));
            assert!(self.lab.now() < Duration::from_secs(100_000), "errands never end\n{words}");
        }
        assert_eq!(self.lab.counter("bindings"), 0, "{words}");
        assert_eq!(self.lab.facts.unfinished().len(), 0, "{words}");
        assert_eq!(self.lab.counter("groupcalls"), 0, "{words}");
        let facts = &self.lab.facts;
        assert_eq!(facts.count("groupcall_created"), facts.count("groupcall_hangup"), "{words}");
        self.lab.finish();
        assert_eq!(self.lab.counter("timers"), 0, "{words}");
        self.purse.settle(&mut self.lab, &words);
    }
}
