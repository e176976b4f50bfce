//! Who is on the other side.

pub mod attack_contract_created; // a contract made for us that we did not make
mod code; //                         what a contract's code tells without running it
pub mod fresh_caller; //             an account without a past
mod funding; //                      where the money of an account comes from
mod kin; //                          who stands behind an address, as far as it was recorded
pub mod known_bad_address; //        an address from a list
pub mod usual_callers; //            how old those who call usually are
pub mod weights; //                  what each trait of code weighs
