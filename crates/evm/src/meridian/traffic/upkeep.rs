use alloy_primitives::{I256, U256};
use rand::Rng;

use super::Traffic;
use crate::{
    devnet::Devnet,
    meridian::{
        Meridian, MeridianError, call,
        contracts::{Pair, PriceOracle},
        ether, read, submit,
    },
};

/// Where the world's price of ether begins and what it is drawn back to: 2,000 mUSD.
pub(super) const WORLD_PRICE_CENTS: u64 = 200_000;
/// The world's price moves at most this much per block: 0.1 %.
const STEP_MAX_BPS: i64 = 10;
/// The market maker trades when the market is this far off the world: 1 %.
const TOLERANCE_BPS: u64 = 100;
/// It moves at most this part of the market at once: 2 %.
const TRADE_MAX: u64 = 50;
/// The reporter moves early when its answer is this far off the market: 0.5 %.
const DEVIATION_BPS: u64 = 50;
/// It never follows a market that is this far off its last answer: 20 %.
const OUTLIER_BPS: u64 = 2_000;

impl Traffic {
    /// Keeps the market near the world and the oracle near the market.
    pub(super) fn upkeep(&mut self, devnet: &Devnet, on: &Meridian) -> Result<(), MeridianError> {
        self.move_world_price();
        let price = read(devnet, on.pair, Pair::spotPriceCall {})?;
        self.trade(devnet, on, price)?;
        if self.is_oracle_reporting {
            self.report(devnet, on, price)?;
        }
        Ok(())
    }

    /// A random walk that is drawn back to where it began.
    fn move_world_price(&mut self) {
        let price = self.world_price_cents as i64;
        let pull_bps = (WORLD_PRICE_CENTS as i64 - price) * 10_000 / price / 100;
        let step_bps = self.rng.random_range(-STEP_MAX_BPS..=STEP_MAX_BPS) + pull_bps;
        self.world_price_cents = (price + price * step_bps / 10_000).max(1) as u64;
    }

    fn world_price(&self) -> U256 {
        ether(self.world_price_cents) / U256::from(100)
    }

    fn trade(&self, devnet: &Devnet, on: &Meridian, price: U256) -> Result<(), MeridianError> {
        let world = self.world_price();
        let off_bps = price.abs_diff(world) * U256::from(10_000) / world;
        if off_bps <= U256::from(TOLERANCE_BPS) {
            return Ok(());
        }
        let maker = &on.actors.market_maker;
        let to = maker.address();
        // Reserves move half as far as the price does.
        let part = (off_bps / U256::from(2)).min(U256::from(10_000 / TRADE_MAX));
        let request = if price > world {
            // Ether is dear here: sell some.
            let wei = devnet.balance(on.pair) * part / U256::from(10_000);
            let swap = Pair::swapEtherForTokenCall { amount0Min: U256::ZERO, to };
            call(on.pair, swap).with_value(wei)
        } else {
            let amount0 = on.musd_of(devnet, on.pair)? * part / U256::from(10_000);
            let own = on.musd_of(devnet, to)?;
            let amount0 = amount0.min(own);
            call(on.pair, Pair::swapTokenForEtherCall { amount0, amount1Min: U256::ZERO, to })
        };
        submit(devnet, maker, request, "trade towards the world's price")?;
        Ok(())
    }

    fn report(&self, devnet: &Devnet, on: &Meridian, price: U256) -> Result<(), MeridianError> {
        let round = read(devnet, on.oracle, PriceOracle::latestRoundDataCall {})?;
        let last = U256::try_from(round.answer).unwrap_or_default();
        // The feed has 8 decimals, the market 18.
        let fresh = price / U256::from(10_000_000_000_u64);
        let off_bps = fresh.abs_diff(last) * U256::from(10_000) / last.max(U256::from(1));
        let age_s = U256::from(devnet.now()).saturating_sub(round.updatedAt);
        let is_due = age_s + U256::from(2 * devnet.config().block_time_s)
            >= U256::from(on.oracle_heartbeat_s);
        if !is_due && off_bps < U256::from(DEVIATION_BPS) {
            return Ok(());
        }
        let answer = if off_bps > U256::from(OUTLIER_BPS) { last } else { fresh };
        let answer = I256::try_from(answer).unwrap_or(round.answer);
        let submission = call(on.oracle, PriceOracle::submitCall { answer });
        submit(devnet, &on.actors.reporter, submission, "report a price")?;
        Ok(())
    }
}
