//! Keys told by a request `INFO` of SIP: older than the standard (RFC 6086) and still spoken by many
//! telephone systems.
//!
//! ```text
//! Content-Type: application/dtmf-relay        Content-Type: application/dtmf
//!
//! Signal=1                                    1
//! Duration=160
//! ```

use super::Key;

/// Longest body that is looked at; real ones have 30 bytes.
const BODY_BYTES_MAX: usize = 256;

/// The key that an `INFO` tells of.
pub fn key_of_info(content_type: &str, body: &[u8]) -> Option<Key> {
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let body = std::str::from_utf8(body.get(..body.len().min(BODY_BYTES_MAX))?).ok()?;
    let sign = match kind.as_str() {
        "application/dtmf-relay" => body.lines().find_map(|line| {
            let (name, value) = line.split_once(['=', ':'])?;
            name.trim().eq_ignore_ascii_case("signal").then(|| value.trim())
        })?,
        "application/dtmf" => body.trim(),
        _ => return None,
    };
    match sign {
        // Some write the number of the event (RFC 4733) instead of the sign.
        "10" => Key::new('*'),
        "11" => Key::new('#'),
        _ => {
            let mut signs = sign.chars();
            let key = Key::new(signs.next()?);
            if signs.next().is_some() { None } else { key }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_forms_are_understood() {
        let relay = "application/dtmf-relay";
        assert_eq!(key_of_info(relay, b"Signal=1\r\nDuration=160\r\n"), Key::new('1'));
        assert_eq!(key_of_info(relay, b"Duration= 160\r\nsignal= #\r\n"), Key::new('#'));
        assert_eq!(key_of_info(relay, b"Signal=10\r\n"), Key::new('*'));
        assert_eq!(key_of_info("Application/DTMF; charset=utf-8", b" 5\r\n"), Key::new('5'));
    }

    #[test]
    fn anything_else_is_no_key() {
        assert_eq!(key_of_info("application/sdp", b"1"), None);
        assert_eq!(key_of_info("application/dtmf", b"12"), None);
        assert_eq!(key_of_info("application/dtmf-relay", b"Signal=\r\n"), None);
        assert_eq!(key_of_info("application/dtmf-relay", b"Duration=1"), None);
    }

    proptest! {
        #[test]
        fn any_body_is_read_or_left(
            relay in any::<bool>(),
            body in proptest::collection::vec(any::<u8>(), 0..400),
        ) {
            let kind = if relay { "application/dtmf-relay" } else { "application/dtmf" };
            let _key = key_of_info(kind, &body);
        }
    }
}
