//! What is remembered of other networks.
//!
//! Each network is judged by itself, from its own events. A few detectors hold one network against
//! another: a message that arrives here was sent there. They may look at what the judge of the other
//! network has written down, never change it. Who judges decides what can be seen: with nothing at
//! hand every look says so, and the detector is blind.

use std::fmt;

use model::Name;

use crate::state::{Key, Remembered, Value};

/// Rows of other networks' state.
pub trait Elsewhere: fmt::Debug {
    /// The encoded value under a key of a network; `None` when nothing is remembered under it.
    ///
    /// # Errors
    /// Why the network cannot be looked at.
    fn stored(&self, network: &Name, key: &[u8]) -> Result<Option<Vec<u8>>, String>;
}

/// No other network can be looked at.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nowhere;

impl Elsewhere for Nowhere {
    fn stored(&self, network: &Name, _: &[u8]) -> Result<Option<Vec<u8>>, String> {
        Err(format!("what is remembered of {network} cannot be seen here"))
    }
}

/// The value under a key of another network.
///
/// # Errors
/// Why it cannot be known.
pub(crate) fn remembered<T: Remembered>(
    elsewhere: &dyn Elsewhere,
    network: &Name,
    key: &Key,
) -> Result<Option<T>, String> {
    let Some(bytes) = elsewhere.stored(network, key.as_bytes())? else { return Ok(None) };
    let value = Value::decode(key, &bytes).map_err(|error| error.to_string())?;
    Ok(T::of(&value).map(|value| value.as_ref().clone()))
}
