//! `bellwether labels import`: a list becomes a file of the folder.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail, ensure};
use model::{Address, Name, UnixSeconds};
use registry::{
    Category, IMPORTED_ENDING, Label, LabelFile, Labels,
    labels::{Columns, Imported},
    threats::Day,
};
use serde_json::json;

use super::super::Outcome;
use crate::{
    clock,
    terminal::{Style, print_line},
    words,
};

/// Import a list of addresses as labels/NAME.imported.csv, which `check`, `run` and `replay` read
/// with the other label sets.
///
/// Importing again replaces the file: what the list no longer has is gone, what it still has keeps
/// the day on which it was first seen. Rows that cannot be read are left out and shown; then the exit
/// code is 1. Addresses of chains that are no EVM are left out and counted.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether labels import sdn.csv --format ofac --name ofac\n  bellwether labels import phishing.csv --format forta --category phishing --confidence 80\n  bellwether labels import bundle.json --format stix --json | jq .labels"
)]
pub(super) struct Import {
    /// The list.
    file: PathBuf,
    /// How it is written.
    #[arg(long, value_enum)]
    format: Format,
    /// What to call the set; without it, the name of the file.
    #[arg(long)]
    name: Option<Name>,
    /// Category of every address, whatever the list says: exploiter, mixer, sanctioned, phishing,
    /// scam, exchange, bridge, benign, or a set of your own.
    #[arg(long)]
    category: Option<Category>,
    /// Network that the labels hold on; without it, on all.
    #[arg(long)]
    network: Option<Name>,
    /// Take only rows that say this chain id.
    #[arg(long)]
    chain_id: Option<u64>,
    /// How far the list is believed, 0 to 100.
    #[arg(long, value_name = "PERCENT", default_value_t = 100, value_parser = clap::value_parser!(u8).range(0..=100))]
    confidence: u8,
    /// Day from which entries are known that give none themselves; without it, today.
    #[arg(long, value_name = "DAY")]
    first_seen: Option<Day>,
    /// Column, or field, that holds the address.
    #[arg(long, value_name = "COLUMN")]
    address_column: Option<String>,
    /// Column, or field, that holds the category.
    #[arg(long, value_name = "COLUMN")]
    category_column: Option<String>,
    /// Column, or field, that holds the name.
    #[arg(long, value_name = "COLUMN")]
    name_column: Option<String>,
    /// The folder that holds bellwether.toml.
    #[arg(long, default_value = ".", env = "BELLWETHER_FOLDER")]
    folder: PathBuf,
    /// Show what would come of it, and write nothing.
    #[arg(long)]
    dry_run: bool,
    /// One JSON object instead of text.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Comma-separated values whose first line names the columns.
    Csv,
    /// An array of addresses or objects, or an object with addresses as keys.
    Json,
    /// One address a line, `#` begins its name.
    Text,
    /// A bundle of STIX 2.1.
    Stix,
    /// The SDN list of the US Treasury: sdn.csv, sdnlist.txt or sdn.xml.
    Ofac,
    /// A label set of the Forta network, as dataset or from its API.
    Forta,
}

/// Longest list that is read: twice the SDN list in XML with everything in it.
const LIST_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// What two files say about the same thing has this in common.
type Same = (Address, Category, Option<Name>);

impl Import {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let main = self.folder.join("bellwether.toml");
        ensure!(
            main.exists(),
            "{} is no folder of bellwether's: it has no bellwether.toml",
            self.folder.display()
        );
        let name = self.set_name()?;
        let path = self.folder.join("labels").join(format!("{name}{IMPORTED_ENDING}"));
        let before = before(&path, &name)?;
        let text = read(&self.file)?;
        let today = Day::of(UnixSeconds(u64::try_from(clock::now().0 / 1_000).unwrap_or_default()));
        let (labels, imported) = self.labels(&name, &text, today)?;
        ensure!(
            !labels.is_empty(),
            "{}: no address in it can be labelled{}",
            self.file.display(),
            imported
                .rejected
                .first()
                .map(|row| format!(" (first of the rows: {row})"))
                .unwrap_or_default()
        );
        let labels = keeping_first_sights(&labels, &before)?;
        if !self.dry_run {
            let folder = self.folder.join("labels");
            std::fs::create_dir_all(&folder)
                .with_context(|| format!("making {}", folder.display()))?;
            std::fs::write(&path, labels.to_csv())
                .with_context(|| format!("writing {}", path.display()))?;
        }
        let of = |labels: &Labels| labels.all().map(|one| one.1).collect::<BTreeSet<Address>>();
        let (old, new) = (of(&before), of(&labels));
        let told = Told {
            name: &name,
            path: &path,
            labels: labels.len(),
            addresses: new.len(),
            came: new.difference(&old).count(),
            left: old.difference(&new).count(),
            conflicts: labels.conflicts().count(),
            imported: &imported,
            is_written: !self.dry_run,
        };
        if self.json {
            told.in_json()
        } else {
            told.as_text()
        }
        let is_whole = imported.rejected.is_empty() && imported.more_rejected == 0;
        Ok(if is_whole { Outcome::Fine } else { Outcome::FoundWrong })
    }

    fn set_name(&self) -> anyhow::Result<Name> {
        if let Some(name) = &self.name {
            return Ok(name.clone());
        }
        let stem = self.file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let slug: String = stem
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
            .collect();
        Name::new(slug.trim_matches('-'))
            .with_context(|| format!("{stem:?} cannot name a set; give one with --name"))
    }

    fn labels(&self, name: &Name, text: &str, today: Day) -> anyhow::Result<(Labels, Imported)> {
        let file = self.file.display().to_string();
        let of = LabelFile {
            category: self.category.clone(),
            network: self.network.clone(),
            chain_id: self.chain_id,
            confidence_percent: self.confidence,
            first_seen_else: Some(self.first_seen.unwrap_or(today)),
            today: Some(today),
            columns: Columns {
                address: self.address_column.clone(),
                name: self.name_column.clone(),
                category: self.category_column.clone(),
                ..Columns::default()
            },
            ..LabelFile::new(&file, name.as_str())
        };
        let mut builder = Labels::builder();
        let imported = match self.format {
            Format::Csv => builder.import_csv(&of, text),
            Format::Json => builder.import_json(&of, text),
            Format::Text => builder.import_text(&of, text),
            Format::Stix => builder.import_stix(&of, text),
            Format::Ofac => builder.import_ofac(&of, text),
            Format::Forta => builder.import_forta(&of, text),
        };
        let imported = imported.with_context(|| format!("reading {file}"))?;
        Ok((builder.build(), imported))
    }
}

fn read(path: &Path) -> anyhow::Result<String> {
    let shown = path.display();
    let length = std::fs::metadata(path).with_context(|| format!("reading {shown}"))?.len();
    ensure!(length <= LIST_BYTES_MAX, "{shown} is larger than {LIST_BYTES_MAX} bytes");
    std::fs::read_to_string(path).with_context(|| format!("reading {shown}"))
}

/// What an earlier import of the set wrote.
fn before(path: &Path, name: &Name) -> anyhow::Result<Labels> {
    if !path.exists() {
        return Ok(Labels::default());
    }
    let mut builder = Labels::builder();
    let of = LabelFile::new(&path.display().to_string(), name.as_str());
    let imported = builder.import_own(&of, &read(path)?)?;
    if let Some(row) = imported.rejected.first() {
        bail!("{row}; the file was changed by hand: remove it, or give the set another --name");
    }
    Ok(builder.build())
}

/// The labels, each known since the earlier of what the list says and when it was first imported.
fn keeping_first_sights(labels: &Labels, before: &Labels) -> anyhow::Result<Labels> {
    let key = |network: Option<&Name>, address, label: &Label<'_>| -> Same {
        (address, label.category.clone(), network.cloned())
    };
    let mut known: BTreeMap<Same, Day> = BTreeMap::new();
    for (network, address, label) in before.all() {
        if let Some(day) = label.first_seen {
            let earliest = known.entry(key(network, address, &label)).or_insert(day);
            *earliest = day.min(*earliest);
        }
    }
    let mut builder = Labels::builder();
    for (network, address, label) in labels.all() {
        let earlier = known.get(&key(network, address, &label)).copied();
        let first_seen = [label.first_seen, earlier].into_iter().flatten().min();
        builder.add(network, address, Label { first_seen, ..label })?;
    }
    Ok(builder.build())
}

/// What the person, or the program that reads us, gets to see.
struct Told<'a> {
    name: &'a Name,
    path: &'a Path,
    labels: usize,
    addresses: usize,
    came: usize,
    left: usize,
    conflicts: usize,
    imported: &'a Imported,
    is_written: bool,
}

impl Told<'_> {
    fn in_json(&self) {
        let rejected = self.imported.rejected.iter();
        print_line(&json!({
            "set": self.name,
            "file": self.is_written.then(|| self.path.display().to_string()),
            "labels": self.labels,
            "addresses": self.addresses,
            "new": self.came,
            "gone": self.left,
            "conflicts": self.conflicts,
            "other_chains": self.imported.other_chains,
            "no_address": self.imported.no_address,
            "withdrawn": self.imported.withdrawn,
            "rejected": self.imported.rejected.len() + self.imported.more_rejected,
            "rejected_rows": rejected.map(|row| json!({"line": row.line, "reason": row.reason})).collect::<Vec<_>>(),
        }));
    }

    fn as_text(&self) {
        let style = Style::stdout();
        let addresses = match self.addresses {
            1 => "1 address".to_owned(),
            count => format!("{count} addresses"),
        };
        print_line(&format!(
            "{}: {} of {addresses}, {} new, {} gone",
            style.bold(self.name.as_str()),
            words::counted(self.labels as u64, "label"),
            self.came,
            self.left
        ));
        let left_out = [
            (self.imported.other_chains, "of other chains"),
            (self.imported.no_address, "that name no address"),
            (self.imported.withdrawn, "taken back or ended"),
        ];
        for (count, what) in left_out.iter().filter(|(count, _)| *count > 0) {
            print_line(&format!("  left out: {count} {what}"));
        }
        for row in &self.imported.rejected {
            print_line(&format!(
                "  {} {}",
                style.yellow("not read"),
                words::clean(&row.to_string())
            ));
        }
        if self.imported.more_rejected > 0 {
            print_line(&format!(
                "  and {} more rows that cannot be read",
                self.imported.more_rejected
            ));
        }
        if self.conflicts > 0 {
            print_line(&format!(
                "  {} addresses are both warned of and vouched for: bellwether labels list --conflicts",
                self.conflicts
            ));
        }
        match self.is_written {
            true => print_line(&format!(
                "written to {}; what these labels say about the past: bellwether labels retro-scan",
                self.path.display()
            )),
            false => print_line(&"nothing written"),
        }
    }
}
