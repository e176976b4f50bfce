//! How far a monitor may go, proposed by its figures. A person confirms.
//!
//! `shadow → notify → page → act`: up one stage when precision is proven over enough judged alerts
//! and there are not more of them than the budget bears; down when precision is proven to be below
//! what the stage asks.

use model::{Name, Severity, Stage};

use super::figures::{Budget, Figures, Watched};

/// What a stage asks of a monitor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bar {
    /// Least precision, by the lower end of its interval.
    pub precision_min: f64,
    /// Least number of judged alerts.
    pub n_min: u64,
}

impl Bar {
    /// What `stage` asks; nothing for [`Stage::Shadow`].
    pub fn of(stage: Stage) -> Option<Self> {
        match stage {
            Stage::Shadow => None,
            Stage::Notify => Some(Self { precision_min: 0.2, n_min: 10 }),
            Stage::Page => Some(Self { precision_min: 0.5, n_min: 15 }),
            Stage::Act => Some(Self { precision_min: 0.98, n_min: 50 }),
        }
    }
}

/// Real incidents that a monitor must have noticed in a replay to page without enough judged alerts.
pub const REPLAYED_INCIDENTS_MIN: u64 = 3;

/// A change of stage that the figures speak for, or what is still missing for one.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// Monitor.
    pub monitor: Name,
    /// Where it is.
    pub from: Stage,
    /// Where it should be; as `from` when it should stay.
    pub to: Stage,
    /// Why, in sentences without their full stops; for one that stays, what is missing.
    pub because: Vec<String>,
}

/// What was seen beyond a monitor's own alerts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Record {
    /// Real incidents that it noticed.
    pub incidents: u64,
    /// Drills that it noticed.
    pub drills: u64,
}

/// What the figures of a monitor's present version speak for.
pub fn propose(watched: &Watched, figures: &Figures, record: Record, budget: Budget) -> Proposal {
    let from = watched.stage;
    let interval = figures.precision.wilson();
    let n = figures.precision.n;
    let stay = |because| Proposal { monitor: watched.monitor.clone(), from, to: from, because };
    if let (Some(bar), Some(before)) = (Bar::of(from), from.before())
        && n > 0
        && interval.high < bar.precision_min
    {
        let because = vec![format!(
            "precision is at most {:.0} % ({} of {n} judged alerts), {from} asks for {:.0} %",
            interval.high * 100.0,
            figures.precision.k,
            bar.precision_min * 100.0
        )];
        return Proposal { monitor: watched.monitor.clone(), from, to: before, because };
    }
    let Some(next) = from.next() else { return stay(vec!["there is no higher stage".to_owned()]) };
    let Some(bar) = Bar::of(next) else { return stay(Vec::new()) };
    let (mut reasons, mut missing) = (Vec::new(), Vec::new());
    let is_precise = n >= bar.n_min && interval.low >= bar.precision_min;
    let precision = format!(
        "precision is at least {:.0} % ({} of {n} judged alerts), {next} asks for {:.0} % of at least {}",
        interval.low * 100.0,
        figures.precision.k,
        bar.precision_min * 100.0,
        bar.n_min
    );
    let exception = match next {
        Stage::Page if record.incidents >= REPLAYED_INCIDENTS_MIN => {
            Some(format!("it noticed {} real incidents", record.incidents))
        }
        Stage::Act if watched.is_deterministic && record.drills > 0 => {
            Some(format!("it says what the chain says, and noticed {} drills", record.drills))
        }
        _ => None,
    };
    match (is_precise, exception) {
        (true, _) => reasons.push(precision),
        (false, Some(exception)) => reasons.push(exception),
        (false, None) => missing.push(precision),
    }
    let allowed = budget.per_week(next);
    match figures.alerts_per_week {
        Some((rate, _)) => {
            let false_rate = figures.false_per_week.map_or(rate, |(rate, _)| rate);
            let text = format!(
                "{false_rate:.2} false alarms a week, the budget of {next} is {allowed:.2}"
            );
            if false_rate <= allowed { &mut reasons } else { &mut missing }.push(text);
        }
        None => missing.push("no chain time was judged, so it has no rate".to_owned()),
    }
    if next == Stage::Page && watched.severity <= Stage::NOTIFY_SEVERITY_MAX {
        let most = Severity::High;
        missing.push(format!("its severity is {}, nobody is woken below {most}", watched.severity));
    }
    if missing.is_empty() {
        Proposal { monitor: watched.monitor.clone(), from, to: next, because: reasons }
    } else {
        stay(missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quality::{Share, Verdicts};
    use expect_test::expect;
    use model::UnixSeconds;

    fn watched(stage: Stage) -> Watched {
        Watched {
            monitor: Name::new("drain").unwrap(),
            detector: "expression".into(),
            version: 1,
            stage,
            severity: Severity::High,
            is_deterministic: true,
            seconds: 100 * 604_800,
            blocks: 1,
            blocks_blind: 0,
            deployments: Default::default(),
        }
    }

    /// Figures of a monitor with so many true ones of so many judged, over 100 weeks.
    fn measured(watched: &Watched, k: u64, n: u64) -> Figures {
        let all = super::super::figures(
            std::slice::from_ref(watched),
            &[],
            Budget::default(),
            UnixSeconds(0),
        );
        let verdicts = Verdicts { true_positive: k, false_positive: n - k, ..Verdicts::default() };
        let rate = super::super::poisson_rate(n - k, 100.0).unwrap();
        Figures {
            alerts: n,
            verdicts,
            precision: Share::new(k, n),
            false_per_week: Some(((n - k) as f64 / 100.0, rate)),
            ..all[0].clone()
        }
    }

    fn proposed(stage: Stage, k: u64, n: u64, record: Record) -> (Stage, String) {
        let watched = watched(stage);
        let proposal = propose(&watched, &measured(&watched, k, n), record, Budget::default());
        assert_eq!(proposal.from, stage);
        (proposal.to, proposal.because.join("; "))
    }

    #[test]
    fn a_stage_is_earned_by_enough_precision_over_enough_alerts() {
        let none = Record::default();
        assert_eq!(proposed(Stage::Shadow, 5, 10, none).0, Stage::Notify);
        assert_eq!(proposed(Stage::Shadow, 9, 9, none).0, Stage::Shadow, "too few");
        // 12 of 15: at least 55 %.
        assert_eq!(proposed(Stage::Notify, 12, 15, none).0, Stage::Page);
        assert_eq!(proposed(Stage::Notify, 11, 15, none).0, Stage::Notify, "at least 48 %");
        // All of 50 is only at least 93 %; all of 200 is at least 98 %.
        assert_eq!(proposed(Stage::Page, 50, 50, none).0, Stage::Page);
        assert_eq!(proposed(Stage::Page, 200, 200, none).0, Stage::Act);
        let (_, why) = proposed(Stage::Notify, 11, 15, none);
        expect![
            "precision is at least 48 % (11 of 15 judged alerts), page asks for 50 % of at least 15"
        ]
        .assert_eq(&why);
    }

    #[test]
    fn incidents_and_drills_may_stand_for_alerts_where_the_rule_says_so() {
        let incidents = Record { incidents: 3, drills: 0 };
        assert_eq!(proposed(Stage::Notify, 0, 0, incidents).0, Stage::Page);
        assert_eq!(proposed(Stage::Shadow, 0, 0, incidents).0, Stage::Shadow);
        let drilled = Record { incidents: 0, drills: 1 };
        assert_eq!(proposed(Stage::Page, 0, 0, drilled).0, Stage::Act, "it is deterministic");
    }

    #[test]
    fn proven_to_be_wrong_goes_down_and_too_loud_goes_nowhere() {
        let none = Record::default();
        // 2 of 20 is at most 31 %, less than a page asks for.
        let (to, why) = proposed(Stage::Page, 2, 20, none);
        assert_eq!(to, Stage::Notify);
        assert!(why.contains("at most 30 %"), "{why}");
        // Precise enough, but 150 false pages in 100 weeks are over the budget of one a week.
        let (to, why) = proposed(Stage::Notify, 450, 600, none);
        assert_eq!(to, Stage::Notify);
        expect!["1.50 false alarms a week, the budget of page is 1.00"].assert_eq(&why);
    }

    #[test]
    fn nobody_is_woken_by_what_is_not_severe() {
        let mild = Watched { severity: Severity::Low, ..watched(Stage::Notify) };
        let proposal =
            propose(&mild, &measured(&mild, 30, 30), Record::default(), Budget::default());
        assert_eq!(proposal.to, Stage::Notify);
        expect!["its severity is low, nobody is woken below high"]
            .assert_eq(&proposal.because.join("; "));
    }
}
