//! Calls that leave our contracts, out of traces.

use std::collections::{BTreeMap, BTreeSet};

use model::{Address, FrameKind, TxTrace};

/// Selectors of functions by which a contract tells a receiver or borrower something: whom it tells
/// was chosen by the caller, so nobody relies on it.
pub const CALLBACKS: [[u8; 4]; 12] = [
    [0x15, 0x0b, 0x7a, 0x02], // onERC721Received(address,address,uint256,bytes)
    [0xf2, 0x3a, 0x6e, 0x61], // onERC1155Received(address,address,uint256,uint256,bytes)
    [0xbc, 0x19, 0x7c, 0x81], // onERC1155BatchReceived(address,address,uint256[],uint256[],bytes)
    [0x00, 0x23, 0xde, 0x29], // tokensReceived(address,address,address,uint256,bytes,bytes)
    [0x75, 0xab, 0x97, 0x82], // tokensToSend(address,address,address,uint256,bytes,bytes)
    [0x23, 0xe3, 0x0c, 0x8b], // onFlashLoan(address,address,uint256,uint256,bytes)
    [0x10, 0xd1, 0xe8, 0x5c], // uniswapV2Call(address,uint256,uint256,bytes)
    [0xfa, 0x46, 0x1e, 0x33], // uniswapV3SwapCallback(int256,int256,bytes)
    [0xe9, 0xcb, 0xaf, 0xb0], // uniswapV3FlashCallback(uint256,uint256,bytes)
    [0x92, 0x0f, 0x5c, 0x84], // executeOperation(address[],uint256[],uint256[],address,bytes)
    [0x1b, 0x11, 0xd0, 0xff], // executeOperation(address,uint256,uint256,address,bytes)
    [0x16, 0x26, 0xba, 0x7e], // isValidSignature(bytes32,bytes)
];

/// A call from one of ours to somebody else, or from somebody whom ours had called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct OutsideCall {
    /// Who calls.
    pub from: Address,
    /// Who is called.
    pub to: Address,
    /// 1 when the caller is ours, 2 when it is one that ours called.
    pub depth: u8,
    /// Whether the other's code runs in the caller's name.
    pub is_delegate: bool,
    /// Pre-order index of the frame.
    pub frame: u32,
}

/// Reads calls out of traces.
#[derive(Debug, Clone, Copy)]
pub struct Calls<'a> {
    /// Contracts that are ours.
    pub ours: &'a BTreeSet<Address>,
}

impl Calls<'_> {
    /// Calls of a transaction that leave our contracts, in order. Left out are payments without
    /// calldata, precompiles, creations, whatever was taken back, and calls back to somebody who is
    /// on the way to us already: an attacker's or a user's contract is no dependency.
    pub fn of(&self, trace: &TxTrace) -> Vec<OutsideCall> {
        let mut found = Vec::new();
        for (at, frame) in (0u32..).zip(&trace.frames) {
            let Some(to) = frame.to else { continue };
            let is_delegate = matches!(frame.kind, FrameKind::DelegateCall | FrameKind::CallCode);
            let is_call =
                is_delegate || matches!(frame.kind, FrameKind::Call | FrameKind::StaticCall);
            let selector = frame.selector();
            let is_told = selector.is_some_and(|selector| CALLBACKS.contains(&selector));
            if !is_call || selector.is_none() || is_told || is_precompile(to) {
                continue;
            }
            let depth = if self.ours.contains(&frame.from) {
                1
            } else if self.is_on_our_behalf(trace, at) {
                2
            } else {
                continue;
            };
            if self.ours.contains(&to) || is_back(trace, at) || !trace.took_effect(at as usize) {
                continue;
            }
            found.push(OutsideCall { from: frame.from, to, depth, is_delegate, frame: at });
        }
        found
    }

    /// Whether the frame's caller was called by one of ours, and calls while it works for it.
    fn is_on_our_behalf(&self, trace: &TxTrace, at: u32) -> bool {
        let frame = &trace.frames[at as usize];
        let Some(parent) = frame.parent.and_then(|p| trace.frames.get(p as usize)) else {
            return false;
        };
        let by_us = parent.to == Some(frame.from) && self.ours.contains(&parent.from);
        // Of a proxy, the code that calls is one frame further in.
        let through_proxy = parent.kind == FrameKind::DelegateCall
            && parent.from == frame.from
            && parent.parent.and_then(|p| trace.frames.get(p as usize)).is_some_and(|outer| {
                outer.to == Some(frame.from) && self.ours.contains(&outer.from)
            });
        by_us || through_proxy
    }
}

/// Whether the called one is on the way to this frame already.
fn is_back(trace: &TxTrace, at: u32) -> bool {
    let to = trace.frames[at as usize].to;
    let mut up = trace.frames[at as usize].parent;
    while let Some(parent) = up.and_then(|p| trace.frames.get(p as usize)) {
        if Some(parent.from) == to || parent.to == to && parent.kind != FrameKind::DelegateCall {
            return true;
        }
        up = parent.parent;
    }
    false
}

/// Precompiles lie below 0x10000; no contract has such an address.
fn is_precompile(address: Address) -> bool {
    address.iter().take(18).all(|byte| *byte == 0)
}

/// How often each pair appears.
pub(super) fn counted(calls: &[OutsideCall]) -> BTreeMap<(Address, Address), (u64, u8, bool)> {
    let mut counted: BTreeMap<_, (u64, u8, bool)> = BTreeMap::new();
    for call in calls {
        let (count, depth, is_delegate) =
            counted.entry((call.from, call.to)).or_insert((0, call.depth, false));
        *count += 1;
        *depth = (*depth).min(call.depth);
        *is_delegate |= call.is_delegate;
    }
    counted
}
