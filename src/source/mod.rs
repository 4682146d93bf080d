//! Where registrations come from: directories, files, and lists of files, and what of them is to be read again.
//!
//! *Events are hints, the scan is the truth.* Whatever an event says, all that follows is a scan of every source. A
//! scan asks for the version of every item and reads those that have another one; bytes that hash as before are not
//! parsed again. So a lost event costs time until the next poll and never a wrong answer, and the service works, only
//! slower, where there are no events at all.
//!
//! # Cost
//!
//! A scan of 100,000 unchanged files is 100,000 `stat` calls, spread over all cores by rayon.

mod ahead;
mod asked;
mod clock;
mod directory;
mod disk;
mod events;
mod file_system;
mod files;
mod item;
mod known;
mod list;
mod loader;
mod name;
mod paths;
mod patience;
mod pipe;
mod place;
mod provider;
mod scan;
mod tables;

mod ways;

pub use clock::{Clock, SystemClock};
pub use directory::Directory;
pub(crate) use directory::is_registration_name;
pub use disk::{Disk, Identity, OsDisk, Stat};
pub use events::{EventSource, Tell, os_events};
pub use file_system::FileSystem;
pub use files::Files;
pub use item::{Content, Item, Version};
pub use list::{Config, Entry, List, ReadList, Unusable, config_files};
pub use loader::Loader;
pub use name::Name;
pub use pipe::{Pipe, read_to_end};
pub use place::Place;
pub use provider::{
    Changed, Hint, Instead, Listed, Listing, PassedOver, Provider, Put, Recorded, Since, Stamp, Unlisted, Unread,
    Watched,
};
pub use tables::{ReadTables, Tables};

pub(crate) use asked::Source;
pub(crate) use item::VersionRef;
pub(crate) use known::{Absence, Known, by_name};
pub(crate) use provider::place_before;
pub(crate) use scan::{Keep, Scan, Scanner, load};

use known::Read;
