//! The compiled form: a typed tree in which every name is a slot and every constant is computed.

use std::{collections::BTreeSet, ops::Range, sync::Arc};

use alloy_primitives::{Address, U256};

use super::{
    builtin::Builtin,
    number::Exact,
    scope::{AddressSet, Slot},
    syntax::{Arithmetic, Compare, Search},
};

/// A condition that has been read, checked and compiled; evaluate it with
/// [`Program::matches`](Program::matches).
#[derive(Debug, Clone)]
pub struct Program {
    pub(crate) source: Box<str>,
    pub(crate) test: Test,
    pub(crate) references: BTreeSet<Slot>,
    pub(crate) label_sets: BTreeSet<String>,
}

/// What must hold for a program to be true: the variable in `slot` is one of `addresses`.
#[derive(Debug, Clone)]
pub struct Requirement {
    /// The variable.
    pub slot: Slot,
    /// The addresses it may have.
    pub addresses: Arc<AddressSet>,
}

impl Program {
    /// The text it was compiled from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The variables it may read. Whoever provides the values can leave out all others.
    pub fn references(&self) -> &BTreeSet<Slot> {
        &self.references
    }

    /// The names of the label sets it looks into; compile it again when one of them changes.
    pub fn label_sets(&self) -> &BTreeSet<String> {
        &self.label_sets
    }

    /// Conditions on addresses without which the program cannot be true, so that an index may skip
    /// it: those `address == constant` and `address in set` that stand at the top level of `&&`.
    ///
    /// Where one of them is false the conjunction is false whatever its other parts are, even if
    /// evaluating one of those would have been an error.
    pub fn requirements(&self) -> Vec<Requirement> {
        let parts = match &self.test {
            Test::All(parts) => parts.as_ref(),
            one => std::slice::from_ref(one),
        };
        parts.iter().filter_map(requirement).collect()
    }

    /// Whether it can only be true of the outermost call of a transaction: `call.depth == 0` stands
    /// at the top level of `&&`.
    pub fn is_of_outermost_calls(&self) -> bool {
        let parts = match &self.test {
            Test::All(parts) => parts.as_ref(),
            one => std::slice::from_ref(one),
        };
        let depth = Slot::builtin(Builtin::CallDepth);
        let is_depth = |place: &Place| {
            place.path.is_empty() && matches!(place.root, Root::Slot(slot) if slot == depth)
        };
        parts.iter().any(|part| {
            matches!(part, Test::Uint(place, Compare::Equal, zero) if zero.is_zero() && is_depth(place))
        })
    }
}

fn requirement(test: &Test) -> Option<Requirement> {
    let (place, addresses) = match test {
        Test::IsAddress(place, address) => (place, Arc::new(AddressSet::from_iter([*address]))),
        Test::AddressIn(place, addresses) => (place, Arc::clone(addresses)),
        _ => return None,
    };
    match place.root {
        Root::Slot(slot) if place.path.is_empty() => Some(Requirement { slot, addresses }),
        _ => None,
    }
}

/// A place in the source, for errors at run time. Sources are far shorter than 4 GiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct At {
    start: u32,
    end: u32,
}

impl From<&Range<usize>> for At {
    fn from(span: &Range<usize>) -> Self {
        let narrow = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Self { start: narrow(span.start), end: narrow(span.end) }
    }
}

impl From<At> for Range<usize> {
    fn from(at: At) -> Self {
        at.start as usize..at.end as usize
    }
}

/// Where a value comes from: a variable and the way into it.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) root: Root,
    pub(crate) path: Box<[Step]>,
    pub(crate) at: At,
}

/// The beginning of a place.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Root {
    Slot(Slot),
    /// The element of an enclosing quantifier, outermost first.
    Local(u8),
}

/// One step into a tuple or array.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// A field, or an index known when compiling.
    Constant(usize),
    /// An index to compute.
    Computed(Box<Number>),
}

/// Something that is true or false.
#[derive(Debug, Clone)]
pub(crate) enum Test {
    Constant(bool),
    Flag(Place),
    Not(Box<Test>),
    /// True when all are; evaluation stops at the first that is false.
    All(Box<[Test]>),
    /// True when one is; evaluation stops at the first that is true.
    Any(Box<[Test]>),
    SameFlag(Box<(Test, Test)>),
    /// An unsigned variable against a constant: the commonest comparison, kept free of wide
    /// arithmetic.
    Uint(Place, Compare, U256),
    Numbers(Compare, Box<(Number, Number)>),
    /// An unsigned variable in a sorted list of constants.
    UintIn(Place, Box<[U256]>),
    NumberIn(Box<Number>, Box<[Number]>),
    IsAddress(Place, Address),
    AddressIn(Place, Arc<AddressSet>),
    IsNone(Place),
    Same(Box<(Operand, Operand)>),
    SameText(Box<(Text, Text)>),
    SameOctets(Box<(Octets, Octets)>),
    SearchText(Search, Box<(Text, Text)>),
    SearchOctets(Search, Box<(Octets, Octets)>),
    OperandIn(Operand, Box<[Operand]>),
    TextIn(Text, Box<[Text]>),
    OctetsIn(Octets, Box<[Octets]>),
    /// Whether an array has exactly as many elements as there are parts, and each satisfies its own.
    Elements {
        over: Place,
        local: u8,
        parts: Box<[Test]>,
    },
    /// Whether any element (or, with `all`, every element) satisfies the body.
    Each {
        all: bool,
        over: Place,
        local: u8,
        body: Box<Test>,
    },
}

/// Something that is a number.
#[derive(Debug, Clone)]
pub(crate) enum Number {
    Constant(Box<Exact>),
    Place(Place),
    Binary(Arithmetic, Box<(Number, Number)>, At),
    Negate(Box<Number>),
    Abs(Box<Number>),
    Floor(Box<Number>, At),
    Ceil(Box<Number>, At),
    Least(Box<[Number]>),
    Greatest(Box<[Number]>),
    /// Elements of an array.
    Length(Place),
    TextLength(Text),
    OctetsLength(Octets),
    /// Sum of the elements of an array.
    Sum(Place),
    /// How many elements satisfy the body.
    Count {
        over: Place,
        local: u8,
        body: Box<Test>,
    },
}

/// Something that is a string.
#[derive(Debug, Clone)]
pub(crate) enum Text {
    Place(Place),
    Constant(Box<str>),
    Lower(Box<Text>),
}

/// Something that is bytes, of fixed length or not.
#[derive(Debug, Clone)]
pub(crate) enum Octets {
    Place(Place),
    Constant(Box<[u8]>),
    Slice(Box<Octets>, Option<Box<Number>>, Option<Box<Number>>, At),
}

/// Something of another type: an address, a choice, an array, a tuple.
#[derive(Debug, Clone)]
pub(crate) enum Operand {
    Place(Place),
    Address(Address),
    Choice(u8),
}

/// Code of any type, as the checker passes it around and a message template keeps it.
#[derive(Debug, Clone)]
pub(crate) enum Code {
    Test(Test),
    Number(Number),
    Text(Text),
    Octets(Octets),
    Operand(Operand),
}
