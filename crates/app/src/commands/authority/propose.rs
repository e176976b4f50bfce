//! `bellwether authority propose`: what is observed, as a policy.

use std::{fs, io};

use anyhow::Context;

use super::Place;
use crate::{
    authority::propose,
    commands::Outcome,
    terminal::print_line,
};

/// Write what is observed on the live chain as a policy for people to review.
///
/// To standard output; with --write into the folder as policy.toml, if there is none. A policy that
/// is there is never overwritten: the lines that differ are shown, and the exit code is 1.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether authority propose > policy.toml\n  bellwether authority propose --write --folder my-protocol"
)]
pub(super) struct Propose {
    #[command(flatten)]
    place: Place,
    /// Write policy.toml when there is none, show what differs when there is one.
    #[arg(long)]
    write: bool,
}

impl Propose {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        let found = self.place.look().await?;
        let observed: Vec<_> = found.looks.iter().map(|look| look.observed.clone()).collect();
        let registry = &found.config.registry;
        let text = propose(&observed, registry, registry.authority());
        found.tell_unknown();
        if !self.write {
            print_line(&text.trim_end());
            return Ok(Outcome::Fine);
        }
        let path = self.place.folder.join("policy.toml");
        match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::write(&path, &text).with_context(|| format!("writing {}", path.display()))?;
                print_line(&format!("{}  review it before you rely on it", path.display()));
                Ok(Outcome::Fine)
            }
            Err(error) => Err(error).with_context(|| format!("reading {}", path.display())),
            Ok(known) => {
                let lines = differences(&known, &text);
                for line in &lines {
                    print_line(line);
                }
                let what = if lines.is_empty() { "says the same" } else { "was left as it is" };
                print_line(&format!("{} {what}", path.display()));
                Ok(if lines.is_empty() { Outcome::Fine } else { Outcome::FoundWrong })
            }
        }
    }
}

/// Sections of a policy, `[[allow]]` and the like, that only one of two texts has; comments, order and
/// blank lines aside.
fn differences(known: &str, proposed: &str) -> Vec<String> {
    let (known, proposed) = (sections(known), sections(proposed));
    let only = |of: &[Vec<String>], than: &[Vec<String>], sign: char| {
        let mut lines = Vec::new();
        for section in of.iter().filter(|section| !than.contains(section)) {
            lines.extend(section.iter().map(|line| format!("{sign} {line}")));
            lines.push(String::new());
        }
        lines
    };
    let mut lines = only(&known, &proposed, '-');
    lines.extend(only(&proposed, &known, '+'));
    lines
}

fn sections(text: &str) -> Vec<Vec<String>> {
    let mut sections: Vec<Vec<String>> = vec![Vec::new()];
    for line in text.lines() {
        let line = line.split(" #").next().unwrap_or_default().trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if line.starts_with("[[") {
            sections.push(Vec::new());
        }
        if let Some(section) = sections.last_mut() {
            section.push(line.to_owned());
        }
    }
    sections.retain(|section| !section.is_empty());
    sections
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sections_that_differ_are_shown() {
        let known = "min_delay = \"48h\" # two days\n\n[[allow]]\non = \"a\"\n\n# why\n[[allow]]\non = \"b\"\n";
        let proposed = "min_delay = \"48h\"\n[[allow]]\non = \"b\"\n[[allow]]\non = \"c\"\n";
        let lines = differences(known, proposed);
        assert_eq!(lines, ["- [[allow]]", "- on = \"a\"", "", "+ [[allow]]", "+ on = \"c\"", ""]);
        assert!(differences(known, known).is_empty());
    }
}
