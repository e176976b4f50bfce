//! The chain, its clock and its traffic.
//!
//! The chain's clock runs faster than the wall's: every block is 12 s of chain time, whenever it is
//! made. So hours of history, which baselines need, take seconds. The program's clock goes along:
//! between two blocks it runs as the wall's does, so the age of a block is true.

use std::collections::HashMap;

use evm::{
    devnet::{Devnet, DevnetConfig},
    meridian::{Meridian, Traffic},
    scenarios::Run,
};
use model::{B256, BlockRef, UnixMillis, UnixSeconds};

use crate::clock;

/// Blocks of everyday traffic before anything happens: three hours and twenty minutes of chain
/// time, enough for every baseline of the example to warm up.
pub(super) const HISTORY_BLOCKS: u64 = 1_000;

/// Blocks of the story, more or less: the chain's clock begins so far behind ours that it catches
/// up with it at the end.
const STORY_BLOCKS: u64 = 130;

/// Traffic is the same in every run.
const SEED: u64 = 7;

/// The chain with everything that lives on it.
pub(super) struct World {
    pub(super) devnet: Devnet,
    pub(super) meridian: Meridian,
    traffic: Traffic,
    /// When each block was made, by the chain's clock.
    made_at: HashMap<B256, UnixMillis>,
}

impl World {
    /// A chain with the protocol on it, whose story ends about now.
    pub(super) fn new() -> anyhow::Result<Self> {
        let defaults = Meridian::devnet_config();
        let now_s = u64::try_from(clock::now().0 / 1_000).unwrap_or_default();
        let behind_s = (HISTORY_BLOCKS + STORY_BLOCKS) * defaults.block_time_s;
        let config = DevnetConfig {
            genesis_at: now_s.saturating_sub(behind_s),
            // Reads and traces of the history are asked for while the monitor catches up.
            states_kept: HISTORY_BLOCKS as usize + 64,
            ..defaults
        };
        let devnet = Devnet::new(config);
        let meridian = Meridian::deploy(&devnet)?;
        Ok(Self { devnet, meridian, traffic: Traffic::new(SEED), made_at: HashMap::new() })
    }

    /// One block of everyday traffic.
    pub(super) fn everyday(&mut self) -> anyhow::Result<BlockRef> {
        self.traffic.submit(&self.devnet, &self.meridian)?;
        self.mine()
    }

    /// One block of an attack among everyday traffic, with what happens in it; `None` when the
    /// attack is over.
    pub(super) fn attack(
        &mut self,
        run: &mut Run,
    ) -> anyhow::Result<Option<(&'static str, BlockRef)>> {
        let step = run.step(&self.devnet, &self.meridian, &mut self.traffic)?;
        let Some(what) = step else { return Ok(None) };
        self.traffic.submit(&self.devnet, &self.meridian)?;
        Ok(Some((what, self.mine()?)))
    }

    /// When a block was made; `None` for blocks that came with a reorg.
    pub(super) fn made_at(&self, block: B256) -> Option<UnixMillis> {
        self.made_at.get(&block).copied()
    }

    fn mine(&mut self) -> anyhow::Result<BlockRef> {
        let block = self.devnet.mine()?;
        let made_at = UnixMillis::from(UnixSeconds(self.devnet.now()));
        clock::set(made_at);
        self.made_at.insert(block.hash, made_at);
        Ok(block)
    }
}
