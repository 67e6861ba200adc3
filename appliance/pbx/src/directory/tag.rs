//! A tag: a word for what agents are good at.

use rustc_hash::FxHashMap;
use uuid::Uuid;

use crate::command::Rejection;
use crate::directory::extension::validate_text;
use crate::{UnixMicros, limits};

/// A tag as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// Its id, for ever.
    pub id: Uuid,
    /// Its name, which no other tag has.
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

/// What [`crate::Command::CreateTag`] needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewTag {
    /// See [`Tag::name`].
    pub name: String,
    /// See [`Tag::detail`].
    pub detail: String,
}

/// What [`crate::Command::UpdateTag`] changes; `None` leaves as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TagChange {
    /// A new name.
    pub name: Option<String>,
    /// A new remark.
    pub detail: Option<String>,
}

/// All tags.
#[derive(Debug, Default)]
pub struct Tags {
    by_id: FxHashMap<Uuid, Tag>,
    by_name: FxHashMap<String, Uuid>,
}

impl Tags {
    /// The tag with this id.
    pub fn get(&self, id: Uuid) -> Option<&Tag> {
        self.by_id.get(&id)
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
    pub fn restore(&mut self, tags: Vec<Tag>) {
        for tag in tags.into_iter().filter(|tag| tag.deleted.is_none()) {
            self.by_name.insert(tag.name.clone(), tag.id);
            self.by_id.insert(tag.id, tag);
        }
    }

    /// Makes a tag.
    pub fn create(&mut self, id: Uuid, new: NewTag, at: UnixMicros) -> Result<Tag, Rejection> {
        validate_name(&new.name)?;
        validate_text("detail", &new.detail)?;
        if self.by_name.contains_key(&new.name) {
            return Err(Rejection::AlreadyExists("tag"));
        }
        if self.by_id.len() >= limits::TAGS {
            return Err(Rejection::Exhausted("there are as many tags as the exchange can hold"));
        }
        let made = Tag { id, name: new.name, detail: new.detail, created: at, updated: at, deleted: None };
        self.by_name.insert(made.name.clone(), id);
        self.by_id.insert(id, made.clone());
        Ok(made)
    }

    /// Changes a tag.
    pub fn update(&mut self, id: Uuid, change: TagChange, at: UnixMicros) -> Result<Tag, Rejection> {
        let tag = self.by_id.get_mut(&id).ok_or(Rejection::NotFound("tag"))?;
        change.detail.as_deref().map_or(Ok(()), |detail| validate_text("detail", detail))?;
        if let Some(name) = change.name.filter(|name| *name != tag.name) {
            validate_name(&name)?;
            if self.by_name.contains_key(&name) {
                return Err(Rejection::AlreadyExists("tag"));
            }
            self.by_name.remove(&tag.name);
            self.by_name.insert(name.clone(), id);
            tag.name = name;
        }
        tag.detail = change.detail.unwrap_or_else(|| std::mem::take(&mut tag.detail));
        tag.updated = at;
        Ok(tag.clone())
    }

    /// Removes a tag.
    pub fn delete(&mut self, id: Uuid, at: UnixMicros) -> Result<Tag, Rejection> {
        let mut tag = self.by_id.remove(&id).ok_or(Rejection::NotFound("tag"))?;
        self.by_name.remove(&tag.name);
        (tag.updated, tag.deleted) = (at, Some(at));
        Ok(tag)
    }
}

fn validate_name(name: &str) -> Result<(), Rejection> {
    if name.trim().is_empty() {
        return Err(Rejection::Invalid { field: "name", reason: "must not be empty" });
    }
    validate_text("name", name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(name: &str) -> NewTag {
        NewTag { name: name.into(), detail: String::new() }
    }

    #[test]
    fn a_name_is_given_once_and_free_again_after_a_change_or_a_deletion() {
        let mut tags = Tags::default();
        let (a, b, at) = (Uuid::from_u128(1), Uuid::from_u128(2), UnixMicros(7));
        tags.create(a, new("sales"), at).expect("it is free");
        assert_eq!(tags.create(b, new("sales"), at), Err(Rejection::AlreadyExists("tag")));
        let rename = |name: &str| TagChange { name: Some(name.into()), ..TagChange::default() };
        tags.update(a, rename("support"), UnixMicros(8)).expect("it may change");
        tags.create(b, new("sales"), at).expect("it is free again");
        assert_eq!(tags.update(a, rename("sales"), at), Err(Rejection::AlreadyExists("tag")));
        assert_eq!(tags.update(a, rename("support"), at).map(|tag| tag.name), Ok("support".into()), "its own name");
        assert_eq!(tags.delete(b, UnixMicros(9)).map(|tag| tag.deleted), Ok(Some(UnixMicros(9))));
        tags.update(a, rename("sales"), at).expect("it is free once more");
    }

    #[test]
    fn a_tag_has_a_name_that_can_be_shown() {
        let mut tags = Tags::default();
        for name in ["", "  ", "a\nb", &"x".repeat(256)] {
            let refused = tags.create(Uuid::from_u128(1), new(name), UnixMicros(0));
            assert!(matches!(refused, Err(Rejection::Invalid { field: "name", .. })), "{name:?}");
        }
        assert!(tags.is_empty());
    }
}
