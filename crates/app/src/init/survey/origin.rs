//! Where contracts come from: the block, the transaction and the account that created them; and
//! what else that account created.

use std::collections::BTreeMap;

use chain::rpc::Request;
use model::{Address, B256, BlockNumber, Bytes};
use serde::Deserialize;

use super::{
    logs::Wanted,
    node::{Node, Quantity},
};

/// Most addresses that one account can have created and are looked at; of an account with more
/// transactions, those around the creations that are known.
const NONCES_MAX: u64 = 400;

/// How a contract came to be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Origin {
    /// Block that created it.
    pub(super) block: Option<BlockNumber>,
    /// The account whose transaction created it.
    pub(super) creator: Option<Address>,
    /// Nonce of that transaction.
    pub(super) nonce: Option<u64>,
    /// What the transaction carried.
    pub(super) input: Bytes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Receipt {
    transaction_hash: B256,
    contract_address: Option<Address>,
    #[serde(default)]
    logs: Vec<ReceiptLog>,
}

#[derive(Deserialize)]
struct ReceiptLog {
    address: Address,
}

#[derive(Deserialize)]
struct Transaction {
    from: Address,
    nonce: Quantity,
    input: Bytes,
}

fn code_at(of: Address, block: BlockNumber) -> Request {
    Request::new("eth_getCode", format!(r#"["{of:#x}","{block:#x}"]"#))
}

fn has_code(answer: &Bytes) -> Option<bool> {
    Some(!serde_json::from_slice::<Bytes>(answer).ok()?.is_empty())
}

impl Node {
    /// The block that created each contract, by bisection over its code; without an entry where the
    /// node does not keep old state. Contracts whose code ever vanished in between may come out with
    /// a later creation than their first.
    async fn creation_blocks(&self, of: &[Address]) -> BTreeMap<Address, BlockNumber> {
        // Code was not there at `low` (or low is before the chain) and is there at `high`.
        let mut open: BTreeMap<Address, (BlockNumber, BlockNumber)> =
            of.iter().map(|address| (*address, (0, self.head))).collect();
        let mut found = BTreeMap::new();
        while !open.is_empty() {
            let asked: Vec<(Address, BlockNumber)> =
                open.iter().map(|(of, (low, high))| (*of, low + (high - low) / 2)).collect();
            let requests = asked.iter().map(|(of, at)| code_at(*of, *at)).collect();
            let answers = self.all(requests).await;
            for ((of, at), answer) in asked.into_iter().zip(answers) {
                let is_there = answer.ok().flatten().as_ref().and_then(has_code);
                let Some((low, high)) = open.get_mut(&of) else { continue };
                match is_there {
                    Some(true) => *high = at,
                    Some(false) => *low = at + 1,
                    None => {
                        open.remove(&of);
                        continue;
                    }
                }
                if low >= high {
                    found.insert(of, *high);
                    open.remove(&of);
                }
            }
        }
        found
    }

    /// Where each contract comes from, as far as the node can tell. `signs` are topics of events
    /// that contracts emit when they are created: the way for nodes without old state.
    pub(super) async fn origins(
        &self,
        of: &[Address],
        signs: &[B256],
    ) -> BTreeMap<Address, Origin> {
        let blocks = self.creation_blocks(of).await;
        let mut origins = BTreeMap::new();
        let mut receipts: BTreeMap<BlockNumber, Vec<Receipt>> = BTreeMap::new();
        for (address, block) in &blocks {
            if !receipts.contains_key(block) {
                let asked = self.ask("eth_getBlockReceipts", format!(r#"["{block:#x}"]"#)).await;
                receipts.insert(*block, asked.unwrap_or_default());
            }
            let of_block = receipts.get(block).map(Vec::as_slice).unwrap_or_default();
            let created = of_block.iter().find(|r| r.contract_address == Some(*address));
            let through = || of_block.iter().find(|r| r.logs.iter().any(|l| l.address == *address));
            let transaction = match created.or_else(through) {
                Some(receipt) => self.transaction(receipt.transaction_hash).await,
                None => None,
            };
            origins.insert(
                *address,
                Origin { block: Some(*block), ..transaction.unwrap_or_default() },
            );
        }
        for address in of.iter().filter(|address| !blocks.contains_key(*address)) {
            let of = [*address];
            let first = self.logs(&of, signs, 0..=self.head, Wanted::First, |_| {}).await.logs;
            let Some(first) = first.first() else { continue };
            let Some(origin) = self.transaction(first.transaction).await else { continue };
            origins.insert(*address, Origin { block: Some(first.block), ..origin });
        }
        origins
    }

    async fn transaction(&self, hash: B256) -> Option<Origin> {
        let asked = self.ask("eth_getTransactionByHash", format!(r#"["{hash:#x}"]"#)).await;
        let Transaction { from, nonce, input } = asked.ok()?;
        Some(Origin { block: None, creator: Some(from), nonce: Some(nonce.0), input })
    }

    /// Contracts that an account created by its own transactions: their addresses follow from its
    /// nonces. `near` are nonces of creations that are known. The second value tells what was left
    /// out.
    pub(super) async fn created_by(
        &self,
        account: Address,
        near: &[u64],
    ) -> (Vec<Address>, Option<String>) {
        let asked = self.ask("eth_getTransactionCount", format!(r#"["{account:#x}","latest"]"#));
        let Ok(Quantity(count)) = asked.await else {
            return (
                Vec::new(),
                Some(format!(
                    "what else {account} created was not found: the node does not say how many transactions it made"
                )),
            );
        };
        let (nonces, note) = if count <= NONCES_MAX {
            ((0..count).collect::<Vec<u64>>(), None)
        } else {
            let around = NONCES_MAX / 2 / (near.len() as u64).max(1);
            let mut nonces: Vec<u64> = near
                .iter()
                .flat_map(|n| n.saturating_sub(around)..n.saturating_add(around).min(count))
                .collect();
            nonces.sort_unstable();
            nonces.dedup();
            let note = format!(
                "{account} made {count} transactions; of what it created, {} nonces around the known ones were looked at",
                nonces.len()
            );
            (nonces, Some(note))
        };
        let addresses: Vec<Address> = nonces.iter().map(|nonce| account.create(*nonce)).collect();
        let requests = addresses
            .iter()
            .map(|of| Request::new("eth_getCode", format!(r#"["{of:#x}","latest"]"#)))
            .collect();
        let answers = self.all(requests).await;
        let is_there = |answer: Result<Option<Bytes>, _>| {
            answer.ok().flatten().as_ref().and_then(has_code) == Some(true)
        };
        let created =
            addresses.into_iter().zip(answers).filter_map(|(of, a)| is_there(a).then_some(of));
        (created.collect(), note)
    }
}
