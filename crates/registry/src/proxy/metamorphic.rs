//! Code that changed or vanished where code cannot change: a contract that was destroyed and, by
//! `CREATE2` or a replayed `CREATE`, created again with other code at the same address.

use alloy_primitives::{B256, KECCAK256_EMPTY};
use model::BlockNumber;

/// The code at one address, as seen in one block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeSeen {
    /// After this block.
    pub block: BlockNumber,
    /// Hash of the code; the zero word and the hash of nothing both mean that there was none.
    pub code_hash: B256,
}

impl CodeSeen {
    fn code(&self) -> Option<B256> {
        (self.code_hash != KECCAK256_EMPTY && !self.code_hash.is_zero()).then_some(self.code_hash)
    }
}

/// What happened to the code between two looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RebirthKind {
    /// There was code and now there is none.
    Vanished,
    /// There was code, then none, and now there is code again; `is_same` when it is the old one.
    Reborn {
        /// Whether the code is what it was before it vanished.
        is_same: bool,
    },
    /// Other code from one look to the next: destroyed and created again in between.
    Replaced,
}

/// Code that changed where code cannot change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rebirth {
    /// Which way.
    pub kind: RebirthKind,
    /// The last look that saw the code before.
    pub before: CodeSeen,
    /// The look that saw it changed.
    pub after: CodeSeen,
}

/// Everything odd in a history of looks, oldest first. A contract's first creation is not odd, nor
/// is an account without code. Accounts that delegate (EIP-7702) change their code by design: keep
/// them out, see [`is_delegation`](super::is_delegation). Looks that are out of order are sorted.
pub fn rebirths(history: &[CodeSeen]) -> Vec<Rebirth> {
    let mut looks = history.to_vec();
    looks.sort_by_key(|look| look.block);
    let mut found = Vec::new();
    // The newest look that saw code, and whether it vanished since.
    let mut alive: Option<CodeSeen> = None;
    let mut is_gone = false;
    for after in looks {
        match (alive, after.code()) {
            (Some(before), None) if !is_gone => {
                found.push(Rebirth { kind: RebirthKind::Vanished, before, after });
                is_gone = true;
            }
            (Some(before), Some(code)) => {
                let is_same = before.code() == Some(code);
                if is_gone {
                    found.push(Rebirth { kind: RebirthKind::Reborn { is_same }, before, after });
                } else if !is_same {
                    found.push(Rebirth { kind: RebirthKind::Replaced, before, after });
                }
                (alive, is_gone) = (Some(after), false);
            }
            (None, Some(_)) => alive = Some(after),
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(history: &[(u64, u8)]) -> Vec<RebirthKind> {
        let look = |(block, byte): &(u64, u8)| CodeSeen {
            block: *block,
            code_hash: if *byte == 0 { KECCAK256_EMPTY } else { B256::repeat_byte(*byte) },
        };
        let history: Vec<CodeSeen> = history.iter().map(look).collect();
        rebirths(&history).into_iter().map(|r| r.kind).collect()
    }

    #[test]
    fn code_that_vanishes_returns_or_differs_is_found() {
        assert_eq!(kinds(&[(1, 7), (2, 0)]), [RebirthKind::Vanished]);
        assert_eq!(
            kinds(&[(1, 7), (2, 0), (3, 0), (4, 8), (5, 8)]),
            [RebirthKind::Vanished, RebirthKind::Reborn { is_same: false }]
        );
        assert_eq!(
            kinds(&[(1, 7), (2, 0), (4, 7)]),
            [RebirthKind::Vanished, RebirthKind::Reborn { is_same: true }]
        );
        assert_eq!(kinds(&[(5, 8), (1, 7)]), [RebirthKind::Replaced], "in any order");
    }

    #[test]
    fn an_ordinary_life_is_not_odd() {
        assert_eq!(kinds(&[]), []);
        assert_eq!(kinds(&[(1, 0), (2, 0), (3, 7), (9, 7)]), [], "created once");
        let zero = CodeSeen { block: 1, code_hash: B256::ZERO };
        assert_eq!(rebirths(&[zero, CodeSeen { block: 2, ..zero }]), []);
    }
}
