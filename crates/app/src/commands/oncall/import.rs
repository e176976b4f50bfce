//! `bellwether oncall import`.

use std::{fs, path::PathBuf};

use alert::oncall::{Around, EVENTS_MAX, Shift, read};
use anyhow::{Context, bail};
use jiff::tz::TimeZone;
use model::{Name, UnixMillis};
use serde_json::json;

use super::{Asked, Outcome};
use crate::{
    config::{Config, Folder, Missing, zone_named},
    terminal::{Style, print_line},
    words::{self, counted},
};

/// Read a calendar (iCalendar) into on-call.toml: as overrides of a schedule, or as its shifts.
///
/// The difference is shown; the file is written only with --write. An event is somebody's whose name
/// in people.toml is its title, or whose mail address attends. What cannot be read exactly is told
/// with its line and left out. Exit code 1 when something was left out.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether oncall import holidays.ics --schedule primary\n  bellwether oncall import rota.ics --schedule primary --as shifts --write"
)]
pub(super) struct Import {
    /// The calendar.
    file: PathBuf,
    #[command(flatten)]
    asked: Asked,
    /// What its events become.
    #[arg(long = "as", value_enum, default_value_t = Kind::Overrides)]
    kind: Kind,
    /// Days that are read.
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..=366))]
    days: u16,
    /// Write on-call.toml instead of only showing what would change.
    #[arg(long)]
    write: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    /// `[[schedule.override]]`: they decide before all rotations.
    Overrides,
    /// `[[schedule.shift]]`: they decide where they are, rotations elsewhere.
    Shifts,
}

impl Kind {
    fn key(self) -> &'static str {
        match self {
            Self::Overrides => "override",
            Self::Shifts => "shift",
        }
    }
}

const FILE: &str = "on-call.toml";

impl Import {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let config = self.asked.config()?;
        let schedules = self.asked.schedules(&config)?;
        let [schedule] = schedules[..] else {
            bail!("name one schedule with --schedule; there are {}", schedules.len());
        };
        let zone = schedule.layers.first().map_or(TimeZone::UTC, |layer| layer.zone.clone());
        let calendar = fs::read_to_string(&self.file)
            .with_context(|| format!("reading {}", self.file.display()))?;
        let at = self.asked.at();
        let to = at.plus(i64::from(self.days) * 86_400_000);
        let around = Around {
            zone: &zone,
            zones: &zone_named,
            person: &|summary, attend| person(&config, summary, attend),
        };
        let imported = read(&calendar, at, to, &around)
            .with_context(|| format!("reading {}", self.file.display()))?;
        let known = match self.kind {
            Kind::Overrides => &schedule.overrides[..],
            Kind::Shifts => schedule
                .layers
                .iter()
                .find_map(|layer| match &layer.turns {
                    alert::oncall::Turns::Listed(shifts) => Some(&shifts[..]),
                    alert::oncall::Turns::Rotation(_) => None,
                })
                .unwrap_or_default(),
        };
        let fresh: Vec<&Shift> =
            imported.shifts.iter().filter(|shift| !known.contains(shift)).collect();
        debug_assert!(fresh.len() <= EVENTS_MAX, "the reader keeps to its limit");
        let path = self.asked.folder.join(FILE);
        let text = fs::read_to_string(&path).with_context(|| format!("reading {FILE}"))?;
        let added = tables(&fresh, self.kind, &zone);
        let changed = inserted(&text, &schedule.name, &added)
            .with_context(|| format!("{FILE} has no [[schedule]] {} to add to", schedule.name))?;
        let is_written = self.write && !fresh.is_empty();
        if is_written {
            write(&self.asked.folder, &path, &text, &changed)?;
        }
        if self.asked.json {
            print_line(&json!({
                "schedule": schedule.name,
                "as": self.kind.key(),
                "added": fresh,
                "known": imported.shifts.len() - fresh.len(),
                "left": imported.left.iter().map(|left| {
                    json!({ "line": left.line, "why": left.why })
                }).collect::<Vec<_>>(),
                "written": is_written,
            }));
        } else {
            let style = Style::stdout();
            for line in added.lines() {
                print_line(&style.green(&format!("+ {line}")));
            }
            for left in &imported.left {
                let (file, line) = (self.file.display(), left.line);
                print_line(&style.yellow(&format!("{file}:{line}: left out: {}", left.why)));
            }
            print_line(&format!(
                "{} new, {} known, {} left out{}",
                words::grouped(fresh.len() as u64),
                words::grouped((imported.shifts.len() - fresh.len()) as u64),
                counted(imported.left.len() as u64, "event"),
                match (is_written, fresh.is_empty()) {
                    (true, _) => format!("; {FILE} is written"),
                    (false, true) => String::new(),
                    (false, false) => format!("; --write writes them into {FILE}"),
                }
            ));
        }
        Ok(if imported.left.is_empty() { Outcome::Fine } else { Outcome::FoundWrong })
    }
}

/// Whom an event is about: somebody whose name is its title or begins it, or whose mail attends.
fn person(config: &Config, summary: &str, attend: &[&str]) -> Option<Name> {
    let title = summary.trim().to_ascii_lowercase();
    let word = title.split(|c: char| c.is_whitespace() || matches!(c, ':' | ',' | '(')).next();
    let by_name = |text: &str| config.people.iter().find(|person| person.as_str() == text);
    let by_mail = || {
        config.people.iter().find(|person| {
            let mail = config.contacts.get(*person).and_then(|contact| contact.mail.as_ref());
            mail.is_some_and(|mail| attend.iter().any(|a| a.eq_ignore_ascii_case(mail.reveal())))
        })
    };
    by_name(&title).or_else(by_mail).or_else(|| by_name(word?)).cloned()
}

/// The tables as they are written, on the clock of the schedule's zone.
fn tables(shifts: &[&Shift], kind: Kind, zone: &TimeZone) -> String {
    let clock = |at: UnixMillis| {
        let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
        at.to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
    };
    let table = |shift: &&Shift| {
        format!(
            "[[schedule.{}]]\nperson = \"{}\"\nfrom = {}\nto = {}\n",
            kind.key(),
            shift.person,
            clock(shift.from),
            clock(shift.to)
        )
    };
    shifts.iter().map(table).collect::<Vec<_>>().join("\n")
}

/// The file with more tables at the end of a schedule: what belongs to a `[[schedule]]` stands before
/// the next table of the first level.
fn inserted(text: &str, schedule: &Name, added: &str) -> Option<String> {
    let is_first_level = |line: &str| line.starts_with('[') && !line.starts_with("[[schedule.");
    let quoted = [format!("\"{schedule}\""), format!("'{schedule}'")];
    let names = |line: &str| {
        let value = line.strip_prefix("name").and_then(|rest| rest.trim_start().strip_prefix('='));
        value.is_some_and(|value| quoted.iter().any(|q| value.trim_start().starts_with(q.as_str())))
    };
    let (mut is_own_table, mut is_found, mut at) = (false, false, 0);
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim();
        if is_found && is_first_level(trimmed) {
            break;
        }
        if trimmed.starts_with('[') {
            is_own_table = trimmed.starts_with("[[schedule]]");
        }
        is_found |= is_own_table && names(trimmed);
        at += line.len();
    }
    if !is_found {
        return None;
    }
    // Comments right above the next table belong to it.
    let before = text[..at].trim_end_matches('\n');
    let before = match before.rsplit_once("\n\n") {
        Some((head, tail)) if at < text.len() && tail.lines().all(|l| l.starts_with('#')) => head,
        _ => before,
    };
    let rest = text[before.len()..].trim_start_matches('\n');
    let gap = if rest.is_empty() { "" } else { "\n" };
    Some(format!("{before}\n\n{added}{gap}{rest}"))
}

/// Writes the file, and puts the old one back when the folder does not hold with the new one.
fn write(
    folder: &std::path::Path,
    path: &std::path::Path,
    before: &str,
    after: &str,
) -> anyhow::Result<()> {
    fs::write(path, after).with_context(|| format!("writing {}", path.display()))?;
    if let Err(mistakes) = Config::load(&Folder::new(folder), Missing::IsFine) {
        fs::write(path, before).with_context(|| format!("putting {} back", path.display()))?;
        bail!("the folder would have mistakes, and {FILE} stays as it was:\n{mistakes}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn what_is_added_stands_with_its_schedule_and_the_rest_stays_as_it_was() {
        let text = "# ours\n[[schedule]]\nname = \"primary\"\n\n[[schedule.rotation]]\nname = \"a\"\npeople = [\"ann\"]\n\n# the others\n[[schedule]]\nname = \"second\"\n";
        let name = |text| Name::new(text).unwrap();
        let added = "[[schedule.override]]\nperson = \"bob\"\n";
        expect![[r##"
            # ours
            [[schedule]]
            name = "primary"

            [[schedule.rotation]]
            name = "a"
            people = ["ann"]

            [[schedule.override]]
            person = "bob"

            # the others
            [[schedule]]
            name = "second"
        "##]]
        .assert_eq(&inserted(text, &name("primary"), added).unwrap());
        let at_end = inserted(text, &name("second"), added).unwrap();
        assert!(at_end.ends_with("name = \"second\"\n\n[[schedule.override]]\nperson = \"bob\"\n"));
        assert_eq!(inserted(text, &name("a"), added), None, "a rotation is no schedule");
    }
}
