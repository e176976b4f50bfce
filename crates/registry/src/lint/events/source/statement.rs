//! Blocks, branches, loops and modifiers.

use serde_json::Value;

use super::{
    Emit, Origins, Walk, children, has_body, id_of, kind, text_at,
    tree::{self, param_of, type_of},
};
use crate::lint::interface::Event;

impl<'a> Walk<'_, 'a> {
    /// A call of a function whose source is here; says where what it returns comes from.
    pub(super) fn function(&mut self, function: &'a Value, arguments: &[Origins]) -> Origins {
        let is_open = self.open.iter().any(|open| id_of(open) == id_of(function));
        if is_open || !self.may_enter() {
            return Origins::default();
        }
        if !has_body(function) {
            self.lose("it calls a function whose body is in none of the files");
            return Origins::default();
        }
        self.bind(function, arguments);
        let results = function.get("returnParameters").unwrap_or(&Value::Null);
        let results: Vec<i64> = children(results, "parameters").filter_map(id_of).collect();
        for result in &results {
            self.values.insert(*result, Origins::default());
        }
        self.open.push(function);
        self.returned.push(Origins::default());
        self.depth += 1;
        self.wrapped(function, 0);
        self.depth -= 1;
        self.open.pop();
        let mut returned = self.returned.pop().unwrap_or_default();
        for result in &results {
            if let Some(of) = self.values.get(result) {
                returned.add(of);
            }
        }
        returned
    }

    fn bind(&mut self, callee: &'a Value, arguments: &[Origins]) {
        let mut arguments = arguments.iter();
        for param in tree::params(callee) {
            let of = arguments.next().cloned().unwrap_or_default();
            self.values.extend(id_of(param).map(|id| (id, of)));
        }
    }

    /// The function's body inside its modifiers from the one at a position on.
    fn wrapped(&mut self, function: &'a Value, at: usize) {
        let invocation = children(function, "modifiers").nth(at);
        let Some(invocation) = invocation else {
            if let Some(body) = function.get("body") {
                self.statement(body);
            }
            return;
        };
        let name = invocation.get("modifierName").unwrap_or(&Value::Null);
        let declared = self.declared(name);
        let modifier = match declared {
            Some(node) if kind(node) == "ModifierDefinition" => self.most_derived(node),
            // A base's constructor is called, or the modifier is in none of the files.
            Some(_) => return self.wrapped(function, at + 1),
            None => {
                self.lose("a modifier is in none of the files");
                return self.wrapped(function, at + 1);
            }
        };
        let arguments: Vec<Origins> =
            children(invocation, "arguments").map(|argument| self.value(argument)).collect();
        self.bind(modifier, &arguments);
        self.inner.push((function, at + 1));
        if let Some(body) = modifier.get("body") {
            self.modifier(body);
        }
        self.inner.pop();
    }

    /// A modifier's body; what it writes before and after the `_` alone is a lock.
    fn modifier(&mut self, body: &'a Value) {
        let start = self.writes.len();
        let mut middle = None;
        for statement in children(body, "statements") {
            let before = self.writes.len();
            self.statement(statement);
            if kind(statement) == "PlaceholderStatement" {
                middle = Some((before, self.writes.len()));
            }
        }
        if let Some((inner, after)) = middle {
            self.forget_guard(start, inner, after);
        }
    }

    pub(super) fn statement(&mut self, node: &'a Value) {
        if node.is_null() || !self.may_enter() {
            return;
        }
        self.depth += 1;
        self.statement_of(node);
        self.depth -= 1;
    }

    fn statement_of(&mut self, node: &'a Value) {
        let mut value_at = |key: &str| node.get(key).map(|value| self.value(value));
        match kind(node) {
            "Block" | "UncheckedBlock" => {
                children(node, "statements").for_each(|statement| self.statement(statement));
            }
            "ExpressionStatement" => drop(value_at("expression")),
            "VariableDeclarationStatement" => self.declaration(node),
            "IfStatement" => {
                value_at("condition");
                self.statements(node, &["trueBody", "falseBody"]);
            }
            "WhileStatement" | "DoWhileStatement" => {
                value_at("condition");
                self.statements(node, &["body"]);
            }
            "ForStatement" => {
                self.statements(node, &["initializationExpression"]);
                node.get("condition").map(|condition| self.value(condition));
                self.statements(node, &["body", "loopExpression"]);
            }
            "Return" => {
                if let Some(of) = value_at("expression")
                    && let Some(returned) = self.returned.last_mut()
                {
                    returned.add(&of);
                }
            }
            "EmitStatement" => {
                if let Some(call) = node.get("eventCall") {
                    self.emit(call);
                }
            }
            "TryStatement" => {
                value_at("externalCall");
                for clause in children(node, "clauses") {
                    for param in tree::params(clause) {
                        let outside = Origins { outside: true, ..Origins::default() };
                        self.values.extend(id_of(param).map(|id| (id, outside)));
                    }
                    self.statements(clause, &["block"]);
                }
            }
            "PlaceholderStatement" => {
                if let Some((function, next)) = self.inner.pop() {
                    self.wrapped(function, next);
                    self.inner.push((function, next));
                }
            }
            "InlineAssembly" => self.assembly(node),
            // What reverts leaves nothing behind; break and continue go nowhere new.
            "RevertStatement" | "Throw" | "Break" | "Continue" => {}
            other => {
                let why = format!("the statement {other:?} is not known here");
                self.lose(&why);
            }
        }
    }

    fn statements(&mut self, node: &'a Value, keys: &[&str]) {
        for statement in keys.iter().filter_map(|key| node.get(*key)) {
            self.statement(statement);
        }
    }

    fn declaration(&mut self, node: &'a Value) {
        let Some(initial) = node.get("initialValue").filter(|value| !value.is_null()) else {
            return;
        };
        let parts = self.parts(initial);
        let declared: Vec<Option<i64>> = children(node, "declarations").map(id_of).collect();
        for (at, id) in declared.iter().enumerate().filter_map(|(at, id)| Some((at, (*id)?))) {
            // One call that returns several values: each may come from all it was made of.
            let of = if parts.len() == declared.len() { &parts[at] } else { &parts[0] };
            self.values.insert(id, of.clone());
        }
    }

    /// `emit E(a, b)`, with arguments in order or by name.
    pub(super) fn emit(&mut self, call: &'a Value) {
        let callee = call.get("expression").unwrap_or(&Value::Null);
        let declared = self.declared(callee);
        let given: Vec<Origins> =
            children(call, "arguments").map(|argument| self.value(argument)).collect();
        let Some(declared) = declared else {
            let shown = format!("{}(…)", text_at(callee, "name"));
            return self.emits.push(Emit { event: None, origins: None, shown });
        };
        let params: Vec<_> = tree::params(declared).map(param_of).collect();
        let names: Vec<&str> = children(call, "names").filter_map(Value::as_str).collect();
        let origins = if names.is_empty() {
            given
        } else {
            let by_name = params.iter().map(|param| {
                let at = names.iter().position(|name| *name == param.name);
                at.and_then(|at| given.get(at)).cloned().unwrap_or_default()
            });
            by_name.collect()
        };
        let is_anonymous = declared.get("anonymous") == Some(&Value::Bool(true));
        let event = Event::new(text_at(declared, "name"), params, is_anonymous);
        let shown = event.to_string();
        self.emits.push(Emit { event: Some(event), origins: Some(origins), shown });
    }

    fn assembly(&mut self, node: &'a Value) {
        // Compilers before 0.6 give the text alone.
        if let Some(text) = node.get("operations").and_then(Value::as_str) {
            let has = |word: &str| text.contains(&format!("{word}("));
            self.instructions(
                has("sstore"),
                (0..5).any(|n| has(&format!("log{n}"))),
                has("delegatecall"),
            );
            return;
        }
        let Some(block) = node.get("AST") else {
            return self.lose("assembly without a tree");
        };
        let (mut writes, mut logs, mut delegates) = (false, false, false);
        let mut waiting = vec![block];
        while let Some(node) = waiting.pop() {
            match node {
                Value::Array(items) => waiting.extend(items),
                Value::Object(fields) => {
                    if kind(node) == "YulFunctionCall" {
                        let name = node.get("functionName").map(|name| text_at(name, "name"));
                        match name.unwrap_or_default() {
                            "sstore" => writes = true,
                            "log0" | "log1" | "log2" | "log3" | "log4" => logs = true,
                            "delegatecall" | "callcode" => delegates = true,
                            _ => {}
                        }
                    }
                    waiting.extend(fields.values());
                }
                _ => {}
            }
        }
        self.instructions(writes, logs, delegates);
    }

    fn instructions(&mut self, writes: bool, logs: bool, delegates: bool) {
        if writes {
            // No declaration has this id.
            self.write(-1, Origins::default());
        }
        if logs {
            let shown = "a log written in assembly".to_owned();
            self.emits.push(Emit { event: None, origins: None, shown });
        }
        if delegates {
            self.lose(super::expression::DELEGATES);
        }
    }

    /// The values of a tuple one by one; of anything else, its one value.
    pub(super) fn parts(&mut self, node: &'a Value) -> Vec<Origins> {
        let is_tuple = kind(node) == "TupleExpression" && !type_of(node).ends_with(']');
        if is_tuple {
            let parts: Vec<Origins> =
                children(node, "components").map(|part| self.value(part)).collect();
            if !parts.is_empty() {
                return parts;
            }
        }
        vec![self.value(node)]
    }
}
