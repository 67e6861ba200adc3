//! Configuration that comes down from a cloud: a whole document holds, or nothing of it.
//!
//! `docs/cloud-sync.md` says what a document is. It is applied by asking our own routes, so that everything is checked as it is
//! for everybody else. What has to be undone is written down before it is done: a crash in the middle is undone after the
//! next start. What the box changed itself since the last document is told, field by field.

mod desk;
mod document;
mod journal;
mod merging;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::configuration::{Conflict, Refusal, Side};
use uuid::Uuid;

use crate::state::State;
use desk::{Desk, Failed};
use document::Wanted;
pub use document::{Document, refusal};
use journal::{Journal, Undo};

/// Where it is written down, encrypted: passwords are among it.
pub trait Memory: Send + Sync {
    /// Keeps a text under a name, over power cuts.
    fn write(&self, name: &str, text: &str) -> Result<(), String>;
    /// What is kept under a name.
    fn read(&self, name: &str) -> Result<Option<String>, String>;
    /// Adds lines to a list that is kept under a name, over power cuts. What was there before is not written again.
    fn append(&self, name: &str, lines: &[String]) -> Result<(), String>;
    /// The lines of a list; none where there is no such list.
    fn lines(&self, name: &str) -> Result<Vec<String>, String>;
    /// There is no such list any more.
    fn forget(&self, name: &str) -> Result<(), String>;
}

/// What holds, and which document says so.
const HOLDS: &str = "configuration";

/// What the box knows of the document that holds.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Known {
    version: i64,
    etag: Option<String>,
    places: Vec<Place>,
}

/// An entry of the document, and what became of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Place {
    resource: String,
    key: String,
    id: Uuid,
    /// As the cloud gave it, with ids for what it refers to.
    given: Map<String, Value>,
    /// As the box showed it then.
    shown: Map<String, Value>,
}

/// Why a document does not hold.
#[derive(Debug, Clone, PartialEq)]
pub enum Refused {
    /// There is something wrong with it.
    Document(Box<Refusal>),
    /// The box cannot at the moment.
    Later(String),
}

/// What came of a document that holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Done {
    /// Its number.
    pub version: i64,
    /// Resources that were made, changed or deleted.
    pub changed: usize,
    /// What the box had changed itself.
    pub conflicts: Vec<Conflict>,
}

/// Applies documents.
pub struct Configurator {
    desk: Desk,
    memory: Box<dyn Memory>,
    known: Known,
}

/// One document being applied.
struct Work {
    version: i64,
    places: Vec<Place>,
    journal: Journal,
    changed: usize,
    conflicts: Vec<Conflict>,
}

impl Configurator {
    /// One that goes on where the last one was. What was half done is undone with the first document.
    pub fn open(state: &State, memory: Box<dyn Memory>) -> Result<Configurator, String> {
        let known = memory.read(HOLDS)?.map_or(Ok(Known::default()), |text| serde_json::from_str(&text));
        let known = known.map_err(|error| format!("what holds cannot be read: {error}"))?;
        Ok(Configurator { desk: Desk::new(state), memory, known })
    }

    /// The mark of the document that holds.
    pub fn etag(&self) -> Option<&str> {
        self.known.etag.as_deref()
    }

    /// Its number; 0 where there was none yet.
    pub fn version(&self) -> i64 {
        self.known.version
    }

    /// Applies a document that is known to be the cloud's: all of it, or nothing.
    pub async fn apply(&mut self, document: &Document, etag: Option<&str>) -> Result<Done, Refused> {
        self.undo_rest().await?;
        self.check(document)?;
        if document.version == self.known.version {
            return Ok(Done { version: document.version, ..Done::default() });
        }
        let journal = Journal::begin(&*self.memory, document.version)?;
        let (version, places, conflicts) = (document.version, Vec::new(), Vec::new());
        let mut work = Work { version, places, journal, changed: 0, conflicts };
        let worked = self.work(document, &mut work).await;
        if let Err(refused) = worked {
            self.take_back(work.journal).await?;
            return Err(refused);
        }
        let known = Known { version: work.version, etag: etag.map(str::to_owned), places: work.places };
        let text = serde_json::to_string(&known).map_err(|error| Refused::Later(error.to_string()));
        if let Err(refused) = text.and_then(|text| self.memory.write(HOLDS, &text).map_err(Refused::Later)) {
            self.take_back(work.journal).await?;
            return Err(refused);
        }
        self.known = known;
        Ok(Done { version: work.version, changed: work.changed, conflicts: work.conflicts })
    }

    fn check(&self, document: &Document) -> Result<(), Refused> {
        if document.appliance_id != self.desk.appliance_id() {
            return Err(document.refuse("WRONG_APPLIANCE", "it is for another box"));
        }
        if document.version < self.known.version {
            let message = format!("it is older than {}, which holds", self.known.version);
            return Err(document.refuse("OLD_VERSION", &message));
        }
        Ok(())
    }

    async fn work(&self, document: &Document, work: &mut Work) -> Result<(), Refused> {
        for wanted in &document.resources {
            let data = document::resolved(wanted, &work.places).map_err(|path| {
                let message = format!("{path} is nothing that stands before it in the document");
                wanted.refuse(document.version, ("UNKNOWN_REFERENCE", &message), None)
            })?;
            let known = self.known.places.iter().find(|place| wanted.is(place));
            let found = match known {
                Some(place) => self.desk.find(&place.resource, place.id).await?,
                None => None,
            };
            let place = match (known, found) {
                (None, _) => self.make(wanted, data, work).await?,
                (Some(place), Some(have)) => self.change((wanted, data), (place, have), work).await?,
                // The box has deleted it: so it stays, until the cloud changes its mind about it.
                (Some(place), None) if place.given == data => {
                    work.tell(place, None, (Side::Box, Value::Null, Value::Null));
                    place.clone()
                }
                (Some(place), None) => {
                    work.tell(place, None, (Side::Cloud, Value::Null, Value::Null));
                    self.make(wanted, data, work).await?
                }
            };
            work.places.push(place);
        }
        // What uses others goes before them.
        let gone = |place: &&Place| !document.resources.iter().any(|wanted| wanted.is(place));
        for place in self.known.places.iter().rev().filter(gone) {
            self.delete(place, work).await?;
        }
        Ok(())
    }

    async fn make(&self, wanted: &Wanted, data: Map<String, Value>, work: &mut Work) -> Result<Place, Refused> {
        let resource = wanted.resource.clone();
        let begun = Undo::Begun { resource: resource.clone(), given: data.clone(), since: self.desk.now() };
        work.journal.add(&*self.memory, begun)?;
        let made = self.desk.post(&resource, &data).await.map_err(|failed| {
            // A refusal makes nothing; whatever else it was may have.
            if matches!(failed, Failed::No(_)) {
                work.journal.settle(None);
            }
            wanted.because(work.version, failed)
        })?;
        let id = desk::id_of(&made).ok_or_else(|| Refused::Later(format!("{resource} shows no id")))?;
        work.journal.settle(Some(Undo::Made { resource: resource.clone(), id }));
        work.changed += 1;
        let shown = merging::shown(&data, &made);
        Ok(Place { resource, key: wanted.key.clone(), id, given: data, shown })
    }

    async fn change(
        &self,
        (wanted, data): (&Wanted, Map<String, Value>),
        (place, have): (&Place, Map<String, Value>),
        work: &mut Work,
    ) -> Result<Place, Refused> {
        let merged = merging::merge(&data, place, &have);
        for (field, side, of_box, of_cloud) in merged.conflicts {
            work.tell(place, Some(field), (side, of_box, of_cloud));
        }
        let mut next = Place { given: data, ..place.clone() };
        // Where both want the same there is nothing to tell, now or later.
        let agreed = next.given.iter().filter(|(field, want)| have.get(*field) == Some(*want));
        next.shown.extend(agreed.map(|(field, want)| (field.clone(), want.clone())).collect::<Vec<_>>());
        if merged.body.is_empty() {
            return Ok(next);
        }
        let body = merging::whole(&place.resource, &merged.body, &have);
        let before = merging::before(&body, place, &have);
        let undo = Undo::Changed { resource: place.resource.clone(), id: place.id, before };
        work.journal.add(&*self.memory, undo)?;
        let now = self.desk.put(&place.resource, place.id, &body).await;
        let now = now.map_err(|failed| wanted.because(work.version, failed))?;
        if let Some(field) = merging::unchangeable(&merged.body, &have, &now) {
            let message = "it cannot be changed; another key makes another one";
            return Err(wanted.refuse(work.version, ("UNCHANGEABLE", message), Some(&field)));
        }
        work.changed += 1;
        // Of what the box kept it is known that it is the box's own: it stays a difference.
        for (field, value) in merging::shown(&merged.body, &now) {
            next.shown.insert(field, value);
        }
        Ok(next)
    }

    async fn delete(&self, place: &Place, work: &mut Work) -> Result<(), Refused> {
        if self.desk.find(&place.resource, place.id).await?.is_none() {
            return Ok(());
        }
        let Place { resource, key, id, given, .. } = place.clone();
        let undo = Undo::Deleted { resource: resource.clone(), key: key.clone(), given };
        work.journal.add(&*self.memory, undo)?;
        let wanted = Wanted { resource, key, data: Map::new() };
        let deleted = self.desk.delete(&wanted.resource, id).await;
        deleted.map_err(|failed| {
            work.journal.settle(None);
            wanted.because(work.version, failed)
        })?;
        work.changed += 1;
        Ok(())
    }

    /// Undoes what a crash left half done.
    async fn undo_rest(&mut self) -> Result<(), Refused> {
        match Journal::left(&*self.memory)? {
            Some(journal) if journal.version() > self.known.version => self.take_back(journal).await,
            Some(_) | None => Ok(()),
        }
    }

    /// Goes back, the last step first.
    async fn take_back(&mut self, mut journal: Journal) -> Result<(), Refused> {
        while let Some(step) = journal.last() {
            let step = step.clone();
            match self.step_back(step.clone()).await {
                Ok(()) => {}
                Err(Failed::No(refusal)) => tracing::error!(?step, ?refusal, "cannot be taken back"),
                Err(Failed::Later(reason)) => return Err(Refused::Later(reason)),
            }
            journal.pop();
        }
        journal.close(&*self.memory)
    }

    async fn step_back(&mut self, step: Undo) -> Result<(), Failed> {
        match step {
            Undo::Made { resource, id } => self.desk.delete(&resource, id).await,
            Undo::Begun { resource, given, since } => match self.desk.newest_like(&resource, &given, &since).await? {
                Some(id) => self.desk.delete(&resource, id).await,
                None => Ok(()),
            },
            Undo::Changed { resource, id, before } => self.desk.put(&resource, id, &before).await.map(drop),
            Undo::Deleted { resource, key, given } => {
                let known = self.known.places.iter_mut().find(|place| place.resource == resource && place.key == key);
                let Some(place) = known else { return Ok(()) };
                if self.desk.find(&resource, place.id).await?.is_none() {
                    // It may be there again since the last try.
                    let found = self.desk.newest_like(&resource, &given, &Value::Null).await?;
                    let made = match found {
                        Some(id) => Some(id),
                        None => desk::id_of(&self.desk.post(&resource, &given).await?),
                    };
                    place.id = made.unwrap_or(place.id);
                    let text = serde_json::to_string(&self.known).map_err(|error| Failed::Later(error.to_string()))?;
                    self.memory.write(HOLDS, &text).map_err(Failed::Later)?;
                }
                Ok(())
            }
        }
    }
}

impl Work {
    fn tell(&mut self, place: &Place, field: Option<String>, (kept, of_box, of_cloud): (Side, Value, Value)) {
        let (resource, key) = (place.resource.clone(), place.key.clone());
        let version = self.version;
        self.conflicts.push(Conflict { version, resource, key, id: place.id, field, kept, of_box, of_cloud });
    }
}
