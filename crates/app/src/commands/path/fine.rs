//! `bellwether path fine`: a path is fine from now on.

use anyhow::bail;
use model::Name;
use registry::threats::Day;

use super::{At, READ_AGAIN};
use crate::{
    commands::{Outcome, loaded_from},
    paths::{self, Covers, FINE_FILE, FinePath, PathFingerprint},
    terminal::print_line,
};

/// Say that a path is fine: nobody is told of it again.
///
/// Findings name two fingerprints. The path in general covers every path like it, with other
/// repetitions and other outsiders in between; with --exact the judgement is about one path alone.
/// It is written into paths/fine.toml with who judged, when and why.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether path fine ddb0b5602b7a9884 --why \"weekly rebalancing by the keeper\"\n  bellwether path fine d0bb68bb955c000e --exact --monitor paths --until 2027-01-31 --why \"migration of January\""
)]
pub(super) struct Fine {
    /// The fingerprint, as a finding or `explain` tells it.
    path: PathFingerprint,
    /// Why it is fine, for whoever asks later.
    #[arg(long)]
    why: String,
    /// Who judges.
    #[arg(long, value_name = "NAME", env = "USER", hide_env_values = true)]
    by: String,
    /// This path alone, and none like it.
    #[arg(long)]
    exact: bool,
    /// Monitors that are to keep quiet; without any, all that look at paths.
    #[arg(long = "monitor", value_name = "NAME")]
    monitors: Vec<Name>,
    /// Last day on which it holds.
    #[arg(long, value_name = "DAY")]
    until: Option<Day>,
    #[command(flatten)]
    at: At,
}

impl Fine {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let config = loaded_from(&self.at.folder)?;
        let known = || config.monitors.iter().map(|monitor| &monitor.name);
        if let Some(unknown) = self.monitors.iter().find(|name| !known().any(|k| k == *name)) {
            let all: Vec<&str> = known().map(Name::as_str).collect();
            bail!("unknown monitor {:?} (one of: {})", unknown.as_str(), all.join(", "));
        }
        let salt = config.general.path_salt.known()?;
        let fine = FinePath {
            salt: salt.mark(),
            path: self.path,
            covers: if self.exact { Covers::Exact } else { Covers::General },
            monitors: self.monitors,
            judged_by: self.by,
            judged_on: paths::today(),
            why: self.why,
            until: self.until,
        };
        paths::record(&self.at.folder, &config.paths, &fine)?;
        print_line(&format!(
            "{} is fine from now on ({}); {FINE_FILE} says so, and {READ_AGAIN}",
            fine.path.as_str(),
            fine.covers.as_str(),
        ));
        Ok(Outcome::Fine)
    }
}
