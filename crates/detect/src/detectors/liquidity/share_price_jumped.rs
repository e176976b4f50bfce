//! A share of a vault is worth much more or less within one block. The page is
//! `share_price_jumped.md`.

use std::collections::VecDeque;

use alloy_primitives::{Address, U256};
use model::{
    BlindReason, Confidence, FactValue, History, Level, Measure, PlannedRead, ReadRequest, Severity,
};
use registry::{Class, Deployment};
use serde::{Deserialize, Serialize};

use crate::{
    detectors::{
        Block, Claim, Detector, Judge, ParamKind, ParamSpec, Report, Settings, Site, Spec, Touch,
        Wants, block::to_f64, worse,
    },
    state::{Key, Kind, StateTable},
    thresholds::ln,
};

static SPEC: Spec = Spec {
    id: "liquidity/share_price_jumped",
    version: 1,
    needs: Level::Logs,
    severity: Severity::High,
    params: &[
        ParamSpec {
            name: "jump_share",
            kind: ParamKind::Number { default: 0.005, min: 0.000_01, max: 1.0 },
            doc: "change |ln(price / price before)| within a block that is told at least",
        },
        ParamSpec {
            name: "times_usual",
            kind: ParamKind::Number { default: 20.0, min: 1.0, max: 1e6 },
            doc: "and at least so many times what the price usually changes by",
        },
    ],
    page: include_str!("share_price_jumped.md"),
};

/// `totalAssets()` and `totalSupply()`.
const TOTAL_ASSETS: [u8; 4] = [0x01, 0xe1, 0xd1, 0x14];
const TOTAL_SUPPLY: [u8; 4] = [0x18, 0x16, 0x0d, 0xdd];

/// Fewer shares than this, in the smallest unit: what one owns of the vault is rounded to nothing as
/// soon as somebody gives it something.
const FEW_SHARES: U256 = U256::from_limbs([1_000, 0, 0, 0]);

/// Changes of the price that are remembered to know what is usual.
const CHANGES_MAX: usize = 64;

/// Fewer say nothing about what is usual.
const CHANGES_MIN: usize = 8;

/// See the page.
#[derive(Debug)]
pub struct SharePriceJumped;

impl Detector for SharePriceJumped {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn configure(&self, settings: &Settings, site: Site) -> Box<dyn Judge> {
        let vaults = site.deployments().filter(|(_, known)| has_shares(known));
        Box::new(Configured {
            vaults: vaults.map(|(_, known)| known.address).collect(),
            jump_share: settings.number("jump_share"),
            times_usual: settings.number("times_usual"),
            site,
        })
    }
}

/// Whether shares of it stand for assets, as ERC-4626 has it.
fn has_shares(deployment: &Deployment) -> bool {
    let answers = |selector| deployment.abi.function_by_selector(selector).is_some();
    deployment.class == Class::Vault || answers(TOTAL_ASSETS) && answers(TOTAL_SUPPLY)
}

struct Configured {
    site: Site,
    vaults: Vec<Address>,
    jump_share: f64,
    times_usual: f64,
}

/// What a vault held after the last block, and how its share price usually moves.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SharePrice {
    assets: U256,
    supply: U256,
    /// |ln(price / price before)| of the last blocks in which it changed.
    changes: VecDeque<f32>,
}

impl SharePrice {
    /// Assets for a share; `None` without shares.
    fn price(&self) -> Option<f64> {
        (!self.supply.is_zero()).then(|| to_f64(self.assets) / to_f64(self.supply))
    }

    /// The change in the middle of those remembered; 0 while they are too few to say.
    fn usual(&self) -> f64 {
        if self.changes.len() < CHANGES_MIN {
            return 0.0;
        }
        let mut changes: Vec<f32> = self.changes.iter().copied().collect();
        changes.sort_unstable_by(f32::total_cmp);
        changes.get(changes.len() / 2).map_or(0.0, |change| f64::from(*change))
    }
}

impl Judge for Configured {
    fn wants(&self) -> Wants {
        Wants { every_block: true, transactions: true, remembers: true, ..Wants::default() }
    }

    fn reads(&self) -> Vec<PlannedRead> {
        let of = |vault: &Address| {
            let to = *vault;
            [TOTAL_ASSETS, TOTAL_SUPPLY]
                .map(|input| ReadRequest::Call { to, input: input.into() }.every_block())
        };
        self.vaults.iter().flat_map(of).collect()
    }

    fn judge(
        &self,
        block: &Block<'_>,
        touches: &[Touch],
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        if self.vaults.is_empty() {
            let reason = "none of the contracts is a vault with shares".to_owned();
            return report.blind(BlindReason::Evaluation(reason));
        }
        for &vault in &self.vaults {
            let word = |input| block.read_words(vault, input, 1).map(|words| words[0]);
            match word(&TOTAL_ASSETS).and_then(|assets| Ok((assets, word(&TOTAL_SUPPLY)?))) {
                Ok(now) => self.vault(block, vault, now, touches, memory, report),
                Err(reason) => report.blind(BlindReason::ReadMissing(reason)),
            }
        }
    }
}

impl Configured {
    fn vault(
        &self,
        block: &Block<'_>,
        vault: Address,
        (assets, supply): (U256, U256),
        touches: &[Touch],
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        let key = Key::new(Kind::SharePrice).monitor(&self.site.key).address(vault);
        let before = memory.get::<SharePrice>(&key).cloned();
        if before.as_ref().is_some_and(|was| was.assets == assets && was.supply == supply) {
            return;
        }
        let known = before.clone().unwrap_or_default();
        let now = SharePrice { assets, supply, changes: known.changes.clone() };
        let change = now.price().zip(known.price()).map(|(now, was)| {
            // Worth nothing, or worth something again: beyond every ratio.
            if now > 0.0 && was > 0.0 { ln(now / was) } else { (now - was).signum() * 100.0 }
        });
        let change = change.filter(|change| *change != 0.0);
        let limit = self.jump_share.max(self.times_usual * known.usual());
        if let Some(change) = change
            && change.abs() > limit
        {
            self.tell(block, vault, (&known, &now), (change, limit), touches, report);
        }
        let kept = memory.entry(key, SharePrice::default);
        (kept.assets, kept.supply) = (assets, supply);
        if let Some(change) = change {
            if kept.changes.len() == CHANGES_MAX {
                kept.changes.pop_front();
            }
            // What was told does not become usual.
            kept.changes.push_back(change.abs().min(limit) as f32);
        }
    }

    fn tell(
        &self,
        block: &Block<'_>,
        vault: Address,
        (was, now): (&SharePrice, &SharePrice),
        (change, limit): (f64, f64),
        touches: &[Touch],
        report: &mut Report<'_>,
    ) {
        let name = block.name_of(vault);
        let is_given = change > 0.0 && now.supply == was.supply;
        let is_few = change > 0.0 && was.supply < FEW_SHARES;
        let (verb, times) = match change > 0.0 {
            true => ("rose", libm::exp(change)),
            false => ("fell", libm::exp(-change)),
        };
        let how = match (is_few, is_given) {
            (true, _) => ": it has next to no shares, so who deposits now may get none",
            (false, true) => ": assets came for which no shares were made",
            (false, false) => "",
        };
        let title = match times > 1e6 {
            true => format!("what a share of {name} is worth {verb} beyond all measure{how}"),
            false => {
                let share = 100.0 * (libm::exp(change) - 1.0);
                format!("what a share of {name} is worth {verb} by {:.2} %{how}", share.abs())
            }
        };
        let mut touching: Vec<u32> = touches
            .iter()
            .filter(|touch| block.deployment(touch.deployment).address == vault)
            .map(|touch| touch.tx)
            .collect();
        touching.dedup();
        let mut claim = match touching[..] {
            [tx] => Claim::about_frame(block, tx, 0, title)
                .fact("transaction sender", block.address_fact(block.tx(tx).from)),
            _ => Claim::about_block(block.bundle.block_ref(), block.at, title),
        };
        let base = self.site.severity;
        claim = claim
            .about(block, vault)
            .what(format!("{vault} share price"))
            .severity(if is_few { worse(base, 1) } else { base })
            .confidence(Confidence::Heuristic)
            .measure(Measure {
                name: "change |ln(price / price before)|".to_owned(),
                unit: String::new(),
                value: change.abs(),
                threshold: limit,
                history: Some(History {
                    usual: was.usual(),
                    spread: was.usual(),
                    n: was.changes.len() as u64,
                }),
            });
        for (name, value) in [
            ("assets before", was.assets),
            ("assets", now.assets),
            ("shares before", was.supply),
            ("shares", now.supply),
        ] {
            claim = claim.fact(name, FactValue::Uint(value));
        }
        report.claim(claim);
    }
}
