//! What an expression can name: variables, label sets, deployments, units.

use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::Address;
use rustc_hash::FxHashSet;

use super::{
    builtin::{Builtin, Subject},
    types::{Parameter, Type},
};

/// A set of addresses that a label names; shared by all programs that look into it.
pub type AddressSet = FxHashSet<Address>;

/// Where the value of a variable is found at run time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slot(u16);

impl Slot {
    /// First slot of the variables that are no parameters. The ABI of the largest contract that
    /// fits on a chain (24 KiB of code) has far fewer parameters than this in one function.
    const BUILTIN_BASE: u16 = 0x4000;

    /// The slot of a parameter by position; `None` beyond the number of slots.
    pub fn parameter(position: usize) -> Option<Self> {
        let position = u16::try_from(position).ok()?;
        (position < Self::BUILTIN_BASE).then_some(Self(position))
    }

    /// The slot of a variable of the surroundings.
    pub fn builtin(builtin: Builtin) -> Self {
        Self(Self::BUILTIN_BASE + builtin as u16)
    }

    /// The position of the parameter, if it is one.
    pub fn as_parameter(self) -> Option<usize> {
        (self.0 < Self::BUILTIN_BASE).then_some(usize::from(self.0))
    }

    /// The variable of the surroundings, if it is one.
    pub fn as_builtin(self) -> Option<Builtin> {
        Builtin::ALL.get(usize::from(self.0.checked_sub(Self::BUILTIN_BASE)?)).copied()
    }
}

/// How a token amount is written: its symbol and how many digits stand after the point.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Unit {
    /// `USDC`
    pub symbol: Arc<str>,
    /// Digits after the point.
    pub decimals: u8,
}

/// Everything that the text of one monitor may name on one network.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    parameters: Vec<(String, Type)>,
    builtins: Vec<Builtin>,
    subject: Option<Subject>,
    labels: BTreeMap<String, Arc<AddressSet>>,
    deployments: BTreeMap<String, Address>,
    units: BTreeMap<String, u8>,
    token: Option<Unit>,
}

/// The result of looking a name up.
pub(crate) enum Lookup {
    Found(Slot, Type),
    /// Several parameters have the name; their positions.
    Ambiguous(Vec<usize>),
    Unknown,
}

impl Scope {
    /// The scope of a monitor on an event: its parameters, `log`, `tx`, `block`.
    pub fn event(parameters: &[Parameter]) -> Self {
        Self::about(Subject::Event, parameters)
    }

    /// The scope of a monitor on a call: its inputs, `call`, `tx`, `block`.
    pub fn call(inputs: &[Parameter]) -> Self {
        Self::about(Subject::Call, inputs)
    }

    /// The scope of a monitor on transactions: `tx`, `block`.
    pub fn transaction() -> Self {
        Self::about(Subject::Transaction, &[])
    }

    fn about(subject: Subject, parameters: &[Parameter]) -> Self {
        let typed = |parameter: &Parameter| (parameter.name.clone(), parameter.value_type());
        Self {
            parameters: parameters.iter().map(typed).collect(),
            builtins: Builtin::of(subject).collect(),
            subject: Some(subject),
            ..Self::default()
        }
    }

    /// Adds a parameter behind the others.
    #[must_use]
    pub fn with_parameter(mut self, name: &str, ty: Type) -> Self {
        self.parameters.push((name.to_owned(), ty));
        self
    }

    /// Adds a label set, for `x in labels.NAME`.
    #[must_use]
    pub fn with_labels(mut self, name: &str, addresses: Arc<AddressSet>) -> Self {
        self.labels.insert(name.to_owned(), addresses);
        self
    }

    /// Adds a deployment whose name stands for its address.
    #[must_use]
    pub fn with_deployment(mut self, name: &str, address: Address) -> Self {
        self.deployments.insert(name.to_owned(), address);
        self
    }

    /// Adds a unit that amounts may be written in: `1_000 USDC`.
    #[must_use]
    pub fn with_unit(mut self, unit: &Unit) -> Self {
        self.units.insert(unit.symbol.as_ref().to_owned(), unit.decimals);
        self
    }

    /// Says which token `250 token` and `| token` mean: that of the contract the monitor is on.
    #[must_use]
    pub fn with_token(mut self, unit: Unit) -> Self {
        self.token = Some(unit);
        self
    }

    pub(crate) fn subject(&self) -> Option<Subject> {
        self.subject
    }

    pub(crate) fn parameters(&self) -> &[(String, Type)] {
        &self.parameters
    }

    pub(crate) fn parameter(&self, position: usize) -> Option<(Slot, &Type)> {
        let (_, ty) = self.parameters.get(position)?;
        Some((Slot::parameter(position)?, ty))
    }

    /// A parameter by name, or by `arg0` when it has none.
    pub(crate) fn parameter_named(&self, name: &str) -> Lookup {
        let named = |(_, (own, _)): &(usize, &(String, Type))| own == name;
        let positions: Vec<usize> =
            self.parameters.iter().enumerate().filter(named).map(|(i, _)| i).collect();
        let positional = || {
            let position: usize = name.strip_prefix("arg")?.parse().ok()?;
            self.parameters.get(position)?.0.is_empty().then_some(position)
        };
        let position = match positions.as_slice() {
            [] => positional(),
            [one] => Some(*one),
            _ => return Lookup::Ambiguous(positions),
        };
        match position.and_then(|position| self.parameter(position)) {
            Some((slot, ty)) => Lookup::Found(slot, ty.clone()),
            None => Lookup::Unknown,
        }
    }

    /// A variable of the surroundings by namespace and field: `tx`, `value`.
    pub(crate) fn builtin(&self, namespace: &str, field: &str) -> Option<Builtin> {
        let is_it = |builtin: &&Builtin| builtin.name().split_once('.') == Some((namespace, field));
        self.builtins.iter().find(is_it).copied()
    }

    /// The fields of a namespace; empty when this subject does not have it.
    pub(crate) fn fields(&self, namespace: &str) -> Vec<&'static str> {
        self.builtins
            .iter()
            .filter_map(|builtin| builtin.name().split_once('.'))
            .filter(|(own, _)| *own == namespace)
            .map(|(_, field)| field)
            .collect()
    }

    /// The namespaces of this subject, in order.
    pub(crate) fn namespaces(&self) -> Vec<&'static str> {
        let mut namespaces: Vec<&'static str> =
            self.builtins.iter().filter_map(|b| Some(b.name().split_once('.')?.0)).collect();
        namespaces.dedup();
        namespaces
    }

    pub(crate) fn labels(&self) -> &BTreeMap<String, Arc<AddressSet>> {
        &self.labels
    }

    pub(crate) fn deployments(&self) -> &BTreeMap<String, Address> {
        &self.deployments
    }

    pub(crate) fn units(&self) -> &BTreeMap<String, u8> {
        &self.units
    }

    pub(crate) fn token(&self) -> Option<&Unit> {
        self.token.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_keep_parameters_and_surroundings_apart() {
        for builtin in Builtin::ALL {
            let slot = Slot::builtin(builtin);
            assert_eq!(slot.as_builtin(), Some(builtin));
            assert_eq!(slot.as_parameter(), None);
        }
        let slot = Slot::parameter(7).unwrap();
        assert_eq!((slot.as_parameter(), slot.as_builtin()), (Some(7), None));
        assert_eq!(Slot::parameter(usize::from(Slot::BUILTIN_BASE)), None);
    }

    #[test]
    fn an_unnamed_parameter_is_found_by_position_only() {
        let scope = Scope::default()
            .with_parameter("", Type::Bool)
            .with_parameter("x", Type::Bool)
            .with_parameter("x", Type::Address);
        assert!(
            matches!(scope.parameter_named("arg0"), Lookup::Found(slot, Type::Bool) if slot == Slot(0))
        );
        assert!(matches!(scope.parameter_named("arg1"), Lookup::Unknown));
        assert!(matches!(scope.parameter_named("x"), Lookup::Ambiguous(at) if at == [1, 2]));
    }
}
