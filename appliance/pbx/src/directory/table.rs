//! A table of resources that an administrator keeps: each has an id for ever, and is replaced as a whole.

use rustc_hash::FxHashMap;
use uuid::Uuid;

use crate::UnixMicros;
use crate::command::Rejection;

/// What a table can hold.
pub trait Kept: Clone {
    /// The resource's name.
    const NAME: &'static str;
    /// How many there may be.
    const LIMIT: usize;

    /// Whether every field can be.
    fn validate(&self) -> Result<(), Rejection>;

    /// Whether the two cannot both be there.
    fn clashes(&self, _other: &Self) -> bool {
        false
    }
}

/// A resource as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<D> {
    /// Its id, for ever.
    pub id: Uuid,
    /// What was set.
    pub data: D,
    /// When it was made.
    pub created: UnixMicros,
    /// When it was last changed.
    pub updated: UnixMicros,
    /// When it was deleted, if it is.
    pub deleted: Option<UnixMicros>,
}

/// The resources of one kind.
#[derive(Debug)]
pub struct Table<D> {
    by_id: FxHashMap<Uuid, Entry<D>>,
}

impl<D> Default for Table<D> {
    fn default() -> Table<D> {
        Table { by_id: FxHashMap::default() }
    }
}

impl<D: Kept> Table<D> {
    /// The one with this id.
    pub fn get(&self, id: Uuid) -> Option<&Entry<D>> {
        self.by_id.get(&id)
    }

    /// All of them, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Entry<D>> {
        self.by_id.values()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Takes up what the store remembers; what is deleted stays outside.
    pub fn restore(&mut self, entries: Vec<Entry<D>>) {
        self.by_id.extend(entries.into_iter().filter(|e| e.deleted.is_none()).map(|entry| (entry.id, entry)));
    }

    /// Makes one.
    pub fn create(&mut self, id: Uuid, data: D, at: UnixMicros) -> Result<Entry<D>, Rejection> {
        self.check(None, &data)?;
        if self.by_id.len() >= D::LIMIT {
            return Err(Rejection::Exhausted("there are as many as the exchange can hold"));
        }
        let made = Entry { id, data, created: at, updated: at, deleted: None };
        self.by_id.insert(id, made.clone());
        Ok(made)
    }

    /// Replaces what was set of one.
    pub fn update(&mut self, id: Uuid, data: D, at: UnixMicros) -> Result<Entry<D>, Rejection> {
        self.by_id.get(&id).ok_or(Rejection::NotFound(D::NAME))?;
        self.check(Some(id), &data)?;
        let entry = self.by_id.get_mut(&id).ok_or(Rejection::NotFound(D::NAME))?;
        (entry.data, entry.updated) = (data, at);
        Ok(entry.clone())
    }

    /// Removes one; what is returned carries the time of its deletion.
    pub fn delete(&mut self, id: Uuid, at: UnixMicros) -> Result<Entry<D>, Rejection> {
        let mut entry = self.by_id.remove(&id).ok_or(Rejection::NotFound(D::NAME))?;
        (entry.updated, entry.deleted) = (at, Some(at));
        Ok(entry)
    }

    fn check(&self, own: Option<Uuid>, data: &D) -> Result<(), Rejection> {
        data.validate()?;
        let taken = self.by_id.values().any(|other| Some(other.id) != own && other.data.clashes(data));
        if taken { Err(Rejection::AlreadyExists(D::NAME)) } else { Ok(()) }
    }
}
