//! Programs from Debian's archive, unpacked into the services' folder, so that nothing of the machine
//! is replaced. Two files alone go elsewhere: the templates that Debian's Alertmanager looks for under
//! a path that is built into it; writing them needs root, as CI has.
//!
//! ```text
//! .services/debian/root/usr/…    the packages as they are
//! .services/bin/sipp             a line of shell that starts one with its libraries
//! ```

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, bail};

use crate::run::{read, run};

/// A program from a package.
pub(super) struct Program {
    /// How it is called in `bin`.
    pub(super) name: &'static str,
    package: &'static str,
    path: &'static str,
    /// What it prints when it is tried out.
    version: &'static str,
}

/// The programs that tests use.
pub(super) const PROGRAMS: &[Program] = &[
    // A telephone that answers, asks for a password, presses keys (sipp.sourceforge.net).
    Program { name: "sipp", package: "sip-tester", path: "usr/bin/sipp", version: "-v" },
    // A synthesiser of speech.
    Program {
        name: "espeak-ng",
        package: "espeak-ng",
        path: "usr/bin/espeak-ng",
        version: "--version",
    },
    // The pager that ours is compared with, and its tool that says which route an alert takes.
    Program {
        name: "alertmanager",
        package: "prometheus-alertmanager",
        path: "usr/bin/prometheus-alertmanager",
        version: "--version",
    },
    Program {
        name: "amtool",
        package: "prometheus-alertmanager",
        path: "usr/bin/amtool",
        version: "--version",
    },
    // What reports alerts to an Alertmanager, and to us.
    Program {
        name: "prometheus",
        package: "prometheus",
        path: "usr/bin/prometheus",
        version: "--version",
    },
];

/// Where Debian's Alertmanager looks for its templates, whatever it is told.
const TEMPLATES: &str = "usr/share/prometheus/alertmanager";

/// Installs what is missing; what each program prints of itself.
pub(super) fn up(folder: &Path) -> anyhow::Result<Vec<(&'static str, String)>> {
    let bin = folder.join("bin");
    if PROGRAMS.iter().any(|program| !bin.join(program.name).exists()) {
        fs::create_dir_all(&bin).with_context(|| format!("creating {}", bin.display()))?;
        let root = fs::canonicalize(unpack(&folder.join("debian"))?)?;
        place_templates(&root)?;
        for program in PROGRAMS {
            write_starter(&bin.join(program.name), &root, program)?;
        }
    }
    PROGRAMS
        .iter()
        .map(|program| {
            let said = try_out(&bin.join(program.name), program.version)?;
            Ok((program.name, said))
        })
        .collect()
}

/// Some of them say their version and end with a failure all the same.
fn try_out(program: &Path, version: &str) -> anyhow::Result<String> {
    let output = Command::new(program)
        .arg(version)
        .output()
        .with_context(|| format!("starting {}", program.display()))?;
    let said = String::from_utf8_lossy(&output.stdout);
    let line = said.lines().map(str::trim).find(|line| !line.is_empty());
    let Some(line) = line else {
        bail!("{} says nothing: {}", program.display(), String::from_utf8_lossy(&output.stderr));
    };
    Ok(line.to_owned())
}

/// Fetches the packages, with those they need and this machine does not have, and unpacks them.
fn unpack(folder: &Path) -> anyhow::Result<PathBuf> {
    let mut packages: Vec<&str> = PROGRAMS.iter().map(|program| program.package).collect();
    packages.dedup();
    let simulated = |packages: &[&str]| {
        read(
            Command::new("apt-get")
                .args(["install", "--simulate", "--no-install-recommends"])
                .args(packages),
        )
    };
    let plan = match simulated(&packages) {
        Ok(plan) => plan,
        Err(_lists_are_missing) => {
            // A fresh machine has no lists; this alone needs root, as CI has.
            run(Command::new("apt-get").args(["update", "-qq"]))?;
            simulated(&packages)?
        }
    };
    let needed: Vec<&str> = plan
        .lines()
        .filter_map(|line| line.strip_prefix("Inst ")?.split_whitespace().next())
        .collect();
    let fetched = folder.join("packages");
    let root = folder.join("root");
    fs::create_dir_all(&fetched).with_context(|| format!("creating {}", fetched.display()))?;
    fs::create_dir_all(&root).with_context(|| format!("creating {}", root.display()))?;
    // Those that are installed already are fetched too: the root must hold the programs.
    let mut names: Vec<&str> = packages.iter().copied().chain(needed).collect();
    names.sort_unstable();
    names.dedup();
    let status = Command::new("apt-get")
        .args(["download", "-qq"])
        .args(&names)
        .current_dir(&fetched)
        .status()
        .context("starting apt-get download")?;
    if !status.success() {
        bail!("apt-get download {}: {status}", names.join(" "));
    }
    for entry in fs::read_dir(&fetched)? {
        let package = entry?.path();
        if package.extension().is_some_and(|extension| extension == "deb") {
            run(Command::new("dpkg-deb").arg("-x").arg(&package).arg(&root))?;
        }
    }
    fs::remove_dir_all(&fetched).with_context(|| format!("removing {}", fetched.display()))?;
    Ok(root)
}

fn place_templates(root: &Path) -> anyhow::Result<()> {
    let folder = Path::new("/").join(TEMPLATES);
    for name in ["default.tmpl", "email.tmpl"] {
        let (from, to) = (root.join(TEMPLATES).join(name), folder.join(name));
        if from.exists() && !to.exists() {
            fs::create_dir_all(&folder)
                .with_context(|| format!("creating {} (needs root)", folder.display()))?;
            fs::copy(&from, &to)
                .with_context(|| format!("writing {} (needs root)", to.display()))?;
        }
    }
    Ok(())
}

fn write_starter(starter: &Path, root: &Path, program: &Program) -> anyhow::Result<()> {
    let libraries = fs::read_dir(root.join("usr/lib"))?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.to_string_lossy().ends_with("-linux-gnu"))
        .context("the packages hold no libraries")?;
    let script = format!(
        "#!/bin/sh\nLD_LIBRARY_PATH={libraries} ESPEAK_DATA_PATH={libraries}/espeak-ng-data exec {} \"$@\"\n",
        root.join(program.path).display(),
        libraries = libraries.display(),
    );
    fs::write(starter, script).with_context(|| format!("writing {}", starter.display()))?;
    run(Command::new("chmod").arg("755").arg(starter))
}
