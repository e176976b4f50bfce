use alloy_primitives::{Address, B256};
use alloy_sol_types::SolConstructor;

use super::{Scenario, ScenarioError};
use crate::{
    artifact::Artifact,
    devnet::{Devnet, DevnetError, TransactionRequest, Wallet},
    meridian::{Meridian, MeridianError, Traffic, submit},
};

/// An attack in progress.
#[derive(Debug)]
pub struct Run {
    scenario: &'static Scenario,
    next: usize,
    repeated: u32,
    memory: Memory,
}

/// What later steps need to know of earlier ones.
#[derive(Debug, Clone, Default)]
pub(super) struct Memory {
    /// The attacker's contract.
    pub(super) contract: Option<Address>,
    /// The attack's own transactions.
    pub(super) transactions: Vec<B256>,
    /// Height before the attack.
    pub(super) began_at: u64,
}

impl Run {
    pub(super) fn new(scenario: &'static Scenario) -> Self {
        Self { scenario, next: 0, repeated: 0, memory: Memory::default() }
    }

    /// What is being run.
    pub fn scenario(&self) -> &'static Scenario {
        self.scenario
    }

    /// Hashes of the attack's own transactions so far.
    pub fn transactions(&self) -> &[B256] {
        &self.memory.transactions
    }

    /// Queues the next step's transactions and says what it is; the caller then makes one block.
    /// `None` when it is over.
    pub fn step(
        &mut self,
        devnet: &Devnet,
        on: &Meridian,
        traffic: &mut Traffic,
    ) -> Result<Option<&'static str>, ScenarioError> {
        let Some(step) = self.scenario.steps.get(self.next) else { return Ok(None) };
        let attacker = self.scenario.attacker(on);
        let mut stage = Stage { devnet, on, traffic, attacker, memory: &mut self.memory };
        (step.act)(&mut stage).map_err(|source| ScenarioError {
            scenario: self.scenario.name,
            step: step.what,
            source,
        })?;
        self.repeated += 1;
        if self.repeated >= step.blocks {
            self.repeated = 0;
            self.next += 1;
        }
        Ok(Some(step.what))
    }
}

/// What a step has to work with.
pub(super) struct Stage<'a> {
    pub(super) devnet: &'a Devnet,
    pub(super) on: &'a Meridian,
    pub(super) traffic: &'a mut Traffic,
    pub(super) attacker: &'a Wallet,
    pub(super) memory: &'a mut Memory,
}

impl Stage<'_> {
    /// Queues one of the attack's transactions.
    pub(super) fn send(
        &mut self,
        wallet: &Wallet,
        request: TransactionRequest,
        what: &'static str,
    ) -> Result<(), MeridianError> {
        let hash = submit(self.devnet, wallet, request, what)?;
        self.memory.transactions.push(hash);
        Ok(())
    }

    /// Queues the creation of the attacker's contract.
    pub(super) fn create(
        &mut self,
        artifact: Artifact,
        arguments: impl SolConstructor,
    ) -> Result<(), MeridianError> {
        let nonce = self.devnet.next_nonce(self.attacker.address());
        let initcode = [artifact.bytecode().as_ref(), &arguments.abi_encode()].concat();
        self.send(self.attacker, TransactionRequest::create(initcode), artifact.name)?;
        self.memory.contract = Some(self.attacker.address().create(nonce));
        Ok(())
    }

    /// The attacker's contract; the zero address before there is one.
    pub(super) fn contract(&self) -> Address {
        self.memory.contract.unwrap_or_default()
    }

    /// Lets more time pass before the next block than usual, as when makers of blocks miss turns.
    pub(super) fn miss_turns(&self, turns: u64) -> Result<(), MeridianError> {
        let next = self.devnet.now() + (turns + 1) * self.devnet.config().block_time_s;
        self.chain("miss turns", self.devnet.set_next_time(next))
    }

    pub(super) fn chain<T>(
        &self,
        what: &'static str,
        result: Result<T, DevnetError>,
    ) -> Result<T, MeridianError> {
        result.map_err(|source| MeridianError::Devnet { what, source })
    }
}
