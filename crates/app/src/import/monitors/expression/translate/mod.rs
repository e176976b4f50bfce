//! From their tree to our language, by the types of the ABI.

mod comparison; // a variable held against a value, by its type
mod literal; //    values that stand for themselves
mod variable; //   how variables are called there and here

use alloy_dyn_abi::DynSolType;
use registry::Param;

use super::{Dialect, Expr, Kind, Literal, Mistake};

/// What a condition is about, with the names that its variables have there and here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope<'a> {
    /// Whose rules hold.
    pub(crate) dialect: Dialect,
    /// The parameters as their ABI has them; `None` when the subject is a transaction.
    pub(crate) theirs: Option<&'a [Param]>,
    /// The same parameters as our deployment's ABI has them, by position.
    pub(crate) ours: &'a [Param],
}

/// Something to be told about a condition that was taken: where the answers will differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Remark(pub(crate) String);

/// Says a condition in our language.
///
/// # Errors
/// What cannot be said, with its place.
pub(crate) fn translate(
    expr: &Expr,
    scope: Scope<'_>,
    remarks: &mut Vec<Remark>,
) -> Result<String, Mistake> {
    let mut translator = Translator { scope, remarks };
    Ok(translator.condition(expr)?.text)
}

/// A piece of our language, with how tightly its outermost operator binds.
struct Said {
    text: String,
    strength: u8,
}

const OR: u8 = 1;
const AND: u8 = 2;
const COMPARE: u8 = 4;
const SUM: u8 = 5;
const PRODUCT: u8 = 6;
const POWER: u8 = 8;
const ATOM: u8 = 9;

impl Said {
    fn atom(text: impl Into<String>) -> Self {
        Self { text: text.into(), strength: ATOM }
    }

    fn within(self, needed: u8) -> String {
        if self.strength < needed { format!("({})", self.text) } else { self.text }
    }
}

/// The type of a variable, as far as conditions care.
#[derive(Debug, Clone, PartialEq)]
enum Type {
    Abi(DynSolType, Vec<Param>),
    /// A string, bytes, array or tuple that is indexed: only its hash is on the chain.
    Hashed(DynSolType),
    Status,
    /// An address that a creation does not have.
    OptionalAddress,
}

/// A variable that was found.
struct Variable {
    text: String,
    ty: Type,
}

struct Translator<'a, 'r> {
    scope: Scope<'a>,
    remarks: &'r mut Vec<Remark>,
}

fn refuse<T>(at: &Expr, message: impl Into<String>) -> Result<T, Mistake> {
    Err(Mistake { at: at.span.start, message: message.into() })
}

impl Translator<'_, '_> {
    fn remark(&mut self, text: impl Into<String>) {
        let remark = Remark(text.into());
        if !self.remarks.contains(&remark) {
            self.remarks.push(remark);
        }
    }

    fn condition(&mut self, expr: &Expr) -> Result<Said, Mistake> {
        match &expr.kind {
            Kind::Or(parts) => self.joined(parts, " || ", OR),
            Kind::And(parts) => self.joined(parts, " && ", AND),
            Kind::Not(inner) => {
                let inner = self.condition(inner)?;
                Ok(Said::atom(format!("!({})", inner.text)))
            }
            Kind::Compare(left, operator, right) => self.compare(expr, left, *operator, right),
            Kind::Path(path) => {
                let variable = self.variable(expr, path)?;
                match variable.ty {
                    Type::Abi(DynSolType::Bool, _) => Ok(Said::atom(variable.text)),
                    ty => refuse(expr, format!("`{path}` is {}, no condition", shown(&ty))),
                }
            }
            Kind::Literal(Literal::Bool(value)) => Ok(Said::atom(value.to_string())),
            Kind::Arithmetic(..) | Kind::Negate(_) | Kind::Literal(_) => {
                refuse(expr, "this is a value, no condition; compare it with something")
            }
        }
    }

    fn joined(&mut self, parts: &[Expr], by: &str, strength: u8) -> Result<Said, Mistake> {
        let parts: Result<Vec<String>, Mistake> =
            parts.iter().map(|part| Ok(self.condition(part)?.within(strength + 1))).collect();
        Ok(Said { text: parts?.join(by), strength })
    }

    /// Arithmetic.
    fn number(&mut self, expr: &Expr) -> Result<Said, Mistake> {
        match &expr.kind {
            Kind::Literal(literal) => Ok(Said::atom(self.number_literal(expr, literal)?)),
            Kind::Negate(inner) => {
                let inner = self.number(inner)?.within(POWER);
                Ok(Said { text: format!("-{inner}"), strength: PRODUCT + 1 })
            }
            Kind::Arithmetic(left, sign, right) => {
                let (word, own, of_left, of_right) = match sign {
                    '+' => ("+", SUM, SUM, SUM + 1),
                    '-' => ("-", SUM, SUM, SUM + 1),
                    '*' => ("*", PRODUCT, PRODUCT, PRODUCT + 1),
                    '/' => ("/", PRODUCT, PRODUCT, PRODUCT + 1),
                    _ => ("**", POWER, POWER + 1, POWER),
                };
                let left = self.number(left)?.within(of_left);
                let right = self.number(right)?.within(of_right);
                Ok(Said { text: format!("{left} {word} {right}"), strength: own })
            }
            Kind::Path(path) => {
                let variable = self.variable(expr, path)?;
                if !is_number(&variable.ty) {
                    let message = format!("`{path}` is {}, no number", shown(&variable.ty));
                    return refuse(expr, message);
                }
                Ok(Said::atom(variable.text))
            }
            _ => refuse(expr, "a number is needed here"),
        }
    }
}

/// The kinds that OpenZeppelin Monitor's evaluator knows.
pub(crate) fn is_kind_known(ty: &DynSolType) -> bool {
    let is_width = |bits: &usize| matches!(bits, 8 | 16 | 32 | 64 | 128 | 256);
    match ty {
        DynSolType::Uint(bits) | DynSolType::Int(bits) => is_width(bits),
        DynSolType::Address
        | DynSolType::Bool
        | DynSolType::String
        | DynSolType::Bytes
        | DynSolType::FixedBytes(32)
        | DynSolType::Tuple(_) => true,
        DynSolType::Array(element) => {
            !matches!(element.as_ref(), DynSolType::Array(_)) && is_kind_known(element)
        }
        _ => false,
    }
}

fn is_number(ty: &Type) -> bool {
    matches!(ty, Type::Abi(DynSolType::Uint(_) | DynSolType::Int(_), _))
}

fn shown(ty: &Type) -> String {
    match ty {
        Type::Abi(ty, _) => ty.to_string(),
        Type::Hashed(ty) => format!("the hash of {ty}"),
        Type::Status => "a status".to_owned(),
        Type::OptionalAddress => "an address".to_owned(),
    }
}
