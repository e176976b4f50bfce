//! Prices.

pub mod feed_late; //                  late, stale, frozen, jumping, invalid answers
pub mod price_moved_in_transaction; // moved within one transaction on borrowed money
