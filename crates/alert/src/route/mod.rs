//! The tree of routes: from an alert's labels to the ways it goes.
//!
//! The meaning is Alertmanager's: an alert enters at the root and goes down to the branches that
//! take it, the first one only unless that one says to go on; what no branch takes stays where it
//! is. A branch has what it does not say from the one above it. Ours adds to it:
//! * a branch may take alerts from a severity on, and only in certain [`Hours`];
//! * pages go to an escalation, beside the notices to receivers.
//!
//! A thousand branches cost about what ten cost: see [`index`].

mod explain; // why an alert went where it went
mod fault; //   trees that look healthy and are not
mod index; //   the branches that could take an alert, without asking each

use std::{collections::HashMap, fmt};

use model::{Name, Severity, UnixMillis};

use crate::{Hours, Labels, Matcher};

pub use explain::{Missed, Visit};
pub use fault::TreeFault;

use index::Index;

/// Branches in a tree: more than anybody writes, and few enough to build in a second.
pub const BRANCHES_MAX: usize = 20_000;

/// How deep branches may be nested.
pub const DEPTH_MAX: usize = 16;

/// How long a new group waits for more before its first notice, unless the user says otherwise: 30 s.
pub const GROUP_WAIT_S_DEFAULT: u64 = 30;

/// How long a group waits between notices about what changed in it: 5 min.
pub const GROUP_INTERVAL_S_DEFAULT: u64 = 5 * 60;

/// How long until a group in which nothing changed is told again: 4 h.
pub const REPEAT_INTERVAL_S_DEFAULT: u64 = 4 * 60 * 60;

/// What makes alerts of one way share a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupBy {
    /// The values of these labels; none: one group for all.
    Labels(Vec<String>),
    /// Each alert for itself.
    Alert,
}

/// A branch as the user writes it. What is `None` is as above it.
#[derive(Debug, Clone, PartialEq)]
pub struct Branch {
    /// What the user calls it; once among its siblings.
    pub name: Name,
    /// Takes alerts at least this bad.
    pub severity_min: Severity,
    /// Takes alerts that fit all of these.
    pub matchers: Vec<Matcher>,
    /// Takes alerts only within these hours.
    pub hours: Option<Hours>,
    /// Who gets notices: channels that no single person answers for, such as a team's chat.
    pub receivers: Option<Vec<Name>>,
    /// Which escalation pages people until somebody acknowledges.
    pub escalation: Option<Name>,
    /// What makes alerts share a message.
    pub group_by: Option<GroupBy>,
    /// Seconds until a new group's first notice.
    pub group_wait_s: Option<u64>,
    /// Seconds between notices of what changed.
    pub group_interval_s: Option<u64>,
    /// Seconds until the same is told again.
    pub repeat_interval_s: Option<u64>,
    /// No notices within these hours; critical alerts do not keep to them.
    pub muted: Vec<Hours>,
    /// Alerts a week that people agreed to bear here; beyond it, whoever owns the rules hears of it.
    pub budget_per_week: Option<u32>,
    /// Alerts at least this bad are told again when they become final; none of them with
    /// `Some(None)`, and at the root with `None`.
    pub confirmed_from: Option<Option<Severity>>,
    /// Whether later siblings are tried, too, after this one took the alert.
    pub continue_matching: bool,
    /// Further down.
    pub branches: Vec<Branch>,
}

impl Branch {
    /// A branch that takes everything and says nothing of its own.
    pub fn new(name: Name) -> Self {
        Self {
            name,
            severity_min: Severity::Info,
            matchers: Vec::new(),
            hours: None,
            receivers: None,
            escalation: None,
            group_by: None,
            group_wait_s: None,
            group_interval_s: None,
            repeat_interval_s: None,
            muted: Vec::new(),
            budget_per_week: None,
            confirmed_from: None,
            continue_matching: false,
            branches: Vec::new(),
        }
    }

    /// Why it does not take an alert; `None`: it does.
    fn missed(&self, subject: &Subject<'_>) -> Option<Missed> {
        if subject.severity < self.severity_min {
            return Some(Missed::Severity { min: self.severity_min });
        }
        if let Some(matcher) = self.matchers.iter().find(|m| !m.matches(subject.labels)) {
            let value = subject.labels.get(matcher.label()).to_owned();
            return Some(Missed::Matcher { matcher: matcher.clone(), value });
        }
        let is_outside = self.hours.as_ref().is_some_and(|hours| !hours.contain(subject.at));
        is_outside.then_some(Missed::Hours)
    }
}

/// What the tree looks at.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Labels of the alert.
    pub labels: &'a Labels,
    /// How bad.
    pub severity: Severity,
    /// When, for branches that take alerts only in certain hours.
    pub at: UnixMillis,
}

/// A way an alert can go: a branch with all that it inherits.
#[derive(Debug, Clone, PartialEq)]
pub struct Way {
    /// The names from the root down, with slashes between.
    pub path: Path,
    /// Who gets notices.
    pub receivers: Vec<Name>,
    /// Which escalation pages people.
    pub escalation: Option<Name>,
    /// What makes alerts share a message.
    pub group_by: GroupBy,
    /// Seconds until a new group's first notice.
    pub group_wait_s: u64,
    /// Seconds between notices of what changed.
    pub group_interval_s: u64,
    /// Seconds until the same is told again.
    pub repeat_interval_s: u64,
    /// No notices within these hours.
    pub muted: Vec<Hours>,
    /// Alerts a week that people agreed to bear.
    pub budget_per_week: Option<u32>,
    /// Alerts at least this bad are told again when they become final.
    pub confirmed_from: Option<Severity>,
}

/// The names from the root down to a branch, with slashes between.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct Path(std::sync::Arc<str>);

impl Path {
    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl From<&str> for Path {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

/// A branch in its place.
#[derive(Debug, Clone)]
struct Node {
    branch: Branch,
    way: Way,
    /// Places of the branches below it, in order.
    children: Vec<u32>,
    index: Index,
}

/// All routes, ready to be asked.
#[derive(Debug, Clone)]
pub struct Tree {
    /// The root first; every branch after the one above it.
    nodes: Vec<Node>,
    by_path: HashMap<Path, u32>,
}

impl Tree {
    /// Puts the branches in their places, or says all that is wrong with them.
    pub fn new(root: Branch) -> Result<Self, Vec<TreeFault>> {
        let faults = fault::faults(&root);
        if !faults.is_empty() {
            return Err(faults);
        }
        let mut tree = Self { nodes: Vec::new(), by_path: HashMap::new() };
        tree.grow(root, None);
        Ok(tree)
    }

    fn grow(&mut self, mut branch: Branch, above: Option<&Way>) -> u32 {
        let below = std::mem::take(&mut branch.branches);
        let way = way(&branch, above);
        // The number of branches was checked against BRANCHES_MAX.
        let place = self.nodes.len() as u32;
        self.by_path.insert(way.path.clone(), place);
        let index = Index::default();
        self.nodes.push(Node { branch, way: way.clone(), children: Vec::new(), index });
        let children: Vec<u32> =
            below.into_iter().map(|child| self.grow(child, Some(&way))).collect();
        let index = Index::new(children.iter().map(|at| &self.nodes[*at as usize].branch));
        let node = &mut self.nodes[place as usize];
        (node.children, node.index) = (children, index);
        place
    }

    /// The ways that take this alert, in order.
    pub fn route(&self, subject: &Subject<'_>) -> Vec<&Way> {
        let mut ways = Vec::new();
        self.descend(0, subject, &mut ways);
        ways
    }

    fn descend<'a>(&'a self, at: u32, subject: &Subject<'_>, ways: &mut Vec<&'a Way>) {
        let node = &self.nodes[at as usize];
        let before = ways.len();
        for child in node.index.candidates(subject.labels) {
            let place = node.children[child as usize];
            let branch = &self.nodes[place as usize].branch;
            if branch.missed(subject).is_none() {
                self.descend(place, subject, ways);
                if !branch.continue_matching {
                    break;
                }
            }
        }
        if ways.len() == before {
            ways.push(&node.way);
        }
    }

    /// The ways on which some alert of this severity can end.
    pub fn ends(&self, severity: Severity) -> Vec<&Way> {
        let mut ends = Vec::new();
        self.descend_all(0, severity, &mut ends);
        ends
    }

    fn descend_all<'a>(&'a self, at: u32, severity: Severity, ends: &mut Vec<&'a Way>) {
        let node = &self.nodes[at as usize];
        let only_severity = Labels::default().with(crate::SEVERITY, severity.as_str());
        let mut is_all_taken = false;
        for child in &node.children {
            let branch = &self.nodes[*child as usize].branch;
            let mut of_severity =
                branch.matchers.iter().filter(|matcher| matcher.label() == crate::SEVERITY);
            let takes_some = severity >= branch.severity_min
                && of_severity.all(|matcher| matcher.matches(&only_severity));
            if !takes_some {
                continue;
            }
            self.descend_all(*child, severity, ends);
            let takes_all = branch.hours.is_none()
                && branch.matchers.iter().all(|matcher| matcher.label() == crate::SEVERITY);
            is_all_taken |= takes_all;
            if takes_all && !branch.continue_matching {
                break;
            }
        }
        if !is_all_taken {
            ends.push(&node.way);
        }
    }

    /// The same tree without these receivers: they hear nothing any more.
    #[must_use]
    pub fn without(mut self, receivers: &[Name]) -> Self {
        for node in &mut self.nodes {
            node.way.receivers.retain(|receiver| !receivers.contains(receiver));
        }
        self
    }

    /// All ways there are, the root's first.
    pub fn ways(&self) -> impl Iterator<Item = &Way> {
        self.nodes.iter().map(|node| &node.way)
    }

    /// All branches with their ways, each after the one above it; what is below a branch is not in
    /// it.
    pub fn branches(&self) -> impl Iterator<Item = (&Branch, &Way)> {
        self.nodes.iter().map(|node| (&node.branch, &node.way))
    }

    /// The way of a branch.
    pub fn way(&self, path: &Path) -> Option<&Way> {
        self.by_path.get(path).map(|at| &self.nodes[*at as usize].way)
    }
}

/// What a branch says, and for the rest what is said above it.
fn way(branch: &Branch, above: Option<&Way>) -> Way {
    let path = match above {
        None => branch.name.as_str().into(),
        Some(above) => Path(format!("{}/{}", above.path, branch.name).into()),
    };
    let or = |own: Option<u64>, above: Option<u64>, default| own.or(above).unwrap_or(default);
    Way {
        path,
        receivers: branch
            .receivers
            .clone()
            .or_else(|| above.map(|above| above.receivers.clone()))
            .unwrap_or_default(),
        escalation: branch
            .escalation
            .clone()
            .or_else(|| above.and_then(|above| above.escalation.clone())),
        group_by: branch
            .group_by
            .clone()
            .or_else(|| above.map(|above| above.group_by.clone()))
            .unwrap_or(GroupBy::Labels(Vec::new())),
        group_wait_s: or(
            branch.group_wait_s,
            above.map(|above| above.group_wait_s),
            GROUP_WAIT_S_DEFAULT,
        ),
        group_interval_s: or(
            branch.group_interval_s,
            above.map(|above| above.group_interval_s),
            GROUP_INTERVAL_S_DEFAULT,
        ),
        repeat_interval_s: or(
            branch.repeat_interval_s,
            above.map(|above| above.repeat_interval_s),
            REPEAT_INTERVAL_S_DEFAULT,
        ),
        // As in Alertmanager, hours of silence are a branch's own.
        muted: branch.muted.clone(),
        budget_per_week: branch.budget_per_week,
        confirmed_from: branch
            .confirmed_from
            .unwrap_or_else(|| above.and_then(|above| above.confirmed_from)),
    }
}

#[cfg(test)]
mod tests;
