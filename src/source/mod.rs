//! Where registrations come from: directories, files, and lists of files, and what of them is to be read again.
//!
//! *Events are hints, the scan is the truth.* Whatever an event says, all that follows is a scan of every source. A
//! scan asks for the status of every file and reads those whose status has changed; bytes that hash as before are not
//! parsed again. So a lost event costs time until the next poll and never a wrong answer, and the service works, only
//! slower, where there are no events at all.
//!
//! # Cost
//!
//! A scan of 100,000 unchanged files is 100,000 `stat` calls, spread over all cores by rayon.

mod disk;
mod events;
mod loader;
mod provider;
mod scan;

pub use disk::{Disk, Identity, OsDisk, Stat};
pub use events::{EventSource, Tell, os_events};
pub use loader::Loader;
pub use provider::{ReadList, Source};

pub(crate) use events::{Events, absolute};
pub(crate) use provider::{MAX_FILE_BYTES, NoListing};
pub(crate) use scan::{Keep, Known, Scan, Scanner, load};
