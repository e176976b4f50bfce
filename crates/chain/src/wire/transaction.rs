//! Transactions: the fields of types 0 to 4, and what is common to all others.

use alloy_primitives::U256;

use super::{
    hex::{Data, Fixed, Quantity},
    record::List,
};

record! {
    /// A transaction as a node states it. Which optional fields must be there depends on `kind`
    /// and is checked when the transaction is encoded.
    WireTransaction {
        required {
            hash: Fixed<32> = "hash",
            from: Fixed<20> = "from",
            nonce: Quantity<u64> = "nonce",
            gas_limit: Quantity<u64> = "gas",
            value: Quantity<U256> = "value",
            input: Data = "input" | "data",
        }
        optional {
            /// Absent on old nodes, which know no types.
            kind: Quantity<u64> = "type",
            to: Fixed<20> = "to",
            block_hash: Fixed<32> = "blockHash",
            block_number: Quantity<u64> = "blockNumber",
            index: Quantity<u64> = "transactionIndex",
            chain_id: Quantity<u64> = "chainId",
            gas_price: Quantity<u128> = "gasPrice",
            max_fee_per_gas: Quantity<u128> = "maxFeePerGas",
            max_priority_fee_per_gas: Quantity<u128> = "maxPriorityFeePerGas",
            max_fee_per_blob_gas: Quantity<u128> = "maxFeePerBlobGas",
            access_list: List<AccessedAddress> = "accessList",
            blob_hashes: List<Fixed<32>> = "blobVersionedHashes",
            authorizations: List<Authorization> = "authorizationList",
            v: Quantity<u128> = "v",
            y_parity: Quantity<u64> = "yParity",
            r: Quantity<U256> = "r",
            s: Quantity<U256> = "s",
        }
    }
}

record! {
    /// An entry of an access list (EIP-2930).
    AccessedAddress {
        required {
            address: Fixed<20> = "address",
            storage_keys: List<Fixed<32>> = "storageKeys",
        }
        optional {}
    }
}

record! {
    /// A signed authorization to run another account's code (EIP-7702).
    Authorization {
        required {
            chain_id: Quantity<U256> = "chainId",
            address: Fixed<20> = "address",
            nonce: Quantity<u64> = "nonce",
            y_parity: Quantity<u64> = "yParity" | "v",
            r: Quantity<U256> = "r",
            s: Quantity<U256> = "s",
        }
        optional {}
    }
}
