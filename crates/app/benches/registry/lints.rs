//! All lints over many contracts: interfaces, events, timelocks, storage layouts.

use std::{fs, path::Path};

use cpu_time::ProcessTime;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use registry::{
    layout::{Basis, Build, Named, Options, judge},
    lint::{
        Place,
        events::{self, Builds},
        interface::{
            Infrastructure, check,
            input::{Source, read, read_solidity},
        },
        timelock::{self, DeclaredTimelock},
    },
};
use serde_json::{Value, json};

use crate::{
    abis,
    table::{Sample, Table},
};

/// Most CPU that all lints together may take, in seconds.
const LINTS_S_MAX: f64 = 5.0;

/// Of so many contracts one is a timelock.
const TIMELOCK_EVERY: usize = 50;

/// What is given to the lints, as text: reading it is part of the cost.
struct Given {
    /// Path and text of artefacts: the code of Meridian's contracts under interfaces of their own.
    artefacts: Vec<(String, String)>,
    /// Path and text of Solidity interfaces.
    sources: Vec<(String, String)>,
    /// Old and new layout of each contract, with whether the new one is compatible.
    layouts: Vec<(String, String, bool)>,
    timelocks: Vec<DeclaredTimelock>,
}

#[derive(Default)]
struct Costs {
    reading: Vec<f64>,
    interfaces: Vec<f64>,
    events: Vec<f64>,
    layouts: Vec<f64>,
    all: Vec<f64>,
}

pub(super) fn measure(contracts: usize, repeats: usize, table: &mut Table) {
    let given = Given::new(contracts);
    let mut costs = Costs::default();
    for round in 0..=repeats {
        let mut of_round = Costs::default();
        run(&given, &mut of_round);
        if round > 0 {
            let all = of_round.all();
            costs.reading.extend(of_round.reading);
            costs.interfaces.extend(of_round.interfaces);
            costs.events.extend(of_round.events);
            costs.layouts.extend(of_round.layouts);
            costs.all.push(all);
        }
    }
    table.heading(&format!(
        "all lints over {contracts} contracts, as many Solidity interfaces and upgrades, CPU"
    ));
    table.row("reading artefacts and sources", &Sample::new(costs.reading), "s");
    table.row(
        "interfaces: selectors, topics, homonyms, timelocks",
        &Sample::new(costs.interfaces),
        "s",
    );
    table.row("events", &Sample::new(costs.events), "s");
    table.row("storage layouts, read and compared", &Sample::new(costs.layouts), "s");
    table.goal("all of them", &Sample::new(costs.all), "s", LINTS_S_MAX);
}

impl Costs {
    fn all(&self) -> f64 {
        [&self.reading, &self.interfaces, &self.events, &self.layouts].into_iter().flatten().sum()
    }
}

fn run(given: &Given, costs: &mut Costs) {
    let timed = |into: &mut Vec<f64>, body: &mut dyn FnMut()| {
        let began = ProcessTime::now();
        body();
        into.push(began.elapsed().as_secs_f64());
    };
    let (mut all, mut builds) = (Infrastructure::default(), Builds::default());
    timed(&mut costs.reading, &mut || {
        for (path, text) in &given.artefacts {
            read(Source { path, text }, &mut all).unwrap();
            builds.read(Source { path, text }).unwrap();
        }
        let sources = given.sources.iter().map(|(path, text)| Source { path, text });
        let sources: Vec<_> = sources.collect();
        read_solidity(&sources, &mut all);
    });
    timed(&mut costs.interfaces, &mut || {
        let report = check(&all);
        assert_eq!(report.judged, given.artefacts.len() + given.sources.len());
        let delays = timelock::check(&given.timelocks, 86_400);
        assert!(delays.diagnostics.len() >= given.timelocks.len() / 2);
    });
    timed(&mut costs.events, &mut || {
        let coverage = events::check(&builds);
        assert!(coverage.functions.len() >= given.artefacts.len());
    });
    timed(&mut costs.layouts, &mut || {
        for (old, new, is_compatible) in &given.layouts {
            let (old, new) = (build(old), build(new));
            let named = |file, build| Named { file, build };
            let judged = judge(named("old", &old), named("new", &new), Options::default()).unwrap();
            assert_eq!(judged.basis, Basis::Layouts);
            assert_eq!(judged.comparison.unwrap().is_compatible(), *is_compatible);
        }
    });
}

fn build(text: &str) -> Build {
    Build::read(text, None, Some("Contract")).unwrap()
}

impl Given {
    fn new(contracts: usize) -> Self {
        let timelocks = (0..contracts.div_ceil(TIMELOCK_EVERY)).map(|at| DeclaredTimelock {
            place: Place::contract(format!("deployments/timelock-{at}.toml"), "timelock"),
            // Every other one is held to less than the policy's day.
            min_delay_s: Some(if at % 2 == 0 { 3_600 } else { 172_800 }),
        });
        Self {
            artefacts: artefacts(contracts),
            sources: (0..contracts).map(source).collect(),
            layouts: (0..contracts).map(upgrade).collect(),
            timelocks: timelocks.collect(),
        }
    }
}

/// Meridian's contracts as compiled, with a generated interface each, so that joins have both shared
/// and single members.
fn artefacts(contracts: usize) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts/artifacts");
    let mut compiled: Vec<Value> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            serde_json::from_str(&fs::read_to_string(entry.unwrap().path()).unwrap()).unwrap()
        })
        .filter(|artefact: &Value| {
            artefact["deployedBytecode"].as_str().is_some_and(|c| c.len() > 2)
        })
        .collect();
    compiled.sort_by_key(|artefact| artefact["contractName"].as_str().unwrap().to_owned());
    (0..contracts)
        .map(|number| {
            let mut artefact = compiled[number % compiled.len()].clone();
            let name = format!("{}{number}", artefact["contractName"].as_str().unwrap());
            artefact["contractName"] = name.as_str().into();
            let own = abis::abi(number, abis::Alike::AsProtocolsAre);
            artefact["abi"].as_array_mut().unwrap().extend(own.as_array().unwrap().iter().cloned());
            (format!("out/{name}.json"), artefact.to_string())
        })
        .collect()
}

/// A Solidity interface.
fn source(number: usize) -> (String, String) {
    let mut random = StdRng::seed_from_u64(0x50_11D ^ number as u64);
    let mut text = format!("pragma solidity ^0.8.20;\n\ninterface IMarket{number} {{\n");
    for at in 0..random.random_range(8..=20) {
        let own = if at % 4 == 0 { number.to_string() } else { String::new() };
        text.push_str(&format!(
            "    event Moved{at}{own}(address indexed by, uint256 amount);\n    \
             function move{at}{own}(address to, uint256 amount) external returns (bool);\n"
        ));
    }
    text.push_str("}\n");
    (format!("src/IMarket{number}.sol"), text)
}

/// The layouts of a contract before and after an upgrade. Of four, one upgrade puts a variable in
/// the middle, which moves all that follow; the others append.
fn upgrade(number: usize) -> (String, String, bool) {
    let mut random = StdRng::seed_from_u64(0x1A_707 ^ number as u64);
    let mut fields: Vec<(String, &str)> = (0..random.random_range(20..=60))
        .map(|at| {
            let kind = ["t_uint256", "t_address", "t_mapping", "t_bool", "t_bytes32"][at % 5];
            (format!("_field{number}x{at}"), kind)
        })
        .collect();
    let old = layout(&fields);
    let is_compatible = !number.is_multiple_of(4);
    let at = if is_compatible { fields.len() } else { fields.len() / 2 / 5 * 5 };
    fields.insert(at, (format!("_added{number}"), "t_uint256"));
    (old, layout(&fields), is_compatible)
}

fn layout(fields: &[(String, &str)]) -> String {
    let storage: Vec<Value> = fields
        .iter()
        .enumerate()
        .map(|(slot, (label, kind))| {
            json!({
                "astId": slot, "contract": "src/C.sol:Contract", "label": label, "offset": 0,
                "slot": slot.to_string(), "type": kind,
            })
        })
        .collect();
    json!({ "storageLayout": { "storage": storage, "types": {
        "t_uint256": { "encoding": "inplace", "label": "uint256", "numberOfBytes": "32" },
        "t_bytes32": { "encoding": "inplace", "label": "bytes32", "numberOfBytes": "32" },
        "t_address": { "encoding": "inplace", "label": "address", "numberOfBytes": "20" },
        "t_bool": { "encoding": "inplace", "label": "bool", "numberOfBytes": "1" },
        "t_mapping": {
            "encoding": "mapping", "key": "t_address", "value": "t_uint256",
            "label": "mapping(address => uint256)", "numberOfBytes": "32",
        },
    } } })
    .to_string()
}
