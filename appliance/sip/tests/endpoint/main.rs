//! The endpoint as a whole, in virtual time: alone against a scripted peer, and two of them over a lossy link.

mod alone;
mod answering;
mod calling;
mod cancel;
mod dialog;
mod limits;
mod lossy_link;
mod malformed;
mod matching;
mod pair;
mod reliable;
mod storm;
mod streams;
