//! The running program: pipeline and pages, started together, read again together, stopped together.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{Arc, RwLock},
};

use anyhow::Context;
use store::Store;
use tokio::{sync::watch, task::JoinHandle};

use crate::{
    clock,
    config::Config,
    health,
    mail_sink::Inbox,
    notify::Receivers,
    paths::TaughtFolder,
    pipeline::{NetworkView, Pipeline, Rules, Running},
    pulse::{self, Vitals},
    snapshot::TrustLimits,
    web::{self, Mailbox, NetworkInfo, Site, SiteInfo, Sources},
};

/// Pipeline and pages.
pub struct Server {
    store: Store,
    pipeline: Option<Running>,
    /// The networks as the pages see them; replaced when files change.
    networks: Arc<RwLock<Vec<NetworkView>>>,
    info: watch::Sender<Arc<SiteInfo>>,
    address: SocketAddr,
    pages: JoinHandle<()>,
    /// Takes the program's own vital signs.
    pulse: JoinHandle<()>,
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
        let pipeline = pipeline(config, &store)?.start(None);
        let networks = Arc::new(RwLock::new(pipeline.networks.clone()));
        let (info, info_view) = watch::channel(Arc::new(site_info(config)));
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
            mailbox: inbox.map(|inbox| Arc::new(inbox) as Arc<dyn Mailbox>),
            teacher,
            vitals: vitals_view,
            limits: TrustLimits::default(),
            clock: clock::now,
        });
        let beating = pulse::keep(site.clone(), store.file().map(Path::to_owned), vitals);
        let pulse = tokio::spawn(async move {
            if let Err(error) = beating.await {
                tracing::error!(error = format!("{error:#}"), "nobody watches the watcher");
            }
        });
        let pages = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, web::router(site)).await {
                tracing::error!(%error, "the pages stopped");
            }
        });
        Ok(Self { store, pipeline: Some(pipeline), networks, info, address, pages, pulse })
    }

    /// Where people reach the page from this machine.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
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
        let next = pipeline(config, &self.store)?;
        let changes = match self.pipeline.take() {
            Some(running) => {
                let changes = running.changes.clone();
                running.stop().await;
                Some(changes)
            }
            None => None,
        };
        let running = next.start(changes);
        *self.networks.write().unwrap_or_else(std::sync::PoisonError::into_inner) =
            running.networks.clone();
        self.info.send_replace(Arc::new(site_info(config)));
        self.pipeline = Some(running);
        Ok(())
    }

    /// Stops everything; what was being judged is finished.
    pub async fn stop(mut self) {
        self.pages.abort();
        self.pulse.abort();
        if let Some(running) = self.pipeline.take() {
            running.stop().await;
        }
    }
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

fn pipeline(config: &Config, store: &Store) -> anyhow::Result<Pipeline> {
    Ok(Pipeline {
        store: store.clone(),
        rules: Rules {
            registry: config.registry.clone(),
            monitors: Arc::new(config.monitors.clone()),
            policy: Arc::new(config.policy.clone()),
            outside: Arc::new(config.outside.clone()),
        },
        networks: config.networks.iter().map(|network| network.chain.clone()).collect(),
        receivers: Arc::new(Receivers::of(config).map_err(|errors| anyhow::anyhow!("{errors}"))?),
        coverage: Arc::new(config.coverage()),
        retention: config.general.retention,
    })
}

pub(crate) fn site_info(config: &Config) -> SiteInfo {
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
        pulse: Arc::new(config.pulse()),
    }
}
