//! The attacks, one after the other, told as they happen.

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use evm::{
    devnet::Endpoint,
    scenarios::{self, Scenario},
};
use model::{Alert, AlertId, B256, BlockRef, Name, NotificationState};
use serde_json::json;
use store::{AlertFilter, Store};
use tokio::time::{sleep, sleep_until};

use super::{
    EmbeddedProject, ScenarioResult, Summary,
    judge::{PAGES_FROM, is_benign_page, is_retracted, tells_of, tells_the_point},
    responder::Responder,
    world::{HISTORY_BLOCKS, World},
};
use crate::{
    clock,
    config::{Config, Missing},
    mail_sink::MailSink,
    server::Server,
    terminal::{Progress, Style, note, print_line},
};

/// Blocks of everyday traffic between two attacks.
const QUIET_BLOCKS: u32 = 4;

/// Slowest and fastest that blocks follow each other.
const PACE_MAX: Duration = Duration::from_millis(1_000);
const PACE_MIN: Duration = Duration::from_millis(120);

/// What is kept back of the whole time for the last deliveries and the summary.
const RESERVE: Duration = Duration::from_secs(6);

/// How long the monitor may take to judge what was made before something is wrong with it.
const CATCH_UP_MAX: Duration = Duration::from_secs(120);

/// How long after its last block an attack may still be found and delivered.
const SETTLE_MAX: Duration = Duration::from_secs(5);

/// How the demonstration runs.
#[derive(Debug, Clone)]
pub struct DemoOptions {
    /// Ends by itself after this long; without, everyday life goes on until Ctrl-C.
    pub exit_after: Option<Duration>,
    /// Machine-readable output.
    pub json: bool,
    /// Where the page listens.
    pub listen: std::net::SocketAddr,
}

/// A running demonstration.
pub struct Demo {
    options: DemoOptions,
    began: Instant,
    world: World,
    mails: MailSink,
    server: Server,
    store: Store,
    network: Name,
    /// Alerts that were told on the terminal already, with the state they were in.
    told: HashMap<AlertId, model::AlertState>,
    /// Blocks in which somebody attacked.
    attacked: HashSet<B256>,
    /// Alerts that somebody is on.
    answered: HashSet<AlertId>,
    style: Style,
    /// Closes the node's port when dropped.
    _node: Endpoint,
    /// Removes the store when dropped.
    _folder: tempfile::TempDir,
}

impl Demo {
    /// Makes the world, lets it live through its history, and starts the monitor on it.
    ///
    /// # Errors
    /// When a port cannot be had or the example is broken.
    pub async fn start(options: DemoOptions) -> anyhow::Result<Self> {
        let began = Instant::now();
        let style = Style::stdout();
        let mut world = World::new()?;
        let mut progress = Progress::new();
        for made in 0..HISTORY_BLOCKS {
            world.everyday()?;
            if made % 25 == 0 {
                progress.show(&format!("making history: {made} of {HISTORY_BLOCKS} blocks"));
                tokio::task::yield_now().await;
            }
        }
        progress.clear();
        let node =
            world.devnet.serve(([127, 0, 0, 1], 0).into()).await.context("serving the chain")?;
        let mails =
            MailSink::start(([127, 0, 0, 1], 0).into()).await.context("starting the mailbox")?;
        let folder = tempfile::tempdir().context("making a folder for the store")?;
        let project = EmbeddedProject::default()
            .with_variable("RPC_DEVNET", node.url())
            .with_variable("RPC_DEVNET_WS", node.ws_url())
            .with_line("port = 2525", format!("port = {}", mails.address().port()))
            .with_line("listen = \"127.0.0.1:7410\"", format!("listen = \"{}\"", options.listen));
        let config =
            Config::load(&project, Missing::IsMistake).context("the example has mistakes")?;
        let config = without_terminal(config);
        let network =
            config.networks.first().context("the example names a network")?.chain.name.clone();
        let store = Store::open(folder.path().join("bellwether.db"))?;
        let server =
            Server::start(&config, store.clone(), Some(mails.inbox().clone()), None).await?;
        let (told, attacked, answered) = (HashMap::new(), HashSet::new(), HashSet::new());
        let demo = Self {
            options,
            began,
            world,
            mails,
            server,
            store,
            network,
            told,
            attacked,
            answered,
            style,
            _node: node,
            _folder: folder,
        };
        Ok(demo)
    }

    /// Tells the whole story.
    ///
    /// # Errors
    /// When the world or the monitor breaks.
    pub async fn run(mut self) -> anyhow::Result<Summary> {
        self.introduce();
        self.catch_up().await?;
        let mut results = Vec::new();
        for scenario in scenarios::all() {
            self.quiet().await?;
            results.push(self.attack(scenario).await?);
        }
        self.quiet().await?;
        if self.options.exit_after.is_none() {
            self.say(&format!(
                "\nEvery attack is over. Everyday life goes on at {} until Ctrl-C.",
                self.server.url()
            ));
            self.live_on().await?;
        }
        let summary = self.summary(results)?;
        self.conclude(&summary);
        self.server.stop().await;
        Ok(summary)
    }

    fn introduce(&self) {
        let bold = |text: &str| self.style.bold(text);
        self.say(&format!(
            "{} a protocol, its traffic and its attacks, watched\n",
            bold("Bellwether demo:")
        ));
        self.say(&format!("  page   {}", bold(&self.server.url())));
        self.say(&format!("  mail   {}/mail", self.server.url()));
        self.say(&format!(
            "  chain  {} blocks of everyday traffic so far, 12 s of chain time each; the chain's clock runs fast\n",
            HISTORY_BLOCKS
        ));
    }

    /// Waits until the monitor has judged the history.
    async fn catch_up(&mut self) -> anyhow::Result<()> {
        let began = Instant::now();
        self.judged_up_to_head(CATCH_UP_MAX).await?;
        let pages = self.alerts()?.iter().filter(|alert| alert.severity >= PAGES_FROM).count();
        self.say(&format!(
            "  history judged in {:.1} s: {pages} pages\n",
            began.elapsed().as_secs_f64()
        ));
        Ok(())
    }

    async fn judged_up_to_head(&self, patience: Duration) -> anyhow::Result<()> {
        let deadline = Instant::now() + patience;
        let mut progress = Progress::new();
        loop {
            let head = self.world.devnet.head();
            let coverage = self.store.coverage(&self.network, head.number, 1)?;
            if coverage.first().is_some_and(|row| row.block == head) {
                return Ok(());
            }
            let waiting = self.server.networks().iter().find_map(|n| n.following.borrow().told);
            let told = waiting.map_or(0, |told| told.block.number);
            ensure!(
                Instant::now() < deadline,
                "the monitor did not judge block {head} within {} s; it was told of block {told}",
                patience.as_secs()
            );
            progress.show(&format!("judging: block {told} of {}", head.number));
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// How long a block takes so that the story ends in time.
    fn pace(&self, blocks_left: u32) -> Duration {
        let Some(exit_after) = self.options.exit_after else { return PACE_MAX };
        let left = exit_after.saturating_sub(self.began.elapsed()).saturating_sub(RESERVE);
        (left / blocks_left.max(1)).clamp(PACE_MIN, PACE_MAX)
    }

    fn blocks_left(&self, from: &str) -> u32 {
        let rest = scenarios::all().iter().skip_while(|scenario| scenario.name != from);
        rest.map(|scenario| scenario.blocks() + QUIET_BLOCKS).sum::<u32>() + QUIET_BLOCKS
    }

    async fn quiet(&mut self) -> anyhow::Result<()> {
        for _ in 0..QUIET_BLOCKS {
            let next = tokio::time::Instant::now() + PACE_MIN;
            self.world.everyday()?;
            self.tell_alerts()?;
            sleep_until(next).await;
        }
        self.judged_up_to_head(CATCH_UP_MAX).await?;
        self.tell_alerts()
    }

    async fn attack(&mut self, scenario: &'static Scenario) -> anyhow::Result<ScenarioResult> {
        self.say(&format!("{} {}", self.style.bold(scenario.name), self.style.dim(scenario.story)));
        let pace = self.pace(self.blocks_left(scenario.name));
        let mut run = scenario.begin();
        let known: HashSet<AlertId> = self.told.keys().copied().collect();
        let mut blocks: Vec<BlockRef> = Vec::new();
        loop {
            let next = tokio::time::Instant::now() + pace;
            let Some((what, block)) = self.world.attack(&mut run)? else { break };
            if blocks.is_empty() || what != "life goes on" {
                self.say(&format!(
                    "  {} {what}",
                    self.style.dim(&format!("block {}", block.number))
                ));
            }
            blocks.push(block);
            self.attacked.insert(block.hash);
            while tokio::time::Instant::now() < next {
                self.tell_alerts()?;
                sleep(Duration::from_millis(15)).await;
            }
        }
        self.judged_up_to_head(CATCH_UP_MAX).await?;
        self.tell_alerts()?;
        let mut result = self.settle(scenario, &blocks, &known).await?;
        result.acknowledged_by = self.acknowledge().await?;
        self.say(&self.verdict(&result));
        Ok(result)
    }

    /// Waits for the last deliveries about an attack, and says what came of it.
    async fn settle(
        &mut self,
        scenario: &'static Scenario,
        blocks: &[BlockRef],
        known: &HashSet<AlertId>,
    ) -> anyhow::Result<ScenarioResult> {
        let deadline = Instant::now() + SETTLE_MAX;
        loop {
            self.tell_alerts()?;
            let result = self.result(scenario, blocks, known)?;
            let is_settled = result.detected && !result.delivered_to.is_empty();
            if is_settled || Instant::now() >= deadline {
                return Ok(result);
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Whoever was woken says that they are on it, like a person would by the link in the mail.
    async fn acknowledge(&mut self) -> anyhow::Result<Option<Name>> {
        let deadline = Instant::now() + SETTLE_MAX;
        let inbox = self.server.pager_inbox();
        let mut said: Option<(u64, Responder)> = None;
        while Instant::now() < deadline {
            match said {
                Some((sequence, responder)) => match inbox.outcome(sequence)? {
                    Some(taken) => {
                        taken.map_err(anyhow::Error::msg).context("acknowledging the pages")?;
                        self.answered.extend(responder.alerts);
                        return Ok(Some(responder.name));
                    }
                    None => said = Some((sequence, responder)),
                },
                None => {
                    let is_new = |alert: &&Alert| {
                        alert.severity >= PAGES_FROM
                            && !is_retracted(alert)
                            && !self.answered.contains(&alert.id)
                    };
                    let alerts = self.alerts()?;
                    let paged: Vec<_> = alerts
                        .iter()
                        .filter(is_new)
                        .map(|alert| self.store.alert(alert.id))
                        .filter_map(Result::transpose)
                        .collect::<Result<_, _>>()?;
                    if let Some(responder) = Responder::of(&paged) {
                        let now = clock::now();
                        let sequence = inbox.put(&responder.acknowledges(now), now)?;
                        said = Some((sequence, responder));
                        continue;
                    }
                    if paged.is_empty() {
                        return Ok(None);
                    }
                }
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(None)
    }

    fn result(
        &self,
        scenario: &'static Scenario,
        blocks: &[BlockRef],
        known: &HashSet<AlertId>,
    ) -> anyhow::Result<ScenarioResult> {
        let hashes: HashSet<B256> = blocks.iter().map(|block| block.hash).collect();
        let mut about: Vec<Alert> = self
            .alerts()?
            .into_iter()
            .filter(|alert| !known.contains(&alert.id) && tells_of(alert, scenario, &hashes))
            .collect();
        about.sort_by_key(|alert| alert.created_at);
        let mut by: Vec<String> = Vec::new();
        let mut delivered_to: Vec<String> = Vec::new();
        let (mut to_alert, mut to_delivery): (Option<f64>, Option<f64>) = (None, None);
        let mut retracted = 0;
        for alert in &about {
            if !by.contains(&alert.monitor.to_string()) {
                by.push(alert.monitor.to_string());
            }
            let made = alert.findings.iter().find_map(|f| self.world.made_at(f.block.hash));
            let since = |at: model::UnixMillis| {
                made.map(|made| (at.millis_since(made).max(0)) as f64 / 1_000.0)
            };
            let earlier = |known: Option<f64>, new: Option<f64>| match (known, new) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
            to_alert = earlier(to_alert, since(alert.created_at));
            let details =
                self.store.alert(alert.id)?.context("an alert that was listed is stored")?;
            let mut is_told_of_retraction = false;
            for message in &details.notifications {
                if let NotificationState::Delivered { at, .. } = &message.state {
                    to_delivery = earlier(to_delivery, since(*at));
                    is_told_of_retraction |= message.kind == model::NotificationKind::Retracted;
                    if !delivered_to.contains(&message.receiver.to_string()) {
                        delivered_to.push(message.receiver.to_string());
                    }
                }
            }
            retracted += u32::from(is_retracted(alert) && is_told_of_retraction);
        }
        let reorgs = scenario.areas.contains(&scenarios::Area::Reorg);
        let is_found = about.iter().any(|alert| tells_the_point(alert, scenario));
        Ok(ScenarioResult {
            name: scenario.name.to_owned(),
            story: scenario.story.to_owned(),
            detected: is_found && !delivered_to.is_empty() && (!reorgs || retracted > 0),
            by,
            seconds_block_to_alert: to_alert,
            seconds_block_to_delivery: to_delivery,
            delivered_to,
            acknowledged_by: None,
            retracted,
        })
    }

    fn verdict(&self, result: &ScenarioResult) -> String {
        let seconds = |s: Option<f64>| s.map_or("—".to_owned(), |s| format!("{s:.2} s"));
        let taken_back = match result.retracted {
            0 => String::new(),
            n => format!(", {n} taken back when the chain dropped the block"),
        };
        let on_it = match &result.acknowledged_by {
            Some(name) => format!("; {name} is on it"),
            None => String::new(),
        };
        if result.detected {
            format!(
                "  {} by {} {} after the block, delivered to {} after {}{taken_back}{on_it}\n",
                self.style.green("found"),
                result.by.join(", "),
                seconds(result.seconds_block_to_alert),
                result.delivered_to.join(", "),
                seconds(result.seconds_block_to_delivery),
            )
        } else {
            format!("  {} (by: {})\n", self.style.red("missed"), result.by.join(", "))
        }
    }

    /// Tells alerts that are new or changed their state.
    fn tell_alerts(&mut self) -> anyhow::Result<()> {
        let mut alerts = self.alerts()?;
        alerts.sort_by_key(|alert| alert.created_at);
        for alert in alerts {
            let before = self.told.insert(alert.id, alert.state);
            if before == Some(alert.state) || before.is_some() && !is_retracted(&alert) {
                continue;
            }
            let word = if is_retracted(&alert) { "retracted" } else { alert.severity.as_str() };
            let word = match (is_retracted(&alert), alert.severity >= PAGES_FROM) {
                (true, _) => self.style.yellow(word),
                (false, true) => self.style.red(word),
                (false, false) => self.style.dim(word),
            };
            self.say(&format!("  {word}  {}", alert.title()));
        }
        Ok(())
    }

    fn alerts(&self) -> anyhow::Result<Vec<Alert>> {
        let mut alerts = Vec::new();
        let mut after = None;
        loop {
            let page = self.store.alerts(&AlertFilter::default(), after, store::PAGE_MAX)?;
            alerts.extend(page.items);
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(alerts),
            }
        }
    }

    /// Everyday life until Ctrl-C.
    async fn live_on(&mut self) -> anyhow::Result<()> {
        let interrupted = tokio::signal::ctrl_c();
        tokio::pin!(interrupted);
        loop {
            self.world.everyday()?;
            self.tell_alerts()?;
            tokio::select! {
                asked = &mut interrupted => return asked.context("waiting for Ctrl-C"),
                () = sleep(PACE_MAX) => {}
            }
        }
    }

    fn summary(&self, scenarios: Vec<ScenarioResult>) -> anyhow::Result<Summary> {
        let alerts = self.alerts()?;
        let benign = alerts.iter().filter(|alert| is_benign_page(alert, &self.attacked));
        let coverage = self.store.coverage_summary(&self.network, 0)?;
        let summary = Summary {
            ok: false,
            blocks: coverage.judged,
            blocks_missing: coverage.missing + coverage.quarantined,
            benign_pages: benign.map(|alert| alert.title().to_owned()).collect(),
            mails: self.mails.inbox().mails().len() as u64,
            scenarios,
            seconds: self.began.elapsed().as_secs_f64(),
        };
        Ok(summary.judged())
    }

    fn conclude(&self, summary: &Summary) {
        if self.options.json {
            print_line(&json!(summary));
            return;
        }
        let found = summary.scenarios.iter().filter(|scenario| scenario.detected).count();
        self.say(&format!(
            "{found} of {} attacks found, {} benign pages, {} blocks judged, {} mails, {:.0} s",
            summary.scenarios.len(),
            summary.benign_pages.len(),
            summary.blocks,
            summary.mails,
            summary.seconds,
        ));
        for page in &summary.benign_pages {
            self.say(&format!("  {} {page}", self.style.red("benign page")));
        }
    }

    /// Tells the story: on standard output, or on standard error when that is for a program.
    fn say(&self, line: &str) {
        if self.options.json { note(&line) } else { print_line(&line) }
    }
}

/// The terminal tells the story by itself; the example's own terminal receiver would tell it twice.
fn without_terminal(mut config: Config) -> Config {
    use crate::notify::ReceiverConfig;
    let is_terminal = |receiver: &ReceiverConfig| matches!(receiver, ReceiverConfig::Stdout { .. });
    let gone: Vec<Name> = config
        .receivers
        .iter()
        .filter(|(_, receiver)| is_terminal(receiver))
        .map(|(name, _)| name.clone())
        .collect();
    config.receivers.retain(|(name, _)| !gone.contains(name));
    for route in &mut config.policy.routes {
        route.receivers.retain(|receiver| !gone.contains(receiver));
    }
    config.policy.routes.retain(|route| !route.receivers.is_empty());
    let mut plan = alert::plan::Plan::clone(&config.plan);
    plan.tree = plan.tree.without(&gone);
    plan.channels.retain(|channel, _| !gone.contains(channel));
    config.plan = std::sync::Arc::new(plan);
    config
}
