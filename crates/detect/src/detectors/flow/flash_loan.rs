//! Guarded contracts were called on borrowed money. The page is `flash_loan.md`.

use model::{Confidence, FactValue, Level, Severity};

use super::{
    fine::{Fine, with_path},
    scenes::{about, views},
};
use crate::{
    detectors::{
        Block, Claim, Detector, Judge, ParamKind, ParamSpec, Report, Settings, Site, Spec, Touch,
        Wants, milder,
    },
    state::StateTable,
    trace::{Asset, Borrowed, Path, Verdict, View},
};

static SPEC: Spec = Spec {
    id: "flow/flash_loan",
    version: 1,
    needs: Level::Traces,
    severity: Severity::Critical,
    params: &[
        ParamSpec {
            name: "tells_plain_loans",
            kind: ParamKind::Flag { default: true },
            doc: "whether a loan without any further sign is told, three steps milder",
        },
        super::fine::PARAM,
    ],
    page: include_str!("flash_loan.md"),
};

/// See the page.
#[derive(Debug)]
pub struct FlashLoan;

impl Detector for FlashLoan {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn watches_children(&self) -> bool {
        true
    }

    fn configure(&self, settings: &Settings, site: Site) -> Box<dyn Judge> {
        Box::new(Configured {
            tells_plain_loans: settings.flag("tells_plain_loans"),
            fine: Fine::of(settings),
            site,
        })
    }
}

struct Configured {
    site: Site,
    tells_plain_loans: bool,
    fine: Fine,
}

impl Judge for Configured {
    fn wants(&self) -> Wants {
        Wants { transactions: true, ..Wants::default() }
    }

    fn judge(
        &self,
        block: &Block<'_>,
        touches: &[Touch],
        _: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        if touches.is_empty() {
            return;
        }
        for (tx, view) in views(block, &self.site, touches) {
            let Some(borrowed) = Borrowed::of(&view, view.found()) else { continue };
            let is_alarm = borrowed.verdict() == Verdict::Page;
            let path = view.path();
            let is_fine = path.is_some_and(|path| self.fine.holds(path, block.at));
            if (is_alarm || self.tells_plain_loans) && !is_fine {
                self.tell(block, tx, &view, &borrowed, path, report);
            }
        }
    }
}

impl Configured {
    fn tell(
        &self,
        block: &Block<'_>,
        tx: u32,
        view: &View<'_, '_>,
        borrowed: &Borrowed,
        path: Option<&Path>,
        report: &mut Report<'_>,
    ) {
        let frame = borrowed.around.callback;
        let inside = view.tree().subtree(frame);
        let entry = view.entries.iter().copied().find(|at| inside.contains(at)).unwrap_or(frame);
        let contract = about(view, entry);
        let name = contract.map_or("a guarded contract".to_owned(), |of| block.name_of(of));
        let (ending, severity) = match borrowed.companions.first() {
            Some(first) => (format!(", and {}", first.what), self.site.severity),
            None => (String::new(), milder(self.site.severity, 3)),
        };
        let title = format!(
            "{name} was called on money borrowed from {} for this transaction{ending}",
            block.name_of(borrowed.around.lender)
        );
        let count = FactValue::Number { value: borrowed.loans.len() as f64, unit: String::new() };
        let mut claim = Claim::about_frame(block, tx, frame as u32, title)
            .severity(severity)
            .confidence(Confidence::Heuristic)
            .fact("lender", block.address_fact(borrowed.around.lender))
            .fact("loans", count);
        if let Some((asset, amount)) = borrowed.around.lent {
            claim = match asset {
                Asset::Native => {
                    claim.fact("borrowed", FactValue::Amount(model::TokenAmount::ether(amount)))
                }
                Asset::Token(token) => claim
                    .fact("borrowed", block.token_fact(token, amount))
                    .fact("token", block.address_fact(token)),
            };
        }
        for one in &borrowed.companions {
            claim = claim
                .fact(one.signal.as_str().replace('_', " "), FactValue::Text(one.what.clone()));
        }
        claim = claim.fact("transaction sender", block.address_fact(block.tx(tx).from));
        claim = with_path(claim, path);
        if let Some(contract) = contract {
            claim = claim.about(block, contract);
        }
        report.claim(claim);
    }
}
