//! Where sources contradict each other about one address.

use model::{Address, Name};

use super::{Category, Label, Labels};

/// Labels of one address that cannot all be right.
#[derive(Debug, Clone)]
pub struct Conflict<'a> {
    /// The address.
    pub address: Address,
    /// Those that warn of it.
    pub against: Vec<Label<'a>>,
    /// Those that vouch for it, or say that it serves many.
    pub for_it: Vec<Label<'a>>,
}

impl Labels {
    /// Addresses that some warn of and others vouch for, on a network that both speak of.
    pub fn conflicts(&self) -> impl Iterator<Item = Conflict<'_>> {
        let of_one = self.entries.chunk_by(|one, other| one.address == other.address);
        of_one.filter(|entries| entries.len() > 1).filter_map(|entries| {
            let all: Vec<(Option<&Name>, Label<'_>)> = entries
                .iter()
                .map(|entry| (self.kinds[entry.kind as usize].network.as_ref(), self.label(entry)))
                .collect();
            conflict(entries[0].address, &all)
        })
    }
}

/// The contradiction among the labels of one address, if there is one.
pub fn conflict<'a>(
    address: Address,
    labels: &[(Option<&Name>, Label<'a>)],
) -> Option<Conflict<'a>> {
    let vouches = |label: &Label<'_>| {
        matches!(label.category, Category::Benign | Category::Exchange | Category::Bridge)
    };
    let meets = |a: Option<&Name>, b: Option<&Name>| a.is_none() || b.is_none() || a == b;
    let opposed = |(network, label): &&(Option<&Name>, Label<'a>), is_bad: bool| {
        labels.iter().any(|(other_network, other)| {
            let is_opposite = if is_bad { vouches(other) } else { other.category.is_malicious() };
            is_opposite && meets(*network, *other_network) && *other != *label
        })
    };
    let bad = labels.iter().filter(|one| one.1.category.is_malicious() && opposed(one, true));
    let good = labels.iter().filter(|one| vouches(&one.1) && opposed(one, false));
    let (against, for_it): (Vec<_>, Vec<_>) =
        (bad.map(|one| one.1).collect(), good.map(|one| one.1).collect());
    (!against.is_empty()).then_some(Conflict { address, against, for_it })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_conflict_only_about_the_same_network() {
        let mut builder = Labels::builder();
        let (base, mainnet) = (Name::new("base").unwrap(), Name::new("mainnet").unwrap());
        let mut add = |byte: u8, network: Option<&Name>, category: Category| {
            let label = Label::new(&category, "list");
            builder.add(network, Address::repeat_byte(byte), label).unwrap();
        };
        add(1, None, Category::Exploiter);
        add(1, Some(&base), Category::Exchange);
        add(2, Some(&mainnet), Category::Phishing);
        add(2, Some(&base), Category::Benign);
        add(3, None, Category::Exploiter);
        add(3, None, Category::Sanctioned);
        let labels = builder.build();
        let found: Vec<_> = labels.conflicts().collect();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].address, Address::repeat_byte(1));
        assert_eq!(*found[0].against[0].category, Category::Exploiter);
        assert_eq!(*found[0].for_it[0].category, Category::Exchange);
    }
}
