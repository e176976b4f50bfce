//! Claims in, proven blocks or refusals out. Pure: no I/O, no clock.

mod prove; //   what to recompute
mod refusal; // why a block was not believed

use model::{BlockBundle, Header, Name, Proven};

pub use self::{
    prove::Prove,
    refusal::{Item, Refusal},
};
use crate::wire::RawBlock;

/// Reads one block, checks that its parts belong together and proves what `prove` asks for.
///
/// # Errors
/// The first thing that does not add up. [`Refusal::part`] says which body to ask for again.
pub fn assemble(
    network: &Name,
    endpoint: &Name,
    raw: RawBlock<'_>,
    prove: &Prove,
) -> Result<BlockBundle, Refusal>;

/// Reads and proves a header alone, from a block with or without transaction bodies
/// (`eth_getBlockByNumber` with `false`, a `newHeads` message).
///
/// # Errors
/// Unreadable, or the hash is not that of the header.
pub fn head(body: &[u8], prove: &Prove) -> Result<(Header, Proven), Refusal>;

/// Checks that `header` follows `parent`.
///
/// # Errors
/// [`Refusal::Parent`].
pub fn follows(header: &Header, parent: &model::BlockRef) -> Result<(), Refusal>;
