//! Comparisons, by the type of what is compared.

use alloy_dyn_abi::DynSolType;

use super::{
    AND, COMPARE, Said, Translator, Type, is_kind_known, is_number,
    literal::{address, quoted},
    refuse, shown,
};
use crate::import::monitors::expression::{Dialect, Expr, Kind, Literal, Mistake, Operator, Path};

impl Translator<'_, '_> {
    pub(super) fn compare(
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
