//! Finding out what a block needs, before it is executed for good.
//!
//! Every round learns one more step of what a transaction reads. Executing the whole block in each of
//! dozens of rounds would cost dozens of blocks, so that here only transactions are executed that
//! missed something the last time; the others are remembered by what they changed. What is found out
//! so is a guess (a transaction may read what one before it wrote that was not ready yet), which costs
//! a question too many or too few and never an outcome: [`super::execute`] runs all of it again.

use std::cell::RefCell;

use revm::{
    Context, DatabaseCommit, ExecuteEvm, MainBuilder, MainContext, database::CacheDB,
    state::EvmState,
};

use super::{
    block::{Block, Rules},
    known::{Known, Missing, Read},
    run::{begin, environment},
};
use crate::devnet::transaction_env;

/// What was found out of a block so far.
#[derive(Debug, Clone, Default)]
pub struct Ahead {
    /// What transactions changed that missed nothing when they ran, by position.
    done: Vec<Option<EvmState>>,
}

impl Ahead {
    /// Executes what missed something the last time, and says what is missing now. Nothing, when the
    /// block can be executed for good.
    pub fn look(&mut self, block: &Block, rules: &Rules, known: &Known) -> Missing {
        self.done.resize(block.transactions.len(), None);
        let missing = RefCell::new(Missing::default());
        let mut state = CacheDB::new(Read { known, missing: &missing });
        let (mut cfg, env) = environment(block, rules);
        // The transaction before it may not be ready yet.
        cfg.disable_nonce_check = true;
        begin(block, rules, &cfg, &env, &mut state);
        let mut all = missing.take();
        forget(&mut state, &all);
        for (transaction, done) in block.transactions.iter().zip(&mut self.done) {
            if let Some(changed) = done {
                state.commit(changed.clone());
                continue;
            }
            let outcome = Context::mainnet()
                .with_db(&mut state)
                .with_cfg(cfg.clone())
                .with_block(env.clone())
                .build_mainnet()
                .transact(transaction_env(transaction));
            let missed = missing.take();
            match outcome {
                Ok(outcome) if missed.is_empty() => {
                    state.commit(outcome.state.clone());
                    *done = Some(outcome.state);
                }
                // What stood in for the missing parts must not be read by those that follow.
                _ => forget(&mut state, &missed),
            }
            all.extend(missed);
        }
        all
    }
}

fn forget(state: &mut CacheDB<Read<'_>>, missed: &Missing) {
    for of in &missed.accounts {
        state.cache.accounts.remove(of);
    }
    for (of, slots) in &missed.storage {
        if let Some(account) = state.cache.accounts.get_mut(of) {
            account.storage.retain(|slot, _| !slots.contains(slot));
        }
    }
    for hash in &missed.codes {
        state.cache.contracts.remove(hash);
    }
    for number in &missed.block_hashes {
        state.cache.block_hashes.remove(&alloy_primitives::U256::from(*number));
    }
}
