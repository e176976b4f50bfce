use alloy_primitives::U256;
use alloy_sol_types::SolCall;

use super::Traffic;
use crate::{
    devnet::Devnet,
    meridian::{
        Meridian, MeridianError, call,
        contracts::{Governor, Timelock, Vault},
        read, submit,
    },
};

/// Fees that the council alternates between, in basis points.
const FEES_BPS: [u64; 2] = [6, 5];

/// Where the council is with its current proposal.
#[derive(Debug, Clone, Default)]
pub(super) struct Governance {
    /// Height of the last proposal.
    proposed_at: u64,
    /// The proposal in progress.
    stage: Stage,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Idle,
    Proposed {
        votes: usize,
    },
    Queued {
        ready_at: u64,
    },
}

impl Traffic {
    /// Takes the council's proposal one step further: one member votes per block, then it is
    /// queued, and executed once the timelock lets it.
    pub(super) fn govern(&mut self, devnet: &Devnet, on: &Meridian) -> Result<(), MeridianError> {
        if self.governance_every_blocks == 0 {
            return Ok(());
        }
        let head = devnet.head().number;
        let council = &on.actors.council;
        let id = read(devnet, on.governor, Governor::proposalCountCall {})?;
        let (wallet, request, stage) = match self.governance.stage {
            Stage::Idle => {
                let began_at = self.governance.proposed_at.max(on.deployed_at);
                if head < began_at + self.governance_every_blocks {
                    return Ok(());
                }
                self.governance.proposed_at = head;
                let current = read(devnet, on.vault, Vault::withdrawalFeeBpsCall {})?;
                let bps = FEES_BPS.map(U256::from).into_iter().find(|bps| *bps != current);
                let bps = bps.unwrap_or(current);
                let propose = Governor::proposeCall {
                    target: on.vault,
                    data: Vault::setWithdrawalFeeCall { bps }.abi_encode().into(),
                    description: format!("set the withdrawal fee to {bps} basis points"),
                };
                (&council[0], call(on.governor, propose), Stage::Proposed { votes: 0 })
            }
            Stage::Proposed { votes } if votes < council.len() => {
                // The last member disagrees, as someone always does.
                let support = votes + 1 < council.len();
                let vote = Governor::castVoteCall { id, support };
                (&council[votes], call(on.governor, vote), Stage::Proposed { votes: votes + 1 })
            }
            Stage::Proposed { .. } => {
                let delay_s: u64 = read(devnet, on.timelock, Timelock::minDelayCall {})?.to();
                // The block that queues it is at least one block time later than now.
                let ready_at = devnet.now() + delay_s + 2 * devnet.config().block_time_s;
                let queue = call(on.governor, Governor::queueCall { id });
                (&council[0], queue, Stage::Queued { ready_at })
            }
            Stage::Queued { ready_at } if devnet.now() < ready_at => return Ok(()),
            Stage::Queued { .. } => {
                (&council[0], call(on.governor, Governor::executeCall { id }), Stage::Idle)
            }
        };
        self.governance.stage = stage;
        submit(devnet, wallet, request, "council business")?;
        Ok(())
    }
}
