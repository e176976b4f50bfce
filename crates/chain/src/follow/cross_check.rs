//! Asks the other endpoints before believing one.

use std::collections::HashMap;

use model::{B256, BlockNumber, Name};

use super::{
    cursor::Link,
    follower::Follower,
    status::{Condition, ConditionKind},
};
use crate::{Source, View};

/// While catching up, every so many blocks are compared: each agreement vouches for all before it.
const CATCH_UP_STRIDE: BlockNumber = 32;

/// What the others say about a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CrossChecked {
    /// Nobody contradicts, or a majority agrees, or nobody could be asked.
    Agreed,
    /// A majority contradicts: whoever served the block is left out from now on.
    Outvoted,
    /// As many say this as that. The text names who says what.
    Split(String),
}

/// How the endpoints are divided about one height.
#[derive(Debug, PartialEq, Eq)]
enum Division {
    NobodyElse,
    Unanimous,
    Carried { dissenters: Vec<Name> },
    Outvoted,
    Split,
}

fn divide(views: &[View], ours: B256, served_by: &Name) -> Division {
    if !views.iter().any(|view| view.endpoint != *served_by) {
        return Division::NobodyElse;
    }
    let mut votes: HashMap<B256, usize> = HashMap::new();
    for view in views {
        *votes.entry(view.hash).or_default() += 1;
    }
    let for_ours = votes.remove(&ours).unwrap_or(0);
    let against = votes.into_values().max().unwrap_or(0);
    if against == 0 {
        Division::Unanimous
    } else if for_ours > against {
        let dissenters = views.iter().filter(|view| view.hash != ours);
        Division::Carried { dissenters: dissenters.map(|view| view.endpoint.clone()).collect() }
    } else if against > for_ours {
        Division::Outvoted
    } else {
        Division::Split
    }
}

impl<S: Source> Follower<S> {
    /// Compares the block with what the other endpoints hold. `best` is the highest head.
    pub(super) async fn cross_check(
        &mut self,
        link: Link,
        served_by: &Name,
        best: BlockNumber,
    ) -> CrossChecked {
        let Some(cross_check) = self.config.cross_check else { return CrossChecked::Agreed };
        let number = link.block.number;
        let distance = best.saturating_sub(number);
        let is_near_head = distance < 2 * self.config.limits.parallel_blocks as u64;
        if !is_near_head && !number.is_multiple_of(CATCH_UP_STRIDE) {
            return CrossChecked::Agreed;
        }
        let compared = match cross_check.depth_blocks {
            0 => Some(link.block),
            depth => number.checked_sub(depth).and_then(|height| self.cursor.at(height)),
        };
        // Right after the start there is nothing so deep yet.
        let Some(compared) = compared else { return CrossChecked::Agreed };

        let mut views = self.source.views(compared.number).await;
        if cross_check.depth_blocks == 0 && views.iter().all(|view| view.endpoint != *served_by) {
            views.push(View { endpoint: served_by.clone(), hash: compared.hash });
        }
        let unchecked = Condition::NotCrossChecked { block: link.block };
        let division = divide(&views, compared.hash, served_by);
        if division == Division::NobodyElse {
            self.status.send_modify(|status| status.set(unchecked));
            return CrossChecked::Agreed;
        }
        self.status.send_modify(|status| status.clear(&[ConditionKind::NotCrossChecked]));
        if division == Division::Unanimous {
            return CrossChecked::Agreed;
        }

        let told = describe(&views);
        tracing::error!(
            network = %self.config.name, number = compared.number, views = told,
            "endpoints disagree"
        );
        let number = compared.number;
        self.status.send_modify(|status| {
            status.set(Condition::Disagreement { number, views: told.clone() });
        });
        let why = format!("contradicted by a majority about block {number}");
        match division {
            Division::Carried { dissenters } => {
                for endpoint in &dissenters {
                    self.source.distrust(endpoint, &why);
                }
                CrossChecked::Agreed
            }
            Division::Outvoted => {
                self.source.distrust(served_by, &why);
                CrossChecked::Outvoted
            }
            _ => CrossChecked::Split(told),
        }
    }
}

fn describe(views: &[View]) -> String {
    let one = |view: &View| format!("{} sees 0x{}…", view.endpoint, hex::encode(&view.hash[..4]));
    views.iter().map(one).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn views(hashes: &[u8]) -> Vec<View> {
        let view = |(place, &hash): (usize, &u8)| View {
            endpoint: Name::new(&format!("e{place}")).unwrap(),
            hash: B256::repeat_byte(hash),
        };
        hashes.iter().enumerate().map(view).collect()
    }

    #[test]
    fn a_majority_decides_and_a_tie_does_not() {
        let ours = B256::repeat_byte(1);
        let server = Name::new("e0").unwrap();
        let divide = |hashes: &[u8]| divide(&views(hashes), ours, &server);
        assert_eq!(divide(&[1]), Division::NobodyElse);
        assert_eq!(divide(&[1, 1]), Division::Unanimous);
        assert_eq!(divide(&[1, 2]), Division::Split);
        assert_eq!(divide(&[1, 2, 2]), Division::Outvoted);
        assert_eq!(divide(&[1, 2, 3]), Division::Split);
        let dissenters = vec![Name::new("e2").unwrap()];
        assert_eq!(divide(&[1, 1, 2]), Division::Carried { dissenters });
    }
}
