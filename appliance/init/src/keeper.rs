//! Keeps the exchange alive: decides when to start, check, end and restart it, and whether the watchdog may be petted. Pure.
use std::collections::VecDeque;
use std::time::Duration;

use hal::led::Pattern;

/// Time since init started.
pub type Time = Duration;

/// How often to ask an exchange that has not answered yet; every try delays the first call after power-on.
const CHECK_STARTING: Duration = Duration::from_millis(25);
/// How often to ask one that has.
const CHECK_RUNNING: Duration = Duration::from_secs(2);
/// So many checks missed in a row are a hang.
const CHECKS_MISSED: u32 = 3;
/// An exchange that does not answer within this time of its start is replaced.
const START_LIMIT: Duration = Duration::from_secs(30);
/// The first wait before a restart; each further one is twice as long.
const BACKOFF: Duration = Duration::from_millis(100);
const BACKOFF_LIMIT: Duration = Duration::from_secs(10);
/// So many deaths in a row, and people are asked for help.
const RESCUE_AFTER: u32 = 3;
/// After this long in rescue the exchange is tried once more: what killed it may have gone, and nobody may be there to help.
const RESCUE_RETRY: Duration = Duration::from_secs(300);
/// After having answered for this long, an exchange that dies is restarted as quickly as the first time.
const FORGIVEN_AFTER: Duration = Duration::from_secs(60);
/// How long a hanging exchange has to end itself.
const HANG_GRACE: Duration = Duration::from_secs(3);
/// How long calls may drain when the box is switched off, before a second signal stops the exchange.
const DRAIN_LIMIT: Duration = Duration::from_secs(10);
const STOP_LIMIT: Duration = Duration::from_secs(3);

/// What the keeper wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Pet the watchdog.
    Pet,
    /// Start the exchange; answered by `handle_exit` when that fails.
    Start,
    /// Ask the exchange for its health; answered by `handle_health`.
    Check,
    /// Ask the exchange to end; a second time means at once.
    Terminate,
    /// End the exchange.
    Kill,
    /// Show the rescue page; the exchange is not there.
    OpenRescue,
    /// Show it no longer; the exchange is about to be.
    CloseRescue,
    /// Tell the people.
    Tell(Notice),
}

/// What people may want to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, defmt::Format)]
pub enum Notice {
    /// For the first time since its start.
    Answers,
    /// It has missed too many health checks.
    Hangs,
    /// It has not answered since its start.
    NeverAnswered,
    /// The watchdog is left to do what it is there for.
    GivenUp,
}

#[derive(Debug)]
enum Exchange {
    /// Not there, to be started.
    Absent { start_at: Time },
    /// Not there, and people are asked for help until then.
    Rescue { until: Time },
    /// There, and expected to answer.
    Running { since: Time, answering_since: Option<Time>, missed: u32, check: Check },
    /// There, and told to end: what comes next if it does not.
    Ending { steps: VecDeque<(Time, Order)> },
    /// Not there, and not to be started any more.
    Gone,
}

#[derive(Clone, Copy, Debug)]
enum Check {
    Due(Time),
    Asked,
}

impl Check {
    fn is_due(self, now: Time) -> bool {
        matches!(self, Check::Due(at) if now >= at)
    }
}

/// The keeper of the exchange.
#[derive(Debug)]
pub struct Keeper {
    exchange: Exchange,
    /// Deaths in a row.
    deaths: u32,
    healthy_at: Time,
    patience: Duration,
    /// Since when people are asked for help, and for how long before the watchdog is to help.
    rescue_since: Option<Time>,
    rescue_limit: Duration,
    pet_every: Duration,
    pet_at: Time,
    has_given_up: bool,
    stopped_at: Option<Time>,
    orders: VecDeque<Order>,
}

impl Keeper {
    /// A keeper that starts the exchange at once. The box is left to the watchdog when the exchange was unhealthy for longer than
    /// `patience`, not counting the time in which people are asked for help, which is `rescue` at most.
    pub fn new(now: Time, watchdog: Duration, patience: Duration, rescue: Duration) -> Keeper {
        Keeper {
            exchange: Exchange::Absent { start_at: now },
            deaths: 0,
            healthy_at: now,
            patience,
            rescue_since: None,
            rescue_limit: rescue,
            pet_every: watchdog / 4,
            pet_at: now,
            has_given_up: false,
            stopped_at: None,
            orders: VecDeque::new(),
        }
    }

    /// Takes the answer to `Order::Check`.
    pub fn handle_health(&mut self, now: Time, is_healthy: bool) {
        let Exchange::Running { since, answering_since, missed, check } = &mut self.exchange else { return };
        *missed = if is_healthy { 0 } else { *missed + 1 };
        if is_healthy {
            self.healthy_at = now;
            self.has_given_up = false;
        }
        let began = match (is_healthy, *answering_since) {
            (true, None) => {
                *answering_since = Some(now);
                self.orders.push_back(Order::Tell(Notice::Answers));
                Some(now)
            }
            (_, began) => began,
        };
        *check = Check::Due(now + if began.is_some() { CHECK_RUNNING } else { CHECK_STARTING });
        if began.is_some_and(|began| now.saturating_sub(began) >= FORGIVEN_AFTER) && is_healthy {
            self.deaths = 0;
            self.rescue_since = None;
        }
        match began {
            Some(_) if *missed >= CHECKS_MISSED => self.end_hanging(now, Notice::Hangs),
            None if now >= *since + START_LIMIT => self.end_hanging(now, Notice::NeverAnswered),
            _ => {}
        }
    }

    fn end_hanging(&mut self, now: Time, notice: Notice) {
        self.orders.extend([Order::Tell(notice), Order::Terminate]);
        self.exchange = Exchange::Ending { steps: [(now + HANG_GRACE, Order::Kill)].into() };
    }

    /// The exchange has ended, or could not be started.
    pub fn handle_exit(&mut self, now: Time) {
        if self.stopped_at.is_some() {
            self.exchange = Exchange::Gone;
            return;
        }
        let backoff = BACKOFF * 2u32.saturating_pow(self.deaths.min(16));
        self.deaths = self.deaths.saturating_add(1);
        if self.deaths >= RESCUE_AFTER {
            self.rescue_since.get_or_insert(now);
            self.exchange = Exchange::Rescue { until: now + RESCUE_RETRY };
            self.orders.push_back(Order::OpenRescue);
            return;
        }
        self.exchange = Exchange::Absent { start_at: now + backoff.min(BACKOFF_LIMIT) };
    }

    /// Somebody thinks that the exchange will live now.
    pub fn handle_retry(&mut self, now: Time) {
        if let Exchange::Rescue { until } = &mut self.exchange {
            *until = now;
        }
    }

    /// The box is to be switched off. A second time hurries.
    pub fn handle_stop(&mut self, now: Time) {
        let first = self.stopped_at.replace(now).is_none();
        match &mut self.exchange {
            Exchange::Absent { .. } | Exchange::Rescue { .. } => self.exchange = Exchange::Gone,
            Exchange::Gone => {}
            Exchange::Running { .. } | Exchange::Ending { .. } => {
                self.orders.push_back(Order::Terminate);
                let hurry_at = if first { now + DRAIN_LIMIT } else { now };
                let steps = [(hurry_at, Order::Terminate), (hurry_at + STOP_LIMIT, Order::Kill)];
                self.exchange = Exchange::Ending { steps: steps.into_iter().skip(usize::from(!first)).collect() };
            }
        }
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Time) {
        if now >= self.pet_at {
            self.pet_at = now + self.pet_every;
            if self.may_pet(now) {
                self.orders.push_back(Order::Pet);
            } else if !std::mem::replace(&mut self.has_given_up, true) {
                self.orders.push_back(Order::Tell(Notice::GivenUp));
            }
        }
        match &mut self.exchange {
            Exchange::Rescue { until: start_at } | Exchange::Absent { start_at } if now >= *start_at => {
                if matches!(self.exchange, Exchange::Rescue { .. }) {
                    self.orders.push_back(Order::CloseRescue);
                }
                let check = Check::Due(now + CHECK_STARTING);
                self.exchange = Exchange::Running { since: now, answering_since: None, missed: 0, check };
                self.orders.push_back(Order::Start);
            }
            Exchange::Running { check: check @ Check::Due(_), .. } if check.is_due(now) => {
                *check = Check::Asked;
                self.orders.push_back(Order::Check);
            }
            Exchange::Ending { steps } => {
                while let Some((_, order)) = steps.pop_front_if(|(at, _)| now >= *at) {
                    self.orders.push_back(order);
                }
            }
            _ => {}
        }
    }

    /// A box that is being switched off is petted on; switching off has its own limits. So is one that asks for help.
    fn may_pet(&self, now: Time) -> bool {
        let is_patient = now < self.healthy_at + self.patience;
        let asks_for_help = self.rescue_since.is_some_and(|since| now < since + self.rescue_limit);
        self.stopped_at.is_some() || is_patient || asks_for_help
    }

    /// The next thing to do.
    pub fn poll_order(&mut self) -> Option<Order> {
        self.orders.pop_front()
    }

    /// When to call `handle_timeout` next.
    pub fn poll_timeout(&self) -> Time {
        let next = match &self.exchange {
            Exchange::Absent { start_at: at } | Exchange::Rescue { until: at } => Some(*at),
            Exchange::Running { check: Check::Due(at), .. } => Some(*at),
            Exchange::Ending { steps } => steps.front().map(|(at, _)| *at),
            Exchange::Running { check: Check::Asked, .. } | Exchange::Gone => None,
        };
        next.map_or(self.pet_at, |next| next.min(self.pet_at))
    }

    /// Whether the exchange has been stopped and the box can go down.
    pub fn is_done(&self) -> bool {
        matches!(self.exchange, Exchange::Gone)
    }

    /// What the light shall say.
    pub fn pattern(&self) -> Pattern {
        match &self.exchange {
            _ if self.stopped_at.is_some() => Pattern::Stopping,
            Exchange::Running { answering_since: Some(_), missed: 0, .. } => Pattern::Running,
            _ if self.deaths >= RESCUE_AFTER || self.has_given_up => Pattern::Fault,
            Exchange::Running { answering_since: Some(_), .. } => Pattern::Fault,
            _ => Pattern::Starting,
        }
    }
}

#[cfg(test)]
mod tests;
