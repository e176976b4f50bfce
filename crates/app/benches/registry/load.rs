//! From the folder to the running configuration, in a fresh process each time.

use std::{hint::black_box, path::Path, process::Command};

use bellwether::config::{Config, Folder, Missing};
use cpu_time::ProcessTime;
use model::Name;

use crate::{
    abis::Alike,
    folder,
    resident::status_mb,
    table::{Sample, Table},
};

/// Runs this program as the process that is measured; the folder follows.
pub(super) const CHILD: &str = "--load-child";

/// Most CPU that loading may take, in seconds.
const LOAD_S_MAX: f64 = 2.0;

/// Most that it may add to the resident size, in MB.
const ADDED_MB_MAX: f64 = 200.0;

pub(super) fn measure(contracts: usize, repeats: usize, table: &mut Table) {
    let (bytes, runs) = runs(contracts, repeats, Alike::AsProtocolsAre);
    table.heading(&format!(
        "loading a folder of {contracts} deployments with an ABI each, {:.0} MB of ABIs",
        bytes as f64 / 1e6
    ));
    let of = |runs: &[[f64; 3]], at: usize| Sample::new(runs.iter().map(|run| run[at]).collect());
    table.goal("Config::load, CPU of a fresh process", &of(&runs, 0), "s", LOAD_S_MAX);
    table.goal("resident beyond what it was before", &of(&runs, 1), "MB", ADDED_MB_MAX);
    table.row("peak of the process", &of(&runs, 2), "MB");
    let (bytes, runs) = self::runs(contracts, repeats, Alike::Nothing);
    table.heading(&format!(
        "the worst case: no item of any of them is another's, {:.0} MB of ABIs",
        bytes as f64 / 1e6
    ));
    table.row("Config::load, CPU of a fresh process", &of(&runs, 0), "s");
    table.row("resident beyond what it was before", &of(&runs, 1), "MB");
}

/// Bytes of the ABIs; CPU seconds, MB added and MB at the peak of each run.
fn runs(contracts: usize, repeats: usize, alike: Alike) -> (usize, Vec<[f64; 3]>) {
    let root = tempfile::tempdir().unwrap();
    let bytes = folder::write(root.path(), contracts, alike);
    let program = std::env::current_exe().unwrap();
    // The first reads the files from disk; what they cost there is not the program's.
    let runs = (0..=repeats)
        .map(|_| {
            let output = Command::new(&program).arg(CHILD).arg(root.path()).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let text = String::from_utf8(output.stdout).unwrap();
            let figures = text.split_whitespace().map(|word| word.parse().unwrap());
            figures.collect::<Vec<f64>>().try_into().unwrap()
        })
        .skip(1)
        .collect();
    (bytes, runs)
}

/// What that process does: load, look everything up once, say what it took.
pub(super) fn child(root: &Path) {
    let before_mb = status_mb("VmRSS");
    let began = ProcessTime::now();
    let config = Config::load(&Folder::new(root), Missing::IsFine);
    let config = config.unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let load_s = began.elapsed().as_secs_f64();
    let added_mb = status_mb("VmRSS") - before_mb;
    // What was loaded is all there, and is what was written.
    let mainnet = Name::new("mainnet").unwrap();
    let deployments = config.registry.deployments();
    for number in 0..deployments.len() {
        let found = config.registry.at(&mainnet, folder::address(number)).unwrap();
        assert!(found.abi_known && found.abi.functions().len() >= 12);
    }
    println!("{load_s} {added_mb} {}", status_mb("VmHWM"));
    black_box(config);
}
