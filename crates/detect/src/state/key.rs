//! Keys of the state table: built on the stack, because they are built for every call and log.

use std::fmt;

use alloy_primitives::{Address, keccak256};
use model::Name;

use super::Kind;

/// Which monitor a value belongs to: a digest of its name and version, so that a changed monitor
/// starts afresh instead of inheriting a baseline learned under other parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MonitorKey([u8; 16]);

impl MonitorKey {
    /// The key of this version of this monitor.
    pub fn of(monitor: &Name, version: u32) -> Self {
        let digest = keccak256(format!("{monitor}\0{version}"));
        let mut key = [0; 16];
        key.copy_from_slice(&digest[..16]);
        Self(key)
    }
}

/// What a value is about: its kind, then the parts that name the entity.
#[derive(Clone, Copy)]
pub struct Key {
    len: u8,
    bytes: [u8; Self::LEN_MAX],
}

impl Key {
    /// Kind, monitor, two addresses and a selector with room to spare.
    pub const LEN_MAX: usize = 80;

    /// The key of a kind that exists once per network.
    pub fn new(kind: Kind) -> Self {
        let mut key = Self { len: 1, bytes: [0; Self::LEN_MAX] };
        key.bytes[0] = kind as u8;
        key
    }

    /// Narrowed to one monitor.
    #[must_use]
    pub fn monitor(self, monitor: &MonitorKey) -> Self {
        self.with(&monitor.0)
    }

    /// Narrowed to one address.
    #[must_use]
    pub fn address(self, address: Address) -> Self {
        self.with(address.as_slice())
    }

    /// Narrowed to a few bytes of any meaning: a selector, a shard, an event's topic.
    ///
    /// # Panics
    /// When the key would outgrow [`Key::LEN_MAX`]; every caller's parts have fixed lengths.
    #[must_use]
    pub fn with(mut self, part: &[u8]) -> Self {
        let start = usize::from(self.len);
        self.bytes[start..start + part.len()].copy_from_slice(part);
        self.len += part.len() as u8;
        self
    }

    /// A key as it was stored; `None` when it is empty or too long to be one of ours.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if bytes.is_empty() || bytes.len() > Self::LEN_MAX {
            return None;
        }
        let mut key = Self { len: bytes.len() as u8, bytes: [0; Self::LEN_MAX] };
        key.bytes[..bytes.len()].copy_from_slice(bytes);
        Some(key)
    }

    /// The bytes that the store keeps.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Key {}

impl std::hash::Hash for Key {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key(0x{})", hex::encode(self.as_bytes()))
    }
}
