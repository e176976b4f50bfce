//! Named values with their types, and what no chain says.

use model::FactValue;
use serde::Serialize;

use super::{Amount, Block, WallMoment};
use crate::words;

/// What no chain says.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Who says so: a name of the files, or `bellwether`.
    pub source: String,
    /// What the source knows it by.
    pub fingerprint: String,
    /// Which of the source's rules says it.
    pub rule: String,
    /// When it began, as the source says.
    pub began: WallMoment,
    /// How many of the same it stands for.
    pub times: u64,
    /// All that it says; of another system, as untrusted text.
    pub facts: Vec<Fact>,
}

/// A named value.
#[derive(Debug, Serialize)]
pub struct Fact {
    /// Name.
    pub name: String,
    /// The value as people read it; of a stranger's text, cut and without control characters.
    pub text: String,
    /// The value as programs read it.
    #[serde(flatten)]
    pub value: Value,
}

/// A value with its type.
#[derive(Debug, Serialize)]
#[serde(tag = "type", content = "value", rename_all = "snake_case")]
pub enum Value {
    /// Our own words.
    Text(String),
    /// A stranger's words, whole: escape them.
    Untrusted(String),
    /// An address.
    Address {
        /// Checksummed.
        address: String,
        /// The user's name for it.
        label: Option<String>,
    },
    /// A transaction hash.
    Transaction(String),
    /// A block.
    Block(Block),
    /// An unsigned integer, decimal.
    Uint(String),
    /// A signed integer, decimal.
    Int(String),
    /// A token amount.
    Amount(Amount),
    /// Bytes.
    Bytes(String),
    /// True or false.
    Bool(bool),
    /// A share; 0.05 is 5 %.
    Ratio(f64),
    /// A number with its unit.
    Number {
        /// Value.
        value: f64,
        /// Unit, empty for a count.
        unit: String,
    },
    /// A span of time in seconds.
    Seconds(u64),
    /// Several values.
    List(Vec<Value>),
}

impl Report {
    pub(crate) fn new(report: &model::Report) -> Self {
        Self {
            source: report.source.to_string(),
            fingerprint: report.fingerprint.clone(),
            rule: report.rule.clone(),
            began: report.began.into(),
            times: report.times,
            facts: report.facts().iter().map(Fact::from).collect(),
        }
    }
}

impl From<&model::Fact> for Fact {
    fn from(fact: &model::Fact) -> Self {
        Self {
            name: fact.name.clone(),
            text: words::clean(&fact.value.to_string()),
            value: (&fact.value).into(),
        }
    }
}

impl From<&FactValue> for Value {
    fn from(value: &FactValue) -> Self {
        match value {
            FactValue::Text(text) => Self::Text(text.clone()),
            FactValue::Untrusted(text) => Self::Untrusted(text.clone()),
            FactValue::Address { address, label } => {
                Self::Address { address: address.to_string(), label: label.clone() }
            }
            FactValue::Transaction(hash) => Self::Transaction(hash.to_string()),
            FactValue::Block(block) => Self::Block((*block).into()),
            FactValue::Uint(value) => Self::Uint(value.to_string()),
            FactValue::Int(value) => Self::Int(value.to_string()),
            FactValue::Amount(amount) => Self::Amount(amount.into()),
            FactValue::Bytes(bytes) => Self::Bytes(bytes.to_string()),
            FactValue::Bool(value) => Self::Bool(*value),
            FactValue::Ratio(share) => Self::Ratio(*share),
            FactValue::Number { value, unit } => Self::Number { value: *value, unit: unit.clone() },
            FactValue::Seconds(seconds) => Self::Seconds(*seconds),
            FactValue::List(values) => Self::List(values.iter().map(Self::from).collect()),
        }
    }
}
