//! Values and where they come from; calls and what they do; assignments and what they write.

use serde_json::Value;

use super::{
    Origins, Payment, Walk, children, id_of, kind, reference, text_at,
    tree::{self, type_of},
};

pub(super) const DELEGATES: &str =
    "it runs other code on its own storage (delegatecall), chosen when it runs";

impl<'a> Walk<'_, 'a> {
    /// Where a value comes from, after doing what computing it does.
    pub(super) fn value(&mut self, node: &'a Value) -> Origins {
        if node.is_null() || !self.may_enter() {
            return Origins::default();
        }
        self.depth += 1;
        let of = self.value_of(node);
        self.depth -= 1;
        of
    }

    fn value_of(&mut self, node: &'a Value) -> Origins {
        match kind(node) {
            "Identifier" => self.identifier(node),
            "MemberAccess" => self.member(node),
            "IndexAccess" | "IndexRangeAccess" => {
                for key in ["indexExpression", "startExpression", "endExpression"] {
                    node.get(key).map(|index| self.value(index));
                }
                // What is kept under a key comes from where it was kept, not from the key.
                self.at(node, "baseExpression")
            }
            "Assignment" => self.assignment(node),
            "UnaryOperation" => {
                let Some(operand) = node.get("subExpression") else { return Origins::default() };
                let of = self.value(operand);
                if matches!(text_at(node, "operator"), "++" | "--" | "delete") {
                    self.target(operand, &of);
                }
                of
            }
            "BinaryOperation" => self.all(node, &["leftExpression", "rightExpression"]),
            "Conditional" => {
                self.at(node, "condition");
                self.all(node, &["trueExpression", "falseExpression"])
            }
            "TupleExpression" => self.list(node, "components"),
            "FunctionCall" => self.call(node),
            "FunctionCallOptions" => {
                let of = self.list(node, "options");
                self.at(node, "expression");
                of
            }
            _ => Origins::default(),
        }
    }

    fn at(&mut self, node: &'a Value, key: &str) -> Origins {
        node.get(key).map(|value| self.value(value)).unwrap_or_default()
    }

    fn all(&mut self, node: &'a Value, keys: &[&str]) -> Origins {
        let mut all = Origins::default();
        for key in keys {
            all.add(&self.at(node, key));
        }
        all
    }

    fn list(&mut self, node: &'a Value, key: &str) -> Origins {
        let mut all = Origins::default();
        for value in children(node, key) {
            all.add(&self.value(value));
        }
        all
    }

    fn identifier(&mut self, node: &'a Value) -> Origins {
        let Some(declared) = self.declared(node) else {
            let is_this = text_at(node, "name") == "this";
            return Origins { this: is_this, ..Origins::default() };
        };
        self.variable(declared)
    }

    fn variable(&self, declared: &Value) -> Origins {
        let Some(id) = id_of(declared) else { return Origins::default() };
        if is_state(declared) {
            return Origins { state: [id].into(), ..Origins::default() };
        }
        self.values.get(&id).cloned().unwrap_or_default()
    }

    fn member(&mut self, node: &'a Value) -> Origins {
        let Some(base) = node.get("expression") else { return Origins::default() };
        let name = text_at(node, "memberName");
        let is_built_in = kind(base) == "Identifier" && self.declared(base).is_none();
        if is_built_in {
            match (text_at(base, "name"), name) {
                ("msg", "sender") | ("tx", "origin") => {
                    return Origins { caller: true, ..Origins::default() };
                }
                ("msg", "value") => return Origins { ether: true, ..Origins::default() },
                ("msg", "sig") => return Origins { selector: true, ..Origins::default() },
                ("msg", "data") => {
                    return Origins { selector: true, inputs: u64::MAX, ..Origins::default() };
                }
                _ => {}
            }
        }
        // A state variable by the name of the contract that declares it.
        let declared = self.declared(node).filter(|declared| is_state(declared));
        match declared {
            Some(declared) => self.variable(declared),
            None => self.value(base),
        }
    }

    fn assignment(&mut self, node: &'a Value) -> Origins {
        let (left, right) = (node.get("leftHandSide"), node.get("rightHandSide"));
        let (Some(left), Some(right)) = (left, right) else { return Origins::default() };
        let mut parts = self.parts(right);
        if text_at(node, "operator") != "=" {
            let before = self.value(left);
            parts.iter_mut().for_each(|part| part.add(&before));
        }
        if kind(left) == "TupleExpression" {
            let targets: Vec<&Value> = children(left, "components").collect();
            for (at, target) in targets.iter().enumerate() {
                let of = if parts.len() == targets.len() { &parts[at] } else { &parts[0] };
                self.target(target, of);
            }
        } else {
            self.target(left, &parts[0]);
        }
        parts.into_iter().next().unwrap_or_default()
    }

    /// Writes a value to where an expression points.
    pub(super) fn target(&mut self, node: &'a Value, of: &Origins) {
        // The keys of a mapping may be calls.
        if kind(node) == "IndexAccess" {
            node.get("indexExpression").map(|index| self.value(index));
        }
        match self.stored_at(node) {
            Some(place) => self.write(place, of.clone()),
            None => {
                if let Some(id) = local(node) {
                    self.values.entry(id).or_default().add(of);
                }
            }
        }
    }

    /// The state variable, or the field behind a pointer to storage, that an expression names;
    /// `None` for what lives in memory.
    fn stored_at(&self, node: &'a Value) -> Option<i64> {
        let (mut at, mut field) = (node, None);
        loop {
            match kind(at) {
                "Identifier" => {
                    let declared = self.declared(at)?;
                    if is_state(declared) {
                        return id_of(declared);
                    }
                    // Setting a pointer writes nothing; what it points to is written through it.
                    let is_pointer = text_at(declared, "storageLocation") == "storage";
                    let is_through = !std::ptr::eq(at, node);
                    return (is_pointer && is_through)
                        .then(|| field.or_else(|| id_of(declared)))?;
                }
                "MemberAccess" => {
                    if let Some(declared) = self.declared(at).filter(|of| is_state(of)) {
                        return id_of(declared);
                    }
                    field = field.or_else(|| reference(at));
                    at = at.get("expression")?;
                }
                "IndexAccess" => at = at.get("baseExpression")?,
                "TupleExpression" => at = children(at, "components").next()?,
                "FunctionCall" => {
                    let is_pointer = type_of(at).contains(" storage ");
                    return is_pointer.then(|| field.or_else(|| id_of(at)))?;
                }
                _ => return None,
            }
        }
    }

    fn call(&mut self, node: &'a Value) -> Origins {
        let Some(mut callee) = node.get("expression") else { return Origins::default() };
        if matches!(text_at(node, "kind"), "typeConversion" | "structConstructorCall") {
            return self.list(node, "arguments");
        }
        // `f{value: x, gas: y}(…)`
        let mut ether = None;
        if kind(callee) == "FunctionCallOptions" {
            let names = children(callee, "names").filter_map(Value::as_str);
            for (name, option) in names.zip(children(callee, "options")) {
                let of = self.value(option);
                let is_zero = text_at(option, "value") == "0";
                if name == "value" && !is_zero {
                    ether = Some(of);
                }
            }
            callee = callee.get("expression").unwrap_or(callee);
        }
        let declared = self.declared(callee);
        if declared.is_some_and(|of| kind(of) == "EventDefinition") {
            self.emit(node);
            return Origins::default();
        }
        let mut arguments: Vec<Origins> =
            children(node, "arguments").map(|argument| self.value(argument)).collect();
        if kind(callee) == "MemberAccess" {
            return self.member_call(callee, declared, arguments, ether.is_some());
        }
        match declared {
            Some(function) if kind(function) == "FunctionDefinition" => {
                let function = self.most_derived(function);
                self.by_name(node, function, &mut arguments);
                self.function(function, &arguments)
            }
            Some(variable) if kind(variable) == "VariableDeclaration" => {
                if type_of(variable).contains(" external") {
                    return Origins { outside: true, ..Origins::default() };
                }
                self.lose("it calls a function that a variable names");
                union(&arguments)
            }
            _ => union(&arguments),
        }
    }

    /// Puts arguments that are given by name in the order of the declaration.
    fn by_name(&self, call: &'a Value, function: &'a Value, arguments: &mut Vec<Origins>) {
        let names: Vec<&str> = children(call, "names").filter_map(Value::as_str).collect();
        if names.is_empty() {
            return;
        }
        let ordered = tree::params(function).map(|param| {
            let at = names.iter().position(|name| *name == text_at(param, "name"));
            at.and_then(|at| arguments.get(at)).cloned().unwrap_or_default()
        });
        *arguments = ordered.collect();
    }

    /// `base.member(…)`: a library's function, a base's, another contract's, or one that is built in.
    fn member_call(
        &mut self,
        callee: &'a Value,
        declared: Option<&'a Value>,
        mut arguments: Vec<Origins>,
        has_ether: bool,
    ) -> Origins {
        let Some(base) = callee.get("expression") else { return Origins::default() };
        let (name, base_type) = (text_at(callee, "memberName"), type_of(base));
        let is_super = text_at(base, "name") == "super" && self.declared(base).is_none();
        let is_this = text_at(base, "name") == "this" && self.declared(base).is_none();
        let base_of = self.value(base);
        let function = declared.filter(|of| kind(of) == "FunctionDefinition");
        if let Some(function) = function {
            if is_super {
                let above = self.above(function);
                return self.function(above, &arguments);
            }
            let scope = function.get("scope").and_then(Value::as_i64);
            let scope = scope.and_then(|id| self.tree.get(id));
            // A function outside of all contracts can be bound by `using` like a library's.
            let is_library = scope.is_none_or(|of| text_at(of, "contractKind") == "library");
            let is_by_type = base_type.starts_with("type(");
            if is_library {
                if !is_by_type {
                    arguments.insert(0, base_of);
                }
                return self.library(name, function, &arguments);
            }
            if is_by_type {
                return self.function(function, &arguments);
            }
            if is_this {
                let function = self.most_derived(function);
                return self.function(function, &arguments);
            }
        }
        let is_storage = base_type.contains(" storage");
        match name {
            "push" | "pop" if is_storage => {
                if let Some(place) = self.stored_at(base).or_else(|| local(base)) {
                    self.write(place, union(&arguments));
                }
                return base_of;
            }
            "delegatecall" | "callcode" => self.lose(DELEGATES),
            "transfer" | "send" if base_type.starts_with("address") => {
                self.pay(None, Some(base_of));
                return Origins { outside: true, ..Origins::default() };
            }
            "call" if has_ether => self.pay(None, Some(base_of.clone())),
            _ if has_ether => self.pay(None, Some(base_of.clone())),
            _ => {}
        }
        let is_call_out = type_of(callee).contains(" external")
            || matches!(name, "call" | "staticcall" | "delegatecall");
        if is_call_out {
            if let Some(recipient) = recipient(name, &arguments) {
                self.pay(Some(base_of), recipient);
            }
            return Origins { outside: true, ..Origins::default() };
        }
        // abi.encode, keccak256 through a member, bytes.concat: made of what they are given.
        let mut of = union(&arguments);
        of.add(&base_of);
        of
    }

    /// A library's function, which runs on this contract's storage. One that pays is a payment
    /// before it is the low-level call that it makes of it.
    fn library(&mut self, name: &str, function: &'a Value, arguments: &[Origins]) -> Origins {
        let was_paying = self.is_paying;
        match (name, arguments) {
            ("sendValue" | "safeTransferETH", [recipient, ..]) => {
                self.pay(None, Some(recipient.clone()));
                self.is_paying = true;
            }
            (_, [token, rest @ ..]) if name.starts_with("safe") => {
                if let Some(recipient) = recipient(name, rest) {
                    self.pay(Some(token.clone()), recipient);
                    self.is_paying = true;
                }
            }
            _ => {}
        }
        let of = self.function(function, arguments);
        self.is_paying = was_paying;
        of
    }

    fn pay(&mut self, token: Option<Origins>, recipient: Option<Origins>) {
        if !self.is_paying {
            self.payments.push(Payment { token, recipient });
        }
    }
}

/// Who gets the money of a call of this name; the outer `None` when it moves none.
fn recipient(name: &str, arguments: &[Origins]) -> Option<Option<Origins>> {
    match name {
        "transfer" | "safeTransfer" | "mint" => Some(arguments.first().cloned()),
        "transferFrom" | "safeTransferFrom" => Some(arguments.get(1).cloned()),
        "burn" | "burnFrom" => Some(Some(Origins::default())),
        _ => None,
    }
}

/// A state variable whose value is not fixed when it is compiled. What lives for one transaction
/// is no state.
fn is_state(declared: &Value) -> bool {
    declared.get("stateVariable") == Some(&Value::Bool(true))
        && declared.get("constant") != Some(&Value::Bool(true))
        && text_at(declared, "storageLocation") != "transient"
}

/// The local variable at the root of an expression.
fn local(node: &Value) -> Option<i64> {
    let mut at = node;
    loop {
        at = match kind(at) {
            "Identifier" => return reference(at),
            "MemberAccess" => at.get("expression")?,
            "IndexAccess" => at.get("baseExpression")?,
            _ => return None,
        };
    }
}

fn union(all: &[Origins]) -> Origins {
    let mut union = Origins::default();
    all.iter().for_each(|of| union.add(of));
    union
}
