//! A token that ours hold was stopped, froze one of us, charges a fee or was made from nothing. The
//! page is `token_event.md`.

use std::{num::NonZeroU32, sync::LazyLock};

use alloy_primitives::{Address, B256, U256, keccak256};
use model::{
    BlindReason, Bytes, FactValue, Level, Log, Measure, PlannedRead, ReadRequest, Severity,
    TokenAmount,
};
use registry::dependencies::Kind as DependencyKind;
use serde::{Deserialize, Serialize};

use super::watched::{self, Watched, at, every_blocks, money, with_stake};
use crate::{
    detectors::{
        Block, Claim, Detector, Judge, ParamKind, ParamSpec, Report, Settings, Site, Spec, Touch,
        Wants, What, block::TRANSFER, milder, worse,
    },
    stakes::Schedule,
    state::{Key, Kind, StateTable},
};

/// `totalSupply()`.
const TOTAL_SUPPLY: [u8; 4] = [0x18, 0x16, 0x0d, 0xdd];

static SPEC: Spec = Spec {
    id: "dependency/token_event",
    version: 1,
    needs: Level::Logs,
    severity: Severity::High,
    params: &[
        ParamSpec {
            name: "mint_share",
            kind: ParamKind::Number { default: 0.05, min: 0.0, max: 100.0 },
            doc: "share of the supply that one mint must not exceed",
        },
        ParamSpec {
            name: "every_blocks",
            kind: ParamKind::Integer { default: 25, min: 1, max: 7_200 },
            doc: "how often the supply is read: once in so many blocks",
        },
    ],
    page: include_str!("token_event.md"),
};

/// What an event of a token does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Does {
    Stop,
    Resume,
    Freeze,
    Release,
    Seize,
    Charge,
    Mint,
    Issue,
}

/// Events of the usual tokens, with what they do. Source: the published interfaces of FiatToken
/// (Circle), TetherToken and OpenZeppelin's Pausable.
static EVENTS: LazyLock<Vec<(B256, Does)>> = LazyLock::new(|| {
    let hashed = [
        ("Pause()", Does::Stop),
        ("Paused(address)", Does::Stop),
        ("Unpause()", Does::Resume),
        ("Unpaused(address)", Does::Resume),
        ("Blacklisted(address)", Does::Freeze),
        ("AddedBlackList(address)", Does::Freeze),
        ("BlockPlaced(address)", Does::Freeze),
        ("UnBlacklisted(address)", Does::Release),
        ("RemovedBlackList(address)", Does::Release),
        ("BlockReleased(address)", Does::Release),
        ("DestroyedBlackFunds(address,uint256)", Does::Seize),
        ("Params(uint256,uint256)", Does::Charge),
        ("Issue(uint256)", Does::Issue),
    ];
    let hashed = hashed.into_iter().map(|(event, does)| (keccak256(event), does));
    hashed.chain([(TRANSFER, Does::Mint)]).collect()
});

/// See the page.
#[derive(Debug)]
pub struct TokenEvent;

impl Detector for TokenEvent {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn watches_dependencies(&self) -> bool {
        true
    }

    fn configure(&self, settings: &Settings, site: Site) -> Box<dyn Judge> {
        let every = every_blocks(settings);
        let mut all = watched::watched(&site);
        all.retain(|of| of.dependency.kind == DependencyKind::Token);
        let reads = all.iter().map(|of| (request(of).every(every), of.clone()));
        let schedule = Schedule::new(every, reads.collect::<Vec<_>>());
        Box::new(Configured {
            mint_share: settings.number("mint_share"),
            site,
            all,
            every,
            schedule,
        })
    }
}

fn request(of: &Watched) -> ReadRequest {
    ReadRequest::Call { to: of.dependency.address, input: Bytes::from_static(&TOTAL_SUPPLY) }
}

struct Configured {
    site: Site,
    all: Vec<Watched>,
    every: NonZeroU32,
    schedule: Schedule<Watched>,
    mint_share: f64,
}

/// How much of a token there is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Supply {
    total: U256,
}

impl Judge for Configured {
    fn wants(&self) -> Wants {
        let topics = EVENTS.iter().map(|(topic, _)| *topic).collect();
        Wants { topics, every_block: true, remembers: true, stakes: true, ..Wants::default() }
    }

    fn reads(&self) -> Vec<PlannedRead> {
        watched::planned(self.all.iter().map(request), self.every)
    }

    fn judge(
        &self,
        block: &Block<'_>,
        touches: &[Touch],
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        for touch in touches {
            let What::Log(ordinal) = touch.what else { continue };
            let Some(of) = at(&self.all, touch.deployment) else { continue };
            let log = block.log(touch.tx, ordinal);
            let does = EVENTS.iter().find(|(topic, _)| Some(*topic) == log.topic0());
            if let Some((_, does)) = does {
                self.event(block, of, (touch.tx, ordinal), *does, memory, report);
            }
        }
        // The supply of this block is what the next mints are held against.
        for of in self.schedule.due(block.bundle.header.number) {
            match block.read_words(of.dependency.address, &TOTAL_SUPPLY, 1) {
                Ok(words) => {
                    let supply = Supply { total: words[0] };
                    if memory.get::<Supply>(&self.key(of)) != Some(&supply) {
                        *memory.entry(self.key(of), || supply.clone()) = supply.clone();
                    }
                }
                Err(reason) => report.blind(BlindReason::ReadMissing(reason)),
            }
        }
    }
}

impl Configured {
    fn key(&self, of: &Watched) -> Key {
        Key::new(Kind::Supply).monitor(&self.site.key).address(of.dependency.address)
    }

    fn event(
        &self,
        block: &Block<'_>,
        of: &Watched,
        (tx, ordinal): (u32, u32),
        does: Does,
        memory: &StateTable,
        report: &mut Report<'_>,
    ) {
        let log = block.log(tx, ordinal);
        let label = &of.dependency.label;
        let severity = self.site.severity;
        let stake = || money(block, of, memory);
        let (title, severity, account) = match does {
            Does::Stop => (format!("{label} was paused{}", stake()), severity, None),
            Does::Resume => (format!("{label} is no longer paused"), milder(severity, 2), None),
            Does::Freeze | Does::Release | Does::Seize => {
                let Some(account) = first_address(log) else {
                    let reason = format!("an event of {label} names no address");
                    return report.blind(BlindReason::Undecodable(reason));
                };
                // Others whom the token freezes are none of our business.
                let is_ours = of.dependents.contains(&account)
                    || block
                        .guarded(&account)
                        .is_some_and(|(at, _)| !block.registry.is_outside(at));
                if !is_ours {
                    return;
                }
                let name = block.name_of(account);
                let (title, severity) = match does {
                    Does::Freeze => {
                        (format!("{label} froze {name}{}", stake()), worse(severity, 1))
                    }
                    Does::Seize => (
                        format!("{label} destroyed what {name} held{}", stake()),
                        worse(severity, 1),
                    ),
                    _ => (format!("{label} released {name}"), milder(severity, 2)),
                };
                (title, severity, Some(account))
            }
            Does::Charge => {
                let rate = word(log, 0);
                if rate.is_zero() {
                    (format!("{label} no longer takes a fee"), milder(severity, 2), None)
                } else {
                    (
                        format!("{label} takes a fee of {rate} basis points{}", stake()),
                        severity,
                        None,
                    )
                }
            }
            Does::Mint | Does::Issue => {
                return self.mint(block, of, (tx, ordinal), does, memory, report);
            }
        };
        let event = FactValue::Text(format!("{does:?}").to_lowercase());
        let mut claim = Claim::about_log(block, tx, ordinal, title)
            .severity(severity)
            .fact("what the token does", event);
        if let Some(account) = account {
            claim = claim.fact("account", block.address_fact(account));
        }
        report.claim(with_stake(claim, block, of, memory));
    }

    fn mint(
        &self,
        block: &Block<'_>,
        of: &Watched,
        (tx, ordinal): (u32, u32),
        does: Does,
        memory: &StateTable,
        report: &mut Report<'_>,
    ) {
        let log = block.log(tx, ordinal);
        let to = match (does, log.topics[..].get(1), log.topics.get(2)) {
            (Does::Issue, _, _) => None,
            // An ordinary transfer.
            (_, Some(from), _) if !from.is_zero() => return,
            (_, Some(_), Some(to)) => Some(Address::from_word(*to)),
            _ => return,
        };
        let amount = word(log, 0);
        let label = &of.dependency.label;
        let Some(supply) = memory.get::<Supply>(&self.key(of)).map(|supply| supply.total) else {
            return report.blind(BlindReason::WarmingUp { seen: 0, needed: 1 });
        };
        let share = f64::from(amount) / f64::from(supply).max(1.0);
        if share <= self.mint_share {
            return;
        }
        let shown = match &of.dependency.token {
            Some(terms) => FactValue::Amount(TokenAmount {
                raw: amount,
                decimals: terms.decimals,
                symbol: terms.symbol.clone(),
            }),
            None => FactValue::Uint(amount),
        };
        let title = format!(
            "{shown} were made from nothing, {:.1} % of what there was{}",
            share * 100.0,
            money(block, of, memory)
        );
        let mut claim = Claim::about_log(block, tx, ordinal, title)
            .severity(self.site.severity)
            .measure(Measure {
                name: format!("share of the supply of {label}"),
                unit: String::new(),
                value: share,
                threshold: self.mint_share,
                history: None,
            })
            .fact("amount", shown);
        if let Some(to) = to {
            claim = claim.fact("to", block.address_fact(to));
        }
        report.claim(with_stake(claim, block, of, memory));
    }
}

/// The address that an event names first, indexed or not.
fn first_address(log: &Log) -> Option<Address> {
    let word = log.topics.get(1).copied().or_else(|| log.data.get(..32).map(B256::from_slice));
    word.and_then(registry::proxy::implementation_from_word)
}

/// A word of an event's data; zero where there is none.
fn word(log: &Log, at: usize) -> U256 {
    log.data.get(at * 32..(at + 1) * 32).map(U256::from_be_slice).unwrap_or_default()
}
