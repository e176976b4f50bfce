use alloy_consensus::{
    SignableTransaction, TxEip1559, TxEnvelope, TxLegacy, crypto::secp256k1, transaction::Recovered,
};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, keccak256};

/// A key of an account that the devnet knows. Never a real one: keys come from public seeds.
#[derive(Clone)]
pub struct Wallet {
    secret: B256,
    address: Address,
}

impl std::fmt::Debug for Wallet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Wallet({})", self.address)
    }
}

impl Wallet {
    /// The wallet that belongs to a seed and a name; always the same one.
    pub fn derive(seed: u64, name: &str) -> Self {
        let mut bytes = b"bellwether devnet wallet".to_vec();
        bytes.extend(seed.to_be_bytes());
        bytes.extend(name.as_bytes());
        let secret = keccak256(bytes);
        // The signer of anything is the address: no need for a curve library of our own.
        let probe = B256::ZERO;
        let address = secp256k1::recover_signer(&sign(secret, probe), probe)
            .expect("a signature just made recovers to its signer");
        Self { secret, address }
    }

    /// Its address.
    pub fn address(&self) -> Address {
        self.address
    }

    pub(super) fn sign<T>(&self, transaction: T) -> Recovered<TxEnvelope>
    where
        T: SignableTransaction<Signature>,
        TxEnvelope: From<alloy_consensus::Signed<T>>,
    {
        let signature = sign(self.secret, transaction.signature_hash());
        Recovered::new_unchecked(transaction.into_signed(signature).into(), self.address)
    }
}

/// Signs deterministically (RFC 6979), so that hashes are the same in every run.
fn sign(secret: B256, hash: B256) -> Signature {
    secp256k1::sign_message(secret, hash)
        .expect("a keccak hash is a valid secret key but for one in 2^127")
}

/// A transaction to be signed; nonce and fees are filled in.
#[derive(Debug, Clone)]
pub struct TransactionRequest {
    /// Called address, or a creation.
    pub to: TxKind,
    /// Wei sent along.
    pub value: U256,
    /// Calldata or initcode.
    pub input: Bytes,
    /// The most gas it may use.
    pub gas_limit: u64,
    /// Sign the oldest kind of transaction instead of EIP-1559.
    pub is_legacy: bool,
}

/// Enough for every call of the protocol; creations name their own.
const CALL_GAS: u64 = 600_000;
/// Enough for the largest contract.
const CREATE_GAS: u64 = 6_000_000;
/// What senders offer the block's maker: 1 gwei per gas.
pub(super) const TIP_WEI: u128 = 1_000_000_000;

impl TransactionRequest {
    /// A call.
    pub fn call(to: Address, input: impl Into<Bytes>) -> Self {
        Self {
            to: TxKind::Call(to),
            value: U256::ZERO,
            input: input.into(),
            gas_limit: CALL_GAS,
            is_legacy: false,
        }
    }

    /// A creation.
    pub fn create(initcode: impl Into<Bytes>) -> Self {
        Self {
            to: TxKind::Create,
            value: U256::ZERO,
            input: initcode.into(),
            gas_limit: CREATE_GAS,
            is_legacy: false,
        }
    }

    /// A plain payment.
    pub fn pay(to: Address, wei: U256) -> Self {
        Self { gas_limit: 21_000, ..Self::call(to, Bytes::new()) }.with_value(wei)
    }

    /// With wei sent along.
    #[must_use]
    pub fn with_value(self, value: U256) -> Self {
        Self { value, ..self }
    }

    /// With another gas limit.
    #[must_use]
    pub fn with_gas_limit(self, gas_limit: u64) -> Self {
        Self { gas_limit, ..self }
    }

    /// As a transaction of the oldest kind.
    #[must_use]
    pub fn legacy(self) -> Self {
        Self { is_legacy: true, ..self }
    }

    /// Signs it, paying up to twice the base fee and a tip.
    pub(super) fn sign(
        self,
        wallet: &Wallet,
        chain_id: u64,
        nonce: u64,
        base_fee: u64,
    ) -> Recovered<TxEnvelope> {
        let fee_max = 2 * u128::from(base_fee) + TIP_WEI;
        let Self { to, value, input, gas_limit, is_legacy } = self;
        if is_legacy {
            let chain_id = Some(chain_id);
            let gas_price = fee_max;
            wallet.sign(TxLegacy { chain_id, nonce, gas_price, gas_limit, to, value, input })
        } else {
            wallet.sign(TxEip1559 {
                chain_id,
                nonce,
                gas_limit,
                max_fee_per_gas: fee_max,
                max_priority_fee_per_gas: TIP_WEI,
                to,
                value,
                access_list: Default::default(),
                input,
            })
        }
    }
}
