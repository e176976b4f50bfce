//! What one address relies on, and who relies on it: for its dossier.

use model::{Address, Name};
use registry::{
    Registry,
    dependencies::{Dependency, Standing},
};

/// Which of the two relies on the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The address relies on the other.
    ReliesOn,
    /// The other relies on the address.
    ReliedOnBy,
}

/// Two contracts of which one relies on the other, as `dependencies/` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// Which on which.
    pub direction: Direction,
    /// The other contract.
    pub other: Address,
    /// Its label.
    pub label: Name,
    /// What is relied on.
    pub dependency: Dependency,
}

impl Relation {
    /// What is written beside it: the stated money, or why nobody watches it.
    pub fn note(&self) -> Option<String> {
        match (&self.dependency.standing, self.dependency.stated_cents) {
            (Standing::Ignored { reason }, _) => Some(format!("ignored: {reason}")),
            (_, Some(cents)) => Some(format!("{} rely on it", registry::dependencies::usd(cents))),
            _ => None,
        }
    }
}

/// What an address relies on, then who relies on it, each in the order of declaration.
pub fn relations(registry: &Registry, network: &Name, address: Address) -> Vec<Relation> {
    let book = registry.dependencies();
    let mut found = Vec::new();
    if let Some(own) = registry.at(network, address).filter(|_| book.at(network, address).is_none())
    {
        found.extend(book.of(network, &own.label).map(|dependency| Relation {
            direction: Direction::ReliesOn,
            other: dependency.address,
            label: dependency.label.clone(),
            dependency: dependency.clone(),
        }));
    }
    if let Some(dependency) = book.at(network, address) {
        let dependents = book.dependents(dependency, registry).into_iter();
        found.extend(dependents.filter_map(|other| {
            Some(Relation {
                direction: Direction::ReliedOnBy,
                other,
                label: registry.at(network, other)?.label.clone(),
                dependency: dependency.clone(),
            })
        }));
    }
    found
}
