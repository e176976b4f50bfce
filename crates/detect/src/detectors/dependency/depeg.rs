//! A token that should cost so much costs something else. The page is `depeg.md`.

use std::num::NonZeroU32;

use alloy_primitives::U256;
use model::{
    BlindReason, FactValue, Level, Measure, PlannedRead, ReadRequest, Severity, UnixSeconds,
};
use registry::dependencies::{Price, Reading};
use serde::{Deserialize, Serialize};

use super::watched::{self, Watched, every_blocks, money, with_stake};
use crate::{
    detectors::{
        Block, Claim, Detector, Judge, ParamKind, ParamSpec, Report, Settings, Site, Spec, Touch,
        Wants, worse,
    },
    stakes::Schedule,
    state::{Key, Kind, StateTable},
    thresholds::ln,
};

static SPEC: Spec = Spec {
    id: "dependency/depeg",
    version: 1,
    needs: Level::Logs,
    severity: Severity::Medium,
    params: &[
        ParamSpec {
            name: "notify_share",
            kind: ParamKind::Number { default: 0.005, min: 0.0001, max: 1.0 },
            doc: "deviation |ln(price / peg)| that is told when it lasts",
        },
        ParamSpec {
            name: "notify_after_s",
            kind: ParamKind::Integer { default: 600, min: 0, max: 86_400 },
            doc: "how long it has to last",
        },
        ParamSpec {
            name: "page_share",
            kind: ParamKind::Number { default: 0.02, min: 0.0001, max: 1.0 },
            doc: "deviation that pages at once",
        },
        ParamSpec {
            name: "every_blocks",
            kind: ParamKind::Integer { default: 5, min: 1, max: 7_200 },
            doc: "how often the price is read: once in so many blocks",
        },
    ],
    page: include_str!("depeg.md"),
};

/// See the page.
#[derive(Debug)]
pub struct Depeg;

impl Detector for Depeg {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn watches_dependencies(&self) -> bool {
        true
    }

    fn configure(&self, settings: &Settings, site: Site) -> Box<dyn Judge> {
        let every = every_blocks(settings);
        let pegged: Vec<Pegged> = watched::watched(&site)
            .into_iter()
            .filter_map(|of| {
                let terms = of.dependency.token.clone()?;
                let price = site.registry.dependencies().price_reading(&terms)?;
                let peg = terms.peg.filter(|peg| !peg.0.is_zero())?;
                Some(Pegged { of, peg, price })
            })
            .collect();
        let reads = pegged.iter().cloned().map(|one| (one.price.request().every(every), one));
        let schedule = Schedule::new(every, reads.collect::<Vec<_>>());
        Box::new(Configured {
            notify_share: settings.number("notify_share"),
            notify_after_s: settings.integer("notify_after_s"),
            page_share: settings.number("page_share"),
            pegged,
            every,
            schedule,
            site,
        })
    }
}

/// A token with what it should cost and who says what it costs.
#[derive(Debug, Clone)]
struct Pegged {
    of: Watched,
    peg: Price,
    price: Reading,
}

struct Configured {
    site: Site,
    pegged: Vec<Pegged>,
    every: NonZeroU32,
    schedule: Schedule<Pegged>,
    notify_share: f64,
    notify_after_s: u64,
    page_share: f64,
}

/// Since when a token is off its peg, and what was told of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OffPeg {
    since: UnixSeconds,
    is_notified: bool,
    is_paged: bool,
}

impl Judge for Configured {
    fn wants(&self) -> Wants {
        Wants { every_block: true, remembers: true, stakes: true, ..Wants::default() }
    }

    fn reads(&self) -> Vec<PlannedRead> {
        watched::planned(self.pegged.iter().map(|one| one.price.request()), self.every)
    }

    fn judge(
        &self,
        block: &Block<'_>,
        _: &[Touch],
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        for one in self.schedule.due(block.bundle.header.number) {
            match price(block, &one.price) {
                Ok(price) => self.costs(block, one, price, memory, report),
                Err(reason) => report.blind(BlindReason::ReadMissing(reason)),
            }
        }
    }
}

fn price(block: &Block<'_>, reading: &Reading) -> Result<Price, String> {
    let ReadRequest::Call { to, input } = reading.request() else {
        return Err("a price is read by a call".to_owned());
    };
    // Says why, when there is no answer of the right length.
    block.read_words(to, &input, 2)?;
    let answer = match block.answer(&reading.request()) {
        Some(Ok(answer)) => reading.value(answer),
        _ => None,
    };
    answer.filter(|price| *price > U256::ZERO).map(Price).ok_or(format!("{to} answered no price"))
}

impl Configured {
    fn costs(
        &self,
        block: &Block<'_>,
        one: &Pegged,
        price: Price,
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        let of = &one.of;
        let key = Key::new(Kind::OffPeg).monitor(&self.site.key).address(of.dependency.address);
        let deviation = ln(price.to_f64() / one.peg.to_f64()).abs();
        if deviation <= self.notify_share.min(self.page_share) {
            if memory.get::<OffPeg>(&key).is_some() {
                memory.remove(&key);
            }
            return;
        }
        let fresh = || OffPeg { since: block.at, ..OffPeg::default() };
        let mut known = memory.entry(key, fresh).clone();
        let lasts_s = block.at.seconds_since(known.since);
        let is_page = deviation > self.page_share && !known.is_paged;
        let is_notice = deviation > self.notify_share
            && lasts_s >= self.notify_after_s
            && !known.is_notified
            && !known.is_paged;
        if !is_page && !is_notice {
            return;
        }
        // A page says all that the notice would.
        (known.is_paged, known.is_notified) = (known.is_paged || is_page, true);
        let since = known.since;
        *memory.entry(key, fresh) = known;
        let symbol = of.dependency.token.as_ref().map_or("it", |token| &token.symbol);
        let for_how_long = match lasts_s {
            0 => String::new(),
            lasts_s => format!(" for {}", FactValue::Seconds(lasts_s)),
        };
        let title = format!(
            "{symbol} costs {:.4} USD instead of {:.4}{for_how_long}{}",
            price.to_f64(),
            one.peg.to_f64(),
            money(block, of, memory)
        );
        let (what, severity, limit) = match is_page {
            true => ("page", worse(self.site.severity, 2), self.page_share),
            false => ("notice", self.site.severity, self.notify_share),
        };
        let entity = format!("peg of {}", of.dependency.address);
        let claim = Claim::about_episode(block, entity, since, title)
            .what(what)
            .severity(severity)
            .measure(Measure {
                name: "deviation |ln(price / peg)|".to_owned(),
                unit: String::new(),
                value: deviation,
                threshold: limit,
                history: None,
            })
            .fact("price", FactValue::Number { value: price.to_f64(), unit: "USD".to_owned() })
            .fact("off its peg for", FactValue::Seconds(lasts_s));
        report.claim(with_stake(claim, block, of, memory));
    }
}
