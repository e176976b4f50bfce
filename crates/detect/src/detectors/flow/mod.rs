//! The shape of calls.

pub mod attack_shape; //      what attacks have in common
pub mod reentrant_call; //    entered again before it was left
mod scenes; //                touched transactions, each looked at once
pub mod unusual_code_path; // a path that none took before
pub mod vocabulary; //        which paths were taken
