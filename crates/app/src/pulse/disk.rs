//! Room for the store.

use std::{io, path::Path};

/// Least room: what the blocks of some hours take.
const FREE_BYTES_MIN: u64 = 1 << 30;

/// Least share of the disk that is free: below it file systems become slow, and somebody else may
/// fill the rest at any time.
const FREE_SHARE_MIN: f64 = 0.03;

/// The file system that the store is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disk {
    /// Bytes that this program may still write.
    pub free_bytes: u64,
    /// Bytes altogether.
    pub total_bytes: u64,
}

impl Disk {
    /// Asks the system.
    ///
    /// # Errors
    /// When the path is not there or the system does not say.
    pub fn of(path: &Path) -> io::Result<Self> {
        let stat = rustix::fs::statvfs(path)?;
        Ok(Self {
            free_bytes: stat.f_bavail.saturating_mul(stat.f_frsize),
            total_bytes: stat.f_blocks.saturating_mul(stat.f_frsize),
        })
    }

    /// Whether the store may soon not be written any more.
    pub fn is_short(&self) -> bool {
        let share = self.free_bytes as f64 / self.total_bytes.max(1) as f64;
        self.free_bytes < FREE_BYTES_MIN || share < FREE_SHARE_MIN
    }
}
