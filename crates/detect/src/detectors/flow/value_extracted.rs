//! Somebody ended richer at the cost of guarded contracts. The page is `value_extracted.md`.

use alloy_primitives::{Address, U256};
use model::{BlindReason, Confidence, FactValue, Level, Measure, Severity};
use registry::dependencies::{Price, TokenTerms, cents_of, usd};
use rustc_hash::FxHashMap;

use super::{
    fine::{Fine, with_path},
    scenes::{about, views},
};
use crate::{
    detectors::{
        Block, Claim, Detector, Judge, ParamKind, ParamSpec, Report, Settings, Site, Spec, Touch,
        Wants,
    },
    stakes::price_of,
    state::StateTable,
    trace::{Asset, Extraction, Path, View, Worth},
};

static SPEC: Spec = Spec {
    id: "flow/value_extracted",
    version: 1,
    needs: Level::Traces,
    severity: Severity::Medium,
    params: &[
        ParamSpec {
            name: "profit_usd",
            kind: ParamKind::Number { default: 10_000.0, min: 1.0, max: 1e12 },
            doc: "profit of the sender's side from which it is told",
        },
        ParamSpec {
            name: "native_as",
            kind: ParamKind::Words { default: &[] },
            doc: "label of the dependency that costs what the chain's own coin costs, such as its wrapped form",
        },
        super::fine::PARAM,
    ],
    page: include_str!("value_extracted.md"),
};

/// Digits of the chain's own coin after the point.
const NATIVE_DECIMALS: u8 = 18;

/// See the page.
#[derive(Debug)]
pub struct ValueExtracted;

impl Detector for ValueExtracted {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn watches_children(&self) -> bool {
        true
    }

    fn configure(&self, settings: &Settings, site: Site) -> Box<dyn Judge> {
        let book = site.registry.dependencies();
        let here = book.all().iter().filter(|one| one.network == site.network);
        let tokens = here
            .filter_map(|one| Some((one.address, one.token.clone()?)))
            .filter(|(_, terms)| terms.price.is_some() || terms.priced_by.is_some())
            .collect();
        let native_as = settings.words("native_as");
        let native = book.all().iter().find(|one| {
            one.network == site.network && native_as.iter().any(|label| label == one.label.as_str())
        });
        Box::new(Configured {
            profit_cents: U256::from((settings.number("profit_usd") * 100.0) as u128),
            native: native.and_then(|one| one.token.clone()),
            tokens,
            fine: Fine::of(settings),
            site,
        })
    }
}

struct Configured {
    site: Site,
    profit_cents: U256,
    /// Tokens with a price, by their contract.
    tokens: FxHashMap<Address, TokenTerms>,
    /// What the chain's own coin is priced as.
    native: Option<TokenTerms>,
    fine: Fine,
}

impl Judge for Configured {
    fn wants(&self) -> Wants {
        Wants { transactions: true, stakes: true, ..Wants::default() }
    }

    fn judge(
        &self,
        block: &Block<'_>,
        touches: &[Touch],
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        if touches.is_empty() {
            return;
        }
        if self.tokens.is_empty() && self.native.is_none() {
            let reason = "no token with a price is declared in dependencies/".to_owned();
            report.blind(BlindReason::Evaluation(reason));
            return;
        }
        for (tx, view) in views(block, &self.site, touches) {
            let Some(extraction) = Extraction::of(&view) else { continue };
            let worth = match self.worth(&extraction, memory) {
                Ok(worth) => worth,
                Err(reason) => {
                    report.blind(BlindReason::ReadMissing(reason));
                    continue;
                }
            };
            let path = view.path();
            let is_fine = path.is_some_and(|path| self.fine.holds(path, block.at));
            if worth.is_extracted(self.profit_cents) && !is_fine {
                self.tell(block, tx, &view, (&extraction, &worth), path, report);
            }
        }
    }
}

impl Configured {
    /// Puts it in money; the reason when a token that has a price was not priced yet.
    fn worth(&self, extraction: &Extraction, memory: &StateTable) -> Result<Worth, String> {
        let mut prices: FxHashMap<Asset, (Price, u8)> = FxHashMap::default();
        for (asset, _) in extraction.theirs.iter().chain(&extraction.ours) {
            let terms = match asset {
                Asset::Native => self.native.as_ref().map(|terms| (terms, NATIVE_DECIMALS)),
                Asset::Token(token) => self.tokens.get(token).map(|terms| (terms, terms.decimals)),
            };
            let Some((terms, decimals)) = terms else { continue };
            let price = price_of(terms, &self.site.registry, memory);
            let price =
                price.ok_or_else(|| format!("the price of {} is not known", terms.symbol))?;
            prices.insert(*asset, (price, decimals));
        }
        Ok(extraction.worth(|asset, amount| {
            let (price, decimals) = prices.get(&asset)?;
            Some(cents_of(amount, *decimals, *price))
        }))
    }

    fn tell(
        &self,
        block: &Block<'_>,
        tx: u32,
        view: &View<'_, '_>,
        (extraction, worth): (&Extraction, &Worth),
        path: Option<&Path>,
        report: &mut Report<'_>,
    ) {
        let entry = view.entries.first().copied().unwrap_or_default();
        let contract = about(view, entry);
        let name = contract.map_or("guarded contracts".to_owned(), |of| block.name_of(of));
        let (profit, loss) = (usd(worth.profit_cents), usd(worth.loss_cents));
        let title = format!("{name} lost {loss} while the sender's side became richer by {profit}");
        let dollars = |cents: U256| f64::from(cents) / 100.0;
        let mut claim = Claim::about_frame(block, tx, entry as u32, title)
            .severity(self.site.severity)
            .confidence(Confidence::Heuristic)
            .measure(Measure {
                name: "profit of the sender's side".to_owned(),
                unit: "USD".to_owned(),
                value: dollars(worth.profit_cents),
                threshold: dollars(self.profit_cents),
                history: None,
            })
            .fact("profit", FactValue::Amount(profit))
            .fact("loss of guarded contracts", FactValue::Amount(loss))
            .fact("transaction sender", block.address_fact(block.tx(tx).from));
        let gained = extraction.theirs.iter().filter(|(_, net)| !net.gain().is_zero());
        for (at, (asset, net)) in gained.enumerate() {
            claim = match asset {
                Asset::Native => {
                    claim.fact("gained", FactValue::Amount(model::TokenAmount::ether(net.gain())))
                }
                Asset::Token(token) => {
                    claim.fact(format!("gained token {}", at + 1), block.address_fact(*token)).fact(
                        format!("amount of token {}", at + 1),
                        block.token_fact(*token, net.gain()),
                    )
                }
            };
        }
        claim = with_path(claim, path);
        if let Some(contract) = contract {
            claim = claim.about(block, contract);
        }
        report.claim(claim);
    }
}
