//! What must hold of every story: each call begins and ends once, facts come in order, nothing is left behind.

use std::collections::BTreeMap;

use pbx::EventKind;
use pbx::call::{CallRecord, Status};
use uuid::Uuid;

/// The facts that the exchange stated, judged as they come.
#[derive(Debug, Default)]
pub struct Facts {
    /// All of them, in order.
    pub events: Vec<pbx::Event>,
    calls: BTreeMap<Uuid, CallRecord>,
    ended: BTreeMap<Uuid, CallRecord>,
    flows: BTreeMap<Uuid, bool>,
}

impl Facts {
    /// Takes a fact; whatever contradicts the earlier ones is an error.
    pub fn push(&mut self, event: pbx::Event) -> Result<(), String> {
        let is_set = matches!(event.kind, EventKind::ClockCorrected { .. });
        if let Some(last) = self.events.last().filter(|last| last.at > event.at && !is_set) {
            return Err(format!("{} at {:?} comes after {:?}", event.kind.name(), event.at, last.at));
        }
        let (name, record) = (event.kind.name(), record_of(&event.kind).cloned());
        let begins = matches!(event.kind, EventKind::CallCreated(_));
        let ends = matches!(event.kind, EventKind::CallHungup(_));
        let about_flow = self.judge_flow(&event.kind);
        self.events.push(event);
        about_flow?;
        let Some(record) = record else { return Ok(()) };
        if self.ended.contains_key(&record.id) {
            return Err(format!("{name} after call_hungup of {}", record.id));
        }
        match (self.calls.get(&record.id), begins) {
            (Some(_), true) => return Err(format!("two call_created for {}", record.id)),
            (None, false) => return Err(format!("{name} before call_created of {}", record.id)),
            (Some(old), false) if old.status > record.status => {
                return Err(format!("{name}: status goes back from {:?} to {:?}", old.status, record.status));
            }
            _ => {}
        }
        judge(name, &record, ends)?;
        self.calls.insert(record.id, record.clone());
        if ends {
            self.ended.insert(record.id, record);
        }
        Ok(())
    }

    /// A flow begins once, ends once, and nothing is told of it after that.
    fn judge_flow(&mut self, kind: &EventKind) -> Result<(), String> {
        let (record, begins) = match kind {
            EventKind::ActiveflowCreated(record) => (record, true),
            EventKind::ActiveflowUpdated(record) => (record, false),
            _ => return Ok(()),
        };
        match (self.flows.insert(record.id, record.running), begins) {
            (None, true) | (Some(true), false) => Ok(()),
            (known, _) => Err(format!("{} of {} that was {known:?}", kind.name(), record.id)),
        }
    }

    /// The flows that began and never ended.
    pub fn unfinished_flows(&self) -> Vec<Uuid> {
        self.flows.iter().filter(|(_, running)| **running).map(|(id, _)| *id).collect()
    }

    /// The extensions as they are now.
    pub fn extensions(&self) -> Vec<pbx::directory::Extension> {
        let mut extensions = BTreeMap::new();
        for event in &self.events {
            match &event.kind {
                EventKind::ExtensionCreated(extension) | EventKind::ExtensionUpdated(extension) => {
                    extensions.insert(extension.id, extension.clone());
                }
                EventKind::ExtensionDeleted(extension) => {
                    extensions.remove(&extension.id);
                }
                _ => {}
            }
        }
        extensions.into_values().collect()
    }

    /// The calls that were created and never hung up.
    pub fn unfinished(&self) -> Vec<&CallRecord> {
        self.calls.values().filter(|record| !self.ended.contains_key(&record.id)).collect()
    }

    /// The records of the calls that are over, in the order in which they were created.
    pub fn records(&self) -> Vec<&CallRecord> {
        let created = self.events.iter().filter(|event| matches!(event.kind, EventKind::CallCreated(_)));
        let ids = created.filter_map(|event| record_of(&event.kind)).map(|record| record.id);
        ids.filter_map(|id| self.calls.get(&id)).collect()
    }

    /// How many facts of that name there are.
    pub fn count(&self, name: &str) -> usize {
        self.events.iter().filter(|event| event.kind.name() == name).count()
    }

    /// The names of all facts about calls, with the number of the leg as it was created.
    pub fn story(&self) -> Vec<String> {
        let mut legs: Vec<Uuid> = Vec::new();
        let mut story = Vec::new();
        for event in &self.events {
            let Some(record) = record_of(&event.kind) else { continue };
            let leg = legs.iter().position(|id| *id == record.id).unwrap_or_else(|| {
                legs.push(record.id);
                legs.len() - 1
            });
            story.push(format!("{leg} {}", event.kind.name()));
        }
        story
    }
}

fn judge(name: &str, record: &CallRecord, ends: bool) -> Result<(), String> {
    let complete = record.hungup.is_some() && record.hangup_by.is_some() && record.hangup_reason.is_some();
    match ends {
        true if record.status != Status::Hangup || !complete => Err(format!("{name} says not all: {record:?}")),
        false if record.status == Status::Hangup || record.hungup.is_some() => {
            Err(format!("{name} is over: {record:?}"))
        }
        _ if record.progressing.is_some_and(|at| at < record.created) => {
            Err(format!("{name} before its time: {record:?}"))
        }
        _ => Ok(()),
    }
}

/// The call that a fact is about.
pub fn record_of(kind: &EventKind) -> Option<&CallRecord> {
    match kind {
        EventKind::CallCreated(record)
        | EventKind::CallRinging(record)
        | EventKind::CallAnswered(record)
        | EventKind::CallUpdated(record)
        | EventKind::CallTerminating(record)
        | EventKind::CallCanceling(record)
        | EventKind::CallHungup(record) => Some(record),
        _ => None,
    }
}
