//! What was said about contracts that do not exist yet, by the number of the deployment it was said
//! of.

use std::collections::HashMap;

use model::Name;
use rustc_hash::FxHashMap;

use super::{Declared, Registry, RegistryError};
use crate::{ChildTemplate, Planned, lifecycle};

/// Plans and templates, by label.
#[derive(Debug, Default)]
pub struct Plans {
    /// Deployments to come.
    pub planned: Vec<(Name, Planned)>,
    /// What factories create.
    pub children: Vec<(Name, ChildTemplate)>,
    /// Deployments whose files declare the end of their life.
    pub ends: Vec<(Name, lifecycle::Declared)>,
    by_index: FxHashMap<u32, usize>,
    templates: FxHashMap<u32, usize>,
    ends_by_index: FxHashMap<u32, lifecycle::Declared>,
}

impl Plans {
    /// Plans that are not yet joined with deployments.
    pub fn new(planned: Vec<(Name, Planned)>, children: Vec<(Name, ChildTemplate)>) -> Self {
        Self { planned, children, ..Self::default() }
    }

    pub(super) fn indexed(mut self, declared: &Declared, errors: &mut Vec<RegistryError>) -> Self {
        for (at, (label, planned)) in self.planned.iter().enumerate() {
            let Some(&index) = declared.by_label.get(label) else {
                errors.push(RegistryError::UnknownLabel(label.clone()));
                continue;
            };
            let address = declared.deployments[index as usize].address;
            if let Some(predicted) = planned.recipe.map(|recipe| recipe.address())
                && predicted != address
            {
                let label = label.clone();
                errors.push(RegistryError::PredictedElsewhere { label, address, predicted });
            }
            self.by_index.insert(index, at);
        }
        for (label, end) in &self.ends {
            match declared.by_label.get(label) {
                Some(&index) => drop(self.ends_by_index.insert(index, *end)),
                None => errors.push(RegistryError::UnknownLabel(label.clone())),
            }
        }
        let mut prefixes: HashMap<&Name, &Name> = HashMap::new();
        for (at, (label, template)) in self.children.iter().enumerate() {
            let Some(&index) = declared.by_label.get(label) else {
                errors.push(RegistryError::UnknownLabel(label.clone()));
                continue;
            };
            let clash = declared.deployments.iter().find(|d| template.claims(&d.label));
            let problem = if let Some(other) = prefixes.insert(&template.prefix, label) {
                Some(format!("would be those of {other} too"))
            } else if let Some(clash) = clash {
                Some(format!("would meet the deployment {}", clash.label))
            } else if template.prefix.as_str().len() > ChildTemplate::PREFIX_LEN_MAX {
                let max = ChildTemplate::PREFIX_LEN_MAX;
                Some(format!("would be too long: the first part has at most {max} characters"))
            } else {
                None
            };
            if let Some(problem) = problem {
                let (label, prefix) = (label.clone(), template.prefix.clone());
                errors.push(RegistryError::BadChildPrefix { label, prefix, problem });
            }
            self.templates.insert(index, at);
        }
        self
    }
}

impl Registry {
    /// The plan of a deployment, when it was declared before it existed.
    pub fn planned(&self, index: u32) -> Option<&Planned> {
        let plans = &self.declared.plans;
        plans.by_index.get(&index).map(|&at| &plans.planned[at].1)
    }

    /// What a deployment's creations are, when it is a factory that says so.
    pub fn template(&self, index: u32) -> Option<&ChildTemplate> {
        let plans = &self.declared.plans;
        plans.templates.get(&index).map(|&at| &plans.children[at].1)
    }

    /// What a deployment's file says about the end of its life.
    pub fn declared_end(&self, index: u32) -> Option<lifecycle::Declared> {
        self.declared.plans.ends_by_index.get(&index).copied()
    }

    /// Numbers of the deployments that are planned, ascending.
    pub fn all_planned(&self) -> Vec<u32> {
        let mut all: Vec<u32> = self.declared.plans.by_index.keys().copied().collect();
        all.sort_unstable();
        all
    }

    /// Numbers of the factories that have a template, ascending.
    pub fn factories(&self) -> Vec<u32> {
        let mut all: Vec<u32> = self.declared.plans.templates.keys().copied().collect();
        all.sort_unstable();
        all
    }
}
