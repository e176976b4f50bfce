//! What the source says about deploying the contract behind a proxy: what its constructors leave in
//! the wrong storage, who may initialise it.

use std::collections::{BTreeSet, HashSet};

use serde_json::Value;

use super::{Program, documentation, id, kind, name, nodes};

/// How deep calls are followed from a constructor.
const CALL_DEPTH_MAX: usize = 16;

/// What the source of a contract and of all that it inherits says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceFacts {
    /// How many inherited contracts are not in the file; if any, an absence proves nothing.
    pub missing_bases: usize,
    /// Constructors with a body or an effect.
    pub constructors: Vec<Constructor>,
    /// Variables of storage that are given a value where they are declared.
    pub state_initialisers: Vec<StateInitialiser>,
    /// Immutable variables, as `Contract.name`.
    pub immutables: Vec<String>,
    /// Functions that set the proxy's storage up.
    pub initialisers: Vec<Initialiser>,
    /// Whether some constructor makes the implementation itself impossible to initialise.
    pub disables_initialisers: bool,
}

/// A constructor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constructor {
    /// Whose.
    pub contract: String,
    /// State variables that it, or a function that it calls, writes.
    pub writes: Vec<String>,
    /// Where it is, as `file:line`.
    pub source: Option<String>,
}

/// A variable with a value at its declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateInitialiser {
    /// The contract that declares it.
    pub contract: String,
    /// Its name.
    pub label: String,
    /// Where it is, as `file:line`.
    pub source: Option<String>,
}

/// A function that sets a proxy's storage up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Initialiser {
    /// The contract that declares it.
    pub contract: String,
    /// Its name.
    pub function: String,
    /// Whether a modifier lets it run only once (`initializer`, `reinitializer`).
    pub runs_once: bool,
    /// Where it is, as `file:line`.
    pub source: Option<String>,
}

/// What the trees say of a contract; `None` if it is not in them.
pub(in crate::layout::read) fn facts(
    program: &Program<'_>,
    file: &str,
    contract: &str,
) -> Option<SourceFacts> {
    if program.is_empty() {
        return None;
    }
    let contract = program.contract(file, contract)?;
    let (lineage, missing_bases) = program.lineage(contract);
    let mut facts = SourceFacts { missing_bases, ..SourceFacts::default() };
    for base in lineage {
        for node in nodes(base) {
            match kind(node) {
                "VariableDeclaration" => variable(program, base, node, &mut facts),
                "FunctionDefinition" => function(program, base, node, &mut facts),
                _ => {}
            }
        }
    }
    Some(facts)
}

/// Whether the author accepts this danger in a comment that OpenZeppelin's tools read too.
fn is_allowed(nodes: [&Value; 2], danger: &str) -> bool {
    nodes.into_iter().filter_map(documentation).any(|text| {
        text.lines().any(|line| {
            line.contains("@custom:oz-upgrades-unsafe-allow")
                && line.split_whitespace().any(|word| word == danger)
        })
    })
}

fn variable(program: &Program<'_>, contract: &Value, node: &Value, facts: &mut SourceFacts) {
    match node.get("mutability").and_then(Value::as_str) {
        Some("immutable") if !is_allowed([contract, node], "state-variable-immutable") => {
            facts.immutables.push(format!("{}.{}", name(contract), name(node)));
        }
        Some("mutable") | None => {
            let is_constant = node.get("constant") == Some(&Value::Bool(true));
            let has_value = node.get("value").is_some_and(|value| !value.is_null());
            if has_value
                && !is_constant
                && !is_allowed([contract, node], "state-variable-assignment")
            {
                facts.state_initialisers.push(StateInitialiser {
                    contract: name(contract).to_owned(),
                    label: name(node).to_owned(),
                    source: program.place(node),
                });
            }
        }
        _ => {}
    }
}

fn function(program: &Program<'_>, contract: &Value, node: &Value, facts: &mut SourceFacts) {
    let modifiers: Vec<&str> = node
        .get("modifiers")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|invocation| invocation.get("modifierName")?.get("name")?.as_str())
        .collect();
    let runs_once = modifiers.iter().any(|name| matches!(*name, "initializer" | "reinitializer"));
    if node.get("kind").and_then(Value::as_str) == Some("constructor") {
        let mut effects = Effects::default();
        effects.follow(program, node.get("body"), 0);
        facts.disables_initialisers |= runs_once || effects.disables_initialisers;
        if !effects.writes.is_empty() && !is_allowed([contract, node], "constructor") {
            facts.constructors.push(Constructor {
                contract: name(contract).to_owned(),
                writes: effects.writes.into_iter().collect(),
                source: program.place(node),
            });
        }
        return;
    }
    let is_open =
        matches!(node.get("visibility").and_then(Value::as_str), Some("external" | "public"));
    let is_implemented = node.get("implemented") != Some(&Value::Bool(false));
    if is_open && is_implemented && (runs_once || name(node) == "initialize") {
        facts.initialisers.push(Initialiser {
            contract: name(contract).to_owned(),
            function: name(node).to_owned(),
            runs_once,
            source: program.place(node),
        });
    }
}

/// What running a body does.
#[derive(Default)]
struct Effects {
    writes: BTreeSet<String>,
    disables_initialisers: bool,
    followed: HashSet<i64>,
}

impl Effects {
    fn follow(&mut self, program: &Program<'_>, node: Option<&Value>, depth: usize) {
        let Some(node) = node else { return };
        match node {
            Value::Array(items) => {
                items.iter().for_each(|item| self.follow(program, Some(item), depth));
            }
            Value::Object(fields) => {
                match kind(node) {
                    "Assignment" => self.written(program, node.get("leftHandSide")),
                    "UnaryOperation" => match node.get("operator").and_then(Value::as_str) {
                        Some("++" | "--" | "delete") => {
                            self.written(program, node.get("subExpression"));
                        }
                        _ => {}
                    },
                    "FunctionCall" => self.called(program, node.get("expression"), depth),
                    _ => {}
                }
                fields.values().for_each(|value| self.follow(program, Some(value), depth));
            }
            _ => {}
        }
    }

    /// Notes the state variable that an expression is part of.
    fn written(&mut self, program: &Program<'_>, expression: Option<&Value>) {
        let mut expression = expression;
        while let Some(node) = expression {
            expression = match kind(node) {
                "IndexAccess" => node.get("baseExpression"),
                "MemberAccess" => node.get("expression"),
                "TupleExpression" => {
                    let parts = node.get("components").and_then(Value::as_array);
                    for part in parts.into_iter().flatten() {
                        self.written(program, Some(part));
                    }
                    None
                }
                "Identifier" => {
                    let declared = node
                        .get("referencedDeclaration")
                        .and_then(Value::as_i64)
                        .and_then(|id| program.declaration(id));
                    let is_state = declared.is_some_and(|d| {
                        d.get("stateVariable") == Some(&Value::Bool(true))
                            && !matches!(
                                d.get("mutability").and_then(Value::as_str),
                                Some("immutable")
                            )
                            && d.get("storageLocation").and_then(Value::as_str) != Some("transient")
                    });
                    if is_state {
                        self.writes.insert(name(node).to_owned());
                    }
                    None
                }
                _ => None,
            };
        }
    }

    fn called(&mut self, program: &Program<'_>, callee: Option<&Value>, depth: usize) {
        let Some(callee) = callee else { return };
        let called = match kind(callee) {
            "MemberAccess" => {
                let member = callee.get("memberName").and_then(Value::as_str).unwrap_or_default();
                if matches!(member, "push" | "pop") {
                    self.written(program, callee.get("expression"));
                }
                member
            }
            _ => name(callee),
        };
        if called == "_disableInitializers" {
            self.disables_initialisers = true;
            return;
        }
        let function = callee
            .get("referencedDeclaration")
            .and_then(Value::as_i64)
            .and_then(|id| program.declaration(id))
            .filter(|node| kind(node) == "FunctionDefinition");
        let Some(function) = function else { return };
        let is_new = id(function).is_some_and(|id| self.followed.insert(id));
        if is_new && depth < CALL_DEPTH_MAX {
            self.follow(program, function.get("body"), depth + 1);
        }
    }
}
