//! What moved from whom to whom: native value by the frames, tokens by the logs where there are
//! logs, else by the calls that ask tokens to move.
//!
//! Calls tell less than logs: what a token does on its own (fees, rebasing, minting inside another
//! function) stays unseen. [`Movements::from_logs`] says which of the two a ledger rests on.

use alloy_primitives::{Address, U256};
use model::{FrameKind, Log};
use rustc_hash::FxHashMap;

use super::tree::CallTree;
use crate::detectors::block::Transfer;

/// What can be owned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Asset {
    /// The chain's own coin, in wei.
    Native,
    /// A token, in its smallest unit. An ERC-721 moves under its own address as one unit of its id
    /// and is not told apart from an ERC-20 where there are only calls.
    Token(Address),
}

/// Something changed hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Movement {
    /// The frame that moved it; for movements from logs, the frame is unknown and this is the
    /// position of the log.
    pub at: u32,
    /// What.
    pub asset: Asset,
    /// Who gave. A token that is made comes from the token contract itself.
    pub from: Address,
    /// Who got. A token that is destroyed goes to the token contract itself.
    pub to: Address,
    /// In whose name it was asked for; the giver itself unless the giver had allowed another.
    pub mover: Address,
    /// How much.
    pub amount: U256,
}

/// Everything that changed hands in one transaction, in order.
#[derive(Debug, Clone, Default)]
pub struct Movements {
    /// Native value and tokens as the calls tell. In order of frames.
    pub by_calls: Vec<Movement>,
    /// Tokens as the logs tell, in order of logs; `None` without logs.
    pub by_logs: Option<Vec<Movement>>,
}

/// What one address gave and got of one asset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Net {
    /// Sum of what came.
    pub got: U256,
    /// Sum of what left.
    pub gave: U256,
}

impl Net {
    /// By how much more came than left.
    pub fn gain(&self) -> U256 {
        self.got.saturating_sub(self.gave)
    }

    /// By how much more left than came.
    pub fn loss(&self) -> U256 {
        self.gave.saturating_sub(self.got)
    }
}

/// Net movements of every address.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    nets: FxHashMap<(Address, Asset), Net>,
}

/// Selectors by which tokens are asked to move.
mod selector {
    pub(super) const TRANSFER: [u8; 4] = [0xa9, 0x05, 0x9c, 0xbb];
    pub(super) const TRANSFER_FROM: [u8; 4] = [0x23, 0xb8, 0x72, 0xdd];
    pub(super) const SAFE_TRANSFER_FROM: [u8; 4] = [0x42, 0x84, 0x2e, 0x0e];
    pub(super) const MINT_TO: [u8; 4] = [0x40, 0xc1, 0x0f, 0x19];
    pub(super) const BURN: [u8; 4] = [0x42, 0x96, 0x6c, 0x68];
    pub(super) const BURN_OF: [u8; 4] = [0x9d, 0xc2, 0x9f, 0xac];
    pub(super) const BURN_FROM: [u8; 4] = [0x79, 0xcc, 0x67, 0x90];
    pub(super) const WRAP: [u8; 4] = [0xd0, 0xe3, 0x0d, 0xb0];
    pub(super) const UNWRAP: [u8; 4] = [0x2e, 0x1a, 0x7d, 0x4d];
}

impl Movements {
    /// Reads them from a tree and, when there are any, the logs of the same transaction.
    pub fn of(tree: &CallTree<'_>, logs: Option<&[Log]>) -> Self {
        let mut by_calls = Vec::new();
        for at in 0..tree.frames().len() {
            if tree.is_kept(at) && !tree.is_view(at) {
                native(tree, at, &mut by_calls);
                token(tree, at, &mut by_calls);
            }
        }
        let by_logs = logs.map(|logs| {
            let read = |(at, log): (usize, &Log)| logged(at as u32, log);
            logs.iter().enumerate().filter_map(read).collect()
        });
        Self { by_calls, by_logs }
    }

    /// Whether the token side rests on logs.
    pub fn from_logs(&self) -> bool {
        self.by_logs.is_some()
    }

    /// Movements of native value by frames, and of tokens by the best source there is.
    pub fn best(&self) -> impl Iterator<Item = &Movement> {
        let of_calls = self
            .by_calls
            .iter()
            .filter(|movement| self.by_logs.is_none() || movement.asset == Asset::Native);
        of_calls.chain(self.by_logs.iter().flatten())
    }

    /// Sums per address and asset.
    pub fn ledger(&self) -> Ledger {
        let mut ledger = Ledger::default();
        for movement in self.best() {
            ledger.add(movement);
        }
        ledger
    }
}

impl Ledger {
    /// Counts one movement.
    pub fn add(&mut self, movement: &Movement) {
        if movement.from == movement.to {
            return;
        }
        let gave = &mut self.nets.entry((movement.from, movement.asset)).or_default().gave;
        *gave = gave.saturating_add(movement.amount);
        let got = &mut self.nets.entry((movement.to, movement.asset)).or_default().got;
        *got = got.saturating_add(movement.amount);
    }

    /// Every address with what it gave and got of each asset, in no order.
    pub fn all(&self) -> impl Iterator<Item = (Address, &Net)> {
        self.nets.iter().map(|((of, _), net)| (*of, net))
    }

    /// What one address gave and got of one asset.
    pub fn net(&self, of: Address, asset: Asset) -> Net {
        self.nets.get(&(of, asset)).copied().unwrap_or_default()
    }

    /// What a group of addresses gave and got as one, per asset, in the assets' order. What moved
    /// inside the group is on both sides and cancels out in gain and loss.
    pub fn group(&self, is_member: impl Fn(Address) -> bool) -> Vec<(Asset, Net)> {
        let mut sums: FxHashMap<Asset, Net> = FxHashMap::default();
        for ((of, asset), net) in &self.nets {
            if is_member(*of) {
                let sum = sums.entry(*asset).or_default();
                sum.got = sum.got.saturating_add(net.got);
                sum.gave = sum.gave.saturating_add(net.gave);
            }
        }
        let mut sums: Vec<_> = sums.into_iter().collect();
        sums.sort_unstable_by_key(|(asset, _)| *asset);
        sums
    }
}

fn native(tree: &CallTree<'_>, at: usize, into: &mut Vec<Movement>) {
    let frame = tree.frame(at);
    let moves = matches!(
        frame.kind,
        FrameKind::Call | FrameKind::Create | FrameKind::Create2 | FrameKind::SelfDestruct
    );
    if let Some(to) = frame.to.filter(|_| moves && !frame.value.is_zero()) {
        into.push(Movement {
            at: at as u32,
            asset: Asset::Native,
            from: frame.from,
            to,
            mover: frame.from,
            amount: frame.value,
        });
    }
}

/// Reads a call that asks a token to move. A token that says no (`false`) moved nothing.
fn token(tree: &CallTree<'_>, at: usize, into: &mut Vec<Movement>) {
    let frame = tree.frame(at);
    let (Some(token), Some(selector)) = (frame.to, frame.selector()) else { return };
    if frame.kind != FrameKind::Call {
        return;
    }
    let said_no = frame.output.len() == 32 && frame.output.iter().all(|byte| *byte == 0);
    if said_no {
        return;
    }
    let argument = |at: usize| -> Option<&[u8]> { frame.input.get(4 + 32 * at..36 + 32 * at) };
    let address = |at: usize| argument(at).map(|word| Address::from_slice(&word[12..]));
    let amount = |at: usize| argument(at).map(U256::from_be_slice);
    let caller = frame.from;
    let read = match selector {
        selector::TRANSFER => address(0).zip(amount(1)).map(|(to, amount)| (caller, to, amount)),
        selector::TRANSFER_FROM | selector::SAFE_TRANSFER_FROM => {
            address(0).zip(address(1)).zip(amount(2)).map(|((from, to), amount)| (from, to, amount))
        }
        selector::MINT_TO => address(0).zip(amount(1)).map(|(to, amount)| (token, to, amount)),
        selector::BURN if frame.input.len() == 36 => {
            amount(0).map(|amount| (caller, token, amount))
        }
        selector::BURN_OF | selector::BURN_FROM => {
            address(0).zip(amount(1)).map(|(from, amount)| (from, token, amount))
        }
        selector::WRAP if !frame.value.is_zero() => Some((token, caller, frame.value)),
        // Many contracts have a function of this name; one that wraps pays back the same amount.
        selector::UNWRAP => amount(0)
            .filter(|amount| {
                tree.children(at).any(|child| {
                    let paid = tree.frame(child);
                    paid.to == Some(caller) && paid.value == *amount
                })
            })
            .map(|amount| (caller, token, amount)),
        _ => None,
    };
    if let Some((from, to, amount)) = read.filter(|(_, _, amount)| !amount.is_zero()) {
        let asset = Asset::Token(token);
        into.push(Movement { at: at as u32, asset, from, to, mover: caller, amount });
    }
}

/// Reads a `Transfer` log; tokens that are made or destroyed move from or to their contract.
fn logged(at: u32, log: &Log) -> Option<Movement> {
    let Transfer { token, from, to, amount } = Transfer::of(log)?;
    let or_token = |party: Address| if party.is_zero() { token } else { party };
    let (from, to) = (or_token(from), or_token(to));
    let asset = Asset::Token(token);
    (!amount.is_zero()).then_some(Movement { at, asset, from, to, mover: from, amount })
}

#[cfg(test)]
mod tests {
    use model::TxTrace;

    use super::*;
    use crate::trace::tree::tests::push;

    fn asked(selector: [u8; 4], words: &[U256]) -> Vec<u8> {
        let mut input = selector.to_vec();
        words.iter().for_each(|word| input.extend(word.to_be_bytes::<32>()));
        input
    }

    fn word(byte: u8) -> U256 {
        U256::from_be_slice(Address::repeat_byte(byte).as_slice())
    }

    #[test]
    fn calls_tell_who_gave_and_who_asked() {
        let mut trace = TxTrace::default();
        let root = push(&mut trace, None, FrameKind::Call, (1, 2), vec![]);
        let from = asked(selector::TRANSFER_FROM, &[word(1), word(3), U256::from(5)]);
        let pulled = push(&mut trace, Some(root), FrameKind::Call, (2, 9), from.clone());
        // The token's implementation sees the same call once more: it counts once.
        push(&mut trace, Some(pulled), FrameKind::DelegateCall, (9, 8), from);
        let paid = asked(selector::TRANSFER, &[word(1), U256::from(2)]);
        push(&mut trace, Some(root), FrameKind::Call, (2, 9), paid.clone());
        let refused = push(&mut trace, Some(root), FrameKind::Call, (2, 9), paid);
        trace.frames[refused as usize].output = vec![0; 32].into();
        let tree = CallTree::new(&trace);
        let movements = Movements::of(&tree, None);
        assert_eq!(movements.by_calls.len(), 2);
        assert_eq!(movements.by_calls[0].mover, Address::repeat_byte(2));
        let ledger = movements.ledger();
        let token = Asset::Token(Address::repeat_byte(9));
        let loss = |byte: u8| ledger.net(Address::repeat_byte(byte), token).loss();
        assert_eq!((loss(1), loss(2), loss(3)), (U256::from(3), U256::from(2), U256::ZERO));
        let both =
            ledger.group(|of| of == Address::repeat_byte(1) || of == Address::repeat_byte(2));
        assert_eq!(both, [(token, Net { got: U256::from(2), gave: U256::from(7) })]);
    }

    #[test]
    fn a_wrapped_coin_is_made_and_destroyed_by_its_contract() {
        let mut trace = TxTrace::default();
        let root = push(&mut trace, None, FrameKind::Call, (1, 2), vec![]);
        let wrap = push(&mut trace, Some(root), FrameKind::Call, (2, 9), selector::WRAP.to_vec());
        trace.frames[wrap as usize].value = U256::from(7);
        let unwrap = asked(selector::UNWRAP, &[U256::from(7)]);
        let other = push(&mut trace, Some(root), FrameKind::Call, (2, 8), unwrap.clone());
        let unwrapped = push(&mut trace, Some(root), FrameKind::Call, (2, 9), unwrap);
        let back = push(&mut trace, Some(unwrapped), FrameKind::Call, (9, 2), vec![]);
        trace.frames[back as usize].value = U256::from(7);
        let tree = CallTree::new(&trace);
        let ledger = Movements::of(&tree, None).ledger();
        for asset in [Asset::Native, Asset::Token(Address::repeat_byte(9))] {
            for party in [2, 9] {
                let net = ledger.net(Address::repeat_byte(party), asset);
                assert_eq!((net.gain(), net.loss()), (U256::ZERO, U256::ZERO), "{asset:?}");
                assert_eq!(net.got, U256::from(7));
            }
        }
        // A withdrawal from something else pays nothing back, and nothing is made up about it.
        let asset = Asset::Token(Address::repeat_byte(8));
        assert_eq!(trace.frames[other as usize].to, Some(Address::repeat_byte(8)));
        assert_eq!(ledger.net(Address::repeat_byte(2), asset), Net::default());
    }
}
