//! How well it is watched, and what is missing.

use model::{Name, UnixSeconds};
use registry::coverage::CellState;
use serde::Serialize;

use super::super::layout::When;
use crate::{coverage::Remedy, dossier::Covered, words};

/// Cells without a gapless watch, and holes, that are shown; the API has all.
const OPEN_SHOWN_MAX: usize = 60;
const HOLES_SHOWN_MAX: usize = 20;

/// Length of a bar in pixels.
const BAR_PX: u32 = 72;

/// A share as a bar.
#[derive(Debug, Clone, Serialize)]
pub(in crate::web) struct Bar {
    width: u32,
    filled: u32,
    state: &'static str,
}

impl Bar {
    /// Of a value between 0 and 1. Full only when it is whole.
    pub(in crate::web) fn new(value: f64) -> Self {
        let state = match value {
            v if v >= 1.0 => "good",
            v if v <= 0.0 => "critical",
            _ => "medium",
        };
        let filled = (value.clamp(0.0, 1.0) * f64::from(BAR_PX)).floor() as u32;
        Self { width: BAR_PX, filled, state }
    }

    pub(super) fn of(covered: &Covered) -> Option<Self> {
        covered.value.map(Self::new)
    }
}

#[derive(Serialize)]
pub(super) struct Coverage {
    value: Option<String>,
    bar: Option<Bar>,
    watched: usize,
    cells: usize,
    newest: Option<When>,
    weight: String,
    is_weight_stated: bool,
    open: Vec<Cell>,
    open_total: usize,
    holes: Vec<Hole>,
    holes_total: usize,
}

#[derive(Serialize)]
struct Cell {
    state: &'static str,
    shape: &'static str,
    kind: &'static str,
    target: String,
    threat: &'static str,
    monitors: String,
}

#[derive(Serialize)]
struct Hole {
    blocks: String,
    count: String,
    monitors: String,
    reason: String,
    remedy: String,
    command: Option<String>,
}

impl Coverage {
    pub(super) fn new(covered: &Covered, now: UnixSeconds) -> Self {
        let names = |names: &[Name]| {
            let all: Vec<&str> = names.iter().map(Name::as_str).collect();
            all.join(", ")
        };
        let cell = |cell: &crate::dossier::OpenCell| Cell {
            state: cell.state.as_str(),
            shape: match cell.state {
                CellState::Unwatched => "high",
                CellState::Unknown => "unknown",
                CellState::Partly => "medium",
                CellState::Watched => "good",
            },
            kind: cell.kind,
            target: words::clean(&cell.target),
            threat: cell.threat,
            monitors: names(&cell.monitors),
        };
        let hole = |missing: &crate::coverage::Missing| Hole {
            blocks: missing.hole.range.to_string(),
            count: words::grouped(missing.hole.range.blocks()),
            monitors: names(&missing.monitors),
            reason: words::clean(&missing.hole.cause.to_string()),
            remedy: match &missing.remedy {
                Remedy::Command(_) => "this command".to_owned(),
                remedy => remedy.text(),
            },
            command: missing.remedy.command().map(str::to_owned),
        };
        Self {
            value: covered.value.map(words::percent),
            bar: Bar::of(covered),
            watched: covered.watched,
            cells: covered.cells,
            newest: covered.newest_at.map(|at| When::new(at, now)),
            weight: words::number(covered.weight),
            is_weight_stated: covered.is_weight_stated,
            open: covered.open.iter().take(OPEN_SHOWN_MAX).map(cell).collect(),
            open_total: covered.open.len(),
            holes: covered.holes.iter().take(HOLES_SHOWN_MAX).map(hole).collect(),
            holes_total: covered.holes.len(),
        }
    }
}
