//! Fetches a stretch of blocks in parallel and takes them in order.

use std::{collections::VecDeque, time::Duration};

use model::{BlockBundle, BlockNumber};

use super::{
    branch::{Branch, Relation},
    cross_check::CrossChecked,
    cursor::Link,
    follower::{Closed, Follower, Step},
    quarantine::Trouble,
    status::CatchUp,
    task::Task,
};
use crate::{At, Missing, Source};

/// Blocks taken before looking up: finality, recovered blocks and new heads get their turn. At a
/// thousand blocks per second of catching up, this is 64 ms.
const STRETCH_BLOCKS: u64 = 64;

type Fetch = Task<Result<BlockBundle, Missing>>;

impl<S: Source> Follower<S> {
    /// Takes blocks from `next` up to `best`, or as far as one stretch goes.
    pub(super) async fn catch_up(
        &mut self,
        next: BlockNumber,
        best: BlockNumber,
    ) -> Result<Step, Closed> {
        let stretch_end = best.min(next.saturating_add(STRETCH_BLOCKS - 1));
        self.status.send_modify(|status| {
            status.catching_up = (next < best).then_some(CatchUp { next, last: best });
        });

        let mut targets = self.targets(next, stretch_end);
        let mut fetches: VecDeque<(At, Fetch)> = VecDeque::new();
        loop {
            while fetches.len() < self.config.limits.parallel_blocks
                && let Some(at) = targets.pop_front()
            {
                fetches.push_back((at, self.fetch(at)));
            }
            let Some((at, fetch)) = fetches.pop_front() else { return Ok(Step::Again) };
            let bundle = match fetch.await {
                Ok(bundle) => bundle,
                Err(missing) => {
                    let trouble = Trouble::from_missing(&missing);
                    return self.set_back(at, None, trouble, best).await;
                }
            };
            let link = Link::from(&bundle.header);
            let branch = Branch::new(link);
            if branch.relate(&self.cursor) != Relation::Continues {
                return self.consider(branch).await;
            }
            match self.cross_check(link, &bundle.endpoint, best).await {
                CrossChecked::Agreed => self.commit(bundle).await?,
                CrossChecked::Outvoted => return Ok(Step::Rest(Duration::ZERO)),
                CrossChecked::Split(views) => {
                    let trouble = Trouble::disagreement(&views);
                    return self.set_back(at, Some(link), trouble, best).await;
                }
            }
        }
    }

    /// What to fetch: a judged branch by hash, anything else by number.
    fn targets(&mut self, next: BlockNumber, end: BlockNumber) -> VecDeque<At> {
        if self.plan.front().is_some_and(|planned| planned.number != next) {
            self.plan.clear();
        }
        let mut targets: VecDeque<At> = self.plan.iter().copied().map(At::Block).collect();
        let after_plan = next + targets.len() as u64;
        targets.extend((after_plan..=end).map(At::Number));
        targets.truncate((end - next + 1) as usize);
        targets
    }

    fn fetch(&self, at: At) -> Fetch {
        let source = self.source.clone();
        let want = self.want(self.is_last_attempt(at));
        Task::spawn(async move { source.bundle(at, &want).await })
    }
}
