//! What people and tests taught about paths through contracts, as files of the folder: reviewed and
//! kept like any other.
//!
//! `paths/fine.toml` holds judgements (`[[fine]]`: this path is fine), `paths/seed-MONITOR.toml` what
//! was learned before launch (`[[seen]]`). Both become parameters of the monitors that look at paths.

mod learn; //  paths of blocks that were lived on a fork or a test chain
mod record; // a judgement written down

use std::{collections::BTreeMap, fmt::Write as _, str::FromStr};

use detect::{MonitorSpec, RuleSpec};
use model::{Name, PathSalt};
use registry::threats::Day;

pub use learn::{Learned, learn};
pub use record::{TaughtFolder, record, today, write, written};

/// Where judgements are written.
pub const FINE_FILE: &str = "paths/fine.toml";

/// What a judgement covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Covers {
    /// This very path.
    Exact,
    /// Every path like it: other repetitions, other outsiders in between.
    General,
}

impl Covers {
    /// The word used in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::General => "general",
        }
    }
}

impl FromStr for Covers {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "exact" => Ok(Self::Exact),
            "general" => Ok(Self::General),
            _ => Err(format!("unknown word {text:?} (one of: exact, general)")),
        }
    }
}

/// A fingerprint of a path: sixteen hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PathFingerprint(String);

impl PathFingerprint {
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PathFingerprint {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let is_hex = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hex {
            return Err(format!(
                "{text:?} is no fingerprint of a path (16 hexadecimal digits, as findings tell it)"
            ));
        }
        Ok(Self(text.to_ascii_lowercase()))
    }
}

/// The very path that a finding is about, when it is about one.
pub fn path_of(finding: &model::Finding) -> Option<PathFingerprint> {
    named(finding, Covers::Exact)
}

/// A path as a finding's facts tell it.
pub(crate) fn named(finding: &model::Finding, covers: Covers) -> Option<PathFingerprint> {
    let fact = match covers {
        Covers::Exact => "path",
        Covers::General => "path in general",
    };
    let fact = finding.evidence.facts.iter().find(|known| known.name == fact)?;
    let model::FactValue::Text(text) = &fact.value else { return None };
    text.parse().ok()
}

/// Somebody judged a path to be fine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinePath {
    /// Which.
    pub path: PathFingerprint,
    /// How far it reaches.
    pub covers: Covers,
    /// Monitors that are to keep quiet; empty means all that look at paths.
    pub monitors: Vec<Name>,
    /// Who judged.
    pub judged_by: String,
    /// When.
    pub judged_on: Day,
    /// Why it is fine, for whoever asks later.
    pub why: String,
    /// Last day on which it holds; `None` when it does not end.
    pub until: Option<Day>,
    /// Mark of the salt that its fingerprint is made with; what is recorded gets the folder's.
    pub salt: Option<String>,
}

impl FinePath {
    /// As monitors take it.
    fn word(&self) -> String {
        let level = match self.covers {
            Covers::Exact => "exact ",
            Covers::General => "",
        };
        let until = self.until.map_or_else(String::new, |day| format!(" until {day}"));
        format!("{level}{}{until}", self.path.as_str())
    }
}

/// What was learned before launch for one monitor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seed {
    /// The monitor, whose contracts decide what a path is.
    pub monitor: Name,
    /// Mark of the salt that its fingerprints are made with.
    pub salt: Option<String>,
    /// Exact paths, and how often each was taken.
    pub seen: Vec<(PathFingerprint, u64)>,
}

/// Everything that `paths/` says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Paths {
    /// Judgements, each with the file that has it, in the order of the files.
    pub fine: Vec<(String, FinePath)>,
    /// What was learned beforehand, each with the file that has it.
    pub seeds: Vec<(String, Seed)>,
    /// Judgements and seeds that hold for nothing, because they were made under another salt.
    pub void: Void,
}

/// What was judged or learned under another salt: its fingerprints say nothing here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Void {
    fine: Vec<(String, FinePath)>,
    seeds: Vec<(String, Seed)>,
}

impl Paths {
    /// Every judgement of the files, whether it holds or not.
    pub fn judged(&self) -> impl Iterator<Item = &(String, FinePath)> {
        self.fine.iter().chain(&self.void.fine)
    }

    /// Sets aside what was made under another salt; a sentence for each file that has some.
    pub fn keep_only(&mut self, salt: &PathSalt) -> Vec<String> {
        let mark = salt.mark();
        let (fine, void): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.fine).into_iter().partition(|(_, one)| one.salt == mark);
        (self.fine, self.void.fine) = (fine, void);
        let (seeds, void): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.seeds).into_iter().partition(|(_, one)| one.salt == mark);
        (self.seeds, self.void.seeds) = (seeds, void);
        let mut by_file: BTreeMap<&str, usize> = BTreeMap::new();
        for (file, _) in &self.void.fine {
            *by_file.entry(file).or_default() += 1;
        }
        for (file, seed) in &self.void.seeds {
            *by_file.entry(file).or_default() += seed.seen.len();
        }
        let told = by_file.into_iter().map(|(file, count)| {
            format!("{file}: {count} fingerprints were made under another path_salt and hold for nothing; take them anew (docs/paths.md)")
        });
        told.collect()
    }

    /// Hands everything to the monitors that look at paths.
    pub fn teach(&self, monitors: &mut [MonitorSpec]) {
        for monitor in monitors {
            let RuleSpec::Detector { id, params } = &mut monitor.rule else { continue };
            let Some(detector) = detect::detectors::find(id) else { continue };
            let takes = |name: &str| detector.spec().params.iter().any(|known| known.name == name);
            let mut add = |name: &str, words: Vec<String>| {
                if takes(name) && !words.is_empty() {
                    let before = params.get(name).filter(|text| !text.trim().is_empty()).cloned();
                    let all: Vec<String> = before.into_iter().chain(words).collect();
                    params.insert(name.to_owned(), all.join(", "));
                }
            };
            let is_meant = |fine: &&FinePath| {
                fine.monitors.is_empty() || fine.monitors.contains(&monitor.name)
            };
            let fine = self.fine.iter().map(|(_, fine)| fine).filter(is_meant);
            add("fine_paths", fine.map(FinePath::word).collect());
            let seeds = self.seeds.iter().map(|(_, seed)| seed);
            let seeds = seeds.filter(|seed| seed.monitor == monitor.name);
            let seen = seeds.flat_map(|seed| &seed.seen);
            let words = seen.map(|(path, times)| format!("{} x{times}", path.as_str()));
            add("seed_paths", words.collect());
        }
    }
}

/// Whether a monitor learns which paths are usual.
pub fn learns(monitor: &MonitorSpec) -> bool {
    let RuleSpec::Detector { id, .. } = &monitor.rule else { return false };
    detect::detectors::find(id).is_some_and(|detector| {
        detector.spec().params.iter().any(|known| known.name == "seed_paths")
    })
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// One `[[fine]]` entry.
pub fn fine_entry(fine: &FinePath) -> String {
    let mut text = format!(
        "\n[[fine]]\npath = \"{}\"\ncovers = \"{}\"\n",
        fine.path.as_str(),
        fine.covers.as_str()
    );
    let mut line = |key: &str, value: String| {
        writeln!(text, "{key} = {value}").expect("writing into a text does not fail");
    };
    if !fine.monitors.is_empty() {
        let names: Vec<String> = fine.monitors.iter().map(|name| quoted(name.as_str())).collect();
        line("monitors", format!("[{}]", names.join(", ")));
    }
    line("judged_by", quoted(&fine.judged_by));
    line("judged_on", quoted(&fine.judged_on.to_string()));
    line("why", quoted(&fine.why));
    if let Some(day) = fine.until {
        line("until", quoted(&day.to_string()));
    }
    if let Some(mark) = &fine.salt {
        line("salt", quoted(mark));
    }
    text
}

/// The text of `paths/fine.toml`.
pub fn fine_file<'f>(all: impl IntoIterator<Item = &'f FinePath>) -> String {
    let head = "# Paths through our contracts that somebody judged to be fine. Written by `bellwether path fine`\n\
                # and `bellwether path withdraw`; reviewed like any other file.\n";
    all.into_iter().map(fine_entry).fold(head.to_owned(), |text, entry| text + &entry)
}

/// The text of `paths/seed-MONITOR.toml`.
pub fn seed_file(seed: &Seed, origin: &str) -> String {
    let mut text = format!(
        "# Written by `bellwether path seed`: paths of {origin}.\nmonitor = {}\n",
        quoted(seed.monitor.as_str())
    );
    if let Some(mark) = &seed.salt {
        writeln!(text, "salt = {}", quoted(mark)).expect("writing into a text does not fail");
    }
    for (path, times) in &seed.seen {
        write!(text, "\n[[seen]]\npath = \"{}\"\ntimes = {times}\n", path.as_str())
            .expect("writing into a text does not fail");
    }
    text
}
