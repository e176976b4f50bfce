//! Values that stand for themselves, in our language.

use alloy_dyn_abi::DynSolType;
use model::Address;

use super::{COMPARE, Said, Translator, refuse};
use crate::import::monitors::expression::{Dialect, Expr, Literal, Mistake, Operator};

impl Translator<'_, '_> {
    pub(super) fn number_literal(
        &mut self,
        at: &Expr,
        literal: &Literal,
    ) -> Result<String, Mistake> {
        let text = literal.text().trim();
        let plain = text.strip_prefix('+').unwrap_or(text);
        let is_plain = |t: &str| {
            let digits = t.strip_prefix('-').unwrap_or(t);
            digits.starts_with(|c: char| c.is_ascii_digit())
                && digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '_' | 'e'))
        };
        let lower = plain.to_ascii_lowercase();
        let is_hex = lower.strip_prefix("0x").is_some_and(|digits| {
            !digits.is_empty()
                && digits.len() <= 64
                && digits.bytes().all(|b| b.is_ascii_hexdigit())
        });
        if is_hex {
            return Ok(lower);
        }
        if matches!(literal, Literal::Bool(_)) || !is_plain(&lower) {
            return refuse(at, format!("{text:?} is no number"));
        }
        let has_more = lower.contains(['.', '_', 'e']);
        if has_more && self.scope.dialect == Dialect::OpenZeppelin {
            self.remark(format!(
                "{text} is no whole number in plain digits: there the comparison failed and never matched; here it is compared exactly"
            ));
        }
        Ok(lower)
    }

    pub(super) fn compare_hashed(
        &mut self,
        whole: &Expr,
        name: &str,
        ty: &DynSolType,
        operator: Operator,
        literal: &Literal,
    ) -> Result<Said, Mistake> {
        let text = literal.text();
        let is_hash = text.len() == 66
            && text.starts_with("0x")
            && text.bytes().skip(2).all(|b| b.is_ascii_hexdigit());
        let op = operator.as_str();
        let right = match (operator.is_equality(), is_hash, ty) {
            (true, true, _) => text.to_ascii_lowercase(),
            (true, false, DynSolType::String) => {
                self.remark(format!(
                    "`{name}` is indexed, so the chain holds only its hash: there the hash's digits were compared with {text:?} and never equal; here the hash of {text:?} is compared"
                ));
                quoted(text)
            }
            _ => {
                let message = format!(
                    "`{name}` is indexed, so the chain holds only its hash, of which {op} {text:?} cannot be asked"
                );
                return refuse(whole, message);
            }
        };
        Ok(Said { text: format!("{name} {op} {right}"), strength: COMPARE })
    }

    /// Hexadecimal bytes. There, bytes are compared as text that begins with `0x`.
    pub(super) fn bytes(
        &mut self,
        at: &Expr,
        operator: Operator,
        literal: &Literal,
    ) -> Result<String, Mistake> {
        let text = literal.text();
        let lower = text.to_ascii_lowercase();
        let stripped = lower.strip_prefix("0x");
        let digits = stripped.unwrap_or(&lower);
        let is_hex = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit());
        if !is_hex || digits.len() % 2 == 1 {
            return refuse(at, format!("{text:?} is not whole bytes in hexadecimal digits"));
        }
        if self.scope.dialect == Dialect::OpenZeppelin {
            match (operator, stripped.is_some()) {
                (Operator::Contains, true) => self.remark(format!(
                    "there {text} was looked for as text with its `0x`, which only the beginning has; here it is looked for anywhere"
                )),
                (Operator::EndsWith, true) => self.remark(format!(
                    "there the end was compared with the text {text}, `0x` included, and never equal"
                )),
                (Operator::Contains, false) => self.remark(format!(
                    "there {text} was looked for in the digits, so that it could begin in the middle of a byte; here bytes are whole"
                )),
                (Operator::Equal | Operator::NotEqual | Operator::StartsWith, false) => {
                    self.remark(format!(
                        "{text} was compared with text that begins with `0x`; here it means the bytes"
                    ));
                }
                _ => {}
            }
        }
        Ok(format!("0x{digits}"))
    }
}

/// An address of any case, with its checksum.
pub(super) fn address(at: &Expr, literal: &Literal) -> Result<String, Mistake> {
    let text = literal.text().to_ascii_lowercase();
    let digits = text.strip_prefix("0x").unwrap_or(&text);
    let padded = format!("0x{digits}");
    match padded.parse::<Address>() {
        Ok(address) if address.is_zero() => Ok("address(0)".to_owned()),
        Ok(address) => Ok(address.to_string()),
        Err(_) => refuse(at, format!("{:?} is no address", literal.text())),
    }
}

/// A string of our language.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}
