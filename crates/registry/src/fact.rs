//! Decoded values become evidence.

use alloy_dyn_abi::DynSolValue;
use model::{FactValue, Name};

use crate::Registry;

/// Most elements of an array that a fact shows: an airdrop to ten thousand addresses is one call,
/// and nobody reads the ten thousand.
pub const LIST_LEN_MAX: usize = 32;

/// Longest on-chain string that a fact keeps, in bytes; messages show much less of it.
pub const STRING_LEN_MAX: usize = 4096;

/// A decoded value as a fact: addresses with their label, strings marked as untrusted.
pub fn fact(value: &DynSolValue, network: &Name, registry: &Registry) -> FactValue {
    convert(value, &|address| registry.label(network, address).map(str::to_owned))
}

/// The same without labels, for texts that stand alone.
pub(crate) fn plain(value: &DynSolValue) -> FactValue {
    convert(value, &|_| None)
}

fn convert(value: &DynSolValue, label: &dyn Fn(model::Address) -> Option<String>) -> FactValue {
    match value {
        DynSolValue::Bool(value) => FactValue::Bool(*value),
        DynSolValue::Int(value, _) => FactValue::Int(*value),
        DynSolValue::Uint(value, _) => FactValue::Uint(*value),
        DynSolValue::FixedBytes(word, len) => {
            FactValue::Bytes(word[..(*len).min(32)].to_vec().into())
        }
        DynSolValue::Address(address) => {
            FactValue::Address { address: *address, label: label(*address) }
        }
        DynSolValue::Function(function) => FactValue::Bytes(function.to_vec().into()),
        DynSolValue::Bytes(bytes) => FactValue::Bytes(bytes.clone().into()),
        DynSolValue::String(text) => {
            let mut end = text.len().min(STRING_LEN_MAX);
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            let cut = if end < text.len() { "…" } else { "" };
            FactValue::Untrusted(format!("{}{cut}", &text[..end]))
        }
        DynSolValue::Array(values)
        | DynSolValue::FixedArray(values)
        | DynSolValue::Tuple(values) => {
            let shown = values.iter().take(LIST_LEN_MAX).map(|value| convert(value, label));
            let mut list: Vec<FactValue> = shown.collect();
            if let Some(more) = values.len().checked_sub(LIST_LEN_MAX).filter(|more| *more > 0) {
                list.push(FactValue::Text(format!("and {more} more")));
            }
            FactValue::List(list)
        }
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{Address, B256, I256, U256};

    use super::*;
    use crate::{Category, Label, Labels};

    #[test]
    fn every_value_keeps_its_meaning() {
        let network = Name::new("mainnet").unwrap();
        let mut labels = Labels::builder();
        let (known, category) = (Address::repeat_byte(1), Category::Mixer);
        let label = Label { name: "Mixer 7", ..Label::new(&category, "l") };
        labels.add(None, known, label).unwrap();
        let registry = Registry::new(Vec::new(), labels.build()).unwrap();
        let fact = |value| fact(&value, &network, &registry);

        let address = fact(DynSolValue::Address(known));
        assert_eq!(
            address,
            FactValue::Address { address: known, label: Some("Mixer 7".to_owned()) }
        );
        let unknown = Address::repeat_byte(2);
        let address = fact(DynSolValue::Address(unknown));
        assert_eq!(address, FactValue::Address { address: unknown, label: None });
        let text = fact(DynSolValue::String("@everyone".into()));
        assert_eq!(text, FactValue::Untrusted("@everyone".into()));
        let bytes = fact(DynSolValue::FixedBytes(B256::repeat_byte(5), 4));
        assert_eq!(bytes, FactValue::Bytes(vec![5; 4].into()));
        let pair = fact(DynSolValue::Tuple(vec![
            DynSolValue::Uint(U256::from(7), 8),
            DynSolValue::Int(I256::MINUS_ONE, 24),
        ]));
        let expected = vec![FactValue::Uint(U256::from(7)), FactValue::Int(I256::MINUS_ONE)];
        assert_eq!(pair, FactValue::List(expected));
    }

    #[test]
    fn long_values_are_cut_and_say_so() {
        let list = DynSolValue::Array(vec![DynSolValue::Bool(true); 100]);
        let FactValue::List(shown) = plain(&list) else { panic!("a list") };
        assert_eq!(shown.len(), LIST_LEN_MAX + 1);
        assert_eq!(shown[LIST_LEN_MAX], FactValue::Text("and 68 more".into()));
        let full = DynSolValue::Array(vec![DynSolValue::Bool(true); LIST_LEN_MAX]);
        assert!(matches!(plain(&full), FactValue::List(shown) if shown.len() == LIST_LEN_MAX));
        // The limit falls into the middle of a character.
        let text = DynSolValue::String(format!("x{}", "é".repeat(3000)));
        let FactValue::Untrusted(shown) = plain(&text) else { panic!("a string") };
        assert_eq!(shown.len(), STRING_LEN_MAX - 1 + "…".len());
    }
}
