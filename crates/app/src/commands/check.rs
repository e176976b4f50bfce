//! `bellwether check`: read the folder, report every mistake.

use serde_json::json;

use super::{FolderArgument, Outcome};
use crate::{
    clock,
    config::{Config, Folder, Missing},
    routing::{Known, advice, differences},
    terminal::print_line,
    words::counted,
};

/// Read the folder and report every mistake at once; needs no network and no secret.
///
/// Exit code 0 when nothing is wrong, 1 when something is, an expectation of tests/routes.toml among
/// it. How the routes and rotas could leave somebody unheard in the coming weeks is told as well.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  bellwether check my-protocol/\n  bellwether check --json | jq '.mistakes[].message'"
)]
pub(super) struct Check {
    #[command(flatten)]
    folder: FolderArgument,
    /// Also require the secrets that the files refer to, as `run` does.
    #[arg(long)]
    secrets: bool,
    /// One JSON object instead of text.
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let missing = if self.secrets { Missing::IsMistake } else { Missing::IsFine };
        match Config::load(&Folder::new(&self.folder.folder), missing) {
            Ok(config) => {
                let now = clock::now();
                let advice = advice(&Known::from(&config), now);
                let unmet = differences(&config.expectations, &config.plan, &config.registry, now);
                if self.json {
                    print_line(&json!({
                        "mistakes": [],
                        "warnings": config.warnings,
                        "plan": advice,
                        "expectations": config.expectations.len(),
                        "unmet": unmet,
                        "networks": config.networks.len(),
                        "deployments": config.registry.deployments().len(),
                        "monitors": config.monitors.len(),
                        "receivers": config.receivers.len(),
                    }));
                } else {
                    for warning in &config.warnings {
                        print_line(&format!("warning: {warning}"));
                    }
                    advice.iter().for_each(|advice| print_line(advice));
                    unmet.iter().for_each(|difference| print_line(difference));
                    print_line(&format!(
                        "{}: {}, {}, {}, {}: no mistakes{}",
                        config.general.name,
                        counted(config.networks.len() as u64, "network"),
                        counted(config.registry.deployments().len() as u64, "deployment"),
                        counted(config.monitors.len() as u64, "monitor"),
                        counted(config.receivers.len() as u64, "receiver"),
                        match unmet.len() {
                            0 => String::new(),
                            n => format!(", and {} not met", counted(n as u64, "expectation")),
                        },
                    ));
                }
                Ok(if unmet.is_empty() { Outcome::Fine } else { Outcome::FoundWrong })
            }
            Err(mistakes) => {
                if self.json {
                    let listed: Vec<_> = mistakes
                        .0
                        .iter()
                        .map(|m| json!({"file": m.file, "line": m.line, "message": m.message, "help": m.help}))
                        .collect();
                    print_line(&json!({ "mistakes": listed }));
                } else {
                    print_line(&mistakes);
                    let count = mistakes.0.len();
                    print_line(&format!(
                        "\n{count} {}",
                        if count == 1 { "mistake" } else { "mistakes" }
                    ));
                }
                Ok(Outcome::FoundWrong)
            }
        }
    }
}
