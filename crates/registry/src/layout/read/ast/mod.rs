//! What only the source tells, from solc's syntax tree: namespaces, annotations, values of enums,
//! constructors and initialisers.
//!
//! A tree may hold one file of many. What it refers to and does not hold is said to be missing and
//! is never taken for absent.

mod enrich; // the layout, with what the tree adds
mod facts; //  constructors, initialisers, immutables
mod types; //  types and places of what solc's layout leaves out

use std::collections::HashMap;

use serde_json::Value;

pub(super) use enrich::enrich;
pub(super) use facts::facts;
pub use facts::{Constructor, Initialiser, SourceFacts, StateInitialiser};

/// Every declaration of the syntax trees of one file, by id.
pub(super) struct Program<'a> {
    declarations: HashMap<i64, &'a Value>,
    /// Name of the contract that a declaration is in, by the declaration's id.
    owners: HashMap<i64, &'a str>,
    /// Path and text of each source by its index, where the file has them.
    sources: HashMap<i64, (&'a str, Option<&'a str>)>,
    /// The roots of the trees with their paths.
    units: Vec<(&'a str, &'a Value)>,
}

impl<'a> Program<'a> {
    /// The trees of a compiler's output; `whole` may hold the input with the sources' text.
    pub(super) fn of_output(output: &'a Value, whole: &'a Value) -> Self {
        let mut program = Self::empty();
        let texts = whole.get("input").and_then(|input| input.get("sources"));
        for (path, source) in output.get("sources").and_then(Value::as_object).into_iter().flatten()
        {
            let text = texts.and_then(|t| t.get(path)?.get("content")?.as_str());
            if let Some(index) = source.get("id").and_then(Value::as_i64) {
                program.sources.insert(index, (path.as_str(), text));
            }
            if let Some(tree) = source.get("ast").or_else(|| source.get("AST")) {
                program.add(path, tree);
            }
        }
        program
    }

    /// The tree in an artefact of one contract, if it has one.
    pub(super) fn of_artefact(artefact: &'a Value) -> Self {
        let mut program = Self::empty();
        if let Some(tree) = artefact.get("ast").filter(|tree| tree.is_object()) {
            let path = tree.get("absolutePath").and_then(Value::as_str).unwrap_or_default();
            if let Some(index) = artefact.get("id").and_then(Value::as_i64) {
                program.sources.insert(index, (path, None));
            }
            program.add(path, tree);
        }
        program
    }

    fn empty() -> Self {
        Self {
            declarations: HashMap::new(),
            owners: HashMap::new(),
            sources: HashMap::new(),
            units: Vec::new(),
        }
    }

    fn add(&mut self, path: &'a str, tree: &'a Value) {
        self.units.push((path, tree));
        for node in nodes(tree) {
            self.declare(node, None);
        }
    }

    fn declare(&mut self, node: &'a Value, owner: Option<&'a str>) {
        let Some(id) = id(node) else { return };
        self.declarations.insert(id, node);
        if let Some(owner) = owner {
            self.owners.insert(id, owner);
        }
        if kind(node) == "ContractDefinition" {
            for inner in nodes(node) {
                self.declare(inner, Some(name(node)));
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.units.is_empty()
    }

    fn declaration(&self, id: i64) -> Option<&'a Value> {
        self.declarations.get(&id).copied()
    }

    fn contract(&self, file: &str, wanted: &str) -> Option<&'a Value> {
        let in_file = self.units.iter().filter(|(path, _)| *path == file);
        let contracts = in_file.chain(&self.units).flat_map(|(_, unit)| nodes(unit));
        contracts
            .into_iter()
            .find(|node| kind(node) == "ContractDefinition" && name(node) == wanted)
    }

    /// The contract and what it inherits, most derived first, and how many of those are not here.
    fn lineage(&self, contract: &'a Value) -> (Vec<&'a Value>, usize) {
        let ids = contract.get("linearizedBaseContracts").and_then(Value::as_array);
        let ids: Vec<i64> = ids.into_iter().flatten().filter_map(Value::as_i64).collect();
        let here: Vec<&Value> = ids.iter().filter_map(|id| self.declaration(*id)).collect();
        let missing = ids.len() - here.len();
        (here, missing)
    }

    /// `path:line` of a node, or the path where the text is not here.
    fn place(&self, node: &Value) -> Option<String> {
        let mut parts = node.get("src")?.as_str()?.split(':');
        let start: usize = parts.next()?.parse().ok()?;
        let index: i64 = parts.nth(1)?.parse().ok()?;
        let (path, text) = self.sources.get(&index)?;
        match text.and_then(|text| text.as_bytes().get(..start)) {
            Some(before) => {
                let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
                Some(format!("{path}:{line}"))
            }
            None => Some((*path).to_owned()),
        }
    }

    /// The documentation of a declaration: from the tree, or, where the compiler left it out, the
    /// comment right before it in the text.
    fn documentation(&self, node: &'a Value) -> String {
        if let Some(text) = documentation(node) {
            return text.to_owned();
        }
        let comment = || {
            let mut parts = node.get("src")?.as_str()?.split(':');
            let start: usize = parts.next()?.parse().ok()?;
            let index: i64 = parts.nth(1)?.parse().ok()?;
            let (_, text) = self.sources.get(&index)?;
            let before = std::str::from_utf8(text.as_ref()?.as_bytes().get(..start)?).ok()?;
            Some(comment_at_end(before))
        };
        comment().unwrap_or_default()
    }
}

/// The comment that a text ends with, white space apart.
fn comment_at_end(text: &str) -> String {
    let text = text.trim_end();
    if let Some(inside) = text.strip_suffix("*/") {
        return inside.rfind("/**").map(|at| inside[at + 3..].to_owned()).unwrap_or_default();
    }
    let lines = text.lines().rev().map(str::trim).take_while(|line| line.starts_with("///"));
    let mut lines: Vec<&str> = lines.map(|line| line.trim_start_matches('/')).collect();
    lines.reverse();
    lines.join("\n")
}

fn nodes(node: &Value) -> impl Iterator<Item = &Value> {
    node.get("nodes").and_then(Value::as_array).into_iter().flatten()
}

fn id(node: &Value) -> Option<i64> {
    node.get("id")?.as_i64()
}

fn kind(node: &Value) -> &str {
    node.get("nodeType").and_then(Value::as_str).unwrap_or_default()
}

fn name(node: &Value) -> &str {
    node.get("name").and_then(Value::as_str).unwrap_or_default()
}

fn documentation(node: &Value) -> Option<&str> {
    let documentation = node.get("documentation")?;
    documentation.as_str().or_else(|| documentation.get("text")?.as_str())
}

/// What follows a tag in a documentation comment, up to the next tag or the end of the line.
fn tag<'a>(documentation: &'a str, tag: &str) -> Option<&'a str> {
    let at = documentation.find(tag)? + tag.len();
    let rest = &documentation[at..];
    if !rest.starts_with(char::is_whitespace) {
        return None;
    }
    let line = rest.lines().next().unwrap_or_default();
    Some(line.split(" @").next().unwrap_or_default().trim()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_to_the_end_of_their_line() {
        let text = " The price.\n @custom:oz-retyped-from mapping(uint8 => Old)\n @custom:oz-renamed-from cost";
        assert_eq!(tag(text, "@custom:oz-retyped-from"), Some("mapping(uint8 => Old)"));
        assert_eq!(tag(text, "@custom:oz-renamed-from"), Some("cost"));
        assert_eq!(tag(text, "@custom:oz-renamed"), None);
        assert_eq!(tag(text, "@custom:other"), None);
    }

    #[test]
    fn only_the_comment_right_before_counts() {
        let line = "/// first\nuint a;\n  /// @custom:storage-location erc7201:x\n  ";
        assert_eq!(comment_at_end(line).trim(), "@custom:storage-location erc7201:x");
        assert_eq!(comment_at_end("/** one */ uint a; /** two */\n").trim(), "two");
        assert_eq!(comment_at_end("/// first\nuint a;\n"), "");
    }
}
