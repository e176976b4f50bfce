//! Comparisons, membership, search: which types may meet, and the cheapest code for each.

use std::{ops::Range, sync::Arc};

use alloy_primitives::U256;

use super::{
    Checker, Typed, a,
    arithmetic::known,
    names::{local, place_of},
};
use crate::expression::{
    diagnostic::suggestion,
    program::{Code, Number, Octets, Operand, Place, Test, Text},
    scope::AddressSet,
    syntax::{Compare, Expr, ExprKind, Search},
    types::Type,
};

impl Checker<'_> {
    pub(super) fn compare(
        &mut self,
        compare: Compare,
        left: &Expr,
        right: &Expr,
        span: &Range<usize>,
    ) -> Option<Test> {
        match (&left.kind, &right.kind) {
            (_, ExprKind::None) => return self.compare_none(compare, left, span),
            (ExprKind::None, _) => return self.compare_none(compare, right, span),
            (_, ExprKind::List(items)) => return self.compare_list(compare, left, items, span),
            (ExprKind::List(items), _) => return self.compare_list(compare, right, items, span),
            _ => {}
        }
        let (left, right) = self.pair(left, right)?;
        self.compare_typed(compare, left, right, span)
    }

    /// Checks two parts that will meet. The one whose type does not depend on its neighbour goes
    /// first and tells the other what is wanted.
    fn pair(&mut self, left: &Expr, right: &Expr) -> Option<(Typed, Typed)> {
        let is_left_first = dependence(left) <= dependence(right);
        let (first, second) = if is_left_first { (left, right) } else { (right, left) };
        let first = self.value(first, None);
        let second = match &first {
            Some(typed) => self.value(second, Some(&typed.ty)),
            // A literal means nothing without its neighbour.
            None if dependence(second) > 0 => None,
            None => self.value(second, None),
        };
        let (first, second) = (first?, second?);
        Some(if is_left_first { (first, second) } else { (second, first) })
    }

    fn compare_none(
        &mut self,
        compare: Compare,
        other: &Expr,
        span: &Range<usize>,
    ) -> Option<Test> {
        let typed = self.value(other, None)?;
        let place = place_of(&typed.code).filter(|_| matches!(typed.ty, Type::Optional(_)));
        let Some(place) = place else {
            let message =
                format!("`{}` is {}, which is never none", self.text(&other.span), a(&typed.ty));
            return self.refuse(span.clone(), (message, None));
        };
        if !compare.is_equality() {
            let message = format!("`{}` cannot order none", compare.symbol());
            return self.refuse(span.clone(), (message, Some("use == or !=".into())));
        }
        Some(negated_if(compare == Compare::NotEqual, Test::IsNone(place.clone())))
    }

    /// `amounts == [1, 2]`
    fn compare_list(
        &mut self,
        compare: Compare,
        array: &Expr,
        items: &[Expr],
        span: &Range<usize>,
    ) -> Option<Test> {
        let array_typed = self.value(array, None)?;
        let (Some(element), Code::Operand(Operand::Place(over))) =
            (array_typed.ty.element().cloned(), array_typed.code)
        else {
            let what = self.text(&array.span);
            let message = format!("cannot compare `{what}` ({}) with a list", array_typed.ty);
            let help = format!("for \"one of these\" write {what} in [ … ]");
            return self.refuse(span.clone(), (message, Some(help)));
        };
        if !compare.is_equality() {
            let message = format!("`{}` orders numbers, not arrays", compare.symbol());
            return self.refuse(span.clone(), (message, Some("use == or !=".into())));
        }
        let parts = self.with_local("", &element, &array.span, |checker, index| {
            let part = |item: &Expr| {
                let own = local(index, &element, &item.span);
                let item = checker.value(item, Some(&element))?;
                let span = item.span.clone();
                checker.compare_typed(Compare::Equal, own, item, &span)
            };
            let parts: Vec<Option<Test>> = items.iter().map(part).collect();
            Some((index, parts.into_iter().collect::<Option<Vec<Test>>>()?))
        });
        let (index, parts) = parts?;
        let test = Test::Elements { over, local: index, parts: parts.into() };
        Some(negated_if(compare == Compare::NotEqual, test))
    }

    /// The test for two parts whose types are known.
    fn compare_typed(
        &mut self,
        compare: Compare,
        left: Typed,
        right: Typed,
        span: &Range<usize>,
    ) -> Option<Test> {
        self.comparable(compare, &left, &right, span)?;
        let optional = if compare.is_equality() { optional(&[&left, &right]) } else { vec![] };
        let is_negated = compare == Compare::NotEqual;
        let test = match (left.code, right.code) {
            (Code::Number(left_number), Code::Number(right_number)) => {
                // The negation stands outside of the tests for none: none != 5.
                let compare = if is_negated { Compare::Equal } else { compare };
                numbers(compare, left_number, &left.ty, right_number, &right.ty)
            }
            (Code::Text(left), Code::Text(right)) => Test::SameText(Box::new((left, right))),
            (Code::Octets(left), Code::Octets(right)) => {
                Test::SameOctets(Box::new((left, right)))
            }
            (Code::Test(left), Code::Test(right)) => Test::SameFlag(Box::new((left, right))),
            (Code::Operand(left), Code::Operand(right)) => operands(left, right),
            // `comparable` lets only codes of one kind through.
            _ => return None,
        };
        Some(negated_if(is_negated, equal_if_present(optional, test)))
    }

    /// Reports two parts that cannot be compared, or that never could be equal.
    fn comparable(
        &mut self,
        compare: Compare,
        left: &Typed,
        right: &Typed,
        span: &Range<usize>,
    ) -> Option<()> {
        let (left_type, right_type) = (left.ty.present(), right.ty.present());
        if left_type.is_number() && right_type.is_number() {
            self.in_range(compare, left, right)?;
            return self.in_range(compare, right, left);
        }
        let is_hash = |ty: &Type| matches!(ty, Type::Hashed(_) | Type::FixedBytes(32));
        let is_alike = match (left_type, right_type) {
            (Type::FixedBytes(left), Type::FixedBytes(right)) => left == right,
            (Type::Bytes, other) | (other, Type::Bytes) => other.is_bytes(),
            (Type::Hashed(left), Type::Hashed(right)) => left.same_shape(right),
            (Type::Hashed(_), other) | (other, Type::Hashed(_)) => is_hash(other),
            _ => left_type.same_shape(right_type),
        };
        if !is_alike {
            let (left_text, right_text) = (self.text(&left.span), self.text(&right.span));
            let message = format!(
                "cannot compare `{left_text}` ({}) with `{right_text}` ({})",
                left.ty, right.ty
            );
            let help = hint(left, right);
            return self.refuse(span.clone(), (message, help));
        }
        if !compare.is_equality() {
            let message = format!("`{}` orders numbers, not {}", compare.symbol(), plural(left_type));
            return self.refuse(span.clone(), (message, Some("use == or !=".into())));
        }
        Some(())
    }

    /// Reports a constant that a variable of this width can never have.
    fn in_range(&mut self, compare: Compare, variable: &Typed, other: &Typed) -> Option<()> {
        let (Code::Number(Number::Place(_)), Code::Number(other_number)) =
            (&variable.code, &other.code)
        else {
            return Some(());
        };
        let (ty, Some(value)) = (variable.ty.present(), known(other_number)) else {
            return Some(());
        };
        let what = self.text(&other.span);
        if compare.is_equality() && !value.is_whole() {
            let message = format!("`{what}` has a fraction and {ty} has not");
            let help = what.ends_with('%').then(|| format!("a share is of something: {what} * total"));
            return self.refuse(other.span.clone(), (message, help));
        }
        let Some((smallest, largest)) = ty.range() else { return Some(()) };
        if (smallest..=largest).contains(&value) {
            return Some(());
        }
        let message = format!("`{what}` does not fit {ty}");
        let help = ty.range_text().map(|range| format!("{ty} holds {range}, so the answer would always be the same"));
        self.refuse(other.span.clone(), (message, help))
    }

    /// `x in labels.NAME`, `x in [a, b]`, `x in amounts`, `x in deployments`
    pub(super) fn membership(&mut self, item: &Expr, set: &Expr) -> Option<Test> {
        match &set.kind {
            ExprKind::Label(name) => {
                let addresses = self.scope.labels().get(&name.text).map(Arc::clone);
                if addresses.is_none() {
                    let known: Vec<&str> = self.scope.labels().keys().map(String::as_str).collect();
                    let message = format!("no label set `{}`", name.text);
                    let help = suggestion(&name.text, "label sets", &known);
                    self.refuse::<()>(name.span.clone(), (message, Some(help)));
                }
                self.label_sets.insert(name.text.clone());
                let what = format!("labels.{}", name.text);
                self.address_in(item, addresses, &what)
            }
            ExprKind::Name(name) if name == "deployments" && !self.is_known(name) => {
                let addresses = self.scope.deployments().values().copied().collect();
                self.address_in(item, Some(Arc::new(addresses)), "deployments")
            }
            ExprKind::List(items) => self.in_list(item, items, set),
            _ => {
                let array = self.value(set, None)?;
                if array.ty.present().element().is_none() {
                    let what = self.text(&set.span);
                    let message = format!("`in` needs a set; `{what}` is {}", a(&array.ty));
                    let help = match array.ty.present() {
                        Type::String | Type::Bytes => {
                            format!("write: {what} contains {}", self.text(&item.span))
                        }
                        _ => "sets: labels.NAME, deployments, a list [a, b], an array".to_owned(),
                    };
                    return self.refuse(set.span.clone(), (message, Some(help)));
                }
                self.in_array(item, array)
            }
        }
    }

    fn address_in(
        &mut self,
        item: &Expr,
        addresses: Option<Arc<AddressSet>>,
        what: &str,
    ) -> Option<Test> {
        let typed = self.value(item, Some(&Type::Address))?;
        if *typed.ty.present() != Type::Address {
            let message =
                format!("{what} holds addresses; `{}` is {}", self.text(&item.span), a(&typed.ty));
            return self.refuse(item.span.clone(), (message, None));
        }
        let addresses = addresses?;
        match typed.code {
            Code::Operand(Operand::Place(place)) => Some(Test::AddressIn(place, addresses)),
            Code::Operand(Operand::Address(address)) => {
                Some(Test::Constant(addresses.contains(&address)))
            }
            _ => None,
        }
    }

    fn in_list(&mut self, item: &Expr, items: &[Expr], list: &Expr) -> Option<Test> {
        let typed = self.value(item, None);
        if items.is_empty() {
            let message = "the list is empty, so that nothing is in it".to_owned();
            return self.refuse(list.span.clone(), (message, None));
        }
        let typed = typed?;
        if *typed.ty.present() == Type::Bool {
            let message = format!("`{}` is a bool, for which no list is needed", self.text(&item.span));
            return self.refuse(item.span.clone(), (message, Some("use ==, ! and ||".into())));
        }
        let checked: Vec<Option<Typed>> = items
            .iter()
            .map(|element| {
                let element = self.value(element, Some(&typed.ty))?;
                self.comparable(Compare::Equal, &typed, &element, &element.span.clone())?;
                Some(element)
            })
            .collect();
        let elements = checked.into_iter().collect::<Option<Vec<Typed>>>()?;
        let optional = optional(&[&typed]);
        Some(equal_if_present(optional, among(typed, elements)?))
    }

    fn in_array(&mut self, item: &Expr, array: Typed) -> Option<Test> {
        let element = array.ty.present().element()?.clone();
        let Code::Operand(Operand::Place(over)) = array.code else { return None };
        let item_typed = self.value(item, Some(&element))?;
        self.with_local("", &element, &item.span, |checker, index| {
            let own = local(index, &element, &array.span);
            let body = checker.compare_typed(Compare::Equal, item_typed, own, &item.span)?;
            Some(Test::Each { all: false, over, local: index, body: Box::new(body) })
        })
    }

    /// `whole contains part`, `whole starts_with part`, `whole ends_with part`
    pub(super) fn search(
        &mut self,
        search: Search,
        whole: &Expr,
        part: &Expr,
        span: &Range<usize>,
    ) -> Option<Test> {
        let whole_typed = self.value(whole, None)?;
        let ty = whole_typed.ty.present().clone();
        if ty.element().is_some() && search == Search::Contains {
            return self.in_array(part, whole_typed);
        }
        let wanted = if ty.is_bytes() { Type::Bytes } else { ty.clone() };
        let part_typed = self.value(part, Some(&wanted))?;
        match (whole_typed.code, part_typed.code) {
            (Code::Text(whole), Code::Text(part)) => {
                Some(Test::SearchText(search, Box::new((whole, part))))
            }
            (Code::Octets(whole), Code::Octets(part)) if ty.is_bytes() => {
                Some(Test::SearchOctets(search, Box::new((whole, part))))
            }
            _ => {
                let word = search.word();
                let message = format!(
                    "`{word}` cannot look for `{}` ({}) in `{}` ({ty})",
                    self.text(&part.span),
                    part_typed.ty,
                    self.text(&whole.span),
                );
                let help = match &ty {
                    Type::Hashed(_) => "the chain keeps only the hash of an indexed value; compare the whole with ==",
                    _ => "it looks for a string in a string, for bytes in bytes; contains also for an element in an array",
                };
                self.refuse(span.clone(), (message, Some(help.to_owned())))
            }
        }
    }
}

/// How much the meaning of a part depends on its neighbour in a comparison.
fn dependence(expr: &Expr) -> u8 {
    match expr.kind {
        ExprKind::Hex(_) | ExprKind::Text(_) => 2,
        ExprKind::Name(_) => 1,
        _ => 0,
    }
}

fn negated_if(is_negated: bool, test: Test) -> Test {
    if is_negated { Test::Not(Box::new(test)) } else { test }
}

/// The optional values that must be there before they can be read. Addresses and words are read as
/// they are: `none` is unlike any of them.
fn optional(parts: &[&Typed]) -> Vec<Place> {
    let is_guarded = |typed: &&&Typed| {
        matches!(typed.ty, Type::Optional(_)) && !matches!(typed.code, Code::Operand(_))
    };
    parts.iter().filter(is_guarded).filter_map(|typed| place_of(&typed.code).cloned()).collect()
}

/// An equality of values of which some may be none: equal if all are none, or if all are there and
/// the test says so.
fn equal_if_present(optional: Vec<Place>, test: Test) -> Test {
    if optional.is_empty() {
        return test;
    }
    let are_two = optional.len() == 2;
    let absent: Vec<Test> = optional.into_iter().map(Test::IsNone).collect();
    let present = absent.iter().map(|absent| Test::Not(Box::new(absent.clone())));
    let present_and_equal = Test::All(present.chain([test]).collect());
    if are_two {
        Test::Any([Test::All(absent.into()), present_and_equal].into())
    } else {
        present_and_equal
    }
}

/// The cheapest comparison of two numbers.
fn numbers(
    compare: Compare,
    left: Number,
    left_type: &Type,
    right: Number,
    right_type: &Type,
) -> Test {
    let is_unsigned = |ty: &Type| matches!(ty.present(), Type::Uint(_));
    match (left, right) {
        (Number::Constant(left), Number::Constant(right)) => {
            Test::Constant(compare.holds(left.cmp(&right)))
        }
        (Number::Place(place), Number::Constant(bound)) if is_unsigned(left_type) => {
            match bound.to_u256() {
                Some(bound) => Test::Uint(place, compare, bound),
                None => {
                    let sides = (Number::Place(place), Number::Constant(bound));
                    Test::Numbers(compare, Box::new(sides))
                }
            }
        }
        (Number::Constant(bound), Number::Place(place)) if is_unsigned(right_type) => {
            let (left, right) = (Number::Place(place), Number::Constant(bound));
            numbers(compare.mirrored(), left, right_type, right, left_type)
        }
        (left, right) => Test::Numbers(compare, Box::new((left, right))),
    }
}

/// The cheapest equality of two addresses, choices, arrays or tuples.
fn operands(left: Operand, right: Operand) -> Test {
    match (left, right) {
        (Operand::Place(place), Operand::Address(address))
        | (Operand::Address(address), Operand::Place(place)) => Test::IsAddress(place, address),
        (Operand::Address(left), Operand::Address(right)) => Test::Constant(left == right),
        (left, right) => Test::Same(Box::new((left, right))),
    }
}

/// The cheapest test for one of several values, all of the item's kind.
fn among(item: Typed, elements: Vec<Typed>) -> Option<Test> {
    let is_unsigned = matches!(item.ty.present(), Type::Uint(_));
    let codes = elements.into_iter().map(|element| element.code);
    match item.code {
        Code::Number(item) => {
            let list: Vec<Number> = codes
                .map(|code| if let Code::Number(number) = code { Some(number) } else { None })
                .collect::<Option<_>>()?;
            let constants: Option<Vec<U256>> =
                list.iter().map(|number| known(number)?.to_u256()).collect();
            Some(match (item, constants) {
                (Number::Place(place), Some(mut constants)) if is_unsigned => {
                    constants.sort_unstable();
                    Test::UintIn(place, constants.into())
                }
                (item, _) => Test::NumberIn(Box::new(item), list.into()),
            })
        }
        Code::Operand(item) => {
            let list: Vec<Operand> = codes
                .map(|code| if let Code::Operand(operand) = code { Some(operand) } else { None })
                .collect::<Option<_>>()?;
            let address = |operand: &Operand| match operand {
                Operand::Address(address) => Some(*address),
                Operand::Place(_) | Operand::Choice(_) => None,
            };
            let addresses: Option<AddressSet> = list.iter().map(address).collect();
            Some(match (item, addresses) {
                (Operand::Place(place), Some(addresses)) => {
                    Test::AddressIn(place, Arc::new(addresses))
                }
                (item, _) => Test::OperandIn(item, list.into()),
            })
        }
        Code::Text(item) => {
            let list: Vec<Text> = codes
                .map(|code| if let Code::Text(text) = code { Some(text) } else { None })
                .collect::<Option<_>>()?;
            Some(Test::TextIn(item, list.into()))
        }
        Code::Octets(item) => {
            let list: Vec<Octets> = codes
                .map(|code| if let Code::Octets(octets) = code { Some(octets) } else { None })
                .collect::<Option<_>>()?;
            Some(Test::OctetsIn(item, list.into()))
        }
        Code::Test(_) => None,
    }
}

fn plural(ty: &Type) -> String {
    match ty {
        Type::Address => "addresses".to_owned(),
        Type::Bool => "truths".to_owned(),
        Type::String => "strings".to_owned(),
        Type::Choice(_) => "words".to_owned(),
        Type::Array(_) | Type::FixedArray(..) => "arrays".to_owned(),
        Type::Tuple(_) => "tuples".to_owned(),
        Type::Hashed(_) => "hashes".to_owned(),
        other => other.to_string(),
    }
}

/// What was probably meant by an impossible comparison.
fn hint(left: &Typed, right: &Typed) -> Option<String> {
    let either = |is: fn(&Type) -> bool| is(left.ty.present()) || is(right.ty.present());
    let is_quoted = |typed: &Typed| matches!(typed.code, Code::Text(Text::Constant(_)));
    let help = if either(|ty| matches!(ty, Type::Hashed(_))) {
        "the chain keeps only the hash of an indexed value; compare it with a quoted string or 64 hexadecimal digits"
    } else if either(|ty| *ty == Type::Address) && either(Type::is_number) {
        "an address is written with 40 hexadecimal digits; the zero address is address(0)"
    } else if either(Type::is_number) && (is_quoted(left) || is_quoted(right)) {
        "a number is written without quotes"
    } else if either(Type::is_number) && either(|ty| *ty == Type::String) {
        "a string is written in quotes"
    } else if either(|ty| ty.element().is_some()) {
        "for one element write x in ARRAY, any(ARRAY, x, x > 1) or ARRAY[0]"
    } else {
        return None;
    };
    Some(help.to_owned())
}
