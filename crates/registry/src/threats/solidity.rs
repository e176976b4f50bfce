//! Required events as a Solidity interface, to be implemented by the contracts.

use std::{collections::BTreeSet, fmt, fmt::Write as _, str::FromStr};

use alloy_json_abi::Event;

use super::ThreatMap;

/// The shape of an event: its name, and its parameters with their types and whether they are
/// indexed. Structs have no name in an ABI, so only elementary types and arrays of them are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventShape(Event);

/// A text that is no event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseShapeError {
    /// It does not read as one.
    #[error("{text:?} is not an event (write \"event Paused(address indexed by)\"): {why}")]
    NotAnEvent {
        /// The text.
        text: String,
        /// What the reader said.
        why: String,
    },
    /// It is one that cannot be required.
    #[error("event {0}: a parameter is a struct; write its fields as parameters")]
    Struct(String),
    /// It has no parameter types that exist.
    #[error("event {0}: there is no type {1:?}")]
    NoSuchType(String, String),
}

impl FromStr for EventShape {
    type Err = ParseShapeError;
    fn from_str(text: &str) -> Result<Self, ParseShapeError> {
        let wrong = |why: String| ParseShapeError::NotAnEvent { text: text.to_owned(), why };
        let whole = match text.trim_start().starts_with("event ") {
            true => text.to_owned(),
            false => format!("event {text}"),
        };
        if !text.contains('(') {
            return Err(wrong(
                "it has no parameters; an event without any is written Name()".into(),
            ));
        }
        let event = Event::parse(&whole).map_err(|error| wrong(error.to_string()))?;
        if event.inputs.iter().any(|input| !input.components.is_empty()) {
            return Err(ParseShapeError::Struct(event.name));
        }
        for input in &event.inputs {
            let ty: Result<alloy_dyn_abi::DynSolType, _> = input.ty.parse();
            if ty.is_err() {
                return Err(ParseShapeError::NoSuchType(event.name, input.ty.clone()));
            }
        }
        Ok(Self(event))
    }
}

impl EventShape {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Its signature: `Paused(address)`.
    pub fn signature(&self) -> String {
        self.0.signature()
    }

    /// For each parameter, whether it is indexed.
    pub fn indexed(&self) -> Vec<bool> {
        self.0.inputs.iter().map(|input| input.indexed).collect()
    }
}

/// As Solidity writes it, without the semicolon.
impl fmt::Display for EventShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "event {}(", self.0.name)?;
        for (at, input) in self.0.inputs.iter().enumerate() {
            let separator = if at > 0 { ", " } else { "" };
            let indexed = if input.indexed { " indexed" } else { "" };
            let name =
                if input.name.is_empty() { String::new() } else { format!(" {}", input.name) };
            write!(f, "{separator}{}{indexed}{name}", input.ty)?;
        }
        f.write_str(if self.0.anonymous { ") anonymous" } else { ")" })
    }
}

impl ThreatMap {
    /// All required events as one interface that a Solidity compiler takes.
    pub fn solidity(&self) -> String {
        let mut text =
            String::from("// SPDX-License-Identifier: CC0-1.0\npragma solidity ^0.8.0;\n\n");
        let name = interface_name(&self.name);
        writeln!(
            text,
            "/// Events that {} must emit for its threats to be seen.",
            line(&self.name)
        )
        .expect("writing to a String cannot fail");
        text.push_str("/// Written from the threat map; change that, not this.\n");
        writeln!(text, "interface {name} {{").expect("writing to a String cannot fail");
        let mut seen = BTreeSet::new();
        let mut is_first = true;
        for event in &self.events {
            // One event may be required of several contracts for several reasons.
            if !seen.insert(event.shape.signature()) {
                continue;
            }
            let same =
                |other: &&super::RequiredEvent| other.shape.signature() == event.shape.signature();
            if !std::mem::take(&mut is_first) {
                text.push('\n');
            }
            for required in self.events.iter().filter(same) {
                let threats: Vec<&str> = self
                    .threats
                    .iter()
                    .filter(|threat| threat.events.contains(&required.id))
                    .map(|threat| threat.id.as_str())
                    .collect();
                let threats = match threats.as_slice() {
                    [] => String::new(),
                    threats => format!(" Threats: {}.", threats.join(", ")),
                };
                writeln!(text, "    /// {}: {}{threats}", required.id, sentence(&required.meaning))
                    .expect("writing to a String cannot fail");
            }
            writeln!(text, "    {};", event.shape).expect("writing to a String cannot fail");
        }
        text.push_str("}\n");
        text
    }
}

/// `my protocol` → `IMyProtocolRiskEvents`.
fn interface_name(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let capital = |word: &str| {
        let (head, rest) = word.split_at(1);
        head.to_ascii_uppercase() + rest
    };
    format!("I{}RiskEvents", words.map(capital).collect::<String>())
}

/// A comment is one line: what a file says cannot end it. `@` would begin a tag of NatSpec.
fn line(text: &str) -> String {
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{85}');
    let plain: String = text.chars().map(|c| if breaks(c) { ' ' } else { c }).collect();
    plain.replace('@', "(at)").trim().to_owned()
}

fn sentence(text: &str) -> String {
    let text = line(text);
    if text.ends_with(['.', '!', '?']) { text } else { format!("{text}.") }
}
