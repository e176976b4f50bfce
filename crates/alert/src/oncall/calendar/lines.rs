//! Content lines: folded at 75 octets, with parameters, text escaped.

use super::CalendarError;

/// Octets in a line before it is folded (RFC 5545, section 3.1).
const FOLD_AT: usize = 75;

/// One property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// Where it begins in the file, counted from 1.
    pub(super) number: usize,
    /// In upper case.
    pub(super) name: String,
    /// Names in upper case.
    pub(super) parameters: Vec<(String, String)>,
    pub(super) value: String,
}

impl Line {
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(n, _)| n == name).map(|(_, value)| &**value)
    }
}

/// The lines of a file, each whole again. Empty ones, which some programs write, are skipped.
pub(super) fn unfold(text: &str) -> Result<Vec<Line>, CalendarError> {
    let mut whole: Vec<(usize, String)> = Vec::new();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (number, line) in (1..).zip(text.split('\n')) {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let rest = line.strip_prefix([' ', '\t']);
        match (rest, whole.last_mut()) {
            (Some(rest), Some((_, before))) => before.push_str(rest),
            _ if line.is_empty() => {}
            _ => whole.push((number, line.to_owned())),
        }
    }
    whole.into_iter().map(|(number, line)| split(number, &line)).collect()
}

fn split(number: usize, line: &str) -> Result<Line, CalendarError> {
    let mut parts: Vec<String> = vec![String::new()];
    let mut is_quoted = false;
    let mut value = None;
    for (at, c) in line.char_indices() {
        match c {
            '"' => is_quoted = !is_quoted,
            ';' if !is_quoted => parts.push(String::new()),
            ':' if !is_quoted => {
                value = Some(line[at + 1..].to_owned());
                break;
            }
            c => {
                if let Some(part) = parts.last_mut() {
                    part.push(c);
                }
            }
        }
    }
    let structure = |what: &str| CalendarError::Structure { line: number, what: what.to_owned() };
    let value = value.ok_or_else(|| structure("not a line of a calendar: it has no colon"))?;
    let mut parts = parts.into_iter();
    let name = parts.next().unwrap_or_default().to_ascii_uppercase();
    let parameters = parts
        .map(|part| match part.split_once('=') {
            Some((name, value)) => Ok((name.to_ascii_uppercase(), value.to_owned())),
            None => Err(structure("a parameter has no value")),
        })
        .collect::<Result<_, _>>()?;
    Ok(Line { number, name, parameters, value })
}

/// The text that a value stands for.
pub(super) fn text(value: &str) -> String {
    let mut text = String::new();
    let mut rest = value.chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' => match rest.next() {
                Some('n' | 'N') => text.push('\n'),
                Some(c) => text.push(c),
                None => text.push('\\'),
            },
            c => text.push(c),
        }
    }
    text
}

/// The value that stands for a text.
pub(super) fn escaped(text: &str) -> String {
    let mut value = String::new();
    for c in text.chars() {
        match c {
            '\\' | ';' | ',' => value.extend(['\\', c]),
            '\n' => value.push_str("\\n"),
            c if c.is_control() => {}
            c => value.push(c),
        }
    }
    value
}

/// Writes a line, folded between characters so that no octet of one is torn off.
pub(super) fn fold(line: &str, out: &mut String) {
    let mut room = FOLD_AT;
    for c in line.chars() {
        if c.len_utf8() > room {
            out.push_str("\r\n ");
            room = FOLD_AT - 1;
        }
        room -= c.len_utf8();
        out.push(c);
    }
    out.push_str("\r\n");
}
