//! Random phones against a reference model: who is registered, who talks with whom, who holds.
//!
//! A [`Story`] goes in rounds. In each round a few [`Act`]s are drawn that do not touch the same phones; they are done at
//! once, in the lab and in the [`Reference`]. When everything has settled, the two have to agree. The network in between
//! loses, repeats and reorders. A seed tells the same story again; the report of a failure has the story in words.

pub mod act;
pub mod chaos;
pub mod flows;
pub mod purse;
pub mod reference;
pub mod story;

pub use act::{Act, Reaction};
pub use chaos::Chaos;
pub use reference::Reference;
pub use story::Story;
