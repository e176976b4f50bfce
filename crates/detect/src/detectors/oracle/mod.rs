//! Prices.

pub mod feed; //                       what is remembered of a feed
pub mod feed_late; //                  late, stale, frozen, jumping, invalid answers
pub mod price_moved_in_transaction; // moved within one transaction on borrowed money
pub mod price_moved_then_used; //      moved in one transaction, used in a later one
mod prices; //                         as pools and feeds state them
