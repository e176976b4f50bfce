//! In which form a report is printed, and what in it counts as failure.

use model::UnixSeconds;
use registry::lint::{Report, Severity, Waiver};
use serde_json::Value;

use crate::{
    clock,
    commands::Outcome,
    lint::{json, sarif, text},
    terminal::{Style, print_line},
};

/// What every lint command has in common.
#[derive(Debug, Clone, clap::Args)]
pub(in crate::commands) struct OutputArguments {
    /// One JSON object instead of text.
    #[arg(long)]
    json: bool,
    /// SARIF 2.1.0 instead of text, for code review and CI.
    #[arg(long, conflicts_with = "json")]
    sarif: bool,
    /// The least severity that makes the exit code 1.
    #[arg(long, value_enum, default_value_t = FailOn::Error)]
    fail_on: FailOn,
}

/// The least severity that makes the exit code 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum FailOn {
    /// Errors alone.
    Error,
    /// Warnings and errors.
    Warning,
    /// Anything at all.
    Note,
    /// Nothing: report, and end with 0.
    Never,
}

impl OutputArguments {
    /// Whether somebody reads this as text.
    pub(in crate::commands) fn is_text(&self) -> bool {
        !self.json && !self.sarif
    }

    /// Applies the waivers, prints the report and says how the command ends. `judged` is what the
    /// report's count counts, as `contract`; `extra` is added to the JSON form.
    pub(in crate::commands) fn finish(
        &self,
        mut report: Report,
        waivers: &[Waiver],
        judged: &str,
        extra: Option<(&str, Value)>,
    ) -> anyhow::Result<Outcome> {
        let now_s = u64::try_from(clock::now().0 / 1_000).unwrap_or_default();
        report.waive(waivers, UnixSeconds(now_s));
        report.sort();
        if self.sarif {
            print_line(&format!("{:#}", sarif(&report)));
        } else if self.json {
            print_line(&json(&report, extra));
        } else {
            print_line(&text(&report, judged, Style::stdout()));
        }
        let least = match self.fail_on {
            FailOn::Error => Severity::Error,
            FailOn::Warning => Severity::Warning,
            FailOn::Note => Severity::Note,
            FailOn::Never => return Ok(Outcome::Fine),
        };
        let is_failure = report.worst().is_some_and(|worst| worst >= least);
        Ok(if is_failure { Outcome::FoundWrong } else { Outcome::Fine })
    }
}
