//! Why an alert went where it went: the walk down the tree, branch by branch.

use std::fmt;

use model::Severity;

use super::{Path, Subject, Tree};
use crate::Matcher;

/// Why a branch did not take an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missed {
    /// The alert is not bad enough.
    Severity {
        /// Least severity that the branch takes.
        min: Severity,
    },
    /// A matcher does not fit.
    Matcher {
        /// The first one.
        matcher: Matcher,
        /// What the label is.
        value: String,
    },
    /// Outside the branch's hours.
    Hours,
    /// A branch before it took the alert and does not go on.
    Taken,
}

impl fmt::Display for Missed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Severity { min } => write!(f, "takes alerts from {min} on"),
            Self::Matcher { matcher, value } if value.is_empty() => {
                write!(f, "wants {matcher}, and there is no {}", matcher.label())
            }
            Self::Matcher { matcher, value } => {
                write!(f, "wants {matcher}, and {} is {value:?}", matcher.label())
            }
            Self::Hours => f.write_str("not within its hours"),
            Self::Taken => f.write_str("a branch before it took the alert"),
        }
    }
}

/// One branch on the walk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// Branch.
    pub path: Path,
    /// How far down it is; the root is at 0.
    pub depth: usize,
    /// Why it did not take the alert; `None`: it did.
    pub missed: Option<Missed>,
    /// Whether the alert stays here: no branch below takes it.
    pub is_end: bool,
}

impl Tree {
    /// The walk of an alert: each branch that was asked, in order, with its answer. What it says is
    /// what [`Tree::route`] does, found without the index.
    pub fn explain(&self, subject: &Subject<'_>) -> Vec<Visit> {
        let mut visits = Vec::new();
        self.walk(0, 0, subject, &mut visits);
        visits
    }

    fn walk(&self, at: u32, depth: usize, subject: &Subject<'_>, visits: &mut Vec<Visit>) {
        let node = &self.nodes[at as usize];
        let own = visits.len();
        let visit = |at: u32, missed| {
            let path = self.nodes[at as usize].way.path.clone();
            Visit { path, depth: depth + 1, missed, is_end: false }
        };
        visits.push(Visit { depth, is_end: true, ..visit(at, None) });
        let mut is_taken = false;
        for child in &node.children {
            let branch = &self.nodes[*child as usize].branch;
            let missed = if is_taken { Some(Missed::Taken) } else { branch.missed(subject) };
            if missed.is_some() {
                visits.push(visit(*child, missed));
                continue;
            }
            visits[own].is_end = false;
            self.walk(*child, depth + 1, subject, visits);
            is_taken = !branch.continue_matching;
        }
    }
}
