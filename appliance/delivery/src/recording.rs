//! Files of recordings on their way to the bucket, and how long the box and the bucket keep them.
//!
//! A recording that is ended and has its final form is uploaded ([`upload`]) to a [`bucket`] in the shape of S3: in parts
//! where it is long, so that a cut or a restart costs no more than the part that was on its way. Only what the bucket is
//! known to have whole may go from the box, when its time has come or the disk runs full ([`retention`]). The [`courier`]
//! is the thread that does it all. What became of each file stands in its row and is told by events: the disk is the
//! queue, and nothing is kept in memory that a restart could lose.

pub mod bucket;
pub mod courier;
pub mod leftovers;
pub mod retention;
pub mod upload;

pub use bucket::{Account, Bucket};
pub use courier::{Courier, Rules};
