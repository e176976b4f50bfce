//! Money and shares, in whole cents: what would be lost is told to people, so it is computed as they
//! would, without floats.

use alloy_primitives::{I256, U256, U512};
use model::TokenAmount;

/// Digits of a [`Price`] after the point.
const PRICE_DECIMALS: usize = 8;

/// What one whole token costs, in units of 10⁻⁸ dollars: the precision of the usual feeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Price(pub U256);

impl Price {
    /// One dollar.
    pub const DOLLAR: Self = Self(U256::from_limbs([100_000_000, 0, 0, 0]));

    /// What a feed answered, with so many digits after the point; `None` when that is no price.
    pub fn of_answer(answer: I256, decimals: u8) -> Option<Self> {
        if answer <= I256::ZERO {
            return None;
        }
        let decimals = usize::from(decimals);
        let answer = answer.into_raw();
        let ten = U256::from(10);
        if decimals >= PRICE_DECIMALS {
            let by = ten.checked_pow(U256::from(decimals - PRICE_DECIMALS))?;
            Some(Self(answer / by))
        } else {
            let by = ten.checked_pow(U256::from(PRICE_DECIMALS - decimals))?;
            Some(Self(answer.checked_mul(by)?))
        }
    }

    /// As a float, for statistics and display.
    pub fn to_f64(self) -> f64 {
        f64::from(self.0) / 1e8
    }
}

/// What an amount with so many decimals is worth at a price, in whole cents; the largest number
/// when it does not fit.
pub fn cents_of(amount: U256, decimals: u8, price: Price) -> U256 {
    // 10^77 · 10^6 fits into 512 bits with room for neither factor to overflow: each has 256.
    let product = U512::from(amount) * U512::from(price.0);
    let divisor = U512::from(10).pow(U512::from(usize::from(decimals) + PRICE_DECIMALS - 2));
    let cents = product.checked_div(divisor).unwrap_or_default();
    if cents > U512::from(U256::MAX) { U256::MAX } else { cents.to::<U256>() }
}

/// Cents as an amount of dollars.
pub fn usd(cents: U256) -> TokenAmount {
    TokenAmount { raw: cents, decimals: 2, symbol: "USD".into() }
}
