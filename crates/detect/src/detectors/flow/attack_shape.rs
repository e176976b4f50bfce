//! A transaction has the shapes of an attack. The page is `attack_shape.md`.

use model::{Confidence, FactValue, Level, Measure, Severity};

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
    trace::{Assessment, NOTIFY_SCORE_MIN, PAGE_SCORE_MIN, Path, View, everyday_share, weigh},
};

static SPEC: Spec = Spec {
    id: "flow/attack_shape",
    version: 1,
    needs: Level::Traces,
    severity: Severity::Critical,
    params: &[
        ParamSpec {
            name: "page_score",
            kind: ParamKind::Number { default: PAGE_SCORE_MIN, min: 3.0, max: 30.0 },
            doc: "sum of weights from which the severity is the monitor's",
        },
        ParamSpec {
            name: "notify_score",
            kind: ParamKind::Number { default: NOTIFY_SCORE_MIN, min: 1.0, max: 30.0 },
            doc: "sum of weights from which a finding is made, two steps milder",
        },
        super::fine::PARAM,
    ],
    page: include_str!("attack_shape.md"),
};

/// See the page.
#[derive(Debug)]
pub struct AttackShape;

impl Detector for AttackShape {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn watches_children(&self) -> bool {
        true
    }

    fn configure(&self, settings: &Settings, site: Site) -> Box<dyn Judge> {
        Box::new(Configured {
            page_score: settings.number("page_score"),
            notify_score: settings.number("notify_score"),
            fine: Fine::of(settings),
            site,
        })
    }
}

struct Configured {
    site: Site,
    page_score: f64,
    notify_score: f64,
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
            let assessment = weigh(view.found().to_vec());
            // Sums of tenths must not miss a threshold by the last bit.
            if assessment.score + 1e-9 < self.notify_score {
                continue;
            }
            let path = view.path();
            if path.is_some_and(|path| self.fine.holds(path, block.at)) {
                continue;
            }
            self.tell(block, tx, &view, &assessment, path, report);
        }
    }
}

impl Configured {
    fn tell(
        &self,
        block: &Block<'_>,
        tx: u32,
        view: &View<'_, '_>,
        assessment: &Assessment,
        path: Option<&Path>,
        report: &mut Report<'_>,
    ) {
        let Some(heaviest) = assessment.contributions.first() else { return };
        let frame = heaviest.found.frame;
        let contract = about(view, frame);
        let name = contract.map_or("a guarded contract".to_owned(), |of| block.name_of(of));
        let is_page = assessment.score + 1e-9 >= self.page_score;
        let severity = if is_page { self.site.severity } else { milder(self.site.severity, 2) };
        let others = assessment.contributions.iter().filter(|line| line.weight > 0.0).count() - 1;
        let title = format!(
            "a transaction with {name} looks like an attack: {}{}",
            heaviest.found.what,
            match others {
                0 => String::new(),
                1 => ", and one more sign".to_owned(),
                _ => format!(", and {others} more signs"),
            }
        );
        let measure = Measure {
            name: "weight of the signs".to_owned(),
            value: assessment.score,
            threshold: if is_page { self.page_score } else { self.notify_score },
            unit: String::new(),
            history: None,
        };
        let mut claim = Claim::about_frame(block, tx, frame as u32, title)
            .severity(severity)
            .confidence(Confidence::Statistical { p: everyday_share(assessment.score) })
            .measure(measure);
        if let Some(contract) = contract {
            claim = claim.about(block, contract);
        }
        for line in assessment.contributions.iter().filter(|line| line.weight > 0.0) {
            let sign = line.found.signal.as_str().replace('_', " ");
            let sign = format!("{sign} +{:.1}", line.weight);
            claim = claim.fact(sign, FactValue::Text(line.found.what.clone()));
        }
        claim = claim.fact("transaction sender", block.address_fact(block.tx(tx).from));
        claim = with_path(claim, path);
        report.claim(claim);
    }
}
