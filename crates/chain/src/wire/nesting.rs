//! How deep a body is nested, before anything recurses into it.

/// Whether arrays and objects are nested at most `depth_max` deep. One pass without recursion;
/// brackets inside strings do not count. Says nothing about whether the body is valid JSON.
///
/// Needed before sonic-rs sees a body of a stranger: it limits the depth of what it reads, but
/// not of what it skips (unknown fields, raw values, values of an unexpected type), and a hundred
/// kilobytes of `[` are enough to overflow the stack there.
pub fn is_nested_at_most(body: &[u8], depth_max: usize) -> bool {
    let mut depth = 0_usize;
    let mut bytes = body.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'[' | b'{' => {
                depth += 1;
                if depth > depth_max {
                    return false;
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => loop {
                let rest = bytes.as_slice();
                let Some(at) = memchr::memchr2(b'"', b'\\', rest) else { return true };
                // A backslash takes the byte after it along, even a quote.
                let is_escape = rest[at] == b'\\';
                bytes = rest.get(at + 1 + usize::from(is_escape)..).unwrap_or_default().iter();
                if !is_escape {
                    break;
                }
            },
            _ => {}
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_counts_brackets_outside_strings() {
        assert!(is_nested_at_most(br#"[{"a":[1]},[[]]]"#, 3));
        assert!(!is_nested_at_most(br#"[{"a":[1]},[[]]]"#, 2));
        assert!(is_nested_at_most(br#"["[[[[\"[[[[\\",["]]"#, 2));
        assert!(is_nested_at_most(br#"["unfinished \"#, 1));
        assert!(!is_nested_at_most(&vec![b'['; 1_000_000], 999_999));
    }
}
