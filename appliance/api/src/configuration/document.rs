//! A document of the cloud: what there should be.

use serde::Deserialize;
use serde_json::{Map, Value};
use store::configuration::Refusal;
use uuid::Uuid;

use super::desk::Failed;
use super::{Place, Refused};
use crate::limits;

/// What may be configured from afar, by the name in its path: not who may log in.
pub(super) const RESOURCES: [&str; 8] =
    ["tags", "extensions", "flows", "numbers", "conferences", "trunks", "providers", "routes"];

/// A document.
#[derive(Debug, Clone, Deserialize)]
pub struct Document {
    /// Which box it is for.
    pub appliance_id: Uuid,
    /// Greater by at least one than that of the one before.
    pub version: i64,
    /// What there should be, what is referred to before what refers to it.
    pub(super) resources: Vec<Wanted>,
}

/// One resource that there should be.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Wanted {
    /// The collection, as in its path.
    pub(super) resource: String,
    /// What the cloud calls it; the same in each document.
    pub(super) key: String,
    /// What POST takes; `{"$ref": "flows/menu"}` stands for the id of an entry before it.
    pub(super) data: Map<String, Value>,
}

impl Document {
    /// Reads one.
    pub fn parse(octets: &[u8]) -> Result<Document, Box<Refusal>> {
        let invalid = |message: String| Box::new(refusal(None, ("INVALID_DOCUMENT", &message)));
        let document: Document = serde_json::from_slice(octets).map_err(|error| invalid(error.to_string()))?;
        if document.version < 1 {
            return Err(invalid("version: it begins with 1".into()));
        }
        if document.resources.len() > limits::CONFIGURATION_RESOURCES {
            return Err(invalid(format!("resources: at most {}", limits::CONFIGURATION_RESOURCES)));
        }
        for (at, wanted) in document.resources.iter().enumerate() {
            let refuse = |field, message: &str| {
                Err(wanted.refusal(document.version, ("INVALID_DOCUMENT", message), Some(field)))
            };
            if !RESOURCES.contains(&wanted.resource.as_str()) {
                return refuse("resource", &format!("it is one of {}", RESOURCES.join(", ")));
            }
            if wanted.key.is_empty() || wanted.key.len() > limits::CONFIGURATION_KEY {
                return refuse("key", &format!("it has 1 to {} bytes", limits::CONFIGURATION_KEY));
            }
            let is_same = |other: &Wanted| other.resource == wanted.resource && other.key == wanted.key;
            if document.resources[..at].iter().any(is_same) {
                return refuse("key", "it stands there twice");
            }
        }
        Ok(document)
    }

    pub(super) fn refuse(&self, reason: &str, message: &str) -> Refused {
        Refused::Document(Box::new(refusal(Some(self.version), (reason, message))))
    }
}

/// A refusal of the whole.
pub fn refusal(version: Option<i64>, (reason, message): (&str, &str)) -> Refusal {
    let (reason, message) = (reason.into(), message.into());
    Refusal { version, reason, message, resource: None, key: None, field: None }
}

impl Wanted {
    pub(super) fn is(&self, place: &Place) -> bool {
        self.resource == place.resource && self.key == place.key
    }

    fn refusal(&self, version: i64, why: (&str, &str), field: Option<&str>) -> Box<Refusal> {
        let (resource, key) = (Some(self.resource.clone()), Some(self.key.clone()));
        Box::new(Refusal { resource, key, field: field.map(str::to_owned), ..refusal(Some(version), why) })
    }

    pub(super) fn refuse(&self, version: i64, why: (&str, &str), field: Option<&str>) -> Refused {
        Refused::Document(self.refusal(version, why, field))
    }

    /// What our own routes say of it.
    pub(super) fn because(&self, version: i64, failed: Failed) -> Refused {
        match failed {
            Failed::No(no) => self.refuse(version, (&no.reason, &no.message), no.field.as_deref()),
            Failed::Later(reason) => Refused::Later(reason),
        }
    }
}

/// The data with ids for what it refers to; the reference that leads nowhere, where there is one.
pub(super) fn resolved(wanted: &Wanted, places: &[Place]) -> Result<Map<String, Value>, String> {
    let fields = wanted.data.iter();
    fields.map(|(field, value)| Ok((field.clone(), resolve(value, places)?))).collect()
}

fn resolve(value: &Value, places: &[Place]) -> Result<Value, String> {
    match value {
        Value::Object(fields) => {
            if let (1, Some(Value::String(path))) = (fields.len(), fields.get("$ref")) {
                let (resource, key) = path.split_once('/').ok_or_else(|| path.clone())?;
                let place = places.iter().find(|place| place.resource == resource && place.key == key);
                return place.map(|place| Value::String(place.id.to_string())).ok_or_else(|| path.clone());
            }
            let fields = fields.iter().map(|(name, value)| Ok((name.clone(), resolve(value, places)?)));
            fields.collect::<Result<_, _>>().map(Value::Object)
        }
        Value::Array(values) => {
            values.iter().map(|value| resolve(value, places)).collect::<Result<_, _>>().map(Value::Array)
        }
        value => Ok(value.clone()),
    }
}
