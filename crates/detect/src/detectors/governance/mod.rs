//! Votes, and what they are about to do.

pub mod delay_shorter_than_exit; //   decided before people can leave
pub mod power_concentrated; //        one voice gets much of what a decision takes
pub mod proposal_dangerous; //        a proposal would change code, power or money
pub mod proposed_by_newcomer; //      somebody without a past proposes
pub mod quorum; //                    what a decision takes at least
pub mod quorum_cheaper_than_prize; // a decision costs less than what it decides about
pub mod quorum_held_by_few; //        too few together have what a decision takes
pub mod vote_turned_late; //          decided when hardly any time was left
pub mod votes_borrowed; //            power that comes, votes and goes
mod voting; //                        events of votes and of voting power
