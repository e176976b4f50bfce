//! Where in its life it is, and what it was before.

use model::Name;
use registry::Explorer;
use serde::Serialize;

use super::{super::lines::Line, Party};
use crate::{dossier, words};

#[derive(Serialize)]
pub(super) struct Life {
    facts: Vec<Line>,
    /// Codes and delegates, newest first.
    versions: Vec<Version>,
    dropped: u64,
    facets: Vec<Facet>,
    children: Vec<Child>,
    children_total: usize,
}

#[derive(Serialize)]
struct Version {
    block: String,
    what: &'static str,
    to: Option<Party>,
    /// Hash of the code; `None` for no code.
    code: Option<String>,
    is_newest: bool,
}

#[derive(Serialize)]
struct Facet {
    facet: Party,
    functions: usize,
}

#[derive(Serialize)]
struct Child {
    label: String,
    page: String,
}

impl Life {
    pub(super) fn new(life: &dossier::Life, network: &Name, explorer: Option<&Explorer>) -> Self {
        let delegates = life.delegates.iter().enumerate().map(|(at, of)| Version {
            block: words::grouped(of.block),
            what: of.kind,
            to: Some(Party::new(&of.to, network)),
            code: None,
            is_newest: at == 0,
        });
        let codes = life.codes.iter().enumerate().map(|(at, since)| Version {
            block: words::grouped(since.block.number),
            what: "its own code",
            to: None,
            code: since.what.map(|hash| hash.to_string()),
            is_newest: at == 0,
        });
        let facets = life.facets.iter().map(|(facet, functions)| Facet {
            facet: Party::new(facet, network),
            functions: *functions,
        });
        let newest = life.children.iter().flat_map(|children| &children.newest);
        Self {
            facts: facts(life, explorer),
            versions: delegates.chain(codes).collect(),
            dropped: life.dropped,
            facets: facets.collect(),
            children: newest
                .map(|(label, address)| Child {
                    label: label.to_string(),
                    page: format!("/contracts/{network}/{address}"),
                })
                .collect(),
            children_total: life.children.as_ref().map_or(0, |children| children.count),
        }
    }
}

fn facts(life: &dossier::Life, explorer: Option<&Explorer>) -> Vec<Line> {
    let since = life
        .stage_since
        .map_or_else(String::new, |block| format!(" since block {}", words::grouped(block)));
    let mut lines =
        vec![Line::text("Stage", format!("{}{since}: {}", life.stage, life.stage.meaning()))];
    match &life.creator {
        Some(of) => {
            let by = words::clean(&of.by.to_string());
            let text = format!("{by} in block {}", words::grouped(of.block));
            let url = explorer.map(|explorer| explorer.transaction(of.tx));
            lines.push(Line { url, ..Line::text("Created by", text) });
            if of.sender != of.by {
                lines.push(Line::text("Sent by", words::clean(&of.sender.to_string())));
            }
        }
        None => lines.push(Line::text("Created by", "unknown: its creation was not seen")),
    }
    if let Some((factory, number)) = &life.factory {
        lines.push(Line::text("Factory", format!("{factory}, its child number {number}")));
    }
    if let Some(block) = life.known_since {
        lines.push(Line::text("Known since", format!("block {}", words::grouped(block))));
    }
    let before = match (life.gap, life.gap_blocks) {
        ("no-gap", _) => "nothing: it was watched from its first block on".to_owned(),
        ("gap-cleared", _) => "looked at by a person and cleared".to_owned(),
        (_, Some((from, Some(to)))) => format!(
            "blocks {} to {}: nobody has looked; bellwether registry gap-audit judges them",
            words::grouped(from),
            words::grouped(to)
        ),
        (_, Some((from, None))) => format!("from block {} on nobody looked", words::grouped(from)),
        _ => "unknown: first_block is not stated".to_owned(),
    };
    lines.push(Line::text("Before that", before));
    if !life.clones.is_empty() {
        let named: Vec<&str> = life.clones.iter().map(Name::as_str).collect();
        let more = match life.clones_more {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        lines.push(Line::text("Same code as", format!("{}{more}", named.join(", "))));
    }
    lines
}
