use alloy_consensus::{
    BlockBody, EMPTY_OMMER_ROOT_HASH, Eip658Value, Header, Receipt, ReceiptEnvelope, Transaction,
    TxEnvelope, Typed2718,
    constants::EMPTY_WITHDRAWALS,
    proofs::{calculate_receipt_root, calculate_transaction_root},
    transaction::Recovered,
};
use alloy_eips::{eip1559::BaseFeeParams, eip7685::EMPTY_REQUESTS_HASH};
use alloy_primitives::{Address, B256, Bloom, Bytes, U256, keccak256};
use alloy_rlp::Encodable;
use model::BlockRef;
use revm::context::BlockEnv;

use super::DevnetConfig;

/// A transaction in a block, with what came of it.
#[derive(Debug, Clone)]
pub struct Included {
    /// The signed transaction and its sender.
    pub transaction: Recovered<TxEnvelope>,
    /// What the receipts root commits to.
    pub receipt: ReceiptEnvelope,
    /// Gas this transaction used.
    pub gas_used: u64,
    /// Wei paid per gas.
    pub effective_gas_price: u128,
    /// The contract it created, if any.
    pub created: Option<Address>,
    /// Position in the block of its first log.
    pub first_log_index: usize,
}

/// A block with its receipts.
#[derive(Debug, Clone)]
pub struct Block {
    /// Header.
    pub header: Header,
    /// Hash of the header.
    pub hash: B256,
    /// Size of the encoded block, in bytes.
    pub size_bytes: usize,
    /// Transactions in order.
    pub transactions: Vec<Included>,
}

impl Block {
    /// Number and hash.
    pub fn block_ref(&self) -> BlockRef {
        BlockRef { number: self.header.number, hash: self.hash }
    }

    /// Base fee of the block after this one.
    pub(super) fn next_base_fee(&self) -> u64 {
        self.header.next_block_base_fee(BaseFeeParams::ethereum()).unwrap_or_default()
    }
}

/// Base fee of block 0: one gwei per gas. It falls from there, as blocks are far from full.
const GENESIS_BASE_FEE_WEI: u64 = 1_000_000_000;

/// Block 0 over a state with this root.
pub(super) fn genesis(config: &DevnetConfig, state_root: B256) -> Block {
    let mut header = skeleton(config, 0, config.genesis_at, Bytes::new());
    header.base_fee_per_gas = Some(GENESIS_BASE_FEE_WEI);
    seal(header, Vec::new(), state_root)
}

/// The header of the block after `parent`, before anything ran in it.
pub(super) fn next_header(
    config: &DevnetConfig,
    parent: &Block,
    timestamp: u64,
    extra_data: Bytes,
) -> Header {
    let mut header = skeleton(config, parent.header.number + 1, timestamp, extra_data);
    header.parent_hash = parent.hash;
    header.base_fee_per_gas = Some(parent.next_base_fee());
    header
}

fn skeleton(config: &DevnetConfig, number: u64, timestamp: u64, extra_data: Bytes) -> Header {
    // A stand-in for the randomness and roots that a consensus layer would supply.
    let beacon = |what: &str| {
        let mut bytes = what.as_bytes().to_vec();
        bytes.extend(config.chain_id.to_be_bytes());
        bytes.extend(number.to_be_bytes());
        bytes.extend(&extra_data);
        keccak256(bytes)
    };
    Header {
        number,
        timestamp,
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        beneficiary: Address::from_word(keccak256("bellwether devnet block maker")),
        gas_limit: config.gas_limit,
        mix_hash: beacon("randao"),
        withdrawals_root: Some(EMPTY_WITHDRAWALS),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        parent_beacon_block_root: Some(beacon("beacon root")),
        requests_hash: Some(EMPTY_REQUESTS_HASH),
        extra_data,
        ..Header::default()
    }
}

/// Fills in what the transactions decide and hashes the header.
pub(super) fn seal(mut header: Header, transactions: Vec<Included>, state_root: B256) -> Block {
    let receipts: Vec<&ReceiptEnvelope> = transactions.iter().map(|tx| &tx.receipt).collect();
    let signed: Vec<TxEnvelope> =
        transactions.iter().map(|tx| tx.transaction.inner().clone()).collect();
    header.state_root = state_root;
    header.transactions_root = calculate_transaction_root(&signed);
    header.receipts_root = calculate_receipt_root(&receipts);
    header.logs_bloom = receipts.iter().fold(Bloom::ZERO, |sum, r| sum | *r.logs_bloom());
    header.gas_used = receipts.last().map_or(0, |receipt| receipt.cumulative_gas_used());
    let hash = header.hash_slow();
    let body = BlockBody {
        transactions: signed,
        ommers: Vec::new(),
        withdrawals: Some(Default::default()),
    };
    let whole = alloy_consensus::Block { header, body };
    let size_bytes = whole.length();
    Block { header: whole.header, hash, size_bytes, transactions }
}

/// The receipt of one transaction.
pub(super) fn receipt(
    transaction: &TxEnvelope,
    is_success: bool,
    cumulative_gas_used: u64,
    logs: Vec<alloy_primitives::Log>,
) -> ReceiptEnvelope {
    let receipt = Receipt { status: Eip658Value::Eip658(is_success), cumulative_gas_used, logs };
    ReceiptEnvelope::from_typed(transaction.tx_type(), receipt.with_bloom())
}

/// What a transaction pays per gas under this header.
pub(super) fn effective_gas_price(transaction: &TxEnvelope, header: &Header) -> u128 {
    transaction.effective_gas_price(header.base_fee_per_gas)
}

/// Whether the chain takes transactions of this type at all.
pub(super) fn is_supported(transaction: &TxEnvelope) -> bool {
    !matches!(transaction, TxEnvelope::Eip4844(_)) && transaction.ty() <= 4
}

/// The header as the EVM sees it.
pub(super) fn block_env(header: &Header) -> BlockEnv {
    BlockEnv {
        number: U256::from(header.number),
        beneficiary: header.beneficiary,
        timestamp: U256::from(header.timestamp),
        gas_limit: header.gas_limit,
        basefee: header.base_fee_per_gas.unwrap_or_default(),
        difficulty: U256::ZERO,
        prevrandao: Some(header.mix_hash),
        ..BlockEnv::default()
    }
}
