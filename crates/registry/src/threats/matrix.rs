//! Who is met with what: rows of threats or assets, columns of what meets them.

use std::{fmt, str::FromStr};

use super::{Domain, Rating, ThreatMap};

/// Which matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MatrixKind {
    /// Threats and the monitors that would find them.
    Monitors,
    /// Threats and the panels they would show on.
    Panels,
    /// Threats and the plans for them.
    Plans,
    /// Threats and the events that must be emitted for them.
    Events,
    /// Threats and what prevents or limits them.
    Controls,
    /// Assets and the threats to them.
    Assets,
}

/// A word that names no matrix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown matrix {0:?} (one of: {allowed})", allowed = MatrixKind::ALL.map(MatrixKind::as_str).join(", "))]
pub struct ParseMatrixError(pub String);

impl MatrixKind {
    /// All of them, in the order of pages and reports.
    pub const ALL: [Self; 6] =
        [Self::Monitors, Self::Panels, Self::Plans, Self::Events, Self::Controls, Self::Assets];

    /// The word used in commands and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Monitors => "monitors",
            Self::Panels => "panels",
            Self::Plans => "plans",
            Self::Events => "events",
            Self::Controls => "controls",
            Self::Assets => "assets",
        }
    }

    /// What stands against what, in words.
    pub fn title(self) -> &'static str {
        match self {
            Self::Monitors => "threat × monitor",
            Self::Panels => "threat × panel",
            Self::Plans => "threat × plan",
            Self::Events => "threat × event",
            Self::Controls => "threat × control",
            Self::Assets => "asset × threat",
        }
    }
}

impl fmt::Display for MatrixKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for MatrixKind {
    type Err = ParseMatrixError;
    fn from_str(text: &str) -> Result<Self, ParseMatrixError> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or_else(|| ParseMatrixError(text.to_owned()))
    }
}

/// A matrix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matrix {
    /// Which.
    pub kind: MatrixKind,
    /// What the columns are called.
    pub columns: Vec<String>,
    /// Rows: threats worst first, or assets in the order of the files.
    pub rows: Vec<MatrixRow>,
}

/// A row of a matrix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatrixRow {
    /// Name of the threat or asset.
    pub id: String,
    /// What it is, in one line.
    pub title: String,
    /// Domain and rating, when it is a threat.
    pub threat: Option<(Domain, Rating)>,
    /// For each column, whether it is linked.
    pub links: Vec<bool>,
    /// Whether nothing is linked though something must be.
    pub is_gap: bool,
}

impl MatrixRow {
    /// How many columns are linked.
    pub fn count(&self) -> usize {
        self.links.iter().filter(|is_linked| **is_linked).count()
    }
}

impl Matrix {
    /// Rows that must have a link and have none.
    pub fn gaps(&self) -> usize {
        self.rows.iter().filter(|row| row.is_gap).count()
    }

    /// Columns that nothing is linked to.
    pub fn unlinked(&self) -> Vec<&str> {
        let is_linked = |at: usize| self.rows.iter().any(|row| row.links[at]);
        let names = self.columns.iter().enumerate();
        names.filter(|(at, _)| !is_linked(*at)).map(|(_, name)| name.as_str()).collect()
    }
}

impl ThreatMap {
    /// One matrix.
    pub fn matrix(&self, kind: MatrixKind) -> Matrix {
        let names = |names: &mut dyn Iterator<Item = String>| names.collect::<Vec<String>>();
        let columns = match kind {
            MatrixKind::Monitors => names(&mut self.monitors.iter().map(ToString::to_string)),
            MatrixKind::Panels => names(&mut self.panels.iter().map(|p| p.id.to_string())),
            MatrixKind::Plans => self.plans.clone(),
            MatrixKind::Events => names(&mut self.events.iter().map(|e| e.id.to_string())),
            MatrixKind::Controls => names(&mut self.controls.iter().map(|c| c.id.to_string())),
            MatrixKind::Assets => names(&mut self.worst_first().iter().map(|t| t.id.to_string())),
        };
        let rows = if kind == MatrixKind::Assets {
            self.asset_rows(&columns)
        } else {
            self.threat_rows(kind, &columns)
        };
        Matrix { kind, columns, rows }
    }

    fn threat_rows(&self, kind: MatrixKind, columns: &[String]) -> Vec<MatrixRow> {
        let row = |threat: &super::Threat| {
            let linked: Vec<&str> = match kind {
                MatrixKind::Monitors => threat.monitors.iter().map(|n| n.as_str()).collect(),
                MatrixKind::Panels => threat.panels.iter().map(|n| n.as_str()).collect(),
                MatrixKind::Plans => threat.plans.iter().map(String::as_str).collect(),
                MatrixKind::Events => threat.events.iter().map(|n| n.as_str()).collect(),
                MatrixKind::Controls => threat.controls.iter().map(|n| n.as_str()).collect(),
                MatrixKind::Assets => Vec::new(),
            };
            let rating = self.rating(threat);
            let is_required = rating >= Rating::High
                && (kind != MatrixKind::Events || threat.domain.is_seen_on_chain());
            MatrixRow {
                id: threat.id.to_string(),
                title: threat.title.clone(),
                threat: Some((threat.domain, rating)),
                links: columns.iter().map(|column| linked.contains(&column.as_str())).collect(),
                is_gap: is_required && linked.is_empty(),
            }
        };
        self.worst_first().into_iter().map(row).collect()
    }

    fn asset_rows(&self, columns: &[String]) -> Vec<MatrixRow> {
        let row = |asset: &super::Asset| {
            let threatens = |id: &String| {
                let threat = self.threats.iter().find(|threat| threat.id.as_str() == id);
                threat.is_some_and(|threat| threat.assets.contains(&asset.id))
            };
            let links: Vec<bool> = columns.iter().map(threatens).collect();
            MatrixRow {
                id: asset.id.to_string(),
                title: asset.title.clone(),
                threat: None,
                is_gap: !links.contains(&true),
                links,
            }
        };
        self.assets.iter().map(row).collect()
    }
}
