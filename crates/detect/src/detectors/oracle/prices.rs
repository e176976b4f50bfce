//! Prices as pools and feeds state them in their own events.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, U256, b256};
use registry::risk::{self, OracleUpdateKind, RiskKind};

use crate::{
    detectors::{
        Block,
        block::{signed_to_f64, to_f64},
    },
    thresholds::ln,
};

/// `Sync(uint112,uint112)`: reserves of a pair after a swap.
const SYNC: B256 = b256!("0x1c411e9a96e071241c2f21f7726b17ae89e3cab4c78be50e062b03a9fffbbad1");
/// `Swap(address,uint256,uint256,uint256,uint256,address)`: what went into and out of a pair.
const SWAP_V2: B256 = b256!("0xd78ad95fa46c994b6551d0da85fc275fe613ce37657fb8d5e3d130840159d822");
/// `Swap(address,address,int256,int256,uint160,uint128,int24)`: square root of the price after it.
const SWAP_V3: B256 = b256!("0xc42079f94a6350d7e6235f29174924f928cc2ac818eb64fed8004e115fbcca67");
/// The path of one price through a transaction.
#[derive(Debug, Clone, Copy)]
pub(super) struct Path {
    pub(super) first: f64,
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) last: f64,
    /// Whether only one price was seen yet, and not where it came from.
    pub(super) is_single: bool,
}

impl Path {
    pub(super) fn start(price: f64) -> Self {
        Self { first: price, low: price, high: price, last: price, is_single: true }
    }

    pub(super) fn push(&mut self, price: f64) {
        self.low = self.low.min(price);
        self.high = self.high.max(price);
        self.last = price;
        self.is_single = false;
    }

    /// Takes in the price from which the newest one came.
    fn came_from(&mut self, price: f64) {
        if self.is_single {
            self.first = price;
        }
        self.low = self.low.min(price);
        self.high = self.high.max(price);
        self.is_single = false;
    }

    /// Distance between the ends, as a share of the lower one.
    pub(super) fn moved(&self) -> f64 {
        if self.low <= 0.0 { f64::INFINITY } else { self.high / self.low - 1.0 }
    }
}

/// Prices that pools and feeds state in their own events.
pub(super) fn stated_prices(
    block: &Block<'_>,
    tx: u32,
    paths: &mut BTreeMap<(Address, &'static str), Path>,
) {
    let mut reserves: BTreeMap<Address, (U256, U256)> = BTreeMap::new();
    for log in &block.tx(tx).logs {
        let word = |at: usize| log.data.get(at * 32..at * 32 + 32).map(U256::from_be_slice);
        let (how, price) = match log.topic0() {
            Some(SYNC) => match (word(0), word(1)) {
                (Some(one), Some(other)) if !other.is_zero() => {
                    reserves.insert(log.address, (one, other));
                    ("reserves", to_f64(one) / to_f64(other))
                }
                _ => continue,
            },
            Some(SWAP_V2) => {
                // A pair tells its reserves after the swap, then the swap: together they give the
                // price before, so that one swap alone shows its move.
                let before = before_swap(reserves.get(&log.address), [0, 1, 2, 3].map(word));
                if let (Some(before), Some(path)) =
                    (before, paths.get_mut(&(log.address, "reserves")))
                {
                    path.came_from(before);
                }
                continue;
            }
            Some(SWAP_V3) => match word(2) {
                Some(root) if !root.is_zero() => {
                    let root = to_f64(root) / libm::exp(96.0 * ln(2.0));
                    ("swap price", root * root)
                }
                _ => continue,
            },
            _ => match risk::normalize(log).map(|event| event.kind) {
                Some(RiskKind::Oracle(update)) if update.what == OracleUpdateKind::Answer => {
                    let Some(answer) = update.answer else { continue };
                    ("oracle answer", signed_to_f64(answer))
                }
                _ => continue,
            },
        };
        paths
            .entry((log.address, how))
            .and_modify(|path| path.push(price))
            .or_insert_with(|| Path::start(price));
    }
}

/// The price of a pair before a swap: reserves after it, less what went in, plus what went out.
fn before_swap(after: Option<&(U256, U256)>, moved: [Option<U256>; 4]) -> Option<f64> {
    let (one, other) = after?;
    let [in_one, in_other, out_one, out_other] = moved;
    let one = one.checked_add(out_one?)?.checked_sub(in_one?)?;
    let other = other.checked_add(out_other?)?.checked_sub(in_other?)?;
    (!other.is_zero()).then(|| to_f64(one) / to_f64(other))
}
