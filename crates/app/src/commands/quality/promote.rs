//! `bellwether quality promote`: a person sets how far a monitor may go.

use std::{fs, path::PathBuf};

use anyhow::{Context, bail};
use model::{Name, Stage};

use super::{super::Outcome, of};
use crate::{
    clock,
    commands::{incident::read, loaded_from},
    feedback::set_stage,
    terminal::{note, print_line},
    words,
};

/// Set how far a monitor may go: shadow (on record, nobody is told), notify (told, nobody is woken),
/// page (as its severity says), act (an automatic action may rest on it).
///
/// Shows the line that changes in the monitor's file; writes it only with --write. A running
/// `bellwether run` takes it when it reads the folder again. Going further than the figures speak
/// for needs --against-the-figures, and is on record in the line.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  bellwether quality promote large-redeem notify --by ada --because \"12 of 14 were right\" --write"
)]
pub(in crate::commands) struct Promote {
    /// Monitor.
    monitor: Name,
    /// shadow, notify, page or act.
    stage: Stage,
    /// Who confirms it.
    #[arg(long, value_name = "NAME")]
    by: String,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    because: String,
    /// Write it into the monitor's file.
    #[arg(long)]
    write: bool,
    /// Go further than the figures speak for.
    #[arg(long)]
    against_the_figures: bool,
    /// The folder that holds bellwether.toml.
    #[arg(long, default_value = ".", env = "BELLWETHER_FOLDER")]
    folder: PathBuf,
}

impl Promote {
    pub(in crate::commands) fn run(self) -> anyhow::Result<Outcome> {
        let config = loaded_from(&self.folder)?;
        if !config.monitors.iter().any(|spec| spec.name == self.monitor) {
            let known: Vec<&str> = config.monitors.iter().map(|spec| spec.name.as_str()).collect();
            bail!("there is no monitor {} (declared: {})", self.monitor, known.join(", "));
        }
        let now = words::seconds(clock::now());
        let present = config.policy.stages.get(&self.monitor).copied().unwrap_or_default();
        let mut remark = String::new();
        if self.stage > present {
            let store = read(&self.folder, &config)?;
            let quality = of(&config, &store, now)?;
            let proposal = quality.proposals.iter().find(|p| p.monitor == self.monitor);
            let because = proposal.map_or_else(
                || "it judges no network".to_owned(),
                |proposal| proposal.because.join("; "),
            );
            let is_spoken_for = proposal.is_some_and(|proposal| proposal.to >= self.stage);
            if !is_spoken_for && !self.against_the_figures {
                note(&format!(
                    "the figures do not speak for {} yet: {because}\nwith --against-the-figures it is done all the same, and stays visible in the file",
                    self.stage
                ));
                return Ok(Outcome::FoundWrong);
            }
            if !is_spoken_for {
                " (against the figures)".clone_into(&mut remark);
            }
        }
        let day = words::iso(now);
        let day = day.split('T').next().unwrap_or(&day);
        let text = format!("{day} {}: {}{remark}", self.by.trim(), self.because.trim());
        for path in files(&self.folder)? {
            let Ok(before) = fs::read_to_string(&path) else { continue };
            let edit = match set_stage(&before, &self.monitor, self.stage, &text) {
                Ok(edit) => edit,
                Err(crate::feedback::StageError::NotThere(_)) => continue,
                Err(error) => return Err(error).with_context(|| path.display().to_string()),
            };
            print_line(&format!("{}:{}", path.display(), edit.line));
            if let Some(line) = &edit.before {
                print_line(&format!("- {line}"));
            }
            print_line(&format!("+ {}", edit.after));
            if self.write {
                fs::write(&path, edit.text)
                    .with_context(|| format!("writing {}", path.display()))?;
            } else {
                note(&"nothing was written; --write does");
            }
            return Ok(Outcome::Fine);
        }
        bail!(
            "no file of {} declares {}: a monitor that is made for others has no stage of its own",
            self.folder.join("monitors").display(),
            self.monitor
        )
    }
}

/// The files of monitors, in the order of their names.
fn files(folder: &std::path::Path) -> anyhow::Result<Vec<PathBuf>> {
    let monitors = folder.join("monitors");
    let entries =
        fs::read_dir(&monitors).with_context(|| format!("listing {}", monitors.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| format!("listing {}", monitors.display()))?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
