//! Who ended with more, who with less, and what was moved to get there.

use alloy_primitives::{Address, U256};
use model::FrameKind;
use rustc_hash::{FxHashMap, FxHashSet};

use super::{Found, Signal};
use crate::trace::{
    assets::{Asset, Movement, Net},
    scene::View,
};

/// More was paid out than in, in thousandths: fees and rounding stay below.
const OVERPAID_PER_MILLE_MIN: u64 = 1_005;

pub(super) fn observe(view: &View<'_, '_>, into: &mut Vec<Found>) {
    balance(view, into);
    third_parties(view, into);
    traded_back(view, into);
    pulled(view, into);
    made(view, into);
    price_read(view, into);
    reserves_touched(view, into);
    given(view, into);
}

fn balance(view: &View<'_, '_>, into: &mut Vec<Found>) {
    // A protected token is made and destroyed under its own address: that is no wealth of its own.
    let is_own = |asset: &Asset| matches!(asset, Asset::Token(of) if view.protected.contains(of));
    let own: Vec<_> =
        view.protected_net().into_iter().filter(|(asset, _)| !is_own(asset)).collect();
    let loses = own.iter().any(|(_, net)| !net.loss().is_zero());
    let gains = own.iter().any(|(_, net)| !net.gain().is_zero());
    let theirs = view.cluster_net();
    let profits = theirs.iter().any(|(_, net)| !net.gain().is_zero());
    let pays = theirs.iter().any(|(_, net)| !net.loss().is_zero());
    let at = view.entries.first().copied().unwrap_or_default();
    if profits && !pays {
        let what = "the sender's side gained and gave nothing".to_owned();
        into.push(Found::new(Signal::ProfitForNothing, 1, at, what));
    }
    if loses && !gains {
        let what = "lost and got nothing".to_owned();
        into.push(Found::new(Signal::LossForNothing, 1, at, what));
    }
    let overpaid = own.iter().find(|(_, net)| !net.got.is_zero() && is_overpaid(net));
    if let Some((asset, net)) = overpaid {
        let share = f64::from(net.gave) / f64::from(net.got);
        let what = match asset {
            Asset::Native => format!("paid out {share:.2} times the native value paid in"),
            Asset::Token(token) => format!("paid out {share:.2} times what was paid in of {token}"),
        };
        into.push(Found::new(Signal::PaidOutMore, 1, at, what));
    }
}

fn is_overpaid(net: &Net) -> bool {
    let (paid, allowed) = (U256::from(1_000), U256::from(OVERPAID_PER_MILLE_MIN));
    match net.gave.checked_mul(paid).zip(net.got.checked_mul(allowed)) {
        Some((gave, got)) => gave > got,
        // So large that the last bits do not matter.
        None => net.gave / allowed > net.got / paid,
    }
}

/// Tokens of somebody who takes no part, moved with an allowance.
fn third_parties(view: &View<'_, '_>, into: &mut Vec<Found>) {
    let scene = view.scene;
    let is_bystander = |of: Address| {
        !view.cluster.contains(&of)
            && !view.protected.contains(&of)
            && !scene.called.contains(&of)
            && scene.balance_of(of) == (false, true)
    };
    let taken =
        |movement: &&Movement| movement.mover != movement.from && is_bystander(movement.from);
    let (mut by_protected, mut of_protected) = (Vec::new(), Vec::new());
    for movement in scene.movements.by_calls.iter().filter(taken) {
        if view.protected.contains(&movement.mover) {
            by_protected.push(movement);
        } else if matches!(movement.asset, Asset::Token(token) if view.protected.contains(&token)) {
            of_protected.push(movement);
        }
    }
    let givers = |movements: &[&Movement]| {
        movements.iter().map(|movement| movement.from).collect::<FxHashSet<_>>().len()
    };
    if let Some(first) = by_protected.first() {
        let what =
            format!("used the allowance of {}, who takes no part and gets nothing", first.from);
        let at = first.at as usize;
        into.push(Found::new(Signal::AllowanceUsed, givers(&by_protected), at, what));
    }
    if let Some(first) = of_protected.first() {
        let what = format!("tokens of {} were taken, who takes no part", first.from);
        let at = first.at as usize;
        into.push(Found::new(Signal::HolderEmptied, givers(&of_protected), at, what));
    }
}

/// Protected tokens and coins were taken with an allowance while their owner had no part in it.
fn pulled(view: &View<'_, '_>, into: &mut Vec<Found>) {
    let is_pulled = |movement: &&Movement| {
        view.protected.contains(&movement.from)
            && !view.protected.contains(&movement.mover)
            && movement.mover != movement.from
            && movement.asset != Asset::Token(movement.from)
            && !view.is_inside_protected(movement.at as usize)
            && view.scene.balance_of(movement.from) == (false, true)
    };
    let mut found = view.scene.movements.by_calls.iter().filter(is_pulled);
    if let Some(first) = found.next() {
        let what = format!("{} took what {} had allowed it to", first.mover, first.from);
        let count = 1 + found.count();
        into.push(Found::new(Signal::OwnAllowanceUsed, count, first.at as usize, what));
    }
}

/// Tokens were made for the sender's side by a protected contract or of a protected token.
fn made(view: &View<'_, '_>, into: &mut Vec<Found>) {
    let mut found = view.scene.movements.by_calls.iter().filter(|movement| {
        let Asset::Token(token) = movement.asset else { return false };
        // Wrapping is no making: what is wrapped was paid.
        movement.from == token
            && view.tree().frame(movement.at as usize).value.is_zero()
            && (view.protected.contains(&token) || view.protected.contains(&movement.mover))
            && view.cluster.contains(&movement.to)
    });
    if let Some(first) = found.next() {
        let what = format!("tokens were made for {}", first.to);
        let by_itself = view.cluster.contains(&first.mover);
        let signal = if by_itself { Signal::MadeForItself } else { Signal::MadeTokens };
        into.push(Found::new(signal, 1 + found.count(), first.at as usize, what));
    }
}

/// A pool that was traded with in one direction and then back, and what lay between.
struct Trip {
    pool: Address,
    /// Whether a protected contract is the pool or one of the assets.
    is_protected: bool,
    first: usize,
    last: usize,
}

fn traded_back(view: &View<'_, '_>, into: &mut Vec<Found>) {
    let trips = round_trips(view);
    let said =
        |trip: &Trip| format!("{} was traded with in one direction and then back", trip.pool);
    if let Some(trip) = trips.iter().find(|trip| trip.is_protected) {
        into.push(Found::new(Signal::TradedBack, trips.len(), trip.first, said(trip)));
        return;
    }
    let holds_entry = |trip: &&Trip| view.has_entry_in(&(trip.first..trip.last));
    if let Some(trip) = trips.iter().find(holds_entry) {
        let what = format!("called between: {}", said(trip));
        into.push(Found::new(Signal::CalledBetweenTrades, trips.len(), trip.first, what));
    }
}

/// Contracts that took one asset for another and later gave it back for the other.
fn round_trips(view: &View<'_, '_>) -> Vec<Trip> {
    /// First and last place of what came and what left.
    #[derive(Default, Clone, Copy)]
    struct Seen {
        came: Option<(u32, u32)>,
        left: Option<(u32, u32)>,
    }
    let note = |seen: &mut Option<(u32, u32)>, at: u32| {
        *seen = Some((seen.map_or(at, |(first, _)| first), at));
    };
    let mut seen: FxHashMap<Address, FxHashMap<Asset, Seen>> = FxHashMap::default();
    for movement in &view.scene.movements.by_calls {
        if view.scene.called.contains(&movement.to) && !view.cluster.contains(&movement.to) {
            let of = seen.entry(movement.to).or_default().entry(movement.asset).or_default();
            note(&mut of.came, movement.at);
        }
        if view.scene.called.contains(&movement.from) && !view.cluster.contains(&movement.from) {
            let of = seen.entry(movement.from).or_default().entry(movement.asset).or_default();
            note(&mut of.left, movement.at);
        }
    }
    let is_own = |asset: &Asset| matches!(asset, Asset::Token(of) if view.protected.contains(of));
    let mut found: Vec<Trip> = Vec::new();
    for (pool, assets) in seen {
        // Taken first and given back at the end, against another given first and taken back.
        let there = assets.iter().filter_map(|(asset, seen)| {
            let ((came, _), (_, left)) = (seen.came?, seen.left?);
            (came < left).then_some((asset, came, left))
        });
        let back = |(asset, seen): (&Asset, &Seen)| {
            let ((left, _), (_, came)) = (seen.left?, seen.came?);
            (left < came).then_some((*asset, left, came))
        };
        let mut best: Option<Trip> = None;
        for (asset, came, left) in there {
            for (other, gave, again) in assets.iter().filter_map(back) {
                // The two legs of one trade lie close together, the trades apart.
                let (first, last) = (came.max(gave) as usize, left.min(again) as usize);
                let is_protected =
                    view.protected.contains(&pool) || is_own(asset) || is_own(&other);
                let is_wider = best.as_ref().is_none_or(|best| {
                    (is_protected, last.saturating_sub(first))
                        > (best.is_protected, best.last - best.first)
                });
                if first < last && is_wider {
                    best = Some(Trip { pool, is_protected, first, last });
                }
            }
        }
        found.extend(best);
    }
    found.sort_unstable_by_key(|trip| (trip.first, trip.pool));
    found
}

const BALANCE_OF: [u8; 4] = [0x70, 0xa0, 0x82, 0x31];

/// A protected contract looked at a pool that the sender's side had just traded with.
fn price_read(view: &View<'_, '_>, into: &mut Vec<Found>) {
    let tree = view.tree();
    // When each outsider first gave something to the sender's side, outside protected calls.
    let mut traded: FxHashMap<Address, u32> = FxHashMap::default();
    for movement in &view.scene.movements.by_calls {
        let pool = movement.from;
        let is_outside = !view.cluster.contains(&pool) && !view.protected.contains(&pool);
        if is_outside && view.scene.called.contains(&pool) {
            traded.entry(pool).or_insert(movement.at);
        }
    }
    if traded.is_empty() {
        return;
    }
    // Inside the trade itself the pool looks at itself.
    let mut in_trade: Vec<bool> = Vec::with_capacity(tree.frames().len());
    for at in 0..tree.frames().len() {
        let around = tree.parent(at);
        in_trade.push(
            around.is_some_and(|around| {
                in_trade[around] || traded.contains_key(&tree.runs_as(around))
            }),
        );
    }
    let mut found = (1..tree.frames().len()).filter(|&at| {
        let frame = tree.frame(at);
        let Some(to) = frame.to else { return false };
        if !tree.is_view(at) || frame.kind != FrameKind::StaticCall {
            return false;
        }
        let holder = match frame.selector() {
            Some(BALANCE_OF) => frame.input.get(16..36).map(Address::from_slice),
            _ => None,
        };
        let is_traded = [Some(to), holder]
            .into_iter()
            .flatten()
            .any(|pool| traded.get(&pool).is_some_and(|since| (*since as usize) < at));
        is_traded && view.is_inside_protected(at) && !in_trade[at]
    });
    if let Some(first) = found.next() {
        let what = format!("looked at {}, traded with just before", tree.runs_as(first));
        into.push(Found::new(Signal::PriceReadAfterTrade, 1 + found.count(), first, what));
    }
}

const SYNC: [u8; 4] = [0xff, 0xf6, 0xca, 0xe9];
const SKIM: [u8; 4] = [0xbc, 0x25, 0xcf, 0x77];

/// A pool was told by the sender's side to believe its balances.
fn reserves_touched(view: &View<'_, '_>, into: &mut Vec<Found>) {
    let tree = view.tree();
    let mut found = (0..tree.frames().len()).filter(|&at| {
        tree.is_call(at)
            && tree.is_kept(at)
            && view.called_by_cluster(at)
            && matches!(tree.frame(at).selector(), Some(SYNC | SKIM))
    });
    if let Some(first) = found.next() {
        let what = format!("{} was made to believe its balances", tree.runs_as(first));
        into.push(Found::new(Signal::ReservesForced, 1 + found.count(), first, what));
    }
}

/// Something was handed to a protected contract beside any call to it.
fn given(view: &View<'_, '_>, into: &mut Vec<Found>) {
    let mut found = view.scene.movements.by_calls.iter().filter(|movement| {
        matches!(movement.asset, Asset::Token(token) if !view.protected.contains(&token))
            && view.protected.contains(&movement.to)
            && view.cluster.contains(&movement.from)
            && movement.mover == movement.from
            && !view.is_inside_protected(movement.at as usize)
    });
    if let Some(first) = found.next() {
        let what = "was handed tokens without being called".to_owned();
        into.push(Found::new(Signal::Donated, 1 + found.count(), first.at as usize, what));
    }
}
