//! Functions, and quantifiers over arrays.

use std::ops::Range;

use alloy_primitives::{Address, U160};

use super::{
    Checker, NAMES_RESERVED, Typed, a,
    arithmetic::{computed, known},
    constant,
};
use crate::expression::{
    diagnostic::suggestion,
    number::Exact,
    program::{At, Code, Number, Operand, Test, Text},
    syntax::{Each, Expr, Search, Word},
    types::Type,
};

/// Every function with its arguments, as help shows it.
const FUNCTIONS: [(&str, &str); 14] = [
    ("abs", "abs(x)"),
    ("min", "min(a, b, …)"),
    ("max", "max(a, b, …)"),
    ("floor", "floor(x)"),
    ("ceil", "ceil(x)"),
    ("sum", "sum(array)"),
    ("count", "count(array, x, condition on x)"),
    ("any", "any(array, x, condition on x)"),
    ("all", "all(array, x, condition on x)"),
    ("lower", "lower(string)"),
    ("contains", "contains(whole, part)"),
    ("starts_with", "starts_with(whole, part)"),
    ("ends_with", "ends_with(whole, part)"),
    ("address", "address(0)"),
];

impl Checker<'_> {
    pub(super) fn call(
        &mut self,
        name: &Word,
        arguments: &[Expr],
        span: Range<usize>,
    ) -> Option<Typed> {
        if let Some(search) = Search::from_word(&name.text)
            && let [whole, part] = arguments
        {
            let code = Code::Test(self.search(search, whole, part, &span)?);
            return Some(Typed { code, ty: Type::Bool, span });
        }
        match (name.text.as_str(), arguments) {
            ("abs" | "floor" | "ceil", [of]) => self.rounding(&name.text, of, span),
            ("min" | "max", [_, _, ..]) => self.extreme(name.text == "min", arguments, span),
            ("sum", [array]) => self.sum(array, span),
            ("lower", [of]) => {
                let typed = self.value(of, Some(&Type::String))?;
                let Code::Text(text) = typed.code else {
                    let message = format!(
                        "lower needs a string; `{}` is {}",
                        self.text(&of.span),
                        a(&typed.ty)
                    );
                    return self.refuse(of.span.clone(), (message, None));
                };
                Some(Typed { code: Code::Text(lowered(text)), ty: Type::String, span })
            }
            ("address", [of]) => self.address(of, span),
            (known_name, _) => {
                let shape = FUNCTIONS.iter().find(|(own, _)| *own == known_name);
                let (message, help) = match shape {
                    Some((_, shape)) => {
                        let count = arguments.len();
                        let plural = if count == 1 { "" } else { "s" };
                        let message =
                            format!("`{known_name}` does not take {count} argument{plural}");
                        (message, (*shape).to_owned())
                    }
                    None => {
                        let names = FUNCTIONS.map(|(own, _)| own);
                        let message = format!("no function `{known_name}`");
                        (message, suggestion(known_name, "functions", &names))
                    }
                };
                self.refuse(name.span.clone(), (message, Some(help)))
            }
        }
    }

    fn rounding(&mut self, function: &str, of: &Expr, span: Range<usize>) -> Option<Typed> {
        let (number, ty) = self.number(of, &format!("the argument of {function}"))?;
        let at = At::from(&span);
        if let Some(value) = known(&number) {
            let result = match function {
                "abs" => Ok(value.abs()),
                "floor" => value.floor(),
                _ => value.ceil(),
            };
            return match result {
                Ok(value) => Some(constant(value, span)),
                Err(error) => self.impossible(error, span),
            };
        }
        Some(match function {
            "abs" => computed(Number::Abs(Box::new(number)), &ty, span),
            "floor" => computed(Number::Floor(Box::new(number), at), &Type::Integer, span),
            _ => computed(Number::Ceil(Box::new(number), at), &Type::Integer, span),
        })
    }

    fn extreme(&mut self, is_least: bool, arguments: &[Expr], span: Range<usize>) -> Option<Typed> {
        let role = if is_least { "each argument of min" } else { "each argument of max" };
        let parts: Vec<Option<(Number, Type)>> =
            arguments.iter().map(|argument| self.number(argument, role)).collect();
        let parts = parts.into_iter().collect::<Option<Vec<_>>>()?;
        let constants: Option<Vec<Exact>> = parts.iter().map(|(number, _)| known(number)).collect();
        if let Some(constants) = constants {
            let chosen =
                if is_least { constants.into_iter().min() } else { constants.into_iter().max() };
            return Some(constant(chosen?, span));
        }
        let is_whole = parts.iter().all(|(_, ty)| ty.is_whole());
        let ty = if is_whole { Type::Integer } else { Type::Ratio };
        let numbers = parts.into_iter().map(|(number, _)| number).collect();
        let number = if is_least { Number::Least(numbers) } else { Number::Greatest(numbers) };
        Some(computed(number, &ty, span))
    }

    fn sum(&mut self, array: &Expr, span: Range<usize>) -> Option<Typed> {
        let typed = self.value(array, None)?;
        let is_numbers = typed.ty.present().element().is_some_and(Type::is_number);
        match typed.code {
            Code::Operand(Operand::Place(place)) if is_numbers => {
                Some(computed(Number::Sum(place), &Type::Integer, span))
            }
            _ => {
                let what = self.text(&array.span);
                let message =
                    format!("sum needs an array of numbers; `{what}` is {}", a(&typed.ty));
                self.refuse(array.span.clone(), (message, None))
            }
        }
    }

    /// `address(0)` and other addresses that are known as numbers, such as precompiles.
    fn address(&mut self, of: &Expr, span: Range<usize>) -> Option<Typed> {
        let number = self.whole(of, "the argument of address")?;
        let value = known(&number)
            .and_then(Exact::to_u256)
            .and_then(|value| (value.bit_len() <= 160).then(|| Address::from(value.to::<U160>())));
        match value {
            Some(address) => {
                let code = Code::Operand(Operand::Address(address));
                Some(Typed { code, ty: Type::Address, span })
            }
            None => {
                let message = "address needs a constant below 2**160".to_owned();
                let help = "address(0) is the zero address".to_owned();
                self.refuse(of.span.clone(), (message, Some(help)))
            }
        }
    }

    pub(super) fn each(
        &mut self,
        each: Each,
        over: &Expr,
        variable: &Word,
        body: &Expr,
        span: Range<usize>,
    ) -> Option<Typed> {
        let array = self.value(over, None)?;
        let (Some(element), Code::Operand(Operand::Place(place))) =
            (array.ty.present().element().cloned(), array.code)
        else {
            let what = self.text(&over.span);
            let message = format!("`{}` needs an array; `{what}` is {}", each.word(), a(&array.ty));
            return self.refuse(over.span.clone(), (message, None));
        };
        let name = &variable.text;
        if self.is_known(name) || NAMES_RESERVED.contains(&name.as_str()) {
            let message = format!("`{name}` already means something else");
            let help = "choose a name that is not in use".to_owned();
            return self.refuse(variable.span.clone(), (message, Some(help)));
        }
        let place_text = format!("the condition of `{}`", each.word());
        self.with_local(name, &element, &over.span, |checker, local| {
            let body = Box::new(checker.condition(body, &place_text)?);
            let over = place;
            Some(match each {
                Each::Any | Each::All => {
                    let all = each == Each::All;
                    let code = Code::Test(Test::Each { all, over, local, body });
                    Typed { code, ty: Type::Bool, span: span.clone() }
                }
                Each::Count => {
                    let number = Number::Count { over, local, body };
                    computed(number, &Type::Integer, span.clone())
                }
            })
        })
    }
}

/// A string in lower case, at once if it is known.
fn lowered(text: Text) -> Text {
    match text {
        Text::Constant(text) => Text::Constant(text.to_lowercase().into()),
        other => Text::Lower(Box::new(other)),
    }
}
