//! The threat map.

use registry::{
    Registry,
    threats::{Day, MatrixKind, ThreatMap},
};
use serde::Serialize;

use crate::words;

/// The threat map on a day.
#[derive(Debug, Serialize)]
pub struct Threats {
    /// Day for which gaps are told.
    pub on: String,
    /// Unit of all amounts.
    pub currency: String,
    /// Domains, never added up.
    pub domains: Vec<Domain>,
    /// Threats, worst first.
    pub threats: Vec<Threat>,
    /// What is missing.
    pub gaps: Vec<Gap>,
    /// Who is met with what.
    pub matrices: Vec<Matrix>,
}

/// One domain in numbers.
#[derive(Debug, Serialize)]
pub struct Domain {
    /// `on-chain`, `people`, `infrastructure`, `governance`.
    pub domain: &'static str,
    /// How many threats have each rating, worst first.
    pub ratings: Vec<Rated>,
    /// Sum of likelihood a year times impact, rounded down; `null` where no threat is written down.
    pub expected_loss_a_year: Option<String>,
    /// Gaps of its threats.
    pub gaps: usize,
}

/// Threats of one rating.
#[derive(Debug, Serialize)]
pub struct Rated {
    /// `critical`, `high`, `medium`, `low`.
    pub rating: &'static str,
    /// How many.
    pub threats: usize,
}

/// A threat.
#[derive(Debug, Serialize)]
pub struct Threat {
    /// Name.
    pub id: String,
    /// In one line.
    pub title: String,
    /// Domain.
    pub domain: &'static str,
    /// `rare` … `certain`.
    pub likelihood: &'static str,
    /// Whole units of the currency.
    pub impact: String,
    /// Rating.
    pub rating: &'static str,
    /// Day of the last review.
    pub reviewed: String,
    /// Day of the next.
    pub review: String,
    /// Whether that day is past.
    pub is_overdue: bool,
}

/// Something that is missing.
#[derive(Debug, Serialize)]
pub struct Gap {
    /// `no-monitor`, `no-plan`, `event-not-emitted` …
    pub kind: &'static str,
    /// Threat it concerns.
    pub threat: Option<String>,
    /// In one sentence.
    pub text: String,
    /// What closes it.
    pub close: String,
}

/// A matrix.
#[derive(Debug, Serialize)]
pub struct Matrix {
    /// `monitors`, `panels`, `plans`, `events`, `controls`, `assets`.
    pub matrix: &'static str,
    /// What the rows are linked to.
    pub columns: Vec<String>,
    /// Rows.
    pub rows: Vec<MatrixRow>,
}

/// A row of a matrix.
#[derive(Debug, Serialize)]
pub struct MatrixRow {
    /// Threat, or asset in the matrix of assets.
    pub id: String,
    /// Columns it is linked to.
    pub linked: Vec<String>,
    /// Whether a link is required and missing.
    pub is_gap: bool,
}

impl Threats {
    pub(crate) fn new(map: &ThreatMap, registry: &Registry, today: Day) -> Self {
        let domain = |summary: &registry::threats::DomainSummary| {
            let count: usize = summary.ratings.iter().map(|(_, count)| count).sum();
            Domain {
                domain: summary.domain.as_str(),
                ratings: summary
                    .ratings
                    .iter()
                    .map(|(rating, threats)| Rated { rating: rating.as_str(), threats: *threats })
                    .collect(),
                expected_loss_a_year: (count > 0)
                    .then(|| (summary.expected_per_century / 100).to_string()),
                gaps: summary.gaps,
            }
        };
        let threat = |threat: &registry::threats::Threat| Threat {
            id: threat.id.to_string(),
            title: words::clean(&threat.title),
            domain: threat.domain.as_str(),
            likelihood: threat.likelihood.as_str(),
            impact: threat.impact.to_string(),
            rating: map.rating(threat).as_str(),
            reviewed: threat.reviewed.to_string(),
            review: threat.review.to_string(),
            is_overdue: today > threat.review,
        };
        let gap = |gap: &registry::threats::Gap| Gap {
            kind: gap.kind.as_str(),
            threat: gap.threat.as_ref().map(ToString::to_string),
            text: gap.text.clone(),
            close: gap.close.clone(),
        };
        Self {
            on: today.to_string(),
            currency: map.scale.currency.clone(),
            domains: map.domains(registry, today).iter().map(domain).collect(),
            threats: map.worst_first().into_iter().map(threat).collect(),
            gaps: map.gaps(registry, today).iter().map(gap).collect(),
            matrices: MatrixKind::ALL.map(|kind| Matrix::new(&map.matrix(kind))).into(),
        }
    }
}

impl Matrix {
    fn new(matrix: &registry::threats::Matrix) -> Self {
        let row = |row: &registry::threats::MatrixRow| MatrixRow {
            id: row.id.clone(),
            linked: matrix
                .columns
                .iter()
                .zip(&row.links)
                .filter(|(_, is_linked)| **is_linked)
                .map(|(column, _)| column.clone())
                .collect(),
            is_gap: row.is_gap,
        };
        Self {
            matrix: matrix.kind.as_str(),
            columns: matrix.columns.clone(),
            rows: matrix.rows.iter().map(row).collect(),
        }
    }
}
