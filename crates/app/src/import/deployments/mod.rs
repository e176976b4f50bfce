//! Contracts that other tools know, as deployment files of the user's folder.
//!
//! The formats are read by [`registry::import`]; here their files are found on disk ([`Disk`]) and
//! what was read is held against the folder ([`plan`]): a contract that is registered already stays
//! as it is, and what the source knows better is shown.

mod disk; //    files below a folder, found once and read when asked for
mod file; //    the text of a deployment file
mod folder; //  what the user's folder holds already
mod plan; //    what becomes a file, what is known, what differs
#[cfg(test)]
mod tests;

pub use disk::Disk;
pub use folder::Existing;
pub use plan::plan;
