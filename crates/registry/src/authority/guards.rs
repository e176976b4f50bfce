//! Which functions ask for which role, from the compiler's syntax tree.
//!
//! Only modifiers are read (`onlyRole(X)`, `onlyOwner`, `auth`, `onlyGuardian`): a check inside a
//! body may be under a condition, and saying that a function is guarded when it is not would be
//! worse than not knowing.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Role;

/// Deepest nesting of a syntax tree that is followed; real sources stay below forty.
const DEPTH_MAX: usize = 128;

/// Functions by the role that they ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Guards(BTreeMap<Role, BTreeSet<String>>);

impl Guards {
    /// Reads a build artefact (`{"ast": …}`, as `forge build --ast` writes it) or a bare syntax tree.
    /// `None` when the text holds no syntax tree.
    pub fn from_json(text: &str) -> Option<Self> {
        let parsed: Value = serde_json::from_str(text).ok()?;
        let root = parsed.get("ast").unwrap_or(&parsed);
        root.get("nodeType")?;
        let mut guards = Self::default();
        guards.walk(root, 0);
        Some(guards)
    }

    /// The functions that a role guards; `None` when the source mentions no such role.
    pub fn of(&self, role: &Role) -> Option<&BTreeSet<String>> {
        self.0.get(role)
    }

    /// All guards of several sources, as of a proxy and its implementation.
    pub fn merged(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Self::default();
        for (role, functions) in parts.into_iter().flat_map(|part| part.0) {
            all.0.entry(role).or_default().extend(functions);
        }
        all
    }

    /// Whether nothing is guarded.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn walk(&mut self, node: &Value, depth: usize) {
        if depth > DEPTH_MAX {
            return;
        }
        if node.get("nodeType").and_then(Value::as_str) == Some("FunctionDefinition") {
            return self.take_function(node);
        }
        match node {
            Value::Array(items) => items.iter().for_each(|item| self.walk(item, depth + 1)),
            Value::Object(fields) => fields.values().for_each(|field| self.walk(field, depth + 1)),
            _ => {}
        }
    }

    fn take_function(&mut self, function: &Value) {
        let text = |value: &Value, key: &str| value.get(key)?.as_str().map(str::to_owned);
        let Some(name) = text(function, "name").filter(|name| !name.is_empty()) else { return };
        let is_callable =
            matches!(text(function, "visibility").as_deref(), Some("external" | "public"));
        let modifiers = function.get("modifiers").and_then(Value::as_array);
        for modifier in modifiers.into_iter().flatten().filter(|_| is_callable) {
            let Some(called) = modifier.get("modifierName").and_then(|m| text(m, "name")) else {
                continue;
            };
            let arguments = modifier.get("arguments").and_then(Value::as_array);
            // `Roles.MINTER` is a member access, `MINTER_ROLE` an identifier.
            let argument = arguments
                .and_then(|arguments| arguments.first())
                .and_then(|first| text(first, "name").or_else(|| text(first, "memberName")));
            if let Some(role) = role_of(&called, argument.as_deref()) {
                self.0.entry(role).or_default().insert(name.clone());
            }
        }
    }
}

/// The role that a modifier asks for.
fn role_of(modifier: &str, argument: Option<&str>) -> Option<Role> {
    match (modifier, argument) {
        ("onlyRole" | "hasRole" | "roleOnly", Some(role)) => Some(Role::access(role)),
        ("onlyOwner" | "isOwner", _) => Some(Role::Owner),
        ("auth" | "requiresAuth" | "restricted", _) => Some(Role::Authority),
        ("onlyAdmin" | "ifAdmin" | "onlyProxyAdmin", _) => Some(Role::Admin),
        _ => {
            let name = modifier.strip_prefix("only")?;
            let mut letters = name.chars();
            let first = letters.next()?.to_ascii_lowercase();
            let is_somebody = !matches!(name, "Initializing" | "Proxy" | "Delegated" | "Self");
            is_somebody.then(|| Role::Named(format!("{first}{}", letters.as_str())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modifiers_say_which_role_a_function_asks_for() {
        let artefact = r#"{"abi": [], "ast": {"nodeType": "SourceUnit", "nodes": [
          {"nodeType": "ContractDefinition", "name": "Vault", "nodes": [
            {"nodeType": "FunctionDefinition", "name": "setFee", "visibility": "external", "modifiers": [
              {"modifierName": {"name": "onlyRole"}, "arguments": [{"nodeType": "Identifier", "name": "RISK_ROLE"}]}]},
            {"nodeType": "FunctionDefinition", "name": "sweep", "visibility": "public", "modifiers": [
              {"modifierName": {"name": "nonReentrant"}}, {"modifierName": {"name": "onlyOwner"}}]},
            {"nodeType": "FunctionDefinition", "name": "_inner", "visibility": "internal", "modifiers": [
              {"modifierName": {"name": "onlyOwner"}}]},
            {"nodeType": "FunctionDefinition", "name": "veto", "visibility": "external", "modifiers": [
              {"modifierName": {"name": "onlyGuardian"}}]}]}]}}"#;
        let guards = Guards::from_json(artefact).unwrap();
        let of = |role: &Role| guards.of(role).map(|f| f.iter().cloned().collect::<Vec<_>>());
        assert_eq!(of(&Role::access("RISK_ROLE")), Some(vec!["setFee".into()]));
        assert_eq!(
            of(&Role::Owner),
            Some(vec!["sweep".into()]),
            "internal functions are not called"
        );
        assert_eq!(of(&Role::Named("guardian".into())), Some(vec!["veto".into()]));
        assert_eq!(of(&Role::Admin), None);
    }

    #[test]
    fn an_artefact_without_a_tree_says_nothing() {
        assert_eq!(Guards::from_json(r#"{"abi": []}"#), None);
        assert_eq!(Guards::from_json("not json"), None);
    }
}
