//! A transaction took a path through the contracts that none took before. The page is
//! `unusual_code_path.md`.

use std::num::NonZeroU32;

use model::{
    BlindReason, Confidence, FactValue, Level, Measure, PlannedRead, ReadRequest, Severity,
};
use registry::risk::{self, RiskKind};

use super::{
    fine::{Fine, with_path},
    running_code::{self, CodeOnPath},
    scenes::{about, views},
    standing::{Bar, CALLERS_MAX, Standing, Use, Watch},
    vocabulary::{PATHS_MAX, PathSeen, Seeds, Vocabulary},
};
use crate::{
    detectors::{
        Block, Claim, Detector, Judge, ParamKind, ParamSpec, Report, Settings, Site, Spec, Touch,
        Wants, milder,
    },
    origins,
    state::{Key, Kind, StateTable},
    trace::{Assessment, Fingerprint, NOTIFY_SCORE_MIN, Path, View, weigh},
    windows::{Function, function_label},
};

/// Its version is not raised when it tells more: what it learned would be lost with the old one.
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
        ParamSpec {
            name: "usual_callers_min",
            kind: ParamKind::Integer { default: 5, min: 0, max: CALLERS_MAX as u64 },
            doc: "different callers, each known for 30 days, that make a new path usual within not less than a week; 0 leaves that to people",
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

/// How often the hashes of the guarded contracts' codes are read: every six minutes of mainnet. What
/// an upgrade of a proxy puts in place is in the calls themselves.
const CODE_EVERY_BLOCKS: NonZeroU32 = NonZeroU32::new(30).expect("thirty is not zero");

/// A caller younger than this makes a new path an emergency.
const YOUNG_S: u64 = 86_400;

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
            usual_callers_min: settings.integer("usual_callers_min") as usize,
            fine: Fine::of(settings),
            seeds: Seeds::of(settings.words("seed_paths"), site.registry.path_salt()),
            site,
        })
    }
}

struct Configured {
    site: Site,
    transactions_min: u64,
    unseen_share_max: f64,
    usual_callers_min: usize,
    fine: Fine,
    seeds: Seeds,
}

/// A transaction with the path that it took.
struct Taken<'t, 'a, 'b> {
    tx: u32,
    view: &'t View<'a, 'b>,
    path: &'t Path,
    code: &'t CodeOnPath,
    under: Fingerprint,
}

/// Why somebody is told of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum News {
    /// Nobody took it before.
    Never,
    /// It is not usual yet, and this caller takes it for the first time.
    NotUsual,
    /// It is usual, but other code runs on it, and it has the shape of an attack.
    OtherCode,
}

impl Judge for Configured {
    fn wants(&self) -> Wants {
        Wants { transactions: true, origins: true, remembers: true, ..Wants::default() }
    }

    fn reads(&self) -> Vec<PlannedRead> {
        let hash = |(_, deployment): (u32, &registry::Deployment)| {
            ReadRequest::CodeHash(deployment.address).every(CODE_EVERY_BLOCKS)
        };
        self.site.deployments().map(hash).collect()
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
        let salt = block.registry.path_salt();
        for (tx, view) in views(block, &self.site, touches) {
            let Some(path) = view.path() else { continue };
            let code = running_code::note(&view, &self.site.key, memory);
            let under = path.under(&code.bytes, salt);
            let taken = Taken { tx, view: &view, path, code: &code, under };
            let known = match memory.get::<Vocabulary>(&census) {
                Some(known) => known.clone().under(salt, &self.seeds),
                None => self.seeds.census(),
            };
            let place =
                Key::new(Kind::PathSeen).monitor(&self.site.key).with(&path.exact.0.to_be_bytes());
            let seeded = || match self.seeds.times(path.exact) {
                0 => None,
                times => Some(PathSeen::usual(times, block.at)),
            };
            let seen = memory.get::<PathSeen>(&place).cloned().or_else(seeded);
            let before = seen.as_ref().map_or(0, |seen| seen.count);
            let is_mature = known.is_mature(self.transactions_min, self.unseen_share_max);
            if !is_mature {
                report.blind(self.learning(&known));
            }
            let Some(seen) = seen.or_else(|| self.first(block, &known, is_mature)) else {
                let reason =
                    format!("more than {PATHS_MAX} different paths: new ones are not learned");
                report.blind(BlindReason::Evaluation(reason));
                self.tell(block, &taken, (News::Never, None), &known, memory, report);
                continue;
            };
            let seen =
                self.take(block, &taken, (seen, before), (&known, is_mature), memory, report);
            *memory.entry(place, || PathSeen::usual(0, block.at)) = seen;
            let mut known = known;
            known.count(before, !code.replaced.is_empty());
            *memory.entry(census, Vocabulary::default) = known;
        }
    }
}

impl Configured {
    /// How far learning is.
    fn learning(&self, known: &Vocabulary) -> BlindReason {
        let (seen, needed) = (known.transactions, self.transactions_min);
        if known.is_anew() && seen < needed {
            let why = "the salt of fingerprints is another";
            return BlindReason::Evaluation(format!(
                "{why}, and paths are learned anew: {seen} of {needed} transactions"
            ));
        }
        if seen < needed {
            return BlindReason::WarmingUp { seen, needed };
        }
        BlindReason::Evaluation(format!(
            "{:.1} % of {seen} transactions took a path of their own; new ones are told of below {:.1} %",
            known.unseen_share() * 100.0,
            self.unseen_share_max * 100.0
        ))
    }

    /// What a path begins with; `None` when there are too many.
    fn first(&self, block: &Block<'_>, known: &Vocabulary, is_mature: bool) -> Option<PathSeen> {
        let standing = match is_mature {
            true => Standing::Watched(Watch::default()),
            false => Standing::Usual,
        };
        (known.paths < PATHS_MAX).then(|| PathSeen { standing, ..PathSeen::usual(0, block.at) })
    }

    /// Takes one use of a path in, and tells of it where it is news.
    fn take(
        &self,
        block: &Block<'_>,
        taken: &Taken<'_, '_, '_>,
        (mut seen, before): (PathSeen, u32),
        (known, is_mature): (&Vocabulary, bool),
        memory: &StateTable,
        report: &mut Report<'_>,
    ) -> PathSeen {
        let view = taken.view;
        let is_replaced = !taken.code.replaced.is_empty();
        seen.count(taken.under, is_replaced);
        let mut news = None;
        if let Standing::Watched(watch) = &mut seen.standing {
            let caller = block.tx(taken.tx).from;
            let known_since = origins::of(memory, caller).map_or(block.at, |known| known.first_at);
            let bar = Bar::of(view, changes_power(block, taken.tx));
            let is_first = watch.take(Use { caller, known_since, bar });
            news = match (before, is_first) {
                (0, _) => Some(News::Never),
                (_, true) => Some(News::NotUsual),
                (_, false) => has_shape(&weigh(view.found().to_vec())).then_some(News::NotUsual),
            };
        } else if is_mature && (is_replaced || known.has_closer_look()) {
            news = has_shape(&weigh(view.found().to_vec())).then_some(News::OtherCode);
        }
        let is_fine = || self.fine.holds(taken.path, block.at);
        if let Some(news) = news.filter(|_| is_mature && !is_fine()) {
            self.tell(block, taken, (news, Some(&seen)), known, memory, report);
        }
        let became_usual = match &seen.standing {
            Standing::Watched(watch) => {
                watch.is_usual(seen.first, block.at, self.usual_callers_min)
            }
            Standing::Usual => false,
        };
        if became_usual {
            self.tell_usual(block, taken, &seen, report);
            seen.standing = Standing::Usual;
        }
        seen
    }

    fn tell(
        &self,
        block: &Block<'_>,
        taken: &Taken<'_, '_, '_>,
        (news, seen): (News, Option<&PathSeen>),
        known: &Vocabulary,
        memory: &StateTable,
        report: &mut Report<'_>,
    ) {
        let Taken { tx, view, path, code, under } = *taken;
        let Some(&entry) = view.entries.first() else { return };
        let entered = entered(block, view);
        let assessment = weigh(view.found().to_vec());
        let has_shape = has_shape(&assessment);
        let sender = block.tx(tx).from;
        let age_s = origins::of(memory, sender).map(|it| block.at.seconds_since(it.first_at));
        let is_young = age_s.is_some_and(|age_s| age_s < YOUNG_S)
            && origins::since(memory).is_some_and(|since| block.at.seconds_since(since) >= YOUNG_S);
        let has_other_code = !code.replaced.is_empty() || known.has_closer_look();
        // A new path is news; with the shape of an attack it is an emergency.
        let severity = match (has_shape, is_young || has_other_code) {
            (true, _) => self.site.severity,
            (false, true) => milder(self.site.severity, 1),
            (false, false) => milder(self.site.severity, 3),
        };
        let first = entered.first().cloned().unwrap_or_else(|| "guarded contracts".to_owned());
        let what = match news {
            News::Never => format!("a path through {first} that no transaction took before"),
            News::NotUsual => format!("a path through {first} that is not usual yet"),
            News::OtherCode => format!("a known path through {first}, on which other code runs"),
        };
        let mut title = what;
        if is_young {
            title += ", by an account that is not a day old";
        }
        if has_shape {
            title += ", and it has the shape of an attack";
        }
        let measure = Measure {
            name: "transactions that took this path before".to_owned(),
            unit: String::new(),
            value: seen.map_or(0.0, |seen| f64::from(seen.count.saturating_sub(1))),
            threshold: 1.0,
            history: None,
        };
        let mut claim = Claim::about_frame(block, tx, entry as u32, title)
            .severity(severity)
            .confidence(Confidence::Heuristic)
            .measure(measure)
            .fact("entered", FactValue::Text(entered.join(", ")))
            .fact("transactions learned", count(known.transactions as f64))
            .fact("share expected on new paths", count(known.unseen_share()))
            .fact("paths known", count(f64::from(known.paths)))
            .fact("transaction sender", block.address_fact(sender));
        if let Some(age_s) = age_s {
            claim = claim.fact("sender known for", FactValue::Seconds(age_s));
        }
        if let Some(seen) = seen.filter(|seen| news != News::Never || seen.count > 1) {
            claim = claim.fact("transactions under this code", count(f64::from(seen.under_code)));
        }
        if let Some(Standing::Watched(watch)) = seen.map(|seen| &seen.standing)
            && let Some(bar) = watch.barred()
        {
            let why = format!("never by itself: {}", bar.as_str());
            claim = claim.fact("becomes usual", FactValue::Text(why));
        }
        for contract in &code.replaced {
            claim = claim.fact("other code than before", block.address_fact(*contract));
        }
        for line in assessment.contributions.iter().filter(|line| line.weight > 0.0) {
            let sign = format!("{} +{:.1}", line.found.signal.as_str(), line.weight);
            claim = claim.fact(sign, FactValue::Text(line.found.what.clone()));
        }
        claim = claim.fact("path under its code", FactValue::Text(under.to_string()));
        claim = with_path(claim, Some(path));
        if let Some(contract) = about(view, entry) {
            claim = claim.about(block, contract);
        }
        report.claim(claim);
    }

    /// Nobody is told of a path any more: that is news as well.
    fn tell_usual(
        &self,
        block: &Block<'_>,
        taken: &Taken<'_, '_, '_>,
        seen: &PathSeen,
        report: &mut Report<'_>,
    ) {
        let Some(&entry) = taken.view.entries.first() else { return };
        let Standing::Watched(watch) = &seen.standing else { return };
        let entered = entered(block, taken.view);
        let first = entered.first().cloned().unwrap_or_else(|| "guarded contracts".to_owned());
        let callers = watch.seasoned(block.at);
        let days = block.at.seconds_since(seen.first) / 86_400;
        let title = format!(
            "a path through {first} is usual from now on: {callers} callers known for 30 days took it within {days} days, and nothing was lost"
        );
        let mut claim = Claim::about_frame(block, taken.tx, entry as u32, title)
            .what("usual")
            .severity(Severity::Info)
            .confidence(Confidence::Heuristic)
            .fact("entered", FactValue::Text(entered.join(", ")))
            .fact("transactions that took it", count(f64::from(seen.count)))
            .fact("path", FactValue::Text(taken.path.exact.to_string()));
        if let Some(contract) = about(taken.view, entry) {
            claim = claim.about(block, contract);
        }
        report.claim(claim);
    }
}

fn count(value: f64) -> FactValue {
    FactValue::Number { value, unit: String::new() }
}

fn has_shape(assessment: &Assessment) -> bool {
    assessment.score + 1e-9 >= NOTIFY_SCORE_MIN
}

/// Whether a guarded contract told of changed roles or parameters in a transaction.
fn changes_power(block: &Block<'_>, tx: u32) -> bool {
    let is_power = |log: &&model::Log| match risk::read(log) {
        Ok(Some(event)) => {
            matches!(event.kind, RiskKind::RoleChange(_) | RiskKind::ParameterUpdate(_))
        }
        Ok(None) => false,
        // What claims to be such an event and cannot be read is not held to be none.
        Err(_) => true,
    };
    let logs = block.tx(tx).logs.iter();
    logs.filter(|log| block.guarded(&log.address).is_some()).any(|log| is_power(&log))
}

/// The functions by which guarded contracts were entered, each once, in order.
fn entered(block: &Block<'_>, view: &View<'_, '_>) -> Vec<String> {
    let tree = view.tree();
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
    entered
}
