//! `bellwether authority show`: who can do what, through whom.

use anyhow::bail;
use model::{Address, FactValue};
use registry::{
    Registry,
    authority::{Effective, Graph, PowerOf},
};
use serde_json::{Value, json};

use super::{Found, Place};
use crate::{
    commands::Outcome,
    config::parse_address,
    terminal::{Style, print_line},
};

/// Show who can do what, through whom, with how many signatures and how much delay; read from the
/// live chain.
///
/// Of a contract: everybody who has power over it. Of anybody else: everything that it can do.
/// Exit code 0, also when something could not be found out; that is said on standard error.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether authority show\n  bellwether authority show vault\n  bellwether authority show 0x5aAe…eAed --network mainnet --block 21000000 --json"
)]
pub(super) struct Show {
    /// A deployment's label, a principal's name or an address; without it everybody with power.
    #[arg(value_name = "DEPLOYMENT|PRINCIPAL|ADDRESS")]
    what: Option<String>,
    #[command(flatten)]
    place: Place,
    /// One JSON object instead of text.
    #[arg(long)]
    json: bool,
}

impl Show {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        let found = self.place.look().await?;
        let registry = &found.config.registry;
        let mut networks = Vec::new();
        let mut is_found = self.what.is_none();
        for look in &found.looks {
            let graph = Graph::new(&look.observed, registry, registry.authority());
            let what = self.what.as_deref().map(|what| resolve(what, &graph, registry));
            // A name may be of another network.
            let address = match what {
                Some(Some(address)) => Some(address),
                Some(None) => continue,
                None => None,
            };
            is_found = true;
            if self.json {
                networks.push(in_json(&graph, address, look));
            } else {
                print(&graph, address, look);
            }
        }
        if let (false, Some(what)) = (is_found, &self.what) {
            bail!("{what:?} is neither an address nor a deployment or principal with power on these networks");
        }
        if self.json {
            print_line(&json!({ "networks": networks }));
        } else {
            found.tell_unknown();
        }
        Ok(Outcome::Fine)
    }
}

fn resolve(what: &str, graph: &Graph, registry: &Registry) -> Option<Address> {
    if let Ok(address) = parse_address(what) {
        return Some(address);
    }
    let deployment = registry.deployments().iter().find(|d| {
        d.network == graph.network && d.label.as_str() == what
    });
    let named = || graph.nodes().find(|node| node.name.as_deref() == Some(what)).map(|n| n.address);
    deployment.map(|d| d.address).or_else(named)
}

/// Who can do what to a contract, and what somebody can do, for one address or all.
fn chosen(graph: &Graph, address: Option<Address>) -> (Vec<Effective>, Vec<PowerOf>) {
    let powers = graph.powers();
    match address {
        None => (Vec::new(), powers),
        Some(address) => {
            let mut over = graph.effective(address);
            over.sort_by(|a, b| {
                let score = |e: &Effective| e.capability.weight() * e.path.ease();
                score(b).total_cmp(&score(a)).then(a.capability.cmp(&b.capability))
            });
            (over, powers.into_iter().filter(|p| p.principal == address).collect())
        }
    }
}

fn print(graph: &Graph, address: Option<Address>, look: &crate::authority::Look) {
    let style = Style::stdout();
    let observed = &look.observed;
    let at = format!("{} at block {}, asked {}", observed.network, observed.at.block, look.endpoint);
    print_line(&style.dim(&at));
    let (over, powers) = chosen(graph, address);
    for effective in &over {
        print_line(&format!("  {}", effective.words(graph)));
        print_line(&format!("    {}", style.dim(effective.basis.as_str())));
    }
    for power in &powers {
        let node = graph.get(power.principal);
        let who = node.map_or_else(|| power.principal.to_string(), |node| node.words());
        let kind = node.map_or("unknown", |node| node.kind.as_str());
        let score = format!("power {:.1}", power.power);
        print_line(&format!("{}  {kind}  {score}", style.bold(&who)));
        if node.is_some_and(|node| node.name.is_some()) {
            print_line(&style.dim(&format!("  {}", power.principal)));
        }
        for effective in &power.can {
            print_line(&format!("  can {} {}: {}", effective.capability,
                graph.name(effective.contract), how(effective, graph)));
        }
    }
    if over.is_empty() && powers.is_empty() {
        print_line(&"  nobody is known to hold power here");
    }
}

fn how(effective: &Effective, graph: &Graph) -> String {
    let path = &effective.path;
    let mut needs = Vec::new();
    if path.signatures > 1 {
        needs.push(format!("{} signatures", path.signatures));
    }
    if path.delay_s > 0 {
        needs.push(format!("after {}", FactValue::Seconds(path.delay_s)));
    }
    let needs = if needs.is_empty() { String::new() } else { format!(" ({})", needs.join(", ")) };
    format!("{}{needs}", path.words(graph))
}

fn in_json(graph: &Graph, address: Option<Address>, look: &crate::authority::Look) -> Value {
    let (over, powers) = chosen(graph, address);
    let effective = |e: &Effective| {
        json!({
            "contract": e.contract,
            "contract_name": graph.name(e.contract),
            "capability": e.capability.as_str(),
            "weight": e.capability.weight(),
            "basis": e.basis.as_str(),
            "principal": e.path.principal,
            "principal_name": graph.name(e.path.principal),
            "signatures": e.path.signatures,
            "delay_s": e.path.delay_s,
            "path": e.path.steps.iter().map(|step| json!({
                "by": step.by, "name": graph.name(step.by),
                "role": step.role.to_string(), "of": step.of,
            })).collect::<Vec<_>>(),
        })
    };
    let power = |p: &PowerOf| {
        json!({
            "principal": p.principal,
            "name": graph.get(p.principal).and_then(|node| node.name.clone()),
            "kind": graph.get(p.principal).map(|node| node.kind.as_str()),
            "power": p.power,
            "can": p.can.iter().map(effective).collect::<Vec<_>>(),
        })
    };
    json!({
        "network": look.observed.network.as_str(),
        "chain_id": look.observed.chain_id,
        "block": look.observed.at.block,
        "endpoint": look.endpoint.as_str(),
        "over": over.iter().map(effective).collect::<Vec<_>>(),
        "principals": powers.iter().map(power).collect::<Vec<_>>(),
        "unknown": look.unknown,
    })
}

impl Found {
    /// Whether an account is a multisig, on the network that was looked at.
    pub(super) fn is_safe(&self, network: &model::Name, account: Address) -> bool {
        let registry = &self.config.registry;
        self.looks.iter().filter(|look| look.observed.network == *network).any(|look| {
            let graph = Graph::new(&look.observed, registry, registry.authority());
            graph
                .get(account)
                .is_some_and(|node| node.kind == registry::authority::PrincipalKind::Safe)
        })
    }
}
