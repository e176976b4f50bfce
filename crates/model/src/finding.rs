//! Findings: immutable claims with evidence.

use std::fmt;

use alloy_primitives::{Address, B256, Bytes, I256, U256};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{BlockRef, Name, Provenance, Severity, TokenAmount, UnixMillis, UnixSeconds};

/// What one finding is anchored to, so that the same thing seen again is the same finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Anchor {
    /// A log: its transaction and its position **inside that transaction**, so that a transaction
    /// which moves to another block on a reorg keeps its finding.
    Log {
        /// Transaction.
        tx: B256,
        /// Position among the transaction's own logs.
        ordinal: u32,
    },
    /// A call frame, by its pre-order index in the transaction; 0 is the transaction itself.
    Frame {
        /// Transaction.
        tx: B256,
        /// Pre-order index.
        index: u32,
    },
    /// An episode of an entity: it began at this chain time.
    Episode {
        /// What is having the episode (a series, a feed, a contract).
        entity: String,
        /// When it began.
        began: UnixSeconds,
    },
    /// A block as a whole.
    Block(BlockRef),
}

/// Identity of a finding: the same claim about the same event has the same id in every run, after
/// every crash and on every branch.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FindingId(pub [u8; 16]);

impl FindingId {
    /// The id of what `monitor` (of `version`) claims on `network` about `anchor`; `what` keeps
    /// apart several claims of one monitor about one event.
    pub fn derive(
        monitor: &Name,
        version: u32,
        network: &Name,
        anchor: &Anchor,
        what: &str,
    ) -> Self {
        let mut hash = Sha256::new();
        let mut part = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        };
        part(b"finding/1");
        part(monitor.as_str().as_bytes());
        part(&version.to_be_bytes());
        part(network.as_str().as_bytes());
        part(what.as_bytes());
        match anchor {
            Anchor::Log { tx, ordinal } => {
                part(b"log");
                part(tx.as_slice());
                part(&ordinal.to_be_bytes());
            }
            Anchor::Frame { tx, index } => {
                part(b"frame");
                part(tx.as_slice());
                part(&index.to_be_bytes());
            }
            Anchor::Episode { entity, began } => {
                part(b"episode");
                part(entity.as_bytes());
                part(&began.0.to_be_bytes());
            }
            Anchor::Block(block) => {
                part(b"block");
                part(&block.number.to_be_bytes());
                part(block.hash.as_slice());
            }
        }
        let mut id = [0; 16];
        id.copy_from_slice(&hash.finalize()[..16]);
        Self(id)
    }

    /// The id of what a drill that began at `at` claims; no monitor's finding has it.
    pub fn of_drill(drill: &Name, at: UnixMillis) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"drill/1");
        hash.update(at.0.to_be_bytes());
        hash.update(drill.as_str().as_bytes());
        let mut id = [0; 16];
        id.copy_from_slice(&hash.finalize()[..16]);
        Self(id)
    }
}

impl fmt::Display for FindingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for FindingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where on the chain it happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Block.
    pub block: BlockRef,
    /// The block's own time.
    pub timestamp: UnixSeconds,
    /// Transaction, when the finding is about one.
    pub tx: Option<B256>,
    /// Block-wide log index, when it is about a log.
    pub log_index: Option<u32>,
    /// Pre-order index of the call frame, when it is about a call.
    pub frame: Option<u32>,
}

/// How sure we are, in a form a person can weigh.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Confidence {
    /// The chain itself says so: a decoded event or call of a verified block.
    Proven,
    /// Unusual against its own history: the chance of seeing this when nothing is wrong.
    Statistical {
        /// Tail probability in [0, 1].
        p: f64,
    },
    /// A rule of thumb fired.
    Heuristic,
}

/// A value with its meaning kept, so that each channel can render (and escape) it properly.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum FactValue {
    /// Our own words.
    Text(String),
    /// A string that came from the chain: never a link, never a mention, always escaped and cut.
    Untrusted(String),
    /// An address, with its label when the registry knows one.
    Address {
        /// Address.
        address: Address,
        /// The user's name for it.
        label: Option<String>,
    },
    /// A transaction hash.
    Transaction(B256),
    /// A block.
    Block(BlockRef),
    /// An unsigned integer of any width.
    Uint(U256),
    /// A signed integer of any width.
    Int(I256),
    /// A token amount.
    Amount(TokenAmount),
    /// Raw bytes.
    Bytes(Bytes),
    /// True or false.
    Bool(bool),
    /// A share; 0.05 is 5 %.
    Ratio(f64),
    /// A plain number with its unit.
    Number {
        /// Value.
        value: f64,
        /// Unit, empty for a count.
        unit: String,
    },
    /// A span of time.
    Seconds(u64),
    /// Several values (arrays, tuples).
    List(Vec<FactValue>),
}

impl fmt::Display for FactValue {
    /// Plain text without markup; untrusted strings lose control characters and are cut to
    /// [`FactValue::UNTRUSTED_LEN_MAX`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Untrusted(text) => {
                let is_safe = |c: &char| !c.is_control() && !is_bidi_control(*c);
                let mut shown = text.chars().filter(is_safe);
                write!(f, "\"")?;
                for c in shown.by_ref().take(Self::UNTRUSTED_LEN_MAX) {
                    write!(f, "{c}")?;
                }
                f.write_str(if shown.next().is_some() { "…\"" } else { "\"" })
            }
            Self::Address { address, label: Some(label) } => write!(f, "{label} ({address})"),
            Self::Address { address, label: None } => write!(f, "{address}"),
            Self::Transaction(hash) => write!(f, "{hash}"),
            Self::Block(block) => write!(f, "{block}"),
            Self::Uint(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Amount(amount) => write!(f, "{amount}"),
            Self::Bytes(bytes) if bytes.len() > 36 => {
                write!(f, "0x{}… ({} bytes)", hex::encode(&bytes[..36]), bytes.len())
            }
            Self::Bytes(bytes) => write!(f, "{bytes}"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Ratio(share) => write!(f, "{:.2} %", share * 100.0),
            Self::Number { value, unit } if unit.is_empty() => write!(f, "{}", short(*value)),
            Self::Number { value, unit } => write!(f, "{} {unit}", short(*value)),
            Self::Seconds(seconds) => write_duration(f, *seconds),
            Self::List(values) => {
                f.write_str("[")?;
                for (i, value) in values.iter().enumerate() {
                    write!(f, "{}{value}", if i > 0 { ", " } else { "" })?;
                }
                f.write_str("]")
            }
        }
    }
}

impl FactValue {
    /// Longest part of an on-chain string that a message shows, in characters.
    pub const UNTRUSTED_LEN_MAX: usize = 120;
}

fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn short(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        format!("{value:.0}")
    } else if value.abs() >= 0.01 {
        format!("{value:.2}")
    } else {
        format!("{value:.2e}")
    }
}

fn write_duration(f: &mut fmt::Formatter<'_>, seconds: u64) -> fmt::Result {
    let (d, h, m, s) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    match (d, h, m) {
        (0, 0, 0) => write!(f, "{s} s"),
        (0, 0, _) => write!(f, "{m} min {s} s"),
        (0, _, _) => write!(f, "{h} h {m} min"),
        _ => write!(f, "{d} d {h} h"),
    }
}

/// A named value: a decoded argument, a balance, a caller.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// What the value is, in words of the contract or of ours.
    pub name: String,
    /// The value.
    pub value: FactValue,
}

/// The past a measurement is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// Usual value, in the unit of the measurement.
    pub usual: f64,
    /// Usual spread (one standard deviation), same unit.
    pub spread: f64,
    /// Observations behind the two.
    pub n: u64,
}

/// A measurement against its threshold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// What was measured.
    pub name: String,
    /// Unit; empty for a ratio or count.
    pub unit: String,
    /// Measured value.
    pub value: f64,
    /// What it had to stay within.
    pub threshold: f64,
    /// What it usually is, when known.
    pub history: Option<History>,
}

/// Why we think so.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The deciding measurement, if the rule has one.
    pub measure: Option<Measure>,
    /// Decoded values and context, most telling first.
    pub facts: Vec<Fact>,
}

/// Whether the chain still supports a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FindingStatus {
    /// Its block can still be reverted.
    Tentative,
    /// Its block is final.
    Confirmed,
    /// Its block left the chain, and it was not found again.
    Retracted,
}

/// An immutable claim with evidence, made about one block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Identity; see [`FindingId::derive`].
    pub id: FindingId,
    /// Detector that made it, such as `access/role_change`; `expression` for a match expression;
    /// `drill/…` for a drill ([`Provenance::DRILL_DETECTORS`]), `canary/…` for a canary.
    pub detector: String,
    /// Monitor (the user's configuration) on whose behalf it was made.
    pub monitor: Name,
    /// Version of detector and configuration; a new version is a new identity.
    pub version: u32,
    /// Network.
    pub network: Name,
    /// Deployment it is about; `None` when it is about the network itself.
    pub deployment: Option<Name>,
    /// Contract it is about.
    pub address: Option<Address>,
    /// How bad.
    pub severity: Severity,
    /// How sure.
    pub confidence: Confidence,
    /// One sentence: what happened, where, how bad. Values from the chain in it are already
    /// rendered by [`FactValue`]'s `Display`.
    pub title: String,
    /// Where on the chain.
    pub origin: Origin,
    /// Why we think so.
    pub evidence: Evidence,
    /// Money at risk, when known.
    pub value_at_risk: Option<TokenAmount>,
    /// Path or URL of the runbook, from the user's files or the detector's page.
    pub runbook: Option<String>,
}

impl Finding {
    /// Whether it is real, a drill's, or a canary.
    pub fn provenance(&self) -> Provenance {
        Provenance::of_detector(&self.detector)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    #[test]
    fn the_id_depends_on_each_part_and_on_nothing_else() {
        let base = || Anchor::Log { tx: B256::repeat_byte(1), ordinal: 0 };
        let id = |m: &str, v, n: &str, a: &Anchor, w: &str| {
            FindingId::derive(&name(m), v, &name(n), a, w)
        };
        let one = id("m", 1, "net", &base(), "");
        assert_eq!(one, id("m", 1, "net", &base(), ""));
        let others = [
            id("m2", 1, "net", &base(), ""),
            id("m", 2, "net", &base(), ""),
            id("m", 1, "net2", &base(), ""),
            id("m", 1, "net", &Anchor::Log { tx: B256::repeat_byte(1), ordinal: 1 }, ""),
            id("m", 1, "net", &Anchor::Frame { tx: B256::repeat_byte(1), index: 0 }, ""),
            id("m", 1, "net", &base(), "second claim"),
        ];
        for other in others {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn a_hostile_string_is_cut_and_stripped() {
        let hostile = format!("pay\n\u{202e}now{}", "x".repeat(200));
        let shown = FactValue::Untrusted(hostile).to_string();
        assert!(shown.starts_with("\"paynowxxx") && shown.ends_with("…\""), "{shown}");
        assert_eq!(shown.chars().count(), FactValue::UNTRUSTED_LEN_MAX + 3);
    }

    #[test]
    fn facts_read_like_a_person_wrote_them() {
        let facts = [
            FactValue::Seconds(59),
            FactValue::Seconds(3_661),
            FactValue::Ratio(0.1234),
            FactValue::Number { value: 1200.0, unit: "gas".into() },
            FactValue::List(vec![FactValue::Uint(U256::from(1)), FactValue::Bool(true)]),
        ];
        let text: Vec<String> = facts.iter().map(ToString::to_string).collect();
        expect!["59 s | 1 h 1 min | 12.34 % | 1200 gas | [1, true]"].assert_eq(&text.join(" | "));
    }
}
