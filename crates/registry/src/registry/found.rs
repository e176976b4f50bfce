//! Children of factories, known since a block. They come and go in the order of the chain: what a
//! reorg takes back is always the newest.

use model::{Address, Name};
use rustc_hash::FxHashMap;

use super::Registry;
use crate::Deployment;

/// A contract that a guarded factory created.
#[derive(Debug, Clone)]
pub struct Child {
    /// Number of the factory's deployment.
    pub factory: u32,
    /// Which of the factory's children it is, counted from 1.
    pub number: u64,
    /// What it is, made from the factory's template.
    pub deployment: Deployment,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Found {
    children: Vec<Child>,
    by_address: FxHashMap<(u32, Address), u32>,
    by_label: FxHashMap<Name, u32>,
}

impl Found {
    pub(super) fn children(&self) -> &[Child] {
        &self.children
    }

    pub(super) fn at(&self, network: u32, address: Address) -> Option<u32> {
        self.by_address.get(&(network, address)).copied()
    }

    pub(super) fn labelled(&self, label: &Name) -> Option<u32> {
        self.by_label.get(label).copied()
    }
}

impl Registry {
    /// Lays a new child of a factory over what is declared, and gives its number. `None` when the
    /// factory has no template, or when something is already guarded at the address.
    pub fn adopt(
        &mut self,
        factory: u32,
        number: u64,
        address: Address,
        first_block: u64,
    ) -> Option<u32> {
        let parent = self.deployment(factory);
        let network = *self.declared.networks.get(&parent.network)?;
        let template = self.template(factory)?;
        if self.index_at(&parent.network, address).is_some() {
            return None;
        }
        let deployment = Deployment {
            label: template.label(number),
            address,
            first_block: Some(first_block),
            ..template.prototype(parent)
        };
        let at = self.found.children.len() as u32;
        self.found.by_address.insert((network, address), at);
        self.found.by_label.insert(deployment.label.clone(), at);
        self.found.children.push(Child { factory, number, deployment });
        Some(self.declared_count() + at)
    }

    /// Takes back all but the first `count` children.
    pub fn keep_children(&mut self, count: usize) {
        let declared = &self.declared;
        for child in self.found.children.drain(count.min(self.found.children.len())..) {
            let deployment = &child.deployment;
            if let Some(network) = declared.networks.get(&deployment.network) {
                self.found.by_address.remove(&(*network, deployment.address));
            }
            self.found.by_label.remove(&deployment.label);
        }
    }

    /// All children, in the order of their discovery.
    pub fn children(&self) -> &[Child] {
        self.found.children()
    }

    /// The child with this number among deployments, when it is one.
    pub fn child(&self, index: u32) -> Option<&Child> {
        let found = index.checked_sub(self.declared_count())?;
        self.found.children().get(found as usize)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{ChildSource, ChildTemplate, Class, ContractAbi, Labels, Plans, RegistryError};

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn deployment(label: &str, byte: u8) -> Deployment {
        Deployment {
            label: name(label),
            network: name("mainnet"),
            address: Address::repeat_byte(byte),
            protocol: None,
            class: Class::Factory,
            abi: Arc::new(ContractAbi::from_solidity(["event Made(address pool)"]).unwrap()),
            abi_known: true,
            first_block: None,
            value_at_risk: None,
            token: None,
            oracle: None,
        }
    }

    fn template(prefix: &str) -> ChildTemplate {
        ChildTemplate {
            prefix: name(prefix),
            class: Class::Pool,
            abi: Arc::new(ContractAbi::from_solidity(["function swap()"]).unwrap()),
            abi_known: true,
            token: None,
            source: ChildSource::Frames,
        }
    }

    fn registry() -> Registry {
        let plans = Plans::new(Vec::new(), vec![(name("factory"), template("pool"))]);
        let list = vec![deployment("factory", 1), deployment("vault", 2)];
        Registry::with_plans(list, Labels::default(), plans).unwrap()
    }

    #[test]
    fn a_child_is_a_deployment_like_any_other_until_it_is_taken_back() {
        let declared = registry();
        let mut registry = declared.clone();
        let (mainnet, child) = (name("mainnet"), Address::repeat_byte(9));
        assert_eq!(registry.adopt(0, 1, child, 77), Some(2));
        assert_eq!(registry.adopt(0, 2, Address::repeat_byte(10), 77), Some(3));
        assert_eq!(registry.label(&mainnet, child), Some("pool-1"));
        let found = registry.get(&name("pool-1")).unwrap();
        assert_eq!((found.address, found.class), (child, Class::Pool));
        assert_eq!(found.first_block, Some(77));
        let read = registry.decode_call(&mainnet, child, &[0x81, 0x19, 0xc0, 0x65]).unwrap();
        assert_eq!(read.function.name, "swap");
        assert_eq!(registry.child(3).unwrap().number, 2);
        assert_eq!(registry.deployments().len(), 2, "declared ones stay what they are");
        assert!(declared.label(&mainnet, child).is_none(), "others do not see it");

        registry.keep_children(1);
        assert_eq!(registry.index_at(&mainnet, Address::repeat_byte(10)), None);
        assert_eq!(registry.index_at(&mainnet, child), Some(2));
        assert_eq!(registry.adopt(0, 2, Address::repeat_byte(11), 78), Some(3));
        registry.keep_children(0);
        assert_eq!(registry.get(&name("pool-1")).map(|d| d.address), None);
    }

    #[test]
    fn what_is_declared_is_no_child_and_what_has_no_template_has_none() {
        let mut registry = registry();
        assert_eq!(registry.adopt(0, 1, Address::repeat_byte(2), 1), None, "the vault");
        assert_eq!(registry.adopt(1, 1, Address::repeat_byte(9), 1), None, "no factory");
        assert_eq!(registry.adopt(0, 1, Address::repeat_byte(9), 1), Some(2));
        assert_eq!(registry.adopt(0, 2, Address::repeat_byte(9), 1), None, "twice");
    }

    #[test]
    fn labels_of_children_may_meet_no_other() {
        let list = || vec![deployment("factory", 1), deployment("pool-7", 2), deployment("f2", 3)];
        let children = vec![
            (name("factory"), template("pool")),
            (name("f2"), template("other")),
            (name("f3"), template("x")),
        ];
        let plans = Plans::new(Vec::new(), children);
        let errors = Registry::with_plans(list(), Labels::default(), plans).unwrap_err();
        let texts: Vec<String> = errors.iter().map(RegistryError::to_string).collect();
        expect_test::expect![[r#"
            deployment "factory": children labelled pool-1, pool-2 … would meet the deployment pool-7
            no deployment is labelled "f3""#]]
        .assert_eq(&texts.join("\n"));
        let twice = vec![(name("factory"), template("x")), (name("f2"), template("x"))];
        let errors = Registry::with_plans(list(), Labels::default(), Plans::new(Vec::new(), twice));
        expect_test::expect![[
            r#"deployment "f2": children labelled x-1, x-2 … would be those of factory too"#
        ]]
        .assert_eq(&errors.unwrap_err()[0].to_string());
    }
}
