//! What a list file is and what came of reading it.
//!
//! A list that cannot be read at all is an error. A list with some bad rows is read without them,
//! and says which they were: public lists have bad rows, and the caller knows whether this one may.
//! After an error the builder holds whatever stood before it, and should be thrown away.

use std::fmt;

use model::{Address, Name, UnixSeconds};

use super::{
    Category, Label, LabelsBuilder, TooManyLabels, csv, file, forta, json, ofac, stix, text,
};
use crate::threats::Day;

/// How to read one list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelFile {
    /// Path, for messages.
    pub file: String,
    /// What to call the list in evidence: `ofac`, `forta`.
    pub source: String,
    /// Category of every address; without, it is read from the rows.
    pub category: Option<Category>,
    /// Category of rows that give none.
    pub category_else: Option<Category>,
    /// Network that the labels are limited to; without, they hold on all.
    pub network: Option<Name>,
    /// Take only rows whose chain column says this; rows of lists without such a column are all
    /// taken.
    pub chain_id: Option<u64>,
    /// How far the list is believed, 0 to 100.
    pub confidence_percent: u8,
    /// Day from which rows are known that give none themselves.
    pub first_seen_else: Option<Day>,
    /// Rows without an address are ordinary: a contract whose creator nobody wrote down.
    pub may_lack_address: bool,
    /// Today, for lists whose entries end on a day; without, none has ended.
    pub today: Option<Day>,
    /// Where the values are, when the usual names of columns do not tell.
    pub columns: Columns,
}

impl LabelFile {
    /// A list of addresses on all networks, believed in full.
    pub fn new(file: &str, source: &str) -> Self {
        Self {
            file: file.to_owned(),
            source: source.to_owned(),
            category: None,
            category_else: None,
            network: None,
            chain_id: None,
            confidence_percent: 100,
            first_seen_else: None,
            may_lack_address: false,
            today: None,
            columns: Columns::default(),
        }
    }
}

/// Names of columns, or of fields of JSON objects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Columns {
    /// Address; usually `address`.
    pub address: Option<String>,
    /// Name; usually `name` or `tag`.
    pub name: Option<String>,
    /// Category; usually `category` or `labels`.
    pub category: Option<String>,
    /// Chain id; usually `chain_id`.
    pub chain_id: Option<String>,
    /// Name of a network of the configuration; looked for under this name alone.
    pub network: Option<String>,
    /// Day of the first sight; usually `first_seen`.
    pub first_seen: Option<String>,
}

/// Why a list could not be read at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// No column can hold the addresses.
    #[error("{file}:1: no column {wanted}; the columns are {found}")]
    NoColumn {
        /// Path.
        file: String,
        /// What was looked for.
        wanted: String,
        /// What there is.
        found: String,
    },
    /// Nothing says what kind of label the rows are.
    #[error("{file}: no category: give one for the file, or name the column that has it")]
    NoCategory {
        /// Path.
        file: String,
    },
    /// Not JSON, or JSON of another shape.
    #[error("{file}: {reason}")]
    BadJson {
        /// Path.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// Nothing in it looks like the list it was said to be.
    #[error("{file}: {wanted}")]
    NotThisList {
        /// Path.
        file: String,
        /// What was looked for and not found.
        wanted: String,
    },
    /// The list is too long for what there is already.
    #[error("{file}:{line}: {source}")]
    TooMany {
        /// Path.
        file: String,
        /// Line that did not fit, counted from 1.
        line: usize,
        /// Which limit.
        source: TooManyLabels,
    },
}

/// A row that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedRow {
    /// Path.
    pub file: String,
    /// Line (of JSON: entry), counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: String,
}

impl fmt::Display for RejectedRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.reason)
    }
}

/// What came of reading a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imported {
    /// Labels added.
    pub added: usize,
    /// Rows about other chains, left out as asked, and addresses of chains that are no EVM.
    pub other_chains: usize,
    /// Entries about something else than an address: a domain, a file.
    pub no_address: usize,
    /// Entries that the list itself has taken back, or that have ended.
    pub withdrawn: usize,
    /// Rows that could not be read, the first [`REJECTED_MAX`] of them.
    pub rejected: Vec<RejectedRow>,
    /// Rows that could not be read, beyond those.
    pub more_rejected: usize,
}

/// Rejected rows that are reported one by one: enough to see a pattern.
pub const REJECTED_MAX: usize = 50;

impl LabelsBuilder {
    /// Reads a plain list: one address a line, `#` begins a comment.
    ///
    /// # Errors
    /// [`ImportError`] when the list cannot be read at all.
    pub fn import_text(&mut self, of: &LabelFile, text: &str) -> Result<Imported, ImportError> {
        text::import(&mut Import::new(self, of), text)
    }

    /// Reads comma-separated values whose first line names the columns.
    ///
    /// # Errors
    /// [`ImportError`] when the list cannot be read at all.
    pub fn import_csv(&mut self, of: &LabelFile, text: &str) -> Result<Imported, ImportError> {
        csv::import(&mut Import::new(self, of), text)
    }

    /// Reads JSON: an array of addresses or of objects, or an object from address to name, labels or
    /// an object of the two.
    ///
    /// # Errors
    /// [`ImportError`] when the list cannot be read at all.
    pub fn import_json(&mut self, of: &LabelFile, text: &str) -> Result<Imported, ImportError> {
        json::import(&mut Import::new(self, of), text)
    }

    /// Reads a bundle of STIX 2.1: indicators whose pattern names addresses, and observed wallets.
    ///
    /// # Errors
    /// [`ImportError`] when the list cannot be read at all.
    pub fn import_stix(&mut self, of: &LabelFile, text: &str) -> Result<Imported, ImportError> {
        stix::import(&mut Import::new(self, of), text)
    }

    /// Reads the SDN list of the US Treasury's OFAC as `sdn.csv`, `sdnlist.txt` or `sdn.xml`: its
    /// digital currency addresses.
    ///
    /// # Errors
    /// [`ImportError`] when the list cannot be read at all.
    pub fn import_ofac(&mut self, of: &LabelFile, text: &str) -> Result<Imported, ImportError> {
        ofac::import(&mut Import::new(self, of), text)
    }

    /// Reads a label set of the Forta network: a file of its labelled datasets, or labels as its API
    /// gives them.
    ///
    /// # Errors
    /// [`ImportError`] when the list cannot be read at all.
    pub fn import_forta(&mut self, of: &LabelFile, text: &str) -> Result<Imported, ImportError> {
        forta::import(self, of, text)
    }

    /// Reads what [`super::Labels::to_csv`] wrote.
    ///
    /// # Errors
    /// [`ImportError`] when the list cannot be read at all.
    pub fn import_own(&mut self, of: &LabelFile, text: &str) -> Result<Imported, ImportError> {
        self.import_csv(&file::own(of), text)
    }
}

impl Imported {
    /// Counts another reading of the same list in.
    pub(super) fn absorb(&mut self, other: Self) {
        self.added += other.added;
        self.other_chains += other.other_chains;
        self.no_address += other.no_address;
        self.withdrawn += other.withdrawn;
        self.more_rejected += other.more_rejected;
        for row in other.rejected {
            match self.rejected.len() < REJECTED_MAX {
                true => self.rejected.push(row),
                false => self.more_rejected += 1,
            }
        }
    }
}

/// One reading in progress.
pub(super) struct Import<'a> {
    pub(super) builder: &'a mut LabelsBuilder,
    pub(super) of: &'a LabelFile,
    pub(super) outcome: Imported,
}

/// A row as the formats give it, before it is checked.
pub(super) struct Row<'a> {
    pub(super) line: usize,
    pub(super) address: &'a str,
    pub(super) name: &'a str,
    pub(super) categories: &'a [&'a str],
    pub(super) chain_id: Option<&'a str>,
    /// How far this row is believed, as a share (`0.87`) or in percent (`87%`); empty or absent:
    /// as far as its list.
    pub(super) confidence: Option<&'a str>,
    /// A network of the configuration that the row is limited to.
    pub(super) network: Option<&'a str>,
    /// A day, or a moment that begins with one, or seconds since 1970.
    pub(super) first_seen: Option<&'a str>,
}

impl<'a> Row<'a> {
    pub(super) fn new(line: usize, address: &'a str) -> Self {
        Self {
            line,
            address,
            name: "",
            categories: &[],
            chain_id: None,
            confidence: None,
            network: None,
            first_seen: None,
        }
    }
}

/// What an entry says besides its category.
struct Told<'r> {
    line: usize,
    address: Address,
    name: &'r str,
    confidence_percent: u8,
    network: Option<Name>,
    first_seen: Option<Day>,
}

impl<'a> Import<'a> {
    pub(super) fn new(builder: &'a mut LabelsBuilder, of: &'a LabelFile) -> Self {
        Self { builder, of, outcome: Imported::default() }
    }

    pub(super) fn reject(&mut self, line: usize, reason: String) {
        if self.outcome.rejected.len() < REJECTED_MAX {
            let file = self.of.file.clone();
            self.outcome.rejected.push(RejectedRow { file, line, reason });
        } else {
            self.outcome.more_rejected += 1;
        }
    }

    pub(super) fn row(&mut self, row: &Row<'_>) -> Result<(), ImportError> {
        if let (Some(wanted), Some(found)) = (self.of.chain_id, row.chain_id) {
            match found.trim().parse::<u64>() {
                Ok(found) if found == wanted => {}
                Ok(_) => {
                    self.outcome.other_chains += 1;
                    return Ok(());
                }
                Err(_) => {
                    self.reject(row.line, format!("{} is no chain id", quoted(found)));
                    return Ok(());
                }
            }
        }
        if self.of.may_lack_address && row.address.trim().is_empty() {
            self.outcome.no_address += 1;
            return Ok(());
        }
        let Some(address) = parse_address(row.address) else {
            self.reject(row.line, format!("{} is no address", quoted(row.address)));
            return Ok(());
        };
        let filled = |text: Option<&'_ str>| {
            text.map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned)
        };
        let (of_row, seen, network) =
            (filled(row.confidence), filled(row.first_seen), filled(row.network));
        let confidence_percent = match of_row.as_deref().map(|text| (text, parse_confidence(text)))
        {
            None => self.of.confidence_percent,
            Some((_, Some(percent))) => percent.min(self.of.confidence_percent),
            Some((text, None)) => {
                let reason = format!(
                    "{} is no confidence (a share from 0 to 1, or a percentage)",
                    quoted(text)
                );
                self.reject(row.line, reason);
                return Ok(());
            }
        };
        let first_seen = match seen.as_deref().map(|text| (text, parse_day(text))) {
            None => self.of.first_seen_else,
            Some((_, Some(day))) => Some(day),
            Some((text, None)) => {
                self.reject(row.line, format!("{} is no day (write 2026-03-31)", quoted(text)));
                return Ok(());
            }
        };
        let network = match network.as_deref().map(|text| (text, Name::new(text))) {
            None => self.of.network.clone(),
            Some((_, Ok(network))) => Some(network),
            Some((text, Err(_))) => {
                self.reject(row.line, format!("{} is no name of a network", quoted(text)));
                return Ok(());
            }
        };
        let told = Told {
            line: row.line,
            address,
            name: row.name,
            confidence_percent,
            network,
            first_seen,
        };
        if let Some(category) = &self.of.category {
            return self.add(&told, category);
        }
        let mut is_labelled = false;
        for word in row.categories {
            if let Some(category) = Category::from_list_word(word) {
                is_labelled = true;
                self.add(&told, &category)?;
            } else if !word.trim().is_empty() {
                self.reject(row.line, format!("{} cannot be a category", quoted(word)));
                is_labelled = true;
            }
        }
        match &self.of.category_else {
            Some(category) if !is_labelled => self.add(&told, category)?,
            None if !is_labelled => {
                self.reject(row.line, "no category, and none is given for the file".to_owned());
            }
            _ => {}
        }
        Ok(())
    }

    fn add(&mut self, told: &Told<'_>, category: &Category) -> Result<(), ImportError> {
        let name = clean_name(told.name);
        let label = Label {
            category,
            name: &name,
            source: &self.of.source,
            confidence_percent: told.confidence_percent,
            first_seen: told.first_seen,
        };
        self.builder.add(told.network.as_ref(), told.address, label).map_err(|source| {
            ImportError::TooMany { file: self.of.file.clone(), line: told.line, source }
        })?;
        self.outcome.added += 1;
        Ok(())
    }
}

/// `2026-03-31`, a moment such as `2026-03-31T12:00:00Z`, or seconds since 1970.
pub(super) fn parse_day(text: &str) -> Option<Day> {
    let text = text.trim();
    match text.parse::<u64>() {
        Ok(seconds) => Some(Day::of(UnixSeconds(seconds))),
        Err(_) => text.get(..10)?.parse().ok(),
    }
}

/// Lists write addresses in any case and sometimes without `0x`; their checksums are not judged,
/// because half of the lists are lower-cased.
pub(super) fn parse_address(text: &str) -> Option<Address> {
    let text = text.trim();
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    let mut address = Address::ZERO;
    alloy_primitives::hex::decode_to_slice(digits, address.as_mut_slice()).ok()?;
    Some(address)
}

/// Longest name that is kept, in characters; names of tokens are the longest and the least telling.
const NAME_LEN_MAX: usize = 80;

/// Names on public lists are chosen by strangers (anybody can name a token), and ours appear in
/// messages: they lose control and direction characters and are cut.
pub(super) fn clean_name(name: &str) -> String {
    let is_direction = |c| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let shown = name.chars().map(|c| if c.is_control() { ' ' } else { c });
    let kept: String = shown.filter(|c| !is_direction(*c)).collect();
    kept.trim().chars().take(NAME_LEN_MAX).collect()
}

/// `0.87`, `87%`; `None` for anything outside of 0 to 100 %.
fn parse_confidence(text: &str) -> Option<u8> {
    let percent = match text.strip_suffix('%') {
        Some(percent) => percent.trim().parse::<f64>().ok()?,
        None => text.parse::<f64>().ok()? * 100.0,
    };
    // In range, so the cast keeps the value.
    (0.0..=100.0).contains(&percent).then(|| percent.round() as u8)
}

/// Longest part of a bad value that a message shows.
const QUOTED_MAX: usize = 60;

pub(super) fn quoted(text: &str) -> String {
    let cut: String = text.chars().take(QUOTED_MAX).collect();
    if cut.len() < text.len() { format!("{cut:?}…") } else { format!("{cut:?}") }
}
