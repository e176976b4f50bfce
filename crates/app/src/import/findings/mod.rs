//! What other people's bots found, as findings of ours.
//!
//! A bot's finding is a claim of somebody else: its words are never trusted as ours, and it becomes a
//! [`Finding`] only when it says exactly where on the chain it happened. Formats differ in how much of
//! that they say; who takes a bot's output in while a block is judged knows the rest.

mod forta; // Forta: findings, alerts and labels
mod kin; //   which detector of ours finds the same
mod label; // labels as lists of ours
mod lido; //  Lido's databus

use model::{
    Address, Anchor, B256, BlockRef, Confidence, Evidence, Fact, FactValue, Finding, FindingId,
    Name, Origin, Severity, UnixSeconds,
};
use serde_json::Value;

pub use forta::read as read_forta;
pub use kin::kin;
pub use label::{OutsideLabel, label_files};
pub use lido::read as read_lido;

use crate::init::slug;

/// What a file of another system's findings holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outside {
    /// Findings, in the order of the file.
    pub findings: Vec<OutsideFinding>,
    /// Labels, in the order of the file.
    pub labels: Vec<OutsideLabel>,
    /// Records that could not be read: which, and why.
    pub unread: Vec<(String, String)>,
}

/// A finding as another system tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct OutsideFinding {
    /// Whose format it came in: `forta`, `lido`.
    pub system: &'static str,
    /// The bot, as far as it is named.
    pub bot: Option<String>,
    /// What the bot calls this kind of finding.
    pub alert_id: String,
    /// Short name.
    pub name: String,
    /// What happened, in the bot's words.
    pub description: String,
    /// How bad, in our degrees.
    pub severity: Severity,
    /// Chain, when it is said.
    pub chain_id: Option<u64>,
    /// Height of the block, when it is said.
    pub block_number: Option<u64>,
    /// Hash of the block, when it is said.
    pub block_hash: Option<B256>,
    /// The block's own time, when it is said.
    pub block_time: Option<UnixSeconds>,
    /// Transaction, when it is about one.
    pub tx: Option<B256>,
    /// Addresses it is about.
    pub addresses: Vec<Address>,
    /// What the bot uses to recognise a repetition.
    pub unique_key: Option<String>,
    /// Everything else that was said, by name.
    pub details: Vec<(String, String)>,
}

/// What stands between an outside finding and a [`Finding`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Incomplete {
    /// No chain, or one that is not watched.
    #[error("it does not say on which chain it happened")]
    NoChain,
    /// No block, or a height without a hash: a height alone is ambiguous after a reorg.
    #[error("it does not say in which block it happened by number, hash and time")]
    NoBlock,
}

impl OutsideFinding {
    /// The monitor on whose behalf the finding is made: one per kind of finding, so that each can be
    /// routed and silenced.
    pub fn monitor(&self) -> Name {
        slug(&format!("{}-{}", self.system, self.alert_id))
    }

    /// The block it names, if it names it completely.
    pub fn block(&self) -> Option<(BlockRef, UnixSeconds)> {
        let block = BlockRef { number: self.block_number?, hash: self.block_hash? };
        Some((block, self.block_time?))
    }

    /// The finding, about the block it names itself or else about `judged`, the block that the bot
    /// was given.
    ///
    /// # Errors
    /// When neither says where it happened.
    pub fn to_finding(
        &self,
        network: Option<&Name>,
        judged: Option<(BlockRef, UnixSeconds)>,
    ) -> Result<Finding, Incomplete> {
        let network = network.ok_or(Incomplete::NoChain)?;
        let (block, timestamp) = self.block().or(judged).ok_or(Incomplete::NoBlock)?;
        let anchor = match self.tx {
            Some(tx) => Anchor::Frame { tx, index: 0 },
            None => Anchor::Block(block),
        };
        let monitor = self.monitor();
        let untrusted = |text: &str| FactValue::Untrusted(text.to_owned());
        let what = self.unique_key.as_deref().unwrap_or(&self.description);
        let mut facts = Vec::new();
        let mut fact = |name: &str, value| facts.push(Fact { name: name.to_owned(), value });
        fact("description", untrusted(&self.description));
        if let Some(bot) = &self.bot {
            fact("bot", untrusted(bot));
        }
        for address in &self.addresses {
            fact("address", FactValue::Address { address: *address, label: None });
        }
        for (name, value) in &self.details {
            fact(&FactValue::Untrusted(name.clone()).to_string(), untrusted(value));
        }
        Ok(Finding {
            id: FindingId::derive(&monitor, 1, network, &anchor, what),
            detector: format!("outside/{}", self.system),
            monitor,
            version: 1,
            network: network.clone(),
            deployment: None,
            address: self.addresses.first().copied(),
            severity: self.severity,
            confidence: Confidence::Heuristic,
            title: format!("{} reports {}", self.system, untrusted(&self.name)),
            origin: Origin { block, timestamp, tx: self.tx, log_index: None, frame: None },
            evidence: Evidence { measure: None, facts },
            value_at_risk: None,
            runbook: None,
        })
    }
}

/// Most records of one file: a month of a busy bot.
pub const RECORDS_MAX: usize = 1_000_000;

/// The JSON values of a text: one value, an array of them, or one a line.
///
/// # Errors
/// When the text is neither, or holds more than [`RECORDS_MAX`] records.
fn records(text: &str) -> Result<Vec<(String, Value)>, String> {
    let whole = serde_json::from_str::<Value>(text);
    let values = match whole {
        Ok(Value::Array(values)) => {
            let place = |at: usize| format!("record {}", at + 1);
            values.into_iter().enumerate().map(|(at, value)| (place(at), value)).collect()
        }
        Ok(value) => vec![("record 1".to_owned(), value)],
        Err(of_whole) => {
            let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
            let read = lines.map(|(at, line)| {
                let value = serde_json::from_str::<Value>(line);
                Ok((format!("line {}", at + 1), value.map_err(|error| (at, error))?))
            });
            let read: Result<Vec<(String, Value)>, (usize, serde_json::Error)> = read.collect();
            match read {
                Ok(values) if values.len() > 1 => values,
                // Not one value a line: the mistake is in the text as a whole.
                Ok(_) | Err((0, _)) => return Err(of_whole.to_string()),
                Err((at, error)) => return Err(format!("line {}: {error}", at + 1)),
            }
        }
    };
    match values.len() {
        0 => Err("it holds no record".to_owned()),
        many if many > RECORDS_MAX => {
            Err(format!("it holds {many} records, more than {RECORDS_MAX}; split it"))
        }
        _ => Ok(values),
    }
}

fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key)?.as_str().filter(|text| !text.is_empty())
}

/// A number, also one written as text.
fn number(value: &Value, key: &str) -> Option<u64> {
    let value = value.get(key)?;
    value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
}

fn parsed<T: std::str::FromStr>(value: &Value, key: &str) -> Option<T> {
    text(value, key)?.parse().ok()
}

/// Seconds since 1970 from seconds, milliseconds or RFC 3339 text.
fn moment(value: &Value, key: &str) -> Option<UnixSeconds> {
    /// Seconds of the year 5138: anything larger is milliseconds.
    const SECONDS_MAX: u64 = 100_000_000_000;
    if let Some(number) = number(value, key) {
        return Some(UnixSeconds(if number < SECONDS_MAX { number } else { number / 1_000 }));
    }
    let moment: jiff::Timestamp = parsed(value, key)?;
    u64::try_from(moment.as_second()).ok().map(UnixSeconds)
}

/// Addresses of an array of texts, each once, those that are none left out.
fn addresses(value: &Value, key: &str) -> Vec<Address> {
    let items = value.get(key).and_then(Value::as_array).into_iter().flatten();
    let mut found: Vec<Address> = Vec::new();
    for address in items.filter_map(|item| item.as_str()?.parse().ok()) {
        if !found.contains(&address) {
            found.push(address);
        }
    }
    found
}

#[cfg(test)]
mod tests;
