//! A market that ours lend to is frozen, full or lent out. The page is `market_state.md`.

use std::num::NonZeroU32;

use alloy_primitives::{Address, U256, keccak256};
use model::{BlindReason, Bytes, Level, Measure, PlannedRead, ReadRequest, Severity};
use registry::dependencies::Lending;
use serde::{Deserialize, Serialize};

use super::watched::{self, Watched, every_blocks, money, with_stake};
use crate::{
    detectors::{
        Block, Claim, Detector, Judge, ParamKind, ParamSpec, Report, Settings, Site, Spec, Touch,
        Wants, block::to_f64, milder,
    },
    stakes::Schedule,
    state::{Key, Kind, StateTable},
};

static SPEC: Spec = Spec {
    id: "dependency/market_state",
    version: 1,
    needs: Level::Logs,
    severity: Severity::High,
    params: &[
        ParamSpec {
            name: "utilisation_max",
            kind: ParamKind::Number { default: 0.95, min: 0.01, max: 1.0 },
            doc: "share of the deposits that may be lent out",
        },
        ParamSpec {
            name: "every_blocks",
            kind: ParamKind::Integer { default: 5, min: 1, max: 7_200 },
            doc: "how often the market is read: once in so many blocks",
        },
    ],
    page: include_str!("market_state.md"),
};

/// Utilisation has to fall so far below its limit before it is told again.
const HYSTERESIS: f64 = 0.02;
/// A market this close to its cap takes no more deposits of any size that matters.
const CAP_SHARE: f64 = 0.999;

/// See the page.
#[derive(Debug)]
pub struct MarketState;

impl Detector for MarketState {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn watches_dependencies(&self) -> bool {
        true
    }

    fn configure(&self, settings: &Settings, site: Site) -> Box<dyn Judge> {
        let every = every_blocks(settings);
        let book = site.registry.dependencies();
        let markets: Vec<Market> = watched::watched(&site)
            .into_iter()
            .filter_map(|of| {
                let lending = of.dependency.lending.as_ref()?;
                let asset = book.get(&lending.asset)?;
                Some(Market {
                    interface: lending.interface,
                    asset: asset.address,
                    decimals: asset.token.as_ref()?.decimals,
                    receipt: lending.receipt,
                    of,
                })
            })
            .collect();
        // All answers of one market are of one block, so they fall due together: with the first.
        let planned = markets.iter().cloned().map(|market| {
            let first = market.requests()[0].clone();
            (first.every(every), market)
        });
        let schedule = Schedule::new(every, planned.collect::<Vec<_>>());
        let utilisation_max = settings.number("utilisation_max");
        Box::new(Configured { site, markets, every, schedule, utilisation_max })
    }
}

#[derive(Debug, Clone)]
struct Market {
    of: Watched,
    interface: Lending,
    asset: Address,
    decimals: u8,
    receipt: Address,
}

struct Configured {
    site: Site,
    markets: Vec<Market>,
    every: NonZeroU32,
    schedule: Schedule<Market>,
    utilisation_max: f64,
}

/// What was told of a market and still is so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarketTold {
    troubles: Vec<Trouble>,
}

/// What may be wrong with a market.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Trouble {
    /// It takes no deposits and gives no loans.
    Frozen,
    /// Nothing goes in or out.
    Paused,
    /// It was switched off.
    Inactive,
    /// It takes no more deposits.
    Full,
    /// What was deposited is lent out, so it cannot be withdrawn.
    LentOut,
}

impl Trouble {
    fn what(self) -> &'static str {
        match self {
            Self::Frozen => "was frozen",
            Self::Paused => "was paused",
            Self::Inactive => "was switched off",
            Self::Full => "has reached its cap",
            Self::LentOut => "is lent out",
        }
    }
}

fn call(to: Address, signature: &str, of: Option<Address>) -> ReadRequest {
    let mut input = keccak256(signature)[..4].to_vec();
    input.extend(of.into_iter().flat_map(|of| of.into_word().0));
    ReadRequest::Call { to, input: Bytes::from(input) }
}

impl Market {
    /// What it is asked: of Aave its flags, what is there and what was deposited; of a Comet two
    /// flags and its utilisation.
    fn requests(&self) -> [ReadRequest; 3] {
        let pool = self.of.dependency.address;
        match self.interface {
            Lending::Aave => [
                call(pool, "getConfiguration(address)", Some(self.asset)),
                call(self.asset, "balanceOf(address)", Some(self.receipt)),
                call(self.receipt, "totalSupply()", None),
            ],
            Lending::Comet => [
                call(pool, "isSupplyPaused()", None),
                call(pool, "isWithdrawPaused()", None),
                call(pool, "getUtilization()", None),
            ],
        }
    }

    /// The state that three answers tell: what is wrong besides utilisation, and utilisation.
    fn state(&self, words: [U256; 3]) -> (Vec<Trouble>, f64) {
        match self.interface {
            Lending::Aave => {
                let [flags, available, deposited] = words;
                let mut wrong = Vec::new();
                // Bits of Aave's ReserveConfiguration: 56 active, 57 frozen, 60 paused, 116 to 151
                // the cap of deposits in whole tokens.
                for (bit, is_wrong, trouble) in [
                    (56, false, Trouble::Inactive),
                    (57, true, Trouble::Frozen),
                    (60, true, Trouble::Paused),
                ] {
                    if flags.bit(bit) == is_wrong {
                        wrong.push(trouble);
                    }
                }
                let cap: U256 = (flags >> 116) & U256::from((1_u64 << 36) - 1);
                let unit = libm::pow(10.0, f64::from(self.decimals));
                let is_full = !cap.is_zero() && to_f64(deposited) >= to_f64(cap) * unit * CAP_SHARE;
                wrong.extend(is_full.then_some(Trouble::Full));
                let lent = to_f64(deposited.saturating_sub(available));
                let share = if deposited.is_zero() { 0.0 } else { lent / to_f64(deposited) };
                (wrong, share)
            }
            Lending::Comet => {
                let [supply, withdraw, utilisation] = words;
                let is_paused = !supply.is_zero() || !withdraw.is_zero();
                let wrong = is_paused.then_some(Trouble::Paused);
                (wrong.into_iter().collect(), to_f64(utilisation) / 1e18)
            }
        }
    }
}

impl Judge for Configured {
    fn wants(&self) -> Wants {
        Wants { every_block: true, remembers: true, stakes: true, ..Wants::default() }
    }

    fn reads(&self) -> Vec<PlannedRead> {
        let of_market = |market: &Market| {
            let [first, second, third] = market.requests();
            let first = first.every(self.every);
            let with_it = |request: ReadRequest| request.every_with(self.every, &first);
            let (second, third) = (with_it(second), with_it(third));
            [first, second, third]
        };
        self.markets.iter().flat_map(of_market).collect()
    }

    fn judge(
        &self,
        block: &Block<'_>,
        _: &[Touch],
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        for market in self.schedule.due(block.bundle.header.number) {
            let mut words = [U256::ZERO; 3];
            let mut missing = None;
            for (word, request) in words.iter_mut().zip(market.requests()) {
                let ReadRequest::Call { to, input } = request else { continue };
                match block.read_words(to, &input, 1) {
                    Ok(read) => *word = read[0],
                    Err(reason) => missing = Some(reason),
                }
            }
            match missing {
                Some(reason) => report.blind(BlindReason::ReadMissing(reason)),
                None => self.market(block, market, words, memory, report),
            }
        }
    }
}

impl Configured {
    fn market(
        &self,
        block: &Block<'_>,
        market: &Market,
        words: [U256; 3],
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        let of = &market.of;
        let key = Key::new(Kind::MarketTold).monitor(&self.site.key).address(of.dependency.address);
        let told = memory.get::<MarketTold>(&key).cloned().unwrap_or_default();
        let (mut wrong, utilisation) = market.state(words);
        let was_lent_out = told.troubles.contains(&Trouble::LentOut);
        let limit = self.utilisation_max - if was_lent_out { HYSTERESIS } else { 0.0 };
        if utilisation > limit {
            wrong.push(Trouble::LentOut);
        }
        for trouble in wrong.iter().filter(|trouble| !told.troubles.contains(*trouble)) {
            self.tell(block, market, *trouble, utilisation, memory, report);
        }
        if wrong != told.troubles {
            if wrong.is_empty() {
                memory.remove(&key);
            } else {
                memory.entry(key, MarketTold::default).troubles = wrong;
            }
        }
    }

    fn tell(
        &self,
        block: &Block<'_>,
        market: &Market,
        trouble: Trouble,
        utilisation: f64,
        memory: &StateTable,
        report: &mut Report<'_>,
    ) {
        let of = &market.of;
        let label = &of.dependency.label;
        let title = format!("{label} {}{}", trouble.what(), money(block, of, memory));
        let severity = match trouble {
            // Nobody loses by it; nothing more can be lent there.
            Trouble::Full => milder(self.site.severity, 1),
            _ => self.site.severity,
        };
        let entity = format!("market {}", of.dependency.address);
        let claim = Claim::about_episode(block, entity, block.at, title)
            .what(trouble.what())
            .severity(severity)
            .measure(Measure {
                name: "share of the deposits that is lent out".to_owned(),
                unit: String::new(),
                value: utilisation,
                threshold: self.utilisation_max,
                history: None,
            })
            .fact("asset", block.address_fact(market.asset));
        report.claim(with_stake(claim, block, of, memory));
    }
}
