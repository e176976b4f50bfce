//! From bytecode: which writes and which events can be reached from a function's entry.
//!
//! The code is executed with unknown inputs: each value on the stack is either a constant or
//! unknown, and both sides of a branch are taken. Compilers push the targets of their jumps, so
//! constants that travel over the stack are enough to return from internal functions. What is more
//! is given up with a reason, never guessed.

use std::{
    collections::BTreeSet,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use alloy_primitives::{B256, U256};
use rustc_hash::FxHashSet;

/// Most instructions that are executed for one function; the largest contracts need some ten
/// thousand, and this takes some ten milliseconds.
const STEPS_MAX: usize = 400_000;

/// The machine's own limit.
const STACK_MAX: usize = 1024;

/// What can be reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Reached {
    /// Whether storage is written.
    pub(super) writes: bool,
    /// First topics of the events; `None` where it is chosen when it runs, or there is none.
    pub(super) logs: BTreeSet<Option<B256>>,
    /// Whether other code runs on this contract's storage.
    pub(super) delegates: bool,
    /// Whether a selector that moves tokens is pushed, or a call can carry ether.
    pub(super) moves_money: bool,
    /// Why not all could be followed.
    pub(super) lost: Option<&'static str>,
}

/// Selectors of calls that move tokens: transfer, transferFrom, mint, burn(uint256),
/// burn(address,uint256).
const MONEY_SELECTORS: [u32; 5] = [0xa905_9cbb, 0x23b8_72dd, 0x40c1_0f19, 0x4296_6c68, 0x9dc2_9fac];

struct Path {
    at: usize,
    /// Only the top of the real stack: what lies below the first value that was pushed here is
    /// unknown.
    stack: Vec<Option<U256>>,
}

impl Path {
    fn pop(&mut self) -> Option<U256> {
        self.stack.pop().flatten()
    }

    fn forget(&mut self, count: usize) {
        self.stack.truncate(self.stack.len().saturating_sub(count));
    }

    fn push(&mut self, value: Option<U256>) {
        self.stack.push(value);
    }

    /// Makes the values down to a depth explicit.
    fn deepen(&mut self, depth: usize) {
        if let Some(missing) = depth.checked_sub(self.stack.len()) {
            self.stack.splice(0..0, std::iter::repeat_n(None, missing));
        }
    }
}

/// Explores all that can be reached from `entry`.
pub(super) fn explore(code: &[u8], entry: usize) -> Reached {
    let targets = jump_targets(code);
    let mut reached = Reached::default();
    let mut seen: FxHashSet<(usize, u64)> = FxHashSet::default();
    let mut waiting = vec![Path { at: entry, stack: Vec::new() }];
    let mut steps = 0usize;
    while let Some(mut path) = waiting.pop() {
        // Each path is followed to where it joins one that was followed before.
        while let Some(&opcode) = code.get(path.at) {
            if opcode == op::JUMPDEST && !seen.insert((path.at, print(&path.stack))) {
                break;
            }
            steps += 1;
            if steps > STEPS_MAX {
                reached.lost = Some("the code has more paths than are followed");
                return reached;
            }
            match step(code, &targets, opcode, &mut path, &mut reached) {
                Next::On => {}
                Next::Branch(target) => {
                    waiting.push(Path { at: target, stack: path.stack.clone() });
                }
                Next::End => break,
            }
        }
    }
    reached
}

/// A print of the stack, by which two visits of one place are told apart.
fn print(stack: &[Option<U256>]) -> u64 {
    let mut hasher = DefaultHasher::new();
    // Unknown values at the bottom are as good as none.
    let first = stack.iter().position(Option::is_some).unwrap_or(stack.len());
    stack[first..].hash(&mut hasher);
    hasher.finish()
}

fn jump_targets(code: &[u8]) -> Vec<bool> {
    let mut targets = vec![false; code.len()];
    let mut at = 0;
    while at < code.len() {
        let opcode = code[at];
        targets[at] = opcode == op::JUMPDEST;
        at += 1 + pushed_bytes(opcode);
    }
    targets
}

fn pushed_bytes(opcode: u8) -> usize {
    if (op::PUSH1..=op::PUSH32).contains(&opcode) { usize::from(opcode - op::PUSH1) + 1 } else { 0 }
}

mod op {
    pub(super) const SSTORE: u8 = 0x55;
    pub(super) const JUMP: u8 = 0x56;
    pub(super) const JUMPI: u8 = 0x57;
    pub(super) const JUMPDEST: u8 = 0x5b;
    pub(super) const PUSH0: u8 = 0x5f;
    pub(super) const PUSH1: u8 = 0x60;
    pub(super) const PUSH4: u8 = 0x63;
    pub(super) const PUSH32: u8 = 0x7f;
    pub(super) const DUP1: u8 = 0x80;
    pub(super) const DUP16: u8 = 0x8f;
    pub(super) const SWAP1: u8 = 0x90;
    pub(super) const SWAP16: u8 = 0x9f;
    pub(super) const LOG0: u8 = 0xa0;
    pub(super) const LOG4: u8 = 0xa4;
    pub(super) const CALL: u8 = 0xf1;
    pub(super) const CALLCODE: u8 = 0xf2;
    pub(super) const DELEGATECALL: u8 = 0xf4;
}

enum Next {
    On,
    Branch(usize),
    End,
}

fn step(code: &[u8], targets: &[bool], opcode: u8, path: &mut Path, reached: &mut Reached) -> Next {
    let is_target = |value: U256| {
        let at = usize::try_from(value).ok().filter(|&at| targets.get(at) == Some(&true));
        at.ok_or(())
    };
    path.at += 1;
    match opcode {
        op::PUSH0 => path.push(Some(U256::ZERO)),
        op::PUSH1..=op::PUSH32 => {
            let length = pushed_bytes(opcode);
            let end = (path.at + length).min(code.len());
            let bytes = &code[path.at.min(end)..end];
            let value = U256::try_from_be_slice(bytes).unwrap_or_default();
            if opcode == op::PUSH4 {
                let selector = u32::try_from(value).unwrap_or_default();
                reached.moves_money |= MONEY_SELECTORS.contains(&selector);
            }
            path.push(Some(value));
            path.at += length;
        }
        op::DUP1..=op::DUP16 => {
            let depth = usize::from(opcode - op::DUP1) + 1;
            path.deepen(depth);
            path.push(path.stack[path.stack.len() - depth]);
        }
        op::SWAP1..=op::SWAP16 => {
            let depth = usize::from(opcode - op::SWAP1) + 2;
            path.deepen(depth);
            let top = path.stack.len() - 1;
            path.stack.swap(top, top + 1 - depth);
        }
        op::SSTORE => {
            reached.writes = true;
            path.forget(2);
        }
        op::LOG0..=op::LOG4 => {
            path.forget(2);
            let topics = opcode - op::LOG0;
            let mut first = None;
            for at in 0..topics {
                let topic = path.pop();
                first = if at == 0 { topic } else { first };
            }
            reached.logs.insert(first.map(B256::from));
        }
        op::DELEGATECALL | op::CALLCODE => {
            reached.delegates = true;
            path.forget(if opcode == op::CALLCODE { 7 } else { 6 });
            path.push(None);
        }
        op::CALL => {
            path.forget(2);
            // Compilers push a literal zero where no ether goes along.
            reached.moves_money |= path.pop() != Some(U256::ZERO);
            path.forget(4);
            path.push(None);
        }
        op::JUMP | op::JUMPI => {
            let target = path.pop();
            if opcode == op::JUMPI {
                path.pop();
            }
            match target.map(is_target) {
                Some(Ok(to)) if opcode == op::JUMP => path.at = to,
                Some(Ok(to)) => return Next::Branch(to),
                // The compiler's way to stop: a jump to where no jump may go.
                Some(Err(())) if opcode == op::JUMP => return Next::End,
                Some(Err(())) => {}
                None => {
                    reached.lost = Some("a jump whose target is computed when it runs");
                    if opcode == op::JUMP {
                        return Next::End;
                    }
                }
            }
        }
        _ => return other(opcode, path, &is_target),
    }
    if path.stack.len() > STACK_MAX { Next::End } else { Next::On }
}

/// What neither jumps nor changes state.
fn other(opcode: u8, path: &mut Path, is_target: &dyn Fn(U256) -> Result<usize, ()>) -> Next {
    let (pops, pushes) = match opcode {
        0x01..=0x07 | 0x0a | 0x0b | 0x10..=0x14 | 0x16..=0x18 | 0x1a..=0x1d | 0x20 => (2, 1),
        0x08 | 0x09 => (3, 1),
        0x15 | 0x19 | 0x1e | 0x31 | 0x35 | 0x3b | 0x3f | 0x40 | 0x49 | 0x51 | 0x54 | 0x5c => (1, 1),
        0x30 | 0x32..=0x34 | 0x36 | 0x38 | 0x3a | 0x3d | 0x41..=0x48 | 0x4a | 0x58..=0x5a => (0, 1),
        0x37 | 0x39 | 0x3e | 0x5e => (3, 0),
        0x3c => (4, 0),
        0x50 => (1, 0),
        0x52 | 0x53 | 0x5d => (2, 0),
        0x5b => (0, 0),
        0xf0 => (3, 1),
        0xf5 => (4, 1),
        0xfa => (6, 1),
        // Stop, return, revert, self-destruct, and what is no instruction.
        _ => return Next::End,
    };
    let a = if pops > 0 { path.pop() } else { None };
    let b = if pops > 1 { path.pop() } else { None };
    path.forget(usize::saturating_sub(pops, 2));
    if pushes == 1 {
        let value = match (opcode, a, b) {
            (0x01, Some(a), Some(b)) => Some(a.wrapping_add(b)),
            (0x03, Some(a), Some(b)) => Some(a.wrapping_sub(b)),
            (0x16, Some(a), Some(b)) => Some(a & b),
            (0x17, Some(a), Some(b)) => Some(a | b),
            (0x1b, Some(a), Some(b)) => Some(shifted(a, b, |b, by| b << by)),
            (0x1c, Some(a), Some(b)) => Some(shifted(a, b, |b, by| b >> by)),
            _ => None,
        };
        // A loop's counter would make a new state of each round; what counts is where jumps go.
        path.push(value.filter(|value| is_target(*value).is_ok()));
    }
    Next::On
}

fn shifted(by: U256, value: U256, shift: impl Fn(U256, usize) -> U256) -> U256 {
    match usize::try_from(by) {
        Ok(by) if by < 256 => shift(value, by),
        _ => U256::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reached(code: &[u8]) -> Reached {
        explore(code, 0)
    }

    #[test]
    fn both_sides_of_a_branch_are_taken_and_calls_return() {
        // PUSH1 7 (back) PUSH1 10 JUMP . . JUMPDEST(7) STOP . JUMPDEST(10): SSTORE of unknowns; JUMP back
        let code = [0x60, 7, 0x60, 10, 0x56, 0, 0, 0x5b, 0x00, 0, 0x5b, 0x36, 0x36, 0x55, 0x56];
        assert_eq!(reached(&code), Reached { writes: true, ..Reached::default() });
        // CALLDATASIZE PUSH1 5 JUMPI STOP JUMPDEST(5): LOG0
        let code = [0x36, 0x60, 5, 0x57, 0x00, 0x5b, 0x36, 0x36, 0xa0, 0x00];
        assert_eq!(reached(&code).logs, BTreeSet::from([None]));
    }

    #[test]
    fn a_loop_ends_and_a_computed_jump_is_told() {
        // PUSH1 0, JUMPDEST(2), PUSH1 1 ADD, DUP1 CALLDATASIZE LT, PUSH1 2 JUMPI, STOP
        let code = [0x60, 0, 0x5b, 0x60, 1, 0x01, 0x80, 0x36, 0x10, 0x60, 2, 0x57, 0x00];
        assert_eq!(reached(&code), Reached::default());
        let computed = [0x36, 0x56];
        assert!(reached(&computed).lost.is_some());
    }

    #[test]
    fn a_tree_of_branches_is_given_up_and_not_called_fine() {
        // Each round pushes another constant under a branch, so that no two visits are alike.
        let mut code = Vec::new();
        for bit in 0..24u8 {
            let next = code.len() as u16 + 11;
            // CALLDATASIZE; PUSH2 next; JUMPI; PUSH1 bit; PUSH0...; JUMPDEST
            code.extend([
                0x36,
                0x61,
                (next >> 8) as u8,
                next as u8,
                0x57,
                0x60,
                bit + 1,
                0x5b,
                0x5b,
                0x5b,
                0x5b,
                0x5b,
            ]);
        }
        code.push(0x00);
        assert_eq!(reached(&code).lost, Some("the code has more paths than are followed"));
    }

    proptest::proptest! {
        #[test]
        fn no_code_makes_exploring_panic(code in proptest::collection::vec(proptest::num::u8::ANY, 0..200), entry in 0usize..220) {
            let _reached = explore(&code, entry);
        }
    }
}
