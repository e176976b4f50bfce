//! Lists as JSON: `["0x…"]`, `[{"address": …, "name": …, "category": …}]`, `{"0x…": "name"}`,
//! `{"0x…": ["label"]}` and `{"0x…": {"name": …, "labels": […]}}`.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::import::{Import, ImportError, Imported, Row};

pub(super) fn import(import: &mut Import<'_>, text: &str) -> Result<Imported, ImportError> {
    let file = import.of.file.clone();
    let mut failure = None;
    let mut reader = serde_json::Deserializer::from_str(text);
    let list = List { import, failure: &mut failure };
    let outcome = list.deserialize(&mut reader).and_then(|()| reader.end());
    match (failure, outcome) {
        (Some(failure), _) => Err(failure),
        (None, Err(error)) => Err(ImportError::BadJson { file, reason: error.to_string() }),
        (None, Ok(())) => Ok(std::mem::take(&mut import.outcome)),
    }
}

/// Reads entry by entry, so that a list of a million never stands in memory as JSON values.
struct List<'l, 'a> {
    import: &'l mut Import<'a>,
    /// An error of ours, which serde would only carry as text.
    failure: &'l mut Option<ImportError>,
}

impl<'de> DeserializeSeed<'de> for List<'_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for List<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of addresses or objects, or an object with addresses as keys")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        let mut line = 0;
        while let Some(value) = list.next_element::<Value>()? {
            line += 1;
            let address = match &value {
                Value::String(address) => Some(address.as_str()),
                _ => self.named(&value, &self.import.of.columns.address, &["address", "account"]),
            };
            match address.map(str::to_owned) {
                Some(address) => self.entry(line, &address, &value)?,
                None => self.import.reject(line, "an entry without an address".to_owned()),
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let mut line = 0;
        while let Some((address, value)) = map.next_entry::<String, Value>()? {
            line += 1;
            self.entry(line, &address, &value)?;
        }
        Ok(())
    }
}

impl List<'_, '_> {
    fn named<'v>(
        &self,
        value: &'v Value,
        named: &Option<String>,
        usual: &[&str],
    ) -> Option<&'v str> {
        field(value, named, usual)?.as_str()
    }

    fn entry<E: serde::de::Error>(
        &mut self,
        line: usize,
        address: &str,
        value: &Value,
    ) -> Result<(), E> {
        let columns = &self.import.of.columns;
        let name = match value {
            // `{"0x…": "name"}`; in a plain array the string is the address itself.
            Value::String(name) if name != address => name.as_str(),
            _ => self.named(value, &columns.name, &["name", "nametag", "tag"]).unwrap_or_default(),
        };
        let usual = ["category", "labels", "label", "tags", "type"];
        let words: Vec<&str> = match value {
            Value::Array(words) => words.iter().filter_map(Value::as_str).collect(),
            _ => match field(value, &columns.category, &usual) {
                Some(Value::String(word)) => vec![word.as_str()],
                Some(Value::Array(words)) => words.iter().filter_map(Value::as_str).collect(),
                _ => Vec::new(),
            },
        };
        let chain_id =
            field(value, &columns.chain_id, &["chain_id", "chainId", "chain"]).map(plain);
        let confidence = field(value, &None, &["confidence"]).map(plain);
        let first_seen = field(value, &columns.first_seen, &["first_seen", "firstSeen"]).map(plain);
        let row = Row {
            line,
            address,
            name,
            categories: &words,
            chain_id: chain_id.as_deref(),
            confidence: confidence.as_deref(),
            network: None,
            first_seen: first_seen.as_deref(),
        };
        self.import.row(&row).map_err(|error| {
            *self.failure = Some(error);
            E::custom("stopped")
        })
    }
}

/// A string as it is, anything else as JSON writes it.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn field<'v>(value: &'v Value, named: &Option<String>, usual: &[&str]) -> Option<&'v Value> {
    match named {
        Some(named) => value.get(named),
        None => usual.iter().find_map(|usual| value.get(usual)),
    }
}
