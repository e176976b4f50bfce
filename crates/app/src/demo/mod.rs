//! The demonstration: a protocol, its everyday traffic and its attacks on a chain inside the
//! program, watched through real JSON-RPC by the very pipeline that watches real networks.

mod files; //   examples/meridian, embedded
mod judge; //   what counts as found, and as a benign page
mod responder; // the person who is woken, and says that they are on it
mod story; //   the attacks, one after the other, told as they happen
mod summary; // what came of it, for people and for programs
mod world; //   the chain, its clock and its traffic

pub use files::EmbeddedProject;
pub use story::{Demo, DemoOptions};
pub use summary::{ScenarioResult, Summary};
