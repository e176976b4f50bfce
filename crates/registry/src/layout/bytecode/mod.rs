//! What runtime code alone tells: which slots it reads and writes as what, which entry points it
//! has, whether it can delegate or destroy itself.
//!
//! Recovered by following the code symbolically (evmole). A slot that no followed path touches is
//! not seen, and a width is what the masks on the followed paths say. So nothing here is proof, and
//! whatever is said from it is said as probable.

mod cell; //    one stretch of a slot, and what it is used as
mod compare; // old code against new code

use std::collections::BTreeSet;

use alloy_primitives::{B256, U256};

pub use cell::{Cell, Use};
pub use compare::{Conflict, ConflictKind, Confidence, conflicts};

/// Slots below this are numbered by the compiler; above, they are hashes.
const NUMBERED_SLOTS_MAX: u64 = 1 << 32;

const PUSH1: u8 = 0x60;
const PUSH32: u8 = 0x7f;
const CALLCODE: u8 = 0xf2;
const DELEGATECALL: u8 = 0xf4;
const SELFDESTRUCT: u8 = 0xff;

/// What following the code found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Traces {
    /// Stretches of storage that are read or written, in order.
    pub cells: Vec<Cell>,
    /// Constants that are roots of namespaces by their form: the code uses storage there.
    pub roots: BTreeSet<B256>,
    /// Selectors that the dispatcher knows.
    pub selectors: BTreeSet<[u8; 4]>,
    /// Reachable places that run other code on this storage.
    pub delegate_calls: usize,
    /// Reachable places that end the contract.
    pub self_destructs: usize,
}

/// Follows the code. Empty code has no traces.
pub fn trace(code: &[u8]) -> Traces {
    let wanted = evmole::ContractInfoArgs::new(code).with_storage().with_control_flow_graph();
    let found = evmole::contract_info(wanted);
    let mut traces = Traces::default();
    for record in found.storage.unwrap_or_default() {
        let slot = U256::from_be_bytes(record.slot);
        traces.cells.push(Cell {
            slot,
            offset: record.offset,
            used_as: Use::parse(&record.r#type),
            spelled: record.r#type,
            is_written: !record.writes.is_empty(),
        });
    }
    traces.cells.sort_by_key(|cell| (cell.slot, cell.offset));
    traces.selectors =
        found.functions.unwrap_or_default().iter().map(|function| function.selector).collect();
    let blocks = found.control_flow_graph.map(|graph| graph.blocks).unwrap_or_default();
    let mut seen = BTreeSet::new();
    for block in blocks.values() {
        for (at, opcode, argument) in instructions(code, block.start) {
            if at > block.end {
                break;
            }
            // One stretch of code can stand in the graph several times.
            if !seen.insert(at) {
                continue;
            }
            match opcode {
                CALLCODE | DELEGATECALL => traces.delegate_calls += 1,
                SELFDESTRUCT => traces.self_destructs += 1,
                PUSH32 => traces.roots.extend(root(argument)),
                _ => {}
            }
        }
    }
    traces
}

/// Instructions from an offset on: where, which, and the bytes that a push carries.
fn instructions(code: &[u8], from: usize) -> impl Iterator<Item = (usize, u8, &[u8])> {
    let mut at = from;
    std::iter::from_fn(move || {
        let opcode = *code.get(at)?;
        let here = at;
        let carried =
            if (PUSH1..=PUSH32).contains(&opcode) { usize::from(opcode - PUSH1) + 1 } else { 0 };
        at += 1 + carried;
        let argument = code.get(here + 1..code.len().min(at)).unwrap_or_default();
        Some((here, opcode, argument))
    })
}

/// A constant that looks like the root of an ERC-7201 namespace: its last byte is zero and the rest
/// is not a mask, a small number or a selector in front.
fn root(constant: &[u8]) -> Option<B256> {
    let word = B256::try_from(constant).ok()?;
    let (last, hash) = word.0.split_last()?;
    let distinct: BTreeSet<u8> = hash.iter().copied().collect();
    // 31 random bytes have fewer than 16 distinct values about once in 10^9.
    (*last == 0 && distinct.len() >= 16).then_some(word)
}
