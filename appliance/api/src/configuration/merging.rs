//! What the cloud wants beside what the box has: field by field, who has changed what since the last document.

use serde_json::{Map, Value};
use store::configuration::Side;

use super::Place;

/// What PUT of a collection wants to have, changed or not.
const WHOLE: [(&str, &[&str]); 1] = [("flows", &["name", "detail", "actions", "on_complete_flow_id"])];

/// What has to change, and where both wanted something.
#[derive(Debug, Default)]
pub(super) struct Merged {
    /// The fields that the cloud changes.
    pub(super) body: Map<String, Value>,
    /// The fields that the box had changed: whose value holds, the box's, the cloud's.
    pub(super) conflicts: Vec<(String, Side, Value, Value)>,
}

/// Compares. What the box never shows, such as a password, counts as not changed by it.
pub(super) fn merge(wanted: &Map<String, Value>, place: &Place, have: &Map<String, Value>) -> Merged {
    let mut merged = Merged::default();
    for (field, want) in wanted {
        let seen = have.get(field);
        let is_new = place.given.get(field) != Some(want);
        let is_own = seen.is_some() && place.shown.get(field).is_some_and(|shown| Some(shown) != seen);
        if is_own && seen != Some(want) {
            let kept = if is_new { Side::Cloud } else { Side::Box };
            let of_box = seen.cloned().unwrap_or_default();
            merged.conflicts.push((field.clone(), kept, of_box, want.clone()));
        }
        if is_new && seen != Some(want) {
            merged.body.insert(field.clone(), want.clone());
        }
    }
    merged
}

/// The same with what PUT wants to have besides.
pub(super) fn whole(resource: &str, body: &Map<String, Value>, have: &Map<String, Value>) -> Map<String, Value> {
    let needed = WHOLE.iter().find(|(name, _)| *name == resource).map_or(&[][..], |(_, fields)| fields);
    let mut whole = body.clone();
    for field in needed {
        if let (None, Some(value)) = (whole.get(*field), have.get(*field)) {
            whole.insert((*field).to_owned(), value.clone());
        }
    }
    whole
}

/// What undoes it: what the box showed, or else what the cloud gave.
pub(super) fn before(body: &Map<String, Value>, place: &Place, have: &Map<String, Value>) -> Map<String, Value> {
    let old =
        |field: &String| place.given.get(field).filter(|_| !have.contains_key(field)).or(have.get(field)).cloned();
    body.keys().filter_map(|field| Some((field.clone(), old(field)?))).collect()
}

/// Of these fields what the box shows.
pub(super) fn shown(fields: &Map<String, Value>, record: &Map<String, Value>) -> Map<String, Value> {
    fields.keys().filter_map(|field| Some((field.clone(), record.get(field)?.clone()))).collect()
}

/// A plain field that is as it was, although it should have changed.
pub(super) fn unchangeable(
    body: &Map<String, Value>,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
) -> Option<String> {
    let is_plain = |value: &Value| !value.is_object() && !value.is_array() && !value.is_null();
    let stuck = body.iter().find(|(field, want)| {
        let (was, is) = (before.get(*field), after.get(*field));
        is_plain(want) && was.is_some() && was == is && is != Some(want)
    });
    stuck.map(|(field, _)| field.clone())
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().expect("an object").clone()
    }

    fn place(given: Value, shown: Value) -> Place {
        Place { resource: "tags".into(), key: "a".into(), id: Uuid::nil(), given: map(given), shown: map(shown) }
    }

    #[test]
    fn who_changed_alone_is_followed_and_who_changed_too_is_told() {
        let given = json!({"name": "old", "password": "secret"});
        let known = place(given, json!({"name": "old"}));
        for (want, have, body, kept) in [
            ("old", "old", json!({}), None),
            ("new", "old", json!({"name": "new"}), None),
            ("old", "mine", json!({}), Some(Side::Box)),
            ("new", "mine", json!({"name": "new"}), Some(Side::Cloud)),
            ("new", "new", json!({}), None),
        ] {
            let wanted = map(json!({"name": want, "password": "secret"}));
            let merged = merge(&wanted, &known, &map(json!({"name": have})));
            assert_eq!((merged.body, merged.conflicts.first().map(|told| told.1)), (map(body), kept), "{want} {have}");
        }
        let wanted = map(json!({"name": "old", "password": "another"}));
        let merged = merge(&wanted, &known, &map(json!({"name": "old"})));
        assert_eq!(
            merged.body,
            map(json!({"password": "another"})),
            "what is never shown is compared with what was given"
        );
        assert_eq!(before(&merged.body, &known, &map(json!({"name": "old"}))), map(json!({"password": "secret"})));
    }

    #[test]
    fn what_the_box_writes_otherwise_is_no_change_of_its_own() {
        let known = place(json!({"actions": [{"type": "answer"}]}), json!({"actions": [{"type": "answer", "id": 7}]}));
        let have = map(json!({"actions": [{"type": "answer", "id": 7}]}));
        let merged = merge(&map(json!({"actions": [{"type": "answer"}]})), &known, &have);
        assert!(merged.body.is_empty() && merged.conflicts.is_empty(), "{merged:?}");
    }

    #[test]
    fn what_cannot_be_changed_is_seen() {
        let (before, body) = (map(json!({"extension": "1001"})), map(json!({"extension": "1002"})));
        assert_eq!(unchangeable(&body, &before, &before), Some("extension".into()));
        assert_eq!(unchangeable(&body, &before, &body), None);
    }
}
