//! What must be watched, what was, and what is missing.

use axum::{extract::State, response::Html};
use model::{HoleCause, Name};
use registry::coverage::{CellState, DeploymentScore};
use serde::Serialize;
use store::{Forgotten, Record};

use super::{
    Site,
    layout::{self, Failure, When},
};
use crate::{
    chart::{Palette, StripRow, strip},
    coverage::{Missing, NetworkAccount, Remedy},
    snapshot::NetworkHealth,
    words,
};

/// Deployments and monitors of the matrix; the API has the rest.
const DEPLOYMENTS_SHOWN_MAX: usize = 60;
const MONITORS_SHOWN_MAX: usize = 24;

/// Cells without a monitor, and holes, that are listed; the API has the rest.
const UNWATCHED_SHOWN_MAX: usize = 40;
const MISSING_SHOWN_MAX: usize = 100;

/// Monitors drawn as strips: those with holes first.
const STRIPS_SHOWN_MAX: usize = 30;

const STRIP_PX: u32 = 1_080;

#[derive(Serialize)]
struct Page {
    page: &'static str,
    value: Option<String>,
    cells: String,
    contracts: usize,
    holes: usize,
    networks: Vec<Network>,
}

#[derive(Serialize)]
struct Network {
    name: String,
    value: Option<String>,
    span: Option<String>,
    newest: Option<When>,
    monitors: Vec<String>,
    monitors_total: usize,
    rows: Vec<Row>,
    deployments_total: usize,
    missing: Vec<Hole>,
    missing_total: usize,
    unwatched: Vec<Unwatched>,
    unwatched_total: usize,
    closed: Vec<Closed>,
    forgotten: Vec<Gone>,
    /// Where the ledger begins to be read, when not at its beginning.
    read_from: Option<u64>,
    filling: Option<String>,
    strips: Option<String>,
}

/// One deployment of the matrix.
#[derive(Serialize)]
struct Row {
    label: String,
    value: Option<String>,
    state: &'static str,
    weight: String,
    is_weight_stated: bool,
    /// How many cells are how.
    watched: usize,
    cells: usize,
    /// Share of blocks by each monitor; `None` where it is not on the contract.
    shares: Vec<Option<Share>>,
}

#[derive(Serialize)]
struct Share {
    state: &'static str,
    text: String,
}

#[derive(Serialize)]
struct Hole {
    blocks: String,
    count: String,
    monitors: String,
    reason: String,
    endpoints: String,
    is_tried: bool,
    /// In words, where it is not just the command.
    remedy: Option<String>,
    /// The command, in parts that no line breaks.
    command: Option<Vec<String>>,
}

#[derive(Serialize)]
struct Unwatched {
    deployment: String,
    target: String,
    kind: &'static str,
    threat: &'static str,
}

#[derive(Serialize)]
struct Closed {
    blocks: String,
    reason: String,
    seen: When,
    closed: When,
}

/// What retention removed.
#[derive(Serialize)]
struct Gone {
    what: &'static str,
    removed: String,
    up_to: When,
    at: When,
}

/// `GET /coverage`.
pub(super) async fn page(State(site): State<Site>) -> Result<Html<String>, Failure> {
    let info = site.info();
    let account = site.account().await?;
    let health = site.health();
    let now = words::seconds(account.at);
    let network = |of: &NetworkAccount| {
        Network::new(of, health.iter().find(|h| h.name == of.plan.network), now)
    };
    let deployments = account.networks.iter().map(|of| of.score.deployments.len());
    let page = Page {
        page: "coverage",
        value: account.value.map(words::percent),
        cells: words::grouped(account.cells()),
        contracts: deployments.sum(),
        holes: account.holes(),
        networks: account.networks.iter().map(network).collect(),
    };
    layout::render(&site, &info, "coverage.html", page)
}

impl Network {
    fn new(
        account: &NetworkAccount,
        health: Option<&NetworkHealth>,
        now: model::UnixSeconds,
    ) -> Self {
        let roster = &account.plan.roster;
        let label = |score: &DeploymentScore| {
            roster.deployments[score.deployment as usize].label.to_string()
        };
        let scores = || account.score.deployments.iter();
        let shown = MONITORS_SHOWN_MAX.min(roster.monitors.len()) as u32;
        let weights = scores().filter(|s| s.value.is_some()).map(|s| s.weight).sum();
        let rows = scores().take(DEPLOYMENTS_SHOWN_MAX);
        let rows = rows.map(|s| Row::new(label(s), s, shown, weights));
        let unwatched = || {
            scores().flat_map(|score| {
                let none = score.cells.iter().filter(|c| c.state() == CellState::Unwatched);
                none.map(move |cell| {
                    let target = &score.targets[cell.target as usize];
                    (score, target, cell.threat.as_str())
                })
            })
        };
        let shown_unwatched = unwatched().take(UNWATCHED_SHOWN_MAX).map(|(of, target, threat)| {
            let (kind, target) = (target.kind.as_str(), target.name.clone());
            Unwatched { deployment: label(of), target, kind, threat }
        });
        let closed = account.closed.iter().filter_map(|record| {
            Some(Closed {
                blocks: record.hole.seen_as.to_string(),
                reason: record.hole.cause.to_string(),
                seen: When::new(words::seconds(record.hole.seen_at), now),
                closed: When::new(words::seconds(record.closed_at?), now),
            })
        });
        Self {
            name: account.plan.network.to_string(),
            value: account.score.value.map(words::percent),
            span: account.span.map(|span| format!("blocks {span}")),
            newest: account.newest_at.map(|at| When::new(at, now)),
            monitors: roster
                .monitors
                .iter()
                .take(MONITORS_SHOWN_MAX)
                .map(|monitor| monitor.name.to_string())
                .collect(),
            monitors_total: roster.monitors.len(),
            rows: rows.collect(),
            deployments_total: account.score.deployments.len(),
            missing: account.missing.iter().rev().take(MISSING_SHOWN_MAX).map(Hole::new).collect(),
            missing_total: account.missing.len(),
            unwatched: shown_unwatched.collect(),
            unwatched_total: unwatched().count(),
            closed: closed.collect(),
            forgotten: account
                .forgotten
                .iter()
                .map(|forgotten| Gone::new(forgotten, now))
                .collect(),
            read_from: Some(account.read_from).filter(|from| *from > 0),
            filling: health.and_then(filling),
            strips: strips(account),
        }
    }
}

fn filling(health: &NetworkHealth) -> Option<String> {
    let filling = &health.filling;
    if let Some(failure) = &filling.failure {
        return Some(format!("judging the past stopped and is tried again: {failure}"));
    }
    let range = filling.range?;
    let monitors = words::counted(filling.monitors as u64, "monitor");
    let done = match filling.done_up_to {
        Some(done) => {
            let blocks = done.saturating_sub(range.first).saturating_add(1);
            format!("{} of {} done", words::grouped(blocks), words::grouped(range.blocks()))
        }
        None => "begun".to_owned(),
    };
    Some(format!("blocks {range} are being judged by {monitors}: {done}"))
}

impl Row {
    fn new(label: String, score: &DeploymentScore, monitors: u32, weights: f64) -> Self {
        let count = |state| score.cells.iter().filter(|cell| cell.state() == state).count();
        let (watched, cells) = (count(CellState::Watched), score.cells.len());
        let share = |monitor: u32| {
            let (_, ledger) = score.monitors.iter().find(|(at, _)| *at == monitor)?;
            Some(match ledger.uptime() {
                None => Share { state: "unknown", text: "no block yet".to_owned() },
                Some(uptime) if uptime >= 1.0 => Share { state: "good", text: "100 %".to_owned() },
                Some(uptime) if ledger.judged.is_empty() => {
                    Share { state: "unknown", text: words::percent(uptime) }
                }
                // Almost all is not all.
                Some(uptime) => {
                    let text = words::percent((uptime * 1_000.0).floor() / 1_000.0);
                    Share { state: "medium", text }
                }
            })
        };
        let state = match score.value {
            None => "unknown",
            Some(_) if watched == cells => "good",
            Some(0.0) => "critical",
            Some(_) => "medium",
        };
        Self {
            label,
            value: score.value.map(words::percent),
            state,
            weight: words::percent(score.weight / weights),
            is_weight_stated: score.is_weight_stated,
            watched,
            cells,
            shares: (0..monitors).map(share).collect(),
        }
    }
}

impl Hole {
    fn new(missing: &Missing) -> Self {
        let join = |names: &[Name]| {
            let named: Vec<&str> = names.iter().take(5).map(Name::as_str).collect();
            match names.len().saturating_sub(named.len()) {
                0 => named.join(", "),
                more => format!("{} and {more} more", named.join(", ")),
            }
        };
        Self {
            blocks: missing.hole.range.to_string(),
            count: words::counted(missing.hole.range.blocks(), "block"),
            monitors: join(&missing.monitors),
            reason: missing.hole.cause.to_string(),
            endpoints: join(&missing.endpoints),
            is_tried: missing.hole.is_tried && matches!(missing.hole.cause, HoleCause::Blind(_)),
            remedy: match &missing.remedy {
                Remedy::Command(_) => None,
                remedy => Some(remedy.text()),
            },
            command: missing.remedy.command().map(unbroken),
        }
    }
}

impl Gone {
    fn new(forgotten: &Forgotten, now: model::UnixSeconds) -> Self {
        let what = match forgotten.what {
            Record::Events => "blocks of the event log",
            Record::Coverage => "rows of the ledger, one a block (who judged them stays)",
            Record::Findings => "findings",
            Record::Alerts => "alerts",
            Record::Decisions => "decisions about them",
            Record::Messages => "messages about them",
            Record::Samples => "points of charts",
            Record::ClosedHoles => "holes that were closed",
            Record::PagerInputs => "what the pager was told",
        };
        Self {
            what,
            removed: words::grouped(forgotten.removed),
            up_to: When::new(forgotten.up_to, now),
            at: When::new(words::seconds(forgotten.at), now),
        }
    }
}

/// A command in parts that must not be torn apart: each option with its value.
fn unbroken(command: &str) -> Vec<String> {
    let mut parts = command.split(" --");
    let first = parts.next().map(str::to_owned);
    first.into_iter().chain(parts.map(|option| format!("--{option}"))).collect()
}

/// Monitors as strips, those with the most missing first.
fn strips(account: &NetworkAccount) -> Option<String> {
    let span = account.span?;
    let mut of_monitor: Vec<(u64, StripRow)> = Vec::new();
    for (at, monitor) in (0u32..).zip(&account.plan.roster.monitors) {
        // One row a monitor: the deployment of which it missed the most.
        let ledgers = account.score.deployments.iter().flat_map(|score| &score.monitors);
        let missing = |ledger: &registry::coverage::MonitorLedger| {
            ledger.holes.iter().map(|hole| hole.range.blocks()).sum::<u64>()
        };
        let worst = ledgers.filter(|(of, _)| *of == at).max_by_key(|(_, l)| missing(l));
        let Some((_, ledger)) = worst else { continue };
        let judged = ledger.judged.iter().map(|range| (range.first, range.last, true));
        let holes = ledger.holes.iter().map(|hole| (hole.range.first, hole.range.last, false));
        let parts = judged.chain(holes).collect();
        of_monitor.push((missing(ledger), StripRow { label: monitor.name.to_string(), parts }));
    }
    of_monitor.sort_by_key(|(missing_blocks, _)| std::cmp::Reverse(*missing_blocks));
    of_monitor.truncate(STRIPS_SHOWN_MAX);
    let rows: Vec<StripRow> = of_monitor.into_iter().map(|(_, row)| row).collect();
    let firsts = rows.iter().flat_map(|row| row.parts.iter().map(|part| part.0));
    let first = firsts.min().unwrap_or(span.first);
    (!rows.is_empty()).then(|| strip(&rows, (first, span.last), STRIP_PX, Palette::Page))
}
