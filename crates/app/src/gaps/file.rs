//! What a person said about a gap, as a file of the folder: reviewed and kept like any other.

use registry::gap::{Clearance, VECTORS};

/// The text of `gaps/LABEL.toml`.
pub fn write(clearance: &Clearance) -> String {
    let Clearance { label, network, address, from, to, findings, blind, .. } = clearance;
    let checked: Vec<String> = VECTORS.iter().map(|v| format!("{:?}", v.id)).collect();
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    format!(
        "# Written by `bellwether registry gap-audit`: blocks that nobody watched, judged afterwards and\n\
         # looked at by a person. It counts for these blocks of this contract alone.\n\
         label = \"{label}\"\n\
         network = \"{network}\"\n\
         address = \"{address}\"\n\
         from = {from}\n\
         to = {to}\n\
         findings = {findings}\n\
         blind = {blind}\n\
         checked = [{}]\n\
         cleared_by = {}\n\
         cleared_on = {}\n\
         note = {}\n",
        checked.join(", "),
        quoted(&clearance.cleared_by),
        quoted(&clearance.cleared_on.to_string()),
        quoted(&clearance.note),
    )
}
