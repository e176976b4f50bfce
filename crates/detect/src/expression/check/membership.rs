//! Membership and search: label sets, lists, arrays, strings, bytes.

use std::{ops::Range, sync::Arc};

use super::{
    Checker, Typed, a,
    code::{among, equal_if_present, optional},
    names::local,
};
use crate::expression::{
    diagnostic::suggestion,
    program::{Code, Operand, Test},
    scope::AddressSet,
    syntax::{Compare, Expr, ExprKind, Search},
    types::Type,
};

impl Checker<'_> {
    /// `x in labels.NAME`, `x in [a, b]`, `x in amounts`, `x in deployments`
    pub(super) fn membership(&mut self, item: &Expr, set: &Expr) -> Option<Test> {
        match &set.kind {
            ExprKind::Label(name) => {
                let addresses = self.scope.labels().get(&name.text).map(Arc::clone);
                if addresses.is_none() {
                    let known: Vec<&str> = self.scope.labels().keys().map(String::as_str).collect();
                    let message = format!("no label set `{}`", name.text);
                    let help = suggestion(&name.text, "label sets", &known);
                    self.refuse::<()>(name.span.clone(), (message, Some(help)));
                }
                self.label_sets.insert(name.text.clone());
                let what = format!("labels.{}", name.text);
                self.address_in(item, addresses, &what)
            }
            ExprKind::Name(name) if name == "deployments" && !self.is_known(name) => {
                let addresses = self.scope.deployments().values().copied().collect();
                self.address_in(item, Some(Arc::new(addresses)), "deployments")
            }
            ExprKind::List(items) => self.in_list(item, items, set),
            _ => {
                let array = self.value(set, None)?;
                if array.ty.present().element().is_none() {
                    let what = self.text(&set.span);
                    let message = format!("`in` needs a set; `{what}` is {}", a(&array.ty));
                    let help = match array.ty.present() {
                        Type::String | Type::Bytes => {
                            format!("write: {what} contains {}", self.text(&item.span))
                        }
                        _ => "sets: labels.NAME, deployments, a list [a, b], an array".to_owned(),
                    };
                    return self.refuse(set.span.clone(), (message, Some(help)));
                }
                self.in_array(item, array)
            }
        }
    }

    fn address_in(
        &mut self,
        item: &Expr,
        addresses: Option<Arc<AddressSet>>,
        what: &str,
    ) -> Option<Test> {
        let typed = self.value(item, Some(&Type::Address))?;
        if *typed.ty.present() != Type::Address {
            let message =
                format!("{what} holds addresses; `{}` is {}", self.text(&item.span), a(&typed.ty));
            return self.refuse(item.span.clone(), (message, None));
        }
        let addresses = addresses?;
        match typed.code {
            Code::Operand(Operand::Place(place)) => Some(Test::AddressIn(place, addresses)),
            Code::Operand(Operand::Address(address)) => {
                Some(Test::Constant(addresses.contains(&address)))
            }
            _ => None,
        }
    }

    fn in_list(&mut self, item: &Expr, items: &[Expr], list: &Expr) -> Option<Test> {
        let typed = self.value(item, None);
        if items.is_empty() {
            let message = "the list is empty, so that nothing is in it".to_owned();
            return self.refuse(list.span.clone(), (message, None));
        }
        let typed = typed?;
        if *typed.ty.present() == Type::Bool {
            let message =
                format!("`{}` is a bool, for which no list is needed", self.text(&item.span));
            return self.refuse(item.span.clone(), (message, Some("use ==, ! and ||".into())));
        }
        let checked: Vec<Option<Typed>> = items
            .iter()
            .map(|element| {
                let element = self.value(element, Some(&typed.ty))?;
                self.comparable(Compare::Equal, &typed, &element, &element.span.clone())?;
                Some(element)
            })
            .collect();
        let elements = checked.into_iter().collect::<Option<Vec<Typed>>>()?;
        let optional = optional(&[&typed]);
        Some(equal_if_present(optional, among(typed, elements)?))
    }

    fn in_array(&mut self, item: &Expr, array: Typed) -> Option<Test> {
        let element = array.ty.present().element()?.clone();
        let Code::Operand(Operand::Place(over)) = array.code else { return None };
        let item_typed = self.value(item, Some(&element))?;
        self.with_local("", &element, &item.span, |checker, index| {
            let own = local(index, &element, &array.span);
            let body = checker.compare_typed(Compare::Equal, item_typed, own, &item.span)?;
            Some(Test::Each { all: false, over, local: index, body: Box::new(body) })
        })
    }

    /// `whole contains part`, `whole starts_with part`, `whole ends_with part`
    pub(super) fn search(
        &mut self,
        search: Search,
        whole: &Expr,
        part: &Expr,
        span: &Range<usize>,
    ) -> Option<Test> {
        let whole_typed = self.value(whole, None)?;
        let ty = whole_typed.ty.present().clone();
        if ty.element().is_some() && search == Search::Contains {
            return self.in_array(part, whole_typed);
        }
        let wanted = if ty.is_bytes() { Type::Bytes } else { ty.clone() };
        let part_typed = self.value(part, Some(&wanted))?;
        match (whole_typed.code, part_typed.code) {
            (Code::Text(whole), Code::Text(part)) => {
                Some(Test::SearchText(search, Box::new((whole, part))))
            }
            (Code::Octets(whole), Code::Octets(part)) if ty.is_bytes() => {
                Some(Test::SearchOctets(search, Box::new((whole, part))))
            }
            _ => {
                let word = search.word();
                let message = format!(
                    "`{word}` cannot look for `{}` ({}) in `{}` ({ty})",
                    self.text(&part.span),
                    part_typed.ty,
                    self.text(&whole.span),
                );
                let help = match &ty {
                    Type::Hashed(_) => {
                        "the chain keeps only the hash of an indexed value; compare the whole with =="
                    }
                    _ => {
                        "it looks for a string in a string, for bytes in bytes; contains also for an element in an array"
                    }
                };
                self.refuse(span.clone(), (message, Some(help.to_owned())))
            }
        }
    }
}
