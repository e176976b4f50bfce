//! The types of the language: those of the ABI, plus what expressions make of them.

use std::fmt;

use alloy_dyn_abi::DynSolType;
use alloy_primitives::{I256, U256, U512};

use super::number::Exact;

/// The type of a variable or of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// `bool`
    Bool,
    /// `uint8` … `uint256`, by bits.
    Uint(usize),
    /// `int8` … `int256`, by bits.
    Int(usize),
    /// A whole number that an expression computed; it has no width.
    Integer,
    /// A number that may have a fraction: a quotient, a percentage.
    Ratio,
    /// `address`
    Address,
    /// `bytes1` … `bytes32`, by bytes; a `function` pointer is 24 bytes.
    FixedBytes(usize),
    /// `bytes`
    Bytes,
    /// `string`
    String,
    /// An indexed `string`, `bytes`, array or tuple: the chain keeps only its Keccak-256 hash.
    Hashed(Box<Type>),
    /// One of a few words, such as `success` and `failed`.
    Choice(&'static [&'static str]),
    /// `T[]`
    Array(Box<Type>),
    /// `T[n]`
    FixedArray(Box<Type>, usize),
    /// A tuple or struct.
    Tuple(Vec<Field>),
    /// A value that may legitimately be absent: `tx.to` of a creation.
    Optional(Box<Type>),
}

/// One field of a tuple; the name may be empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Name in the ABI; empty when it has none.
    pub name: String,
    /// Type.
    pub ty: Type,
}

/// A parameter of an event or function, as an ABI declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Name; empty when the ABI gives none.
    pub name: String,
    /// Type.
    pub ty: DynSolType,
    /// Whether it is in a topic of its own.
    pub indexed: bool,
    /// The fields of the tuple, if the type is a tuple or an array of tuples.
    pub components: Vec<Parameter>,
}

impl Parameter {
    /// The type of the values that a decoded log or call holds for this parameter.
    pub fn value_type(&self) -> Type {
        let ty = Type::of(&self.ty, &self.components);
        let is_word = !matches!(
            ty,
            Type::Bytes | Type::String | Type::Array(_) | Type::FixedArray(..) | Type::Tuple(_)
        );
        if self.indexed && !is_word { Type::Hashed(Box::new(ty)) } else { ty }
    }
}

impl Type {
    /// The type of values of an ABI type; `components` name the fields of its tuple, if it has one.
    pub fn of(ty: &DynSolType, components: &[Parameter]) -> Self {
        match ty {
            DynSolType::Bool => Self::Bool,
            DynSolType::Int(bits) => Self::Int(*bits),
            DynSolType::Uint(bits) => Self::Uint(*bits),
            DynSolType::FixedBytes(length) => Self::FixedBytes(*length),
            DynSolType::Address => Self::Address,
            DynSolType::Function => Self::FixedBytes(24),
            DynSolType::Bytes => Self::Bytes,
            DynSolType::String => Self::String,
            DynSolType::Array(element) => Self::Array(Box::new(Self::of(element, components))),
            DynSolType::FixedArray(element, length) => {
                Self::FixedArray(Box::new(Self::of(element, components)), *length)
            }
            other => Self::Tuple(fields(other.as_tuple().unwrap_or_default(), components)),
        }
    }

    /// Whether values are numbers.
    pub fn is_number(&self) -> bool {
        matches!(self, Self::Uint(_) | Self::Int(_) | Self::Integer | Self::Ratio)
    }

    /// Whether values are numbers without a fraction.
    pub fn is_whole(&self) -> bool {
        self.is_number() && *self != Self::Ratio
    }

    /// Whether values are raw bytes of fixed or free length.
    pub fn is_bytes(&self) -> bool {
        matches!(self, Self::FixedBytes(_) | Self::Bytes)
    }

    /// The type of the elements of an array.
    pub fn element(&self) -> Option<&Self> {
        match self {
            Self::Array(element) | Self::FixedArray(element, _) => Some(element),
            _ => None,
        }
    }

    /// The type without its permission to be absent.
    pub(crate) fn present(&self) -> &Self {
        match self {
            Self::Optional(inner) => inner,
            other => other,
        }
    }

    /// Whether two types have the same values, whatever their fields are called.
    pub(crate) fn same_shape(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Array(a), Self::Array(b)) | (Self::Hashed(a), Self::Hashed(b)) => {
                a.same_shape(b)
            }
            (Self::FixedArray(a, n), Self::FixedArray(b, m)) => n == m && a.same_shape(b),
            (Self::Tuple(a), Self::Tuple(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.ty.same_shape(&b.ty))
            }
            _ => self == other,
        }
    }

    /// The smallest and largest value of an integer type.
    pub(crate) fn range(&self) -> Option<(Exact, Exact)> {
        match self {
            Self::Uint(bits) if (1..=256).contains(bits) => {
                Some((Exact::ZERO, Exact::from(U256::MAX >> (256 - bits))))
            }
            Self::Int(bits) if (1..=256).contains(bits) => {
                let largest = I256::MAX.asr(256 - bits);
                let smallest = Exact::whole(true, U512::ONE << (bits - 1));
                Some((smallest, Exact::from(largest)))
            }
            _ => None,
        }
    }

    /// The range of an integer type in words: `0 … 255`.
    pub(crate) fn range_text(&self) -> Option<String> {
        let (smallest, largest) = self.range()?;
        match self {
            Self::Uint(bits) if *bits > 64 => Some(format!("0 … 2**{bits} - 1")),
            Self::Int(bits) if *bits > 64 => {
                Some(format!("-2**{} … 2**{} - 1", bits - 1, bits - 1))
            }
            _ => Some(format!("{smallest} … {largest}")),
        }
    }
}

fn fields(types: &[DynSolType], components: &[Parameter]) -> Vec<Field> {
    let field = |(i, ty): (usize, &DynSolType)| {
        let component = components.get(i);
        Field {
            name: component.map_or_else(String::new, |component| component.name.clone()),
            ty: Type::of(ty, component.map_or(&[], |component| &component.components)),
        }
    };
    types.iter().enumerate().map(field).collect()
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("bool"),
            Self::Uint(bits) => write!(f, "uint{bits}"),
            Self::Int(bits) => write!(f, "int{bits}"),
            Self::Integer => f.write_str("whole number"),
            Self::Ratio => f.write_str("number with a fraction"),
            Self::Address => f.write_str("address"),
            Self::FixedBytes(length) => write!(f, "bytes{length}"),
            Self::Bytes => f.write_str("bytes"),
            Self::String => f.write_str("string"),
            Self::Hashed(inner) => write!(f, "hash of an indexed {inner}"),
            Self::Choice(words) => write!(f, "one of {}", words.join(", ")),
            Self::Array(element) => write!(f, "{element}[]"),
            Self::FixedArray(element, length) => write!(f, "{element}[{length}]"),
            Self::Tuple(fields) => {
                f.write_str("(")?;
                for (i, field) in fields.iter().enumerate() {
                    let comma = if i > 0 { ", " } else { "" };
                    let space = if field.name.is_empty() { "" } else { " " };
                    write!(f, "{comma}{}{space}{}", field.ty, field.name)?;
                }
                f.write_str(")")
            }
            Self::Optional(inner) => write!(f, "{inner} or none"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_integer_width_has_its_range() {
        for bits in (8..=256).step_by(8) {
            let (smallest, largest) = Type::Uint(bits).range().unwrap();
            assert_eq!(smallest, Exact::ZERO);
            let two = Exact::from(2_usize);
            let power = |exponent: usize| two.power(Exact::from(exponent)).unwrap();
            assert_eq!(largest, power(bits).subtract(Exact::ONE).unwrap());
            let (smallest, largest) = Type::Int(bits).range().unwrap();
            assert_eq!(smallest, power(bits - 1).negated());
            assert_eq!(largest, power(bits - 1).subtract(Exact::ONE).unwrap());
        }
    }

    #[test]
    fn an_indexed_array_of_structs_is_a_hash_and_a_plain_one_keeps_its_names() {
        let leaf = |name: &str, ty: &str| Parameter {
            name: name.into(),
            ty: ty.parse().unwrap(),
            indexed: false,
            components: vec![],
        };
        let mut orders = leaf("orders", "(address,uint96)[]");
        orders.components = vec![leaf("maker", "address"), leaf("amount", "uint96")];
        assert_eq!(orders.value_type().to_string(), "(address maker, uint96 amount)[]");
        orders.indexed = true;
        assert_eq!(
            orders.value_type().to_string(),
            "hash of an indexed (address maker, uint96 amount)[]"
        );
    }
}
