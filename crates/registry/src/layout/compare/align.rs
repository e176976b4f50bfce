//! Which old thing is which new thing: the pairing of two ordered lists that costs least.
//!
//! Comparing position by position would call one insertion in the middle a change of everything
//! after it. This is the classic edit distance, with a caller that says what a pairing costs.

/// Cost of a thing that is only in one of the lists. Pairings cost less when they are likely.
pub(super) const ALONE: u32 = 3;

/// One step of the way from the old list to the new one, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The same thing in both, by index.
    Pair(usize, usize),
    /// Only in the old list.
    Old(usize),
    /// Only in the new list.
    New(usize),
}

/// The cheapest way; `cost` is `None` for two things that are never the same. Of equally cheap ways
/// the one that pairs earlier things.
pub(super) fn align(
    old: usize,
    new: usize,
    mut cost: impl FnMut(usize, usize) -> Option<u32>,
) -> Vec<Step> {
    // best[i][j] is the cost of turning old[i..] into new[j..].
    let width = new + 1;
    let mut best = vec![0_u32; (old + 1) * width];
    let mut pairing = vec![None; old * new];
    for i in (0..=old).rev() {
        for j in (0..=new).rev() {
            best[i * width + j] = if i == old {
                alone(new - j)
            } else if j == new {
                alone(old - i)
            } else {
                pairing[i * new + j] = cost(i, j);
                let drop_old = best[(i + 1) * width + j].saturating_add(ALONE);
                let take_new = best[i * width + j + 1].saturating_add(ALONE);
                let pair = pairing[i * new + j]
                    .map_or(u32::MAX, |c| best[(i + 1) * width + j + 1].saturating_add(c));
                pair.min(drop_old).min(take_new)
            };
        }
    }
    let mut steps = Vec::with_capacity(old.max(new));
    let (mut i, mut j) = (0, 0);
    while i < old || j < new {
        let here = best[i * width + j];
        let paired = (i < old && j < new).then(|| pairing[i * new + j]).flatten();
        if paired.is_some_and(|c| best[(i + 1) * width + j + 1].saturating_add(c) == here) {
            steps.push(Step::Pair(i, j));
            (i, j) = (i + 1, j + 1);
        } else if i < old && best[(i + 1) * width + j].saturating_add(ALONE) == here {
            steps.push(Step::Old(i));
            i += 1;
        } else {
            steps.push(Step::New(j));
            j += 1;
        }
    }
    steps
}

fn alone(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX).saturating_mul(ALONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(old: &str, new: &str) -> Vec<Step> {
        let (old, new) = (old.as_bytes(), new.as_bytes());
        align(old.len(), new.len(), |i, j| (old[i] == new[j]).then_some(0))
    }

    #[test]
    fn an_insertion_in_the_middle_is_one_insertion() {
        use Step::{New, Pair};
        assert_eq!(words("abc", "axbc"), [Pair(0, 0), New(1), Pair(1, 2), Pair(2, 3)]);
    }

    #[test]
    fn nothing_in_common_is_all_old_and_all_new() {
        use Step::{New, Old};
        assert_eq!(words("ab", "c"), [Old(0), Old(1), New(0)]);
        assert_eq!(words("", ""), []);
    }

    proptest::proptest! {
        #[test]
        fn every_thing_is_named_once_and_in_order(old in "[abc]{0,9}", new in "[abc]{0,9}") {
            let steps = words(&old, &new);
            let left: Vec<usize> = steps.iter()
                .filter_map(|s| match s { Step::Pair(i, _) | Step::Old(i) => Some(*i), Step::New(_) => None })
                .collect();
            let right: Vec<usize> = steps.iter()
                .filter_map(|s| match s { Step::Pair(_, j) | Step::New(j) => Some(*j), Step::Old(_) => None })
                .collect();
            proptest::prop_assert_eq!(left, (0..old.len()).collect::<Vec<_>>());
            proptest::prop_assert_eq!(right, (0..new.len()).collect::<Vec<_>>());
        }
    }
}
