//! What is guarded, and how to read what it says: deployments, ABIs, labels and proxies; decoding of
//! logs, calls and reverts; the three risk indicators behind many events.
//!
//! Everything here is built once, when the configuration loads, and only read afterwards. There is
//! deliberately no I/O, no async and no clock in this crate: texts and words come in as arguments,
//! and whatever comes from the chain may be hostile without making anything here panic.

pub mod abi; //        what a contract can say and be asked
mod address; //        addresses as people and tools write them
pub mod authority; //  who can make what happen, and who should
pub mod children; //   what a factory's creations will be
pub mod class; //      what kind of thing a deployment is
pub mod coverage; //   what must be watched, what was, and the share of it
pub mod decode; //     bytes from the chain become named values
pub mod dependencies; // what ours rely on
pub mod deployment; // one guarded contract
pub mod explorer; //   links to a block explorer
pub mod fact; //       decoded values become evidence
pub mod gap; //        the time before somebody watched
pub mod import; //     what a team already wrote down, in the formats of its tools
pub mod labels; //     what is known about addresses in general
pub mod layout; //   where storage is kept, and whether an upgrade finds it
pub mod lifecycle; //  from planned to sunset, and why
pub mod lineage; //    what a contract was before
pub mod lint; //       what can be found wrong before anything is deployed
pub mod planned; //    deployments whose code does not exist yet
pub mod proxy; //      contracts that run another contract's code
pub mod recognise; //  what a contract is, by questions and answers
mod registry; //       all of it, looked up by network and address
pub mod risk; //       many events, three risk indicators
pub mod threats; //    what could go wrong, and what each of it is met with

pub use abi::{AbiError, ContractAbi, ErrorAbi, EventAbi, FindError, FunctionAbi, Interner, Param};
pub use address::parse_address;
pub use children::{ChildSource, ChildTemplate};
pub use class::{Class, ParseClassError};
pub use decode::{DecodedCall, DecodedLog, RevertReason, Undecoded, decode_revert, panic_meaning};
pub use deployment::{Deployment, OracleConfig, TokenUnit};
pub use explorer::{Explorer, ExplorerError};
pub use fact::fact;
pub use labels::{Category, IMPORTED_ENDING, Label, LabelFile, Labels, LabelsBuilder};
pub use planned::{CodeMatch, ExpectedCode, Planned, Recipe, SeenCode};
pub use registry::{Child, Plans, Registry, RegistryError};
