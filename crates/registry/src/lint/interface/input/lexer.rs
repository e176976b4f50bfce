//! Words and signs of Solidity, with the line each stands on; comments and texts are left out.

/// A word (`uint256`, `IVault.Order`, `12`) or a sign (`(`, `,`, `{`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    Word(&'a str),
    Sign(char),
}

/// All tokens of a text with their lines, counted from `line`. Never fails: what is not Solidity
/// becomes signs that no declaration has.
pub(super) fn tokens(text: &str, mut line: u32) -> Vec<(Token<'_>, u32)> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'.');
    while at < bytes.len() {
        let rest = &text[at..];
        if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if rest.starts_with("/*") {
            let end = rest.find("*/").map_or(rest.len(), |end| end + 2);
            line += rest[..end].matches('\n').count() as u32;
            at += end;
        } else if matches!(bytes[at], b'"' | b'\'') {
            let end = end_of_text(&bytes[at..]);
            line += rest.as_bytes()[..end].iter().filter(|b| **b == b'\n').count() as u32;
            at += end;
            while !text.is_char_boundary(at) {
                at += 1;
            }
        } else if is_word(bytes[at]) {
            let length = rest.bytes().take_while(|byte| is_word(*byte)).count();
            found.push((Token::Word(&rest[..length]), line));
            at += length;
        } else {
            let sign = rest.chars().next().unwrap_or(' ');
            if sign == '\n' {
                line += 1;
            } else if !sign.is_whitespace() {
                found.push((Token::Sign(sign), line));
            }
            at += sign.len_utf8();
        }
    }
    found
}

/// Length of the quoted text at the start, its quotes included.
fn end_of_text(bytes: &[u8]) -> usize {
    let mut at = 1;
    while at < bytes.len() && bytes[at] != bytes[0] && bytes[at] != b'\n' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}
