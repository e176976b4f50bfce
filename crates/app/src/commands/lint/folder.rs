//! Everything over the user's folder.

use std::{collections::BTreeMap, path::Path};

use anyhow::anyhow;
use registry::{
    Class,
    lint::{
        LeftOut, Place, Report,
        events::{self, Builds},
        interface::{self, Infrastructure, Joint, JointKind, input},
        timelock::{self, DeclaredTimelock},
    },
};

use super::OutputArguments;
use crate::{
    commands::Outcome,
    config::{Config, Folder, Missing, Surroundings},
};

pub(super) fn run(folder: &Path, output: &OutputArguments) -> anyhow::Result<Outcome> {
    let around = Folder::new(folder);
    let config = Config::load(&around, Missing::IsFine).map_err(|mistakes| {
        anyhow!("the folder has mistakes, so its lints would judge half of it\n\n{mistakes}")
    })?;
    let report = judge(&config, &around);
    output.finish(report, &config.lints.waivers, "interface", None)
}

/// All lints over a checked folder.
fn judge(config: &Config, around: &dyn Surroundings) -> Report {
    let (all, builds) = given(config, around);
    let mut report = interface::check(&all);
    let coverage = events::check(&builds);
    // What could not be read was told with the interfaces.
    report.extend(Report { left_out: Vec::new(), ..coverage.report });
    report.extend(timelock::check(&timelocks(config), config.lints.timelock_policy_s));
    // Timelocks are interfaces as well and were counted as such.
    report.judged = all.surfaces.len();
    report
}

/// The interfaces of all deployments, file by file, and of what else lies in abis/; with what is
/// reached through each proxy, diamond and router.
fn given(config: &Config, around: &dyn Surroundings) -> (Infrastructure, Builds) {
    let (mut all, mut builds) = (Infrastructure::default(), Builds::default());
    let mut by_file: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut read = |path: &str, all: &mut Infrastructure| -> Vec<usize> {
        if let Some(known) = by_file.get(path) {
            return known.clone();
        }
        let before = all.surfaces.len();
        let read = around.read(path).map_err(|error| error.to_string()).and_then(|text| {
            let source = input::Source { path, text: &text };
            input::read(source, all)?;
            builds.read(source)
        });
        if let Err(reason) = read {
            all.left_out.push(LeftOut { place: Place::file(path), reason });
        }
        let surfaces: Vec<usize> = (before..all.surfaces.len()).collect();
        by_file.insert(path.to_owned(), surfaces.clone());
        surfaces
    };
    let mut of_label = BTreeMap::new();
    for declared in &config.declarations {
        let parts: Vec<Vec<usize>> =
            declared.abi_files.iter().map(|path| read(path, &mut all)).collect();
        if let Some(([front, ..], behind)) =
            parts.split_first().map(|(front, behind)| (front.as_slice(), behind))
            && !behind.is_empty()
        {
            let kind = if behind.len() > 1 { JointKind::Diamond } else { JointKind::Proxy };
            let behind = behind.iter().flatten().copied().collect();
            all.joints.push(Joint {
                kind,
                name: declared.label.to_string(),
                front: *front,
                behind,
            });
        }
        of_label.insert(&declared.label, parts.concat());
    }
    for path in around.list("abis").unwrap_or_default() {
        if path.ends_with(".json") {
            read(&path, &mut all);
        }
    }
    let deployments = config.registry.deployments();
    for router in deployments.iter().filter(|of| of.class == Class::Router) {
        let Some(front) = of_label.get(&router.label).and_then(|of| of.first().copied()) else {
            continue;
        };
        let siblings = deployments
            .iter()
            .filter(|of| of.label != router.label && of.protocol == router.protocol);
        let mut behind: Vec<usize> =
            siblings.filter_map(|of| of_label.get(&of.label)).flatten().copied().collect();
        behind.sort_unstable();
        behind.dedup();
        let name = router.label.to_string();
        all.joints.push(Joint { kind: JointKind::Router, name, front, behind });
    }
    (all, builds)
}

fn timelocks(config: &Config) -> Vec<DeclaredTimelock> {
    let is_timelock =
        |label| config.registry.get(label).is_some_and(|of| of.class == Class::Timelock);
    let declared = config.declarations.iter().filter(|of| is_timelock(&of.label));
    declared
        .map(|of| DeclaredTimelock {
            place: Place::contract(&of.file, of.label.as_str()),
            min_delay_s: of.min_delay_s,
        })
        .collect()
}

#[cfg(test)]
#[path = "folder_tests.rs"]
mod tests;
