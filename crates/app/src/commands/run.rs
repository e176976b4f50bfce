//! `bellwether run`: watch.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::Context;
use store::{Store, StoreError};
use tokio::sync::Notify;

use super::{FolderArgument, Outcome};
use crate::{
    config::{Config, Folder, Missing},
    paths::TaughtFolder,
    server::Server,
    terminal::note,
    words::counted,
};

/// Watch the networks of the folder, judge every block, tell people.
///
/// Reads the folder again on SIGHUP, and when a page wrote into it: a folder with mistakes changes nothing. Stops on SIGINT and
/// SIGTERM; nothing is lost when it is killed instead.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  RPC_MAINNET=https://… bellwether run my-protocol/")]
pub(super) struct Run {
    #[command(flatten)]
    folder: FolderArgument,
    /// While another process has the store, wait for it to end and then go on in its place.
    #[arg(long)]
    standby: bool,
}

/// Between two looks whether the store is free: what a takeover adds to the time that restoring
/// takes.
const LOOK_EVERY: Duration = Duration::from_millis(500);

impl Run {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        let folder = Folder::new(&self.folder.folder);
        let config = match Config::load(&folder, Missing::IsMistake) {
            Ok(config) => config,
            Err(mistakes) => {
                note(&mistakes);
                return Ok(Outcome::FoundWrong);
            }
        };
        let path = folder.root().join(&config.general.store);
        let store = match self.standby {
            true => opened_when_free(&path).await,
            false => Store::open(&path),
        };
        let store = store.with_context(|| format!("opening the store {}", path.display()))?;
        let taught = Arc::new(Notify::new());
        let teacher = Arc::new(TaughtFolder::new(folder.root(), taught.clone()));
        let mut server = Server::start(&config, store, None, Some(teacher)).await?;
        note(&format!(
            "{}: watching {}, {}, {}; page {}",
            config.general.name,
            counted(config.networks.len() as u64, "network"),
            counted(config.registry.deployments().len() as u64, "deployment"),
            counted(config.monitors.len() as u64, "monitor"),
            server.url()
        ));
        for warning in &config.warnings {
            note(&format!("warning: {warning}"));
        }
        let mut signals = Signals::listen(taught)?;
        loop {
            match signals.next().await {
                Signal::Stop => {
                    server.stop().await;
                    return Ok(Outcome::Fine);
                }
                Signal::Reload => match Config::load(&folder, Missing::IsMistake) {
                    Ok(config) => {
                        server.reload(&config).await?;
                        note(&"configuration read again");
                    }
                    Err(mistakes) => {
                        note(&format!(
                            "the configuration has mistakes and stays as it was\n\n{mistakes}"
                        ));
                    }
                },
            }
        }
    }
}

/// Opens the store as soon as nobody else has it. Nothing holds a signal back that ends the program
/// meanwhile.
async fn opened_when_free(path: &Path) -> Result<Store, StoreError> {
    let mut is_told = false;
    loop {
        match Store::open(path) {
            Err(error @ StoreError::InUse { .. }) => {
                if !is_told {
                    note(&format!("standby: {error}; waiting for it to end"));
                    is_told = true;
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
            opened => return opened,
        }
    }
}

enum Signal {
    Stop,
    Reload,
}

struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
    /// A page wrote something into the folder.
    taught: Arc<Notify>,
}

impl Signals {
    fn listen(taught: Arc<Notify>) -> anyhow::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let on = |kind| signal(kind).context("listening for signals");
        Ok(Self {
            interrupt: on(SignalKind::interrupt())?,
            terminate: on(SignalKind::terminate())?,
            hangup: on(SignalKind::hangup())?,
            taught,
        })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Stop,
            _ = self.terminate.recv() => Signal::Stop,
            _ = self.hangup.recv() => Signal::Reload,
            () = self.taught.notified() => Signal::Reload,
        }
    }
}
