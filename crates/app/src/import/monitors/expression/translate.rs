//! From their tree to our language, by the types of the ABI.

use alloy_dyn_abi::DynSolType;
use model::Address;
use registry::Param;

use super::{Base, Dialect, Expr, Kind, Literal, Mistake, Operator, Path, Step};

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

/// A field of a transaction: our name, theirs, Defender's, its type.
const FIELDS: &[(&str, &str, &str, Field)] = &[
    ("tx.value", "value", "value", Field::Uint),
    ("tx.from", "from", "from", Field::Address),
    ("tx.to", "to", "to", Field::OptionalAddress),
    ("tx.hash", "hash", "transactionHash", Field::Hash),
    ("tx.gas_price", "gas_price", "gasPrice", Field::Uint),
    ("tx.gas_limit", "gas_limit", "gasLimit", Field::Uint),
    ("tx.nonce", "nonce", "nonce", Field::Uint),
    ("tx.input", "input", "data", Field::Bytes),
    ("tx.gas_used", "gas_used", "gasUsed", Field::Uint),
    ("tx.index", "transaction_index", "transactionIndex", Field::Uint),
    ("tx.status", "status", "status", Field::Status),
];

/// Fields of theirs that we do not keep.
const NOT_KEPT: [&str; 4] =
    ["max_fee_per_gas", "max_priority_fee_per_gas", "maxFeePerGas", "maxPriorityFeePerGas"];

#[derive(Debug, Clone, Copy)]
enum Field {
    Uint,
    Address,
    OptionalAddress,
    Hash,
    Bytes,
    Status,
}

impl Field {
    fn value_type(self) -> Type {
        let plain = |ty| Type::Abi(ty, Vec::new());
        match self {
            Self::Uint => plain(DynSolType::Uint(256)),
            Self::Address => plain(DynSolType::Address),
            Self::OptionalAddress => Type::OptionalAddress,
            Self::Hash => plain(DynSolType::FixedBytes(32)),
            Self::Bytes => plain(DynSolType::Bytes),
            Self::Status => Type::Status,
        }
    }
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
        if let (Kind::Literal(literal), Kind::Path(path)) = (&left.kind, &right.kind) {
            if let Some(mirrored) = mirrored(operator) {
                return self.compare_literal(whole, (right, path), mirrored, (left, literal));
            }
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

    fn number_literal(&mut self, at: &Expr, literal: &Literal) -> Result<String, Mistake> {
        let text = literal.text().trim();
        let plain = text.strip_prefix('+').unwrap_or(text);
        let is_plain = |t: &str| {
            let digits = t.strip_prefix('-').unwrap_or(t);
            digits.starts_with(|c: char| c.is_ascii_digit())
                && digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '_' | 'e'))
        };
        let lower = plain.to_ascii_lowercase();
        let is_hex = lower.strip_prefix("0x").is_some_and(|digits| {
            !digits.is_empty()
                && digits.len() <= 64
                && digits.bytes().all(|b| b.is_ascii_hexdigit())
        });
        if is_hex {
            return Ok(lower);
        }
        if matches!(literal, Literal::Bool(_)) || !is_plain(&lower) {
            return refuse(at, format!("{text:?} is no number"));
        }
        let has_more = lower.contains(['.', '_', 'e']);
        if has_more && self.scope.dialect == Dialect::OpenZeppelin {
            self.remark(format!(
                "{text} is no whole number in plain digits: there the comparison failed and never matched; here it is compared exactly"
            ));
        }
        Ok(lower)
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

    fn compare_hashed(
        &mut self,
        whole: &Expr,
        name: &str,
        ty: &DynSolType,
        operator: Operator,
        literal: &Literal,
    ) -> Result<Said, Mistake> {
        let text = literal.text();
        let is_hash = text.len() == 66
            && text.starts_with("0x")
            && text.bytes().skip(2).all(|b| b.is_ascii_hexdigit());
        let op = operator.as_str();
        let right = match (operator.is_equality(), is_hash, ty) {
            (true, true, _) => text.to_ascii_lowercase(),
            (true, false, DynSolType::String) => {
                self.remark(format!(
                    "`{name}` is indexed, so the chain holds only its hash: there the hash's digits were compared with {text:?} and never equal; here the hash of {text:?} is compared"
                ));
                quoted(text)
            }
            _ => {
                let message = format!(
                    "`{name}` is indexed, so the chain holds only its hash, of which {op} {text:?} cannot be asked"
                );
                return refuse(whole, message);
            }
        };
        Ok(Said { text: format!("{name} {op} {right}"), strength: COMPARE })
    }

    /// Hexadecimal bytes. There, bytes are compared as text that begins with `0x`.
    fn bytes(
        &mut self,
        at: &Expr,
        operator: Operator,
        literal: &Literal,
    ) -> Result<String, Mistake> {
        let text = literal.text();
        let lower = text.to_ascii_lowercase();
        let stripped = lower.strip_prefix("0x");
        let digits = stripped.unwrap_or(&lower);
        let is_hex = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit());
        if !is_hex || digits.len() % 2 == 1 {
            return refuse(at, format!("{text:?} is not whole bytes in hexadecimal digits"));
        }
        if self.scope.dialect == Dialect::OpenZeppelin {
            match (operator, stripped.is_some()) {
                (Operator::Contains, true) => self.remark(format!(
                    "there {text} was looked for as text with its `0x`, which only the beginning has; here it is looked for anywhere"
                )),
                (Operator::EndsWith, true) => self.remark(format!(
                    "there the end was compared with the text {text}, `0x` included, and never equal"
                )),
                (Operator::Contains, false) => self.remark(format!(
                    "there {text} was looked for in the digits, so that it could begin in the middle of a byte; here bytes are whole"
                )),
                (Operator::Equal | Operator::NotEqual | Operator::StartsWith, false) => {
                    self.remark(format!(
                        "{text} was compared with text that begins with `0x`; here it means the bytes"
                    ));
                }
                _ => {}
            }
        }
        Ok(format!("0x{digits}"))
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

    fn variable(&mut self, at: &Expr, path: &Path) -> Result<Variable, Mistake> {
        match self.scope.theirs {
            None => self.field(at, path),
            Some(theirs) => self.parameter(at, path, theirs),
        }
    }

    fn field(&mut self, at: &Expr, path: &Path) -> Result<Variable, Mistake> {
        let written = path.to_string();
        let bare = written
            .strip_prefix("transaction.")
            .or_else(|| written.strip_prefix("tx."))
            .or_else(|| written.strip_prefix("receipt."))
            .unwrap_or(&written);
        if written == "block.number" || written == "block.timestamp" {
            self.never_there(&written, &written);
            let ty = Type::Abi(DynSolType::Uint(64), Vec::new());
            return Ok(Variable { text: written, ty });
        }
        if NOT_KEPT.contains(&bare) {
            return refuse(at, format!("`{bare}` is not kept here; tx.gas_price is what was paid"));
        }
        let is_defender = self.scope.dialect == Dialect::Defender;
        let found = FIELDS.iter().find(|(_, theirs, defenders, _)| {
            bare.eq_ignore_ascii_case(theirs) || bare.eq_ignore_ascii_case(defenders)
        });
        let Some((ours, theirs, defenders, field)) = found else {
            let known: Vec<&str> =
                FIELDS.iter().map(|f| if is_defender { f.2 } else { f.1 }).collect();
            let message =
                format!("a transaction has no `{written}` (there are: {})", known.join(", "));
            return refuse(at, message);
        };
        let right = if is_defender { defenders } else { theirs };
        let is_theirs = written == *right && (is_defender || *ours != "tx.status");
        if !is_theirs {
            self.never_there(&written, ours);
        }
        Ok(Variable { text: (*ours).to_owned(), ty: field.value_type() })
    }

    fn never_there(&mut self, written: &str, ours: &str) {
        self.remark(format!(
            "`{written}` is no variable there: the condition failed and never matched; here it is {ours}"
        ));
    }

    fn parameter(&mut self, at: &Expr, path: &Path, theirs: &[Param]) -> Result<Variable, Mistake> {
        let position = match &path.base {
            Base::Position(position) => Some(*position).filter(|p| *p < theirs.len()),
            Base::Name(name) => self.position_of(name, theirs),
        };
        let found = position.and_then(|position| Some((position, theirs.get(position)?)));
        let Some((position, param)) = found else {
            let names: Vec<&str> =
                theirs.iter().map(|p| p.name.as_str()).filter(|n| !n.is_empty()).collect();
            let known = if names.is_empty() { "none with a name".into() } else { names.join(", ") };
            let message = format!(
                "no parameter `{path}`: there the condition failed and never matched (parameters: {known})"
            );
            return refuse(at, message);
        };
        let mut text = self.name_here(position);
        let is_hashed = param.indexed
            && !matches!(
                param.ty,
                DynSolType::Bool
                    | DynSolType::Int(_)
                    | DynSolType::Uint(_)
                    | DynSolType::FixedBytes(_)
                    | DynSolType::Address
            );
        if is_hashed {
            if !path.steps.is_empty() {
                let message = format!("`{path}` is indexed: the chain holds only its hash");
                return refuse(at, message);
            }
            return Ok(Variable { text, ty: Type::Hashed(param.ty.clone()) });
        }
        let (mut ty, mut parts) = (param.ty.clone(), param.components.clone());
        for step in &path.steps {
            (ty, parts) = self.step(at, path, step, &ty, &parts, &mut text)?;
        }
        Ok(Variable { text, ty: Type::Abi(ty, parts) })
    }

    fn position_of(&mut self, name: &str, theirs: &[Param]) -> Option<usize> {
        if let Some(exact) = theirs.iter().position(|param| param.name == name) {
            return Some(exact);
        }
        let is_alike = |param: &Param| param.name.eq_ignore_ascii_case(name);
        let alike: Vec<usize> =
            theirs.iter().enumerate().filter(|(_, p)| is_alike(p)).map(|(at, _)| at).collect();
        let [only] = alike.as_slice() else { return None };
        self.remark(format!(
            "`{name}` is spelled `{}` in the ABI: there the condition failed and never matched; here the parameter is meant",
            theirs[*only].name
        ));
        Some(*only)
    }

    /// How our language names the parameter at a position.
    fn name_here(&self, position: usize) -> String {
        let name = self.scope.ours.get(position).map_or("", |param| param.name.as_str());
        let is_plain = !name.is_empty()
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && !RESERVED.contains(&name.to_ascii_lowercase().as_str());
        let is_unique = self.scope.ours.iter().filter(|param| param.name == name).count() == 1;
        if is_plain && is_unique { name.to_owned() } else { format!("${position}") }
    }

    fn step(
        &mut self,
        at: &Expr,
        path: &Path,
        step: &Step,
        ty: &DynSolType,
        parts: &[Param],
        text: &mut String,
    ) -> Result<(DynSolType, Vec<Param>), Mistake> {
        match (step, ty) {
            (
                Step::Index(index),
                DynSolType::Array(element) | DynSolType::FixedArray(element, _),
            ) => {
                text.push_str(&format!("[{index}]"));
                Ok((element.as_ref().clone(), parts.to_vec()))
            }
            (Step::Field(field), DynSolType::Tuple(types)) => {
                let named = parts.iter().position(|part| part.name == *field);
                let position = named.or_else(|| field.parse().ok());
                let inner = position.and_then(|p| Some((p, types.get(p)?)));
                let Some((position, inner)) = inner else {
                    return refuse(at, format!("`{path}`: the tuple has no field `{field}`"));
                };
                text.push_str(&format!(".{position}"));
                let components = parts.get(position).map(|part| part.components.clone());
                Ok((inner.clone(), components.unwrap_or_default()))
            }
            _ => refuse(at, format!("`{path}`: there is no way into {ty}")),
        }
    }
}

/// Words of our language that a parameter may happen to be called.
const RESERVED: &[&str] = &[
    "and",
    "or",
    "not",
    "in",
    "contains",
    "starts_with",
    "ends_with",
    "true",
    "false",
    "none",
    "any",
    "all",
    "count",
    "sum",
    "abs",
    "min",
    "max",
    "floor",
    "ceil",
    "lower",
    "address",
    "tx",
    "block",
    "log",
    "call",
    "labels",
    "deployments",
    "success",
    "failed",
];

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

/// An address of any case, with its checksum.
fn address(at: &Expr, literal: &Literal) -> Result<String, Mistake> {
    let text = literal.text().to_ascii_lowercase();
    let digits = text.strip_prefix("0x").unwrap_or(&text);
    let padded = format!("0x{digits}");
    match padded.parse::<Address>() {
        Ok(address) if address.is_zero() => Ok("address(0)".to_owned()),
        Ok(address) => Ok(address.to_string()),
        Err(_) => refuse(at, format!("{:?} is no address", literal.text())),
    }
}

/// A string of our language.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}
