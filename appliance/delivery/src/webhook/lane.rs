//! One endpoint's deliveries, one after the other, in the order of the events.
//!
//! What was begun and is not over comes first: it lies in the database. Of the customer's endpoint the rest of the log comes
//! then. Where a try fails, nothing that is behind it is told before it is tried again or given up.

use std::sync::Arc;
use std::time::Duration;

use store::customer::Webhook;
use store::event_log;
use store::webhook_delivery::{CURSOR, DeliveryStatus, Endpoint, Record, Try};
use store::{Item, Timestamp};

use super::Shared;
use super::letter::{Answer, Letter};
use crate::reader::{Error, Reader};
use crate::{limits, written};

/// What a lane does after it has worked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// There is nothing to tell.
    Idle,
    /// What comes next is not to be told before this moment.
    Until(Timestamp),
}

/// An endpoint and its place in the log.
#[derive(Debug)]
pub struct Lane {
    shared: Arc<Shared>,
    endpoint: Endpoint,
    reader: Reader,
    /// What is done and not written down yet, with the last event that it is about.
    done: Vec<Item>,
    reached: i64,
}

/// Something to be told: the delivery, and the event where it is at hand.
type Task = (Record, Option<event_log::Record>);

impl Lane {
    /// A lane that goes on where the last one of the same endpoint stopped.
    pub fn open(shared: Arc<Shared>, endpoint: Endpoint) -> Result<Lane, Error> {
        let reader = Reader::open(&shared.store, shared.journal.clone(), CURSOR)?;
        Ok(Lane { shared, endpoint, reader, done: Vec::new(), reached: 0 })
    }

    /// Tells until there is nothing more to tell at the moment.
    pub fn work(&mut self) -> Result<Rest, Error> {
        loop {
            self.write_down()?;
            let webhook = self.reader.log().webhook()?;
            let is_off = self.endpoint == Endpoint::Customer && !webhook.is_on();
            if is_off || self.shared.is_stopping() {
                return Ok(Rest::Idle);
            }
            let tasks = self.gather()?;
            if tasks.is_empty() {
                return Ok(Rest::Idle);
            }
            for task in tasks {
                if let Some(until) = self.deliver(task, &webhook)? {
                    self.write_down()?;
                    return Ok(Rest::Until(until));
                }
                if self.shared.is_stopping() {
                    break;
                }
            }
        }
    }

    /// What comes next.
    fn gather(&mut self) -> Result<Vec<Task>, Error> {
        let waiting = self.reader.log().waiting_deliveries(&self.endpoint, limits::BATCH)?;
        if !waiting.is_empty() || self.endpoint != Endpoint::Customer {
            return Ok(waiting.into_iter().map(|delivery| (delivery, None)).collect());
        }
        self.reader.refresh()?;
        let batch = self.reader.next()?;
        let (now, identity) = (self.shared.now(), self.shared.store.identity());
        let missed = batch.missed.map(|missed| {
            let (from, to) = missed.into_inner();
            let data = format!(r#"{{"from":{from},"to":{to},"missed":{}}}"#, to - from + 1);
            (Record { data: Some(data), ..Record::new(identity, None, (to, "lagged"), now) }, None)
        });
        let events = batch.events.into_iter();
        let events = events.map(|event| (Record::new(identity, None, (event.seq, &event.kind), event.tm), Some(event)));
        Ok(missed.into_iter().chain(events).collect())
    }

    /// Tells one thing, or says when it is to be told.
    fn deliver(&mut self, (mut delivery, event): Task, webhook: &Webhook) -> Result<Option<Timestamp>, Error> {
        let now = self.shared.now();
        // A clock that was set back must not make us wait for years.
        if let Some(next) = delivery.tm_next_try
            && next > now
            && next < later(now, limits::RETRY_AFTER * 2)
        {
            return Ok(Some(next));
        }
        if self.endpoint == Endpoint::Customer {
            delivery.webhook_uri.clone_from(&webhook.uri);
            delivery.webhook_method = webhook.method.into();
        }
        let event = match event {
            Some(event) => Some(event),
            None => self.reader.log().delivery_content(&delivery)?,
        };
        let answer = match event {
            Some(event) => self.shared.tell(&delivery, &event, webhook),
            None => {
                delivery.tries_left = 0;
                refused("the event is no longer in the log")
            }
        };
        let until = settle(&mut delivery, now, &answer);
        self.shared.count(delivery.status, &answer);
        delivery.tm_update = self.shared.now();
        self.reached = self.reached.max(delivery.event_id);
        self.done.push(Item::WebhookDelivery(Box::new(delivery)));
        Ok(until)
    }

    /// Has what is done written down. Where that fails nothing more is told: it would be told again and again.
    fn write_down(&mut self) -> Result<(), Error> {
        if self.done.is_empty() {
            return Ok(());
        }
        match self.endpoint {
            Endpoint::Customer => self.reader.advance_with(self.reached, self.done.clone())?,
            Endpoint::Uri(_) if !written::write(&self.shared.journal, self.done.clone()) => {
                return Err(Error::NotWritten(CURSOR.to_owned()));
            }
            Endpoint::Uri(_) => {}
        }
        self.done.clear();
        Ok(())
    }
}

impl Shared {
    fn tell(&self, delivery: &Record, event: &event_log::Record, webhook: &Webhook) -> Answer {
        let letter = Letter::new((&delivery.webhook_uri, delivery.webhook_method), event, webhook.dialect);
        if webhook.secret.is_empty() {
            return self.carrier.carry(&letter);
        }
        match (self.open)(&webhook.secret) {
            Some(secret) => self.carrier.carry(&letter.signed(&secret)),
            None => refused("the secret that it is to be signed with cannot be decrypted: set it anew"),
        }
    }
}

fn refused(reason: &str) -> Answer {
    Answer { status: 0, reason: reason.to_owned(), took: Duration::ZERO, retry_after: None }
}

/// What an answer makes of a delivery; when it is tried again, if it is.
fn settle(delivery: &mut Record, now: Timestamp, answer: &Answer) -> Option<Timestamp> {
    let (status_code, reason) = (answer.status, answer.reason.clone());
    delivery.tried(Try { tm: now, status_code, reason, duration_ms: answer.took.as_millis() as u64 });
    delivery.tm_next_try = None;
    delivery.tries_left = delivery.tries_left.saturating_sub(1);
    delivery.status = match (answer.is_taken(), delivery.tries_left) {
        (true, _) => DeliveryStatus::Delivered,
        (false, 0) => DeliveryStatus::Failed,
        (false, _) => DeliveryStatus::Waiting,
    };
    if delivery.status != DeliveryStatus::Waiting {
        return None;
    }
    let told = store::limits::TRIES - delivery.tries_left;
    let wait = backoff(told, delivery.event_id as u64 ^ now.0 as u64);
    let wanted = answer.retry_after.unwrap_or_default().min(limits::RETRY_AFTER);
    delivery.tm_next_try = Some(later(later(now, answer.took), wait.max(wanted)));
    delivery.tm_next_try
}

/// How long to wait after so many tries.
fn backoff(tries: u32, seed: u64) -> Duration {
    let wait = limits::BACKOFF * limits::BACKOFF_FACTOR.pow(tries.saturating_sub(1));
    // Scrambled as SplitMix64 does; what matters is that it differs.
    let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let share = (mixed >> 40) as f64 / (1u64 << 24) as f64;
    wait.mul_f64(0.75 + share / 2.0)
}

fn later(at: Timestamp, by: Duration) -> Timestamp {
    Timestamp(at.0.saturating_add(by.as_micros() as i64))
}

#[cfg(test)]
mod tests;
