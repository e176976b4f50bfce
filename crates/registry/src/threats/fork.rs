//! Hard forks: what they changed under contracts that cannot change themselves.

use model::Name;

use super::Day;

/// A change of a chain's rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fork {
    /// Usual name.
    pub name: String,
    /// Day it took effect, or will.
    pub on: Day,
    /// Which networks it concerns.
    pub place: ForkPlace,
    /// What changed, one sentence each.
    pub changes: Vec<String>,
}

/// Which networks a fork concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ForkPlace {
    /// Those with this EIP-155 id.
    Chain(u64),
    /// Those of the user's folder.
    Networks(Vec<Name>),
}

/// A shipped fork: year, month, day, name, changes.
type Shipped = (u16, u8, u8, &'static str, &'static [&'static str]);

/// Forks of Ethereum's main network that changed what a deployed contract observes. From the EIPs.
const ETHEREUM: [Shipped; 7] = [
    (
        2021,
        4,
        15,
        "Berlin",
        &["the first access to a slot or an account in a transaction costs more gas (EIP-2929)"],
    ),
    (
        2021,
        8,
        5,
        "London",
        &[
            "part of the fee is burnt and BASEFEE can be read (EIP-1559, EIP-3198)",
            "refunds shrink, SELFDESTRUCT refunds nothing (EIP-3529)",
            "code that begins with 0xEF cannot be deployed (EIP-3541)",
        ],
    ),
    (
        2022,
        9,
        15,
        "Paris",
        &[
            "DIFFICULTY returns the beacon chain's randomness, which a proposer can bias (EIP-4399)",
            "a block comes every 12 seconds, or not at all: reckoning time by block numbers shifts",
        ],
    ),
    (
        2023,
        4,
        12,
        "Shanghai",
        &[
            "PUSH0 exists (EIP-3855), and creation code is limited to 49,152 bytes (EIP-3860)",
            "withdrawals raise balances without a transaction (EIP-4895)",
        ],
    ),
    (
        2024,
        3,
        13,
        "Cancun",
        &[
            "SELFDESTRUCT no longer removes code, unless in the transaction of its creation (EIP-6780)",
            "storage that lasts for one transaction exists: guards and callbacks may rely on it (EIP-1153)",
            "MCOPY, BLOBHASH and BLOBBASEFEE exist (EIP-5656, EIP-4844, EIP-7516)",
        ],
    ),
    (
        2025,
        5,
        7,
        "Prague",
        &[
            "an account with a key may have code: neither tx.origin == msg.sender nor an empty code proves a person (EIP-7702)",
            "calldata costs more where a transaction does little else (EIP-7623)",
            "older block hashes can be read from a system contract (EIP-2935)",
        ],
    ),
    (
        2025,
        12,
        3,
        "Osaka",
        &[
            "a transaction may use at most 16,777,216 gas: larger batches and liquidations fail (EIP-7825)",
            "MODEXP is bounded and costs more (EIP-7823, EIP-7883)",
            "CLZ and a precompile for P-256 signatures exist (EIP-7939, EIP-7951)",
        ],
    ),
];

/// The shipped forks, oldest first.
pub fn ethereum() -> Vec<Fork> {
    ETHEREUM
        .iter()
        .filter_map(|(year, month, day, name, changes)| {
            Some(Fork {
                name: (*name).to_owned(),
                on: Day::new(*year, *month, *day)?,
                place: ForkPlace::Chain(1),
                changes: changes.iter().map(|change| (*change).to_owned()).collect(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_fork_has_a_day_of_the_calendar() {
        let forks = ethereum();
        assert_eq!(forks.len(), ETHEREUM.len());
        assert!(forks.is_sorted_by_key(|fork| fork.on));
    }
}
