//! Values cut to the width of their type.
//!
//! The contract that emitted a word of type `uint8` sees eight bits of it, whatever stands in the
//! other 248; so do we. Without this, a "uint8" of 300 would reach expressions and comparisons.

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{I256, U256};

pub(super) fn trim(value: &mut DynSolValue) {
    match value {
        DynSolValue::Uint(number, bits) if *bits < 256 => {
            *number &= (U256::ONE << *bits) - U256::ONE;
        }
        DynSolValue::Int(number, bits) if *bits < 256 => {
            let unused = 256 - *bits;
            *number = (*number << unused).asr(unused);
        }
        DynSolValue::FixedBytes(word, len) => word[*len..].fill(0),
        DynSolValue::Array(values)
        | DynSolValue::FixedArray(values)
        | DynSolValue::Tuple(values) => values.iter_mut().for_each(trim),
        _ => {}
    }
}

/// Whether the type's own width holds the word: no bit outside it is set, no bool beyond one.
pub(crate) fn is_clean(ty: &alloy_dyn_abi::DynSolType, word: &alloy_primitives::B256) -> bool {
    use alloy_dyn_abi::DynSolType as T;
    let value = U256::from_be_bytes(word.0);
    match ty {
        T::Bool => value <= U256::ONE,
        T::Address => word[..12].iter().all(|byte| *byte == 0),
        T::Uint(bits) => *bits >= 256 || value >> *bits == U256::ZERO,
        T::Int(bits) => {
            let number = I256::from_raw(value);
            *bits >= 256 || (number << (256 - *bits)).asr(256 - *bits) == number
        }
        T::FixedBytes(len) => word[*len..].iter().all(|byte| *byte == 0),
        T::Function => word[24..].iter().all(|byte| *byte == 0),
        _ => true,
    }
}
