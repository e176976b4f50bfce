//! What each trait of a contract's code weighs as a sign that it was made for an attack.
//!
//! Logistic regression (L2, both classes weighted alike) of the 34 contracts that 24 of the attack
//! transactions of the tracing data set *MarkKai2000/tool* created, against 900 of the 2,472
//! contracts that 56 mainnet blocks of 2015 to 2026 called. `cargo xtask quality exploits` fits halves
//! anew and prints what the procedure is worth on the other half. Code alone is a weak sign, which is
//! why nothing is told of a contract that does not mention one of ours. Of 14 traits none was left
//! out for its sign.

use super::code::Traits;

/// Where the sum of all contributions begins.
pub const INTERCEPT: f64 = 1.24;

/// Smallest and largest code of ordinary size, in bytes: below are forwarders, above is the limit
/// of EIP-170.
const ORDINARY_SIZE_BYTES: std::ops::RangeInclusive<usize> = 500..=24_576;

/// How many traits are weighed.
pub const TRAITS: usize = 14;

/// What a trait is worth, and how much of it a code has.
type Weighed = (&'static str, f64, fn(&Traits) -> f64);

const TABLE: [Weighed; TRAITS] = [
    ("answers flash loans", 0.588, |t| flag(t.answers_flash_loans)),
    ("call sites", 0.248, |t| ln_1p(t.call_sites)),
    ("addresses in the code", 0.055, |t| ln_1p(t.addresses.len())),
    ("lets only one caller in", 0.128, |t| flag(t.only_one_caller)),
    ("asks who began the transaction", 0.386, |t| flag(t.asks_origin)),
    ("destroys itself", -0.090, |t| flag(t.self_destructs)),
    ("creates contracts", 0.418, |t| flag(t.creates)),
    ("looks at who makes the block", -0.021, |t| flag(t.looks_at_block_maker)),
    ("is a token", 0.269, |t| flag(t.is_token)),
    ("no compiler's metadata", 0.275, |t| flag(!t.has_metadata)),
    ("functions of others that it calls", -0.106, |t| ln_1p(t.foreign.len())),
    ("functions of its own", -0.431, |t| ln_1p(t.own.len())),
    ("ordinary size", -1.041, |t| flag(ORDINARY_SIZE_BYTES.contains(&t.size_bytes))),
    ("calls more functions than it has", 0.818, |t| flag(t.foreign.len() > t.own.len())),
];

/// What each trait that a code has adds to the log-odds, largest first; the intercept is the last.
pub(super) fn contributions(traits: &Traits) -> Vec<(&'static str, f64)> {
    let mut all: Vec<(&'static str, f64)> = TABLE
        .iter()
        .map(|(name, weight, amount)| (*name, weight * amount(traits)))
        .filter(|(_, worth)| *worth != 0.0)
        .collect();
    all.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
    all.push(("any contract", INTERCEPT));
    all
}

/// Names and weights of all traits, for whoever measures them.
pub fn weights() -> [(&'static str, f64); TRAITS] {
    TABLE.map(|(name, weight, _)| (name, weight))
}

/// How much of each trait a code has, in the order of [`weights`].
pub fn amounts(code: &[u8]) -> [f64; TRAITS] {
    let traits = Traits::of(code);
    TABLE.map(|(_, _, amount)| amount(&traits))
}

fn flag(is_so: bool) -> f64 {
    f64::from(u8::from(is_so))
}

fn ln_1p(count: usize) -> f64 {
    libm::log1p(count as f64)
}
