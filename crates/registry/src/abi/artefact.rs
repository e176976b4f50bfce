//! The JSON forms an ABI comes in, and what to say when it is none of them.

use std::{borrow::Cow, fmt, marker::PhantomData, sync::Arc};

use alloy_json_abi::AbiItem;
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{
    ContractAbi, ErrorAbi, EventAbi, FunctionAbi, find,
    written::{Item, Kind},
};

/// Why a text is not an ABI.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AbiError {
    /// Not JSON at all.
    #[error("not JSON: {0}")]
    NotJson(String),
    /// JSON of another shape.
    #[error(
        "no ABI here: expected an array, or an artefact of Foundry or Hardhat with the key \"abi\"; found {found}"
    )]
    NoAbi {
        /// What the text holds instead.
        found: String,
    },
    /// An ABI with items that cannot be read.
    #[error("{}", list_items(.0))]
    Items(Vec<String>),
}

fn list_items(problems: &[String]) -> String {
    match problems {
        [one] => format!("bad ABI item: {one}"),
        many => format!("{} bad ABI items:\n  {}", many.len(), many.join("\n  ")),
    }
}

pub(super) fn read(text: &str) -> Result<ContractAbi, AbiError> {
    let shape: Shape<'_> =
        serde_json::from_str(text).map_err(|error| AbiError::NotJson(error.to_string()))?;
    let items = match shape {
        Shape::Items(items) => items,
        Shape::Artefact(items) => items,
        Shape::Other(found) => return Err(AbiError::NoAbi { found }),
    };
    let mut all = Items::default();
    for (at, text) in items.into_iter().enumerate() {
        match serde_json::from_str::<Item<'_>>(text.get()) {
            Ok(item) => all.add(&item, || format!("[{at}] {} {}", item.kind, item.name)),
            Err(error) => {
                let named: Result<Named<'_>, _> = serde_json::from_str(text.get());
                let name = named.map(|named| named.name).unwrap_or_default();
                let place = format!("[{at}] {name}");
                all.problems.push(format!("{}: {}", place.trim_end(), without_place(&error)));
            }
        }
    }
    all.resolved()
}

pub(super) fn read_solidity<'a>(
    items: impl IntoIterator<Item = &'a str>,
) -> Result<ContractAbi, AbiError> {
    let mut all = Items::default();
    for text in items {
        let place = || format!("{text:?}");
        match find::parse_item(text) {
            Ok(AbiItem::Function(function)) => all.add(&function.as_ref().into(), place),
            Ok(AbiItem::Event(event)) => all.add(&event.as_ref().into(), place),
            Ok(AbiItem::Error(error)) => all.add(&error.as_ref().into(), place),
            Ok(_) => all.problems.push(format!("{text:?} is no event, function or error")),
            Err(error) => all.problems.push(format!("{text:?}: {error}")),
        }
    }
    all.resolved()
}

/// What was read so far.
#[derive(Default)]
struct Items {
    functions: Vec<Arc<FunctionAbi>>,
    events: Vec<Arc<EventAbi>>,
    errors: Vec<Arc<ErrorAbi>>,
    has_fallback: bool,
    has_receive: bool,
    problems: Vec<String>,
}

impl Items {
    fn add(&mut self, item: &Item<'_>, place: impl Fn() -> String) {
        let added = match item.kind {
            Kind::Function => FunctionAbi::resolve(item).map(|one| self.functions.push(one)),
            Kind::Event => EventAbi::resolve(item).map(|one| self.events.push(one)),
            Kind::Error => ErrorAbi::resolve(item).map(|one| self.errors.push(one)),
            Kind::Fallback => {
                self.has_fallback = true;
                Ok(())
            }
            Kind::Receive => {
                self.has_receive = true;
                Ok(())
            }
            // Nothing that arrives by log, call or revert names it.
            Kind::Constructor => Ok(()),
        };
        if let Err(problem) = added {
            self.problems.push(format!("{}: {problem}", place().trim_end()));
        }
    }

    /// Everything by name, overloads as the file has them.
    fn resolved(mut self) -> Result<ContractAbi, AbiError> {
        if !self.problems.is_empty() {
            return Err(AbiError::Items(self.problems));
        }
        self.functions.sort_by(|a, b| a.name.cmp(&b.name));
        self.events.sort_by(|a, b| a.name.cmp(&b.name));
        self.errors.sort_by(|a, b| a.name.cmp(&b.name));
        let (has_fallback, has_receive) = (self.has_fallback, self.has_receive);
        let abi = ContractAbi::index(self.functions, self.events, self.errors);
        Ok(ContractAbi { has_fallback, has_receive, ..abi })
    }
}

/// The place that the parser tells is one within the item, of no use to who reads the file.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what).to_owned()
}

/// The name of an item that cannot be read otherwise.
#[derive(Deserialize)]
struct Named<'t> {
    #[serde(borrow, default)]
    name: Cow<'t, str>,
}

/// What a text is at its outermost. Items stay text, so that each is judged by itself; of an
/// artefact, nothing but its items is kept.
enum Shape<'t> {
    Items(Vec<&'t RawValue>),
    Artefact(Vec<&'t RawValue>),
    /// What it is instead, in words.
    Other(String),
}

impl<'de: 't, 't> Deserialize<'de> for Shape<'t> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Outermost(PhantomData))
    }
}

struct Outermost<'t>(PhantomData<&'t str>);

impl<'de: 't, 't> Visitor<'de> for Outermost<'t> {
    type Value = Shape<'t>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an ABI")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Shape<'t>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Shape::Items(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Shape<'t>, A::Error> {
        let (mut abi, mut keys, mut count) = (None, Vec::new(), 0usize);
        while let Some(key) = object.next_key::<Cow<'de, str>>()? {
            if key == "abi" {
                abi = Some(object.next_value::<Shape<'t>>()?);
                continue;
            }
            object.next_value::<IgnoredAny>()?;
            count += 1;
            if keys.len() < KEYS_SHOWN_MAX {
                keys.push(format!("{key:?}"));
            }
        }
        Ok(match abi {
            Some(Shape::Items(items)) => Shape::Artefact(items),
            // An artefact within an artefact is none that a compiler writes.
            Some(Shape::Artefact(_)) => {
                Shape::Other("an object whose \"abi\" is an object".to_owned())
            }
            Some(Shape::Other(found)) => {
                Shape::Other(format!("an object whose \"abi\" is {found}"))
            }
            None if count == 0 => Shape::Other("an empty object".to_owned()),
            None => {
                let more = if count > keys.len() { ", …" } else { "" };
                Shape::Other(format!("an object with the keys {}{more}", keys.join(", ")))
            }
        })
    }

    fn visit_unit<E>(self) -> Result<Shape<'t>, E> {
        Ok(Shape::Other("null".to_owned()))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Shape<'t>, E> {
        Ok(Shape::Other("a boolean".to_owned()))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Shape<'t>, E> {
        Ok(Shape::Other("a number".to_owned()))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Shape<'t>, E> {
        Ok(Shape::Other("a number".to_owned()))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Shape<'t>, E> {
        Ok(Shape::Other("a number".to_owned()))
    }

    fn visit_str<E>(self, _: &str) -> Result<Shape<'t>, E> {
        Ok(Shape::Other("a string (an ABI quoted twice?)".to_owned()))
    }
}

/// Longest list of keys in a message: enough to recognise the file by.
const KEYS_SHOWN_MAX: usize = 8;
