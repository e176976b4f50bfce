//! Labels of addresses, as lists of ours.

use std::collections::BTreeMap;

use model::Address;
use registry::Category;

/// A label as another system tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct OutsideLabel {
    /// Whose.
    pub address: Address,
    /// Chain, when it is said.
    pub chain_id: Option<u64>,
    /// What the label says: `attacker`, `scam-contract`.
    pub word: String,
    /// Name of the address, if it has one.
    pub name: String,
    /// How sure the other system is, from 0 to 1.
    pub confidence: f64,
    /// Whether it takes back an earlier label.
    pub is_removal: bool,
}

/// One list per category, such as `labels/exploiter.forta.csv`. A removal takes away what stood
/// before it; of two labels of one address the later counts. The second part holds the words that no
/// list can be named after.
pub fn label_files(
    system: &str,
    labels: &[OutsideLabel],
) -> (Vec<(String, String)>, Vec<(String, String)>) {
    let mut lists: BTreeMap<Category, BTreeMap<Address, &OutsideLabel>> = BTreeMap::new();
    let mut unnamed = Vec::new();
    for label in labels {
        let Some(category) = Category::from_list_word(&label.word) else {
            unnamed.push((
                format!("label {:?} of {}", label.word, label.address),
                "the word cannot be the name of a list".to_owned(),
            ));
            continue;
        };
        let list = lists.entry(category).or_default();
        if label.is_removal {
            list.remove(&label.address);
        } else {
            list.insert(label.address, label);
        }
    }
    let files = lists.iter().filter(|(_, list)| !list.is_empty()).map(|(category, list)| {
        let mut text = "address,name,confidence\n".to_owned();
        for (address, label) in list {
            text.push_str(&format!(
                "{address},{},{}\n",
                quoted(&label.name),
                (label.confidence * 100.0).round() / 100.0
            ));
        }
        (format!("labels/{category}.{system}.csv"), text)
    });
    (files.collect(), unnamed)
}

/// A field of comma-separated values, on one line.
fn quoted(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("\"{}\"", line.replace('"', "\"\""))
}
