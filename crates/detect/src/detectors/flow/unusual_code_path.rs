//! A transaction took a path through the contracts that none took before. The page is
//! `unusual_code_path.md`.

use model::{BlindReason, Confidence, FactValue, Level, Measure, Severity};

use super::{
    fine::{Fine, with_path},
    scenes::{about, views},
    vocabulary::{PATHS_MAX, PathSeen, Seeds, Vocabulary},
};
use crate::{
    detectors::{
        Block, Claim, Detector, Judge, ParamKind, ParamSpec, Report, Settings, Site, Spec, Touch,
        Wants, milder,
    },
    state::{Key, Kind, StateTable},
    trace::{NOTIFY_SCORE_MIN, Path, View, weigh},
    windows::{Function, function_label},
};

static SPEC: Spec = Spec {
    id: "flow/unusual_code_path",
    version: 1,
    needs: Level::Traces,
    severity: Severity::Critical,
    params: &[
        ParamSpec {
            name: "transactions_min",
            kind: ParamKind::Integer { default: 200, min: 10, max: 1_000_000 },
            doc: "transactions that must be learned before a path can be called new",
        },
        ParamSpec {
            name: "unseen_share_max",
            kind: ParamKind::Number { default: 0.02, min: 0.0, max: 0.5 },
            doc: "largest share of transactions expected on new paths at which one is told of",
        },
        super::fine::PARAM,
        ParamSpec {
            name: "seed_paths",
            kind: ParamKind::Words { default: &[] },
            doc: "fingerprints of exact paths learned beforehand, each with ` xN` for how often; `bellwether path seed` writes them",
        },
    ],
    page: include_str!("unusual_code_path.md"),
};

/// See the page.
#[derive(Debug)]
pub struct UnusualCodePath;

impl Detector for UnusualCodePath {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn watches_children(&self) -> bool {
        true
    }

    fn configure(&self, settings: &Settings, site: Site) -> Box<dyn Judge> {
        Box::new(Configured {
            transactions_min: settings.integer("transactions_min"),
            unseen_share_max: settings.number("unseen_share_max"),
            fine: Fine::of(settings),
            seeds: Seeds::of(settings.words("seed_paths")),
            site,
        })
    }
}

struct Configured {
    site: Site,
    transactions_min: u64,
    unseen_share_max: f64,
    fine: Fine,
    seeds: Seeds,
}

impl Judge for Configured {
    fn wants(&self) -> Wants {
        Wants { transactions: true, remembers: true, ..Wants::default() }
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
        let census = Key::new(Kind::Vocabulary).monitor(&self.site.key);
        for (tx, view) in views(block, &self.site, touches) {
            let Some(path) = view.path() else { continue };
            let place =
                Key::new(Kind::PathSeen).monitor(&self.site.key).with(&path.exact.0.to_be_bytes());
            let before = memory.get::<PathSeen>(&place).map(|seen| seen.count);
            let before = before.unwrap_or_else(|| self.seeds.times(path.exact));
            let known = memory.get::<Vocabulary>(&census).copied();
            let known = known.unwrap_or_else(|| self.seeds.census());
            let is_new = before == 0 && !self.fine.holds(path, block.at);
            if is_new && known.is_mature(self.transactions_min, self.unseen_share_max) {
                self.tell(block, tx, &view, path, &known, report);
            }
            if before == 0 && known.paths >= PATHS_MAX {
                let reason =
                    format!("more than {PATHS_MAX} different paths: new ones are not learned");
                report.blind(BlindReason::Evaluation(reason));
                continue;
            }
            let at = block.at;
            let seen = memory.entry(place, || PathSeen { count: before, first: at });
            seen.count = seen.count.saturating_add(1);
            memory.entry(census, || self.seeds.census()).count(before);
        }
    }
}

impl Configured {
    fn tell(
        &self,
        block: &Block<'_>,
        tx: u32,
        view: &View<'_, '_>,
        path: &Path,
        known: &Vocabulary,
        report: &mut Report<'_>,
    ) {
        let tree = view.tree();
        let Some(&entry) = view.entries.first() else { return };
        let function = |at: usize| {
            let (_, deployment) = block.guarded(&tree.runs_as(at))?;
            let function = Function::of(&deployment.abi, &tree.frame(at).input);
            Some(format!("{}.{}", deployment.label, function_label(&deployment.abi, function)))
        };
        let mut entered: Vec<String> = Vec::new();
        for name in view.entries.iter().filter_map(|at| function(*at)) {
            if !entered.contains(&name) {
                entered.push(name);
            }
        }
        let assessment = weigh(view.found().to_vec());
        let has_shape = assessment.score + 1e-9 >= NOTIFY_SCORE_MIN;
        // A new path is news; with the shape of an attack it is an emergency.
        let severity = if has_shape { self.site.severity } else { milder(self.site.severity, 3) };
        let first = entered.first().cloned().unwrap_or_else(|| "guarded contracts".to_owned());
        let shape = if has_shape { ", and it has the shape of an attack" } else { "" };
        let title = format!("a path through {first} that no transaction took before{shape}");
        let measure = Measure {
            name: "transactions that took this path before".to_owned(),
            unit: String::new(),
            value: 0.0,
            threshold: 1.0,
            history: None,
        };
        let count = |value: f64| FactValue::Number { value, unit: String::new() };
        let mut claim = Claim::about_frame(block, tx, entry as u32, title)
            .severity(severity)
            .confidence(Confidence::Heuristic)
            .measure(measure)
            .fact("entered", FactValue::Text(entered.join(", ")))
            .fact("transactions learned", count(known.transactions as f64))
            .fact("share expected on new paths", count(known.unseen_share()))
            .fact("paths known", count(f64::from(known.paths)))
            .fact("transaction sender", block.address_fact(block.tx(tx).from));
        for line in assessment.contributions.iter().filter(|line| line.weight > 0.0) {
            let sign = format!("{} +{:.1}", line.found.signal.as_str(), line.weight);
            claim = claim.fact(sign, FactValue::Text(line.found.what.clone()));
        }
        claim = with_path(claim, Some(path));
        if let Some(contract) = about(view, entry) {
            claim = claim.about(block, contract);
        }
        report.claim(claim);
    }
}
