//! What the compiler does not check: which crate may see which, what pure crates must not link, what
//! the whole is licensed under, and whether the README's commands exist.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop at once")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

use serde_json::Value;

/// Longest source that a person still reads whole.
const LINES_MAX: usize = 600;

/// The same for tests, which are read one at a time and hold long answers.
const TEST_LINES_MAX: usize = 1_100;

/// Who may depend on whom among our own crates. Dependencies for tests count as well.
const DIRECTIONS: &[(&str, &[&str])] = &[
    ("bellwether-model", &[]),
    ("bellwether-registry", &["bellwether-model"]),
    ("bellwether-chain", &["bellwether-model", "bellwether-registry"]),
    ("bellwether-evm", &["bellwether-model", "bellwether-registry"]),
    ("bellwether-detect", &["bellwether-model", "bellwether-registry"]),
    ("bellwether-alert", &["bellwether-model"]),
    ("bellwether-store", &["bellwether-model"]),
    ("bellwether-voice", &["bellwether-model"]),
    (
        "bellwether",
        &[
            "bellwether-model",
            "bellwether-registry",
            "bellwether-chain",
            "bellwether-evm",
            "bellwether-detect",
            "bellwether-alert",
            "bellwether-store",
            "bellwether-voice",
        ],
    ),
    ("xtask", &[]),
];

/// Crates that decide: no clock, no network, no disk, no runtime.
const PURE: &[&str] =
    &["bellwether-model", "bellwether-registry", "bellwether-detect", "bellwether-alert"];

/// What would let a pure crate reach the world, anywhere in what it links.
const WORLDLY: &[&str] =
    &["tokio", "mio", "reqwest", "hyper", "rusqlite", "axum", "lettre", "socket2"];

/// The workspace and all that it links, as cargo sees it.
static METADATA: LazyLock<Value> = LazyLock::new(|| {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "cargo metadata: {said}");
    serde_json::from_slice(&output.stdout).unwrap()
});

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn packages() -> &'static Vec<Value> {
    METADATA["packages"].as_array().unwrap()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("{key} of {value}"))
}

/// Our own packages, by name.
fn members() -> BTreeMap<&'static str, &'static Value> {
    let ids: BTreeSet<&str> = METADATA["workspace_members"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let own = packages().iter().filter(|package| ids.contains(text(package, "id")));
    own.map(|package| (text(package, "name"), package)).collect()
}

/// Source files of the repository, by path relative to its root.
fn sources(below: &[&str], ending: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = below.iter().map(|folder| root().join(folder)).collect();
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries.map(Result::unwrap) {
            let path = entry.path();
            let name = entry.file_name();
            if path.is_dir() {
                if name != "target" && name != "node_modules" {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|e| e == ending) {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(root()).unwrap().to_owned(), text));
            }
        }
    }
    assert!(!found.is_empty(), "no .{ending} below {below:?}");
    found.sort();
    found
}

#[test]
fn crates_see_only_what_lies_below_them() {
    let members = members();
    let known: BTreeSet<&str> = DIRECTIONS.iter().map(|(name, _)| *name).collect();
    let declared: BTreeSet<&str> = members.keys().copied().collect();
    assert_eq!(declared, known, "a new crate has its place in the directions");
    for (name, allowed) in DIRECTIONS {
        for dependency in members[name]["dependencies"].as_array().unwrap() {
            let to = text(dependency, "name");
            let is_ours = members.contains_key(to);
            assert!(!is_ours || allowed.contains(&to), "{name} must not depend on {to}");
        }
    }
}

/// Ids of the packages that one links, itself included: not what only its tests and build scripts
/// use.
fn linked_by(start: &'static str) -> BTreeSet<&'static str> {
    let nodes: BTreeMap<&str, &Value> = METADATA["resolve"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| (text(node, "id"), node))
        .collect();
    let mut seen = BTreeSet::from([start]);
    let mut waiting = vec![start];
    while let Some(id) = waiting.pop() {
        for dependency in nodes[id]["deps"].as_array().unwrap() {
            let kinds = dependency["dep_kinds"].as_array().unwrap();
            let is_linked = kinds.iter().any(|kind| kind["kind"].is_null());
            let to = text(dependency, "pkg");
            if is_linked && seen.insert(to) {
                waiting.push(to);
            }
        }
    }
    seen
}

#[test]
fn pure_crates_link_nothing_that_reaches_the_world() {
    let names: BTreeMap<&str, &str> =
        packages().iter().map(|package| (text(package, "id"), text(package, "name"))).collect();
    for pure in PURE {
        let linked = linked_by(text(members()[pure], "id"));
        assert!(linked.len() > 5, "{pure} links {} packages", linked.len());
        let worldly: Vec<&str> =
            linked.iter().map(|id| names[id]).filter(|name| WORLDLY.contains(name)).collect();
        assert!(worldly.is_empty(), "{pure} links {worldly:?}");
    }
}

#[test]
fn pure_crates_read_no_clock_no_file_and_no_environment() {
    let folders: Vec<String> =
        PURE.iter().map(|name| format!("crates/{}/src", &name["bellwether-".len()..])).collect();
    let folders: Vec<&str> = folders.iter().map(String::as_str).collect();
    const WORLD: &[&str] = &[
        "SystemTime",
        "Instant::now",
        "std::fs",
        "std::env",
        "std::net",
        "std::process",
        "std::thread",
        "std::io",
        "env::var",
        "File::open",
    ];
    for (path, source) in sources(&folders, "rs") {
        // Tests at the end of a file may read fixtures.
        let product = source.split("#[cfg(test)]").next().unwrap();
        let is_test = path.components().any(|part| part.as_os_str() == "tests")
            || path.file_name().is_some_and(|name| name == "tests.rs");
        for (at, line) in product.lines().enumerate().filter(|_| !is_test) {
            let code = line.split("//").next().unwrap();
            for word in WORLD {
                assert!(!code.contains(word), "{}:{}: {word}", path.display(), at + 1);
            }
        }
    }
}

#[test]
fn nothing_is_left_for_later_in_the_sources() {
    // In pieces, or this file would find itself.
    let words = [
        ["TO", "DO"].concat(),
        ["FIX", "ME"].concat(),
        ["XX", "X:"].concat(),
        ["todo", "!("].concat(),
        ["unimplemented", "!("].concat(),
    ];
    for (path, source) in sources(&["crates", "xtask"], "rs") {
        for (at, line) in source.lines().enumerate() {
            for word in &words {
                assert!(!line.contains(word.as_str()), "{}:{}: {word}", path.display(), at + 1);
            }
        }
    }
}

#[test]
fn no_source_is_longer_than_a_person_reads() {
    let lines_max = |path: &Path| {
        let is_test = path.components().any(|part| part.as_os_str() == "tests");
        if is_test { TEST_LINES_MAX } else { LINES_MAX }
    };
    let long: Vec<String> = sources(&["crates", "xtask"], "rs")
        .into_iter()
        .filter(|(path, source)| source.lines().count() > lines_max(path))
        .map(|(path, source)| format!("{}: {} lines", path.display(), source.lines().count()))
        .collect();
    assert!(long.is_empty(), "split by subject: {long:#?}");
}

#[test]
fn modules_say_what_they_are_for() {
    for (path, source) in sources(&["crates"], "rs") {
        let is_entrance = ["lib.rs", "main.rs", "mod.rs"]
            .iter()
            .any(|name| path.file_name().is_some_and(|file| file == *name));
        if is_entrance && source.lines().count() > 20 {
            let first = source.lines().next().unwrap_or_default();
            assert!(first.starts_with("//!"), "{} begins with {first:?}", path.display());
        }
    }
}

/// The licences that `deny.toml` allows.
fn allowed_licences() -> BTreeSet<String> {
    let text = fs::read_to_string(root().join("deny.toml")).unwrap();
    let table: toml::Table = toml::from_str(&text).unwrap();
    let allow = table["licenses"]["allow"].as_array().unwrap();
    allow.iter().map(|licence| licence.as_str().unwrap().to_owned()).collect()
}

/// Whether an SPDX expression can be satisfied with what is allowed. `/` is how old manifests write
/// `OR`.
fn is_satisfied(expression: &str, allowed: &BTreeSet<String>) -> bool {
    if expression.is_empty() {
        return false;
    }
    let expression = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = expression.split_whitespace().collect();
    let mut at = 0;
    let satisfied = either(&words, &mut at, allowed);
    assert_eq!(at, words.len(), "{expression}");
    satisfied
}

fn either(words: &[&str], at: &mut usize, allowed: &BTreeSet<String>) -> bool {
    let mut satisfied = both(words, at, allowed);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        satisfied |= both(words, at, allowed);
    }
    satisfied
}

fn both(words: &[&str], at: &mut usize, allowed: &BTreeSet<String>) -> bool {
    let mut satisfied = one(words, at, allowed);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        satisfied &= one(words, at, allowed);
    }
    satisfied
}

fn one(words: &[&str], at: &mut usize, allowed: &BTreeSet<String>) -> bool {
    if words[*at] == "(" {
        *at += 1;
        let satisfied = either(words, at, allowed);
        assert_eq!(words[*at], ")");
        *at += 1;
        return satisfied;
    }
    let mut licence = words[*at].to_owned();
    *at += 1;
    if words.get(*at) == Some(&"WITH") {
        licence = format!("{licence} WITH {}", words[*at + 1]);
        *at += 2;
    }
    allowed.contains(&licence)
}

#[test]
fn licence_expressions_are_read_as_spdx_means_them() {
    let allowed = BTreeSet::from(["MIT".to_owned(), "Apache-2.0 WITH LLVM-exception".to_owned()]);
    for (expression, expected) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("MIT OR GPL-3.0", true),
        ("MIT/Apache-2.0", true),
        ("MIT AND GPL-3.0", false),
        ("GPL-3.0 AND MIT OR MIT", true),
        ("(GPL-3.0 OR MIT) AND Apache-2.0 WITH LLVM-exception", true),
        ("Apache-2.0", false),
    ] {
        assert_eq!(is_satisfied(expression, &allowed), expected, "{expression}");
    }
}

#[test]
fn everything_that_is_used_has_a_permissive_licence() {
    let allowed = allowed_licences();
    // `cargo metadata` also lists what only a feature that is off would bring.
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--workspace", "--locked", "--offline", "--target", "all"])
        .args(["--edges", "all", "--prefix", "none", "--format", "{p}|{l}"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let listed = String::from_utf8(output.stdout).unwrap();
    let used: BTreeSet<(&str, &str)> = listed
        .lines()
        .filter_map(|line| line.trim_end_matches(" (*)").split_once('|'))
        .map(|(package, licence)| (package, licence.trim()))
        .collect();
    let wrong: Vec<_> =
        used.iter().filter(|(_, licence)| !is_satisfied(licence, &allowed)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let names: BTreeSet<&str> =
        used.iter().filter_map(|(package, _)| package.split_whitespace().next()).collect();
    assert!(names.len() > 100 && names.contains("rustls"), "{names:?}");
    assert!(!names.contains("openssl-sys") && !names.contains("aws-lc-sys"), "one TLS provider");
}

/// Lines of the shell blocks of a document that call our program or cargo.
fn commands_in(document: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join(document)).unwrap();
    let mut found = Vec::new();
    for block in text.split("```").skip(1).step_by(2) {
        let (language, body) = block.split_once('\n').unwrap_or(("", block));
        if matches!(language.trim(), "sh" | "bash" | "console" | "shell" | "") {
            let lines = body.lines().map(|line| line.trim_start_matches("$ ").trim());
            found.extend(lines.filter(|l| !l.starts_with('#')).map(str::to_owned));
        }
    }
    found
}

#[test]
fn commands_of_the_documents_exist() {
    let mut checked = 0;
    for document in ["README.md", "CONTRIBUTING.md"] {
        if !root().join(document).is_file() {
            continue;
        }
        for line in commands_in(document) {
            let line = line.split('#').next().unwrap();
            let words: Vec<&str> = line.split_whitespace().collect();
            let ours = words.iter().position(|word| {
                *word == "bellwether" || word.ends_with("/bellwether") || *word == "--"
            });
            let is_cargo_run = line.contains("cargo run");
            let Some(at) = ours.filter(|at| words[*at] != "--" || is_cargo_run) else { continue };
            let rest: Vec<&str> =
                words[at + 1..].iter().copied().take_while(|w| !"|&;>".contains(&w[..1])).collect();
            let Some((command, flags)) = rest.split_first() else { continue };
            if command.starts_with('-') {
                continue;
            }
            let help = Command::new(env!("CARGO_BIN_EXE_bellwether"))
                .args([command, "--help"])
                .output()
                .unwrap();
            assert!(help.status.success(), "{document}: {line}: there is no command {command}");
            let help = String::from_utf8(help.stdout).unwrap();
            for flag in flags.iter().filter(|flag| flag.starts_with("--")) {
                let flag = flag.split('=').next().unwrap();
                assert!(help.contains(flag), "{document}: {line}: {command} has no {flag}");
            }
            checked += 1;
        }
    }
    assert!(checked > 0 || !root().join("README.md").is_file(), "the README shows our commands");
}

#[test]
fn every_adr_and_document_that_is_linked_is_there() {
    for document in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"] {
        let Ok(text) = fs::read_to_string(root().join(document)) else { continue };
        for part in text.split("](").skip(1) {
            let target = part.split([')', '#']).next().unwrap();
            if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            assert!(
                root().join(target).exists(),
                "{document} links to {target}, which is not there"
            );
        }
    }
}
