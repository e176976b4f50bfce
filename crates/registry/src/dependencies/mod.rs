//! Contracts of others that ours rely on: which, why, and with how much money.
//!
//! A [`Graph`] is what was found: every outside contract that ours call, name, hold or are priced
//! by, with the reasons and the calls counted, and one step further for price feeds and proxies.
//! [`Declared`] is what people made of it: each dependency confirmed or ignored, with what its
//! failure would cost. Nothing here asks a node; traces, answers and readings come in as arguments.

mod abi; //      what each kind of dependency is asked and says
mod calls; //    calls that leave our contracts, out of traces
mod declared; // what people confirmed, ignored and weighed
mod file; //     what was found, as a file to review
mod graph; //    contracts and why they matter, with an exact way back
mod kind; //     what a dependency is to us
mod naming; //   what our contracts name, hold in storage or were made with
mod reason; //   why something is a dependency
mod template; // who watches a dependency of each kind
mod weight; //   money and shares

pub use abi::standard_abi;
pub use calls::{CALLBACKS, Calls, OutsideCall};
pub use declared::{
    Declared, Dependency, Exposure, FeedTerms, Lending, LendingTerms, Reading, Standing, TokenTerms,
};
pub use file::proposal;
pub use graph::{Edge, GRAPH_VERSION, Graph, GraphError, NODES_MAX, Node, Undo};
pub use kind::{Kind, ParseKindError};
pub use naming::{named_by, named_in_words};
pub use reason::Reason;
pub use template::{OWN, Template, templates};
pub use weight::{Price, cents_of, usd};

#[cfg(test)]
mod tests;
