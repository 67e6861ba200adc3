//! What web servers of activeflows are to be told is written down with the event itself: neither is there without the other.

use uuid::Uuid;

use super::Batch;
use crate::belonging::{self, Owner};
use crate::timestamp::Timestamp;
use crate::{Error, webhook_delivery};

impl Batch<'_> {
    /// Has the web server of the activeflow that one of these belongs to told of the event that was just appended; the first one
    /// that belongs to any counts.
    pub(super) fn tell(&mut self, event: (Timestamp, &str), of: &[Option<Uuid>]) -> Result<(), Error> {
        match self.owner(of)? {
            Some(owner) => self.deliver(event, owner),
            None => Ok(()),
        }
    }

    /// The same of something that belongs to what it came from, from now on.
    pub(super) fn tell_of(
        &mut self,
        event: (Timestamp, &str),
        id: Uuid,
        origins: &[Option<Uuid>],
    ) -> Result<(), Error> {
        if let Some(owner) = self.owner(&[Some(id)])? {
            return self.deliver(event, owner);
        }
        let Some(owner) = self.owner(origins)? else { return Ok(()) };
        belonging::save(self.connection, id, owner.activeflow_id)?;
        self.deliver(event, owner)
    }

    fn owner(&self, of: &[Option<Uuid>]) -> Result<Option<Owner>, Error> {
        if !self.tells {
            return Ok(None);
        }
        for id in of.iter().flatten().filter(|id| !id.is_nil()) {
            if let Some(owner) = belonging::owner(self.connection, *id)? {
                return Ok(Some(owner));
            }
        }
        Ok(None)
    }

    fn deliver(&mut self, (at, kind): (Timestamp, &str), owner: Owner) -> Result<(), Error> {
        let event = (self.latest, kind);
        let mut delivery = webhook_delivery::Record::new(self.identity, Some(owner.activeflow_id), event, at);
        (delivery.webhook_uri, delivery.webhook_method) = (owner.uri, owner.method);
        webhook_delivery::save(self.connection, &delivery)
    }
}
