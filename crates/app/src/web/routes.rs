//! The routes: what each takes and who hears of it, and where an alert would go that somebody tries
//! out.

use std::str::FromStr;

use alert::{
    Labels, SEVERITY,
    route::{Branch, GroupBy, Way},
};
use axum::{
    extract::{Query, State},
    response::Html,
};
use jiff::tz::TimeZone;
use model::Severity;
use serde::{Deserialize, Serialize};

use super::{
    Site, SiteInfo,
    layout::{self, Failure},
    on_call::known,
};
use crate::{
    config::moment,
    routing::{Advice, Explained, Trial, advice},
    words,
};

/// An alert that somebody tries out, as a form sends it: what is empty is not said.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    severity: String,
    monitor: String,
    deployment: String,
    network: String,
    at: String,
}

#[derive(Serialize)]
struct Page {
    page: &'static str,
    routes: Vec<Line>,
    inhibitions: Vec<InhibitionLine>,
    form: Form,
    tried: Option<Explained>,
    /// Why nothing was tried, when something was asked.
    refused: Option<String>,
    advice: Vec<Advice>,
}

/// A branch as a line.
#[derive(Serialize)]
struct Line {
    name: String,
    path: String,
    depth: usize,
    takes: Vec<String>,
    tells: String,
    pages: String,
    grouped: String,
    waits: String,
    budget: Option<u32>,
    goes_on: bool,
}

#[derive(Serialize)]
struct InhibitionLine {
    name: String,
    source: String,
    target: String,
    equal: String,
}

#[derive(Serialize)]
struct Form {
    severities: Vec<(String, bool)>,
    monitors: Vec<(String, bool)>,
    deployments: Vec<(String, bool)>,
    networks: Vec<(String, bool)>,
    at: String,
}

impl Line {
    fn new(branch: &Branch, way: &Way) -> Self {
        let mut takes: Vec<String> = branch.matchers.iter().map(ToString::to_string).collect();
        if branch.severity_min > Severity::Info {
            takes.push(format!("{} or worse", branch.severity_min));
        }
        if branch.hours.is_some() {
            takes.push("only in its hours".to_owned());
        }
        let names = |names: &[model::Name]| {
            let names: Vec<&str> = names.iter().map(model::Name::as_str).collect();
            names.join(", ")
        };
        let muted = if way.muted.is_empty() { "" } else { ", quiet hours" };
        Self {
            name: branch.name.to_string(),
            path: way.path.to_string(),
            depth: way.path.as_str().matches('/').count(),
            takes,
            tells: names(&way.receivers),
            pages: way.escalation.as_ref().map(ToString::to_string).unwrap_or_default(),
            grouped: match &way.group_by {
                GroupBy::Alert => "each alert for itself".to_owned(),
                GroupBy::Labels(labels) if labels.is_empty() => "all together".to_owned(),
                GroupBy::Labels(labels) => labels.join(", "),
            },
            waits: format!(
                "{}, {}, {}{muted}",
                words::span(way.group_wait_s),
                words::span(way.group_interval_s),
                words::span(way.repeat_interval_s)
            ),
            budget: way.budget_per_week,
            goes_on: branch.continue_matching,
        }
    }
}

/// `GET /routes`.
pub(super) async fn page(
    State(site): State<Site>,
    Query(asked): Query<Asked>,
) -> Result<Html<String>, Failure> {
    let info = site.info();
    let (tried, refused) = match tried(&asked, &info, &site) {
        Ok(tried) => (tried, None),
        Err(why) => (None, Some(why)),
    };
    let matchers = |matchers: &[alert::Matcher]| {
        let matchers: Vec<String> = matchers.iter().map(ToString::to_string).collect();
        matchers.join(", ")
    };
    let page = Page {
        page: "routes",
        routes: info.plan.tree.branches().map(|(branch, way)| Line::new(branch, way)).collect(),
        inhibitions: info
            .plan
            .inhibitions
            .iter()
            .map(|rule| InhibitionLine {
                name: rule.name.to_string(),
                source: matchers(&rule.source),
                target: matchers(&rule.target),
                equal: rule.equal.join(", "),
            })
            .collect(),
        form: form(&asked, &info),
        tried,
        refused,
        advice: advice(&known(&info), site.now()),
    };
    layout::render(&site, &info, "routes.html", page)
}

fn form(asked: &Asked, info: &SiteInfo) -> Form {
    let options = |values: Vec<String>, chosen: &str| {
        values.into_iter().map(|value| (value.clone(), value == chosen)).collect()
    };
    let severity = if asked.severity.is_empty() { "critical" } else { &asked.severity };
    let deployments = info.registry.deployments();
    Form {
        severities: options(
            Severity::ALL.iter().rev().map(ToString::to_string).collect(),
            severity,
        ),
        monitors: options(
            info.monitors.iter().map(|m| m.name.to_string()).collect(),
            &asked.monitor,
        ),
        deployments: options(
            deployments.iter().map(|d| d.label.to_string()).collect(),
            &asked.deployment,
        ),
        networks: options(
            info.networks.iter().map(|n| n.name.to_string()).collect(),
            &asked.network,
        ),
        at: words::clean(&asked.at),
    }
}

fn tried(asked: &Asked, info: &SiteInfo, site: &Site) -> Result<Option<Explained>, String> {
    if asked.severity.is_empty() {
        return Ok(None);
    }
    let severity = Severity::from_str(&asked.severity).map_err(|error| error.to_string())?;
    let at = match asked.at.trim() {
        "" => site.now(),
        text => moment(text, &TimeZone::UTC)?,
    };
    let labels: Labels = [
        (SEVERITY, asked.severity.as_str()),
        ("monitor", asked.monitor.as_str()),
        ("deployment", asked.deployment.as_str()),
        ("network", asked.network.as_str()),
    ]
    .into_iter()
    .collect();
    let facts = Trial { labels, outflow_usd: None }.facts(severity, &info.registry);
    Ok(Some(Explained::new(&info.plan, &facts, at)))
}
