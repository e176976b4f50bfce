//! Events, functions, errors and their parameters, with types resolved once.

use std::{fmt, sync::Arc};

use alloy_dyn_abi::{DynSolType, parser::is_valid_identifier};
use alloy_json_abi::StateMutability;
use alloy_primitives::{B256, keccak256};

use super::written::{Argument, Item};

/// One argument of an event, function or error, or one field of a tuple.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Param {
    /// Name in the source; empty when the source gives none.
    pub name: String,
    /// Resolved type.
    pub ty: DynSolType,
    /// Whether an event keeps it in a topic; false everywhere else.
    pub indexed: bool,
    /// Fields, when the type is a tuple or an array of tuples.
    pub components: Vec<Param>,
}

/// Most words that the static part of one argument may have. Solidity itself stops at far smaller
/// arrays; a larger one could only serve to make us allocate.
pub(super) const STATIC_WORDS_MAX: usize = 4096;

/// Most topics a log can have.
pub(crate) const TOPICS_MAX: usize = 4;

impl Param {
    /// The canonical type, as signatures spell it: `uint256`, `(address,bytes)[2]`.
    pub fn type_name(&self) -> String {
        let mut name = String::new();
        write_type(&self.ty, &mut name);
        name
    }

    /// Fields of tuples are never indexed, whatever a file says.
    fn resolve(written: &Argument<'_>) -> Result<Self, String> {
        if !written.name.is_empty() && !is_valid_identifier(&written.name) {
            return Err(format!("{:?} is no name of an argument", written.name));
        }
        let ty = checked(&written.ty, written.resolve())?;
        let components = exactly(&written.components, Self::resolve)?;
        Ok(Self { name: written.name.as_ref().into(), ty, indexed: false, components })
    }

    fn resolve_event(written: &Argument<'_>) -> Result<Self, String> {
        Ok(Self { indexed: written.indexed, ..Self::resolve(written)? })
    }
}

/// Refuses types that no compiler emits and that would cost memory or lose arguments to decode.
fn checked(text: &str, ty: Result<DynSolType, String>) -> Result<DynSolType, String> {
    let ty = ty?;
    match static_words(&ty) {
        0 => Err(format!("type {text:?} has no size")),
        words if words > STATIC_WORDS_MAX => {
            Err(format!("type {text:?} takes {words} words, at most {STATIC_WORDS_MAX} are read"))
        }
        _ => Ok(ty),
    }
}

/// Words of the type with one element in each dynamic array; 0 if any part of it has no size.
fn static_words(ty: &DynSolType) -> usize {
    match ty {
        DynSolType::Array(inner) => static_words(inner),
        DynSolType::FixedArray(inner, len) => static_words(inner).saturating_mul(*len),
        DynSolType::Tuple(parts) => {
            let mut sum = 0usize;
            for part in parts {
                match static_words(part) {
                    0 => return 0,
                    words => sum = sum.saturating_add(words),
                }
            }
            sum
        }
        _ => 1,
    }
}

fn write_type(ty: &DynSolType, out: &mut String) {
    match ty {
        DynSolType::Bool => out.push_str("bool"),
        DynSolType::Int(bits) => out.push_str(&format!("int{bits}")),
        DynSolType::Uint(bits) => out.push_str(&format!("uint{bits}")),
        DynSolType::FixedBytes(len) => out.push_str(&format!("bytes{len}")),
        DynSolType::Address => out.push_str("address"),
        DynSolType::Function => out.push_str("function"),
        DynSolType::Bytes => out.push_str("bytes"),
        DynSolType::String => out.push_str("string"),
        DynSolType::Array(inner) => {
            write_type(inner, out);
            out.push_str("[]");
        }
        DynSolType::FixedArray(inner, len) => {
            write_type(inner, out);
            out.push_str(&format!("[{len}]"));
        }
        DynSolType::Tuple(parts) => {
            out.push('(');
            for (i, part) in parts.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_type(part, out);
            }
            out.push(')');
        }
    }
}

pub(super) fn signature(name: &str, params: &[Param]) -> String {
    let mut text = format!("{name}(");
    for (at, param) in params.iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        write_type(&param.ty, &mut text);
    }
    text.push(')');
    text.shrink_to_fit();
    text
}

/// All of them, without room for more: of a large registry, room is most of the memory.
fn exactly<T, P>(of: &[T], each: impl Fn(&T) -> Result<P, String>) -> Result<Vec<P>, String> {
    let mut all = Vec::with_capacity(of.len());
    for one in of {
        all.push(each(one)?);
    }
    Ok(all)
}

fn selector(signature: &str) -> [u8; 4] {
    let hash = keccak256(signature);
    [hash[0], hash[1], hash[2], hash[3]]
}

fn body(params: &[Param]) -> DynSolType {
    let plain = || params.iter().filter(|p| !p.indexed);
    let mut types = Vec::with_capacity(plain().count());
    types.extend(plain().map(|p| p.ty.clone()));
    DynSolType::Tuple(types)
}

fn write_params(f: &mut fmt::Formatter<'_>, name: &str, params: &[Param]) -> fmt::Result {
    write!(f, "{name}(")?;
    for (i, param) in params.iter().enumerate() {
        let comma = if i > 0 { ", " } else { "" };
        let indexed = if param.indexed { " indexed" } else { "" };
        let space = if param.name.is_empty() { "" } else { " " };
        write!(f, "{comma}{}{indexed}{space}{}", param.type_name(), param.name)?;
    }
    f.write_str(")")
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventAbi {
    /// Name, without arguments.
    pub name: String,
    /// Canonical signature: `Redeemed(address,uint256)`.
    pub signature: String,
    /// Hash of the signature; `None` for an anonymous event.
    pub topic0: Option<B256>,
    /// Arguments in the order of the source.
    pub params: Vec<Param>,
    /// The arguments that are not indexed, as one sequence.
    pub(crate) body: DynSolType,
}

impl EventAbi {
    /// Reads `event Redeemed(address indexed holder, uint256 amount)`; the word `event` is optional.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(text: &str) -> Result<Arc<Self>, String> {
        Self::resolve(&(&super::find::parse_event(text)?).into())
    }

    pub(super) fn resolve(event: &Item<'_>) -> Result<Arc<Self>, String> {
        let name = event.required_name()?;
        let params = exactly(&event.inputs, Param::resolve_event)?;
        let topics = params.iter().filter(|p| p.indexed).count() + usize::from(!event.anonymous);
        if topics > TOPICS_MAX {
            return Err(format!("needs {topics} topics, a log has at most {TOPICS_MAX}"));
        }
        let signature = signature(name, &params);
        let topic0 = (!event.anonymous).then(|| keccak256(&signature));
        let body = body(&params);
        Ok(Arc::new(Self { name: name.to_owned(), signature, topic0, params, body }))
    }

    /// How many arguments are in topics.
    pub fn indexed_count(&self) -> usize {
        self.params.iter().filter(|p| p.indexed).count()
    }
}

impl fmt::Display for EventAbi {
    /// As in the source: `Redeemed(address indexed holder, uint256 amount)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_params(f, &self.name, &self.params)?;
        if self.topic0.is_none() { f.write_str(" anonymous") } else { Ok(()) }
    }
}

/// A function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionAbi {
    /// Name, without arguments.
    pub name: String,
    /// Canonical signature: `redeem(uint256)`.
    pub signature: String,
    /// First four bytes of the signature's hash.
    pub selector: [u8; 4],
    /// Arguments in the order of the source.
    pub inputs: Vec<Param>,
    /// Return values in the order of the source.
    pub outputs: Vec<Param>,
    /// Whether it may write state and take ether.
    pub mutability: StateMutability,
    /// All arguments as one sequence.
    pub(crate) body: DynSolType,
}

impl FunctionAbi {
    pub(super) fn resolve(function: &Item<'_>) -> Result<Arc<Self>, String> {
        let name = function.required_name()?;
        let inputs = exactly(&function.inputs, Param::resolve)?;
        let outputs = exactly(&function.outputs, Param::resolve)?;
        let signature = signature(name, &inputs);
        Ok(Arc::new(Self {
            name: name.to_owned(),
            selector: selector(&signature),
            body: body(&inputs),
            signature,
            inputs,
            outputs,
            mutability: function.mutability(),
        }))
    }
}

impl fmt::Display for FunctionAbi {
    /// As in the source: `redeem(uint256 amount)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_params(f, &self.name, &self.inputs)
    }
}

/// A custom error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorAbi {
    /// Name, without arguments.
    pub name: String,
    /// Canonical signature: `InsufficientBalance(uint256)`.
    pub signature: String,
    /// First four bytes of the signature's hash.
    pub selector: [u8; 4],
    /// Arguments in the order of the source.
    pub params: Vec<Param>,
    /// All arguments as one sequence.
    pub(crate) body: DynSolType,
}

impl ErrorAbi {
    pub(super) fn resolve(error: &Item<'_>) -> Result<Arc<Self>, String> {
        let name = error.required_name()?;
        let params = exactly(&error.inputs, Param::resolve)?;
        let signature = signature(name, &params);
        Ok(Arc::new(Self {
            name: name.to_owned(),
            selector: selector(&signature),
            body: body(&params),
            signature,
            params,
        }))
    }
}

impl fmt::Display for ErrorAbi {
    /// As in the source: `InsufficientBalance(uint256 missing)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_params(f, &self.name, &self.params)
    }
}
