//! Transactions and receipts of one block, joined one to one after every statement they make about
//! their place was compared.

use alloy_primitives::{Address, B256, U256};
use model::{Header, Log, Transaction, TxStatus};

use super::{Item, Prove, Refusal, transactions::kind};
use crate::wire::{
    Part,
    hex::{Fixed, Quantity},
    receipt::{WireLog, WireReceipt},
    transaction::WireTransaction,
};

/// A transaction with its receipt, and what proving the receipts needs beside.
pub(super) struct Joined {
    pub(super) transactions: Vec<Transaction>,
    /// The intermediate state root of each receipt from before Byzantium, where the node gave it.
    pub(super) state_roots: Vec<Option<B256>>,
}

/// Checks that each transaction says it is where it is.
pub(super) fn check_places(
    header: &Header,
    transactions: &[WireTransaction],
) -> Result<(), Refusal> {
    for (index, transaction) in transactions.iter().enumerate() {
        let place = Place { header, index, item: Item::Transaction(index) };
        place.check(transaction.block_hash, transaction.block_number, transaction.index)?;
    }
    Ok(())
}

/// Joins each transaction with its receipt.
pub(super) fn join(
    header: &Header,
    transactions: Vec<WireTransaction>,
    receipts: Vec<WireReceipt>,
    prove: &Prove,
) -> Result<Joined, Refusal> {
    if transactions.len() != receipts.len() {
        let (receipts, transactions) = (receipts.len(), transactions.len());
        return Err(Refusal::ReceiptCount { receipts, transactions });
    }
    // A header with a bloom and an answer without any log is the classic lie of a lagging node. It
    // has its own name, whatever else may be wrong with the answer.
    let is_without_logs = receipts.iter().all(|receipt| receipt.logs.0.is_empty());
    if is_without_logs && !header.logs_bloom.is_zero() {
        return Err(Refusal::LogsMissing);
    }
    let mut joined = Joined {
        transactions: Vec::with_capacity(transactions.len()),
        state_roots: Vec::with_capacity(transactions.len()),
    };
    let mut gas_sum = 0_u64;
    let mut log_count = 0_u64;
    for (index, (transaction, receipt)) in transactions.into_iter().zip(receipts).enumerate() {
        check_receipt(header, index, &transaction, &receipt, prove)?;

        gas_sum = gas_sum.saturating_add(receipt.gas_used.0);
        let stated = receipt.cumulative_gas_used.0;
        if gas_sum != stated {
            return Err(Refusal::CumulativeGas { index, sum: gas_sum, stated });
        }
        let status = status(header, index, &receipt, prove)?;
        let effective_gas_price = receipt
            .effective_gas_price
            .map(|price| price.0)
            .or_else(|| price_from_transaction(header, &transaction))
            .unwrap_or_default();
        let created = receipt
            .contract_address
            .filter(|_| transaction.to.is_none() && status != TxStatus::Failed)
            .map(|address| Address::from(address.0));

        let mut logs = Vec::with_capacity(receipt.logs.0.len());
        for (position, log) in receipt.logs.0.into_iter().enumerate() {
            let item = Item::Log { receipt: index, position };
            let place = Place { header, index, item };
            logs.push(place.log(log, log_count, transaction.hash)?);
            log_count += 1;
        }
        joined.state_roots.push(receipt.root.map(|root| root.0));
        joined.transactions.push(Transaction {
            hash: transaction.hash.0,
            // A block of 64 MiB has fewer transactions than that, and `kind` was compared with
            // the receipt's after it was found to be a byte.
            index: index as u32,
            kind: byte(index, kind(&transaction))?,
            from: transaction.from.0.into(),
            to: transaction.to.map(|to| to.0.into()),
            nonce: transaction.nonce.0,
            value: transaction.value.0,
            input: transaction.input.0,
            gas_limit: transaction.gas_limit.0,
            gas_used: receipt.gas_used.0,
            effective_gas_price,
            status,
            created,
            logs,
        });
    }
    if gas_sum != header.gas_used {
        return Err(Refusal::GasUsed { sum: gas_sum, committed: header.gas_used });
    }
    Ok(joined)
}

fn byte(index: usize, kind: u64) -> Result<u8, Refusal> {
    u8::try_from(kind).map_err(|_| Refusal::Malformed {
        part: Part::Block,
        reason: format!("transaction {index} has type {kind:#x}, a type is one byte"),
    })
}

/// Everything that a receipt says about which transaction it belongs to.
fn check_receipt(
    header: &Header,
    index: usize,
    transaction: &WireTransaction,
    receipt: &WireReceipt,
    prove: &Prove,
) -> Result<(), Refusal> {
    let item = Item::Receipt(index);
    let place = Place { header, index, item };
    let hash = receipt.transaction_hash;
    same(item, "transactionHash", hash.0, transaction.hash.0)?;
    place.check(receipt.block_hash, receipt.block_number, receipt.index)?;
    if let Some(from) = receipt.from {
        same(item, "from", from.0, transaction.from.0)?;
    }
    if let Some(to) = receipt.to {
        let expected = transaction.to.map(|to| to.0.to_string());
        same(item, "to", to.0.to_string(), expected.unwrap_or_else(|| "null".to_owned()))?;
    }
    if let Some(stated) = receipt.kind {
        same(item, "type", stated.0, kind(transaction))?;
    }
    // Nothing in the header commits to the address of a created contract, but sender and nonce
    // determine it. Chains that derive it otherwise have transactions that cannot be proven.
    if let Some(address) = receipt.contract_address
        && transaction.to.is_none()
        && prove.transactions
        && kind(transaction) <= 4
    {
        let expected = Address::from(transaction.from.0).create(transaction.nonce.0);
        same(item, "contractAddress", Address::from(address.0), expected)?;
    }
    Ok(())
}

fn status(
    header: &Header,
    index: usize,
    receipt: &WireReceipt,
    prove: &Prove,
) -> Result<TxStatus, Refusal> {
    match receipt.status.map(|status| status.0) {
        Some(1) => Ok(TxStatus::Success),
        Some(0) => Ok(TxStatus::Failed),
        Some(other) => Err(Refusal::Malformed {
            part: Part::Receipts,
            reason: format!("receipt {index} has status {other:#x}, a status is 0x0 or 0x1"),
        }),
        None if header.number < prove.byzantium => Ok(TxStatus::Unknown),
        None => Err(Refusal::StatusMissing { index }),
    }
}

/// What a transaction pays per gas by its own bytes and the block's base fee, for nodes whose
/// receipts do not say.
fn price_from_transaction(header: &Header, transaction: &WireTransaction) -> Option<U256> {
    if kind(transaction) < 2 {
        return transaction.gas_price.map(|price| U256::from(price.0));
    }
    let cap = U256::from(transaction.max_fee_per_gas?.0);
    let tip = U256::from(transaction.max_priority_fee_per_gas?.0);
    Some(cap.min(header.base_fee_per_gas?.saturating_add(tip)))
}

/// Where something of a block has to say it is.
struct Place<'a> {
    header: &'a Header,
    /// Of the transaction.
    index: usize,
    item: Item,
}

impl Place<'_> {
    fn check(
        &self,
        block_hash: Option<Fixed<32>>,
        block_number: Option<Quantity<u64>>,
        transaction_index: Option<Quantity<u64>>,
    ) -> Result<(), Refusal> {
        if let Some(hash) = block_hash {
            same(self.item, "blockHash", hash.0, self.header.hash)?;
        }
        if let Some(number) = block_number {
            same(self.item, "blockNumber", number.0, self.header.number)?;
        }
        if let Some(index) = transaction_index {
            same(self.item, "transactionIndex", index.0, self.index as u64)?;
        }
        Ok(())
    }

    fn log(&self, log: WireLog, index: u64, transaction: Fixed<32>) -> Result<Log, Refusal> {
        if log.removed.is_some_and(|removed| removed.0) {
            return Err(Refusal::LogRemoved { item: self.item });
        }
        if let Some(hash) = log.transaction_hash {
            same(self.item, "transactionHash", hash.0, transaction.0)?;
        }
        self.check(log.block_hash, log.block_number, log.transaction_index)?;
        same(self.item, "logIndex", log.index.0, index)?;
        Ok(Log {
            // Equal to a count of logs in a body of at most 64 MiB, which fits.
            index: index as u32,
            address: log.address.0.into(),
            topics: log.topics.0,
            data: log.data.0,
        })
    }
}

/// Refuses what is not as expected.
pub(super) fn same<T: PartialEq + ToString>(
    item: Item,
    field: &'static str,
    found: T,
    expected: T,
) -> Result<(), Refusal> {
    if found == expected {
        return Ok(());
    }
    let (found, expected) = (found.to_string(), expected.to_string());
    Err(Refusal::Foreign { item, field, found, expected })
}
