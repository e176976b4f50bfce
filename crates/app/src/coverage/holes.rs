//! The same hole of many monitors as one, and what became of those seen before.

use std::collections::HashMap;

use model::{
    BlindReason, BlockNumber, BlockRange, FindingId, HoleCause, Name, OpenHole, UnixMillis,
};
use registry::coverage::Hole;
use store::HoleRecord;

/// Blocks that some monitors did not judge, all for one cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoleGroup {
    /// Blocks.
    pub range: BlockRange,
    /// Why.
    pub cause: HoleCause,
    /// Whether they were tried again, with this result.
    pub is_tried: bool,
    /// The monitors' places in the roster, ascending.
    pub monitors: Vec<u32>,
}

/// Puts the same holes of several monitors together, ascending by block.
pub fn group(holes: impl IntoIterator<Item = (u32, Vec<Hole>)>) -> Vec<HoleGroup> {
    let mut groups: HashMap<(BlockRange, HoleCause, bool), Vec<u32>> = HashMap::new();
    for (monitor, holes) in holes {
        for hole in holes {
            groups.entry((hole.range, hole.cause, hole.is_tried)).or_default().push(monitor);
        }
    }
    let mut groups: Vec<HoleGroup> = groups
        .into_iter()
        .map(|((range, cause, is_tried), monitors)| HoleGroup { range, cause, is_tried, monitors })
        .collect();
    groups.sort_by(|a, b| {
        let order = |group: &HoleGroup| (group.range, group.cause.as_str(), group.is_tried);
        order(a).cmp(&order(b)).then_with(|| a.monitors.cmp(&b.monitors))
    });
    groups
}

/// Whether people hear of it. Not of a monitor that is blind at this moment, which `chain/blind`
/// tells when it lasts; nor of one that had to learn first, as every monitor must once.
pub fn is_told(hole: &HoleGroup, head: BlockNumber) -> bool {
    match &hole.cause {
        HoleCause::Blind(BlindReason::WarmingUp { .. }) => false,
        HoleCause::Blind(_) => hole.range.last < head,
        HoleCause::NotFollowed
        | HoleCause::Quarantined(_)
        | HoleCause::AddedLater
        | HoleCause::RuleChanged
        | HoleCause::Unrecorded => true,
    }
}

/// Whether judging these blocks again may close it. What is in quarantine is tried again by the
/// follower, and what a network does not give is not there afterwards either.
pub fn is_fillable(hole: &HoleGroup, head: BlockNumber) -> bool {
    match &hole.cause {
        HoleCause::Quarantined(_)
        | HoleCause::Blind(BlindReason::LevelTooLow { .. } | BlindReason::Untraced { .. }) => false,
        HoleCause::Blind(_) => hole.range.last < head,
        HoleCause::NotFollowed
        | HoleCause::AddedLater
        | HoleCause::RuleChanged
        | HoleCause::Unrecorded => true,
    }
}

/// What became of the holes that were open: those that changed, those that are new, and those that
/// are closed. A hole that shrinks is the same hole.
pub fn reconcile(
    network: &Name,
    open: Vec<HoleRecord>,
    now_open: &[(HoleGroup, Vec<Name>)],
    now: UnixMillis,
) -> Vec<HoleRecord> {
    let mut open: Vec<Option<HoleRecord>> = open.into_iter().map(Some).collect();
    let mut changed = Vec::new();
    let mut claimed: Vec<Option<HoleRecord>> = vec![None; now_open.len()];
    for is_exact in [true, false] {
        for ((group, names), place) in now_open.iter().zip(&mut claimed) {
            if place.is_some() {
                continue;
            }
            let is_it = |record: &&mut Option<HoleRecord>| {
                record.as_ref().is_some_and(|record| {
                    let known = &record.hole;
                    let is_alike = known.cause.as_str() == group.cause.as_str()
                        && known.range.intersection(group.range).is_some();
                    let is_same =
                        known.range.last == group.range.last && known.monitors == listed(names);
                    is_alike && (is_same || !is_exact)
                })
            };
            *place = open.iter_mut().find(is_it).and_then(Option::take);
        }
    }
    for ((group, names), record) in now_open.iter().zip(claimed) {
        let seen = record.as_ref().map(|record| (record.hole.seen_as, record.hole.seen_at));
        let (seen_as, seen_at) = seen.unwrap_or((group.range, now));
        let hole = OpenHole {
            network: network.clone(),
            range: group.range,
            cause: group.cause.clone(),
            monitors: listed(names),
            monitors_total: u32::try_from(names.len()).unwrap_or(u32::MAX),
            seen_as,
            seen_at,
        };
        match record {
            Some(record) if record.hole == hole => {}
            Some(record) => changed.push(HoleRecord { hole, ..record }),
            None => changed.push(HoleRecord { id: None, hole, finding: None, closed_at: None }),
        }
    }
    let closed = open.into_iter().flatten();
    changed.extend(closed.map(|record| HoleRecord { closed_at: Some(now), ..record }));
    changed
}

fn listed(names: &[Name]) -> Vec<Name> {
    names.iter().take(OpenHole::MONITORS_LISTED_MAX).cloned().collect()
}

/// The findings of holes that are closed now.
pub(crate) fn withdrawn(changed: &[HoleRecord]) -> Vec<FindingId> {
    let closed = changed.iter().filter(|record| record.closed_at.is_some());
    closed.filter_map(|record| record.finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn hole(first: u64, last: u64, cause: HoleCause, monitors: &[u32]) -> (HoleGroup, Vec<Name>) {
        let range = BlockRange { first, last };
        let group = HoleGroup { range, cause, is_tried: false, monitors: monitors.to_vec() };
        let names = monitors.iter().map(|at| name(&format!("m{at}"))).collect();
        (group, names)
    }

    /// Applies the changes as the store does.
    fn apply(open: &mut Vec<HoleRecord>, changed: Vec<HoleRecord>) -> usize {
        let mut closed = 0;
        for mut record in changed {
            match record.id {
                None => {
                    record.id = Some(open.len() as i64 + 100);
                    open.push(record);
                }
                Some(id) if record.closed_at.is_some() => {
                    open.retain(|known| known.id != Some(id));
                    closed += 1;
                }
                Some(id) => {
                    *open.iter_mut().find(|known| known.id == Some(id)).unwrap() = record;
                }
            }
        }
        closed
    }

    #[test]
    fn a_hole_keeps_its_identity_while_it_shrinks_and_is_closed_once() {
        let network = name("mainnet");
        let mut open = Vec::new();
        let mut look = |now: &[(HoleGroup, Vec<Name>)], at| {
            let changed = reconcile(&network, open.clone(), now, UnixMillis(at));
            let changes = changed.len();
            let closed = apply(&mut open, changed);
            (open.clone(), changes, closed)
        };
        let late = |first| hole(first, 20, HoleCause::AddedLater, &[1, 2]);
        let blind = hole(5, 6, HoleCause::Blind(BlindReason::Panicked("x".into())), &[1]);
        let (seen, ..) = look(&[late(1), blind.clone()], 10);
        assert_eq!(seen.len(), 2);
        assert_eq!(look(&[late(1), blind.clone()], 20).1, 0, "nothing changed");
        let (shrunk, changes, closed) = look(&[late(15), blind.clone()], 30);
        assert_eq!((changes, closed), (1, 0));
        assert_eq!(shrunk[0].id, seen[0].id);
        assert_eq!(shrunk[0].hole.seen_at, UnixMillis(10));
        assert_eq!(shrunk[0].hole.seen_as, BlockRange { first: 1, last: 20 });
        // One of the two monitors is done before the other.
        let one = hole(15, 20, HoleCause::AddedLater, &[2]);
        assert_eq!(look(&[one, blind], 40).0[0].id, seen[0].id);
        let (left, _, closed) = look(&[], 50);
        assert_eq!((left.len(), closed), (0, 2));
    }

    #[test]
    fn the_same_blocks_of_many_monitors_are_one_hole() {
        let of = |first, last| Hole {
            range: BlockRange { first, last },
            cause: HoleCause::AddedLater,
            is_tried: false,
        };
        let groups = group([(0, vec![of(1, 9)]), (1, vec![of(1, 9), of(12, 12)]), (2, vec![])]);
        let told: Vec<_> =
            groups.iter().map(|g| (g.range.to_string(), g.monitors.clone())).collect();
        assert_eq!(told, [("1–9".to_owned(), vec![0, 1]), ("12".to_owned(), vec![1])]);
    }

    #[test]
    fn a_monitor_that_is_blind_now_is_no_hole_yet() {
        let reason = || HoleCause::Blind(BlindReason::ReadMissing("x".into()));
        assert!(!is_told(&hole(5, 20, reason(), &[1]).0, 20));
        assert!(is_told(&hole(5, 19, reason(), &[1]).0, 20));
        let learning = HoleCause::Blind(BlindReason::WarmingUp { seen: 0, needed: 9 });
        assert!(!is_told(&hole(5, 19, learning.clone(), &[1]).0, 20));
        assert!(is_fillable(&hole(5, 19, learning, &[1]).0, 20));
        let quarantined = HoleCause::Quarantined(BlindReason::Unverified("x".into()));
        assert!(is_told(&hole(20, 20, quarantined.clone(), &[1]).0, 20));
        assert!(!is_fillable(&hole(20, 20, quarantined, &[1]).0, 20));
    }
}
