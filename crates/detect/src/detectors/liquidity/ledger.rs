//! What beneficiaries brought and took: who takes more than their own.

use alloy_primitives::Address;
use model::UnixSeconds;
use serde::{Deserialize, Serialize};

use super::flows::Flow;
use crate::{
    detectors::block::to_f64,
    state::{Key, Kind, MonitorKey, StateTable},
};

/// Beneficiaries per shard and shards per token: what some sixteen thousand beneficiaries brought
/// and took is remembered. A full shard forgets whom it has not seen for the longest time.
const SHARD_LEN_MAX: usize = 16;
const SHARDS: u16 = 1_024;

/// What a beneficiary brought counts half after this time: 62 days, e-fold of 90.
const LEDGER_EFOLD_S: f64 = 90.0 * 86_400.0;

/// A beneficiary that takes more than this share of the holdings beyond what it brought, and more
/// than half as much again as it brought, takes other people's money.
pub(super) const BEYOND_PRINCIPAL_SHARE: f64 = 0.01;
const BEYOND_PRINCIPAL_RATIO: f64 = 1.5;

/// What a few beneficiaries brought and took, decayed to the time of their last appearance.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LedgerShard(Vec<Account>);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Account {
    address: Address,
    brought: f64,
    took: f64,
    at: UnixSeconds,
}

/// Who took more than they brought.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taker {
    pub(super) address: Address,
    pub(super) brought: f64,
    pub(super) beyond: f64,
}

/// Writes a transaction into the ledger of beneficiaries; who took most beyond what they brought.
pub(super) fn settle(
    monitor: &MonitorKey,
    now: UnixSeconds,
    token: Address,
    flow: &Flow,
    memory: &mut StateTable,
) -> Option<Taker> {
    let mut most: Option<Taker> = None;
    for (address, (gained, lost)) in &flow.others {
        if gained == lost || address.is_zero() {
            continue;
        }
        let shard = u16::from_be_bytes([address[18], address[19]]) % SHARDS;
        let key =
            Key::new(Kind::LedgerShard).monitor(monitor).address(token).with(&shard.to_be_bytes());
        let shard = memory.entry(key, LedgerShard::default);
        let account = shard.account(*address, now);
        if gained > lost {
            account.took += to_f64(gained - lost);
        } else {
            account.brought += to_f64(lost - gained);
        }
        let beyond = account.took - account.brought;
        let takes = gained > lost && account.took > BEYOND_PRINCIPAL_RATIO * account.brought;
        if takes && most.is_none_or(|taker| beyond > taker.beyond) {
            most = Some(Taker { address: *address, brought: account.brought, beyond });
        }
    }
    most
}

impl LedgerShard {
    fn account(&mut self, address: Address, now: UnixSeconds) -> &mut Account {
        let at = self.0.iter().position(|account| account.address == address);
        let at = at.unwrap_or_else(|| {
            if self.0.len() == SHARD_LEN_MAX {
                let oldest = self.0.iter().enumerate().min_by_key(|(i, a)| (a.at, *i));
                if let Some((oldest, _)) = oldest {
                    self.0.remove(oldest);
                }
            }
            self.0.push(Account { address, brought: 0.0, took: 0.0, at: now });
            self.0.len() - 1
        });
        let account = &mut self.0[at];
        let keep = libm::exp(-(now.seconds_since(account.at) as f64) / LEDGER_EFOLD_S);
        account.brought *= keep;
        account.took *= keep;
        account.at = now;
        account
    }
}
