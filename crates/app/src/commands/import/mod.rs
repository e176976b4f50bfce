//! `bellwether import`: what a team brings along from other tools, with a report of what was taken,
//! what was not and why.

mod deployments; // contracts that other tools know
mod findings; // findings and labels of other people's bots
mod monitors; // rules of other monitors

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use serde_json::json;

use super::Outcome;
use crate::{
    import,
    init::{Proposal, Written, write},
    terminal::print_line,
};

/// Take over what another tool watches: its rules, its networks, its receivers, its findings.
///
/// Files are written into --into and never over a file that is there. The report says what was
/// taken, what was not and why, and where our answer will differ. A secret that stands in the other
/// tool's files is never written into ours: it becomes the name of an environment variable.
/// Exit code 0 when everything was taken, 1 when something was not, 2 when it could not be done.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether import openzeppelin-monitor ../monitor/config --into my-protocol\n  bellwether import openzeppelin-monitor config --dry-run --compare --recorded blocks/\n  bellwether import forta labels.json --into my-protocol"
)]
pub(super) struct Import {
    #[command(subcommand)]
    from: From,
}

#[derive(Debug, clap::Subcommand)]
enum From {
    #[command(flatten)]
    Deployments(deployments::Source),
    OpenzeppelinMonitor(monitors::OpenzeppelinMonitor),
    Forta(findings::Forta),
    Lido(findings::Lido),
}

impl Import {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        match self.from {
            From::Deployments(command) => command.run(),
            From::OpenzeppelinMonitor(command) => command.run().await,
            From::Forta(command) => command.run(),
            From::Lido(command) => command.run(),
        }
    }
}

/// Where an import goes and how it is told.
#[derive(Debug, clap::Args)]
struct Target {
    /// Folder to write into; it may exist. Files that are there stay as they are.
    #[arg(long, value_name = "FOLDER", default_value = "bellwether")]
    into: PathBuf,
    /// Say what would be written, and write nothing.
    #[arg(long)]
    dry_run: bool,
    /// The report as one JSON object.
    #[arg(long)]
    json: bool,
}

/// Largest file of another tool that is read.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// The text of a file that a person named.
fn read_file(path: &Path) -> anyhow::Result<String> {
    let reading = || format!("reading {}", path.display());
    let length = fs::metadata(path).with_context(reading)?.len();
    if length > FILE_BYTES_MAX {
        bail!("{} is larger than {} MiB", path.display(), FILE_BYTES_MAX >> 20);
    }
    fs::read_to_string(path).with_context(reading)
}

impl Target {
    /// Writes the files, unless this is a dry run, and tells the report. `more` are further fields
    /// of the JSON object.
    fn settle(&self, import: import::Import, more: serde_json::Value) -> anyhow::Result<Outcome> {
        let import::Import { files, report } = import;
        let written: Vec<Written> = if self.dry_run {
            let is_there = |path: &String| self.into.join(path).exists();
            let planned = |(path, _): &(String, String)| match is_there(path) {
                true => Written::Kept(path.clone()),
                false => Written::New(path.clone()),
            };
            files.iter().map(planned).collect()
        } else {
            write(&Proposal { files, ..Proposal::default() }, &self.into)?
        };
        let is_whole = report.is_whole();
        if self.json {
            let paths = |is_new: bool| -> Vec<&String> {
                let wanted = |w: &&Written| matches!(w, Written::New(_)) == is_new;
                written.iter().filter(wanted).map(Written::path).collect()
            };
            let mut object = json!({
                "folder": self.into,
                "dry_run": self.dry_run,
                "new": paths(true),
                "kept": paths(false),
                "taken": report.taken,
                "known": report.known,
                "passed_over": report.passed_over,
                "not_taken": report.not_taken,
                "differs": report.differs,
                "to_do": report.to_do,
            });
            if let (Some(object), serde_json::Value::Object(more)) = (object.as_object_mut(), more)
            {
                object.extend(more);
            }
            print_line(&object);
        } else {
            let word = if self.dry_run { "would write" } else { "new  " };
            for file in &written {
                match file {
                    Written::New(path) => print_line(&format!("  {word} {path}")),
                    Written::Kept(path) => {
                        print_line(&format!("  kept  {path} (was there already)"));
                    }
                }
            }
            tell(&report);
        }
        Ok(if is_whole { Outcome::Fine } else { Outcome::FoundWrong })
    }
}

fn tell(report: &import::Report) {
    let head = |text: &str, count: usize| {
        if count > 0 {
            print_line(&format!("\n{text}"));
        }
    };
    head("taken", report.taken.len());
    for taken in &report.taken {
        print_line(&format!("  {} -> {}", taken.what, taken.r#as));
    }
    for (text, items) in [
        ("known already", &report.known),
        ("passed over", &report.passed_over),
        ("not taken", &report.not_taken),
        ("will answer differently here", &report.differs),
    ] {
        head(text, items.len());
        for item in items {
            print_line(&format!("  {}: {}", item.what, item.why.replace('\n', "\n      ")));
        }
    }
    head("to do", report.to_do.len());
    for line in &report.to_do {
        print_line(&format!("  {line}"));
    }
}
