//! From their tree to our language, by the types of the ABI.

mod literal; //  values that stand for themselves
mod variable; // how variables are called there and here

use alloy_dyn_abi::DynSolType;
use registry::Param;

use self::literal::{address, quoted};
use super::{Dialect, Expr, Kind, Literal, Mistake, Operator, Path};

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

    fn compare(
        &mut self,
        whole: &Expr,
        left: &Expr,
        operator: Operator,
        right: &Expr,
    ) -> Result<Said, Mistake> {
        if let (Kind::Path(path), Kind::Literal(literal)) = (&left.kind, &right.kind) {
            return self.compare_literal(whole, (left, path), operator, (right, literal));
        }
        if let (Kind::Literal(literal), Kind::Path(path)) = (&left.kind, &right.kind)
            && let Some(mirrored) = mirrored(operator)
        {
            return self.compare_literal(whole, (right, path), mirrored, (left, literal));
        }
        if let (Kind::Path(one), Kind::Path(other)) = (&left.kind, &right.kind) {
            let (one, other) = (self.variable(left, one)?, self.variable(right, other)?);
            if !(is_number(&one.ty) && is_number(&other.ty)) {
                let is_same = operator.is_equality() && one.ty == other.ty;
                if !is_same {
                    let message = format!(
                        "cannot compare {} with {} by {}",
                        shown(&one.ty),
                        shown(&other.ty),
                        operator.as_str()
                    );
                    return refuse(whole, message);
                }
            }
            let text = format!("{} {} {}", one.text, operator.as_str(), other.text);
            return Ok(Said { text, strength: COMPARE });
        }
        if !(operator.is_equality() || operator.is_order()) {
            return refuse(whole, format!("{} needs a variable and a value", operator.as_str()));
        }
        let left = self.number(left)?.within(COMPARE + 1);
        let right = self.number(right)?.within(COMPARE + 1);
        Ok(Said { text: format!("{left} {} {right}", operator.as_str()), strength: COMPARE })
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

    fn compare_literal(
        &mut self,
        whole: &Expr,
        (at_path, path): (&Expr, &Path),
        operator: Operator,
        (at_literal, literal): (&Expr, &Literal),
    ) -> Result<Said, Mistake> {
        let variable = self.variable(at_path, path)?;
        let op = operator.as_str();
        let cannot = |ty: &str| {
            refuse(
                whole,
                format!("{op} cannot be asked of {ty}; there it failed and never matched"),
            )
        };
        let said = |right: String| {
            Ok(Said { text: format!("{} {op} {right}", variable.text), strength: COMPARE })
        };
        self.kind_remark(path, &variable.ty);
        match &variable.ty {
            ty if is_number(ty) => {
                if !(operator.is_order() || operator.is_equality()) {
                    return cannot("a number");
                }
                let number = self.number_literal(at_literal, literal)?;
                said(number)
            }
            Type::Abi(DynSolType::Address, _) => {
                if !operator.is_equality() {
                    return cannot("an address");
                }
                said(address(at_literal, literal)?)
            }
            Type::OptionalAddress => {
                if !operator.is_equality() {
                    return cannot("an address");
                }
                let compared = said(address(at_literal, literal)?)?;
                if operator == Operator::NotEqual {
                    // A creation calls nobody: there the comparison failed.
                    let text = format!("{} != none && {}", variable.text, compared.text);
                    return Ok(Said { text, strength: AND });
                }
                Ok(compared)
            }
            Type::Abi(DynSolType::Bool, _) => {
                if !operator.is_equality() {
                    return cannot("true or false");
                }
                let value = match literal.text().to_ascii_lowercase().as_str() {
                    "true" => true,
                    "false" => false,
                    other => return refuse(at_literal, format!("{other:?} is not true or false")),
                };
                if !matches!(literal, Literal::Bool(_))
                    && self.scope.dialect == Dialect::OpenZeppelin
                {
                    self.remark(format!(
                        "{} is not the bare word true or false: there the comparison failed and never matched",
                        literal.text()
                    ));
                }
                said(value.to_string())
            }
            Type::Status => {
                if !operator.is_equality() {
                    return cannot("a status");
                }
                let word = match literal.text().to_ascii_lowercase().as_str() {
                    "success" | "1" | "0x1" | "true" => "success",
                    "failed" | "failure" | "reverted" | "0" | "0x0" | "false" => "failed",
                    other => {
                        return refuse(
                            at_literal,
                            format!("{other:?} is no status (success, failed)"),
                        );
                    }
                };
                said(word.to_owned())
            }
            Type::Abi(DynSolType::String, _) => {
                if operator.is_order() {
                    return cannot("a string");
                }
                let text = literal.text();
                if self.scope.dialect == Dialect::OpenZeppelin {
                    let lower = quoted(&text.to_lowercase());
                    let text = format!("lower({}) {op} {lower}", variable.text);
                    return Ok(Said { text, strength: COMPARE });
                }
                said(quoted(text))
            }
            Type::Abi(DynSolType::Bytes | DynSolType::FixedBytes(_), _) => {
                if operator.is_order() {
                    return cannot("bytes");
                }
                said(self.bytes(at_literal, operator, literal)?)
            }
            Type::Hashed(ty) => self.compare_hashed(whole, &variable.text, ty, operator, literal),
            Type::Abi(DynSolType::Array(element) | DynSolType::FixedArray(element, _), parts) => {
                let element = Type::Abi(element.as_ref().clone(), parts.clone());
                if operator != Operator::Contains {
                    return refuse(
                        whole,
                        "a whole array can only be asked whether it contains a value; compare its elements: name[0]",
                    );
                }
                let right = match &element {
                    Type::Abi(DynSolType::Address, _) => address(at_literal, literal)?,
                    ty if is_number(ty) => self.number_literal(at_literal, literal)?,
                    Type::Abi(DynSolType::Bytes | DynSolType::FixedBytes(_), _) => {
                        self.bytes(at_literal, Operator::Equal, literal)?
                    }
                    Type::Abi(DynSolType::String, _) => quoted(literal.text()),
                    other => {
                        let message = format!("elements of {} cannot be looked for", shown(other));
                        return refuse(whole, message);
                    }
                };
                said(right)
            }
            ty => refuse(
                whole,
                format!("a whole {} cannot be compared; compare its fields", shown(ty)),
            ),
        }
    }

    /// Says when the type is one that their evaluator does not know.
    fn kind_remark(&mut self, path: &Path, ty: &Type) {
        if self.scope.dialect != Dialect::OpenZeppelin {
            return;
        }
        if let Type::Abi(ty, _) = ty
            && !is_kind_known(ty)
        {
            self.remark(format!(
                "`{path}` is of type {ty}, which it does not support: there the condition failed and never matched; here it is compared"
            ));
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

fn mirrored(operator: Operator) -> Option<Operator> {
    Some(match operator {
        Operator::Equal | Operator::NotEqual => operator,
        Operator::Less => Operator::Greater,
        Operator::LessOrEqual => Operator::GreaterOrEqual,
        Operator::Greater => Operator::Less,
        Operator::GreaterOrEqual => Operator::LessOrEqual,
        Operator::Contains | Operator::StartsWith | Operator::EndsWith => return None,
    })
}
