//! What a contract is: what its file says, and what its interface and its life show.

use registry::{
    Deployment,
    lineage::Lineage,
    proxy::{self, Shown},
    recognise::{self, Conclusion, Evidence},
};

/// What a contract is.
#[derive(Debug, Clone, PartialEq)]
pub struct Identity {
    /// What its interface alone comes to, with the reason. The class that counts is the declared one.
    pub concluded: Conclusion,
    /// Everything its interface shows it to be or to do.
    pub shows: Vec<Evidence>,
    /// Which kind of proxy, when something speaks for one.
    pub proxy: Option<Shown>,
}

impl Identity {
    pub(super) fn of(deployment: &Deployment, lineage: Option<&Lineage>) -> Self {
        let recognition = recognise::by_abi(None, &deployment.abi);
        Self {
            concluded: recognition.class,
            shows: recognition.traits,
            proxy: proxy::shown(&deployment.abi, lineage),
        }
    }

    /// Whether the interface is sure of another class than the file.
    pub fn contradicts(&self, deployment: &Deployment) -> bool {
        self.concluded.confidence == recognise::Confidence::High
            && self.concluded.class != deployment.class
            && deployment.class != registry::Class::Contract
    }
}
