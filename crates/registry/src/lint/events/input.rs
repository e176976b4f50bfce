//! The files that syntax trees, bytecode and interfaces come in, and which of them judges a contract:
//! its tree where there is one, else its code, else its interface alone.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::hex;
use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::Value;

use super::{
    Answer, Basis, Function, Verdict,
    code::{Reached, explore},
    score::{Emit, Facts, Payment, answers},
    shape::{self, is_about_money},
    source::{self, Tree, Unit},
    unseen,
};
use crate::lint::{
    LeftOut, Place,
    interface::{
        Infrastructure, Surface,
        input::{self, Source},
    },
};

pub use crate::lint::interface::input::Reading;

#[derive(Debug, Clone)]
struct OwnedUnit {
    path: String,
    ast: Value,
    text: Option<String>,
}

#[derive(Debug, Clone)]
struct Code {
    name: String,
    file: String,
    bytes: Vec<u8>,
}

/// All that was given to judge.
#[derive(Debug, Clone, Default)]
pub struct Builds {
    units: Vec<OwnedUnit>,
    codes: Vec<Code>,
    interfaces: Infrastructure,
}

impl Builds {
    /// Takes a file over.
    ///
    /// # Errors
    /// What is wrong with a file that should hold a build or an interface and cannot be read.
    pub fn read(&mut self, source: Source<'_>) -> Result<Reading, String> {
        if source.is_solidity() {
            return Err(
                "Solidity has to be compiled first: give the build information or the artefact"
                    .into(),
            );
        }
        if source.path.ends_with(".bin") || source.path.ends_with(".hex") {
            let bytes = input::code_from_hex(source.text)?;
            let (name, file) = (source.stem().to_owned(), source.path.to_owned());
            self.codes.push(Code { name, file, bytes });
            return Ok(Reading::Read);
        }
        if !source.text.trim_start().starts_with(['{', '[']) {
            return input::read(source, &mut self.interfaces);
        }
        let value: Value =
            serde_json::from_str(source.text).map_err(|error| format!("not JSON: {error}"))?;
        let (units, codes) = (self.units.len(), self.codes.len());
        self.trees(&value);
        self.bytecodes(source, &value);
        let has_build = self.units.len() > units || self.codes.len() > codes;
        match input::read_value(source, &value, &mut self.interfaces) {
            Ok(Reading::NotAnInterface) if has_build => Ok(Reading::Read),
            reading => reading,
        }
    }

    /// Notes a file that could not be read, so that the report names it.
    pub fn leave_out(&mut self, left_out: LeftOut) {
        self.interfaces.left_out.push(left_out);
    }

    /// Syntax trees: of build information (`output.sources`), of the compiler's own output
    /// (`sources`), of an artefact (`ast`).
    fn trees(&mut self, value: &Value) {
        let output = value.get("output").unwrap_or(value);
        let texts = value.get("input").and_then(|input| input.get("sources"));
        for (path, unit) in output.get("sources").and_then(Value::as_object).into_iter().flatten() {
            let Some(ast) = unit.get("ast").filter(|ast| ast.is_object()) else { continue };
            let text = texts.and_then(|texts| texts.get(path)?.get("content")?.as_str());
            let text = text.map(str::to_owned);
            self.units.push(OwnedUnit { path: path.clone(), ast: ast.clone(), text });
        }
        if let Some(ast) = value.get("ast").filter(|ast| ast.get("nodes").is_some()) {
            let path = ast.get("absolutePath").and_then(Value::as_str).unwrap_or_default();
            let is_known = self.units.iter().any(|unit| unit.path == path && unit.ast == *ast);
            if !is_known {
                let text = value.get("source").and_then(Value::as_str).map(str::to_owned);
                self.units.push(OwnedUnit { path: path.to_owned(), ast: ast.clone(), text });
            }
        }
    }

    fn bytecodes(&mut self, source: Source<'_>, value: &Value) {
        let object = |code: &'_ Value| -> Option<String> {
            let hex = code.as_str().or_else(|| code.get("object")?.as_str())?;
            (hex.len() > 2).then(|| hex.to_owned())
        };
        let output = value.get("output").unwrap_or(value);
        let mut texts: Vec<(String, String)> = Vec::new();
        for of_file in output.get("contracts").and_then(Value::as_object).into_iter().flatten() {
            for (name, contract) in of_file.1.as_object().into_iter().flatten() {
                let code = contract.get("evm").and_then(|evm| evm.get("deployedBytecode"));
                texts.extend(code.and_then(object).map(|code| (name.clone(), code)));
            }
        }
        if let Some(code) = value.get("deployedBytecode").and_then(object) {
            texts.push((input::name_of(source, value), code));
        }
        for (name, code) in texts {
            let file = source.path.to_owned();
            match input::code_from_hex(&code) {
                Ok(bytes) => self.codes.push(Code { name, file, bytes }),
                Err(reason) => {
                    let place = Place::contract(file, name);
                    self.interfaces.left_out.push(LeftOut { place, reason });
                }
            }
        }
    }

    /// Judges every contract once, by the best there is of it.
    pub(super) fn judge(&self) -> (Vec<Function>, Vec<LeftOut>) {
        let mut left_out = self.interfaces.left_out.clone();
        let mut trees: Vec<Tree<'_>> = Vec::new();
        for unit in &self.units {
            let unit = Unit { path: &unit.path, ast: &unit.ast, text: unit.text.as_deref() };
            if !trees.iter_mut().any(|tree| tree.add(unit)) {
                let mut tree = Tree::default();
                tree.add(unit);
                trees.push(tree);
            }
        }
        let mut functions: Vec<Function> = Vec::new();
        let mut judged: FxHashSet<&str> = FxHashSet::default();
        for tree in &trees {
            functions.extend(source::judge(tree));
            judged.extend(tree.names());
        }
        let named = self.interfaces.surfaces.iter().rev().map(|of| (of.name.as_str(), of));
        let named: FxHashMap<&str, &Surface> = named.collect();
        let mut by_code: FxHashSet<&str> = FxHashSet::default();
        for code in self.codes.iter().filter(|code| !judged.contains(code.name.as_str())) {
            if by_code.insert(&code.name) {
                of_code(
                    code,
                    named.get(code.name.as_str()).copied(),
                    &mut functions,
                    &mut left_out,
                );
            }
        }
        judged.extend(by_code);
        for surface in &self.interfaces.surfaces {
            if !judged.contains(surface.name.as_str()) {
                functions.extend(shape::judge(surface));
            }
        }
        (functions, left_out)
    }
}

fn of_code(
    code: &Code,
    surface: Option<&Surface>,
    out: &mut Vec<Function>,
    left_out: &mut Vec<LeftOut>,
) {
    let entries = input::entries(&code.bytes);
    if entries.is_empty() {
        let place = Place::contract(&code.file, &code.name);
        let reason = "no function is found in its bytecode: nothing of it was judged".to_owned();
        return left_out.push(LeftOut { place, reason });
    }
    let named = |selector: [u8; 4]| {
        surface.and_then(|of| of.functions.iter().find(|f| f.selector == selector))
    };
    let is_reading = |selector| {
        named(selector).and_then(|f| f.mutability).is_some_and(|mutability| mutability.is_reading())
    };
    let reached: Vec<([u8; 4], Reached)> = entries
        .into_iter()
        .filter(|(selector, _)| !is_reading(*selector))
        .map(|(selector, entry)| (selector, explore(&code.bytes, entry)))
        .collect();
    let mut reached_by: BTreeMap<_, usize> = BTreeMap::new();
    for (_, of) in &reached {
        of.logs.iter().for_each(|topic| *reached_by.entry(*topic).or_default() += 1);
    }
    for (selector, of) in reached {
        let verdict = match (of.writes, of.logs.is_empty()) {
            (true, false) => Verdict::Emits,
            (_, _) if of.lost.is_some() => Verdict::Unknown(of.lost.unwrap_or_default().to_owned()),
            (_, _) if of.delegates => {
                Verdict::Unknown("it runs other code on its own storage (delegatecall)".into())
            }
            (true, true) => Verdict::Silent,
            (false, _) => continue,
        };
        let function = named(selector);
        let signature =
            function.map_or_else(|| hex::encode_prefixed(selector), |f| f.signature.clone());
        let has_own_event = of.logs.iter().any(|topic| reached_by.get(topic) == Some(&1));
        let emits: Vec<Emit> = of
            .logs
            .iter()
            .map(|topic| {
                let known = topic.and_then(|topic| {
                    surface?.events.iter().find(|event| event.topic0 == Some(topic))
                });
                let shown = match (known, topic) {
                    (Some(event), _) => event.to_string(),
                    (None, Some(topic)) => topic.to_string(),
                    (None, None) => "a log without a fixed topic".to_owned(),
                };
                Emit { event: known.cloned(), origins: None, shown }
            })
            .collect();
        let events: BTreeSet<String> = emits.iter().map(|emit| emit.shown.clone()).collect();
        let is_money = of.moves_money
            && function.is_none_or(|f| is_about_money(&f.name) || !f.inputs.is_empty());
        let answers: [Answer; 7] = if emits.is_empty() {
            unseen()
        } else {
            answers(&Facts {
                emits,
                inputs: function.map(|f| f.inputs.clone()).unwrap_or_default(),
                payments: is_money.then(Payment::default).into_iter().collect(),
                has_own_event,
                ..Facts::default()
            })
        };
        let line = function.and_then(|f| f.line);
        out.push(Function {
            place: Place { line, ..Place::contract(&code.file, &code.name).item(signature) },
            selector: Some(selector),
            basis: Basis::Bytecode,
            verdict,
            events: events.into_iter().collect(),
            answers,
        });
    }
}
