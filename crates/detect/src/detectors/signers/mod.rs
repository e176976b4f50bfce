//! Who signs, and what they were made to sign.

pub(crate) mod safe; //     what a Safe is asked to do
pub mod safe_changed; //    who controls a Safe, and by which code, changed
pub mod safe_delegatecall; // a Safe ran code of others in its own name
