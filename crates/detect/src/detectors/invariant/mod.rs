//! What must always hold.

pub mod broken; //  a declared sentence about the state became false
mod sentence; //    sentences over what contracts answer, compiled
mod template; //    sentences for kinds of contracts
