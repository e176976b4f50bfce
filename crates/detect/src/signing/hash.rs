//! The hash that the owners of a Safe sign.

use alloy_primitives::{Address, B256, Bytes, U256, b256, keccak256};

/// `EIP712Domain(uint256 chainId,address verifyingContract)`, of Safe 1.3.0 and newer.
const DOMAIN: B256 = b256!("0x47e79534a245952e8b16893a336b85a3d9ea9fa8c573f3d803afb92a79469218");
/// `EIP712Domain(address verifyingContract)`, of older ones: their hashes hold on every network.
const DOMAIN_OLD: B256 =
    b256!("0x035aff83d86937d35b32e04f0ddc6ff469290eef2f1b692d8a815c89404d4749");
/// `SafeTx(...)` since Safe 1.0.0.
const SAFE_TX: B256 = b256!("0xbb8310d486368db6bd6f849402fdd73ad53d316b5a4b2644ad6efe0f941286d8");

/// What matters of a Safe's version: whether its hashes name the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// 1.0.0 to 1.2.0.
    BeforeChainId,
    /// 1.3.0 and newer.
    WithChainId,
}

impl Version {
    /// Of a version as `VERSION()` answers it (`1.3.0`, `1.4.1+L2`); `None` for one older than 1.0.0,
    /// which hashes other fields, and for what is no version.
    pub fn of(text: &str) -> Option<Self> {
        let mut parts = text.split(['.', '+', '-']).map(|part| part.parse::<u32>().ok());
        let (major, minor) = (parts.next()??, parts.next()??);
        match (major, minor) {
            (0, _) => None,
            (1, 0..=2) => Some(Self::BeforeChainId),
            _ => Some(Self::WithChainId),
        }
    }
}

/// A transaction that owners are asked to sign.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Proposed {
    /// Whom the Safe would call.
    pub to: Address,
    /// With how much native value, in wei.
    pub value: U256,
    /// With what.
    pub data: Bytes,
    /// 0 calls, 1 runs the other's code in the Safe's own name.
    pub operation: u8,
    /// Gas for the call; with 0 all there is.
    pub safe_tx_gas: U256,
    /// Gas that is refunded besides.
    pub base_gas: U256,
    /// Price at which gas is refunded; 0 refunds nothing.
    pub gas_price: U256,
    /// Token of the refund; zero is native value.
    pub gas_token: Address,
    /// Who is refunded; zero is whoever sends it.
    pub refund_receiver: Address,
    /// Its turn.
    pub nonce: U256,
    /// The hash that the queue states.
    pub stated_hash: Option<B256>,
    /// Owners who signed, as the queue states.
    pub signed_by: Vec<Address>,
}

/// The hash that owners sign for a transaction of a Safe on a network.
pub fn safe_tx_hash(version: Version, chain_id: u64, safe: Address, of: &Proposed) -> B256 {
    let word = |number: U256| number.to_be_bytes::<32>();
    let account = |address: Address| address.into_word().0;
    let domain = match version {
        Version::WithChainId => {
            keccak256([DOMAIN.0, word(U256::from(chain_id)), account(safe)].concat())
        }
        Version::BeforeChainId => keccak256([DOMAIN_OLD.0, account(safe)].concat()),
    };
    let fields = [
        SAFE_TX.0,
        account(of.to),
        word(of.value),
        keccak256(&of.data).0,
        word(U256::from(of.operation)),
        word(of.safe_tx_gas),
        word(of.base_gas),
        word(of.gas_price),
        account(of.gas_token),
        account(of.refund_receiver),
        word(of.nonce),
    ];
    let fields = keccak256(fields.concat());
    keccak256([&[0x19, 0x01], domain.as_slice(), fields.as_slice()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_types_are_those_that_their_names_say() {
        let types = [
            (DOMAIN, "EIP712Domain(uint256 chainId,address verifyingContract)"),
            (DOMAIN_OLD, "EIP712Domain(address verifyingContract)"),
            (
                SAFE_TX,
                "SafeTx(address to,uint256 value,bytes data,uint8 operation,uint256 safeTxGas,uint256 baseGas,uint256 gasPrice,address gasToken,address refundReceiver,uint256 nonce)",
            ),
        ];
        for (hash, name) in types {
            assert_eq!(hash, keccak256(name), "{name}");
        }
    }

    #[test]
    fn every_field_changes_the_hash() {
        let (safe, base) = (Address::repeat_byte(7), Proposed::default());
        let one = U256::ONE;
        let other = Address::repeat_byte(1);
        let changed = [
            Proposed { to: other, ..base.clone() },
            Proposed { value: one, ..base.clone() },
            Proposed { data: Bytes::from_static(&[0]), ..base.clone() },
            Proposed { operation: 1, ..base.clone() },
            Proposed { safe_tx_gas: one, ..base.clone() },
            Proposed { base_gas: one, ..base.clone() },
            Proposed { gas_price: one, ..base.clone() },
            Proposed { gas_token: other, ..base.clone() },
            Proposed { refund_receiver: other, ..base.clone() },
            Proposed { nonce: one, ..base.clone() },
        ];
        let hash = |of: &Proposed| safe_tx_hash(Version::WithChainId, 1, safe, of);
        let mut all: Vec<B256> = changed.iter().map(hash).collect();
        all.push(hash(&base));
        all.push(safe_tx_hash(Version::WithChainId, 10, safe, &base));
        all.push(safe_tx_hash(Version::BeforeChainId, 1, safe, &base));
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), changed.len() + 3);
    }

    #[test]
    fn versions_that_hash_other_fields_are_refused() {
        let of = |text| Version::of(text);
        assert_eq!(of("1.4.1+L2"), Some(Version::WithChainId));
        assert_eq!(of("1.1.1"), Some(Version::BeforeChainId));
        assert_eq!((of("0.1.0"), of("new"), of("")), (None, None, None));
    }
}
