//! What has to be undone where a document does not come to hold: each step is added before it is done, and nothing that was
//! written before is written again.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Memory, Refused};

/// What it is kept under.
const UNDO: &str = "configuration-undo";

/// A step back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Undo {
    /// Made: to be deleted.
    Made { resource: String, id: Uuid },
    /// Perhaps made, after this moment.
    Begun { resource: String, given: Map<String, Value>, since: Value },
    /// Changed: to be as before.
    Changed { resource: String, id: Uuid, before: Map<String, Value> },
    /// Deleted: to be made again, under another id.
    Deleted { resource: String, key: String, given: Map<String, Value> },
}

/// A line of it.
#[derive(Debug, Serialize, Deserialize)]
enum Line {
    /// It is about the document of this number: where that holds, there is nothing to undo.
    Document(i64),
    /// This is about to be done.
    Step(Undo),
    /// What became of the last step: this is to be undone instead, or nothing.
    Instead(Option<Undo>),
}

/// The journal of one document. Steps that were added can be told from what is done: the last one is undone first.
#[derive(Debug)]
pub(super) struct Journal {
    version: i64,
    steps: Vec<Undo>,
    /// What is known now of the last step, and is written with the next one: whoever goes back finds out by itself.
    instead: Option<Option<Undo>>,
}

impl Journal {
    /// An empty one, for a document that is about to be applied.
    pub(super) fn begin(memory: &dyn Memory, version: i64) -> Result<Journal, Refused> {
        memory.forget(UNDO).map_err(Refused::Later)?;
        append(memory, &[&Line::Document(version)])?;
        Ok(Journal { version, steps: Vec::new(), instead: None })
    }

    /// The one that a crash left behind, if any.
    pub(super) fn left(memory: &dyn Memory) -> Result<Option<Journal>, Refused> {
        let mut journal = None::<Journal>;
        for text in memory.lines(UNDO).map_err(Refused::Later)? {
            let line = serde_json::from_str(&text).map_err(|error| Refused::Later(error.to_string()))?;
            match (line, &mut journal) {
                (Line::Document(version), _) => {
                    journal = Some(Journal { version, steps: Vec::new(), instead: None });
                }
                (Line::Step(undo), Some(journal)) => journal.steps.push(undo),
                (Line::Instead(undo), Some(journal)) => journal.replace(undo),
                (_, None) => return Err(Refused::Later("what has to be undone belongs to no document".into())),
            }
        }
        Ok(journal)
    }

    /// The number of the document.
    pub(super) fn version(&self) -> i64 {
        self.version
    }

    /// Writes down what is about to be done.
    pub(super) fn add(&mut self, memory: &dyn Memory, undo: Undo) -> Result<(), Refused> {
        let (before, step) = (self.instead.take().map(Line::Instead), Line::Step(undo.clone()));
        let lines: Vec<&Line> = before.iter().chain([&step]).collect();
        append(memory, &lines)?;
        self.steps.push(undo);
        Ok(())
    }

    /// The last step has come to this, or to nothing.
    pub(super) fn settle(&mut self, undo: Option<Undo>) {
        self.replace(undo.clone());
        self.instead = Some(undo);
    }

    /// What is to be undone next.
    pub(super) fn last(&self) -> Option<&Undo> {
        self.steps.last()
    }

    /// It is undone.
    pub(super) fn pop(&mut self) {
        self.steps.pop();
    }

    /// Nothing is to be undone any more.
    pub(super) fn close(self, memory: &dyn Memory) -> Result<(), Refused> {
        memory.forget(UNDO).map_err(Refused::Later)
    }

    fn replace(&mut self, undo: Option<Undo>) {
        self.steps.pop();
        self.steps.extend(undo);
    }
}

fn append(memory: &dyn Memory, lines: &[&Line]) -> Result<(), Refused> {
    let texts: Result<Vec<String>, _> = lines.iter().map(serde_json::to_string).collect();
    let texts = texts.map_err(|error| Refused::Later(error.to_string()))?;
    memory.append(UNDO, &texts).map_err(Refused::Later)
}
