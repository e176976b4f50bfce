//! Variables: how they are called there and here, and of what type they are.

use alloy_dyn_abi::DynSolType;
use registry::Param;

use super::{Translator, Type, Variable, refuse};
use crate::import::monitors::expression::{Base, Dialect, Expr, Mistake, Path, Step};

/// A field of a transaction: our name, theirs, Defender's, its type.
const FIELDS: &[(&str, &str, &str, Field)] = &[
    ("tx.value", "value", "value", Field::Uint),
    ("tx.from", "from", "from", Field::Address),
    ("tx.to", "to", "to", Field::OptionalAddress),
    ("tx.hash", "hash", "transactionHash", Field::Hash),
    ("tx.gas_price", "gas_price", "gasPrice", Field::Uint),
    ("tx.gas_limit", "gas_limit", "gasLimit", Field::Uint),
    ("tx.nonce", "nonce", "nonce", Field::Uint),
    ("tx.input", "input", "data", Field::Bytes),
    ("tx.gas_used", "gas_used", "gasUsed", Field::Uint),
    ("tx.index", "transaction_index", "transactionIndex", Field::Uint),
    ("tx.status", "status", "status", Field::Status),
];

/// Fields of theirs that we do not keep.
const NOT_KEPT: [&str; 4] =
    ["max_fee_per_gas", "max_priority_fee_per_gas", "maxFeePerGas", "maxPriorityFeePerGas"];

#[derive(Debug, Clone, Copy)]
enum Field {
    Uint,
    Address,
    OptionalAddress,
    Hash,
    Bytes,
    Status,
}

impl Field {
    fn value_type(self) -> Type {
        let plain = |ty| Type::Abi(ty, Vec::new());
        match self {
            Self::Uint => plain(DynSolType::Uint(256)),
            Self::Address => plain(DynSolType::Address),
            Self::OptionalAddress => Type::OptionalAddress,
            Self::Hash => plain(DynSolType::FixedBytes(32)),
            Self::Bytes => plain(DynSolType::Bytes),
            Self::Status => Type::Status,
        }
    }
}

/// Words of our language that a parameter may happen to be called.
const RESERVED: &[&str] = &[
    "and",
    "or",
    "not",
    "in",
    "contains",
    "starts_with",
    "ends_with",
    "true",
    "false",
    "none",
    "any",
    "all",
    "count",
    "sum",
    "abs",
    "min",
    "max",
    "floor",
    "ceil",
    "lower",
    "address",
    "tx",
    "block",
    "log",
    "call",
    "labels",
    "deployments",
    "success",
    "failed",
];

impl Translator<'_, '_> {
    pub(super) fn variable(&mut self, at: &Expr, path: &Path) -> Result<Variable, Mistake> {
        match self.scope.theirs {
            None => self.field(at, path),
            Some(theirs) => self.parameter(at, path, theirs),
        }
    }

    fn field(&mut self, at: &Expr, path: &Path) -> Result<Variable, Mistake> {
        let written = path.to_string();
        let bare = written
            .strip_prefix("transaction.")
            .or_else(|| written.strip_prefix("tx."))
            .or_else(|| written.strip_prefix("receipt."))
            .unwrap_or(&written);
        if written == "block.number" || written == "block.timestamp" {
            self.never_there(&written, &written);
            let ty = Type::Abi(DynSolType::Uint(64), Vec::new());
            return Ok(Variable { text: written, ty });
        }
        if NOT_KEPT.contains(&bare) {
            return refuse(at, format!("`{bare}` is not kept here; tx.gas_price is what was paid"));
        }
        let is_defender = self.scope.dialect == Dialect::Defender;
        let found = FIELDS.iter().find(|(_, theirs, defenders, _)| {
            bare.eq_ignore_ascii_case(theirs) || bare.eq_ignore_ascii_case(defenders)
        });
        let Some((ours, theirs, defenders, field)) = found else {
            let known: Vec<&str> =
                FIELDS.iter().map(|f| if is_defender { f.2 } else { f.1 }).collect();
            let message =
                format!("a transaction has no `{written}` (there are: {})", known.join(", "));
            return refuse(at, message);
        };
        let right = if is_defender { defenders } else { theirs };
        let is_theirs = written == *right && (is_defender || *ours != "tx.status");
        if !is_theirs {
            self.never_there(&written, ours);
        }
        Ok(Variable { text: (*ours).to_owned(), ty: field.value_type() })
    }

    fn never_there(&mut self, written: &str, ours: &str) {
        self.remark(format!(
            "`{written}` is no variable there: the condition failed and never matched; here it is {ours}"
        ));
    }

    fn parameter(&mut self, at: &Expr, path: &Path, theirs: &[Param]) -> Result<Variable, Mistake> {
        let position = match &path.base {
            Base::Position(position) => Some(*position).filter(|p| *p < theirs.len()),
            Base::Name(name) => self.position_of(name, theirs),
        };
        let found = position.and_then(|position| Some((position, theirs.get(position)?)));
        let Some((position, param)) = found else {
            let names: Vec<&str> =
                theirs.iter().map(|p| p.name.as_str()).filter(|n| !n.is_empty()).collect();
            let known = if names.is_empty() { "none with a name".into() } else { names.join(", ") };
            let message = format!(
                "no parameter `{path}`: there the condition failed and never matched (parameters: {known})"
            );
            return refuse(at, message);
        };
        let mut text = self.name_here(position);
        let is_hashed = param.indexed
            && !matches!(
                param.ty,
                DynSolType::Bool
                    | DynSolType::Int(_)
                    | DynSolType::Uint(_)
                    | DynSolType::FixedBytes(_)
                    | DynSolType::Address
            );
        if is_hashed {
            if !path.steps.is_empty() {
                let message = format!("`{path}` is indexed: the chain holds only its hash");
                return refuse(at, message);
            }
            return Ok(Variable { text, ty: Type::Hashed(param.ty.clone()) });
        }
        let (mut ty, mut parts) = (param.ty.clone(), param.components.clone());
        for step in &path.steps {
            (ty, parts) = self.step(at, path, step, &ty, &parts, &mut text)?;
        }
        Ok(Variable { text, ty: Type::Abi(ty, parts) })
    }

    fn position_of(&mut self, name: &str, theirs: &[Param]) -> Option<usize> {
        if let Some(exact) = theirs.iter().position(|param| param.name == name) {
            return Some(exact);
        }
        let is_alike = |param: &Param| param.name.eq_ignore_ascii_case(name);
        let alike: Vec<usize> =
            theirs.iter().enumerate().filter(|(_, p)| is_alike(p)).map(|(at, _)| at).collect();
        let [only] = alike.as_slice() else { return None };
        self.remark(format!(
            "`{name}` is spelled `{}` in the ABI: there the condition failed and never matched; here the parameter is meant",
            theirs[*only].name
        ));
        Some(*only)
    }

    /// How our language names the parameter at a position.
    fn name_here(&self, position: usize) -> String {
        let name = self.scope.ours.get(position).map_or("", |param| param.name.as_str());
        let is_plain = !name.is_empty()
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && !RESERVED.contains(&name.to_ascii_lowercase().as_str());
        let is_unique = self.scope.ours.iter().filter(|param| param.name == name).count() == 1;
        if is_plain && is_unique { name.to_owned() } else { format!("${position}") }
    }

    fn step(
        &mut self,
        at: &Expr,
        path: &Path,
        step: &Step,
        ty: &DynSolType,
        parts: &[Param],
        text: &mut String,
    ) -> Result<(DynSolType, Vec<Param>), Mistake> {
        match (step, ty) {
            (
                Step::Index(index),
                DynSolType::Array(element) | DynSolType::FixedArray(element, _),
            ) => {
                text.push_str(&format!("[{index}]"));
                Ok((element.as_ref().clone(), parts.to_vec()))
            }
            (Step::Field(field), DynSolType::Tuple(types)) => {
                let named = parts.iter().position(|part| part.name == *field);
                let position = named.or_else(|| field.parse().ok());
                let inner = position.and_then(|p| Some((p, types.get(p)?)));
                let Some((position, inner)) = inner else {
                    return refuse(at, format!("`{path}`: the tuple has no field `{field}`"));
                };
                text.push_str(&format!(".{position}"));
                let components = parts.get(position).map(|part| part.components.clone());
                Ok((inner.clone(), components.unwrap_or_default()))
            }
            _ => refuse(at, format!("`{path}`: there is no way into {ty}")),
        }
    }
}
