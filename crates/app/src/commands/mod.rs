//! The commands, as a person types them. Each reads like a sentence, has an example in its help, a
//! `--json` form and honest exit codes: 0 done, 1 found something wrong, 2 could not do it.

mod alerts; // what waits for somebody, and what people say of it
mod anomaly; // what is unusual in any series
mod attacks; //  alerts that belong together, and why
mod authority; // who can make what happen, and who should
mod backtest; //  what monitors would have said of the past
mod check; //  read the folder, report every mistake
mod coverage; // what was watched, what was not, and how to close it
mod demo; //   a protocol, its traffic and its attacks, watched
mod dependencies; // what ours rely on
mod devnet; // the chain inside the program, for people to point things at
mod dispersion; // how widely something is spread
mod drill; //  people practise
mod explain; // one transaction, by the shape of its calls
mod fatigue; // how much people bear
mod import; // what a team brings along from other tools
mod incident; // what really happened
mod init; //   from an address or a project to a folder that works
mod invariants; // what must always hold, proposed out of the past
mod labels; // what lists say about addresses: import, list, explain, look back
mod lint; //   what is wrong in interfaces, events and layouts
mod oncall; // who is on call, when, and when nobody will be
mod path; //   which paths through contracts are fine
mod public; // what everybody hears
mod quality; //  how good detection is, and how far monitors may go
mod receivers; // whether those who should hear can be reached
mod registry; // what is guarded: show, list, export, verify
mod replay; // judge recorded or past blocks, sending nothing unless told
mod routes; // where alerts would go, and why
mod run; //    watch
mod signed; //  a file that somebody signed
mod signing; //  what waits to be signed at a Safe
mod silences; // quiet that ends
mod status; // whether what runs can be trusted now
mod threats; // what could go wrong, and what is missing against it
mod tune; //     thresholds for a budget of false alarms
mod verdict; //  what an alert turned out to be

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Parser, Subcommand};

use crate::config::{Config, Folder, Missing};

/// Security operations for deployed on-chain protocols: watch every block, prove what was watched,
/// find what is wrong, tell a person.
#[derive(Debug, Parser)]
#[command(name = "bellwether", version, propagate_version = true)]
pub struct Cli {
    /// Log more (-v: what happens, -vv: everything).
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::Init),
    Import(import::Import),
    Check(check::Check),
    Registry(registry::RegistryCommand),
    Authority(authority::AuthorityCommand),
    Dependencies(dependencies::DependenciesCommand),
    Labels(labels::LabelsCommand),
    Lint(lint::Lint),
    Coverage(coverage::Coverage),
    Anomaly(anomaly::Anomaly),
    Threats(threats::ThreatsCommand),
    Invariants(invariants::InvariantsCommand),
    Dispersion(dispersion::DispersionCommand),
    Explain(explain::Explain),
    Path(path::PathCommand),
    Signing(signing::Signing),
    Routes(routes::RoutesCommand),
    Oncall(oncall::OncallCommand),
    Fatigue(fatigue::Fatigue),
    Run(run::Run),
    Status(status::Status),
    Replay(replay::Replay),
    Backtest(backtest::Backtest),
    Tune(tune::Tune),
    Receivers(receivers::ReceiversCommand),
    Alerts(alerts::Alerts),
    Silences(silences::Silences),
    Drill(drill::Drill),
    Public(public::Public),
    Attacks(attacks::Attacks),
    Verdict(verdict::Verdict),
    Incident(incident::Incident),
    Quality(quality::Quality),
    Devnet(devnet::Devnet),
    Demo(demo::Demo),
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Done, nothing wrong.
    Fine,
    /// Done, and something is wrong: a mistake in a file, a refused block, a missed scenario.
    FoundWrong,
}

impl Cli {
    /// Runs the command.
    pub fn run(self) -> ExitCode {
        crate::logging::start(self.verbose);
        let runtime = match tokio::runtime::Runtime::new() {
            Ok(runtime) => runtime,
            Err(error) => {
                return could_not(&anyhow::Error::new(error).context("starting the runtime"));
            }
        };
        let result = runtime.block_on(async {
            match self.command {
                Command::Init(command) => command.run().await,
                Command::Import(command) => command.run().await,
                Command::Check(command) => command.run(),
                Command::Registry(command) => command.run().await,
                Command::Authority(command) => command.run().await,
                Command::Dependencies(command) => command.run().await,
                Command::Threats(command) => command.run(),
                Command::Labels(command) => command.run().await,
                Command::Lint(command) => command.run(),
                Command::Coverage(command) => command.run().await,
                Command::Anomaly(command) => command.run(),
                Command::Invariants(command) => command.run().await,
                Command::Dispersion(command) => command.run(),
                Command::Explain(command) => command.run(),
                Command::Path(command) => command.run().await,
                Command::Signing(command) => command.run(),
                Command::Routes(command) => command.run(),
                Command::Oncall(command) => command.run(),
                Command::Fatigue(command) => command.run(),
                Command::Run(command) => command.run().await,
                Command::Status(command) => command.run().await,
                Command::Replay(command) => command.run().await,
                Command::Backtest(command) => command.run().await,
                Command::Tune(command) => command.run().await,
                Command::Receivers(command) => command.run().await,
                Command::Alerts(command) => command.run().await,
                Command::Silences(command) => command.run().await,
                Command::Drill(command) => command.run().await,
                Command::Public(command) => command.run(),
                Command::Attacks(command) => command.run(),
                Command::Verdict(command) => command.run().await,
                Command::Incident(command) => command.run().await,
                Command::Quality(command) => command.run(),
                Command::Devnet(command) => command.run().await,
                Command::Demo(command) => command.run().await,
            }
        });
        // Blocking work that hangs (a page being read, a resolver) must not keep the program alive.
        runtime.shutdown_timeout(std::time::Duration::from_secs(2));
        match result {
            Ok(Outcome::Fine) => ExitCode::SUCCESS,
            Ok(Outcome::FoundWrong) => ExitCode::from(1),
            Err(error) => could_not(&error),
        }
    }
}

#[allow(clippy::print_stderr, reason = "this is where the program speaks to its user")]
fn could_not(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    ExitCode::from(2)
}

/// The folder, read and checked; its mistakes become the error.
fn loaded_from(folder: &Path) -> anyhow::Result<Config> {
    Config::load(&Folder::new(folder), Missing::IsFine)
        .map_err(|mistakes| anyhow::anyhow!("the folder has mistakes:\n{mistakes}"))
}

/// As [`loaded_from`], for commands whose only place is the folder.
fn loaded(folder: &FolderArgument) -> anyhow::Result<Config> {
    loaded_from(&folder.folder)
}

/// Where the user's folder is.
#[derive(Debug, clap::Args)]
struct FolderArgument {
    /// The folder that holds bellwether.toml.
    #[arg(default_value = ".", env = "BELLWETHER_FOLDER")]
    folder: PathBuf,
}
