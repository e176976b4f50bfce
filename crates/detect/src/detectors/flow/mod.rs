//! The shape of calls.

pub mod attack_shape; //      what attacks have in common
mod fine; //                  paths that somebody judged to be fine
pub mod flash_loan; //        called on borrowed money
pub mod reentrant_call; //    entered again before it was left
pub mod running_code; //      what code ran behind a function
mod scenes; //                touched transactions, each looked at once
mod standing; //              when a new path becomes a usual one
pub mod unusual_code_path; // a path that none took before
pub mod value_extracted; //   who ended richer at whose cost
pub mod vocabulary; //        which paths were taken
