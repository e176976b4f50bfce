//! Exact numbers: rationals with 512-bit parts. No floats, no wrapping; what does not fit is an
//! error.
//!
//! An operation succeeds exactly when its mathematical result, as a reduced fraction, has a
//! numerator and a denominator below 2⁵¹². Any product of two `uint256` does.

use std::{cmp::Ordering, fmt};

use alloy_primitives::{I256, U256, U512, Uint, aliases::U1024};

/// Wide enough for the numerator of a sum of two fractions: 2·2⁵¹²·2⁵¹².
type Wide = Uint<1088, 17>;

/// A rational number. The divisor is never zero, zero is never negative; the fraction need not be
/// reduced.
#[derive(Clone, Copy)]
pub(crate) struct Exact {
    negative: bool,
    magnitude: U512,
    divisor: U512,
}

/// Why there is no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ArithmeticError {
    Overflow,
    DivisionByZero,
    NegativeExponent,
    FractionalExponent,
    FractionalRemainder,
}

impl Exact {
    pub(crate) const ZERO: Self =
        Self { negative: false, magnitude: U512::ZERO, divisor: U512::ONE };
    pub(crate) const ONE: Self = Self { negative: false, magnitude: U512::ONE, divisor: U512::ONE };

    /// A whole number from its sign and size.
    pub(crate) fn whole(negative: bool, magnitude: U512) -> Self {
        Self { negative: negative && !magnitude.is_zero(), magnitude, divisor: U512::ONE }
    }

    /// The same number as a fraction in lowest terms.
    pub(crate) fn reduced(self) -> Self {
        if self.divisor == U512::ONE {
            return self;
        }
        let common = self.magnitude.gcd(self.divisor);
        Self { magnitude: self.magnitude / common, divisor: self.divisor / common, ..self }
    }

    pub(crate) fn is_negative(&self) -> bool {
        self.negative
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.magnitude.is_zero()
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.divisor == U512::ONE || (self.magnitude % self.divisor).is_zero()
    }

    /// The number as a `uint256`, if it is one.
    pub(crate) fn to_u256(self) -> Option<U256> {
        let whole = self.is_whole() && !self.negative;
        whole.then(|| narrow_256(self.magnitude / self.divisor)).flatten()
    }

    /// The number as an index or length, if it is one.
    pub(crate) fn to_usize(self) -> Option<usize> {
        usize::try_from(self.to_u256()?).ok()
    }

    /// Sign and size of the whole part, toward zero.
    pub(crate) fn truncated(self) -> (bool, U512) {
        let whole = self.magnitude / self.divisor;
        (self.negative && !whole.is_zero(), whole)
    }

    pub(crate) fn negated(self) -> Self {
        Self { negative: !self.negative && !self.is_zero(), ..self }
    }

    pub(crate) fn abs(self) -> Self {
        Self { negative: false, ..self }
    }

    /// The largest whole number that is not above.
    pub(crate) fn floor(self) -> Result<Self, ArithmeticError> {
        if self.divisor == U512::ONE {
            return Ok(self);
        }
        let (whole, rest) = self.magnitude.div_rem(self.divisor);
        let below = Self::whole(self.negative, whole);
        if self.negative && !rest.is_zero() { below.subtract(Self::ONE) } else { Ok(below) }
    }

    /// The smallest whole number that is not below.
    pub(crate) fn ceil(self) -> Result<Self, ArithmeticError> {
        Ok(self.negated().floor()?.negated())
    }

    pub(crate) fn add(self, other: Self) -> Result<Self, ArithmeticError> {
        if self.divisor == U512::ONE && other.divisor == U512::ONE {
            return self.add_whole(other);
        }
        if let (Some(left), Some(right), Some(divisor)) = (
            short_product(self.magnitude, other.divisor),
            short_product(other.magnitude, self.divisor),
            short_product(self.divisor, other.divisor),
        ) && let Ok(sum) =
            Self::whole(self.negative, left).add_whole(Self::whole(other.negative, right))
        {
            return Ok(Self { divisor, ..sum });
        }
        let left = product(self.magnitude, other.divisor);
        let right = product(other.magnitude, self.divisor);
        let divisor = product(self.divisor, other.divisor);
        let (negative, magnitude) = if self.negative == other.negative {
            (self.negative, left + right)
        } else if left >= right {
            (self.negative, left - right)
        } else {
            (other.negative, right - left)
        };
        Self::narrow(negative, magnitude, divisor)
    }

    fn add_whole(self, other: Self) -> Result<Self, ArithmeticError> {
        let (negative, magnitude) = if self.negative == other.negative {
            let sum = self.magnitude.checked_add(other.magnitude);
            (self.negative, sum.ok_or(ArithmeticError::Overflow)?)
        } else if self.magnitude >= other.magnitude {
            (self.negative, self.magnitude - other.magnitude)
        } else {
            (other.negative, other.magnitude - self.magnitude)
        };
        Ok(Self::whole(negative, magnitude))
    }

    pub(crate) fn subtract(self, other: Self) -> Result<Self, ArithmeticError> {
        self.add(other.negated())
    }

    pub(crate) fn multiply(self, other: Self) -> Result<Self, ArithmeticError> {
        let negative = self.negative != other.negative;
        if let (Some(magnitude), Some(divisor)) = (
            short_product(self.magnitude, other.magnitude),
            short_product(self.divisor, other.divisor),
        ) {
            return Ok(Self { divisor, ..Self::whole(negative, magnitude) });
        }
        let magnitude = product(self.magnitude, other.magnitude);
        let divisor = product(self.divisor, other.divisor);
        Self::narrow(negative, magnitude, divisor)
    }

    pub(crate) fn divide(self, other: Self) -> Result<Self, ArithmeticError> {
        if other.is_zero() {
            return Err(ArithmeticError::DivisionByZero);
        }
        let inverse =
            Self { negative: other.negative, magnitude: other.divisor, divisor: other.magnitude };
        self.multiply(inverse)
    }

    /// What is left of a whole division toward zero; it has the sign of `self`, as in Solidity.
    pub(crate) fn remainder(self, other: Self) -> Result<Self, ArithmeticError> {
        if other.is_zero() {
            return Err(ArithmeticError::DivisionByZero);
        }
        let (left, right) = (self.reduced(), other.reduced());
        if left.divisor != U512::ONE || right.divisor != U512::ONE {
            return Err(ArithmeticError::FractionalRemainder);
        }
        Ok(Self::whole(left.negative, left.magnitude % right.magnitude))
    }

    /// `self` multiplied with itself `exponent` times; anything to the power of 0 is 1.
    pub(crate) fn power(self, exponent: Self) -> Result<Self, ArithmeticError> {
        if exponent.negative {
            return Err(ArithmeticError::NegativeExponent);
        }
        let exponent = exponent.reduced();
        if exponent.divisor != U512::ONE {
            return Err(ArithmeticError::FractionalExponent);
        }
        let mut left = exponent.magnitude;
        let mut square = self.reduced();
        if square.is_zero() || square.abs().is_one() {
            let odd = left.bit(0);
            return Ok(match () {
                () if left.is_zero() => Self::ONE,
                () if odd => square,
                () => square.abs(),
            });
        }
        // Numerator or denominator is at least 2, so that 512 doublings leave the range.
        if left > U512::from(512) {
            return Err(ArithmeticError::Overflow);
        }
        let mut power = Self::ONE;
        while !left.is_zero() {
            if left.bit(0) {
                power = power.multiply(square)?;
            }
            left >>= 1;
            if !left.is_zero() {
                square = square.multiply(square)?;
            }
        }
        Ok(power)
    }

    fn is_one(&self) -> bool {
        !self.negative && self.magnitude == self.divisor
    }

    /// Takes a wide fraction into 512 bits, reducing it when it would not fit.
    fn narrow(negative: bool, magnitude: Wide, divisor: Wide) -> Result<Self, ArithmeticError> {
        let fits = |value: &Wide| value.bit_len() <= 512;
        let (magnitude, divisor) = if fits(&magnitude) && fits(&divisor) {
            (magnitude, divisor)
        } else {
            let common = magnitude.gcd(divisor);
            (magnitude / common, divisor / common)
        };
        if !fits(&magnitude) || !fits(&divisor) {
            return Err(ArithmeticError::Overflow);
        }
        let cut = |value: Wide| U512::from_limbs_slice(&value.as_limbs()[..8]);
        let magnitude = cut(magnitude);
        Ok(Self { negative: negative && !magnitude.is_zero(), magnitude, divisor: cut(divisor) })
    }
}

impl From<U256> for Exact {
    fn from(value: U256) -> Self {
        Self::whole(false, widen(value))
    }
}

impl From<I256> for Exact {
    fn from(value: I256) -> Self {
        Self::whole(value.is_negative(), widen(value.unsigned_abs()))
    }
}

impl From<usize> for Exact {
    fn from(value: usize) -> Self {
        Self::whole(false, U512::from(value))
    }
}

/// The product, which cannot overflow, with room for a sum.
fn product(left: U512, right: U512) -> Wide {
    let product: U1024 = left.widening_mul(right);
    let mut limbs = [0; 17];
    limbs[..16].copy_from_slice(product.as_limbs());
    Wide::from_limbs(limbs)
}

/// The product of two numbers below 2²⁵⁶, which is what almost all of them are; a quarter of the
/// work of the general case.
#[inline]
fn short_product(left: U512, right: U512) -> Option<U512> {
    let one = |value: &U512| value.as_limbs()[1..] == [0; 7] && value.as_limbs()[0] == 1;
    if one(&left) {
        return Some(right);
    }
    if one(&right) {
        return Some(left);
    }
    Some(narrow_256(left)?.widening_mul(narrow_256(right)?))
}

/// A `uint256` in 512 bits.
fn widen(value: U256) -> U512 {
    let mut limbs = [0; 8];
    limbs[..4].copy_from_slice(value.as_limbs());
    U512::from_limbs(limbs)
}

/// A 512-bit number as a `uint256`, if it is one.
pub(crate) fn narrow_256(value: U512) -> Option<U256> {
    let [a, b, c, d, 0, 0, 0, 0] = *value.as_limbs() else { return None };
    Some(U256::from_limbs([a, b, c, d]))
}

impl PartialEq for Exact {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Exact {}

impl PartialOrd for Exact {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Exact {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, true) => return Ordering::Greater,
            (true, false) => return Ordering::Less,
            _ => {}
        }
        let ordering = if self.divisor == other.divisor {
            self.magnitude.cmp(&other.magnitude)
        } else if let (Some(left), Some(right)) = (
            short_product(self.magnitude, other.divisor),
            short_product(other.magnitude, self.divisor),
        ) {
            left.cmp(&right)
        } else {
            let left = product(self.magnitude, other.divisor);
            let right = product(other.magnitude, self.divisor);
            left.cmp(&right)
        };
        if self.negative { ordering.reverse() } else { ordering }
    }
}

impl fmt::Display for Exact {
    /// Digits with at most [`Exact::DECIMALS_MAX`] after the point, rounded toward zero; `…` says
    /// that there would be more.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, mut rest) = self.magnitude.div_rem(self.divisor);
        let sign = if self.negative { "-" } else { "" };
        write!(f, "{sign}{whole}")?;
        if rest.is_zero() {
            return Ok(());
        }
        f.write_str(".")?;
        for _ in 0..Self::DECIMALS_MAX {
            let tenfold = product(rest, U512::from(10));
            let (digit, left) = tenfold.div_rem(Wide::from(self.divisor));
            write!(f, "{digit}")?;
            rest = U512::from_limbs_slice(&left.as_limbs()[..8]);
            if rest.is_zero() {
                return Ok(());
            }
        }
        f.write_str("…")
    }
}

impl Exact {
    /// Digits behind the point that are shown.
    pub(crate) const DECIMALS_MAX: usize = 6;
}

impl fmt::Debug for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.negative { "-" } else { "" };
        write!(f, "{sign}{}/{}", self.magnitude, self.divisor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(value: i64) -> Exact {
        Exact::whole(value < 0, U512::from(value.unsigned_abs()))
    }

    #[test]
    fn floor_and_ceil_of_negatives_go_the_right_way() {
        let half = whole(-7).divide(whole(2)).unwrap();
        assert_eq!(half.floor().unwrap(), whole(-4));
        assert_eq!(half.ceil().unwrap(), whole(-3));
        assert_eq!(half.to_string(), "-3.5");
    }

    #[test]
    fn the_largest_product_of_two_uint256_fits_and_the_next_power_does_not() {
        let max = Exact::from(U256::MAX);
        let square = max.multiply(max).unwrap();
        assert_eq!(square.divide(max).unwrap(), max);
        assert_eq!(square.multiply(max), Err(ArithmeticError::Overflow));
        assert_eq!(whole(2).power(whole(512)), Err(ArithmeticError::Overflow));
        assert!(whole(2).power(whole(511)).is_ok());
        assert_eq!(whole(-1).power(max).unwrap(), whole(-1));
        assert_eq!(whole(0).power(whole(0)).unwrap(), whole(1));
    }

    #[test]
    fn a_remainder_has_the_sign_of_the_left_side() {
        assert_eq!(whole(-7).remainder(whole(3)).unwrap(), whole(-1));
        assert_eq!(whole(7).remainder(whole(-3)).unwrap(), whole(1));
        assert_eq!(whole(7).remainder(whole(0)), Err(ArithmeticError::DivisionByZero));
    }
}
