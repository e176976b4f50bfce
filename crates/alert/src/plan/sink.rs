//! The plan of canaries: one way, and at its end the sink inside the program.
//!
//! It is made of nothing and takes nothing in, so there is no way to write a person, a receiver or an
//! escalation into it:
//!
//! ```compile_fail,E0423
//! use std::sync::Arc;
//! use bellwether_alert::plan::{Plan, SinkPlan};
//!
//! fn of_the_user(plan: Plan) -> SinkPlan {
//!     SinkPlan(Arc::new(plan))
//! }
//! ```
//!
//! ```compile_fail,E0596
//! use bellwether_alert::plan::{ChannelKind, Channel, SinkPlan};
//!
//! fn with_a_telephone(sink: SinkPlan, telephone: model::Name) {
//!     sink.plan().channels.insert(telephone, Channel::new(ChannelKind::Voice));
//! }
//! ```
//!
//! The pager of canaries takes no other plan: [`crate::pager::Pagers`] gives the user's to the other
//! two.

use std::sync::Arc;

use model::{Name, Provenance, Severity};

use super::{Channel, ChannelKind, Plan};
use crate::route::{Branch, GroupBy, Tree};

/// A canary is told once; what is told again after a time would be told again after this one, which
/// is longer than any program runs: a hundred years.
const NEVER_S: u64 = 100 * 366 * 86_400;

/// The plan by which canaries go; see the module.
#[derive(Debug, Clone)]
pub struct SinkPlan(Arc<Plan>);

impl Default for SinkPlan {
    fn default() -> Self {
        Self::new()
    }
}

impl SinkPlan {
    /// The only one there is.
    pub fn new() -> Self {
        let root = Branch {
            receivers: Some(vec![sink()]),
            group_by: Some(GroupBy::Alert),
            group_wait_s: Some(0),
            group_interval_s: Some(NEVER_S),
            repeat_interval_s: Some(NEVER_S),
            confirmed_from: Some(None),
            severity_min: Severity::Info,
            ..Branch::new(sink())
        };
        let mut plan = Plan::new(Tree::new(root).expect("a root alone is a tree"));
        let channel = Channel { tells_closed: false, ..Channel::new(ChannelKind::Log) };
        plan.channels.insert(sink(), channel);
        Self(Arc::new(plan))
    }

    /// The plan, to be read.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.0
    }
}

fn sink() -> Name {
    Name::new(Provenance::SINK).expect("a plain slug")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_it_names_is_the_sink() {
        let sink = SinkPlan::new();
        let plan = sink.plan();
        assert!(plan.people.is_empty() && plan.schedules.is_empty() && plan.escalations.is_empty());
        assert!(plan.fallback.is_empty() && plan.inhibitions.is_empty());
        let channels: Vec<_> = plan.channels.keys().map(Name::as_str).collect();
        assert_eq!(channels, [Provenance::SINK]);
        for way in plan.tree.ways() {
            assert_eq!(way.receivers, [super::sink()]);
            assert_eq!(way.escalation, None);
        }
    }
}
