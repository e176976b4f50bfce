//! All that waits at one Safe, with what is wrong with it.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, U256};
use model::Severity;

use super::{Proposed, Version, safe_tx_hash};
use crate::detectors::{
    governance::proposal_dangerous::dangerous,
    signers::safe::{LIBRARIES, SafeCall, with_batches},
};

/// Proposals that are judged: queues of busy Safes hold dozens.
pub const PROPOSALS_MAX: usize = 10_000;

/// A Safe as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SafeNow {
    /// Where.
    pub address: Address,
    /// On which network.
    pub chain_id: u64,
    /// How it hashes.
    pub version: Version,
    /// The nonce of its next transaction, when known.
    pub nonce: Option<U256>,
    /// Owners, when known.
    pub owners: Option<BTreeSet<Address>>,
    /// Signatures that it takes, when known.
    pub threshold: Option<u32>,
}

/// What is known of addresses.
pub trait Knows {
    /// Whether the Safe is expected to deal with it.
    fn is_named(&self, address: Address) -> bool;
    /// Why a list calls it bad, if one does.
    fn bad(&self, address: Address) -> Option<String>;
    /// Whether the Safe may run its code in its own name, besides the Safe project's libraries.
    fn may_run(&self, code: Address) -> bool;
}

/// Something about a proposal that a signer should know before signing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Concern {
    /// The queue states another hash than its own fields give: signers would sign something else
    /// than they are shown.
    OtherHash {
        /// What the fields give.
        computed: B256,
    },
    /// Foreign code would run in the Safe's own name.
    RunsCodeOf {
        /// Whose.
        code: Address,
        /// How deep in batches.
        depth: u8,
    },
    /// It would change who controls the Safe, or by which rules.
    ChangesSafe {
        /// By which function.
        function: &'static str,
    },
    /// Somebody on a list takes part.
    KnownBad {
        /// Who.
        address: Address,
        /// What lists say.
        why: String,
    },
    /// It would call a function that takes power, code or money elsewhere.
    Dangerous {
        /// Contract.
        target: Address,
        /// Function.
        function: &'static str,
        /// What that changes.
        harm: &'static str,
    },
    /// Nobody knows the contract that would be called.
    UnknownTarget {
        /// Which.
        target: Address,
    },
    /// Who sends it is paid, or somebody else for it.
    Refund {
        /// Who; nobody is whoever sends it.
        receiver: Option<Address>,
    },
    /// Another proposal has the same nonce: only one of them can run, and who signs both lets others
    /// choose.
    SameNonce {
        /// How many others.
        others: usize,
    },
    /// Its nonce was used: it can never run.
    UsedNonce,
    /// Somebody who is no owner is said to have signed.
    SignedByStranger {
        /// Who.
        signer: Address,
    },
    /// A batch could not be read to its end: what it holds is unknown.
    Unread,
}

/// A proposal with what is wrong with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// Place in the queue as it was given.
    pub at: usize,
    /// The hash by its own fields.
    pub hash: B256,
    /// Worst of its concerns; [`Severity::Info`] of none.
    pub severity: Severity,
    /// Worst first.
    pub concerns: Vec<Concern>,
    /// Whether enough owners signed, when that is known: the next to send it executes it.
    pub is_executable: Option<bool>,
}

/// Functions by which a Safe changes itself. Source: the published interface of Safe 1.0 to 1.4.1.
const OF_SAFE: [&str; 9] = [
    "addOwnerWithThreshold(address,uint256)",
    "removeOwner(address,address,uint256)",
    "swapOwner(address,address,address)",
    "changeThreshold(uint256)",
    "enableModule(address)",
    "disableModule(address,address)",
    "setGuard(address)",
    "setModuleGuard(address)",
    "setFallbackHandler(address)",
];

/// Judges all that waits at a Safe, in the order given; beyond [`PROPOSALS_MAX`] nothing is looked at,
/// and the caller must say so.
pub fn judge(queue: &[Proposed], safe: &SafeNow, known: &dyn Knows) -> Vec<Judged> {
    let queue = &queue[..queue.len().min(PROPOSALS_MAX)];
    let mut by_nonce: BTreeMap<U256, usize> = BTreeMap::new();
    for proposed in queue {
        *by_nonce.entry(proposed.nonce).or_default() += 1;
    }
    let one = |(at, proposed): (usize, &Proposed)| {
        let hash = safe_tx_hash(safe.version, safe.chain_id, safe.address, proposed);
        let mut concerns = Vec::new();
        if proposed.stated_hash.is_some_and(|stated| stated != hash) {
            concerns.push(Concern::OtherHash { computed: hash });
        }
        of_calls(proposed, safe, known, &mut concerns);
        of_place(proposed, safe, by_nonce[&proposed.nonce], &mut concerns);
        concerns.sort_by_key(|concern| std::cmp::Reverse(concern.severity()));
        let severity = concerns.first().map_or(Severity::Info, Concern::severity);
        let signed = |owners: &BTreeSet<Address>| {
            let by: BTreeSet<_> =
                proposed.signed_by.iter().filter(|s| owners.contains(*s)).collect();
            by.len()
        };
        let is_executable = safe.threshold.zip(safe.owners.as_ref()).map(|(threshold, owners)| {
            signed(owners) >= threshold as usize && safe.nonce.is_none_or(|n| n == proposed.nonce)
        });
        Judged { at, hash, severity, concerns, is_executable }
    };
    queue.iter().enumerate().map(one).collect()
}

fn of_calls(proposed: &Proposed, safe: &SafeNow, known: &dyn Knows, concerns: &mut Vec<Concern>) {
    let first = SafeCall {
        to: proposed.to,
        value: proposed.value,
        data: proposed.data.to_vec(),
        is_delegate: proposed.operation == 1,
        depth: 0,
    };
    let (calls, is_whole) = with_batches(first);
    if !is_whole || proposed.operation > 1 {
        concerns.push(Concern::Unread);
    }
    let mut tell = |concern: Concern| {
        if !concerns.contains(&concern) {
            concerns.push(concern);
        }
    };
    for call in &calls {
        if let Some(why) = known.bad(call.to) {
            tell(Concern::KnownBad { address: call.to, why });
        }
        let is_library = LIBRARIES.contains(&call.to) || known.may_run(call.to);
        if call.is_delegate {
            if !is_library {
                tell(Concern::RunsCodeOf { code: call.to, depth: call.depth });
            }
            continue;
        }
        if call.to == safe.address {
            if let Some(function) = OF_SAFE.iter().copied().find(|name| is_call_of(call, name)) {
                tell(Concern::ChangesSafe { function });
            }
            continue;
        }
        if !known.is_named(call.to) {
            tell(Concern::UnknownTarget { target: call.to });
        }
        if let Some((harm, function)) = dangerous(&call.data) {
            tell(Concern::Dangerous { target: call.to, function, harm: harm.as_str() });
        }
        for party in parties(&call.data) {
            if let Some(why) = known.bad(party) {
                tell(Concern::KnownBad { address: party, why });
            }
        }
    }
}

fn of_place(proposed: &Proposed, safe: &SafeNow, same: usize, concerns: &mut Vec<Concern>) {
    if !proposed.gas_price.is_zero() {
        let receiver = Some(proposed.refund_receiver).filter(|to| !to.is_zero());
        concerns.push(Concern::Refund { receiver });
    }
    if same > 1 {
        concerns.push(Concern::SameNonce { others: same - 1 });
    }
    if safe.nonce.is_some_and(|next| proposed.nonce < next) {
        concerns.push(Concern::UsedNonce);
    }
    if let Some(owners) = &safe.owners {
        let strangers = proposed.signed_by.iter().filter(|signer| !owners.contains(*signer));
        concerns.extend(strangers.map(|signer| Concern::SignedByStranger { signer: *signer }));
    }
}

fn is_call_of(call: &SafeCall, signature: &str) -> bool {
    call.data.get(..4) == Some(&alloy_primitives::keccak256(signature)[..4])
}

/// Words of calldata that may be addresses: lists are asked about them, nothing else.
fn parties(data: &[u8]) -> impl Iterator<Item = Address> + '_ {
    let words = data.get(4..).unwrap_or_default().chunks_exact(32);
    let is_address = |word: &&[u8]| word[..12].iter().all(|byte| *byte == 0);
    words.filter(is_address).map(|word| Address::from_slice(&word[12..]))
}

impl Concern {
    /// How bad.
    pub fn severity(&self) -> Severity {
        match self {
            Self::OtherHash { .. } | Self::RunsCodeOf { .. } | Self::KnownBad { .. } => {
                Severity::Critical
            }
            Self::ChangesSafe { .. } | Self::SignedByStranger { .. } | Self::Unread => {
                Severity::High
            }
            Self::Dangerous { .. } | Self::Refund { .. } | Self::UnknownTarget { .. } => {
                Severity::Medium
            }
            Self::SameNonce { .. } => Severity::Low,
            Self::UsedNonce => Severity::Info,
        }
    }

    /// One sentence for a signer; `name` says what to call an address.
    pub fn sentence(&self, name: impl Fn(Address) -> String) -> String {
        match self {
            Self::OtherHash { computed } => format!(
                "the stated hash is not that of these fields, which is {computed}: nobody should sign it"
            ),
            Self::RunsCodeOf { code, depth: 0 } => {
                format!("runs the code of {} in the Safe's own name", name(*code))
            }
            Self::RunsCodeOf { code, depth } => format!(
                "runs the code of {} in the Safe's own name, inside of {depth} batches",
                name(*code)
            ),
            Self::ChangesSafe { function } => format!("changes the Safe itself: {function}"),
            Self::KnownBad { address, why } => format!("{address} is listed: {why}"),
            Self::Dangerous { target, function, harm } => {
                format!("changes {harm}: {function} of {}", name(*target))
            }
            Self::UnknownTarget { target } => {
                format!("calls {target}, which nobody here has a name for")
            }
            Self::Refund { receiver: Some(receiver) } => {
                format!("pays {} for its gas", name(*receiver))
            }
            Self::Refund { receiver: None } => "pays whoever sends it for its gas".to_owned(),
            Self::SameNonce { others } => {
                format!("shares its nonce with {others} more: only one of them can run")
            }
            Self::UsedNonce => "its nonce is used: it can never run".to_owned(),
            Self::SignedByStranger { signer } => {
                format!("is said to be signed by {signer}, who is no owner")
            }
            Self::Unread => "holds a batch that cannot be read to its end".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::{Bytes, keccak256};

    fn account(byte: u8) -> Address {
        Address::repeat_byte(byte)
    }

    fn safe() -> SafeNow {
        SafeNow {
            address: account(0x5a),
            chain_id: 1,
            version: Version::WithChainId,
            nonce: Some(U256::from(7)),
            owners: Some([account(1), account(2), account(3)].into()),
            threshold: Some(2),
        }
    }

    /// Knows one token, one exploiter and one library.
    struct Few;

    impl Knows for Few {
        fn is_named(&self, address: Address) -> bool {
            address == account(0x10)
        }

        fn bad(&self, address: Address) -> Option<String> {
            (address == account(0x66)).then(|| "exploiter".to_owned())
        }

        fn may_run(&self, code: Address) -> bool {
            code == account(0x77)
        }
    }

    fn call(to: Address, signature: &str, words: &[Address]) -> Proposed {
        let mut data = keccak256(signature)[..4].to_vec();
        words.iter().for_each(|word| data.extend(word.into_word()));
        Proposed { to, data: Bytes::from(data), nonce: U256::from(7), ..Proposed::default() }
    }

    fn concerns(proposed: Proposed) -> Vec<Concern> {
        judge(&[proposed], &safe(), &Few).remove(0).concerns
    }

    #[test]
    fn an_everyday_call_of_a_known_contract_is_of_no_concern() {
        let mut usual = call(account(0x10), "deposit(address)", &[account(9)]);
        usual.signed_by = vec![account(1), account(2)];
        usual.stated_hash = Some(safe_tx_hash(Version::WithChainId, 1, account(0x5a), &usual));
        let judged = judge(&[usual], &safe(), &Few).remove(0);
        assert_eq!((judged.severity, judged.concerns.len()), (Severity::Info, 0));
        assert_eq!(judged.is_executable, Some(true));
    }

    #[test]
    fn foreign_code_and_another_hash_are_the_worst() {
        // What the signers of Bybit were shown as a transfer: a delegate call to a fresh contract.
        let mut taken = call(account(0x99), "transfer(address,uint256)", &[account(1)]);
        taken.operation = 1;
        taken.stated_hash = Some(B256::repeat_byte(1));
        let found = judge(&[taken.clone()], &safe(), &Few).remove(0);
        assert_eq!(found.severity, Severity::Critical);
        assert!(found.concerns.contains(&Concern::RunsCodeOf { code: account(0x99), depth: 0 }));
        assert!(found.concerns.contains(&Concern::OtherHash { computed: found.hash }));
        // What the Safe may run is of no concern.
        taken.to = account(0x77);
        taken.stated_hash = None;
        assert_eq!(concerns(taken), []);
    }

    #[test]
    fn owners_listed_parties_refunds_and_strangers_are_named() {
        let owner = call(account(0x5a), "addOwnerWithThreshold(address,uint256)", &[account(9)]);
        let function = "addOwnerWithThreshold(address,uint256)";
        assert_eq!(concerns(owner), [Concern::ChangesSafe { function }]);
        let paid = call(account(0x10), "deposit(address)", &[account(0x66)]);
        let why = "exploiter".to_owned();
        assert_eq!(concerns(paid), [Concern::KnownBad { address: account(0x66), why }]);
        let mut refunded = call(account(0x10), "deposit(address)", &[]);
        (refunded.gas_price, refunded.refund_receiver) = (U256::ONE, account(8));
        assert_eq!(concerns(refunded), [Concern::Refund { receiver: Some(account(8)) }]);
        let mut signed = call(account(0x10), "deposit(address)", &[]);
        signed.signed_by = vec![account(0x42)];
        assert_eq!(concerns(signed), [Concern::SignedByStranger { signer: account(0x42) }]);
        let unknown = call(account(0x43), "deposit(address)", &[]);
        assert_eq!(concerns(unknown), [Concern::UnknownTarget { target: account(0x43) }]);
    }

    #[test]
    fn two_of_one_nonce_and_one_that_is_used_are_told_apart() {
        let one = call(account(0x10), "deposit(address)", &[]);
        let mut other = call(account(0x10), "withdraw(address)", &[]);
        let queue = [one.clone(), other.clone()];
        let judged = judge(&queue, &safe(), &Few);
        assert!(judged.iter().all(|j| j.concerns == [Concern::SameNonce { others: 1 }]));
        other.nonce = U256::from(6);
        assert_eq!(concerns(other), [Concern::UsedNonce]);
    }
}
