//! A number: what is dialled, and the flow that the call then goes through.

use rustc_hash::FxHashMap;
use uuid::Uuid;

use crate::command::Rejection;
use crate::directory::extension::{validate_number, validate_text};
use crate::{UnixMicros, limits};

/// A number as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number {
    /// Its id, for ever.
    pub id: Uuid,
    /// What is dialled: E.164 with `+`, or a short number of the box.
    pub number: String,
    /// Where it comes from.
    pub kind: NumberKind,
    /// What a call to it goes through.
    pub call_flow_id: Option<Uuid>,
    /// What a message to it goes through.
    pub message_flow_id: Option<Uuid>,
    /// Whether the audio of calls to it is looked at closely.
    pub rtp_debug: bool,
    /// Its name.
    pub name: String,
    /// A remark.
    pub detail: String,
    /// When it was made.
    pub created: UnixMicros,
    /// When it was last changed.
    pub updated: UnixMicros,
    /// When it was deleted.
    pub deleted: Option<UnixMicros>,
}

/// Where a number comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum NumberKind {
    /// A provider gave it.
    #[default]
    Normal,
    /// It is only ours.
    Virtual,
}

/// What [`crate::Command::CreateNumber`] needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewNumber {
    /// See [`Number::number`].
    pub number: String,
    /// See [`Number::kind`].
    pub kind: NumberKind,
    /// See [`Number::call_flow_id`].
    pub call_flow_id: Option<Uuid>,
    /// See [`Number::message_flow_id`].
    pub message_flow_id: Option<Uuid>,
    /// See [`Number::name`].
    pub name: String,
    /// See [`Number::detail`].
    pub detail: String,
}

/// What [`crate::Command::UpdateNumber`] changes; `None` leaves as it is, `Some(None)` sets no flow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NumberChange {
    /// Another flow for calls.
    pub call_flow_id: Option<Option<Uuid>>,
    /// Another flow for messages.
    pub message_flow_id: Option<Option<Uuid>>,
    /// Whether the audio of calls to it is looked at closely.
    pub rtp_debug: Option<bool>,
    /// A new name.
    pub name: Option<String>,
    /// A new remark.
    pub detail: Option<String>,
}

/// All numbers.
#[derive(Debug, Default)]
pub struct Numbers {
    by_id: FxHashMap<Uuid, Number>,
    by_number: FxHashMap<String, Uuid>,
}

impl Numbers {
    /// A number that leads to this flow, with its calls or its messages; the first by its digits.
    pub fn leading_to(&self, flow: Uuid) -> Option<&str> {
        let leads = |number: &&Number| [number.call_flow_id, number.message_flow_id].contains(&Some(flow));
        self.by_id.values().filter(leads).map(|number| number.number.as_str()).min()
    }

    /// The number with this id.
    pub fn get(&self, id: Uuid) -> Option<&Number> {
        self.by_id.get(&id)
    }

    /// The number that is dialled so.
    pub fn by_number(&self, number: &str) -> Option<&Number> {
        self.by_number.get(number).and_then(|id| self.by_id.get(id))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Takes up what the store remembers.
    pub fn restore(&mut self, numbers: Vec<Number>) {
        for number in numbers.into_iter().filter(|number| number.deleted.is_none()) {
            self.by_number.insert(number.number.clone(), number.id);
            self.by_id.insert(number.id, number);
        }
    }

    /// Makes a number.
    pub fn create(&mut self, id: Uuid, new: NewNumber, at: UnixMicros) -> Result<Number, Rejection> {
        validate_number("number", &new.number)?;
        validate_text("name", &new.name)?;
        validate_text("detail", &new.detail)?;
        if self.by_number.contains_key(&new.number) {
            return Err(Rejection::AlreadyExists("number"));
        }
        if self.by_id.len() >= limits::NUMBERS {
            return Err(Rejection::Exhausted("there are as many numbers as the exchange can hold"));
        }
        let NewNumber { number, kind, call_flow_id, message_flow_id, name, detail } = new;
        let made = Number {
            id,
            number,
            kind,
            call_flow_id,
            message_flow_id,
            rtp_debug: false,
            name,
            detail,
            created: at,
            updated: at,
            deleted: None,
        };
        self.by_number.insert(made.number.clone(), id);
        self.by_id.insert(id, made.clone());
        Ok(made)
    }

    /// Changes a number.
    pub fn update(&mut self, id: Uuid, change: NumberChange, at: UnixMicros) -> Result<Number, Rejection> {
        let number = self.by_id.get_mut(&id).ok_or(Rejection::NotFound("number"))?;
        change.name.as_deref().map_or(Ok(()), |name| validate_text("name", name))?;
        change.detail.as_deref().map_or(Ok(()), |detail| validate_text("detail", detail))?;
        let NumberChange { call_flow_id, message_flow_id, rtp_debug, name, detail } = change;
        number.call_flow_id = call_flow_id.unwrap_or(number.call_flow_id);
        number.message_flow_id = message_flow_id.unwrap_or(number.message_flow_id);
        number.rtp_debug = rtp_debug.unwrap_or(number.rtp_debug);
        number.name = name.unwrap_or_else(|| std::mem::take(&mut number.name));
        number.detail = detail.unwrap_or_else(|| std::mem::take(&mut number.detail));
        number.updated = at;
        Ok(number.clone())
    }

    /// Removes a number.
    pub fn delete(&mut self, id: Uuid, at: UnixMicros) -> Result<Number, Rejection> {
        let mut number = self.by_id.remove(&id).ok_or(Rejection::NotFound("number"))?;
        self.by_number.remove(&number.number);
        (number.updated, number.deleted) = (at, Some(at));
        Ok(number)
    }
}
