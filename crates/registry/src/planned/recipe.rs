//! Where a creation will put its contract.

use alloy_primitives::{Address, B256};

/// How a contract will be created, as far as it decides the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recipe {
    /// `CREATE`, or a transaction without a target: `keccak256(rlp(creator, nonce))[12..]`.
    Create {
        /// Account that creates.
        creator: Address,
        /// Its nonce at that moment. A contract's own nonce begins at 1 (EIP-161) and counts its
        /// creations.
        nonce: u64,
    },
    /// `CREATE2` (EIP-1014): `keccak256(0xff ‖ creator ‖ salt ‖ init_code_hash)[12..]`.
    Create2 {
        /// Contract that executes the opcode.
        creator: Address,
        /// Salt as the opcode sees it; some factories hash the caller's salt first.
        salt: B256,
        /// keccak256 of the initcode with its constructor arguments.
        init_code_hash: B256,
    },
}

impl Recipe {
    /// The address that the contract will have.
    pub fn address(&self) -> Address {
        match self {
            Self::Create { creator, nonce } => creator.create(*nonce),
            Self::Create2 { creator, salt, init_code_hash } => {
                creator.create2(salt, init_code_hash)
            }
        }
    }

    /// Who will create it.
    pub fn creator(&self) -> Address {
        match self {
            Self::Create { creator, .. } | Self::Create2 { creator, .. } => *creator,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::{address, hex, keccak256};

    #[test]
    fn create2_gives_the_addresses_of_eip_1014() {
        let zero = Address::ZERO;
        let dead = address!("deadbeef00000000000000000000000000000000");
        let feed = "0x000000000000000000000000feed000000000000000000000000000000000000";
        let cafe = "0x00000000000000000000000000000000000000000000000000000000cafebabe";
        let nothing = "0x0000000000000000000000000000000000000000000000000000000000000000";
        let long = hex!(
            "deadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeef"
        );
        let cases: [(Address, &str, &[u8], &str); 7] = [
            (zero, nothing, &[0], "0x4D1A2e2bB4F88F0250f26Ffff098B0b30B26BF38"),
            (dead, nothing, &[0], "0xB928f69Bb1D91Cd65274e3c79d8986362984fDA3"),
            (dead, feed, &[0], "0xD04116cDd17beBE565EB2422F2497E06cC1C9833"),
            (zero, nothing, &hex!("deadbeef"), "0x70f2b2914A2a4b783FaEFb75f459A580616Fcb5e"),
            (
                address!("00000000000000000000000000000000deadbeef"),
                cafe,
                &hex!("deadbeef"),
                "0x60f3f640a8508fC6a86d45DF051962668E1e8AC7",
            ),
            (
                address!("00000000000000000000000000000000deadbeef"),
                cafe,
                &long,
                "0x1d8bfDC5D46DC4f61D6b6115972536eBE6A8854C",
            ),
            (zero, nothing, &[], "0xE33C0C7F7df4809055C3ebA6c09CFe4BaF1BD9e0"),
        ];
        for (creator, salt, init_code, expected) in cases {
            let recipe = Recipe::Create2 {
                creator,
                salt: salt.parse().unwrap(),
                init_code_hash: keccak256(init_code),
            };
            assert_eq!(recipe.address().to_checksum(None), expected);
            assert_eq!(recipe.creator(), creator);
        }
    }

    #[test]
    fn create_gives_the_addresses_of_known_deployments() {
        // The first contracts of a well-known creator, from the Ethereum wiki's own example.
        let creator = address!("6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0");
        let expected = [
            address!("cd234a471b72ba2f1ccf0a70fcaba648a5eecd8d"),
            address!("343c43a37d37dff08ae8c4a11544c718abb4fcf8"),
            address!("f778b86fa74e846c4f0a1fbd1335fe81c00a0c91"),
            address!("fffd933a0bc612844eaf0c6fe3e5b8e9b6c1d19c"),
        ];
        for (nonce, expected) in (0u64..).zip(expected) {
            assert_eq!(Recipe::Create { creator, nonce }.address(), expected);
        }
    }
}
