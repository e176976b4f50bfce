//! Who ended richer at whose cost: the profit of the sender's side beside the loss of the protected
//! contracts, in money where there are prices.
//!
//! What was borrowed and paid back is on both sides and cancels out. A side that also gave something
//! without a price may have paid for what it got, and the protected may have been paid by something
//! without a price: then nothing is said.

use alloy_primitives::{Address, U256};
use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    assets::{Asset, Net},
    scene::View,
};

/// The protected contracts must have lost at least this part of the profit, as one over it: who
/// earns from others on the way (arbitrage) does not extract from them.
const LOSS_OF_PROFIT_MIN: u64 = 2;

/// What both sides gained and lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extraction {
    /// The sender's side, with those that it handed its gains on to.
    pub side: FxHashSet<Address>,
    /// What the side gained and lost, in the assets' order.
    pub theirs: Vec<(Asset, Net)>,
    /// What the protected contracts gained and lost, their own tokens left out.
    pub ours: Vec<(Asset, Net)>,
}

/// The same in money.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Worth {
    /// By how much the sender's side is richer, in cents.
    pub profit_cents: U256,
    /// By how much the protected contracts are poorer, in cents.
    pub loss_cents: U256,
    /// What the side gained on top that has no price.
    pub unpriced_gains: Vec<Asset>,
    /// Whether the side gave or the protected got something without a price: the sums may be wrong.
    pub is_unclear: bool,
}

impl Worth {
    /// Whether the profit is at least so much and came from the protected contracts.
    pub fn is_extracted(&self, profit_cents_min: U256) -> bool {
        !self.is_unclear
            && self.profit_cents >= profit_cents_min
            && !self.profit_cents.is_zero()
            && self.loss_cents.saturating_mul(U256::from(LOSS_OF_PROFIT_MIN)) >= self.profit_cents
    }
}

impl Extraction {
    /// Adds both sides up. `None` unless the sender's side gained something and the protected
    /// contracts lost something.
    pub fn of(view: &View<'_, '_>) -> Option<Self> {
        let side = with_receivers(view);
        let theirs = view.scene.ledger.group(|of| side.contains(&of));
        // A protected token is made and destroyed under its own address: that is no wealth.
        let is_own =
            |asset: &Asset| matches!(asset, Asset::Token(of) if view.protected.contains(of));
        let ours: Vec<_> =
            view.protected_net().into_iter().filter(|(asset, _)| !is_own(asset)).collect();
        let gains = theirs.iter().any(|(_, net)| !net.gain().is_zero());
        let loses = ours.iter().any(|(_, net)| !net.loss().is_zero());
        (gains && loses).then_some(Self { side, theirs, ours })
    }

    /// Puts it in money. `cents` says what an amount of an asset is worth, where that is known.
    pub fn worth(&self, cents: impl Fn(Asset, U256) -> Option<U256>) -> Worth {
        let mut worth = Worth::default();
        let (mut gained, mut given) = (U256::ZERO, U256::ZERO);
        for (asset, net) in &self.theirs {
            let (gain, loss) = (net.gain(), net.loss());
            match cents(*asset, gain).zip(cents(*asset, loss)) {
                Some((gain, loss)) => {
                    gained = gained.saturating_add(gain);
                    given = given.saturating_add(loss);
                }
                None if !loss.is_zero() => worth.is_unclear = true,
                None if !gain.is_zero() => worth.unpriced_gains.push(*asset),
                None => {}
            }
        }
        let (mut lost, mut got) = (U256::ZERO, U256::ZERO);
        for (asset, net) in &self.ours {
            match cents(*asset, net.loss()).zip(cents(*asset, net.gain())) {
                Some((loss, gain)) => {
                    lost = lost.saturating_add(loss);
                    got = got.saturating_add(gain);
                }
                None if !net.gain().is_zero() => worth.is_unclear = true,
                None => {}
            }
        }
        worth.profit_cents = gained.saturating_sub(given);
        worth.loss_cents = lost.saturating_sub(got);
        worth
    }
}

/// The sender's side and those whom it paid without being given anything: accounts that run no code
/// here and only end with more.
fn with_receivers(view: &View<'_, '_>) -> FxHashSet<Address> {
    let scene = view.scene;
    let mut paid: FxHashMap<Address, bool> = FxHashMap::default();
    for movement in scene.movements.best() {
        let by_side = view.cluster.contains(&movement.from);
        *paid.entry(movement.to).or_insert(true) &= by_side;
    }
    let is_receiver = |of: &Address| {
        !view.protected.contains(of)
            && !scene.called.contains(of)
            && scene.balance_of(*of) == (true, false)
    };
    let receivers = paid.into_iter().filter(|(of, by_side)| *by_side && is_receiver(of));
    view.cluster.iter().copied().chain(receivers.map(|(of, _)| of)).collect()
}

#[cfg(test)]
mod tests {
    use model::{FrameKind, TxTrace};

    use super::*;
    use crate::trace::{Protected, Scene, tree::tests::push};

    const DOLLAR: u8 = 9;
    const SHARE: u8 = 8;

    fn moved(to: u8, amount: u64) -> Vec<u8> {
        let mut input = vec![0xa9, 0x05, 0x9c, 0xbb];
        input.extend(Address::repeat_byte(to).into_word());
        input.extend(U256::from(amount).to_be_bytes::<32>());
        input
    }

    /// The sender's contract 2 pays the protected 3 in shares and is paid in dollars, which it hands
    /// on to 5.
    fn redeemed(shares: u64, dollars: u64) -> TxTrace {
        let mut trace = TxTrace::default();
        let root = push(&mut trace, None, FrameKind::Call, (1, 2), vec![1; 4]);
        if shares > 0 {
            push(&mut trace, Some(root), FrameKind::Call, (2, SHARE), moved(3, shares));
        }
        let redeem = push(&mut trace, Some(root), FrameKind::Call, (2, 3), vec![2; 4]);
        push(&mut trace, Some(redeem), FrameKind::Call, (3, DOLLAR), moved(2, dollars));
        push(&mut trace, Some(root), FrameKind::Call, (2, DOLLAR), moved(5, dollars));
        trace
    }

    fn worth(trace: &TxTrace, share_price: Option<u64>) -> Worth {
        let scene = Scene::new(trace, None);
        let protected: Protected = [Address::repeat_byte(3)].into_iter().collect();
        let view = View::new(&scene, &protected).unwrap();
        let extraction = Extraction::of(&view).unwrap();
        assert!(extraction.side.contains(&Address::repeat_byte(5)));
        extraction.worth(|asset, amount| match asset {
            Asset::Token(token) if token == Address::repeat_byte(DOLLAR) => Some(amount),
            Asset::Token(token) if token == Address::repeat_byte(SHARE) => {
                share_price.map(|price| amount * U256::from(price))
            }
            _ => None,
        })
    }

    #[test]
    fn only_what_is_not_paid_for_is_extracted() {
        let least = U256::from(100);
        let free = worth(&redeemed(0, 500), None);
        assert_eq!((free.profit_cents, free.loss_cents), (U256::from(500), U256::from(500)));
        assert!(free.is_extracted(least) && !free.is_extracted(U256::from(501)));
        let fair = worth(&redeemed(250, 500), Some(2));
        assert_eq!((fair.profit_cents, fair.loss_cents), (U256::ZERO, U256::ZERO));
        assert!(!fair.is_extracted(least));
        assert!(worth(&redeemed(50, 500), Some(2)).is_extracted(least));
        let unclear = worth(&redeemed(50, 500), None);
        assert!(unclear.is_unclear && !unclear.is_extracted(least));
    }
}
