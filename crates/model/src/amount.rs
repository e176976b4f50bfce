//! Token amounts that know their decimals, so that nobody compares wei with ether.

use std::{fmt, sync::Arc};

use alloy_primitives::U256;
use serde::{Deserialize, Serialize};

/// An amount in a token's smallest unit, with what is needed to read it.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TokenAmount {
    /// In the smallest unit (wei for ether).
    pub raw: U256,
    /// How many digits stand after the point; at most 77, the digits of a `uint256`.
    pub decimals: u8,
    /// `ETH`, `USDC` …; chosen by the user's files, not by the chain.
    pub symbol: Arc<str>,
}

/// Why a text is not an amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseAmountError {
    /// Not digits with at most one point (underscores may group digits).
    #[error("{0:?} is not a number; write it like 1_000.5")]
    NotANumber(String),
    /// More digits after the point than the token has.
    #[error("{text:?} has {found} digits after the point, the unit has {decimals}")]
    TooPrecise {
        /// The text as written.
        text: String,
        /// Digits after the point, without trailing zeros.
        found: usize,
        /// What the unit allows.
        decimals: u8,
    },
    /// Larger than a `uint256`.
    #[error("{0:?} does not fit into 256 bits")]
    TooLarge(String),
}

impl TokenAmount {
    /// Ether: 18 decimals.
    pub fn ether(wei: U256) -> Self {
        Self { raw: wei, decimals: 18, symbol: "ETH".into() }
    }

    /// Reads a decimal text such as `1_000.25` into smallest units.
    pub fn parse_units(text: &str, decimals: u8) -> Result<U256, ParseAmountError> {
        let not_a_number = || ParseAmountError::NotANumber(text.to_owned());
        let plain: String = text.chars().filter(|c| *c != '_').collect();
        let (whole, part) = plain.split_once('.').unwrap_or((&plain, ""));
        let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !all_digits(whole) || !all_digits(part) || plain.ends_with('.') {
            return Err(not_a_number());
        }
        let part = part.trim_end_matches('0');
        if part.len() > usize::from(decimals) {
            let found = part.len();
            return Err(ParseAmountError::TooPrecise { text: text.to_owned(), found, decimals });
        }
        let digits = format!("{whole}{part:0<width$}", width = usize::from(decimals));
        U256::from_str_radix(&digits, 10).map_err(|_| ParseAmountError::TooLarge(text.to_owned()))
    }

    /// The amount as a float, for statistics and charts only.
    pub fn to_f64(&self) -> f64 {
        f64::from(self.raw) / 10f64.powi(i32::from(self.decimals))
    }

    /// The number with grouped thousands and without trailing zeros, without its symbol.
    pub fn to_decimal(&self) -> String {
        let digits =
            format!("{:0>width$}", self.raw.to_string(), width = usize::from(self.decimals) + 1);
        let (whole, part) = digits.split_at(digits.len() - usize::from(self.decimals));
        let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
        for (i, digit) in whole.chars().enumerate() {
            if i > 0 && (whole.len() - i) % 3 == 0 {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        let part = part.trim_end_matches('0');
        if !part.is_empty() {
            grouped.push('.');
            grouped.push_str(part);
        }
        grouped
    }
}

impl fmt::Display for TokenAmount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.to_decimal(), self.symbol)
    }
}

impl fmt::Debug for TokenAmount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn amounts_read_and_print() {
        let raw = TokenAmount::parse_units("1_234_567.50", 6).unwrap();
        assert_eq!(raw, U256::from(1_234_567_500_000u64));
        let amount = TokenAmount { raw, decimals: 6, symbol: "USDC".into() };
        assert_eq!(amount.to_string(), "1,234,567.5 USDC");
        assert_eq!(TokenAmount::ether(U256::from(1)).to_string(), "0.000000000000000001 ETH");
        for bad in ["", ".", "1.", ".5", "1e5", "-1", "0x10", "1.0000001"] {
            assert!(TokenAmount::parse_units(bad, 6).is_err(), "{bad:?} was taken");
        }
        assert!(TokenAmount::parse_units("1.1000000000", 6).is_ok(), "trailing zeros are harmless");
    }

    proptest! {
        #[test]
        fn printing_then_reading_gives_the_same_amount(limbs: [u64; 4], decimals in 0u8..=77) {
            let raw = U256::from_limbs(limbs);
            let amount = TokenAmount { raw, decimals, symbol: "T".into() };
            let text = amount.to_decimal().replace(',', "");
            prop_assert_eq!(TokenAmount::parse_units(&text, decimals), Ok(raw));
        }
    }
}
