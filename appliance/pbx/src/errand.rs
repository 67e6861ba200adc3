//! Errands: what calls want of the world beyond telephones, such as the answer of a web server, or a text that is spoken.
//!
//! The exchange says what is to be done ([`Output::Errand`]) and hears what came of it ([`crate::Input::Errand`]). At most
//! [`limits::ERRANDS`] run at once, [`limits::ERRANDS_AT_A_PLACE`] of them at one place, so that a server that is slow holds up
//! its own errands only. The others wait in their order, and what is too much is refused and counted.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;
use uuid::Uuid;

use crate::billing::CostType;
use crate::call::{CallKey, LegKey};
use crate::context::Context;
use crate::exchange::Output;
use crate::flow::Action;
use crate::flow::order::{Email, Method, Webhook};
use crate::timers::Timer;
use crate::{Time, limits};

/// An errand within the exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ErrandId(pub u64);

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Errand {
    /// Ask a web server for actions.
    Fetch {
        /// Where.
        url: String,
        /// How.
        method: Method,
        /// The flow that asks.
        activeflow: Uuid,
        /// The call that it is for.
        reference: Uuid,
    },
    /// Tell a web server.
    Webhook(Box<Webhook>),
    /// Have a text spoken.
    Speak(Box<Speech>),
    /// Send an e-mail.
    Mail(Box<Email>),
}

/// A text to be spoken.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Speech {
    /// The words.
    pub text: String,
    /// As `en-US`.
    pub language: String,
    /// Who speaks; empty: whom the box has.
    pub provider: String,
    /// With which voice.
    pub voice: String,
    /// Whether nobody pays for it: the exchange itself has something to say.
    pub is_free: bool,
}

/// What came of an errand.
#[derive(Debug, Clone, PartialEq)]
pub struct ErrandReport {
    /// The errand.
    pub id: ErrandId,
    /// What was seen of it, for the ladder: `200, 213 bytes in 35 ms`.
    pub words: String,
    /// What it brought, or why nothing, in words.
    pub result: Result<Brought, String>,
}

/// What an errand brings home.
#[derive(Debug, Clone, PartialEq)]
pub enum Brought {
    /// Actions, read and found sound.
    Actions(Vec<Action>),
    /// What a web server said, cut where it is long.
    Answer {
        /// Its status.
        status: u16,
        /// Its body, as text.
        body: String,
    },
    /// What was spoken: its name, for [`media::Sound::Spoken`].
    Spoken(String),
    /// Nothing: it is done.
    Nothing,
    /// Nothing: it was refused, and would be again; why, in words.
    Refused(String),
}

/// Who sent an errand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// The flow of a call, which waits for it.
    Flow(CallKey),
    /// A leg, which goes on meanwhile.
    Leg(LegKey),
    /// One that is gone: nobody wants to know.
    Nobody,
}

/// The errands that run or wait.
#[derive(Debug, Default)]
pub struct Errands {
    entries: FxHashMap<ErrandId, Entry>,
    waiting: VecDeque<ErrandId>,
    running: usize,
    places: FxHashMap<String, usize>,
    octets: usize,
    made: u64,
}

#[derive(Debug)]
struct Entry {
    errand: Errand,
    place: String,
    sender: Sender,
    /// The activeflow that wants it.
    activeflow: Option<Uuid>,
    state: State,
    tries: usize,
}

#[derive(Debug)]
enum State {
    Waiting,
    Running,
    /// It failed, and is tried again later.
    Resting,
}

impl Errand {
    /// Where it leads: a host and port, or a part of the box.
    fn place(&self) -> String {
        match self {
            Errand::Fetch { url, .. } => authority(url),
            Errand::Webhook(webhook) => authority(&webhook.url),
            Errand::Speak(_) => "speech".into(),
            Errand::Mail(_) => "mail".into(),
        }
    }

    /// About how many octets it keeps.
    fn octets(&self) -> usize {
        match self {
            Errand::Fetch { url, .. } => url.len(),
            Errand::Webhook(webhook) => webhook.url.len() + webhook.data.len() + webhook.data_type.len(),
            Errand::Speak(speech) => speech.text.len(),
            Errand::Mail(email) => email.subject.len() + email.content.len(),
        }
    }

    /// How long it rests after each failure before it is tried again, where nobody waits for it.
    fn rests(&self) -> &'static [Time] {
        match self {
            Errand::Webhook(webhook) if !webhook.waits => &limits::WEBHOOK_RESTS,
            Errand::Mail(_) => &limits::EMAIL_RESTS,
            _ => &[],
        }
    }

    /// What is paid for when it has succeeded, and how many of it.
    fn costs(&self) -> Option<(CostType, usize)> {
        match self {
            Errand::Mail(email) => Some((CostType::Email, email.destinations.len())),
            Errand::Speak(speech) if !speech.is_free => Some((CostType::Tts, 1)),
            _ => None,
        }
    }

    /// For the ladder: what leaves, without what is secret.
    pub fn label(&self) -> String {
        match self {
            Errand::Fetch { url, method, .. } => format!("{} {}", method.name(), shown(url)),
            Errand::Webhook(webhook) => format!("{} {}", webhook.method.name(), shown(&webhook.url)),
            Errand::Mail(email) => format!("e-mail to {} address(es)", email.destinations.len()),
            Errand::Speak(speech) => ["speak", &speech.provider, &speech.voice].join(" ").trim_end().into(),
        }
    }
}

impl Errands {
    /// How many run or wait.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The first of those that wait whose place is not crowded.
    fn next(&mut self) -> Option<ErrandId> {
        if self.running >= limits::ERRANDS {
            return None;
        }
        let has_room = |id: &ErrandId| {
            let entry = self.entries.get(id);
            entry.is_some_and(|entry| self.places.get(&entry.place).is_none_or(|n| *n < limits::ERRANDS_AT_A_PLACE))
        };
        let at = self.waiting.iter().position(has_room)?;
        self.waiting.remove(at)
    }

    fn leave_place(&mut self, place: &str) {
        self.running -= 1;
        if let Some(count) = self.places.get_mut(place) {
            *count -= 1;
            if *count == 0 {
                self.places.remove(place);
            }
        }
    }

    fn remove(&mut self, id: ErrandId) -> Option<Entry> {
        let entry = self.entries.remove(&id)?;
        self.octets -= entry.errand.octets();
        Some(entry)
    }
}

/// Sends one out, now or as soon as those before it are back. `None`: too many wait.
pub fn send(ctx: &mut Context, errand: Errand, (sender, activeflow): (Sender, Option<Uuid>)) -> Option<ErrandId> {
    let octets = errand.octets();
    if ctx.errands.len() >= limits::ERRANDS_WAITING || ctx.errands.octets + octets > limits::ERRANDS_OCTETS {
        ctx.totals.errands_refused += 1;
        return None;
    }
    ctx.totals.errands += 1;
    ctx.errands.made += 1;
    let id = ErrandId(ctx.errands.made);
    let entry = Entry { place: errand.place(), errand, sender, activeflow, state: State::Waiting, tries: 0 };
    ctx.errands.octets += octets;
    ctx.errands.entries.insert(id, entry);
    ctx.errands.waiting.push_back(id);
    start_waiting(ctx);
    Some(id)
}

/// Nobody wants to know any longer: one that waits is forgotten, one that runs comes home to nobody.
pub fn withdraw(ctx: &mut Context, id: ErrandId) {
    match ctx.errands.entries.get_mut(&id) {
        Some(entry) if matches!(entry.state, State::Running) => entry.sender = Sender::Nobody,
        _ => {
            ctx.errands.waiting.retain(|waiting| *waiting != id);
            ctx.errands.remove(id);
        }
    }
}

/// One came home. Who wants to know of it, and whether it is tried again.
pub fn come_home(ctx: &mut Context, report: &ErrandReport) -> (Sender, bool) {
    let Some(entry) = ctx.errands.entries.get_mut(&report.id) else { return (Sender::Nobody, false) };
    if !matches!(entry.state, State::Running) {
        return (Sender::Nobody, false);
    }
    let (sender, activeflow, place) = (entry.sender, entry.activeflow, entry.place.clone());
    let is_done = matches!(report.result, Ok(Brought::Nothing | Brought::Spoken(_)));
    let paid = is_done.then(|| entry.errand.costs()).flatten();
    let again = is_worth_another_try(&report.result) && entry.tries <= entry.errand.rests().len();
    ctx.errands.leave_place(&place);
    ctx.totals.errands_failed += u64::from(report.result.is_err());
    if let Some((cost_type, units)) = paid {
        ctx.charge((cost_type, units), None, (Uuid::nil(), Time::ZERO, activeflow));
    }
    if again {
        rest(ctx, report.id);
    } else {
        ctx.errands.remove(report.id);
    }
    start_waiting(ctx);
    (sender, again)
}

fn rest(ctx: &mut Context, id: ErrandId) {
    let Some(entry) = ctx.errands.entries.get(&id) else { return };
    let Some(rest) = entry.errand.rests().get(entry.tries - 1).copied() else { return };
    // Nobody withdraws what nobody waits for: the timer may fire.
    ctx.arm(rest, Timer::ErrandRest(id));
    if let Some(entry) = ctx.errands.entries.get_mut(&id) {
        entry.state = State::Resting;
    }
}

/// One has rested long enough.
pub fn handle_rested(ctx: &mut Context, id: ErrandId) {
    if let Some(entry) = ctx.errands.entries.get_mut(&id) {
        entry.state = State::Waiting;
        ctx.errands.waiting.push_back(id);
    }
    start_waiting(ctx);
}

fn start_waiting(ctx: &mut Context) {
    while let Some(id) = ctx.errands.next() {
        let Some(entry) = ctx.errands.entries.get_mut(&id) else { continue };
        entry.state = State::Running;
        entry.tries += 1;
        let (errand, place) = (entry.errand.clone(), entry.place.clone());
        ctx.errands.running += 1;
        *ctx.errands.places.entry(place).or_default() += 1;
        ctx.output(Output::Errand(id, Box::new(errand)));
    }
}

/// A server that is not there or in trouble may be well again in a moment; one that says no says no.
fn is_worth_another_try(result: &Result<Brought, String>) -> bool {
    match result {
        Err(_) => true,
        Ok(Brought::Answer { status, .. }) => *status >= 500 || *status == 429,
        Ok(_) => false,
    }
}

/// Host and port of a URL.
fn authority(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit('@').next().unwrap_or_default().to_ascii_lowercase()
}

/// A URL as it may be shown: without user and password, and with the names but not the values of its query.
pub fn shown(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    let host = authority.rsplit('@').next().unwrap_or_default();
    let (path, query) = rest
        .split('#')
        .next()
        .unwrap_or_default()
        .split_once('?')
        .map_or_else(|| (rest.split('#').next().unwrap_or_default(), None), |(path, query)| (path, Some(query)));
    let mut shown = if scheme.is_empty() { String::new() } else { format!("{scheme}://") };
    shown += host;
    shown += path;
    for (at, pair) in query.into_iter().flat_map(|query| query.split('&')).enumerate() {
        shown.push(if at == 0 { '?' } else { '&' });
        match pair.split_once('=') {
            Some((name, _)) => shown.extend([name, "=…"]),
            None => shown.push('…'),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    fn webhook(url: &str, waits: bool) -> Errand {
        Errand::Webhook(Box::new(Webhook {
            url: url.into(),
            method: Method::Post,
            data_type: "text/plain".into(),
            data: "x".into(),
            waits,
        }))
    }

    fn sent(ctx: &mut Context) -> Vec<u64> {
        std::iter::from_fn(|| ctx.poll_output())
            .filter_map(|output| if let Output::Errand(id, _) = output { Some(id.0) } else { None })
            .collect()
    }

    fn answer(id: u64, status: u16) -> ErrandReport {
        let result = Ok(Brought::Answer { status, body: String::new() });
        ErrandReport { id: ErrandId(id), words: String::new(), result }
    }

    #[test]
    fn what_is_secret_in_a_url_is_not_shown() {
        for (url, expected) in [
            ("https://ada:secret@example.com/a/b?key=1234&x=&flag#part", "https://example.com/a/b?key=…&x=…&…"),
            ("http://example.com", "http://example.com"),
            ("http://example.com?token=a@b", "http://example.com?token=…"),
            ("http://example.com/a#b?c=d", "http://example.com/a"),
            ("no url", "no url"),
        ] {
            assert_eq!(shown(url), expected);
        }
        assert_eq!(authority("http://ada:x@Example.com:8080/a"), "example.com:8080");
        assert_eq!(authority("https://example.com?a"), "example.com");
    }

    #[test]
    fn a_slow_place_holds_up_its_own_errands_only() {
        let mut ctx = Context::new(Settings::default(), [0; 32]);
        for _ in 0..limits::ERRANDS_AT_A_PLACE + 2 {
            send(&mut ctx, webhook("http://slow/", true), (Sender::Nobody, None)).expect("there is room");
        }
        let slow: Vec<u64> = (1..=limits::ERRANDS_AT_A_PLACE as u64).collect();
        assert_eq!(sent(&mut ctx), slow);
        let other = send(&mut ctx, webhook("http://quick/", true), (Sender::Nobody, None)).expect("there is room");
        assert_eq!(sent(&mut ctx), [other.0]);
        come_home(&mut ctx, &answer(2, 200));
        assert_eq!(sent(&mut ctx), [limits::ERRANDS_AT_A_PLACE as u64 + 1], "in their order");
        withdraw(&mut ctx, ErrandId(limits::ERRANDS_AT_A_PLACE as u64 + 2));
        for id in [1, 3, 4, 5, other.0] {
            come_home(&mut ctx, &answer(id, 200));
        }
        assert!(sent(&mut ctx).is_empty() && ctx.errands.is_empty() && ctx.errands.places.is_empty());
        assert_eq!((ctx.errands.running, ctx.errands.octets), (0, 0));
    }

    #[test]
    fn too_many_are_refused_and_counted() {
        let mut ctx = Context::new(Settings::default(), [0; 32]);
        for at in 0..limits::ERRANDS_WAITING {
            send(&mut ctx, webhook(&format!("http://h{at}/"), true), (Sender::Nobody, None)).expect("there is room");
        }
        assert_eq!(send(&mut ctx, webhook("http://h/", true), (Sender::Nobody, None)), None);
        assert_eq!((ctx.totals.errands_refused, sent(&mut ctx).len()), (1, limits::ERRANDS));
    }

    #[test]
    fn what_nobody_waits_for_is_tried_again_after_a_while() {
        let mut ctx = Context::new(Settings::default(), [0; 32]);
        let id = send(&mut ctx, webhook("http://shaky/", false), (Sender::Nobody, None)).expect("there is room");
        for rest in limits::WEBHOOK_RESTS {
            assert_eq!(sent(&mut ctx), [id.0]);
            assert!(come_home(&mut ctx, &answer(id.0, 503)).1);
            ctx.now += rest;
            let Some(Timer::ErrandRest(rested)) = ctx.timers.pop(ctx.now) else { panic!("it rests for {rest:?}") };
            handle_rested(&mut ctx, rested);
        }
        assert_eq!(sent(&mut ctx), [id.0]);
        assert!(!come_home(&mut ctx, &answer(id.0, 503)).1, "three times are enough");
        assert!(ctx.errands.is_empty() && ctx.timers.is_empty());
        let id = send(&mut ctx, webhook("http://strict/", false), (Sender::Nobody, None)).expect("there is room");
        assert!(!come_home(&mut ctx, &answer(id.0, 404)).1, "who says no says no");
    }
}
