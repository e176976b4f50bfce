//! Quantities and data: `0x` followed by hexadecimal digits, straight into numbers and bytes.

use std::{fmt, marker::PhantomData};

use alloy_primitives::{Bytes, FixedBytes, U256};
use serde::{
    Deserialize, Deserializer,
    de::{Error, Visitor},
};

/// A type that a hexadecimal JSON string can be read into.
trait FromHex: Sized {
    /// What is expected, for messages.
    const WHAT: &'static str;
    /// From the digits after `0x`; `None` when they do not fit.
    fn from_digits(digits: &str) -> Option<Self>;
    /// From a JSON number: some nodes write positions and block numbers so.
    fn from_number(_: u64) -> Option<Self> {
        None
    }
}

/// Exactly `N` bytes: hashes, addresses, blooms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fixed<const N: usize>(pub(crate) FixedBytes<N>);

/// Any number of bytes: calldata, log data, return data.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Data(pub(crate) Bytes);

/// An unsigned number as nodes write it. Leading zeros are accepted, a missing digit is not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Quantity<T>(pub(crate) T);

impl<const N: usize> FromHex for Fixed<N> {
    const WHAT: &'static str = "0x and the hexadecimal digits of a value of fixed length";
    fn from_digits(digits: &str) -> Option<Self> {
        let mut bytes = [0; N];
        (digits.len() == 2 * N).then_some(())?;
        hex::decode_to_slice(digits, &mut bytes).ok()?;
        Some(Self(FixedBytes(bytes)))
    }
}

impl FromHex for Data {
    const WHAT: &'static str = "0x and an even number of hexadecimal digits";
    fn from_digits(digits: &str) -> Option<Self> {
        // `hex` itself would strip a second prefix.
        if digits.is_empty() {
            return Some(Self::default());
        }
        (!digits.starts_with("0x")).then_some(())?;
        hex::decode(digits).ok().map(|bytes| Self(bytes.into()))
    }
}

impl FromHex for Quantity<u64> {
    const WHAT: &'static str = "0x and 1 to 16 hexadecimal digits";
    fn from_digits(digits: &str) -> Option<Self> {
        number(digits).map(Self)
    }
    fn from_number(number: u64) -> Option<Self> {
        Some(Self(number))
    }
}

impl FromHex for Quantity<u128> {
    const WHAT: &'static str = "0x and 1 to 32 hexadecimal digits";
    fn from_digits(digits: &str) -> Option<Self> {
        let Some(at) = digits.len().checked_sub(16).filter(|at| *at > 0) else {
            return number(digits).map(|low| Self(u128::from(low)));
        };
        let (high, low) = digits.split_at_checked(at)?;
        Some(Self(u128::from(number(high)?) << 64 | u128::from(number(low)?)))
    }
}

impl FromHex for Quantity<U256> {
    const WHAT: &'static str = "0x and 1 to 64 hexadecimal digits";
    fn from_digits(digits: &str) -> Option<Self> {
        if digits.len() <= 16 {
            return number(digits).map(|low| Self(U256::from(low)));
        }
        let mut padded = [b'0'; 64];
        let at = padded.len().checked_sub(digits.len())?;
        padded[at..].copy_from_slice(digits.as_bytes());
        let mut bytes = [0; 32];
        hex::decode_to_slice(padded, &mut bytes).ok()?;
        Some(Self(U256::from_be_bytes(bytes)))
    }
}

/// Up to 16 digits.
fn number(digits: &str) -> Option<u64> {
    (1..=16).contains(&digits.len()).then_some(())?;
    let mut number = 0;
    for digit in digits.bytes() {
        number = number << 4 | u64::from(char::from(digit).to_digit(16)?);
    }
    Some(number)
}

struct HexVisitor<T>(PhantomData<T>);

impl<T: FromHex> Visitor<'_> for HexVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::WHAT)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.strip_prefix("0x").and_then(T::from_digits).ok_or_else(|| {
            let shown: String = text.chars().take(70).collect();
            E::invalid_value(serde::de::Unexpected::Str(&shown), &T::WHAT)
        })
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        T::from_number(number)
            .ok_or_else(|| E::invalid_type(serde::de::Unexpected::Unsigned(number), &T::WHAT))
    }
}

impl<'de, const N: usize> Deserialize<'de> for Fixed<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(HexVisitor(PhantomData))
    }
}

macro_rules! deserialize_hex {
    ($($name:ty),*) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(HexVisitor(PhantomData))
            }
        }
    )*};
}
deserialize_hex!(Data, Quantity<u64>, Quantity<u128>, Quantity<U256>);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read<T: for<'a> Deserialize<'a>>(text: &str) -> Option<T> {
        sonic_rs::from_str(&format!("\"{text}\"")).ok()
    }

    #[test]
    fn only_well_formed_values_are_read() {
        assert_eq!(read::<Quantity<u64>>("0x10"), Some(Quantity(16)));
        assert_eq!(read::<Quantity<u64>>("0x0010"), Some(Quantity(16)));
        assert_eq!(sonic_rs::from_str::<Quantity<u64>>("16").ok(), Some(Quantity(16)));
        for wrong in ["", "0x", "10", "0xg", "0x+1", "0x10000000000000000", "0x0x1", "-0x1"] {
            assert_eq!(read::<Quantity<u64>>(wrong), None, "{wrong}");
        }
        assert_eq!(read::<Quantity<u128>>("0x"), None);
        assert_eq!(read::<Quantity<U256>>("0x0x00000000000000001"), None);
        assert_eq!(read::<Quantity<U256>>(&format!("0x{}", "0".repeat(65))), None);
        assert_eq!(read::<Data>("0x"), Some(Data::default()));
        for wrong in ["", "00", "0x0", "0x0x00", "0xzz", "0xé", "0x00 "] {
            assert_eq!(read::<Data>(wrong), None, "{wrong}");
        }
        assert_eq!(read::<Fixed<2>>("0xAbcd"), Some(Fixed(FixedBytes([0xab, 0xcd]))));
        for wrong in ["0xabc", "0xabcde", "0x0xab", "abcd", "0x"] {
            assert_eq!(read::<Fixed<2>>(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(small: u64, middle: u128, limbs: [u64; 4], bytes: Vec<u8>) {
            let large = U256::from_limbs(limbs);
            prop_assert_eq!(read(&format!("{small:#x}")), Some(Quantity(small)));
            prop_assert_eq!(read(&format!("{middle:#x}")), Some(Quantity(middle)));
            prop_assert_eq!(read(&format!("{large:#x}")), Some(Quantity(large)));
            let data = hex::encode_prefixed(&bytes);
            prop_assert_eq!(read(&data), Some(Data(bytes.into())));
        }

        #[test]
        fn no_text_panics(text in "(0x)?[0-9a-fx\u{e9}]{0,70}") {
            let _ = (read::<Quantity<u64>>(&text), read::<Quantity<u128>>(&text));
            let _ = (read::<Quantity<U256>>(&text), read::<Data>(&text), read::<Fixed<4>>(&text));
        }
    }
}
