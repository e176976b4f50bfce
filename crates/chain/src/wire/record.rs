//! Structs read from JSON objects whose unknown fields are skipped within bounds.
//!
//! `serde`'s derive skips unknown fields with `IgnoredAny`, which sonic-rs answers with a recursion
//! that has no limit: a body of a hundred thousand `[` would overflow the stack. [`Skipped`] goes
//! through the parser's depth limit instead.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};

/// Any JSON value, read and forgotten.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Skipped;

struct SkippedVisitor;

impl<'de> Visitor<'de> for SkippedVisitor {
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
        while items.next_element::<Skipped>()?.is_some() {}
        Ok(Skipped)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Skipped, A::Error> {
        while entries.next_entry::<Skipped, Skipped>()?.is_some() {}
        Ok(Skipped)
    }
}

impl<'de> Deserialize<'de> for Skipped {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SkippedVisitor)
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
                deserializer.deserialize_map(RecordVisitor)
            }
        }
    };
}
