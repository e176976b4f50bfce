//! Claims in, proven blocks or refusals out. Pure: no I/O, no clock.
//!
//! ```text
//!  block    ─► header ──hash──► transactions ──hashes, root, senders──┐
//!  receipts ─► join: count, place, gas, status ◄──────────────────────┘
//!                │
//!                ├─► bloom of the logs = header's,  receipts root = header's
//!  traces   ─► matched to their transactions
//!                ▼
//!            BlockBundle with its Proof
//! ```
//!
//! Three things a node says are believed without proof, because nothing on the chain commits to
//! them: the effective gas price, a status from before Byzantium, and the inside of a call trace.

mod header; //       hash of the header
mod join; //         transactions with receipts, each in its place
mod prove; //        what to recompute
mod receipts; //     bloom and receipts root
mod refusal; //      why a block was not believed
mod senders; //      who signed
mod traces; //       traces matched to transactions
mod transactions; // hashes and root

use std::borrow::Cow;

use model::{BlockBundle, BlockRef, Header, Name, Proof, Proven, TraceSource};

pub use self::{
    prove::Prove,
    refusal::{Item, Refusal},
};
use crate::wire::{
    self, Part, RawBlock,
    block::WireBlock,
    receipt::WireReceipt,
    record::{List, Skipped},
    transaction::WireTransaction,
};

/// Reads one block, checks that its parts belong together and proves what `prove` asks for.
///
/// # Errors
/// The first thing that does not add up. [`Refusal::part`] says which body to ask for again.
pub fn assemble(
    network: &Name,
    endpoint: &Name,
    raw: RawBlock<'_>,
    prove: &Prove,
) -> Result<BlockBundle, Refusal> {
    let block: WireBlock<List<WireTransaction>> = wire::read(Part::Block, raw.block)?;
    let (header, header_proof) = header::prove(block.header, prove)?;
    join::check_places(&header, &block.transactions.0)?;
    let transactions_proof = transactions::prove(&header, &block.transactions.0, prove)?;

    let List(receipts): List<WireReceipt> = wire::read(Part::Receipts, raw.receipts)?;
    let joined = join::join(&header, block.transactions.0, receipts, prove)?;
    let receipts_proof = receipts::prove(&header, &joined, prove)?;
    let transactions = joined.transactions;

    let traces = match raw.traces {
        Some(traces) => Some(traces::matched(traces, &transactions)?),
        None => None,
    };
    Ok(BlockBundle {
        network: network.clone(),
        endpoint: endpoint.clone(),
        header,
        transactions,
        traces,
        reads: Vec::new(),
        proof: Proof {
            header: header_proof,
            transactions: transactions_proof.transactions,
            senders: transactions_proof.senders,
            bloom: receipts_proof.bloom,
            receipts: receipts_proof.receipts,
        },
        traced_by: TraceSource::Node,
    })
}

/// Reads and proves a header alone, from a block with or without transaction bodies
/// (`eth_getBlockByNumber` with `false`, a `newHeads` message).
///
/// # Errors
/// Unreadable, or the hash is not that of the header.
pub fn head(body: &[u8], prove: &Prove) -> Result<(Header, Proven), Refusal> {
    let block: WireBlock<Skipped> = wire::read(Part::Block, body)?;
    header::prove(block.header, prove)
}

/// Reads a block without its receipts and proves header, transactions and senders as asked.
///
/// # Errors
/// The first thing that does not add up.
pub fn block_alone(body: &[u8], prove: &Prove) -> Result<(Header, Proof), Refusal> {
    let block: WireBlock<List<WireTransaction>> = wire::read(Part::Block, body)?;
    let (header, header_proof) = header::prove(block.header, prove)?;
    join::check_places(&header, &block.transactions.0)?;
    let proof = transactions::prove(&header, &block.transactions.0, prove)?;
    let no_receipts = || Proven::NotProvable(Cow::Borrowed("read without receipts"));
    let proof = Proof {
        header: header_proof,
        transactions: proof.transactions,
        senders: proof.senders,
        bloom: no_receipts(),
        receipts: no_receipts(),
    };
    Ok((header, proof))
}

/// Checks that `header` follows `parent`.
///
/// # Errors
/// [`Refusal::Parent`].
pub fn follows(header: &Header, parent: &BlockRef) -> Result<(), Refusal> {
    let is_next = parent.number.checked_add(1) == Some(header.number);
    if is_next && header.parent_hash == parent.hash {
        return Ok(());
    }
    Err(Refusal::Parent { child: header.block_ref(), stated: header.parent_hash, parent: *parent })
}

/// What to record for a part of unknown shape, unless the configuration insists on proof.
fn unprovable(part: Part, reason: Cow<'static, str>, prove: &Prove) -> Result<Proven, Refusal> {
    if prove.refuse_unknown {
        return Err(Refusal::Unprovable { part, reason: reason.into_owned() });
    }
    Ok(Proven::NotProvable(reason))
}
