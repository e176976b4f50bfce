//! The text of a deployment file, as a reviewer wants to read it.

use std::fmt::Write as _;

use model::{Address, Name};
use registry::{Class, import::Deployed};

use crate::words::clean;

/// Longest list of constructor arguments that a comment repeats, in characters.
const ARGUMENTS_CHARS_MAX: usize = 200;

/// What of a contract is settled by the folder it goes into.
pub(super) struct Settled<'a> {
    pub(super) label: &'a Name,
    pub(super) network: &'a Name,
    pub(super) class: Class,
    /// Paths of its ABIs: its own, and what stands behind it.
    pub(super) abis: Vec<String>,
    /// What stands behind it, with its label when it has one.
    pub(super) behind: Option<(Address, Option<Name>)>,
}

/// Comments hold what came from elsewhere: one line each, whatever it was.
pub(super) fn text(contract: &Deployed, settled: &Settled<'_>) -> String {
    let mut lines = vec![format!("# From {}.", clean(&contract.place.to_string()))];
    if let Some(kind) = contract.proxy {
        lines.push(match &settled.behind {
            Some((address, Some(label))) => {
                format!("# A proxy ({kind}); behind it stands {label}, {address}.")
            }
            Some((address, None)) => format!("# A proxy ({kind}); behind it stands {address}."),
            None => format!("# A proxy ({kind})."),
        });
    }
    if contract.is_planned {
        lines.push("# Planned: nothing is at this address yet.".to_owned());
    }
    lines.extend(contract.notes.iter().map(|note| format!("# Note: {}.", clean(note))));
    lines.push(format!("network = \"{}\"", settled.network));
    lines.push(format!("address = \"{}\"", contract.address.to_checksum(None)));
    let quoted: Vec<String> = settled.abis.iter().map(|path| format!("\"{path}\"")).collect();
    lines.push(match quoted.as_slice() {
        [one] => format!("abi = {one}"),
        many => format!("abi = [{}]", many.join(", ")),
    });
    lines.push(format!("class = \"{}\"", settled.class));
    if let Some(block) = contract.first_block {
        lines.push(format!("first_block = {block}"));
    }
    if let Some(creator) = contract.creator {
        let mut line = format!("# created by {creator}");
        if let Some(hash) = contract.transaction {
            write!(line, " in {hash}").expect("writing to a String cannot fail");
        }
        lines.push(line);
    }
    if !contract.arguments.is_empty() {
        let all = clean(&contract.arguments.join(", "));
        let end = all.char_indices().nth(ARGUMENTS_CHARS_MAX).map(|(at, _)| at);
        let shown = end.map_or(all.clone(), |end| format!("{}…", &all[..end]));
        lines.push(format!("# constructor: {shown}"));
    }
    if settled.class == Class::Oracle {
        lines.push("# [oracle]".to_owned());
        lines.push(
            "# heartbeat = \"1h\"      # what the feed promises; its documentation says".into(),
        );
    }
    if settled.class == Class::Token {
        lines.push("# [token]".to_owned());
        lines.push("# symbol = \"…\"".to_owned());
        lines.push("# decimals = 18".to_owned());
    }
    lines.push(String::new());
    lines.join("\n")
}
