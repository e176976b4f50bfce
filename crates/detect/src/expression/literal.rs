//! The values of literals: numbers with units, hexadecimal digits, checksummed addresses.

use alloy_primitives::{Address, U512};

use super::{
    diagnostic::suggestion,
    number::{ArithmeticError, Exact},
    scope::Scope,
};

/// Units that need no configuration, with what one of them is worth: amounts in wei, durations in
/// seconds.
const UNITS: [(&str, u64); 8] = [
    ("wei", 1),
    ("gwei", 1_000_000_000),
    ("ether", 1_000_000_000_000_000_000),
    ("s", 1),
    ("min", 60),
    ("h", 3_600),
    ("d", 86_400),
    ("w", 604_800),
];

/// A message and what would be right.
pub(crate) type Refusal = (String, Option<String>);

/// The value of a number as it is written, with its unit.
pub(crate) fn number(text: &str, unit: Option<&str>, scope: &Scope) -> Result<Exact, Refusal> {
    let too_large = |_| (format!("`{text}` does not fit into 512 bits"), None);
    let value = decimal(text).map_err(too_large)?;
    let Some(unit) = unit else { return Ok(value) };
    if unit == "%" {
        return Ok(value.divide(Exact::from(100)).map_err(too_large)?.reduced());
    }
    let built_in = UNITS.iter().find(|(name, _)| *name == unit);
    let factor = if let Some((_, factor)) = built_in {
        Exact::whole(false, U512::from(*factor))
    } else {
        power_of_ten(usize::from(decimals(unit, scope)?)).map_err(too_large)?
    };
    let amount = value.multiply(factor).map_err(too_large)?.reduced();
    if amount.is_whole() {
        return Ok(amount);
    }
    let digits = factor.to_string().len() - 1;
    let help = match unit {
        "s" | "min" | "h" | "d" | "w" => "times are whole seconds".to_owned(),
        _ => format!("{unit} has {digits} digits after the point"),
    };
    Err((format!("`{text} {unit}` is finer than the smallest unit"), Some(help)))
}

/// How many decimals a token unit has.
pub(crate) fn decimals(unit: &str, scope: &Scope) -> Result<u8, Refusal> {
    if unit == "token" {
        return match scope.token() {
            Some(token) => Ok(token.decimals),
            None => Err((
                "the unit `token` has no meaning here".to_owned(),
                Some("the monitored contract has no token; give it one in its deployment file, or name a unit such as ether".to_owned()),
            )),
        };
    }
    if let Some(decimals) = scope.units().get(unit) {
        return Ok(*decimals);
    }
    let token = scope.token().map(|_| "token");
    let known: Vec<&str> = UNITS
        .iter()
        .map(|(name, _)| *name)
        .chain(token)
        .chain(scope.units().keys().map(String::as_str))
        .collect();
    Err((format!("unknown unit `{unit}`"), Some(suggestion(unit, "units", &known))))
}

/// `1_000.25e6` as an exact number.
fn decimal(text: &str) -> Result<Exact, ArithmeticError> {
    /// Digits of the largest 512-bit number.
    const DIGITS_MAX: usize = 155;
    let plain: String = text.chars().filter(|c| *c != '_').collect();
    let (mantissa, exponent) = plain.split_once(['e', 'E']).unwrap_or((&plain, "0"));
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let part = part.trim_end_matches('0');
    let digits = format!("{whole}{part}");
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Ok(Exact::ZERO);
    }
    let exponent: i64 = exponent.parse().map_err(|_| ArithmeticError::Overflow)?;
    let shift = exponent.saturating_sub(i64::try_from(part.len()).unwrap_or(i64::MAX));
    let scale = usize::try_from(shift.unsigned_abs()).map_err(|_| ArithmeticError::Overflow)?;
    if digits.len() > DIGITS_MAX {
        return Err(ArithmeticError::Overflow);
    }
    let mantissa = U512::from_str_radix(digits, 10).map_err(|_| ArithmeticError::Overflow)?;
    let mantissa = Exact::whole(false, mantissa);
    let scale = power_of_ten(scale)?;
    if shift < 0 { Ok(mantissa.divide(scale)?.reduced()) } else { mantissa.multiply(scale) }
}

fn power_of_ten(exponent: usize) -> Result<Exact, ArithmeticError> {
    Exact::from(10).power(Exact::from(exponent))
}

/// The bytes of hexadecimal digits; `None` for an odd number of them.
pub(crate) fn bytes(digits: &str) -> Option<Vec<u8>> {
    hex::decode(digits).ok()
}

/// The number that hexadecimal digits stand for; `None` above 512 bits.
pub(crate) fn hex_number(digits: &str) -> Option<Exact> {
    Some(Exact::whole(false, U512::from_str_radix(digits, 16).ok()?))
}

/// The address that 40 hexadecimal digits stand for. With letters of both cases, the cases must be
/// the checksum of EIP-55.
pub(crate) fn address(text: &str) -> Result<Address, Refusal> {
    let digits = &text[2..];
    let address: Address = text.to_ascii_lowercase().parse().map_err(|_| {
        let message = format!("`{text}` is no address");
        (message, Some(format!("an address has 40 hexadecimal digits, this has {}", digits.len())))
    })?;
    let has_upper = digits.bytes().any(|b| b.is_ascii_uppercase());
    let has_lower = digits.bytes().any(|b| b.is_ascii_lowercase());
    let checksummed = address.to_checksum(None);
    if has_upper && has_lower && checksummed[2..] != *digits {
        let message = "the checksum of the address is wrong".to_owned();
        let help = format!("if the digits are right, write {checksummed}");
        return Err((message, Some(help)));
    }
    Ok(address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::Unit;

    fn value(text: &str, unit: Option<&str>) -> String {
        let usdc = Unit { symbol: "USDC".into(), decimals: 6 };
        let scope = Scope::default().with_unit(&usdc);
        match number(text, unit, &scope) {
            Ok(value) => format!("{value:?}"),
            Err((message, _)) => message,
        }
    }

    #[test]
    fn numbers_are_exact_in_every_notation() {
        assert_eq!(value("1_000", None), "1000/1");
        assert_eq!(value("1.50", None), "3/2");
        assert_eq!(value("1.5e1", None), "15/1");
        assert_eq!(value("25e-2", None), "1/4");
        assert_eq!(value("0.000", None), "0/1");
        assert_eq!(value("5", Some("%")), "1/20");
        assert_eq!(value("0.5", Some("ether")), "500000000000000000/1");
        assert_eq!(value("1.5", Some("h")), "5400/1");
        assert_eq!(value("1_000", Some("USDC")), "1000000000/1");
        assert_eq!(
            value("0.0000001", Some("USDC")),
            "`0.0000001 USDC` is finer than the smallest unit"
        );
        assert_eq!(
            value("1e999999999999999999999", None),
            "`1e999999999999999999999` does not fit into 512 bits"
        );
        assert_eq!(value("1e-200", None), "`1e-200` does not fit into 512 bits");
        assert_eq!(
            value(&"9".repeat(9_000), None).len(),
            9_000 + "`` does not fit into 512 bits".len()
        );
    }
}
