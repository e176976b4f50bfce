//! JSON that knows where it stands: every complaint names the file and the path in it.

use model::{Address, B256};
use serde_json::Value;

use super::{
    Files,
    place::{At, LeftOut, Place, Why},
};
use crate::address::parse_address;

/// Longest piece of a foreign value that a message repeats.
const SHOWN_CHARS_MAX: usize = 60;

/// What is wrong with a value, and where.
#[derive(Debug, Clone)]
pub(super) struct Problem {
    place: Place,
    text: String,
}

impl Problem {
    /// As something that was not taken.
    pub(super) fn left_out(self, what: impl Into<String>) -> LeftOut {
        LeftOut { place: self.place, what: what.into(), why: Why::Corrupt(self.text) }
    }
}

/// Reads a file as JSON.
pub(super) fn parse(files: &dyn Files, path: &str) -> Result<Value, LeftOut> {
    let text = files.text(path).map_err(|why| LeftOut {
        place: Place::file(path),
        what: String::new(),
        why: Why::Corrupt(format!("cannot be read: {why}")),
    })?;
    parse_text(path, &text, 1)
}

/// Reads a text as JSON that begins on a line of its file.
pub(super) fn parse_text(path: &str, text: &str, first_line: usize) -> Result<Value, LeftOut> {
    serde_json::from_str(text).map_err(|error| LeftOut {
        place: Place {
            file: path.to_owned(),
            at: At::Line { line: error.line() + first_line - 1, column: error.column().max(1) },
        },
        what: String::new(),
        why: Why::Corrupt(format!("not JSON: {}", without_place(&error.to_string()))),
    })
}

/// The message without its own " at line 3 column 5".
pub(super) fn without_place(message: &str) -> &str {
    message.rsplit_once(" at line ").map_or(message, |(text, _)| text)
}

/// A value of a file, with its path.
#[derive(Debug, Clone)]
pub(super) struct Node<'a> {
    pub(super) file: &'a str,
    pub(super) value: &'a Value,
    path: String,
}

impl<'a> Node<'a> {
    pub(super) fn root(file: &'a str, value: &'a Value) -> Self {
        Self { file, value, path: "$".to_owned() }
    }

    pub(super) fn place(&self) -> Place {
        let at = if self.path == "$" { At::Whole } else { At::Path(self.path.clone()) };
        Place { file: self.file.to_owned(), at }
    }

    pub(super) fn problem(&self, text: impl Into<String>) -> Problem {
        let at = At::Path(self.path.clone());
        Problem { place: Place { file: self.file.to_owned(), at }, text: text.into() }
    }

    /// The complaint that something else was expected here.
    pub(super) fn expected(&self, what: &str) -> Problem {
        self.problem(format!("expected {what}, found {}", shown(self.value)))
    }

    /// A field that is there and not null.
    pub(super) fn field(&self, key: &str) -> Option<Self> {
        let value = self.value.get(key).filter(|value| !value.is_null())?;
        Some(self.child(key, value))
    }

    /// A field that must be there.
    pub(super) fn required(&self, key: &str, what: &str) -> Result<Self, Problem> {
        let Value::Object(object) = self.value else {
            return Err(self.expected(&format!("an object with {key:?}")));
        };
        self.field(key).ok_or_else(|| {
            let state = if object.contains_key(key) { "null" } else { "missing" };
            self.problem(format!("{key} is {state}; expected {what}"))
        })
    }

    fn child(&self, key: &str, value: &'a Value) -> Self {
        let is_plain =
            !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        let step = if is_plain { format!(".{key}") } else { format!("[{key:?}]") };
        Self { file: self.file, value, path: format!("{}{step}", self.path) }
    }

    /// The elements of a list.
    pub(super) fn items(&self) -> Result<Vec<Self>, Problem> {
        let Value::Array(items) = self.value else { return Err(self.expected("a list")) };
        let item =
            |(at, value)| Self { file: self.file, value, path: format!("{}[{at}]", self.path) };
        Ok(items.iter().enumerate().map(item).collect())
    }

    /// The entries of an object.
    pub(super) fn entries(&self) -> Result<Vec<(&'a str, Self)>, Problem> {
        let Value::Object(object) = self.value else { return Err(self.expected("an object")) };
        Ok(object.iter().map(|(key, value)| (key.as_str(), self.child(key, value))).collect())
    }

    pub(super) fn text(&self) -> Result<&'a str, Problem> {
        self.value.as_str().ok_or_else(|| self.expected("a string"))
    }

    pub(super) fn address(&self) -> Result<Address, Problem> {
        parse_address(self.text()?).map_err(|why| self.problem(why))
    }

    pub(super) fn hash(&self) -> Result<B256, Problem> {
        self.text()?.parse().map_err(|_| self.expected("a hash (0x and 64 hex digits)"))
    }

    /// A whole number, also as decimal or `0x` text.
    pub(super) fn number(&self) -> Result<u64, Problem> {
        let number = match self.value {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => match text.strip_prefix("0x") {
                Some(digits) => u64::from_str_radix(digits, 16).ok(),
                None => text.parse().ok(),
            },
            _ => None,
        };
        number.ok_or_else(|| self.expected("a whole number"))
    }

    /// A field's text, when the field is there; of another type it is as good as absent.
    pub(super) fn text_of(&self, key: &str) -> Option<&'a str> {
        self.value.get(key)?.as_str().filter(|text| !text.is_empty())
    }
}

/// A value as a message repeats it, cut to a size.
pub(super) fn shown(value: &Value) -> String {
    let text = match value {
        Value::Object(object) => {
            let keys: Vec<String> = object.keys().take(4).map(|key| format!("{key:?}")).collect();
            let more = if object.len() > 4 { ", …" } else { "" };
            return match keys.as_slice() {
                [] => "an empty object".to_owned(),
                keys => format!("an object with {}{more}", keys.join(", ")),
            };
        }
        Value::Array(items) => return format!("a list of {}", items.len()),
        Value::Null => return "null".to_owned(),
        value => value.to_string(),
    };
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// An argument of a constructor as text: strings as they are, the rest as JSON.
pub(super) fn argument(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        // Ignition writes whole numbers that JSON cannot hold as {"_kind": "bigint", "value": "1"}.
        Value::Object(object) if object.get("_kind").is_some_and(|kind| kind == "bigint") => {
            object.get("value").and_then(Value::as_str).unwrap_or_default().to_owned()
        }
        value => value.to_string(),
    }
}
