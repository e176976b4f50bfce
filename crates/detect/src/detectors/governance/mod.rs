//! Votes, and what they are about to do.

pub mod power_concentrated; // one voice gets much of what a decision takes
pub mod proposal_dangerous; // a proposal would change code, power or money
pub mod vote_turned_late; //   decided when hardly any time was left
pub mod votes_borrowed; //     power that comes, votes and goes
mod voting; //                 events of votes and of voting power
