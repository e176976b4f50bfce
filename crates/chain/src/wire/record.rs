//! Objects, lists and values to be skipped, read so that no nesting can overflow the stack.
//!
//! sonic-rs limits how deep it *reads*, not how deep it *skips*, and a hundred kilobytes of `[` are
//! enough to overflow the stack there. It skips in three places: a value of an unexpected type, an
//! unknown field under `serde`'s derive (`IgnoredAny`), and a raw value. The first does not happen
//! to whoever asks for "any" value and says no in the visitor; so everything in this folder asks
//! with `deserialize_any`. The second is what [`record!`] and [`Skipped`] are for. The third is
//! needed for traces, whose nesting is measured before (see [`super::nesting`]).
//!
//! Measuring the nesting of every body instead would cost half as much as parsing it.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor},
};

/// Any JSON value, read and forgotten.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Skipped;

impl Skipped {
    /// Deepest nesting that is skipped. What nodes add to blocks of their own is nested two or
    /// three levels deep.
    const LEVELS_MAX: u8 = 32;
}

struct Skip {
    levels_left: u8,
}

impl Skip {
    fn below<E: Error>(&self) -> Result<impl Fn() -> Self + use<E>, E> {
        let levels_left = self.levels_left.checked_sub(1).ok_or_else(|| {
            E::custom(format_args!("nested more than {} levels deep", Skipped::LEVELS_MAX))
        })?;
        Ok(move || Self { levels_left })
    }
}

impl<'de> DeserializeSeed<'de> for Skip {
    type Value = Skipped;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Skipped, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Skip {
    type Value = Skipped;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }
    fn visit_bool<E>(self, _: bool) -> Result<Skipped, E> {
        Ok(Skipped)
    }
    fn visit_i64<E>(self, _: i64) -> Result<Skipped, E> {
        Ok(Skipped)
    }
    fn visit_u64<E>(self, _: u64) -> Result<Skipped, E> {
        Ok(Skipped)
    }
    fn visit_f64<E>(self, _: f64) -> Result<Skipped, E> {
        Ok(Skipped)
    }
    fn visit_str<E>(self, _: &str) -> Result<Skipped, E> {
        Ok(Skipped)
    }
    fn visit_unit<E>(self) -> Result<Skipped, E> {
        Ok(Skipped)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Skipped, A::Error> {
        let below = self.below::<A::Error>()?;
        while items.next_element_seed(below())?.is_some() {}
        Ok(Skipped)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Skipped, A::Error> {
        let below = self.below::<A::Error>()?;
        while entries.next_key_seed(below())?.is_some() {
            entries.next_value_seed(below())?;
        }
        Ok(Skipped)
    }
}

impl<'de> Deserialize<'de> for Skipped {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Skip { levels_left: Self::LEVELS_MAX }.deserialize(deserializer)
    }
}

/// A JSON array.
#[derive(Debug)]
pub(crate) struct List<T>(pub(crate) Vec<T>);

struct ListVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
    type Value = List<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<List<T>, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(List(list))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListVisitor(PhantomData))
    }
}

/// A JSON boolean.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Flag(pub(crate) bool);

struct FlagVisitor;

impl Visitor<'_> for FlagVisitor {
    type Value = Flag;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true or false")
    }
    fn visit_bool<E>(self, flag: bool) -> Result<Flag, E> {
        Ok(Flag(flag))
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FlagVisitor)
    }
}

/// Declares a struct that is read from a JSON object. Each field names its key and, after `|`,
/// older spellings. `required` fields must be there and not be null; `optional` ones become `None`
/// when absent or null; everything else is [`Skipped`].
macro_rules! record {
    (
        $(#[$meta:meta])*
        $name:ident {
            required { $($(#[$rmeta:meta])* $rfield:ident: $rtype:ty = $rkey:literal $(| $ralias:literal)*),* $(,)? }
            optional { $($(#[$ometa:meta])* $ofield:ident: $otype:ty = $okey:literal $(| $oalias:literal)*),* $(,)? }
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug)]
        pub(crate) struct $name {
            $($(#[$rmeta])* pub(crate) $rfield: $rtype,)*
            $($(#[$ometa])* pub(crate) $ofield: Option<$otype>,)*
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                #[allow(non_camel_case_types, reason = "variants are the fields")]
                enum Key { $($rfield,)* $($ofield,)* Unknown }

                struct KeyVisitor;
                impl serde::de::Visitor<'_> for KeyVisitor {
                    type Value = Key;
                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("a key")
                    }
                    fn visit_str<E>(self, key: &str) -> Result<Key, E> {
                        Ok(match key {
                            $($rkey $(| $ralias)* => Key::$rfield,)*
                            $($okey $(| $oalias)* => Key::$ofield,)*
                            _ => Key::Unknown,
                        })
                    }
                }
                impl<'de> serde::Deserialize<'de> for Key {
                    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                        d.deserialize_identifier(KeyVisitor)
                    }
                }

                struct RecordVisitor;
                impl<'de> serde::de::Visitor<'de> for RecordVisitor {
                    type Value = $name;
                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("an object")
                    }
                    fn visit_map<A: serde::de::MapAccess<'de>>(
                        self,
                        mut entries: A,
                    ) -> Result<$name, A::Error> {
                        $(let mut $rfield: Option<$rtype> = None;)*
                        $(let mut $ofield: Option<$otype> = None;)*
                        while let Some(key) = entries.next_key::<Key>()? {
                            match key {
                                $(Key::$rfield => $rfield = Some(entries.next_value()?),)*
                                $(Key::$ofield => $ofield = entries.next_value()?,)*
                                Key::Unknown => {
                                    entries.next_value::<$crate::wire::record::Skipped>()?;
                                }
                            }
                        }
                        Ok($name {
                            $($rfield: $rfield.ok_or_else(|| <A::Error as serde::de::Error>::missing_field($rkey))?,)*
                            $($ofield,)*
                        })
                    }
                }
                deserializer.deserialize_any(RecordVisitor)
            }
        }
    };
}
