//! Decisions of the alert engine: what was sent, what was not, and why.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{AlertId, BlockRef, Name, NotificationKind, Severity, UnixMillis};

/// What was decided about an alert, for one receiver or for nobody in particular.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Alert.
    pub alert: AlertId,
    /// Whom it concerns; `None` when it concerns no single receiver (grouping, no route).
    pub receiver: Option<Name>,
    /// Wall time of the decision.
    pub at: UnixMillis,
    /// What was decided.
    pub action: Action,
    /// Why.
    pub reason: Reason,
}

/// What the alert engine did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// A message of this kind went to the outbox.
    Notify(NotificationKind),
    /// No message, for good.
    Withhold,
    /// No message yet: one follows at this time at the latest, if the alert still stands.
    Hold {
        /// When the next message may go.
        until: UnixMillis,
    },
    /// Findings joined an alert that exists.
    Group,
}

impl Action {
    /// The word used in pages, the API and the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Notify(_) => "notify",
            Self::Withhold => "withhold",
            Self::Hold { .. } => "hold",
            Self::Group => "group",
        }
    }
}

/// Why it was decided so. `Display` is the text that people read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// The alert is new.
    FirstFinding {
        /// Findings that came with the first one, in the same block.
        more: u64,
    },
    /// What had been retracted was found again on the new branch.
    FoundAgain,
    /// A receiver that had not been told is on the alert's way now.
    NewlyRouted,
    /// More of the same.
    MoreFindings {
        /// Findings since the last message.
        new: u64,
        /// Findings that stand.
        total: u64,
    },
    /// It became worse.
    SeverityRose {
        /// As last told.
        from: Severity,
        /// Now.
        to: Severity,
    },
    /// What made it that bad left the chain.
    SeverityFell {
        /// As last told.
        from: Severity,
        /// Now.
        to: Severity,
        /// Oldest block that left.
        block: BlockRef,
    },
    /// Everything the alert was made of left the chain.
    LeftTheChain {
        /// Oldest block that left.
        block: BlockRef,
        /// Findings that left with it.
        findings: u64,
    },
    /// Findings left the chain or were put right, but what was told still holds.
    StillStands {
        /// Findings that left.
        left: u64,
        /// Findings that stand.
        standing: u64,
    },
    /// A finding's block is final.
    Final {
        /// Newest final block.
        block: BlockRef,
    },
    /// Findings close in time to an alert's last one belong to it.
    WithinWindow {
        /// How many joined.
        findings: u64,
        /// Width of the window, in seconds of chain time.
        window_s: u64,
    },
    /// Messages about one alert to one receiver keep a distance.
    UpdateInterval {
        /// Findings that wait to be told.
        waiting: u64,
    },
    /// No route leads this alert to anybody.
    NoRoute {
        /// The alert's severity.
        severity: Severity,
    },
    /// Nobody had been told, so nobody needs the correction.
    NobodyWasTold,
    /// The routes ask for no separate message when an alert of this severity becomes final.
    ConfirmationNotAsked {
        /// The alert's severity.
        severity: Severity,
    },
    /// What was found wrong was put right afterwards, so what was told is void.
    PutRight {
        /// How, in a sentence without its full stop.
        how: String,
    },
    /// The monitor is tried out: it is on record, and nobody is told.
    InShadow,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FirstFinding { more: 0 } => f.write_str("first finding"),
            Self::FirstFinding { more } => write!(f, "first finding, and {} more", Count(*more)),
            Self::FoundAgain => f.write_str("found again on the new branch: it stands"),
            Self::NewlyRouted => f.write_str("the routes lead here now"),
            Self::MoreFindings { new, total } => {
                write!(f, "{} more, {} findings in all", Count(*new), Count(*total))
            }
            Self::SeverityRose { from, to } => write!(f, "severity rose from {from} to {to}"),
            Self::SeverityFell { from, to, block } => {
                write!(f, "severity fell from {from} to {to}: block {block} left the chain")
            }
            Self::LeftTheChain { block, findings: 1 } => {
                write!(f, "its finding left the chain with block {block}")
            }
            Self::LeftTheChain { block, findings } => {
                write!(f, "all {} findings left the chain with block {block}", Count(*findings))
            }
            Self::StillStands { left, standing } => {
                write!(
                    f,
                    "findings that hold no longer: {}, that stand: {}",
                    Count(*left),
                    Count(*standing)
                )
            }
            Self::Final { block } => write!(f, "final with block {block}"),
            Self::WithinWindow { findings, window_s } => write!(
                f,
                "{} more within {} min of the alert's last finding",
                Count(*findings),
                window_s.div_ceil(60)
            ),
            Self::UpdateInterval { waiting } => {
                write!(f, "told a short while ago; waiting to be told: {}", Count(*waiting))
            }
            Self::NoRoute { severity } => write!(f, "no route takes it at severity {severity}"),
            Self::NobodyWasTold => f.write_str("nobody had been told"),
            Self::ConfirmationNotAsked { severity } => {
                write!(f, "no route asks for confirmations at severity {severity}")
            }
            Self::PutRight { how } => f.write_str(how),
            Self::InShadow => {
                f.write_str("the monitor is in shadow: on record, and nobody is told")
            }
        }
    }
}

/// A count with grouped thousands.
struct Count(u64);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (i, digit) in digits.char_indices() {
            let left = digits.len() - i;
            let separator = if i > 0 && left.is_multiple_of(3) { "," } else { "" };
            write!(f, "{separator}{digit}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn reasons_read_like_a_person_wrote_them() {
        let block = BlockRef { number: 123, hash: crate::B256::repeat_byte(0xab) };
        let text: Vec<String> = [
            Reason::FirstFinding { more: 9_999 },
            Reason::MoreFindings { new: 12, total: 1_234_567 },
            Reason::LeftTheChain { block, findings: 1 },
            Reason::LeftTheChain { block, findings: 999 },
            Reason::WithinWindow { findings: 1_000, window_s: 900 },
        ]
        .iter()
        .map(ToString::to_string)
        .collect();
        expect![[r#"
            first finding, and 9,999 more
            12 more, 1,234,567 findings in all
            its finding left the chain with block 123 (0xabababab…)
            all 999 findings left the chain with block 123 (0xabababab…)
            1,000 more within 15 min of the alert's last finding"#]]
        .assert_eq(&text.join("\n"));
    }
}
