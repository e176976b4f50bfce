//! The user's folder of TOML files: read, checked whole, turned into what the program runs on.
//!
//! Three steps, three types: files ([`Folder`], the only place that touches disk and environment) →
//! validated configuration ([`Config`], pure) → running parts (elsewhere). Every mistake of every
//! file is reported at once, each with file, line and what is allowed.

mod ahead; //      what deployments say before the chain does
mod answers; //    answers.toml
mod bellwether; // bellwether.toml
mod dependencies; // dependencies/*.toml
mod deployment; // deployments/*.toml
mod folder; //     the only place that reads files and environment
mod gap; //        gaps/*.toml
mod labels; //     labels/*
mod lints; //      lints.toml
mod mistake; //    how a mistake is shown
mod monitor; //    monitors/*.toml
mod network; //    networks/*.toml
mod outside; //    outside.toml
mod paths; //      paths/*.toml
mod plan; //       people.toml, on-call.toml, and the routes as a tree
mod planning; //   the threat map, before anything is deployed
mod policy; //     policy.toml, authority/*.json
mod public; //     public.toml
mod pulse; //      [pulse] of bellwether.toml
mod receiver; //   [[receiver]] of routes.toml
mod route; //      routes.toml
mod secret; //     from the environment or a file
mod sources; //    sources.toml
mod table; //      reading TOML key by key
mod threats; //    threats/*.toml

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use alert::Policy;
use detect::{Engine, MonitorPart, MonitorSpec};
use model::{BlockNumber, Name, PathSalt, Secret};
use registry::{Plans, Registry, gap::Clearance, threats::ThreatMap};

pub use bellwether::{General, PORT_DEFAULT, Salted};
pub use deployment::Declaration;
pub use folder::{Folder, Surroundings};
pub use lints::{Lints, read_lints};
pub use mistake::{Mistake, Mistakes, SourceFile, nearest};
pub use network::Network;
pub use plan::{Expectation, LABELS, Reach, moment, zone_named};
pub use planning::Threats;
pub use registry::parse_address;
pub use secret::Missing;
pub use table::parse_duration_ms;

use crate::{
    answers::Wiring,
    coverage::Plan,
    notify::{ReceiverConfig, people::Contact},
    paths::Paths,
};
use folder::Files;
use table::Collector;

/// Everything the program needs to know, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// The program as a whole.
    pub general: General,
    /// Networks, in the order of their files.
    pub networks: Vec<Network>,
    /// What is guarded.
    pub registry: Arc<Registry>,
    /// What people want to know.
    pub monitors: Vec<MonitorSpec>,
    /// Monitors that answer only for blocks from this one on.
    pub first_blocks: BTreeMap<Name, BlockNumber>,
    /// Who hears what.
    pub policy: Policy,
    /// How each receiver is reached.
    pub receivers: Vec<(Name, ReceiverConfig)>,
    /// How often each receiver is tested by a message; `None` when never.
    pub receivers_tested: Option<Duration>,
    /// Who hears what: the tree of routes, people, rotas, escalations.
    pub plan: Arc<alert::plan::Plan>,
    /// Where people can be reached. Personal: never on a page.
    pub contacts: BTreeMap<Name, Contact>,
    /// People in the order of their file.
    pub people: Vec<Name>,
    /// What the user expects of the routes.
    pub expectations: Vec<Expectation>,
    /// Texts of the runbooks that are files of the folder, by the name that monitors give them.
    pub runbooks: BTreeMap<String, String>,
    /// What the files of deployments say beyond what running needs.
    pub declarations: Vec<Declaration>,
    /// What lints are told by the user.
    pub lints: Lints,
    /// From where people's answers are taken.
    pub answers: Wiring,
    /// What everybody may hear; `None`: nothing.
    pub community: Option<crate::community::Settings>,
    /// Detectors that are not ours.
    pub outside: Vec<crate::outside::Spec>,
    /// Other systems that report alerts.
    pub sources: Vec<crate::reports::Door>,
    /// What people said about the time before deployments were watched.
    pub clearances: Vec<Clearance>,
    /// What was taught about paths through contracts; the monitors have it among their parameters.
    pub paths: Paths,
    /// What could go wrong, and what each of it is met with.
    pub threats: Arc<ThreatMap>,
    /// What is not wrong but will surprise: shown by `check`, logged by `run`.
    pub warnings: Vec<String>,
}

impl Config {
    /// Reads and checks a folder.
    ///
    /// # Errors
    /// All mistakes of all files.
    pub fn load(around: &dyn Surroundings, missing: Missing) -> Result<Self, Mistakes> {
        let files = Files::read(around)?;
        let out = Collector::default();
        let general = bellwether::general(&files.main, around, missing, &out);
        let networks: Vec<Network> = files
            .networks
            .iter()
            .filter_map(|file| network::network(file, around, missing, &out))
            .collect();
        if files.networks.is_empty() {
            out.add(
                Mistake::in_file("networks/", "there is no network to watch")
                    .with_help("write networks/mainnet.toml with chain_id and an [[endpoint]]"),
            );
        }
        // A network whose file has a mistake still exists: references to it are not wrong.
        let network_names: Vec<Name> =
            files.networks.iter().filter_map(|f| Name::new(folder::stem(&f.path)).ok()).collect();
        let salt = general.as_ref().map(|general| general.path_salt.or_none()).unwrap_or_default();
        let guarded = guarded(&files, &network_names, salt, around, &out);
        let declared: Vec<monitor::Declared> = files
            .monitors
            .iter()
            .flat_map(|file| monitor::monitors(file, &network_names, &guarded.known(), &out))
            .collect();
        let sources = plan::Sources {
            routes: files.routes.as_ref(),
            people: files.people.as_ref(),
            on_call: files.on_call.as_ref(),
        };
        let known = plan::Known::new(&sources);
        let mut places = plan::Places::new(&out);
        let routes = match &files.routes {
            Some(file) => route::routes(file, around, missing, (&known, &mut places), &out),
            None => route::Routes::to_stdout(),
        };
        let planned = plan::plan(&sources, routes.routed, &known, (around, missing), places, &out);
        let expectations = files.expectations.as_ref().map_or_else(Vec::new, |file| {
            plan::expectations(file, &plan::ExpectationScope { plan: &planned.plan }, &out)
        });
        let clearances = files.gaps.iter().filter_map(|file| gap::clearance(file, &out)).collect();
        let lints = files.lints.as_ref().map(|file| lints::lints(file, &out)).unwrap_or_default();
        let answers =
            files.answers.as_ref().map(|file| answers::wiring(file, around, missing, &out));
        let answers = answers.unwrap_or_default();
        let declared_to_all = public::Known { networks: &network_names, labels: &guarded.labels };
        let community = files.public.as_ref().and_then(|file| {
            let reached = general.as_ref().map(|general| general.public_url.as_str());
            public::public(file, reached, &declared_to_all, (around, missing), &out)
        });
        let mut monitors: Vec<MonitorSpec> = declared.iter().map(|d| d.spec.clone()).collect();
        check_monitors(&guarded, &network_names, &declared, &out);
        if files.policy.is_none() {
            policy::check_monitors_without(&declared, &out);
        }
        let mut warnings: Vec<String> = plan::unused(&planned.plan);
        if files.routes.is_none() {
            warnings.push("there is no routes.toml: alerts go to standard output alone".to_owned());
        }
        if files.routes.is_some() && routes.receivers_tested.is_none() {
            warnings.push(
                "routes.toml: receivers_tested is never: nobody notices a channel that broke"
                    .to_owned(),
            );
        }
        for (name, receiver) in &routes.receivers {
            if let ReceiverConfig::Sip(sip) = receiver
                && sip.speech.is_none()
            {
                warnings.push(format!(
                    "receiver {name} has no speech: its calls sound an alarm and take keys, and say no words"
                ));
            }
        }
        if monitors.is_empty() {
            warnings.push("monitors/ declares no monitor: nothing would be found".to_owned());
        }
        if guarded.has_dependency_monitors {
            let made = dependencies::monitors(guarded.registry.dependencies(), &monitors);
            monitors.extend(made);
        }
        let runbooks = runbooks(&monitors, around, &mut warnings);
        let monitor_names: Vec<Name> = monitors.iter().map(|spec| spec.name.clone()).collect();
        let mut paths = paths::paths(&files.paths, &monitor_names, &out);
        if let Some(Salted::By(salt)) = general.as_ref().map(|g| &g.path_salt) {
            warnings.extend(paths.keep_only(salt));
        }
        paths.teach(&mut monitors);
        let threats = threats::threats(
            &files.threats,
            threats::Declared {
                name: general.as_ref().map_or("", |general| &general.name),
                deployments: &guarded.labels,
                monitors: &monitor_names,
                networks: &network_names,
                chains: networks.iter().map(|n| (n.chain.name.clone(), n.chain.chain_id)).collect(),
                plans: files.plans.clone(),
                is_planning: false,
            },
            around,
            &out,
        );
        let outside = files.outside.as_ref().map_or_else(Vec::new, |file| {
            outside::outside(file, &around.place(), &network_names, &monitor_names, &out)
        });
        let sources = files.sources.as_ref().map_or_else(Vec::new, |file| {
            sources::sources(file, &monitor_names, around, missing, &out)
        });
        let mistakes = out.into_mistakes();
        match general {
            Some(general) if mistakes.is_empty() => Ok(Self {
                general,
                networks,
                registry: guarded.registry,
                monitors,
                first_blocks: declared
                    .iter()
                    .filter_map(|d| Some((d.spec.name.clone(), d.first_block?)))
                    .collect(),
                policy: Policy {
                    stages: declared
                        .iter()
                        .filter_map(|d| Some((d.spec.name.clone(), d.stage?)))
                        .collect(),
                    ..routes.policy
                },
                receivers: routes.receivers,
                receivers_tested: routes.receivers_tested,
                plan: Arc::new(planned.plan),
                contacts: planned.contacts,
                people: planned.order,
                expectations,
                runbooks,
                declarations: guarded.declarations,
                lints,
                answers,
                community,
                outside,
                sources,
                clearances,
                paths,
                threats: Arc::new(threats),
                warnings,
            }),
            _ => Err(Mistakes(mistakes)),
        }
    }
}

impl Config {
    /// What watches the watcher: clocks and certificates of all endpoints and of our own page are
    /// looked at.
    pub fn pulse(&self) -> crate::pulse::Settings {
        let endpoints = self.networks.iter().flat_map(|network| &network.chain.endpoints);
        let mut pulse = self.general.pulse.clone();
        pulse.asked = endpoints.map(|endpoint| endpoint.url.clone()).collect();
        if self.general.public_url.starts_with("https://") {
            pulse.asked.push(Secret::new(self.general.public_url.clone()));
        }
        pulse
    }

    /// What must be watched, for the ledger.
    pub fn coverage(&self) -> Plan {
        Plan::new(
            &self.registry,
            &self.monitors,
            &Arc::new(self.policy.clone()),
            &self.first_blocks,
            self.networks.iter().map(|network| network.chain.name.clone()),
            self.general.backfilling,
        )
    }
}

/// What is guarded, as far as it could be read.
struct Guarded {
    registry: Arc<Registry>,
    /// All labels that are declared.
    labels: Vec<Name>,
    /// Those of them that say what their children are.
    factories: Vec<Name>,
    /// Those of them about which nothing is wrong.
    sound: Vec<Name>,
    declarations: Vec<Declaration>,
    /// Whether monitors are made for what ours rely on.
    has_dependency_monitors: bool,
}

impl Guarded {
    /// What monitors may be on.
    fn known(&self) -> monitor::Known<'_> {
        monitor::Known { labels: &self.labels, factories: &self.factories }
    }
}

/// What the files of deployments say ahead of the chain, of those that could be read.
fn plans(declared: &[deployment::Declared]) -> Plans {
    let readable = || declared.iter().filter(|d| d.deployment.is_some());
    let named = || readable().filter_map(|d| Some((d.label.clone()?, &d.ahead)));
    let planned = named().filter_map(|(label, ahead)| Some((label, ahead.planned.clone()?)));
    let children = named().filter_map(|(label, ahead)| Some((label, ahead.children.clone()?)));
    let mut plans = Plans::new(planned.collect(), children.collect());
    plans.ends = named().filter_map(|(label, ahead)| Some((label, ahead.end?))).collect();
    plans
}

fn guarded(
    files: &Files,
    networks: &[Name],
    salt: PathSalt,
    around: &dyn Surroundings,
    out: &Collector,
) -> Guarded {
    let address_labels = labels::labels(&files.labels, out);
    let mut abis = deployment::Abis::default();
    let declared: Vec<deployment::Declared> = files
        .deployments
        .iter()
        .flat_map(|file| deployment::deployments(file, networks, around, &mut abis, out))
        .collect();
    let mut labels: Vec<Name> = declared.iter().filter_map(|d| d.label.clone()).collect();
    let mut deployments: Vec<_> = declared.iter().filter_map(|d| d.deployment.clone()).collect();
    let known = dependencies::Known { networks, labels: &labels, deployments: &deployments };
    let relied_on = dependencies::dependencies(&files.dependencies, &known, out);
    let outside: Vec<Name> = relied_on.outside.iter().map(|d| d.label.clone()).collect();
    let has_dependency_monitors = relied_on.has_monitors && !relied_on.declared.is_empty();
    labels.extend(outside.iter().cloned());
    // What was complained of as a dependency is not complained of as a deployment again.
    let is_taken = |d: &registry::Deployment, all: &[registry::Deployment]| {
        all.iter().any(|o| o.label == d.label || (&o.network, o.address) == (&d.network, d.address))
    };
    let mut added = 0;
    for deployment in relied_on.outside {
        if !is_taken(&deployment, &deployments) {
            deployments.push(deployment);
            added += 1;
        }
    }
    let plans = plans(&declared);
    match Registry::with_plans(deployments, address_labels, plans) {
        Ok(registry) => {
            let declarations: Vec<Declaration> =
                declared.iter().filter_map(|d| d.declaration.clone()).collect();
            let authority = policy::declared(
                (files.policy.as_ref(), &files.scans),
                &policy::Known { registry: &registry, networks, labels: &labels },
                &declarations,
                around,
                out,
            );
            let registry =
                registry.with_authority(authority).with_dependencies(relied_on.declared, added);
            let registry = registry.with_path_salt(salt);
            let sound = declared.iter().filter(|d| d.is_sound).filter_map(|d| d.label.clone());
            let sound = sound.chain(outside).collect();
            let factories = registry.factories().into_iter();
            let factories = factories.map(|at| registry.deployment(at).label.clone()).collect();
            Guarded {
                registry: Arc::new(registry),
                labels,
                factories,
                sound,
                declarations,
                has_dependency_monitors,
            }
        }
        Err(errors) => {
            for error in errors {
                let text = error.to_string();
                // The complaint names the label; the file that declares it last is the one to open.
                let names = |d: &&deployment::Declared| {
                    d.label.as_ref().is_some_and(|label| text.contains(&format!("{label:?}")))
                };
                let file = declared.iter().rev().find(names);
                let file = file.map_or("deployments/", |d| d.file.as_str());
                out.add(Mistake::in_file(file, text));
            }
            let (sound, declarations) = (Vec::new(), Vec::new());
            let factories = Vec::new();
            Guarded {
                registry: Arc::default(),
                labels,
                factories,
                sound,
                declarations,
                has_dependency_monitors: false,
            }
        }
    }
}

/// Compiles every monitor against the registry, to say now what would fail later. What a monitor
/// refers to and is wrong itself was told there; here it is left out, because saying it again from
/// the other side would send the reader to the wrong place.
fn check_monitors(
    guarded: &Guarded,
    networks: &[Name],
    declared: &[monitor::Declared],
    out: &Collector,
) {
    let specs = declared.iter().filter_map(|d| {
        let mut spec = d.spec.clone();
        spec.on.retain(|label| guarded.sound.contains(label));
        let is_factory = |label: &Name| guarded.factories.contains(label);
        spec.children_of.retain(|label| guarded.sound.contains(label) && is_factory(label));
        spec.networks.retain(|network| networks.contains(network));
        let has_lost_all = spec.is_on_everything() && !d.spec.is_on_everything()
            || spec.networks.is_empty() && !d.spec.networks.is_empty();
        (!has_lost_all).then_some(spec)
    });
    let Err(errors) = Engine::new(guarded.registry.clone(), specs.collect()) else { return };
    for error in errors {
        let mut of_name = declared.iter().filter(|d| d.spec.name == error.monitor);
        // Of two of one name, the later one is too many.
        let at = match error.part {
            MonitorPart::Name => of_name.next_back(),
            _ => of_name.next(),
        };
        out.add(match at {
            Some(d) => Mistake::at(&d.file, d.places.of(error.part), error.to_string()),
            None => Mistake::in_file("monitors/", error.to_string()),
        });
    }
}

/// The runbooks that are files; a name that is neither a file nor an address will be missed at
/// night, so it is told now.
fn runbooks(
    monitors: &[MonitorSpec],
    around: &dyn Surroundings,
    warnings: &mut Vec<String>,
) -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    for monitor in monitors {
        let Some(runbook) = &monitor.runbook else { continue };
        if runbook.starts_with("https://") || texts.contains_key(runbook) {
            continue;
        }
        match around.read(runbook) {
            Ok(text) => {
                texts.insert(runbook.clone(), text);
            }
            Err(error) => warnings.push(format!(
                "monitor {}: runbook {runbook:?} cannot be read: {error}",
                monitor.name
            )),
        }
    }
    texts
}
