//! Sentences over what contracts answer: the language of monitors, with terms such as
//! `vault.totalAssets()` in place of variables.
//!
//! A term is found in the text, given the place of a parameter and blanked to it (`$0`), so that what
//! the expression's compiler says points into the text as it was written.

use std::{collections::BTreeMap, ops::Range, sync::Arc};

use alloy_dyn_abi::{DynSolType, DynSolValue};
use alloy_primitives::{Address, U256};
use model::{Name, ReadRequest};
use registry::{FunctionAbi, Param, Registry};

use crate::expression::{Parameter, Program, Scope, Type, Unit, compile};

/// Terms of one sentence. People write two to six.
pub(super) const TERMS_MAX: usize = 32;

/// Something a sentence speaks of.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Term {
    /// As it was written, without `before( )`.
    pub(super) text: String,
    pub(super) what: Asked,
    /// Whether its value at the evaluation before is meant.
    pub(super) is_before: bool,
}

/// Where a term's value comes from.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Asked {
    /// What a function returns after the block.
    Call { to: Address, input: Vec<u8>, outputs: Vec<DynSolType> },
    /// Native value of a contract after the block, in wei.
    Native(Address),
    /// Units of a token that its transfers from nobody made in the block.
    Minted(Address),
    /// Units of a token that its transfers to nobody took away in the block.
    Burned(Address),
    /// How many token transfers left a contract in the block.
    Sent(Address),
}

/// A sentence that was read, with what it needs.
#[derive(Debug, Clone)]
pub(super) struct Sentence {
    pub(super) text: String,
    pub(super) terms: Vec<Term>,
    pub(super) program: Arc<Program>,
}

/// Contracts that a sentence may speak of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Speech<'r> {
    pub(super) registry: &'r Registry,
    pub(super) network: &'r Name,
    /// What `this` means.
    pub(super) this: Option<u32>,
}

const COUNTS: [&str; 4] = ["native", "minted", "burned", "sent"];

impl Speech<'_> {
    /// Reads a sentence.
    ///
    /// # Errors
    /// Every mistake, as a compiler shows it.
    pub(super) fn read(self, text: &str) -> Result<Sentence, String> {
        let mut terms: Vec<Term> = Vec::new();
        let mut blanked = text.to_owned();
        let mut types = Vec::new();
        let mut at = 0;
        while let Some(found) = next_term(text, at) {
            let (span, inner, is_before) =
                (found.span.clone(), found.inner.clone(), found.is_before);
            at = span.end;
            let (what, ty) = self.term(&text[inner.clone()])?;
            if is_before && matches!(what, Asked::Minted(_) | Asked::Burned(_) | Asked::Sent(_)) {
                return Err(format!(
                    "{:?} counts within one block; it has no value before",
                    &text[inner]
                ));
            }
            let term = Term { text: text[inner].trim().to_owned(), what, is_before };
            let place = terms.iter().position(|known| *known == term).unwrap_or_else(|| {
                terms.push(term);
                types.push(ty);
                terms.len() - 1
            });
            if terms.len() > TERMS_MAX {
                return Err(format!("a sentence has at most {TERMS_MAX} terms"));
            }
            let name = format!("${place}");
            let blank = format!("{name:<width$}", width = span.len());
            blanked.replace_range(span, &blank);
        }
        if terms.is_empty() {
            return Err(format!(
                "{text:?} asks no contract: write LABEL.FUNCTION() or this.FUNCTION()"
            ));
        }
        let scope =
            types.into_iter().fold(Scope::transaction(), |scope, ty| scope.with_parameter("", ty));
        let here = self.registry.deployments().iter().filter(|d| d.network == *self.network);
        let scope = here.filter_map(|d| d.token.as_ref()).fold(scope, |scope, token| {
            scope.with_unit(&Unit { symbol: token.symbol.clone(), decimals: token.decimals })
        });
        let program = compile(&blanked, &scope).map_err(|mistakes| {
            let shown: Vec<String> = mistakes.iter().map(|mistake| mistake.render(text)).collect();
            shown.join("\n")
        })?;
        Ok(Sentence { text: text.to_owned(), terms, program: Arc::new(program) })
    }

    fn term(self, text: &str) -> Result<(Asked, Type), String> {
        let (head, rest) = text.split_once('(').unwrap_or((text, ""));
        let arguments = split(rest.trim_end().strip_suffix(')').unwrap_or(rest));
        let head = head.trim();
        if COUNTS.contains(&head) {
            let [who] = arguments[..] else {
                return Err(format!("{head}( ) takes the label of one contract: {text:?}"));
            };
            let who = self.contract(who)?.1;
            let what = match head {
                "native" => Asked::Native(who),
                "minted" => Asked::Minted(who),
                "burned" => Asked::Burned(who),
                _ => Asked::Sent(who),
            };
            return Ok((what, Type::Uint(256)));
        }
        let Some((label, function)) = head.rsplit_once('.') else {
            return Err(format!("{text:?} is no term: write LABEL.FUNCTION(…)"));
        };
        let (index, to) = self.contract(label.trim())?;
        let abi = &self.registry.deployment(index).abi;
        let named: Vec<&Arc<FunctionAbi>> =
            abi.functions().filter(|f| f.name == function).collect();
        let fitting = named.iter().find(|f| f.inputs.len() == arguments.len());
        let Some(function) = fitting else {
            let known: Vec<&str> = abi.functions().map(|f| f.name.as_str()).collect();
            return Err(match named.first() {
                Some(other) => {
                    format!("{} takes {} arguments: {text:?}", other.signature, other.inputs.len())
                }
                None => crate::detectors::params::unknown("function", function, &known),
            });
        };
        if function.outputs.is_empty() {
            return Err(format!("{} returns nothing: {text:?}", function.signature));
        }
        let values = function.inputs.iter().zip(&arguments).map(|(param, argument)| {
            self.argument(param, argument)
                .ok_or_else(|| format!("{argument:?} is no {} of {}", param.ty, function.signature))
        });
        let values = values.collect::<Result<Vec<DynSolValue>, String>>()?;
        let mut input = function.selector.to_vec();
        input.extend(DynSolValue::Tuple(values).abi_encode_params());
        let outputs: Vec<DynSolType> =
            function.outputs.iter().map(|param| param.ty.clone()).collect();
        let ty = match &function.outputs[..] {
            [one] => type_of(one),
            several => Type::Tuple(
                several
                    .iter()
                    .map(|param| crate::expression::Field {
                        name: param.name.clone(),
                        ty: type_of(param),
                    })
                    .collect(),
            ),
        };
        Ok((Asked::Call { to, input, outputs }, ty))
    }

    fn contract(self, label: &str) -> Result<(u32, Address), String> {
        if label == "this" {
            let index = self.this.ok_or("`this` means nothing here")?;
            return Ok((index, self.registry.deployment(index).address));
        }
        let here = || {
            (0u32..).zip(self.registry.deployments()).filter(|(_, d)| d.network == *self.network)
        };
        let found = here().find(|(_, d)| d.label.as_str() == label);
        found.map(|(index, d)| (index, d.address)).ok_or_else(|| {
            let known: Vec<&str> = here().map(|(_, d)| d.label.as_str()).collect();
            crate::detectors::params::unknown("contract", label, &known)
        })
    }

    fn argument(self, param: &Param, text: &str) -> Option<DynSolValue> {
        if param.ty == DynSolType::Address
            && let Ok((_, address)) = self.contract(text)
        {
            return Some(DynSolValue::Address(address));
        }
        if let (DynSolType::Uint(bits), Some((base, power))) = (&param.ty, text.split_once("**")) {
            let [base, power] = [base, power].map(|n| n.trim().parse::<U256>().ok());
            return Some(DynSolValue::Uint(base?.checked_pow(power?)?, *bits));
        }
        param.ty.coerce_str(&text.replace('_', "")).ok()
    }
}

fn type_of(param: &Param) -> Type {
    Type::of(&param.ty, &parameters(&param.components))
}

fn parameters(params: &[Param]) -> Vec<Parameter> {
    let one = |param: &Param| Parameter {
        name: param.name.clone(),
        ty: param.ty.clone(),
        indexed: false,
        components: parameters(&param.components),
    };
    params.iter().map(one).collect()
}

/// Arguments between commas; no argument of a term holds a comma itself.
fn split(text: &str) -> Vec<&str> {
    let all: Vec<&str> = text.split(',').map(str::trim).collect();
    if all == [""] { Vec::new() } else { all }
}

/// A term in the text: with its `before( )`, and without.
struct Found {
    span: Range<usize>,
    inner: Range<usize>,
    is_before: bool,
}

/// The next `LABEL.NAME(…)`, `COUNT(LABEL)` or `before(…)` of one of them, from `from` on. Text in
/// quotes is left alone.
fn next_term(text: &str, from: usize) -> Option<Found> {
    let bytes = text.as_bytes();
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let mut at = from;
    while at < bytes.len() {
        match bytes[at] {
            quote @ (b'"' | b'\'') => {
                let end = text[at + 1..].bytes().position(|byte| byte == quote)?;
                at += end + 2;
            }
            first if first.is_ascii_alphabetic() => {
                let end = at + bytes[at..].iter().take_while(|byte| is_word(**byte)).count();
                let word = &text[at..end];
                let opens = bytes.get(end) == Some(&b'(');
                let close = || Some(end + text[end..].find(')')? + 1);
                if opens && word == "before" {
                    let inner = next_term(text, end + 1)?;
                    let is_whole = text[end + 1..inner.span.start].trim().is_empty();
                    let rest = &text[inner.span.end..];
                    let gap = rest.len() - rest.trim_start().len();
                    if is_whole && !inner.is_before && rest.trim_start().starts_with(')') {
                        let span = at..inner.span.end + gap + 1;
                        return Some(Found { span, inner: inner.inner, is_before: true });
                    }
                    return Some(inner);
                }
                if opens && (word.contains('.') || COUNTS.contains(&word)) {
                    let span = at..close()?;
                    return Some(Found { span: span.clone(), inner: span, is_before: false });
                }
                at = end;
            }
            byte if byte.is_ascii_digit() => {
                at += bytes[at..].iter().take_while(|byte| is_word(**byte)).count();
            }
            _ => at += 1,
        }
    }
    None
}

impl Term {
    /// What has to be read for it.
    pub(super) fn request(&self) -> Option<ReadRequest> {
        match &self.what {
            Asked::Call { to, input, .. } => {
                Some(ReadRequest::Call { to: *to, input: input.clone().into() })
            }
            Asked::Native(of) => Some(ReadRequest::Balance(*of)),
            Asked::Minted(_) | Asked::Burned(_) | Asked::Sent(_) => None,
        }
    }

    /// Whether it counts what a block did, so that every block has to be looked at.
    pub(super) fn is_count(&self) -> bool {
        self.request().is_none()
    }

    /// The value of an answer.
    pub(super) fn value(&self, answer: &[u8]) -> Option<DynSolValue> {
        match &self.what {
            Asked::Call { outputs, .. } => {
                let decoded = DynSolType::Tuple(outputs.clone()).abi_decode_params(answer).ok()?;
                match decoded {
                    DynSolValue::Tuple(mut values) if values.len() == 1 => values.pop(),
                    tuple => Some(tuple),
                }
            }
            _ => Some(DynSolValue::Uint(U256::try_from_be_slice(answer)?, 256)),
        }
    }
}

/// Terms with their values, for the facts of a finding.
pub(super) fn shown<'s>(
    sentence: &'s Sentence,
    values: &'s [DynSolValue],
) -> BTreeMap<String, &'s DynSolValue> {
    let named = |term: &Term| match term.is_before {
        true => format!("{} before", term.text),
        false => term.text.clone(),
    };
    sentence.terms.iter().map(named).zip(values).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(text: &str) -> Vec<(&str, bool)> {
        let mut found = Vec::new();
        let mut at = 0;
        while let Some(term) = next_term(text, at) {
            at = term.span.end;
            found.push((&text[term.inner], term.is_before));
        }
        found
    }

    #[test]
    fn terms_are_found_and_nothing_else_is() {
        let text = r#"a-b.f( 1, x ) >= before( v.g() ) * 1.5 && "q.z()" != 'r.y()' || minted(usd) > abs(2)"#;
        let expected = [("a-b.f( 1, x )", false), ("v.g()", true), ("minted(usd)", false)];
        assert_eq!(terms(text), expected);
        assert_eq!(terms("before(1) > before(v.f() + 1)"), [("v.f()", false)]);
        assert_eq!(terms("v.f("), []);
        assert_eq!(terms("\"v.f()"), []);
    }
}
