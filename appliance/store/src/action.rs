//! Actions of a flow, as the API shows them, as events carry them, and as they lie in columns.

use pbx::flow::{Action, Value, findings_within};
use rusqlite::Row;
use rusqlite::types::Type;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Error;
use crate::value::Tree;

/// An action of a flow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = Action)]
pub struct Record {
    /// Its id, for those who jump to it. Of a new action without one, or with the nil UUID, the exchange chooses it.
    #[schema(required = false)]
    pub id: Uuid,
    /// The action after it; nil: the next one of the list.
    #[schema(required = false)]
    pub next_id: Uuid,
    /// What it does: a name of `docs/flow-actions.md`.
    #[serde(rename = "type")]
    pub kind: String,
    /// How it does that.
    #[schema(value_type = Object, required = false)]
    pub option: Tree,
}

impl From<&Action> for Record {
    fn from(action: &Action) -> Record {
        Record {
            id: action.id,
            next_id: action.next_id.unwrap_or_default(),
            kind: action.name.clone(),
            option: Tree(action.option.clone()),
        }
    }
}

impl From<Record> for Action {
    fn from(record: Record) -> Action {
        let next_id = (!record.next_id.is_nil()).then_some(record.next_id);
        Action { id: record.id, next_id, name: record.kind, option: record.option.0 }
    }
}

/// Reads a list of actions that somebody else wrote, and looks through it; what is wrong with it, and where, in words.
pub fn read(json: &[u8]) -> Result<Vec<Action>, String> {
    let trees: Vec<Tree> =
        serde_json::from_slice(json).map_err(|error| format!("it is no list of actions: {error}"))?;
    let values: Vec<Value> = trees.into_iter().map(|Tree(value)| value).collect();
    let actions = Action::read_list("actions", &values).map_err(|fault| fault.to_string())?;
    match findings_within(&actions).into_iter().find(|finding| finding.grave) {
        Some(finding) => Err(format!("{} {}", finding.at, finding.reason)),
        None => Ok(actions),
    }
}

/// The public form of several.
pub fn records(actions: &[Action]) -> Vec<Record> {
    actions.iter().map(Record::from).collect()
}

/// A list of them for a column.
pub(crate) fn list(actions: &[Action]) -> Result<String, Error> {
    Ok(serde_json::to_string(&records(actions))?)
}

/// One for a column.
pub(crate) fn one(action: &Action) -> Result<String, Error> {
    Ok(serde_json::to_string(&Record::from(action))?)
}

/// A list of them from a column.
pub(crate) fn get_list(row: &Row<'_>, at: usize) -> rusqlite::Result<Vec<Action>> {
    let records: Vec<Record> = parse(row.get_ref(at)?.as_str()?, at)?;
    Ok(records.into_iter().map(Action::from).collect())
}

/// One from a column, if there is one.
pub(crate) fn get(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<Action>> {
    let Some(json) = row.get_ref(at)?.as_str_or_null()? else { return Ok(None) };
    parse::<Record>(json, at).map(|record| Some(record.into()))
}

fn parse<'a, T: Deserialize<'a>>(json: &'a str, at: usize) -> rusqlite::Result<T> {
    let failed = |error| rusqlite::Error::FromSqlConversionFailure(at, Type::Text, Box::new(error));
    serde_json::from_str(json).map_err(failed)
}
