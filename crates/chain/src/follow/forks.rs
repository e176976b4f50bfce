//! What to do about blocks that do not follow ours.

use std::time::Duration;

use model::{BlockRef, ChainEvent};
use tokio::time::Instant;

use super::{
    branch::{Branch, Evidence, Relation, Weighed, judge},
    cursor::{Cursor, Link},
    follower::{Closed, Follower, Step},
    status::{Condition, ConditionKind},
};
use crate::{At, Head, Missing, Source};

/// A branch that contradicts ours and is not believed yet.
#[derive(Debug)]
pub(super) struct StandingFork {
    /// As walked so far; saves asking for its headers again.
    branch: Branch,
    /// When its oldest block was first seen.
    since: Instant,
}

impl<S: Source> Follower<S> {
    /// Nobody shows a block after our head. Does anybody show another chain?
    ///
    /// A head that is one of our blocks only lags, and one below all we remember says nothing.
    pub(super) async fn mind_rivals(&mut self, heads: &[Head]) -> Result<Step, Closed> {
        self.status.send_modify(|status| status.catching_up = None);
        let is_rival =
            |link: &Link| self.cursor.at(link.block.number).is_some_and(|ours| ours != link.block);
        let rivals = heads.iter().map(|head| head.seen.link).filter(is_rival);
        match rivals.max_by_key(|link| link.block.number) {
            Some(rival) => self.consider(Branch::new(rival)).await,
            None => {
                self.fork = None;
                self.end_contest();
                Ok(Step::Rest(self.poll_interval()))
            }
        }
    }

    /// Walks a branch down to our chain and weighs it.
    pub(super) async fn consider(&mut self, branch: Branch) -> Result<Step, Closed> {
        let newest = branch.newest();
        let (branch, relation) = match self.walk(branch, &self.cursor).await {
            Ok(walked) => walked,
            Err(missing) => {
                // Whoever showed the branch cannot show where it comes from: nothing is proven.
                let reason = missing.to_string();
                let number = newest.block.number;
                self.status.send_modify(|status| {
                    status.set(Condition::BlockMissing { number, reason });
                });
                return Ok(Step::Rest(self.poll_interval()));
            }
        };
        match relation {
            Relation::Known | Relation::Open { .. } => Ok(Step::Rest(self.poll_interval())),
            Relation::Continues => {
                self.plan = branch.upwards().collect();
                Ok(Step::Again)
            }
            Relation::Below => {
                tracing::error!(
                    network = %self.config.name, newest = %newest.block,
                    "chain leaves ours before everything we remember"
                );
                self.status.send_modify(|status| {
                    status.set(Condition::ForkBelowWindow { newest: newest.block });
                });
                Ok(Step::Rest(self.poll_interval()))
            }
            Relation::Fork { ancestor } => self.weigh(branch, ancestor).await,
        }
    }

    async fn weigh(&mut self, branch: Branch, ancestor: BlockRef) -> Result<Step, Closed> {
        let Some(head) = self.cursor.head() else { return Ok(Step::Again) };
        let newest = branch.newest().block;
        let since = match &self.fork {
            Some(standing) if standing.branch.oldest() == branch.oldest() => standing.since,
            _ => Instant::now(),
        };
        let views = self.source.views(newest.number).await;
        let ours = self.cursor.at(newest.number).map(|ours| ours.hash);
        let evidence = Evidence {
            newest: newest.number,
            ancestor: ancestor.number,
            head: head.number,
            finalized: self.cursor.finalized.map(|block| block.number),
            for_branch: views.iter().filter(|view| view.hash == newest.hash).count(),
            for_ours: views.iter().filter(|view| Some(view.hash) == ours).count(),
            endpoints: self.config.endpoints.len(),
            stood_ms: since.elapsed().as_millis() as u64,
            patience_ms: self.config.timing.reorg_patience_ms,
        };
        match judge(&evidence) {
            Weighed::Accept => {
                self.plan = branch.upwards().collect();
                self.fork = None;
                self.end_contest();
                self.revert_to(ancestor).await?;
                Ok(Step::Again)
            }
            Weighed::Wait(why) => {
                tracing::warn!(
                    network = %self.config.name, %newest, %ancestor, ?why,
                    "branch contradicts ours and is not followed yet"
                );
                self.fork = Some(StandingFork { branch, since });
                self.status.send_modify(|status| {
                    status.set(Condition::Contested { newest, ancestor, why });
                });
                Ok(Step::Rest(self.poll_interval()))
            }
        }
    }

    /// Tells that everything above `ancestor` is undone.
    pub(super) async fn revert_to(&mut self, ancestor: BlockRef) -> Result<(), Closed> {
        let undone = self.cursor.above(ancestor.number);
        if undone.is_empty() {
            return Ok(());
        }
        let undone_final = self.cursor.finalized.filter(|block| block.number > ancestor.number);
        if let Some(finalized) = undone_final {
            tracing::error!(
                network = %self.config.name, %finalized, %ancestor, "final block was undone"
            );
        }
        self.status.send_modify(|status| {
            status.reorgs += 1;
            if let Some(finalized) = undone_final {
                status.set(Condition::FinalUndone { finalized, ancestor });
            }
        });
        self.setback = None;
        let network = self.config.name.clone();
        self.tell(ChainEvent::Reverted { network, undone, ancestor }).await
    }

    /// Walks down until the branch meets `ours`, or passes below it.
    pub(super) async fn walk(
        &self,
        mut branch: Branch,
        ours: &Cursor,
    ) -> Result<(Branch, Relation), Missing> {
        loop {
            let relation = branch.relate(ours);
            let Relation::Open { parent } = relation else { return Ok((branch, relation)) };
            let walked_before =
                self.fork.as_ref().and_then(|standing| standing.branch.link(parent));
            let link = match walked_before {
                Some(link) => link,
                None => Link::from(&self.source.header(At::Block(parent)).await?),
            };
            if branch.walk_down(link).is_err() {
                // Sources compare what they give with what was asked for.
                debug_assert!(false, "source gave {link:?} for {parent}");
                return Ok((branch, Relation::Below));
            }
        }
    }

    fn end_contest(&self) {
        self.status.send_modify(|status| {
            status.clear(&[ConditionKind::Contested, ConditionKind::ForkBelowWindow]);
        });
    }

    pub(super) fn poll_interval(&self) -> Duration {
        Duration::from_millis(self.config.timing.poll_interval_ms)
    }
}
