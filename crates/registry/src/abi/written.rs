//! Items as a file writes them: read straight from the text, borrowed from it, not yet judged.

use std::{borrow::Cow, fmt};

use alloy_dyn_abi::{
    DynSolType,
    parser::{TypeSpecifier, is_valid_identifier},
};
use alloy_json_abi::StateMutability;
use serde::Deserialize;

/// What an item of an ABI is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Constructor,
    Fallback,
    Receive,
    /// The ABI specification lets files leave this one out.
    #[default]
    Function,
    Event,
    Error,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Constructor => "constructor",
            Self::Fallback => "fallback",
            Self::Receive => "receive",
            Self::Function => "function",
            Self::Event => "event",
            Self::Error => "error",
        })
    }
}

/// One item, with what the ABI specification lets a file leave out, and with `constant` and
/// `payable` as compilers before 0.5 spelled the mutability.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Item<'t> {
    #[serde(rename = "type")]
    pub(super) kind: Kind,
    #[serde(borrow)]
    pub(super) name: Cow<'t, str>,
    #[serde(borrow)]
    pub(super) inputs: Vec<Argument<'t>>,
    #[serde(borrow)]
    pub(super) outputs: Vec<Argument<'t>>,
    pub(super) anonymous: bool,
    state_mutability: Option<StateMutability>,
    constant: Option<bool>,
    payable: Option<bool>,
}

impl Item<'_> {
    pub(super) fn mutability(&self) -> StateMutability {
        self.state_mutability.unwrap_or(match (self.constant, self.payable) {
            (Some(true), _) => StateMutability::View,
            (_, Some(true)) => StateMutability::Payable,
            _ => StateMutability::NonPayable,
        })
    }

    /// The name that everything but a constructor, fallback or receive function must have.
    pub(super) fn required_name(&self) -> Result<&str, String> {
        match &*self.name {
            "" => Err("the name is missing".to_owned()),
            name if !is_valid_identifier(name) => Err(format!("{name:?} is no name")),
            name => Ok(name),
        }
    }
}

/// One argument, return value or field of a tuple.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Argument<'t> {
    #[serde(borrow, default)]
    pub(super) name: Cow<'t, str>,
    #[serde(borrow, rename = "type")]
    pub(super) ty: Cow<'t, str>,
    #[serde(default)]
    pub(super) indexed: bool,
    #[serde(borrow, default)]
    pub(super) components: Vec<Argument<'t>>,
}

impl Argument<'_> {
    /// The type, of a tuple from its components.
    pub(super) fn resolve(&self) -> Result<DynSolType, String> {
        let text = |error: alloy_dyn_abi::Error| error.to_string();
        if self.components.is_empty() {
            return DynSolType::parse(&self.ty).map_err(text);
        }
        let specifier = TypeSpecifier::parse(&self.ty).map_err(|error| text(error.into()))?;
        if specifier.stem.span() != "tuple" {
            return Err(format!("type {:?} has components; only tuples have", self.ty));
        }
        let mut parts = Vec::with_capacity(self.components.len());
        for component in &self.components {
            parts.push(component.resolve()?);
        }
        let tuple = DynSolType::Tuple(parts);
        Ok(specifier.sizes.into_iter().fold(tuple, |inner, size| match size {
            Some(len) => DynSolType::FixedArray(Box::new(inner), len.get()),
            None => DynSolType::Array(Box::new(inner)),
        }))
    }
}

impl<'t> From<&'t alloy_json_abi::Param> for Argument<'t> {
    fn from(param: &'t alloy_json_abi::Param) -> Self {
        Self {
            name: Cow::Borrowed(&param.name),
            ty: Cow::Borrowed(&param.ty),
            indexed: false,
            components: param.components.iter().map(Self::from).collect(),
        }
    }
}

impl<'t> From<&'t alloy_json_abi::EventParam> for Argument<'t> {
    fn from(param: &'t alloy_json_abi::EventParam) -> Self {
        Self {
            name: Cow::Borrowed(&param.name),
            ty: Cow::Borrowed(&param.ty),
            indexed: param.indexed,
            components: param.components.iter().map(Self::from).collect(),
        }
    }
}

fn arguments<'t, P>(params: &'t [P]) -> Vec<Argument<'t>>
where
    Argument<'t>: From<&'t P>,
{
    params.iter().map(Argument::from).collect()
}

impl<'t> From<&'t alloy_json_abi::Event> for Item<'t> {
    fn from(event: &'t alloy_json_abi::Event) -> Self {
        Self {
            kind: Kind::Event,
            name: Cow::Borrowed(&event.name),
            inputs: arguments(&event.inputs),
            anonymous: event.anonymous,
            ..Self::default()
        }
    }
}

impl<'t> From<&'t alloy_json_abi::Function> for Item<'t> {
    fn from(function: &'t alloy_json_abi::Function) -> Self {
        Self {
            kind: Kind::Function,
            name: Cow::Borrowed(&function.name),
            inputs: arguments(&function.inputs),
            outputs: arguments(&function.outputs),
            state_mutability: Some(function.state_mutability),
            ..Self::default()
        }
    }
}

impl<'t> From<&'t alloy_json_abi::Error> for Item<'t> {
    fn from(error: &'t alloy_json_abi::Error) -> Self {
        Self {
            kind: Kind::Error,
            name: Cow::Borrowed(&error.name),
            inputs: arguments(&error.inputs),
            ..Self::default()
        }
    }
}
