//! Operators on numbers. What is constant is computed here, so that a mistake in it is found now.

use std::ops::Range;

use super::{Checker, Typed, a, constant};
use crate::expression::{
    evaluate::arithmetic as compute,
    number::{ArithmeticError, Exact},
    program::{At, Code, Number},
    syntax::{Arithmetic, Expr},
    types::Type,
};

impl Checker<'_> {
    /// Checks a part that must be a number; `role` says what for.
    pub(super) fn number(&mut self, expr: &Expr, role: &str) -> Option<(Number, Type)> {
        let typed = self.value(expr, Some(&Type::Integer))?;
        match (typed.ty.present(), typed.code) {
            (ty, Code::Number(number)) if ty.is_number() => Some((number, ty.clone())),
            (ty, _) => {
                let what = self.text(&expr.span);
                let message = format!("{role} must be a number; `{what}` is {}", a(ty));
                self.refuse(expr.span.clone(), (message, None))
            }
        }
    }

    /// Checks a part that must be a number without a fraction.
    pub(super) fn whole(&mut self, expr: &Expr, role: &str) -> Option<Number> {
        let (number, ty) = self.number(expr, role)?;
        if ty.is_whole() {
            return Some(number);
        }
        let what = self.text(&expr.span);
        let message = format!("{role} must be a whole number; `{what}` may have a fraction");
        let help = "floor(x) and ceil(x) make it whole".to_owned();
        self.refuse(expr.span.clone(), (message, Some(help)))
    }

    pub(super) fn negate(&mut self, of: &Expr, span: Range<usize>) -> Option<Typed> {
        let (number, ty) = self.number(of, "what `-` negates")?;
        if let Number::Constant(value) = number {
            return Some(constant(value.negated(), span));
        }
        Some(computed(Number::Negate(Box::new(number)), &ty, span))
    }

    pub(super) fn arithmetic(
        &mut self,
        operator: Arithmetic,
        left: &Expr,
        right: &Expr,
        span: Range<usize>,
    ) -> Option<Typed> {
        // `vault-proxy` reads as a subtraction; a name in the user's files is the likelier meaning.
        if let Some(name) = self.source.get(span.clone())
            && self.scope.deployments().contains_key(name)
        {
            let message = format!("`{name}` is read as a calculation");
            let help = format!("for the deployment write deployments.{name}");
            return self.refuse(span, (message, Some(help)));
        }
        let role = format!("each side of `{}`", operator.symbol());
        let (left_number, right_number) = match operator {
            Arithmetic::Remainder => {
                let left = self.whole(left, &role).map(|number| (number, Type::Integer));
                let right = self.whole(right, &role).map(|number| (number, Type::Integer));
                (left, right)
            }
            Arithmetic::Power => {
                let base = self.number(left, &role);
                let exponent = self.whole(right, "an exponent");
                (base, exponent.map(|number| (number, Type::Integer)))
            }
            _ => (self.number(left, &role), self.number(right, &role)),
        };
        let ((left_number, left_type), (right_number, right_type)) = (left_number?, right_number?);

        if let Number::Constant(divisor) = &right_number
            && matches!(operator, Arithmetic::Divide | Arithmetic::Remainder)
            && divisor.is_zero()
        {
            return self.impossible(ArithmeticError::DivisionByZero, right.span.clone());
        }
        if let (Number::Constant(left), Number::Constant(right)) = (&left_number, &right_number) {
            return match compute(operator, **left, **right) {
                Ok(value) => Some(constant(value, span)),
                Err(error) => self.impossible(error, span),
            };
        }
        let is_whole = left_type.is_whole() && right_type.is_whole();
        let ty = match operator {
            Arithmetic::Divide => Type::Ratio,
            _ if is_whole => Type::Integer,
            _ => Type::Ratio,
        };
        let sides = Box::new((left_number, right_number));
        let number = Number::Binary(operator, sides, At::from(&span));
        Some(Typed { code: Code::Number(number), ty, span })
    }

    /// Reports a constant that cannot be computed.
    pub(super) fn impossible<T>(
        &mut self,
        error: ArithmeticError,
        span: Range<usize>,
    ) -> Option<T> {
        let message = match error {
            ArithmeticError::Overflow => "the result does not fit into 512 bits",
            ArithmeticError::DivisionByZero => "division by zero",
            ArithmeticError::NegativeExponent => "the exponent is negative",
            ArithmeticError::FractionalExponent => "the exponent has a fraction",
            ArithmeticError::FractionalRemainder => "a remainder needs whole numbers",
        };
        self.refuse(span, (message.to_owned(), None))
    }
}

/// A computed number: whole if what it was made of is, without a width.
pub(super) fn computed(number: Number, of: &Type, span: Range<usize>) -> Typed {
    let ty = if of.is_whole() { Type::Integer } else { Type::Ratio };
    Typed { code: Code::Number(number), ty, span }
}

/// The value of a number that is known now.
pub(super) fn known(number: &Number) -> Option<Exact> {
    match number {
        Number::Constant(value) => Some(**value),
        _ => None,
    }
}
