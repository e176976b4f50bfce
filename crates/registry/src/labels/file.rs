//! Labels as the folder keeps them after an import: comma-separated values with every part of a label
//! in its own column, one row each, so that a change of a list is a change of lines.

use super::{Columns, LabelFile, Labels};

/// Last parts of the name of a file that an import wrote. Files of one's own have other names: what a
/// column of theirs is called decides nothing.
pub const IMPORTED_ENDING: &str = ".imported.csv";

const HEADER: &str = "address,category,name,network,confidence,first_seen";

impl Labels {
    /// All of them as comma-separated values, sorted by address; their sources are not written,
    /// because a file is one source.
    pub fn to_csv(&self) -> String {
        let mut text = format!("{HEADER}\n");
        for (network, address, label) in self.all() {
            let network = network.map_or("", |network| network.as_str());
            let day = label.first_seen.map(|day| day.to_string()).unwrap_or_default();
            let (category, name) = (label.category.as_str(), quoted(label.name));
            let percent = label.confidence_percent;
            text.push_str(&format!("{address},{category},{name},{network},{percent}%,{day}\n"));
        }
        text
    }
}

/// How to read such a file.
pub(super) fn own(of: &LabelFile) -> LabelFile {
    let named = |name: &str| Some(name.to_owned());
    let columns = Columns {
        address: named("address"),
        name: named("name"),
        category: named("category"),
        chain_id: None,
        network: named("network"),
        first_seen: named("first_seen"),
    };
    LabelFile { category: None, columns, ..of.clone() }
}

/// A field in quotes when it needs them (RFC 4180).
fn quoted(field: &str) -> String {
    match field.contains(['"', ',', '\n', '\r']) || field.trim() != field {
        true => format!("\"{}\"", field.replace('"', "\"\"")),
        false => field.to_owned(),
    }
}
