//! What is known about addresses in general: sanctioned, phishing, mixer, exchange, "our treasury".
//!
//! A million labels are ordinary (public lists are that long), and every address of every block is
//! looked up, so the store is two flat arrays: entries of 28 bytes sorted by address, and a table
//! from an address' first two bytes to where its entries begin.

mod category; // kinds of label
mod conflict; // where sources contradict each other
mod csv; //      comma-separated lists
mod file; //     labels as the folder keeps them after an import
mod forta; //    label sets of the Forta network
mod import; //   what a list file is and what came of reading it
mod json; //     lists as JSON objects and arrays
mod label; //    one label, its confidence and its age
mod ofac; //     digital currency addresses of the US Treasury's SDN list
mod stix; //     indicators in STIX 2.1
mod text; //     one address a line

use std::sync::Arc;

use model::{Address, Name};
use rustc_hash::FxHashMap;

use crate::threats::Day;

pub use category::Category;
pub use conflict::{Conflict, conflict};
pub use file::IMPORTED_ENDING;
pub use import::{Columns, ImportError, Imported, LabelFile, REJECTED_MAX, RejectedRow};
pub use label::{HALF_LIFE_DAYS, Label};

/// Most labels of one configuration: ten times the public lists of today, 450 MB.
pub const LABELS_MAX: usize = 16_000_000;

/// Labels by address. Immutable once built; see [`LabelsBuilder`].
#[derive(Debug, Default)]
pub struct Labels {
    /// Sorted by address; equal addresses in the order they were added.
    entries: Vec<Entry>,
    /// Where entries whose address begins with these two bytes start; empty without entries.
    starts: Vec<u32>,
    kinds: Vec<Kind>,
    /// All names, one after the other.
    names: String,
    /// Where each name ends in `names`.
    name_ends: Vec<u32>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    address: Address,
    name: u32,
    kind: u32,
}

/// What thousands of entries have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Kind {
    category: Category,
    source: Arc<str>,
    /// `None`: on every network.
    network: Option<Name>,
    confidence_percent: u8,
    /// A day, not a second: entries of one list share it.
    first_seen: Option<Day>,
}

impl Labels {
    /// Starts an empty set.
    pub fn builder() -> LabelsBuilder {
        LabelsBuilder::default()
    }

    /// Number of labels; an address may have several.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All labels of an address on a network, in the order they were added.
    pub fn of<'a>(
        &'a self,
        network: &'a Name,
        address: Address,
    ) -> impl Iterator<Item = Label<'a>> + 'a {
        self.entries_of(address).iter().filter_map(move |entry| {
            let kind = &self.kinds[entry.kind as usize];
            let is_here = kind.network.as_ref().is_none_or(|known| known == network);
            is_here.then(|| self.label(entry))
        })
    }

    /// Every label, by address, with the network that it is limited to.
    pub fn all(&self) -> impl Iterator<Item = (Option<&Name>, Address, Label<'_>)> {
        self.entries.iter().map(|entry| {
            let kind = &self.kinds[entry.kind as usize];
            (kind.network.as_ref(), entry.address, self.label(entry))
        })
    }

    /// All labels of an address, on any network, with the network that each is limited to.
    pub fn everywhere(&self, address: Address) -> impl Iterator<Item = (Option<&Name>, Label<'_>)> {
        self.entries_of(address)
            .iter()
            .map(|entry| (self.kinds[entry.kind as usize].network.as_ref(), self.label(entry)))
    }

    fn label(&self, entry: &Entry) -> Label<'_> {
        let kind = &self.kinds[entry.kind as usize];
        Label {
            category: &kind.category,
            name: self.name_at(entry.name),
            source: &kind.source,
            confidence_percent: kind.confidence_percent,
            first_seen: kind.first_seen,
        }
    }

    /// Whether an address has a label of this category.
    pub fn has(&self, network: &Name, address: Address, category: &Category) -> bool {
        self.of(network, address).any(|label| label.category == category)
    }

    /// What to call an address: the first name that is given, else the first category.
    pub fn name(&self, network: &Name, address: Address) -> Option<&str> {
        let here = |entry: &&Entry| {
            let kind = &self.kinds[entry.kind as usize];
            kind.network.as_ref().is_none_or(|known| known == network)
        };
        let mut first = None;
        for entry in self.entries_of(address).iter().filter(here) {
            match self.name_at(entry.name) {
                "" => first = first.or(Some(self.kinds[entry.kind as usize].category.as_str())),
                name => return Some(name),
            }
        }
        first
    }

    /// Categories that occur, in the order they were added.
    pub fn categories(&self) -> Vec<&Category> {
        let mut seen = Vec::new();
        for kind in &self.kinds {
            if !seen.contains(&&kind.category) {
                seen.push(&kind.category);
            }
        }
        seen
    }

    /// All addresses with a label of this category, with the network it is limited to.
    pub fn addresses<'a>(
        &'a self,
        category: &'a Category,
    ) -> impl Iterator<Item = (Option<&'a Name>, Address)> + 'a {
        self.entries.iter().filter_map(move |entry| {
            let kind = &self.kinds[entry.kind as usize];
            (kind.category == *category).then_some((kind.network.as_ref(), entry.address))
        })
    }

    fn entries_of(&self, address: Address) -> &[Entry] {
        let bucket = bucket(address);
        let Some(&[start, end]) = self.starts.get(bucket..bucket + 2) else { return &[] };
        let near = &self.entries[start as usize..end as usize];
        let first = near.partition_point(|entry| entry.address < address);
        let same = near[first..].iter().take_while(|entry| entry.address == address).count();
        &near[first..first + same]
    }

    fn name_at(&self, name: u32) -> &str {
        let end = |at: usize| self.name_ends[at] as usize;
        match name as usize {
            0 => "",
            at => &self.names[end(at - 1)..end(at)],
        }
    }
}

/// Buckets of the prefix table: one for each pair of leading bytes.
const BUCKETS: usize = 1 << 16;

fn bucket(address: Address) -> usize {
    usize::from(u16::from_be_bytes([address[0], address[1]]))
}

/// Collects labels; see [`LabelsBuilder::build`].
#[derive(Debug)]
pub struct LabelsBuilder {
    labels: Labels,
    kinds: FxHashMap<Kind, u32>,
    names: FxHashMap<Box<str>, u32>,
}

impl Default for LabelsBuilder {
    fn default() -> Self {
        // Name 0 is the empty one.
        let labels = Labels { name_ends: vec![0], ..Labels::default() };
        Self { labels, kinds: FxHashMap::default(), names: FxHashMap::default() }
    }
}

/// There is no room for another label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more than {LABELS_MAX} labels, or more than 4 GB of names")]
pub struct TooManyLabels;

impl LabelsBuilder {
    /// Adds one label. `network` limits it to one network; without, it holds on all.
    ///
    /// # Errors
    /// [`TooManyLabels`] beyond [`LABELS_MAX`].
    pub fn add(
        &mut self,
        network: Option<&Name>,
        address: Address,
        label: Label<'_>,
    ) -> Result<(), TooManyLabels> {
        if self.labels.entries.len() >= LABELS_MAX {
            return Err(TooManyLabels);
        }
        let kind = Kind {
            category: label.category.clone(),
            source: label.source.into(),
            network: network.cloned(),
            confidence_percent: label.confidence_percent.min(100),
            first_seen: label.first_seen,
        };
        let kind = match self.kinds.get(&kind) {
            Some(&known) => known,
            None => {
                let new = self.labels.kinds.len() as u32;
                self.labels.kinds.push(kind.clone());
                self.kinds.insert(kind, new);
                new
            }
        };
        let name = self.intern(label.name)?;
        self.labels.entries.push(Entry { address, name, kind });
        Ok(())
    }

    fn intern(&mut self, name: &str) -> Result<u32, TooManyLabels> {
        if name.is_empty() {
            return Ok(0);
        }
        if let Some(&known) = self.names.get(name) {
            return Ok(known);
        }
        let end = self.labels.names.len() + name.len();
        let end = u32::try_from(end).map_err(|_| TooManyLabels)?;
        let new = self.labels.name_ends.len() as u32;
        self.labels.names.push_str(name);
        self.labels.name_ends.push(end);
        self.names.insert(name.into(), new);
        Ok(new)
    }

    /// Labels added so far.
    pub fn len(&self) -> usize {
        self.labels.entries.len()
    }

    /// Whether none was added.
    pub fn is_empty(&self) -> bool {
        self.labels.entries.is_empty()
    }

    /// Sorts what was added. A label that was added twice (same address, name, category, source and
    /// network) is kept once.
    pub fn build(self) -> Labels {
        let mut labels = self.labels;
        labels.entries.sort_by_key(|entry| entry.address);
        // Repeats of one address are few, so comparing each with its predecessors is cheap.
        let mut kept: Vec<Entry> = Vec::with_capacity(labels.entries.len());
        for entry in labels.entries {
            let mut same = kept.iter().rev().take_while(|known| known.address == entry.address);
            if !same.any(|known| (known.name, known.kind) == (entry.name, entry.kind)) {
                kept.push(entry);
            }
        }
        kept.shrink_to_fit();
        labels.entries = kept;
        labels.starts = vec![0; BUCKETS + 1];
        for entry in &labels.entries {
            labels.starts[bucket(entry.address) + 1] += 1;
        }
        for at in 1..labels.starts.len() {
            labels.starts[at] += labels.starts[at - 1];
        }
        labels
    }
}

#[cfg(test)]
mod import_tests;

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use proptest::prelude::*;

    fn net(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn label<'a>(category: &'a Category, name: &'a str) -> Label<'a> {
        Label { name, confidence_percent: 90, ..Label::new(category, "list") }
    }

    #[test]
    fn an_address_has_all_its_labels_and_only_on_their_network() {
        let mut builder = Labels::builder();
        let address = Address::repeat_byte(7);
        builder.add(None, address, label(&Category::Mixer, "")).unwrap();
        builder.add(Some(&net("base")), address, label(&Category::Exchange, "Desk")).unwrap();
        builder.add(None, address, label(&Category::Mixer, "")).unwrap();
        let labels = builder.build();
        assert_eq!(labels.len(), 2, "the repeated label is kept once");
        let of = |network: &str| {
            let network = net(network);
            labels.of(&network, address).map(|l| l.category.clone()).collect::<Vec<_>>()
        };
        assert_eq!(of("mainnet"), [Category::Mixer]);
        assert_eq!(of("base"), [Category::Mixer, Category::Exchange]);
        assert_eq!(labels.name(&net("mainnet"), address), Some("mixer"));
        assert_eq!(labels.name(&net("base"), address), Some("Desk"));
        assert!(labels.has(&net("mainnet"), address, &Category::Mixer));
        assert!(!labels.has(&net("mainnet"), address, &Category::Exchange));
        assert_eq!(labels.name(&net("base"), Address::ZERO), None);
        assert_eq!(Labels::default().of(&net("base"), address).count(), 0);
    }

    #[test]
    fn an_entry_takes_28_bytes() {
        assert_eq!(size_of::<Entry>(), 28);
    }

    proptest! {
        /// The sorted arrays answer as a map would, for addresses close together and far apart.
        #[test]
        fn lookups_agree_with_a_map(
            added in prop::collection::vec((any::<[u8; 3]>(), 0usize..3), 0..200),
            asked in prop::collection::vec(any::<[u8; 3]>(), 0..50),
        ) {
            let address = |bytes: [u8; 3]| {
                let mut address = Address::ZERO;
                (address[0], address[1], address[19]) = (bytes[0] % 4, bytes[1] % 4, bytes[2] % 8);
                address
            };
            let names = ["", "one", "two"];
            let mut builder = Labels::builder();
            let mut expected: HashMap<Address, Vec<&str>> = HashMap::new();
            for (bytes, name) in &added {
                let label = label(&Category::Scam, names[*name]);
                builder.add(None, address(*bytes), label).unwrap();
                let list = expected.entry(address(*bytes)).or_default();
                if !list.contains(&names[*name]) {
                    list.push(names[*name]);
                }
            }
            let labels = builder.build();
            for bytes in added.iter().map(|(bytes, _)| bytes).chain(&asked) {
                let network = net("any");
                let found: Vec<&str> =
                    labels.of(&network, address(*bytes)).map(|label| label.name).collect();
                let expected = expected.get(&address(*bytes)).cloned().unwrap_or_default();
                prop_assert_eq!(found, expected);
            }
        }
    }
}
