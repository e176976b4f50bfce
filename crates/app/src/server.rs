//! The running program: pipeline and pages, started together, read again together, stopped together.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{Arc, RwLock},
};

use anyhow::Context;
use store::Store;
use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
};

use crate::{
    answers::{Answers, Chats},
    canary::Canaries,
    clock,
    community::Community,
    config::Config,
    health,
    mail_sink::Inbox,
    notify::{Receivers, keypad, trial},
    paging,
    paths::TaughtFolder,
    pipeline::{NetworkView, Pipeline, Rules, Running},
    pulse::{self, Turns, Vitals},
    reports,
    snapshot::TrustLimits,
    twin::{self, Twins},
    web::{self, Mailbox, NetworkInfo, Site, SiteInfo, Sources},
};

/// Pipeline and pages.
pub struct Server {
    store: Store,
    pipeline: Option<Running>,
    /// The networks as the pages see them; replaced when files change.
    networks: Arc<RwLock<Vec<NetworkView>>>,
    info: watch::Sender<Arc<SiteInfo>>,
    /// Whom keys pressed during calls are for; replaced when files change.
    receivers: watch::Sender<Arc<Receivers>>,
    /// Tests of receivers from end to end; of the configuration of now.
    tests: Option<JoinHandle<()>>,
    /// Wakes the pager of the pipeline that runs.
    wake_pager: Arc<Notify>,
    address: SocketAddr,
    pages: JoinHandle<()>,
    /// The public pages, on an address of their own; it does not change with the files.
    public_pages: Option<JoinHandle<()>>,
    /// Takes the program's own vital signs.
    pulse: JoinHandle<()>,
    /// Agrees with other installations who tells people.
    agreeing: JoinHandle<()>,
    /// Those installations.
    twins: Twins,
    /// Whether each stage comes round.
    turns: Turns,
    /// Whether canaries come through all of them.
    canaries: Canaries,
    /// Where what people say goes.
    inbox: paging::Inbox,
    /// Takes what pages are told of paths.
    teacher: Option<Arc<TaughtFolder>>,
    /// Takes what people answer elsewhere; replaced when files change.
    chats: Arc<Chats>,
}

impl Server {
    /// Starts everything. `inbox` is the built-in mailbox, when there is one; `teacher` takes what
    /// pages are told of paths.
    ///
    /// # Errors
    /// When the address cannot be listened on, or a receiver cannot be set up.
    pub async fn start(
        config: &Config,
        store: Store,
        inbox: Option<Inbox>,
        teacher: Option<Arc<TaughtFolder>>,
    ) -> anyhow::Result<Self> {
        let listen = config.general.listen;
        let listener = tokio::net::TcpListener::bind(listen)
            .await
            .with_context(|| format!("listening on {listen} for the page"))?;
        let address = listener.local_addr().context("reading the page's address")?;
        let config = &reached_at(address, config);
        let wake_pager = Arc::new(Notify::new());
        let told = paging::Inbox::new(store.clone(), wake_pager.clone());
        let answers = Answers::of(config, &store, &told, teacher.clone())?;
        let chats = Chats::start(config.answers.clone(), answers.clone())?;
        let community = community(config, &answers)?;
        let public = match community.as_ref().and_then(|community| community.settings.listen) {
            Some(listen) => Some(
                tokio::net::TcpListener::bind(listen)
                    .await
                    .with_context(|| format!("listening on {listen} for the public pages"))?,
            ),
            None => None,
        };
        let twins = Twins::default();
        twins.set(twin::settings(config), clock::now());
        let turns = Turns::default();
        let canaries = Canaries::default();
        let beside = (twins.clone(), turns.clone(), canaries.clone());
        let pipeline = pipeline(config, &store, answers, community.clone(), beside)?;
        let (receivers, receivers_view) = watch::channel(pipeline.receivers.clone());
        let pipeline = pipeline.start(None, wake_pager.clone());
        let networks = Arc::new(RwLock::new(pipeline.networks.clone()));
        let (info, info_view) =
            watch::channel(Arc::new(site_info(config, Some(&chats), community)));
        let (vitals, vitals_view) = watch::channel(Vitals::default());
        let of_networks = networks.clone();
        let site = Site::new(Sources {
            store: store.clone(),
            info: info_view,
            health: Arc::new(move || {
                let networks =
                    of_networks.read().unwrap_or_else(std::sync::PoisonError::into_inner);
                networks.iter().map(health::of).collect()
            }),
            changes: pipeline.changes.clone(),
            pager: told.clone(),
            mailbox: inbox.map(|inbox| Arc::new(inbox) as Arc<dyn Mailbox>),
            teacher: teacher.clone(),
            vitals: vitals_view,
            twins: twins.clone(),
            turns: turns.clone(),
            canaries: canaries.clone(),
            limits: TrustLimits::default(),
            clock: clock::now,
        });
        let agreeing = tokio::spawn(twin::keep_agreeing(site.clone()));
        let beating = pulse::keep(site.clone(), store.file().map(Path::to_owned), vitals);
        let pulse = tokio::spawn(async move {
            if let Err(error) = beating.await {
                tracing::error!(error = format!("{error:#}"), "nobody watches the watcher");
            }
        });
        let public_pages = public.map(|listener| {
            let pages = web::public_router(site.clone());
            tokio::spawn(async move {
                if let Err(error) = axum::serve(listener, pages).await {
                    tracing::error!(%error, "the public pages stopped");
                }
            })
        });
        let pages = tokio::spawn(async move {
            let pages = web::router(site).merge(keypad(receivers_view));
            if let Err(error) = axum::serve(listener, pages).await {
                tracing::error!(%error, "the pages stopped");
            }
        });
        let tests = tests(config, &store, &receivers.borrow());
        chats.listen();
        Ok(Self {
            store,
            pipeline: Some(pipeline),
            networks,
            info,
            wake_pager,
            receivers,
            tests,
            address,
            pages,
            public_pages,
            pulse,
            agreeing,
            twins,
            turns,
            canaries,
            inbox: told,
            teacher,
            chats,
        })
    }

    /// Where people reach the page from this machine.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where the pager is told things.
    pub fn pager_inbox(&self) -> paging::Inbox {
        paging::Inbox::new(self.store.clone(), self.wake_pager.clone())
    }

    /// The networks, seen from outside.
    pub fn networks(&self) -> Vec<NetworkView> {
        self.networks.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// Goes on with another configuration: the pipeline stops where it is and starts from the store
    /// with the new files. The page stays; its address does not change.
    ///
    /// # Errors
    /// When a receiver cannot be set up; everything then goes on as before.
    pub async fn reload(&mut self, config: &Config) -> anyhow::Result<()> {
        let config = &reached_at(self.address, config);
        let answers = Answers::of(config, &self.store, &self.inbox, self.teacher.clone())?;
        let chats = Chats::start(config.answers.clone(), answers.clone())?;
        let community = community(config, &answers)?;
        let beside = (self.twins.clone(), self.turns.clone(), self.canaries.clone());
        let next = pipeline(config, &self.store, answers, community.clone(), beside)?;
        self.twins.set(twin::settings(config), clock::now());
        let changes = match self.pipeline.take() {
            Some(running) => {
                let changes = running.changes.clone();
                running.stop().await;
                Some(changes)
            }
            None => None,
        };
        self.stop_tests();
        self.tests = tests(config, &self.store, &next.receivers);
        self.receivers.send_replace(next.receivers.clone());
        let running = next.start(changes, self.wake_pager.clone());
        *self.networks.write().unwrap_or_else(std::sync::PoisonError::into_inner) =
            running.networks.clone();
        std::mem::replace(&mut self.chats, chats).stop();
        self.chats.listen();
        self.info.send_replace(Arc::new(site_info(config, Some(&self.chats), community)));
        self.pipeline = Some(running);
        Ok(())
    }

    fn stop_tests(&mut self) {
        if let Some(tests) = self.tests.take() {
            tests.abort();
        }
    }

    /// Stops everything; what was being judged is finished.
    pub async fn stop(mut self) {
        self.pages.abort();
        if let Some(pages) = &self.public_pages {
            pages.abort();
        }
        self.chats.stop();
        self.stop_tests();
        self.pulse.abort();
        self.agreeing.abort();
        if let Some(running) = self.pipeline.take() {
            running.stop().await;
        }
    }
}

/// Keeps the receivers of a configuration tested, if it wants that.
fn tests(config: &Config, store: &Store, receivers: &Arc<Receivers>) -> Option<JoinHandle<()>> {
    let every = config.receivers_tested?;
    let (store, receivers) = (store.clone(), receivers.clone());
    Some(tokio::spawn(trial::keep_testing(store, receivers, every, clock::now)))
}

/// The configuration with the address that the page really has: port 0 became another one, and a
/// page that runs does not move. Links in messages must lead there unless people said otherwise.
fn reached_at(address: SocketAddr, config: &Config) -> Config {
    let mut config = config.clone();
    if config.general.public_url == format!("http://{}", config.general.listen) {
        config.general.public_url = format!("http://{address}");
    }
    config.general.listen = address;
    config
}

/// What everybody may hear, for a command beside the running program.
pub(crate) fn community_of(
    config: &Config,
    store: &Store,
) -> anyhow::Result<Option<Arc<Community>>> {
    let inbox = paging::Inbox::new(store.clone(), Arc::default());
    community(config, &Answers::of(config, store, &inbox, None)?)
}

/// What everybody may hear, when `public.toml` says so.
fn community(config: &Config, answers: &Answers) -> anyhow::Result<Option<Arc<Community>>> {
    let Some(settings) = config.community.clone() else { return Ok(None) };
    let explorers = config
        .networks
        .iter()
        .filter_map(|network| Some((network.chain.name.clone(), network.explorer.clone()?)))
        .collect();
    let community = Community::new(settings, explorers, answers.clone());
    Ok(Some(Arc::new(community.context("setting up public.toml")?)))
}

fn pipeline(
    config: &Config,
    store: &Store,
    answers: Answers,
    community: Option<Arc<Community>>,
    (twins, turns, canaries): (Twins, Turns, Canaries),
) -> anyhow::Result<Pipeline> {
    let mut receivers = Receivers::of(config).map_err(|errors| anyhow::anyhow!("{errors}"))?;
    receivers.context.answers = Some(answers);
    Ok(Pipeline {
        store: store.clone(),
        rules: Rules {
            registry: config.registry.clone(),
            monitors: Arc::new(config.monitors.clone()),
            policy: Arc::new(config.policy.clone()),
            plan: config.plan.clone(),
            outside: Arc::new(config.outside.clone()),
        },
        networks: config.networks.iter().map(|network| network.chain.clone()).collect(),
        receivers: Arc::new(receivers),
        coverage: Arc::new(config.coverage()),
        retention: config.general.retention,
        community,
        twins,
        turns,
        canaries,
        canary: config.general.pulse.canary,
    })
}

pub(crate) fn site_info(
    config: &Config,
    chats: Option<&Arc<Chats>>,
    community: Option<Arc<Community>>,
) -> SiteInfo {
    let monitors = |network: &crate::config::Network| {
        let judges = |spec: &&detect::MonitorSpec| {
            spec.networks.is_empty() || spec.networks.contains(&network.chain.name)
        };
        config.monitors.iter().filter(judges).count()
    };
    SiteInfo {
        name: config.general.name.clone(),
        public_url: Some(config.general.public_url.clone()),
        networks: config
            .networks
            .iter()
            .map(|network| NetworkInfo {
                name: network.chain.name.clone(),
                chain_id: network.chain.chain_id,
                explorer: network.explorer.clone(),
                monitors: monitors(network),
            })
            .collect(),
        coverage: Arc::new(config.coverage()),
        registry: config.registry.clone(),
        monitors: config.monitors.clone(),
        runbooks: config.runbooks.clone(),
        threats: config.threats.clone(),
        clearances: config.clearances.clone(),
        write_key: config.general.write_key.clone(),
        plan: config.plan.clone(),
        stages: config.policy.stages.clone(),
        budget: config.general.budget,
        paths: Arc::new(config.paths.clone()),
        answers: chats.map(|chats| chats.answers.clone()),
        chats: chats.cloned(),
        people: config.people.clone(),
        pulse: Arc::new(config.pulse()),
        sources: reports::Sources::new(config.sources.clone()),
        community,
    }
}
