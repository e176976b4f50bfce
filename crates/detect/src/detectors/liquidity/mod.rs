//! Money that leaves.

mod flows; //                     what moved within a transaction
pub mod holding; //               what a contract holds and lost lately
pub mod ledger; //                what beneficiaries brought and took
pub mod outflow_exceeds_share; // too large a share of what is there
pub mod outflow_unusually_large; // more than ever at once, or again and again
pub mod past_outflows; //           how large outflows usually are
pub mod share_price_jumped; //    a share of a vault is worth something else
pub mod unexpected_outflow; //    paid to somebody who is not named
