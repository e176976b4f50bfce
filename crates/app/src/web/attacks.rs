//! Attacks: alerts that belong together, with the table that says why.

use axum::{extract::State, response::Html};
use detect::fusion::Reach;
use serde::Serialize;

use super::{
    Site,
    layout::{self, Failure, When},
};
use crate::{api::wire, attacks::Attacks, words};

/// Attacks that one page shows; the API gives all.
const SHOWN_MAX: usize = 30;

#[derive(Serialize)]
struct Page {
    page: &'static str,
    attacks: Vec<Told>,
    more: usize,
    alone: usize,
    prior: String,
    calibration: String,
    left_out: usize,
}

/// One attack as a page shows it.
#[derive(Serialize)]
pub(super) struct Told {
    id: String,
    place: String,
    likely: String,
    reach: &'static str,
    severity: &'static str,
    phases: String,
    value_at_risk: String,
    first: When,
    last: When,
    /// The natural logarithm of the odds before anything is known.
    prior: String,
    log_odds: String,
    parts: Vec<Part>,
}

#[derive(Serialize)]
struct Part {
    alert: Option<String>,
    monitor: String,
    title: String,
    group: &'static str,
    phase: &'static str,
    p: String,
    weight: String,
    adds: String,
    counts: bool,
}

impl Told {
    fn new(attack: &wire::Attack, found: &detect::fusion::Attack, now: model::UnixSeconds) -> Self {
        let prior = attack.log_odds - attack.contributions.iter().map(|c| c.adds).sum::<f64>();
        let amounts: Vec<String> = found.value_at_risk.iter().map(ToString::to_string).collect();
        let part = |part: &wire::AttackContribution| Part {
            alert: part.alert.clone(),
            monitor: part.monitor.clone(),
            title: part.title.clone(),
            group: part.group,
            phase: part.phase,
            p: words::number(part.p),
            weight: format!("{:+.1}", part.llr),
            adds: format!("{:+.1}", part.adds),
            counts: part.adds != 0.0,
        };
        Self {
            id: attack.id.clone(),
            place: format!("{} on {}", attack.protocol, attack.network),
            likely: words::percent(attack.posterior),
            reach: attack.reach,
            severity: attack.severity,
            phases: attack.phases.join(" → "),
            value_at_risk: amounts.join(", "),
            first: When::new(found.first_at, now),
            last: When::new(found.last_at, now),
            prior: format!("{prior:+.1}"),
            log_odds: format!("{:+.1}", attack.log_odds),
            parts: attack.contributions.iter().map(part).collect(),
        }
    }

    /// The attack that an alert is part of, when it is not alone in it.
    pub(super) fn of_alert(
        found: &Attacks,
        alert: model::AlertId,
        now: model::UnixSeconds,
    ) -> Option<Self> {
        let attack = found.of(alert).filter(|attack| attack.contributions.len() > 1)?;
        Some(Self::new(&wire::Attack::new(attack, found), attack, now))
    }
}

/// `GET /attacks`.
pub(super) async fn page(State(site): State<Site>) -> Result<Html<String>, Failure> {
    let found = site.attacks().await?;
    let told = wire::Attacks::new(&found);
    let now = words::seconds(site.now());
    let calibration = match told.calibrated_on {
        Some(n) => format!("calibrated on {n} attacks that people judged, in sample"),
        None => format!(
            "not calibrated: people have judged {} of the {} that are needed, so the chances are as the weights state them",
            told.judged,
            detect::fusion::OUTCOMES_MIN
        ),
    };
    // An alert by itself that is unlikely to be one says no more here than on its own page.
    let is_worth = |attack: &&(&wire::Attack, &detect::fusion::Attack)| {
        attack.0.contributions.len() > 1 || attack.1.reach > Reach::Watch
    };
    let pairs: Vec<_> = told.items.iter().zip(&found.all).collect();
    let worth: Vec<_> = pairs.iter().filter(is_worth).collect();
    let (alone, more) = (pairs.len() - worth.len(), worth.len().saturating_sub(SHOWN_MAX));
    let shown = worth.into_iter().take(SHOWN_MAX);
    let page = Page {
        page: "attacks",
        attacks: shown.map(|(wire, attack)| Told::new(wire, attack, now)).collect(),
        more,
        alone,
        prior: words::grouped((1.0 / told.prior).round() as u64),
        calibration,
        left_out: told.left_out,
    };
    layout::render(&site, &site.info(), "attacks.html", page)
}
