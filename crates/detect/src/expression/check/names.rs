//! Variables and the ways into them.

use std::ops::Range;

use super::{Checker, NAMESPACES, Typed, a, constant, read};
use crate::expression::{
    diagnostic::suggestion,
    number::Exact,
    program::{At, Code, Number, Octets, Operand, Place, Root, Step, Text},
    scope::{Lookup, Slot},
    syntax::{Expr, ExprKind, Word},
    types::Type,
};

impl Checker<'_> {
    pub(super) fn name(
        &mut self,
        name: &str,
        wanted: Option<&Type>,
        span: Range<usize>,
    ) -> Option<Typed> {
        if let Some(Type::Choice(words)) = wanted.map(Type::present)
            && (words.contains(&name) || !self.is_known(name))
        {
            return self.choice(name, words, span);
        }
        if let Some(local) = self.locals.iter().rposition(|(own, _)| own == name) {
            let ty = self.locals[local].1.clone();
            // `with_local` keeps the number of locals small.
            let root = Root::Local(u8::try_from(local).ok()?);
            return Some(variable(root, ty, span));
        }
        match self.scope.parameter_named(name) {
            Lookup::Found(slot, ty) => return Some(self.slot(slot, ty, span)),
            Lookup::Ambiguous(positions) => {
                let choices: Vec<String> = positions.iter().map(|i| format!("${i}")).collect();
                let message = format!("several parameters are called `{name}`");
                let help = format!("write one of {}", choices.join(", "));
                return self.refuse(span, (message, Some(help)));
            }
            Lookup::Unknown => {}
        }
        if let Some(address) = self.scope.deployments().get(name) {
            let code = Code::Operand(Operand::Address(*address));
            return Some(Typed { code, ty: Type::Address, span });
        }
        self.unknown(name, span)
    }

    /// Whether a bare name has a meaning of its own.
    pub(super) fn is_known(&self, name: &str) -> bool {
        self.locals.iter().any(|(own, _)| own == name)
            || !matches!(self.scope.parameter_named(name), Lookup::Unknown)
            || self.scope.deployments().contains_key(name)
    }

    fn unknown(&mut self, name: &str, span: Range<usize>) -> Option<Typed> {
        if NAMESPACES.contains(&name) {
            let fields = self.scope.fields(name);
            let message = format!("`{name}` is not a value");
            return match fields.as_slice() {
                [] => self.no_namespace(name, span),
                fields => {
                    let help = format!("write one of its fields: {}", fields.join(", "));
                    self.refuse(span, (message, Some(help)))
                }
            };
        }
        if name == "labels" || name == "deployments" {
            let message = format!("`{name}` is a set, not a value");
            return self.refuse(span, (message, Some(format!("write {name}.NAME"))));
        }
        let locals = self.locals.iter().map(|(name, _)| name.as_str());
        let parameters = self.scope.parameters().iter().map(|(name, _)| name.as_str());
        let deployments = self.scope.deployments().keys().map(String::as_str);
        let known: Vec<&str> = locals
            .chain(parameters)
            .filter(|known| !known.is_empty())
            .chain(self.scope.namespaces())
            .chain(deployments)
            .collect();
        let help = suggestion(name, "in scope", &known);
        self.refuse(span, (format!("no variable `{name}`"), Some(help)))
    }

    fn no_namespace<T>(&mut self, name: &str, span: Range<usize>) -> Option<T> {
        let subject = self.scope.subject().map_or("this", |subject| subject.as_str());
        let message = format!("`{name}` is not known for {subject}");
        let help = match self.scope.namespaces().as_slice() {
            [] => None,
            namespaces => Some(format!("known are {}", namespaces.join(", "))),
        };
        self.refuse(span, (message, help))
    }

    pub(super) fn positional(&mut self, position: u32, span: Range<usize>) -> Option<Typed> {
        let parameter = usize::try_from(position).ok().and_then(|at| self.scope.parameter(at));
        if let Some((slot, ty)) = parameter {
            let ty = ty.clone();
            return Some(self.slot(slot, ty, span));
        }
        let count = self.scope.parameters().len();
        let help = match count {
            0 => "there are no parameters".to_owned(),
            _ => format!("parameters: $0 … ${}", count - 1),
        };
        self.refuse(span, (format!("there is no parameter ${position}"), Some(help)))
    }

    fn slot(&mut self, slot: Slot, ty: Type, span: Range<usize>) -> Typed {
        self.references.insert(slot);
        variable(Root::Slot(slot), ty, span)
    }

    pub(super) fn deployment(&mut self, name: &Word, span: Range<usize>) -> Option<Typed> {
        if let Some(address) = self.scope.deployments().get(&name.text) {
            let code = Code::Operand(Operand::Address(*address));
            return Some(Typed { code, ty: Type::Address, span });
        }
        let known: Vec<&str> = self.scope.deployments().keys().map(String::as_str).collect();
        let help = suggestion(&name.text, "deployments", &known);
        self.refuse(name.span.clone(), (format!("no deployment `{}`", name.text), Some(help)))
    }

    pub(super) fn field(&mut self, of: &Expr, field: &Word, span: Range<usize>) -> Option<Typed> {
        if let ExprKind::Name(namespace) = &of.kind
            && NAMESPACES.contains(&namespace.as_str())
            && !self.locals.iter().any(|(own, _)| own == namespace)
        {
            if let Some(builtin) = self.scope.builtin(namespace, &field.text) {
                return Some(self.slot(Slot::builtin(builtin), builtin.value_type(), span));
            }
            if matches!(self.scope.parameter_named(namespace), Lookup::Unknown) {
                let fields = self.scope.fields(namespace);
                if fields.is_empty() {
                    return self.no_namespace(namespace, of.span.clone());
                }
                let message = format!("`{namespace}` has no field `{}`", field.text);
                let help = suggestion(&field.text, "fields", &fields);
                return self.refuse(field.span.clone(), (message, Some(help)));
            }
        }
        let base = self.value(of, None)?;
        let ty = base.ty.present().clone();
        match (&ty, base.code) {
            (Type::Tuple(fields), Code::Operand(Operand::Place(place))) => {
                let named = fields.iter().position(|own| own.name == field.text);
                let at = named.or_else(|| field.text.parse().ok());
                if let Some((at, inner)) = at.and_then(|at| Some((at, fields.get(at)?))) {
                    let place = into(place, Step::Constant(at), &span);
                    return Some(Typed {
                        code: read(place, &inner.ty),
                        ty: inner.ty.clone(),
                        span,
                    });
                }
                let positions: Vec<String> = (0..fields.len()).map(|i| i.to_string()).collect();
                let names: Vec<&str> = fields
                    .iter()
                    .zip(&positions)
                    .map(|(own, at)| if own.name.is_empty() { at } else { own.name.as_str() })
                    .collect();
                let message = format!("`{}` has no field `{}`", self.text(&of.span), field.text);
                let help = suggestion(&field.text, "fields", &names);
                self.refuse(field.span.clone(), (message, Some(help)))
            }
            (_, code) if field.text == "length" => match (&ty, code) {
                (Type::FixedArray(_, length), _) => Some(constant(Exact::from(*length), span)),
                (Type::FixedBytes(length), _) => Some(constant(Exact::from(*length), span)),
                (Type::Array(_), Code::Operand(Operand::Place(place))) => {
                    Some(length(Number::Length(place), span))
                }
                (_, Code::Text(text)) => Some(length(Number::TextLength(text), span)),
                (Type::Bytes, Code::Octets(octets)) => {
                    Some(length(Number::OctetsLength(octets), span))
                }
                _ => self.no_field(of, field, &ty),
            },
            _ => self.no_field(of, field, &ty),
        }
    }

    fn no_field<T>(&mut self, of: &Expr, field: &Word, ty: &Type) -> Option<T> {
        let what = self.text(&of.span);
        let message = format!("`{what}` is {}, which has no field `{}`", a(ty), field.text);
        let help = match ty {
            Type::Array(_) | Type::FixedArray(..) => {
                Some(format!("arrays have .length and elements: {what}[0].{}", field.text))
            }
            Type::Bytes | Type::String => Some("only .length".to_owned()),
            _ => None,
        };
        self.refuse(field.span.clone(), (message, help))
    }

    pub(super) fn index(&mut self, of: &Expr, index: &Expr, span: Range<usize>) -> Option<Typed> {
        let base = self.value(of, None);
        let step = self.step(index);
        let (base, (step, step_constant)) = (base?, step?);
        let (Some(element), Code::Operand(Operand::Place(place))) =
            (base.ty.present().element(), base.code)
        else {
            let what = self.text(&of.span);
            let message = format!("`{what}` is {}, which has no elements", a(&base.ty));
            let help = match base.ty.present() {
                Type::Tuple(_) => Some(format!("fields of a tuple: {what}.name or {what}.0")),
                ty if ty.is_bytes() => Some(format!("a part of bytes is a slice: {what}[0:4]")),
                _ => None,
            };
            return self.refuse(of.span.clone(), (message, help));
        };
        if let (Type::FixedArray(_, length), Some(at)) = (base.ty.present(), step_constant)
            && at >= *length
        {
            let message = format!("there is no element {at}");
            let help = format!("`{}` has {length} elements, from 0", self.text(&of.span));
            return self.refuse(index.span.clone(), (message, Some(help)));
        }
        let code = read(into(place, step, &span), element);
        Some(Typed { code, ty: element.clone(), span })
    }

    /// An index: a whole number, and its value if that is known now.
    fn step(&mut self, index: &Expr) -> Option<(Step, Option<usize>)> {
        let typed = self.whole(index, "an index")?;
        let Number::Constant(value) = &typed else {
            return Some((Step::Computed(Box::new(typed)), None));
        };
        match value.to_usize() {
            Some(at) => Some((Step::Constant(at), Some(at))),
            None => {
                let message = format!("`{}` is no index", self.text(&index.span));
                self.refuse(index.span.clone(), (message, Some("indexes count from 0".into())))
            }
        }
    }

    /// Part of bytes, from one index up to before another.
    pub(super) fn slice(
        &mut self,
        of: &Expr,
        from: Option<&Expr>,
        to: Option<&Expr>,
        span: Range<usize>,
    ) -> Option<Typed> {
        let base = self.value(of, None);
        let from = from.map(|bound| self.whole(bound, "the beginning of a slice"));
        let to = to.map(|bound| self.whole(bound, "the end of a slice"));
        let base = base?;
        // A bound that is missing is fine, one that is wrong is not.
        let from = match from {
            Some(bound) => Some(Box::new(bound?)),
            None => None,
        };
        let to = match to {
            Some(bound) => Some(Box::new(bound?)),
            None => None,
        };
        let Code::Octets(octets) = base.code else {
            let message = format!("`{}` is {}, not bytes", self.text(&of.span), a(&base.ty));
            let help = "a slice [from:to] is part of bytes".to_owned();
            return self.refuse(of.span.clone(), (message, Some(help)));
        };
        let known = |bound: Option<&Number>, otherwise: Option<usize>| match bound {
            None => otherwise,
            Some(Number::Constant(value)) => value.to_usize(),
            Some(_) => None,
        };
        let total = match base.ty.present() {
            Type::FixedBytes(length) => Some(*length),
            Type::Hashed(_) => Some(32),
            _ => None,
        };
        let is_negative = |bound: &Option<Box<Number>>| matches!(bound.as_deref(), Some(Number::Constant(value)) if value.is_negative());
        let bounds = (known(from.as_deref(), Some(0)), known(to.as_deref(), total));
        let is_impossible = is_negative(&from)
            || is_negative(&to)
            || matches!(bounds, (Some(from), Some(to)) if from > to)
            || total.is_some_and(|total| bounds.1.is_some_and(|to| to > total));
        if is_impossible {
            let message = "the slice cannot exist".to_owned();
            let help = match total {
                Some(total) => format!("0 <= from <= to <= {total}"),
                None => "0 <= from <= to".to_owned(),
            };
            return self.refuse(span, (message, Some(help)));
        }
        let ty = match bounds {
            (Some(from), Some(to)) if (1..=32).contains(&(to - from)) => {
                Type::FixedBytes(to - from)
            }
            _ => Type::Bytes,
        };
        let at = At::from(&span);
        let code = Code::Octets(Octets::Slice(Box::new(octets), from, to, at));
        Some(Typed { code, ty, span })
    }
}

fn variable(root: Root, ty: Type, span: Range<usize>) -> Typed {
    let place = Place { root, path: Box::default(), at: At::from(&span) };
    Typed { code: read(place, &ty), ty, span }
}

/// The element of a quantifier that only the compiler names.
pub(super) fn local(index: u8, ty: &Type, span: &Range<usize>) -> Typed {
    variable(Root::Local(index), ty.clone(), span.clone())
}

/// One step further into a place.
fn into(place: Place, step: Step, span: &Range<usize>) -> Place {
    let mut path = place.path.into_vec();
    path.push(step);
    Place { path: path.into(), at: At::from(span), ..place }
}

fn length(number: Number, span: Range<usize>) -> Typed {
    Typed { code: Code::Number(number), ty: Type::Integer, span }
}

/// The place that code reads, if it does nothing else.
pub(super) fn place_of(code: &Code) -> Option<&Place> {
    use crate::expression::program::Test;
    match code {
        Code::Test(Test::Flag(place))
        | Code::Number(Number::Place(place))
        | Code::Text(Text::Place(place))
        | Code::Octets(Octets::Place(place))
        | Code::Operand(Operand::Place(place)) => Some(place),
        _ => None,
    }
}
