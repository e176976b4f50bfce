//! The cheapest test for a comparison whose types are known to agree.

use std::sync::Arc;

use alloy_primitives::U256;

use super::{Typed, arithmetic::known, names::place_of};
use crate::expression::{
    program::{Code, Number, Octets, Operand, Place, Test, Text},
    scope::AddressSet,
    syntax::Compare,
    types::Type,
};

/// The test or its opposite.
pub(super) fn negated_if(is_negated: bool, test: Test) -> Test {
    if is_negated { Test::Not(Box::new(test)) } else { test }
}

/// The optional values that must be there before they can be read. Addresses and words are read as
/// they are: `none` is unlike any of them.
pub(super) fn optional(parts: &[&Typed]) -> Vec<Place> {
    let is_guarded = |typed: &&&Typed| {
        matches!(typed.ty, Type::Optional(_)) && !matches!(typed.code, Code::Operand(_))
    };
    parts.iter().filter(is_guarded).filter_map(|typed| place_of(&typed.code).cloned()).collect()
}

/// An equality of values of which some may be none: equal if all are none, or if all are there and
/// the test says so.
pub(super) fn equal_if_present(optional: Vec<Place>, test: Test) -> Test {
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
pub(super) fn numbers(
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
pub(super) fn operands(left: Operand, right: Operand) -> Test {
    match (left, right) {
        (Operand::Place(place), Operand::Address(address))
        | (Operand::Address(address), Operand::Place(place)) => Test::IsAddress(place, address),
        (Operand::Address(left), Operand::Address(right)) => Test::Constant(left == right),
        (left, right) => Test::Same(Box::new((left, right))),
    }
}

/// The cheapest test for one of several values, all of the item's kind.
pub(super) fn among(item: Typed, elements: Vec<Typed>) -> Option<Test> {
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
