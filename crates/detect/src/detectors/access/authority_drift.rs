//! Who holds power is not what the policy says. The page is `authority_drift.md`.

mod asked; // what contracts are asked, to verify what their logs said
mod past; //  who held what before the first block that was judged
mod seen; //  what logs and calls of a block change
mod tell; //  what is new or worse, as findings

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU32,
    sync::Arc,
};

use alloy_primitives::Address;
use model::{BlindReason, Level, Name, PlannedRead, Severity, StateEntry};
use registry::{
    Registry,
    authority::{Change, History, Moment, Observed},
};

use self::asked::{Asked, asked, question_id};
use super::watched::{Drifts, Held, Told, Uses};
use crate::{
    detectors::{
        Block, Detector, Judge, ParamKind, ParamSpec, Report, Settings, Site, Spec, Touch, Wants,
        What,
    },
    monitors::{MonitorSpec, RuleSpec, version_of},
    state::{Key, Kind, MonitorKey, RestoreError, StateTable},
};

static SPEC: Spec = Spec {
    id: "access/authority_drift",
    version: 1,
    needs: Level::Logs,
    severity: Severity::High,
    params: &[
        ParamSpec {
            name: "verify_every_blocks",
            kind: ParamKind::Integer { default: 300, min: 1, max: 100_000 },
            doc: "each read that verifies what logs said is made once in so many blocks",
        },
        ParamSpec {
            name: "judge_every_s",
            kind: ParamKind::Integer { default: 3_600, min: 1, max: 86_400 },
            doc: "everything is held against the policy this often although nothing changed",
        },
    ],
    page: include_str!("authority_drift.md"),
};

/// See the page.
#[derive(Debug)]
pub struct AuthorityDrift;

impl Detector for AuthorityDrift {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn configure(&self, settings: &Settings, site: Site) -> Box<dyn Judge> {
        Box::new(Configured::new(settings, site))
    }
}

/// What a monitor of authority remembers: who holds what as of the newest block judged, and what is
/// needed to say how old a drift is.
#[derive(Debug, Clone)]
pub struct Remembered {
    /// Who holds what.
    pub observed: Observed,
    /// Since when drifts stand, and when power was used.
    pub history: History,
}

/// Kinds of state that [`remembered`] reads, as the bounds of their keys.
pub const REMEMBERED_KEYS: (&[u8], &[u8]) = (&[Kind::Held as u8], &[Kind::Drifts as u8 + 1]);

/// Reads what a monitor of authority remembers of a network, out of the rows of the store; `None`
/// when the monitor is of another kind or has not judged a block there.
///
/// # Errors
/// When a row cannot be read.
pub fn remembered(
    spec: &MonitorSpec,
    registry: &Arc<Registry>,
    network: &Name,
    at: Moment,
    entries: Vec<StateEntry>,
) -> Result<Option<Remembered>, RestoreError> {
    let RuleSpec::Detector { id, params } = &spec.rule else { return Ok(None) };
    let Some(settings) = Settings::check(SPEC.params, params).ok().filter(|_| *id == SPEC.id)
    else {
        return Ok(None);
    };
    let is_on = |d: &registry::Deployment| {
        d.network == *network && (spec.on.is_empty() || spec.on.contains(&d.label))
    };
    let all = registry.own().map(|(index, d)| (d, index));
    let site = Site {
        network: network.clone(),
        guarded: all.filter(|(d, _)| is_on(d)).map(|(_, index)| index).collect(),
        registry: registry.clone(),
        key: MonitorKey::of(&spec.name, version_of(spec.version, SPEC.version)),
        severity: spec.severity,
        children_of: Vec::new(),
    };
    let configured = Configured::new(&settings, site);
    let memory = StateTable::restore(network.clone(), entries, [])?;
    let key = Key::new(Kind::Drifts).monitor(&configured.key);
    let Some(began) = memory.get::<Drifts>(&key).map(|drifts| drifts.began) else {
        return Ok(None);
    };
    let (observed, history) = configured.observed(at, began, &memory);
    Ok(Some(Remembered { observed, history }))
}

impl Configured {
    fn new(settings: &Settings, site: Site) -> Self {
        let every = u32::try_from(settings.integer("verify_every_blocks")).unwrap_or(u32::MAX);
        let every = NonZeroU32::new(every).unwrap_or(NonZeroU32::MIN);
        let registry = site.registry.clone();
        let policy = registry.authority().policy.as_ref();
        let guarded = site.deployments().map(|(_, deployment)| deployment.address);
        let mut watched: BTreeSet<Address> = guarded.collect();
        let named = policy.map(|policy| policy.contracts(&site.network, &registry));
        let treasuries = policy.map(|policy| policy.treasuries(&site.network)).unwrap_or_default();
        watched.extend(named.into_iter().flatten());
        watched.extend(&treasuries);
        let asked = asked(&registry, &site.network, &watched, &treasuries);
        let asked = asked.into_iter().map(|question| Asked {
            id: question_id(&question.request),
            read: question.request.clone().every(every),
            question,
        });
        Self {
            severity: site.severity,
            key: site.key,
            network: site.network,
            asked: asked.collect(),
            registry,
            watched,
            treasuries,
            judge_every_s: settings.integer("judge_every_s"),
        }
    }
}

struct Configured {
    severity: Severity,
    key: MonitorKey,
    network: Name,
    registry: Arc<Registry>,
    /// Contracts whose holders are watched: guarded ones and those that the policy names.
    watched: BTreeSet<Address>,
    treasuries: BTreeSet<Address>,
    asked: Vec<Asked>,
    judge_every_s: u64,
}

impl Judge for Configured {
    fn wants(&self) -> Wants {
        Wants {
            topics: Change::topics(),
            calls: true,
            every_block: true,
            remembers: true,
            ..Wants::default()
        }
    }

    fn reads(&self) -> Vec<PlannedRead> {
        self.asked.iter().map(|asked| asked.read.clone()).collect()
    }

    fn judge(
        &self,
        block: &Block<'_>,
        touches: &[Touch],
        memory: &mut StateTable,
        report: &mut Report<'_>,
    ) {
        if self.registry.authority().policy.is_none() {
            let reason = "there is no policy.toml to hold authority against".to_owned();
            return report.blind(BlindReason::Evaluation(reason));
        }
        let mut is_changed = self.begin(block, memory, report);
        let mut sources = BTreeMap::new();
        for touch in touches {
            match touch.what {
                What::Log(ordinal) => {
                    is_changed |=
                        self.fold(block, (touch.tx, ordinal), memory, &mut sources, report);
                }
                What::Frame(frame) => self.note_use(block, touch, frame, memory),
                What::Transaction | What::Transfer(_) => {}
            }
        }
        is_changed |= self.verify(block, memory, report);
        let drifts = Key::new(Kind::Drifts).monitor(&self.key);
        let is_due = memory.get::<Drifts>(&drifts).is_none_or(|d| block.at >= d.next_at);
        if is_changed || is_due {
            self.compare(block, &sources, memory, report);
        }
    }
}
