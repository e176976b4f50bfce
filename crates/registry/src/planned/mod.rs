//! Deployments that are declared before their code exists.
//!
//! The address of a contract is decided before it is created: by who creates it and how often they
//! created before (`CREATE`), or by who creates it, a salt and the hash of the initcode (`CREATE2`).
//! So a contract can be guarded from its first block on, and what appears there can be held against
//! what was built.

mod code; //    the code that was built, against the code that runs
mod init_code; // initcode out of files, for its hash
mod recipe; //  where a creation will put its contract

pub use code::{BuiltCode, BuiltCodeError, CodeDifference};
pub use init_code::init_code_hash;
pub use recipe::Recipe;

use alloy_primitives::{Address, B256, keccak256};

/// A deployment to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// How it will be created; `None` when only its address is known, as with contracts that are
    /// created through several steps.
    pub recipe: Option<Recipe>,
    /// Who must send the transaction. Anybody may call a public factory with another's salt, and who
    /// does so decides what else happens in that transaction.
    pub sender: Option<Address>,
    /// What its code must be.
    pub code: ExpectedCode,
}

/// What the code of a planned deployment must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExpectedCode {
    /// Nobody said.
    Unstated,
    /// Exactly the code with this keccak256.
    Hash(B256),
    /// What a compiler built, up to what only the chain can know: immutables, linked libraries and
    /// the metadata that solc appends.
    Built(Box<BuiltCode>),
}

/// What is known of the code that appeared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeenCode<'a> {
    /// All of it.
    Whole(&'a [u8]),
    /// Its keccak256 alone.
    Hash(B256),
    /// That there is some.
    Unknown,
}

/// How the code that appeared compares with what was planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CodeMatch {
    /// It is what was planned.
    Same,
    /// The plan says nothing about code.
    NothingPlanned,
    /// It is something else.
    Differs(String),
    /// What was seen is too little to tell.
    CannotTell(&'static str),
}

impl SeenCode<'_> {
    /// Its keccak256, as far as it is known.
    pub fn hash(&self) -> Option<B256> {
        match self {
            Self::Whole(code) => Some(keccak256(code)),
            Self::Hash(hash) => Some(*hash),
            Self::Unknown => None,
        }
    }
}

impl ExpectedCode {
    /// Holds what appeared against the plan.
    pub fn compare(&self, seen: SeenCode<'_>) -> CodeMatch {
        match (self, seen) {
            (Self::Unstated, _) => CodeMatch::NothingPlanned,
            (_, SeenCode::Unknown) => {
                CodeMatch::CannotTell("the node gives neither traces nor the code's hash")
            }
            (Self::Hash(expected), seen) => match seen.hash() {
                Some(found) if found == *expected => CodeMatch::Same,
                Some(found) => CodeMatch::Differs(format!(
                    "its code has the hash {found}, planned was {expected}"
                )),
                None => CodeMatch::CannotTell("the code's hash is not known"),
            },
            (Self::Built(built), SeenCode::Whole(code)) => match built.compare(code) {
                Ok(()) => CodeMatch::Same,
                Err(difference) => CodeMatch::Differs(difference.to_string()),
            },
            (Self::Built(built), SeenCode::Hash(hash)) if built.hash() == hash => CodeMatch::Same,
            (Self::Built(_), SeenCode::Hash(_)) => CodeMatch::CannotTell(
                "only the code's hash was seen, which immutables and metadata change",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::hex;

    #[test]
    fn a_planned_hash_is_met_by_that_code_alone() {
        let code = hex!("6001600255");
        let expected = ExpectedCode::Hash(keccak256(code));
        assert_eq!(expected.compare(SeenCode::Whole(&code)), CodeMatch::Same);
        assert_eq!(expected.compare(SeenCode::Hash(keccak256(code))), CodeMatch::Same);
        assert!(matches!(expected.compare(SeenCode::Whole(&[0])), CodeMatch::Differs(_)));
        assert!(matches!(expected.compare(SeenCode::Whole(&[])), CodeMatch::Differs(_)));
        assert!(matches!(expected.compare(SeenCode::Unknown), CodeMatch::CannotTell(_)));
        let unstated = ExpectedCode::Unstated.compare(SeenCode::Whole(&code));
        assert_eq!(unstated, CodeMatch::NothingPlanned);
    }

    #[test]
    fn a_hash_alone_never_refutes_built_code() {
        let built = BuiltCode::new(hex!("6001600255").to_vec(), vec![]);
        let expected = ExpectedCode::Built(Box::new(built));
        let same = SeenCode::Hash(keccak256(hex!("6001600255")));
        assert_eq!(expected.compare(same), CodeMatch::Same);
        let other = SeenCode::Hash(keccak256([1]));
        assert!(matches!(expected.compare(other), CodeMatch::CannotTell(_)));
        assert!(matches!(expected.compare(SeenCode::Whole(&[1])), CodeMatch::Differs(_)));
    }
}
