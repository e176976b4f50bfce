//! The threat map: four domains side by side, what is missing, who is met with what.

use axum::{extract::State, response::Html};
use registry::threats::{Day, DomainSummary, Gap, Matrix, MatrixKind, ThreatMap};
use serde::Serialize;

use super::{
    Site,
    layout::{self, Failure},
};
use crate::words;

#[derive(Serialize)]
struct Page {
    page: &'static str,
    /// Day for which the map is judged.
    day: String,
    currency: String,
    threats: usize,
    domains: Vec<Domain>,
    gaps: Vec<GapLine>,
    register: Vec<ThreatLine>,
    matrices: Vec<MatrixTable>,
}

/// One domain. They are never added up.
#[derive(Serialize)]
struct Domain {
    name: &'static str,
    threats: usize,
    /// Rating and count, worst first.
    ratings: Vec<(&'static str, usize)>,
    yearly: String,
    gaps: usize,
}

impl Domain {
    fn new(summary: &DomainSummary) -> Self {
        Self {
            name: summary.domain.as_str(),
            threats: summary.ratings.iter().map(|(_, count)| count).sum(),
            ratings: summary.ratings.iter().map(|(r, count)| (r.as_str(), *count)).collect(),
            yearly: words::yearly(summary.expected_per_century),
            gaps: summary.gaps,
        }
    }
}

#[derive(Serialize)]
struct GapLine {
    kind: String,
    text: String,
    close: String,
}

impl GapLine {
    fn new(gap: &Gap) -> Self {
        Self {
            kind: gap.kind.as_str().replace('-', " "),
            text: gap.text.clone(),
            close: gap.close.clone(),
        }
    }
}

#[derive(Serialize)]
struct ThreatLine {
    id: String,
    title: String,
    domain: &'static str,
    rating: &'static str,
    likelihood: &'static str,
    impact: String,
    review: String,
    is_overdue: bool,
}

#[derive(Serialize)]
struct MatrixTable {
    id: &'static str,
    title: &'static str,
    columns: Vec<Column>,
    rows: Vec<Row>,
    gaps: usize,
}

#[derive(Serialize)]
struct Column {
    name: String,
    is_linked: bool,
}

#[derive(Serialize)]
struct Row {
    id: String,
    title: String,
    domain: Option<&'static str>,
    rating: Option<&'static str>,
    links: Vec<bool>,
    count: usize,
    is_gap: bool,
}

impl MatrixTable {
    fn new(matrix: &Matrix) -> Self {
        let unlinked = matrix.unlinked();
        let column = |name: &String| Column {
            name: name.clone(),
            is_linked: !unlinked.contains(&name.as_str()),
        };
        let row = |row: &registry::threats::MatrixRow| Row {
            id: row.id.clone(),
            title: row.title.clone(),
            domain: row.threat.map(|(domain, _)| domain.as_str()),
            rating: row.threat.map(|(_, rating)| rating.as_str()),
            links: row.links.clone(),
            count: row.count(),
            is_gap: row.is_gap,
        };
        Self {
            id: matrix.kind.as_str(),
            title: matrix.kind.title(),
            columns: matrix.columns.iter().map(column).collect(),
            rows: matrix.rows.iter().map(row).collect(),
            gaps: matrix.gaps(),
        }
    }
}

fn register(map: &ThreatMap, today: Day) -> Vec<ThreatLine> {
    let line = |threat: &registry::threats::Threat| ThreatLine {
        id: threat.id.to_string(),
        title: threat.title.clone(),
        domain: threat.domain.as_str(),
        rating: map.rating(threat).as_str(),
        likelihood: threat.likelihood.as_str(),
        impact: words::grouped(threat.impact),
        review: threat.review.to_string(),
        is_overdue: today > threat.review,
    };
    map.worst_first().into_iter().map(line).collect()
}

/// `GET /threats`.
pub(super) async fn page(State(site): State<Site>) -> Result<Html<String>, Failure> {
    let info = site.info();
    let today = Day::of(words::seconds(site.now()));
    let map = &info.threats;
    let page = Page {
        page: "threats",
        day: today.to_string(),
        currency: map.scale.currency.clone(),
        threats: map.threats.len(),
        domains: map.domains(&info.registry, today).iter().map(Domain::new).collect(),
        gaps: map.gaps(&info.registry, today).iter().map(GapLine::new).collect(),
        register: register(map, today),
        matrices: MatrixKind::ALL.map(|kind| MatrixTable::new(&map.matrix(kind))).into(),
    };
    layout::render(&site, &info, "threats.html", page)
}
