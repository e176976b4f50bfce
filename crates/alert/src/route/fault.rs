//! Trees that look healthy and are not: found when the configuration loads, not in the night of the
//! attack.

use std::collections::BTreeSet;

use model::{Name, Severity};

use super::{BRANCHES_MAX, Branch, DEPTH_MAX, GroupBy};
use crate::{Matcher, Op};

/// What is wrong with a tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TreeFault {
    /// The root must take everything.
    #[error("the root {0} takes only some alerts: what it does not take, nobody would hear of")]
    RootIsNarrow(Name),
    /// Two siblings of one name: decisions could not be told apart.
    #[error("route {0} has two branches called {1}")]
    Duplicate(String, Name),
    /// Nothing ever gets as far as this branch.
    #[error("route {route} is never reached: {by} takes everything before it")]
    Unreachable {
        /// Branch.
        route: String,
        /// The earlier sibling that takes everything this one could.
        by: Name,
    },
    /// Matchers that no alert can fit at once.
    #[error("route {route} takes nothing: {a} and {b} never hold together")]
    Contradiction {
        /// Branch.
        route: String,
        /// One matcher.
        a: String,
        /// The other.
        b: String,
    },
    /// A group is told again before it may be told at all.
    #[error(
        "route {route}: repeat_interval ({repeat_s} s) is shorter than group_interval ({group_s} s); it would never be kept"
    )]
    RepeatTooShort {
        /// Branch.
        route: String,
        /// Seconds until the same is told again.
        repeat_s: u64,
        /// Seconds between notices.
        group_s: u64,
    },
    /// An interval of nothing.
    #[error("route {route}: {key} may not be 0")]
    Zero {
        /// Branch.
        route: String,
        /// Which.
        key: &'static str,
    },
    /// A label twice in `group_by`.
    #[error("route {route}: group_by names {label} twice")]
    GroupedTwice {
        /// Branch.
        route: String,
        /// Label.
        label: String,
    },
    /// More branches than a tree may have.
    #[error("more than {BRANCHES_MAX} routes")]
    TooMany,
    /// Deeper than a tree may be.
    #[error("route {0} is nested more than {DEPTH_MAX} deep")]
    TooDeep(String),
}

/// Everything that is wrong with a tree.
pub(super) fn faults(root: &Branch) -> Vec<TreeFault> {
    let mut faults = Vec::new();
    let is_narrow =
        root.severity_min > Severity::Info || !root.matchers.is_empty() || root.hours.is_some();
    if is_narrow {
        faults.push(TreeFault::RootIsNarrow(root.name.clone()));
    }
    let mut branches = 0;
    visit(root, root.name.to_string(), 0, (None, None), &mut branches, &mut faults);
    if branches > BRANCHES_MAX {
        faults.push(TreeFault::TooMany);
    }
    faults
}

fn visit(
    branch: &Branch,
    route: String,
    depth: usize,
    above: (Option<u64>, Option<u64>),
    branches: &mut usize,
    faults: &mut Vec<TreeFault>,
) {
    *branches += 1;
    if depth > DEPTH_MAX {
        return faults.push(TreeFault::TooDeep(route));
    }
    let interval_s = branch.group_interval_s.or(above.0);
    let repeat_s = branch.repeat_interval_s.or(above.1);
    let is_own = branch.group_interval_s.is_some() || branch.repeat_interval_s.is_some();
    let group_s = interval_s.unwrap_or(super::GROUP_INTERVAL_S_DEFAULT);
    let again_s = repeat_s.unwrap_or(super::REPEAT_INTERVAL_S_DEFAULT);
    if is_own && again_s < group_s {
        let route = route.clone();
        faults.push(TreeFault::RepeatTooShort { route, repeat_s: again_s, group_s });
    }
    for (key, value) in
        [("group_interval", branch.group_interval_s), ("repeat_interval", branch.repeat_interval_s)]
    {
        if value == Some(0) {
            faults.push(TreeFault::Zero { route: route.clone(), key });
        }
    }
    if let Some(GroupBy::Labels(labels)) = &branch.group_by {
        let mut seen = BTreeSet::new();
        for label in labels.iter().filter(|label| !seen.insert(*label)) {
            let (route, label) = (route.clone(), label.clone());
            faults.push(TreeFault::GroupedTwice { route, label });
        }
    }
    if let Some((a, b)) = contradiction(&branch.matchers) {
        let (a, b) = (a.to_string(), b.to_string());
        faults.push(TreeFault::Contradiction { route: route.clone(), a, b });
    }
    let mut names = BTreeSet::new();
    // What takes everything, or all of one value: the usual ways to hide what comes after.
    let mut wide: Vec<&Branch> = Vec::new();
    for child in &branch.branches {
        if !names.insert(&child.name) {
            faults.push(TreeFault::Duplicate(route.clone(), child.name.clone()));
        }
        let path = format!("{route}/{}", child.name);
        if let Some(by) = wide.iter().find(|earlier| shadows(earlier, child)) {
            let by = by.name.clone();
            faults.push(TreeFault::Unreachable { route: path.clone(), by });
        }
        if !child.continue_matching && child.hours.is_none() && child.matchers.len() <= 1 {
            wide.push(child);
        }
        visit(child, path, depth + 1, (interval_s, repeat_s), branches, faults);
    }
}

/// Whether nothing that `branch` could take gets past `earlier`. Matchers are compared as written,
/// so that this never claims too much.
fn shadows(earlier: &Branch, branch: &Branch) -> bool {
    earlier.severity_min <= branch.severity_min
        && earlier.matchers.iter().all(|matcher| branch.matchers.contains(matcher))
}

/// Two matchers that name different values of one label, where each can be only those.
fn contradiction(matchers: &[Matcher]) -> Option<(&Matcher, &Matcher)> {
    for (i, a) in matchers.iter().enumerate() {
        for b in matchers[..i].iter().filter(|b| b.label() == a.label()) {
            let never = match (a.values(), b.values()) {
                (Some(one), Some(other)) => !one.iter().any(|value| other.contains(value)),
                (Some(values), None) => b.op() == Op::NotEqual && values == [b.value()],
                (None, Some(values)) => a.op() == Op::NotEqual && values == [a.value()],
                (None, None) => false,
            };
            if never {
                return Some((b, a));
            }
        }
    }
    None
}
