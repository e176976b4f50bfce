//! Which branches could take an alert, without asking each of them.
//!
//! A branch is filed under one of its matchers: under the values that the matcher can only fit where
//! they can be listed, else under its regular expression, and all expressions over one label are
//! tried in one pass. What has neither (only `!=`, a severity, hours) is asked each time.

use regex::{RegexSet, RegexSetBuilder};
use rustc_hash::FxHashMap;

use super::Branch;
use crate::{
    Labels, Op,
    matcher::{Matcher, anchored},
};

/// Most memory that the joint expressions of one label may take once compiled; those beyond are
/// asked one by one.
const SET_SIZE_MAX: usize = 64 * 1024 * 1024;

/// Files the branches of one parent by their place among it.
#[derive(Debug, Clone, Default)]
pub(super) struct Index {
    by_value: Vec<(String, FxHashMap<String, Vec<u32>>)>,
    by_expression: Vec<(String, RegexSet, Vec<u32>)>,
    /// Filed under nothing.
    rest: Vec<u32>,
}

impl Index {
    pub(super) fn new<'a>(branches: impl Iterator<Item = &'a Branch> + Clone) -> Self {
        let mut crowd: FxHashMap<(&str, &str), u32> = FxHashMap::default();
        let listed = |branch: &'a Branch| {
            branch.matchers.iter().filter_map(|m| Some((m.label(), m.values()?)))
        };
        for (label, values) in branches.clone().flat_map(listed) {
            for value in values {
                *crowd.entry((label, value)).or_default() += 1;
            }
        }
        let mut by_value: FxHashMap<&str, FxHashMap<String, Vec<u32>>> = FxHashMap::default();
        let mut expressions: FxHashMap<&str, Vec<(&Matcher, u32)>> = FxHashMap::default();
        let mut rest = Vec::new();
        for (branch, place) in branches.zip(0u32..) {
            // Under the matcher that tells it apart best.
            let company = |label: &str, values: &[&str]| -> u32 {
                values.iter().filter_map(|value| crowd.get(&(label, *value))).sum()
            };
            let best = listed(branch).min_by_key(|(label, values)| company(label, values));
            let expression = branch.matchers.iter().find(|matcher| matcher.op() == Op::Like);
            if let Some((label, mut values)) = best {
                values.sort_unstable();
                values.dedup();
                let file = by_value.entry(label).or_default();
                for value in values {
                    file.entry(value.to_owned()).or_default().push(place);
                }
            } else if let Some(matcher) = expression {
                expressions.entry(matcher.label()).or_default().push((matcher, place));
            } else {
                rest.push(place);
            }
        }
        let mut by_expression = Vec::new();
        for (label, filed) in expressions {
            let joint = filed.iter().map(|(matcher, _)| anchored(matcher.value()));
            let places = filed.iter().map(|(_, place)| *place);
            match RegexSetBuilder::new(joint).size_limit(SET_SIZE_MAX).build() {
                Ok(set) => by_expression.push((label.to_owned(), set, places.collect())),
                Err(_) => rest.extend(places),
            }
        }
        let by_value = by_value.into_iter().map(|(label, file)| (label.to_owned(), file)).collect();
        Self { by_value, by_expression, rest }
    }

    /// Places of the branches that could take alerts with these labels, in order. Each branch is
    /// filed under one matcher, so none comes twice.
    pub(super) fn candidates(&self, labels: &Labels) -> Vec<u32> {
        let mut places = self.rest.clone();
        for (label, file) in &self.by_value {
            places.extend(file.get(labels.get(label)).into_iter().flatten());
        }
        for (label, set, filed) in &self.by_expression {
            places.extend(set.matches(labels.get(label)).iter().map(|at| filed[at]));
        }
        places.sort_unstable();
        places
    }
}
