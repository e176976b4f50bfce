//! Which hole is next.

use model::{BlockNumber, BlockRange};

use crate::coverage::{HoleGroup, is_fillable};

/// Blocks to judge, by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Blocks; all of them final.
    pub range: BlockRange,
    /// The monitors' places in the roster, ascending.
    pub monitors: Vec<u32>,
}

/// What may be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Lowest and highest block.
    pub range: BlockRange,
    /// Newest block on record: a monitor that is blind there is blind now.
    pub head: BlockNumber,
    /// Whether to judge what was judged again already, with the same result.
    pub is_retrying: bool,
}

/// The newest hole within the limits: what happened lately matters most.
pub fn next_job(holes: &[HoleGroup], limits: &Limits) -> Option<Job> {
    let may = |hole: &&HoleGroup| {
        is_fillable(hole, limits.head) && (limits.is_retrying || !hole.is_tried)
    };
    let clipped = holes.iter().filter(may).filter_map(|hole| {
        let range = hole.range.intersection(limits.range)?;
        Some(Job { range, monitors: hole.monitors.clone() })
    });
    clipped.max_by_key(|job| (job.range.last, job.monitors.len()))
}

#[cfg(test)]
mod tests {
    use model::{BlindReason, HoleCause};

    use super::*;

    fn hole(first: u64, last: u64, cause: HoleCause, is_tried: bool) -> HoleGroup {
        HoleGroup { range: BlockRange { first, last }, cause, is_tried, monitors: vec![3] }
    }

    #[test]
    fn the_newest_hole_that_can_be_closed_is_next_within_the_limits() {
        let quarantined = HoleCause::Quarantined(BlindReason::Unverified("x".into()));
        let panicked = HoleCause::Blind(BlindReason::Panicked("x".into()));
        let holes = [
            hole(1, 50, HoleCause::AddedLater, false),
            hole(60, 70, HoleCause::RuleChanged, false),
            hole(80, 80, panicked.clone(), true),
            hole(90, 90, quarantined, false),
            hole(95, 100, panicked, false),
        ];
        let limits = |first, last, is_retrying| Limits {
            range: BlockRange { first, last },
            head: 100,
            is_retrying,
        };
        let range = |limits| next_job(&holes, &limits).map(|job| job.range.to_string());
        assert_eq!(range(limits(0, 92, false)).as_deref(), Some("60–70"));
        assert_eq!(range(limits(0, 92, true)).as_deref(), Some("80"), "asked for, tried again");
        assert_eq!(range(limits(20, 65, false)).as_deref(), Some("60–65"));
        assert_eq!(range(limits(20, 55, false)).as_deref(), Some("20–50"));
        assert_eq!(range(limits(51, 59, false)), None);
        assert_eq!(range(limits(91, 100, false)), None, "blind at the head is blind now");
    }
}
