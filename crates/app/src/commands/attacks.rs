//! `bellwether attacks`: alerts that belong together, and why.

use std::path::PathBuf;

use anyhow::Context;

use super::{Outcome, incident::read, loaded_from};
use crate::{
    api::wire,
    attacks, clock,
    terminal::{Style, print_line},
    words,
};

/// Attacks that are printed; `--json` has all of them.
const SHOWN_MAX: usize = 20;

/// Show alerts that belong together as attacks: how likely each is one, and the table of evidence
/// that says so.
///
/// Alerts of one protocol within a week that share a stranger's address or a transaction are one.
/// Evidence that says the same thing counts once. The weights are set by judgement, those of calls
/// fitted on recorded attacks, and learn each monitor's own history; they are calibrated once people
/// have judged 30 attacks.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether attacks\n  bellwether attacks --everything --json | jq '.items[] | select(.posterior > 0.5)'"
)]
pub(super) struct Attacks {
    /// The folder that holds bellwether.toml.
    #[arg(default_value = ".", env = "BELLWETHER_FOLDER")]
    folder: PathBuf,
    /// The whole record instead of the last two weeks.
    #[arg(long)]
    everything: bool,
    /// One JSON object instead of text.
    #[arg(long)]
    json: bool,
}

impl Attacks {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let config = loaded_from(&self.folder)?;
        let store = read(&self.folder, &config)?;
        let since = (!self.everything).then(|| attacks::recent(words::seconds(clock::now())));
        let found = attacks::read(&store, &config.registry, since)
            .context("reading the alerts on record")?;
        let told = wire::Attacks::new(&found);
        if self.json {
            print_line(&serde_json::to_string(&told).context("writing the attacks")?);
            return Ok(Outcome::Fine);
        }
        if told.items.is_empty() {
            print_line(&"no alert is on record");
        }
        let style = Style::stdout();
        for attack in told.items.iter().take(SHOWN_MAX) {
            print_line(&format!(
                "{} {} likely an attack on {}, {}: {}",
                style.bold(attack.reach),
                words::percent(attack.posterior),
                attack.protocol,
                attack.network,
                attack.phases.join(", ")
            ));
            for part in &attack.contributions {
                print_line(&format!(
                    "  {:>6.2}  {:<20}  {}: {}",
                    part.adds, part.group, part.monitor, part.title
                ));
            }
        }
        if told.items.len() > SHOWN_MAX {
            print_line(
                &style.dim(&format!("… and {} less likely ones", told.items.len() - SHOWN_MAX)),
            );
        }
        print_line(&style.dim(&match told.calibrated_on {
            Some(n) => format!("calibrated on {n} attacks that people judged, in sample"),
            None => format!(
                "not calibrated: people have judged {} attacks, {} are needed; the chances are as stated by the weights (version {})",
                told.judged,
                detect::fusion::OUTCOMES_MIN,
                told.weights_version
            ),
        }));
        Ok(Outcome::Fine)
    }
}
