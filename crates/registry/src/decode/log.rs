//! Topics and data.

use std::sync::Arc;

use alloy_dyn_abi::{DynSolType, DynSolValue};
use alloy_primitives::{Address, B256, I256, U256};
use model::Log;

use super::{DecodedLog, Undecoded, word};
use crate::EventAbi;

impl EventAbi {
    /// Reads a log as this event.
    ///
    /// # Errors
    /// [`Undecoded::NoTopics`] or [`Undecoded::UnknownSignature`] when it is another event;
    /// [`Undecoded::Malformed`] when it has another number of indexed arguments (an ERC-721
    /// `Transfer` is not an ERC-20 one) or the data does not fit.
    pub fn decode(self: &Arc<Self>, log: &Log) -> Result<DecodedLog, Undecoded> {
        let words = match self.topic0 {
            None => &log.topics[..],
            Some(topic0) => {
                let (first, rest) = log.topics.split_first().ok_or(Undecoded::NoTopics)?;
                if *first != topic0 {
                    return Err(Undecoded::UnknownSignature);
                }
                rest
            }
        };
        let indexed = self.indexed_count();
        if words.len() != indexed {
            return Err(Undecoded::Malformed(format!(
                "{} has {indexed} indexed arguments, the log has {}",
                self.signature,
                words.len()
            )));
        }
        let body = body_values(&self.body, &log.data)
            .map_err(|why| Undecoded::Malformed(format!("data of {}: {why}", self.signature)))?;
        if indexed == 0 {
            return Ok(DecodedLog { event: Arc::clone(self), args: body });
        }
        let (mut words, mut body) = (words.iter(), body.into_iter());
        let mut args = Vec::with_capacity(self.params.len());
        for param in &self.params {
            let value = if param.indexed {
                words.next().map(|word| topic_value(&param.ty, *word))
            } else {
                body.next()
            };
            // Both counts were compared with the parameters above; a short list is still an error.
            let missing = || Undecoded::Malformed(format!("{}: too few values", self.signature));
            args.push(value.ok_or_else(missing)?);
        }
        Ok(DecodedLog { event: Arc::clone(self), args })
    }

    /// Reads a log as this anonymous event, only if every byte of it is what the contract would
    /// have written: nothing else tells whether it is this event at all.
    pub(crate) fn decode_exactly(self: &Arc<Self>, log: &Log) -> Option<DecodedLog> {
        let decoded = self.decode(log).ok()?;
        let indexed = self.params.iter().filter(|param| param.indexed);
        let are_clean = indexed.zip(&log.topics).all(|(param, w)| word::is_clean(&param.ty, w));
        let plain = self.params.iter().zip(&decoded.args).filter(|(param, _)| !param.indexed);
        let body: Vec<DynSolValue> = plain.map(|(_, value)| value.clone()).collect();
        let is_exact = DynSolValue::Tuple(body).abi_encode_sequence()? == log.data[..];
        (are_clean && is_exact).then_some(decoded)
    }
}

/// The values of a sequence of types.
pub(crate) fn body_values(body: &DynSolType, data: &[u8]) -> Result<Vec<DynSolValue>, String> {
    let decoded = body.abi_decode_sequence(data).map_err(|error| error.to_string())?;
    let DynSolValue::Tuple(mut values) = decoded else {
        return Err("not a sequence".to_owned());
    };
    if body.as_tuple().map(<[_]>::len) != Some(values.len()) {
        return Err("another number of values".to_owned());
    }
    values.iter_mut().for_each(word::trim);
    Ok(values)
}

/// The value of an indexed argument; the hash, for a dynamic type.
pub(crate) fn topic_value(ty: &DynSolType, topic: B256) -> DynSolValue {
    let mut value = match ty {
        DynSolType::Bool => DynSolValue::Bool(!topic.is_zero()),
        DynSolType::Address => DynSolValue::Address(Address::from_word(topic)),
        DynSolType::Uint(bits) => DynSolValue::Uint(U256::from_be_bytes(topic.0), *bits),
        DynSolType::Int(bits) => {
            DynSolValue::Int(I256::from_raw(U256::from_be_bytes(topic.0)), *bits)
        }
        DynSolType::FixedBytes(len) => DynSolValue::FixedBytes(topic, *len),
        DynSolType::Function => DynSolValue::Function(alloy_primitives::Function::from_word(topic)),
        _ => DynSolValue::FixedBytes(topic, 32),
    };
    word::trim(&mut value);
    value
}
