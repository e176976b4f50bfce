//! What a contract is: a conversation of questions and answers that needs no node.
//!
//! An [`Inquiry`] says what it wants to know of one address, is told the answers, and goes on until
//! nothing more would change its mind or its bounds are reached. Whoever holds a node carries the
//! questions there. What comes out, a [`Recognition`], gives for every conclusion its evidence in
//! words. Where there is only an ABI, [`by_abi`] concludes from that.
//!
//! Contracts may lie: every answer is held against a bound before it is read, a contract that
//! points at itself is asked once, and what the node did not answer is told as unknown instead of
//! being taken for "no".

mod artefact; //   is this bytecode what a compiler's artefact says
mod class; //      from traits to a class
mod code; //       what bytecode gives away
mod inquiry; //    what to ask next, and what it comes to
mod interface; //  what a contract answers, from ABI and bytecode
mod json; //       declarations as the JSON of an ABI
mod question; //   questions and answers as plain values
mod recognition; // what a contract is, as far as is known
mod roles; //      what roles are called
mod signatures; // declarations of well-known functions and events
mod standard; //   well-known interfaces
mod traits; //     from an interface to traits with evidence
mod words; //      ABI-encoded answers of contracts that may lie

pub use artefact::{Artefact, ArtefactError};
pub use class::{Conclusion, Confidence};
pub use code::{Code, CodeFunction};
pub use inquiry::{Inquiry, QUESTIONS_MAX, ROLE_MEMBERS_MAX, ROUNDS_MAX};
pub use interface::{Function, Interface};
pub use question::{ANSWER_BYTES_MAX, Answer, Facts, Question};
pub use recognition::{Getter, Recognition, RoleMembers, TokenFacts, by_abi};
pub use roles::{AUTHORITY_GETTERS, MEMBERSHIPS, role_name};
pub use standard::Trait;
pub use traits::Evidence;
pub use words::Words;

#[cfg(test)]
mod tests;
