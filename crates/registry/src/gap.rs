//! The time before somebody watched: from a contract's first block to the first one that was judged
//! in its name. Whatever happened there was seen by nobody, so it is judged afterwards and looked at
//! by a person, and until a person says so it stays open.

use model::{Address, Name};

use crate::{Deployment, threats::Day};

/// Something that may have happened to a contract while nobody watched it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vector {
    /// The word that ticks it.
    pub id: &'static str,
    /// What the person has to know before they tick it.
    pub question: &'static str,
}

/// Everything a person has to look at before a gap is cleared. The order is that of the harm done in
/// real incidents of fresh deployments.
pub const VECTORS: [Vector; 10] = [
    Vector {
        id: "initialised",
        question: "Was it initialised once, by us, in its first transaction or before anybody else could; and its implementation too?",
    },
    Vector {
        id: "owner",
        question: "Do owner, admin and every role belong to whom they should, and did nobody hold them in between?",
    },
    Vector {
        id: "code",
        question: "Is the code that runs the code that was built, at the contract, behind it, and at every facet?",
    },
    Vector {
        id: "upgrades",
        question: "Was it upgraded or its beacon changed in that time, and was each of those ours?",
    },
    Vector {
        id: "approvals",
        question: "Did it approve anybody to spend its tokens, or delegate its votes?",
    },
    Vector {
        id: "modules",
        question: "Were modules, guards, hooks, minters, bridges or relayers added that nobody planned?",
    },
    Vector {
        id: "parameters",
        question: "Are oracle, fees, limits, caps and delays what they should be, and were they always?",
    },
    Vector {
        id: "money",
        question: "Is every unit that came in accounted for, and was nothing donated to move a share price?",
    },
    Vector {
        id: "pending",
        question: "Is nothing waiting that was prepared then: scheduled operations, proposals, signed permits, open orders?",
    },
    Vector {
        id: "callers",
        question: "Is everybody explained who called it in that time, and every call that failed?",
    },
];

/// What a person said about a gap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clearance {
    /// Deployment.
    pub label: Name,
    /// Its network then.
    pub network: Name,
    /// Its address then.
    pub address: Address,
    /// First block of the gap.
    pub from: u64,
    /// Last block of the gap.
    pub to: u64,
    /// Findings that judging those blocks made.
    pub findings: u64,
    /// Judgements of monitors among them that could not be made.
    pub blind: u64,
    /// Who said so.
    pub cleared_by: String,
    /// Day on which they said so.
    pub cleared_on: Day,
    /// Why.
    pub note: String,
}

/// How it stands with a deployment's gap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gap<'a> {
    /// It was watched from its first block on.
    None,
    /// It was not, and nobody looked at it since.
    Open {
        /// First block.
        from: u64,
        /// Last block; `None` when it is not watched yet.
        to: Option<u64>,
    },
    /// Its first block is not known, so neither is the gap.
    Unknown,
    /// Somebody looked.
    Cleared(&'a Clearance),
}

impl Gap<'_> {
    /// The word used in files, pages and messages.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::None => "no-gap",
            Self::Open { .. } => "gap-open",
            Self::Unknown => "gap-unknown",
            Self::Cleared(_) => "gap-cleared",
        }
    }

    /// Whether nothing is left to look at. What is not known is not closed.
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::None | Self::Cleared(_))
    }
}

/// How it stands with a deployment that was first judged in this block. `first_block` is that of its
/// creation, as declared or as seen. A clearance counts for the contract and all of the blocks that
/// it was given for; when the gap turns out longer it is open again.
pub fn gap<'a>(
    deployment: &Deployment,
    first_block: Option<u64>,
    first_judged: Option<u64>,
    clearances: &'a [Clearance],
) -> Gap<'a> {
    let Some(from) = first_block else { return Gap::Unknown };
    let to = match first_judged {
        Some(judged) if judged <= from => return Gap::None,
        Some(judged) => Some(judged - 1),
        None => None,
    };
    let covers = |clearance: &&Clearance| {
        clearance.label == deployment.label
            && clearance.network == deployment.network
            && clearance.address == deployment.address
            && clearance.from <= from
            && to.is_some_and(|to| clearance.to >= to)
    };
    match clearances.iter().find(covers) {
        Some(clearance) => Gap::Cleared(clearance),
        None => Gap::Open { from, to },
    }
}

/// What is left of the checklist when these words are ticked; words that are none of it are an error.
///
/// # Errors
/// The first word that ticks nothing.
pub fn unticked<'w>(
    ticked: impl IntoIterator<Item = &'w str>,
) -> Result<Vec<&'static Vector>, &'w str> {
    let mut left: Vec<&'static Vector> = VECTORS.iter().collect();
    for word in ticked {
        if word == "all" {
            left.clear();
        } else if VECTORS.iter().any(|vector| vector.id == word) {
            left.retain(|vector| vector.id != word);
        } else {
            return Err(word);
        }
    }
    Ok(left)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{Class, ContractAbi};

    fn deployment() -> Deployment {
        Deployment {
            label: Name::new("vault").unwrap(),
            network: Name::new("mainnet").unwrap(),
            address: Address::repeat_byte(1),
            protocol: None,
            class: Class::Vault,
            abi: Arc::new(ContractAbi::default()),
            abi_known: true,
            first_block: None,
            value_at_risk: None,
            token: None,
            oracle: None,
        }
    }

    fn clearance(from: u64, to: u64) -> Clearance {
        let Deployment { label, network, address, .. } = deployment();
        let cleared_on = Day::new(2026, 11, 21).unwrap();
        let (cleared_by, note) = ("Ana".into(), "seen".into());
        Clearance {
            label,
            network,
            address,
            from,
            to,
            findings: 0,
            blind: 0,
            cleared_by,
            cleared_on,
            note,
        }
    }

    #[test]
    fn a_gap_is_closed_only_by_a_clearance_of_all_of_it() {
        let vault = deployment();
        let of = |first, judged, all: &[Clearance]| gap(&vault, first, judged, all).as_str();
        assert_eq!(of(Some(10), Some(10), &[]), "no-gap");
        assert_eq!(of(Some(10), Some(7), &[]), "no-gap", "watched before it existed");
        assert_eq!(of(None, Some(10), &[clearance(0, 99)]), "gap-unknown");
        assert_eq!(of(Some(10), Some(50), &[]), "gap-open");
        assert_eq!(of(Some(10), Some(50), &[clearance(10, 49)]), "gap-cleared");
        assert_eq!(of(Some(10), Some(50), &[clearance(11, 49)]), "gap-open");
        assert_eq!(of(Some(10), Some(51), &[clearance(10, 49)]), "gap-open", "it is longer");
        assert_eq!(of(Some(10), None, &[clearance(10, 49)]), "gap-open", "not watched yet");
        let mut other = clearance(10, 49);
        other.address = Address::repeat_byte(2);
        assert_eq!(of(Some(10), Some(50), &[other]), "gap-open", "another contract of the name");
    }

    #[test]
    fn a_checklist_is_done_when_everything_is_ticked() {
        assert_eq!(unticked([]).unwrap().len(), VECTORS.len());
        assert_eq!(unticked(["owner", "owner"]).unwrap().len(), VECTORS.len() - 1);
        assert!(unticked(VECTORS.iter().map(|vector| vector.id)).unwrap().is_empty());
        assert!(unticked(["all"]).unwrap().is_empty());
        assert_eq!(unticked(["onwer"]), Err("onwer"));
    }
}
