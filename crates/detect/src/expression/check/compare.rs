//! Comparisons: which types may meet, and whether the answer can vary.

use std::ops::Range;

use super::{
    Checker, Typed, a,
    arithmetic::known,
    code::{equal_if_present, negated_if, numbers, operands, optional},
    names::{local, place_of},
};
use crate::expression::{
    program::{Code, Number, Operand, Test, Text},
    syntax::{Compare, Expr, ExprKind},
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
    pub(super) fn compare_typed(
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
            (Code::Octets(left), Code::Octets(right)) => Test::SameOctets(Box::new((left, right))),
            (Code::Test(left), Code::Test(right)) => Test::SameFlag(Box::new((left, right))),
            (Code::Operand(left), Code::Operand(right)) => operands(left, right),
            // `comparable` lets only codes of one kind through.
            _ => return None,
        };
        Some(negated_if(is_negated, equal_if_present(optional, test)))
    }

    /// Reports two parts that cannot be compared, or that never could be equal.
    pub(super) fn comparable(
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
            let message =
                format!("`{}` orders numbers, not {}", compare.symbol(), plural(left_type));
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
            let help =
                what.ends_with('%').then(|| format!("a share is of something: {what} * total"));
            return self.refuse(other.span.clone(), (message, help));
        }
        let Some((smallest, largest)) = ty.range() else { return Some(()) };
        if (smallest..=largest).contains(&value) {
            return Some(());
        }
        let message = format!("`{what}` does not fit {ty}");
        let help = ty
            .range_text()
            .map(|range| format!("{ty} holds {range}, so the answer would always be the same"));
        self.refuse(other.span.clone(), (message, help))
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
