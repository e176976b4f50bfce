//! Judge what was not judged.

use anyhow::{Context, bail};
use model::{BlockRange, Name};
use registry::coverage::Ledger;
use serde_json::json;
use store::{Store, StoreError};

use super::{super::Outcome, CoverageFolder};
use crate::{
    clock,
    config::{Config, Folder, Missing},
    coverage::{HoleGroup, NetworkPlan},
    pipeline::{
        Judge, Rules,
        backfill::{Fill, Job, Limits, next_job},
    },
    terminal::{Progress, note, print_line},
};

/// Judge the blocks that monitors did not judge, by these monitors alone: from the event log where it
/// holds them, else from the network's endpoints.
///
/// Only final blocks are judged. It can be interrupted at any moment and goes on where it was. What
/// is found is told by the next `bellwether run`, marked as found late. A running `bellwether run`
/// fills holes by itself within `depth_blocks`; stop it to go deeper. Exit code 0 when no block is
/// missing afterwards, 1 when one is.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether coverage backfill\n  bellwether coverage backfill --network mainnet --monitor large-redeem --from 19000000 --to 19050000"
)]
pub(super) struct Backfill {
    #[command(flatten)]
    folder: CoverageFolder,
    /// Only this network.
    #[arg(long)]
    network: Option<Name>,
    /// Only this monitor.
    #[arg(long)]
    monitor: Option<Name>,
    /// First block.
    #[arg(long)]
    from: Option<u64>,
    /// Last block.
    #[arg(long)]
    to: Option<u64>,
    /// One JSON object a network instead of text.
    #[arg(long)]
    json: bool,
}

/// What was done on one network.
#[derive(Debug, Default)]
struct Done {
    blocks: u64,
    findings: usize,
    /// Holes that are left, within what was asked for.
    left: Vec<HoleGroup>,
}

impl Backfill {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        let folder = Folder::new(&self.folder.folder);
        let config = Config::load(&folder, Missing::IsMistake)
            .map_err(|mistakes| anyhow::anyhow!("the folder has mistakes:\n{mistakes}"))?;
        self.check(&config)?;
        let path = folder.root().join(&config.general.store);
        if !path.exists() {
            bail!("nothing was watched yet: there is no store {}", path.display());
        }
        let store = match Store::open(&path) {
            Err(StoreError::InUse { .. }) => bail!(
                "{} is in use by a running bellwether, which fills holes by itself within depth_blocks of [backfill]; stop it to fill others",
                path.display()
            ),
            opened => opened.with_context(|| format!("opening the store {}", path.display()))?,
        };
        let plan = config.coverage();
        let mut is_whole = true;
        for network in plan.networks.values() {
            if self.network.as_ref().is_none_or(|name| *name == network.network) {
                let done = self.network(&config, &store, network).await?;
                is_whole &= done.left.is_empty();
                self.print(network, &done);
            }
        }
        Ok(if is_whole { Outcome::Fine } else { Outcome::FoundWrong })
    }

    fn check(&self, config: &Config) -> anyhow::Result<()> {
        let networks: Vec<&Name> = config.networks.iter().map(|n| &n.chain.name).collect();
        if let Some(network) = self.network.as_ref().filter(|name| !networks.contains(name)) {
            let known: Vec<&str> = networks.iter().map(|name| name.as_str()).collect();
            bail!("unknown network {:?} (declared: {})", network.as_str(), known.join(", "));
        }
        let is_known = |name: &&Name| config.monitors.iter().any(|spec| spec.name == **name);
        if let Some(monitor) = self.monitor.as_ref().filter(|name| !is_known(name)) {
            let known: Vec<&str> = config.monitors.iter().map(|spec| spec.name.as_str()).collect();
            bail!("unknown monitor {:?} (declared: {})", monitor.as_str(), known.join(", "));
        }
        if let (Some(from), Some(to)) = (self.from, self.to)
            && from > to
        {
            bail!("--from {from} is after --to {to}");
        }
        Ok(())
    }

    async fn network(
        &self,
        config: &Config,
        store: &Store,
        plan: &NetworkPlan,
    ) -> anyhow::Result<Done> {
        let rules = Rules {
            registry: config.registry.clone(),
            monitors: std::sync::Arc::new(config.monitors.clone()),
            policy: std::sync::Arc::new(config.policy.clone()),
            plan: config.plan.clone(),
            // They are asked about the present alone.
            outside: std::sync::Arc::default(),
        };
        let endpoints = config.networks.iter().find(|n| n.chain.name == plan.network);
        let endpoints = &endpoints.context("a plan without its network")?.chain;
        let mut judge = Judge::open(plan.network.clone(), store.clone(), rules.clone())?;
        let mut done = Done::default();
        let mut progress = Progress::new();
        let mut tried: Vec<Job> = Vec::new();
        loop {
            let (holes, limits) = self.look(store, plan)?;
            done.left = holes;
            let Some(limits) = limits else { break };
            // Each job once: a hole that stays open after it was judged again will stay.
            let waiting: Vec<HoleGroup> = done
                .left
                .iter()
                .filter(|hole| {
                    let is_of = |job: &Job| {
                        job.range.intersection(hole.range).is_some()
                            && hole.monitors.iter().all(|m| job.monitors.contains(m))
                    };
                    !tried.iter().any(is_of)
                })
                .cloned()
                .collect();
            let Some(job) = next_job(&waiting, &limits) else { break };
            let warm_up_blocks = config.general.backfilling.warm_up_blocks;
            let mut fill = Fill::new(store, endpoints, &rules, plan, warm_up_blocks, job.clone())?;
            while let Some(filled) = fill.next().await? {
                let last = filled.range.last;
                done.blocks += filled.range.blocks();
                done.findings += judge.take_filled(filled, clock::now())?.findings;
                progress.show(&format!(
                    "{} blocks {}: {} of {} blocks judged by {} monitors",
                    plan.network,
                    job.range,
                    last - job.range.first + 1,
                    job.range.blocks(),
                    job.monitors.len()
                ));
            }
            tried.push(job);
        }
        progress.clear();
        let (holes, _) = self.look(store, plan)?;
        done.left = holes;
        Ok(done)
    }

    /// The holes that were asked about, and what may be judged.
    fn look(
        &self,
        store: &Store,
        plan: &NetworkPlan,
    ) -> anyhow::Result<(Vec<HoleGroup>, Option<Limits>)> {
        let rows = store.ledger(&plan.network)?;
        let ledger = Ledger::new(&rows, &plan.roster);
        let head = ledger.span().map_or(0, |span| span.last);
        let wanted = BlockRange::new(self.from.unwrap_or(0), self.to.unwrap_or(u64::MAX));
        let meant = |hole: HoleGroup| {
            let monitors: Vec<u32> = hole
                .monitors
                .iter()
                .copied()
                .filter(|&at| {
                    let name = &plan.roster.monitors[at as usize].name;
                    self.monitor.as_ref().is_none_or(|monitor| monitor == name)
                })
                .collect();
            let range = wanted?.intersection(hole.range)?;
            (!monitors.is_empty()).then_some(HoleGroup { range, monitors, ..hole })
        };
        let holes = plan.holes(&ledger).into_iter().filter_map(meant).collect();
        let finalized = store.checkpoint(&plan.network)?.and_then(|c| c.finalized);
        let limits = finalized.and_then(|finalized| {
            let range = BlockRange { first: 0, last: finalized.number };
            Some(Limits { range: wanted?.intersection(range)?, head, is_retrying: true })
        });
        Ok((holes, limits))
    }

    fn print(&self, plan: &NetworkPlan, done: &Done) {
        if self.json {
            let left = done.left.iter().map(|hole| {
                json!({
                    "from": hole.range.first,
                    "to": hole.range.last,
                    "cause": hole.cause.as_str(),
                    "reason": hole.cause.to_string(),
                    "monitors": plan.names(&hole.monitors),
                })
            });
            print_line(&json!({
                "network": plan.network,
                "blocks": done.blocks,
                "findings": done.findings,
                "missing": left.collect::<Vec<_>>(),
            }));
            return;
        }
        print_line(&format!(
            "{}: {} blocks judged afterwards, {} findings; {} holes left",
            plan.network,
            done.blocks,
            done.findings,
            done.left.len()
        ));
        for hole in &done.left {
            let names: Vec<String> =
                plan.names(&hole.monitors).iter().map(ToString::to_string).collect();
            print_line(&format!("  blocks {}: {}; {}", hole.range, hole.cause, names.join(", ")));
        }
        if done.findings > 0 {
            note(&"what was found is told by the next `bellwether run`");
        }
    }
}
