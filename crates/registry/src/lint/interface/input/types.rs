//! Canonical types: what a signature's hash is made of.

use std::borrow::Cow;

/// Deepest nesting of tuples that is read; compilers' own output stays below ten.
pub(super) const DEPTH_MAX: usize = 16;

/// The canonical spelling of an elementary type; `None` for anything else.
pub(super) fn elementary(word: &str) -> Option<Cow<'_, str>> {
    let sized = |digits: &str| -> Option<u16> {
        let is_plain = !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit());
        digits.parse().ok().filter(|_| is_plain)
    };
    match word {
        "bool" | "address" | "string" | "bytes" | "function" => return Some(word.into()),
        "uint" => return Some("uint256".into()),
        "int" => return Some("int256".into()),
        "byte" => return Some("bytes1".into()),
        "fixed" => return Some("fixed128x18".into()),
        "ufixed" => return Some("ufixed128x18".into()),
        _ => {}
    }
    let is_good = if let Some(bits) = word.strip_prefix("uint").or(word.strip_prefix("int")) {
        sized(bits).is_some_and(|bits| bits % 8 == 0 && bits <= 256)
    } else if let Some(length) = word.strip_prefix("bytes") {
        sized(length).is_some_and(|length| (1..=32).contains(&length))
    } else if let Some(size) = word.strip_prefix("ufixed").or(word.strip_prefix("fixed")) {
        size.split_once('x').is_some_and(|(bits, digits)| {
            let is_digits = digits == "0" || sized(digits).is_some_and(|digits| digits <= 80);
            is_digits && sized(bits).is_some_and(|bits| bits % 8 == 0 && bits <= 256)
        })
    } else {
        false
    };
    is_good.then_some(word.into())
}

/// The canonical spelling of an ABI's type, without tuples: `uint256[2][]`.
pub(super) fn with_dimensions(text: &str) -> Option<String> {
    let at = text.find('[').unwrap_or(text.len());
    let (base, dimensions) = text.split_at(at);
    let mut canonical = elementary(base.trim())?.into_owned();
    are_dimensions(dimensions).then(|| {
        canonical.push_str(dimensions);
        canonical
    })
}

/// Whether a text is `[2][]` and the like.
pub(super) fn are_dimensions(mut text: &str) -> bool {
    while let Some(rest) = text.strip_prefix('[') {
        let Some((length, after)) = rest.split_once(']') else { return false };
        if !length.bytes().all(|b| b.is_ascii_digit()) || length.starts_with('0') {
            return false;
        }
        text = after;
    }
    text.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_odd_spellings_become_canonical_or_are_refused() {
        for (text, canonical) in [
            ("uint", "uint256"),
            ("int[]", "int256[]"),
            ("byte", "bytes1"),
            ("bytes32[2][]", "bytes32[2][]"),
            ("ufixed128x18", "ufixed128x18"),
            ("address", "address"),
        ] {
            assert_eq!(with_dimensions(text).as_deref(), Some(canonical));
        }
        for text in [
            "uint7",
            "uint264",
            "uint08",
            "bytes0",
            "bytes33",
            "IERC20",
            "uint256[0]",
            "uint[x]",
            "uint[",
            "",
        ] {
            assert_eq!(with_dimensions(text), None, "{text}");
        }
    }
}
