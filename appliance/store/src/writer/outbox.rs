//! What web servers of activeflows are to be told is written down with the event itself: neither is there without the other.

use uuid::Uuid;

use super::Batch;
use crate::timestamp::Timestamp;
use crate::{Error, activeflow, call, webhook_delivery};

impl Batch<'_> {
    /// Has the web server of an activeflow, if it has one, told of the event that was just appended.
    pub(super) fn tell(&mut self, at: Timestamp, kind: &str, activeflow: Uuid) -> Result<(), Error> {
        if !self.tells || activeflow.is_nil() {
            return Ok(());
        }
        let Some((uri, method)) = activeflow::webhook(self.connection, activeflow)? else { return Ok(()) };
        let mut delivery = webhook_delivery::Record::new(self.identity, Some(activeflow), (self.latest, kind), at);
        (delivery.webhook_uri, delivery.webhook_method) = (uri, method);
        webhook_delivery::save(self.connection, &delivery)
    }

    /// The same, of an event about a call: its activeflow is meant.
    pub(super) fn tell_of_call(&mut self, at: Timestamp, kind: &str, call: Uuid) -> Result<(), Error> {
        if !self.tells {
            return Ok(());
        }
        let activeflow = match self.call_place.get(&call) {
            Some(&place) => self.calls[place].activeflow_id,
            None => call::activeflow(self.connection, call)?,
        };
        self.tell(at, kind, activeflow)
    }
}
