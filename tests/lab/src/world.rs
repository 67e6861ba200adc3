//! The lab itself: it moves the time and carries everything from one party to the other.

mod carriage;
mod connections;
pub mod errands;
mod recording;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{IpAddr, SocketAddr};
use std::ops::{Index, IndexMut};
use std::time::Duration;

use pbx::{Command, Input, Output, Pbx, Reply, RequestId};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::check::Facts;
use crate::ladder::Ladder;
use crate::network::{Nat, Path};
use crate::phone::{Phone, PhoneId, State};
use crate::{REALM, Time, password_of};
use carriage::Arrival;
use connections::Connections;
use errands::Outside;
use recording::Disk;

/// How many things may happen at one moment before the lab says that time stands still.
const TURNS: usize = 20_000;
/// When the lab's story begins, since 1970.
const EPOCH: Duration = Duration::from_secs(1_800_000_000);

/// A real exchange, a real media engine, phones, and the network between them.
pub struct Lab {
    /// The exchange.
    pub pbx: Pbx,
    /// The media engine.
    pub engine: media::Engine,
    /// The phones, in the order in which they were made.
    pub phones: Vec<Phone>,
    /// What the exchange stated.
    pub facts: Facts,
    /// The sequences of calls that are over.
    pub sequences: Vec<pbx::sequence::Sequence>,
    /// The paths between each phone and the exchange.
    pub paths: Vec<Path>,
    /// The routers.
    pub routers: Vec<Nat>,
    /// Behind which router each phone is.
    pub behind: Vec<Option<usize>>,
    /// Whether the exchange said, after it was told to drain, that the last call is over.
    pub is_drained: bool,
    /// Whether the media thread opens streams; `false` makes every `Open` fail, as when it is far behind.
    pub opens_streams: bool,
    /// Whether the media thread binds ports; `false` leaves orders without an answer.
    pub binds_ports: bool,
    /// Ports that another process holds.
    pub held_ports: BTreeSet<u16>,
    /// The files of recordings.
    pub disk: Disk,
    /// The world beyond the telephones.
    pub outside: Outside,
    /// Where names are. Others there are not.
    pub names: BTreeMap<String, Vec<SocketAddr>>,
    /// Whether anybody answers questions about names.
    pub names_answer: bool,
    /// How often it was asked where a name is.
    pub questions: usize,
    /// How often the exchange was asked to do something with a port that is not open.
    pub misdelivered: usize,
    settings: pbx::Settings,
    now: Time,
    exchange: [SocketAddr; 2],
    queue: BTreeMap<(Time, u64), Arrival>,
    posted: u64,
    bound: BTreeSet<u16>,
    ports: BTreeMap<u16, media::StreamId>,
    connections: Connections,
    replies: VecDeque<(RequestId, Result<Reply, pbx::Rejection>)>,
    requests: u64,
    ladder: Ladder,
    journal: DefaultHasher,
    rng: ChaCha8Rng,
}

impl Lab {
    /// A lab with an exchange and nobody else.
    pub fn new(seed: u64) -> Lab {
        Lab::with_settings(seed, |_| {})
    }

    /// A lab whose exchange is set up otherwise.
    pub fn with_settings(seed: u64, change: impl FnOnce(&mut pbx::Settings)) -> Lab {
        let exchange = [SocketAddr::from(([10, 0, 0, 1], 5060)), "[2001:db8::1]:5060".parse().expect("an address")];
        let mut settings = pbx::Settings {
            realm: REALM.into(),
            digest: vec![sip::auth::Algorithm::Sha256, sip::auth::Algorithm::Md5],
            sip: exchange[0],
            rtp: std::net::Ipv6Addr::UNSPECIFIED.into(),
            ..Default::default()
        };
        change(&mut settings);
        let config = media::Config { rtp_timeout: settings.rtp_timeout, ..media::Config::default() };
        let mut bytes = [7; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let mut lab = Lab {
            pbx: Pbx::new(settings.clone(), bytes),
            engine: media::Engine::new(config, bytes),
            phones: Vec::new(),
            facts: Facts::default(),
            sequences: Vec::new(),
            paths: Vec::new(),
            routers: Vec::new(),
            behind: Vec::new(),
            is_drained: false,
            opens_streams: true,
            binds_ports: true,
            held_ports: BTreeSet::new(),
            disk: Disk::default(),
            outside: Outside::default(),
            names: BTreeMap::new(),
            names_answer: true,
            questions: 0,
            misdelivered: 0,
            settings,
            now: Time::ZERO,
            exchange,
            queue: BTreeMap::new(),
            posted: 0,
            bound: BTreeSet::new(),
            ports: BTreeMap::new(),
            connections: Connections::default(),
            replies: VecDeque::new(),
            requests: 0,
            ladder: Ladder::default(),
            journal: DefaultHasher::new(),
            rng: ChaCha8Rng::seed_from_u64(seed),
        };
        lab.engine.handle_clock(Time::ZERO, EPOCH);
        lab.input(Input::Clock(EPOCH));
        lab
    }

    /// The time.
    pub fn now(&self) -> Time {
        self.now
    }

    /// A phone of an extension, which is made if it is not there; off the wire so far.
    pub fn phone(&mut self, number: &str) -> PhoneId {
        let id = PhoneId(self.phones.len());
        let address = SocketAddr::from(([10, 0, 1, 10 + id.0 as u8], 5060));
        self.phone_at(number, address)
    }

    /// A phone at a certain address; IPv4 or IPv6.
    pub fn phone_at(&mut self, number: &str, address: SocketAddr) -> PhoneId {
        self.extension(number);
        let id = PhoneId(self.phones.len());
        let exchange = self.exchange[usize::from(address.is_ipv6())];
        let seed = 1_000 * (id.0 as u64 + 1) + u64::from(rand::RngExt::random::<u32>(&mut self.rng));
        self.phones.push(Phone::new(number, id, address, exchange, seed));
        self.paths.push(Path::default());
        self.behind.push(None);
        self.ladder.add_phone(number);
        id
    }

    /// A phone that plays a provider or a trunk: no extension of ours.
    pub fn stranger(&mut self, number: &str, address: SocketAddr) -> PhoneId {
        let id = PhoneId(self.phones.len());
        let exchange = self.exchange[usize::from(address.is_ipv6())];
        self.phones.push(Phone::new(number, id, address, exchange, 7_000 + id.0 as u64));
        self.paths.push(Path::default());
        self.behind.push(None);
        self.ladder.add_phone(number);
        id
    }

    /// A phone that has registered; the ladder begins after it.
    pub fn registered_phone(&mut self, number: &str) -> PhoneId {
        let phone = self.phone(number);
        self.register(phone);
        phone
    }

    /// Registers a phone and waits for it; the ladder begins after it.
    pub fn register(&mut self, phone: PhoneId) {
        self[phone].register();
        self.run_until(|lab| lab[phone].is_registered());
        self.run_for(Duration::from_millis(100));
        self.ladder.begin(self.now);
    }

    /// A phone behind a router of its own.
    pub fn phone_behind_nat(&mut self, number: &str) -> PhoneId {
        let host = 2 + self.phones.len() as u8;
        let phone = self.phone_at(number, SocketAddr::from(([192, 168, 1, host], 5060)));
        self.behind[phone.0] = Some(self.routers.len());
        self.routers.push(Nat::new([203, 0, 113, host].into()));
        phone
    }

    /// A phone behind the same router as another one.
    pub fn phone_beside(&mut self, neighbour: PhoneId, number: &str) -> PhoneId {
        let host = 2 + self.phones.len() as u8;
        let phone = self.phone_at(number, SocketAddr::from(([192, 168, 1, host], 5060)));
        self.behind[phone.0] = self.behind[neighbour.0];
        phone
    }

    /// The exchange is ended and started again, and told what the store would have kept: extensions and bindings.
    pub fn restart_exchange(&mut self) {
        let bindings = self.bindings();
        let extensions = self.facts.extensions();
        let seed = [self.fingerprint() as u8; 32];
        self.pbx = Pbx::new(self.settings.clone(), seed);
        self.engine = media::Engine::new(media::Config::default(), seed);
        self.bound.clear();
        self.ports.clear();
        self.engine.handle_clock(self.now, EPOCH + self.now);
        self.input(Input::Clock(EPOCH + self.now));
        self.input(Input::Restore(extensions, bindings));
    }

    /// The wall clock is set: from now on it shows `unix`.
    pub fn set_clock(&mut self, unix: Duration) {
        self.engine.handle_clock(self.now, unix);
        self.input(Input::Clock(unix));
    }

    /// Makes an extension, if it is not there.
    pub fn extension(&mut self, number: &str) {
        let new = pbx::directory::NewExtension {
            extension: number.into(),
            password: password_of(number),
            name: format!("Phone {number}"),
            detail: String::new(),
            encryption: None,
        };
        match self.command(Command::CreateExtension(new)) {
            Ok(_) | Err(pbx::Rejection::AlreadyExists(_)) => {}
            Err(other) => panic!("{number} cannot be made: {other}"),
        }
    }

    /// Asks the exchange for something; it has to answer at once.
    pub fn command(&mut self, command: Command) -> Result<Reply, pbx::Rejection> {
        self.requests += 1;
        let request = RequestId(self.requests);
        self.input(Input::Command(request, command));
        let mut answers = self.replies.drain(..);
        let (answered, reply) = answers.next().expect("a command is answered at once");
        assert_eq!((answered, answers.next()), (request, None), "a command is answered once");
        reply
    }

    /// One of the numbers behind `/metrics`.
    pub fn counter(&mut self, name: &str) -> u64 {
        let Ok(Reply::Counters(counters)) = self.command(Command::ReadCounters) else { panic!("no counters") };
        let found = counters.values.iter().find(|(counter, _, _)| *counter == name);
        found.unwrap_or_else(|| panic!("no counter {name} in {:?}", counters.values)).2
    }

    /// The bindings that the exchange holds.
    pub fn bindings(&mut self) -> Vec<pbx::registrar::Binding> {
        match self.command(Command::ListBindings(None)) {
            Ok(Reply::Bindings(bindings)) => bindings,
            other => panic!("no bindings: {other:?}"),
        }
    }

    /// Lets time pass.
    pub fn run_for(&mut self, duration: Duration) {
        self.run_to(self.now + duration);
    }

    fn run_to(&mut self, end: Time) {
        let mut turns = 0;
        self.drain_phones();
        while let Some(next) = self.next_deadline().filter(|at| *at <= end) {
            turns = if next > self.now { 0 } else { turns + 1 };
            assert!(turns < TURNS, "time stands still at {:?}:\n{}", self.now, self.ladder);
            self.step(next);
        }
        self.now = end.max(self.now);
        self.phones.iter_mut().for_each(|phone| phone.now = phone.now.max(end));
    }

    /// Lets time pass until something is so; two minutes at most.
    pub fn run_until(&mut self, is_so: impl Fn(&Lab) -> bool) {
        let patience = self.now + Duration::from_secs(120);
        self.drain_phones();
        while !is_so(self) {
            let next = self.next_deadline().filter(|at| *at <= patience);
            let next =
                next.unwrap_or_else(|| panic!("it never becomes so:\n{}\n{:#?}", self.ladder, self.complaints()));
            self.step(next);
        }
    }

    fn next_deadline(&self) -> Option<Time> {
        let queue = self.queue.keys().next().map(|(at, _)| *at);
        let exchange = self.pbx.poll_timeout().map(|deadline| deadline.at);
        let engine = self.engine.poll_timeout().map(|deadline| deadline.at);
        let phones = self.phones.iter().filter(|phone| phone.is_on).filter_map(Phone::poll_timeout);
        phones.chain(queue).chain(exchange).chain(engine).min()
    }

    /// One thing happens: what is due first.
    fn step(&mut self, at: Time) {
        self.now = self.now.max(at);
        let now = self.now;
        self.phones.iter_mut().for_each(|phone| phone.now = now);
        if let Some(entry) = self.queue.first_entry().filter(|entry| entry.key().0 <= now) {
            let arrival = entry.remove();
            self.arrive(arrival);
        } else if self.pbx.poll_timeout().is_some_and(|deadline| deadline.at <= now) {
            self.pbx.handle_timeout(now);
            self.drain_exchange();
        } else if self.engine.poll_timeout().is_some_and(|deadline| deadline.at <= now) {
            self.engine.handle_timeout(now);
            self.drain_engine();
        } else {
            let is_due = |phone: &&mut Phone| phone.is_on && phone.poll_timeout().is_some_and(|at| at <= now);
            self.phones.iter_mut().filter(is_due).for_each(|phone| phone.handle_timeout(now));
        }
        self.drain_phones();
    }

    /// Gives the exchange an input and carries out what it says.
    pub fn input(&mut self, input: Input) {
        format!("{:?} {input:?}", self.now).hash(&mut self.journal);
        self.pbx.handle(self.now, input);
        self.drain_exchange();
    }

    fn drain_exchange(&mut self) {
        while let Some(output) = self.pbx.poll_output() {
            format!("{:?} {output:?}", self.now).hash(&mut self.journal);
            match output {
                Output::Sip(transmit) => self.carry_sip(transmit),
                Output::Media(command) => self.carry_out(command),
                Output::Port(order) => self.handle_port_order(order),
                Output::Recording(order) => self.handle_recording_order(order),
                Output::Errand(id, errand) => self.run_errand(id, *errand),
                Output::Event(event) => {
                    let name = event.kind.name();
                    self.facts.push(event).unwrap_or_else(|error| panic!("{name}: {error}\n{}", self.ladder));
                }
                Output::Sequence(sequence) => self.sequences.push(*sequence),
                Output::Reply(request, reply) => self.replies.push_back((request, reply)),
                Output::Resolve(question) => self.look_up(question),
                Output::Refreshed(_) => {}
                // Nobody in the laboratory speaks TLS, or is a browser.
                Output::Connection(..) | Output::Webrtc(_) => {}
                Output::Drained => self.is_drained = true,
            }
        }
    }

    /// What the phones found wrong.
    pub fn complaints(&self) -> Vec<String> {
        self.phones.iter().flat_map(|phone| phone.complaints.iter().cloned()).collect()
    }

    /// A number that stands for every input and every output of the exchange so far, in their order.
    pub fn fingerprint(&self) -> u64 {
        self.journal.finish()
    }

    /// The ladder of everything since the last registration or [`Lab::begin_ladder`].
    pub fn ladder(&self) -> String {
        self.ladder.to_string()
    }

    /// The ladder begins anew.
    pub fn begin_ladder(&mut self) {
        self.ladder.begin(self.now);
    }

    /// The labels on the arrows to and from a phone, in order; those that it sent begin with `>`.
    pub fn messages(&self, phone: PhoneId) -> Vec<String> {
        let of = self.ladder.arrows().iter().filter(|arrow| arrow.phone == phone.0);
        of.map(|arrow| format!("{} {}", if arrow.is_from_phone { ">" } else { "<" }, arrow.label)).collect()
    }

    /// Ends the story: nobody begins anything any more, and once everything has settled nothing may be left behind.
    pub fn finish(&mut self) {
        self.phones.iter_mut().for_each(Phone::rest);
        let left = [
            "calls",
            "legs",
            "recordings",
            "rtp_ports_used",
            "transactions",
            "dialogs",
            "activeflows",
            "errands",
            "groupcalls",
            "messages",
            "programs",
            "index_entries",
            "billing_reserved",
        ];
        let mut rest = Vec::new();
        for _ in 0..200 {
            rest = left.iter().map(|name| (*name, self.counter(name))).filter(|(_, count)| *count > 0).collect();
            if rest.is_empty() && self.queue.is_empty() {
                break;
            }
            self.run_for(Duration::from_secs(1));
        }
        let ladder = self.ladder();
        assert!(rest.is_empty(), "left behind after 200 s: {rest:?}\n{ladder}");
        assert_eq!(self.facts.unfinished(), Vec::<&pbx::call::CallRecord>::new(), "calls that never ended\n{ladder}");
        assert_eq!(self.facts.unfinished_flows(), Vec::<uuid::Uuid>::new(), "flows that never ended\n{ladder}");
        assert_eq!(self.engine.counters().streams, 0, "streams that were never closed\n{ladder}");
        assert!(self.ports.is_empty(), "ports that were never closed: {:?}\n{ladder}", self.ports);
        for phone in self.phones.iter().filter(|phone| phone.is_on) {
            assert!(phone.is(State::Ended), "{} still has a call: {:?}\n{ladder}", phone.number, phone.live());
        }
        assert_eq!(self.complaints(), Vec::<String>::new(), "{ladder}");
    }

    /// Whether one hears the other: a packet of its voice came within the last 200 ms.
    pub fn hears(&self, listener: PhoneId, speaker: PhoneId) -> bool {
        let voice = Some(self[speaker].voice);
        let since = self.now.saturating_sub(Duration::from_millis(200));
        let mut heard = self[listener].calls.iter().flat_map(|call| &call.audio.heard);
        heard.any(|heard| heard.voice == voice && heard.at >= since)
    }

    /// The address of the exchange for one family.
    pub fn exchange_address(&self, is_ipv6: bool) -> IpAddr {
        self.exchange[usize::from(is_ipv6)].ip()
    }
}

impl Index<PhoneId> for Lab {
    type Output = Phone;
    fn index(&self, id: PhoneId) -> &Phone {
        &self.phones[id.0]
    }
}

impl IndexMut<PhoneId> for Lab {
    fn index_mut(&mut self, id: PhoneId) -> &mut Phone {
        &mut self.phones[id.0]
    }
}
