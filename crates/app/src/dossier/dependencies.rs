//! What a contract relies on that others control, and who relies on it.

use model::{Address, Name, U256};
use registry::{
    Deployment, Registry,
    dependencies::{self, Standing},
};

use super::Party;

/// Something that a contract relies on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// What it is.
    pub on: Party,
    /// Kind: `token`, `feed`, `lending`, `governance`, `bridge` …
    pub kind: String,
    /// What its failure would cost as people state it; `None` when that is left to measuring.
    pub stated: Option<String>,
    /// Hash of the code that people looked at; `None` when nobody did.
    pub code_reviewed: Option<String>,
}

impl Dependency {
    fn new(of: &dependencies::Dependency) -> Self {
        Self {
            on: Party { address: of.address, name: Some(of.label.to_string()) },
            kind: of.kind.as_str().to_owned(),
            stated: of.stated_cents.map(|cents| {
                let dollars: u64 = (cents / U256::from(100)).saturating_to();
                format!("{} USD", crate::words::grouped(dollars))
            }),
            code_reviewed: of.code_hash.map(|hash| hash.to_string()),
        }
    }
}

/// What a contract relies on, as far as files say so.
pub(super) fn of(deployment: &Deployment, registry: &Registry) -> Vec<Dependency> {
    let (network, label) = (&deployment.network, &deployment.label);
    registry.dependencies().of(network, label).map(Dependency::new).collect()
}

/// Our contracts that rely on an address; `None` when it is no dependency that is watched.
pub(super) fn relied_on_by(
    network: &Name,
    address: Address,
    registry: &Registry,
) -> Option<Vec<Name>> {
    let declared = registry.dependencies();
    let known = declared.at(network, address).filter(|of| of.standing == Standing::Watched)?;
    let ours = declared.dependents(known, registry).into_iter();
    Some(ours.filter_map(|of| Some(registry.at(network, of)?.label.clone())).collect())
}
