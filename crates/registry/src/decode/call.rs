//! Calldata.

use std::sync::Arc;

use super::{DecodedCall, Undecoded, body_values};
use crate::FunctionAbi;

impl FunctionAbi {
    /// Reads calldata (selector and arguments) as a call of this function.
    ///
    /// # Errors
    /// [`Undecoded::NoSelector`] or [`Undecoded::UnknownSignature`] when it is another call;
    /// [`Undecoded::Malformed`] when the arguments do not fit.
    pub fn decode(self: &Arc<Self>, input: &[u8]) -> Result<DecodedCall, Undecoded> {
        let (selector, arguments) = input.split_first_chunk::<4>().ok_or(Undecoded::NoSelector)?;
        if *selector != self.selector {
            return Err(Undecoded::UnknownSignature);
        }
        let args = body_values(&self.body, arguments).map_err(|why| {
            Undecoded::Malformed(format!("arguments of {}: {why}", self.signature))
        })?;
        Ok(DecodedCall { function: Arc::clone(self), args })
    }
}
