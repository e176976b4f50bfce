//! The pages say what is so: their commands exist with the flags they show, their files are accepted.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use crate::world::{DEVNET, Project, Url, bellwether, workspace};

/// README, the pages of docs/ and those of detectors.
fn pages() -> BTreeMap<PathBuf, String> {
    let root = workspace();
    let mut pages = vec![root.join("README.md"), root.join("CONTRIBUTING.md")];
    let mut folders = vec![root.join("docs"), root.join("crates/detect/src/detectors")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.extension() {
                None if path.is_dir() => folders.push(path),
                Some(ending) if ending == "md" => pages.push(path),
                _ => {}
            }
        }
    }
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        (path.strip_prefix(&root).unwrap().to_owned(), text)
    };
    pages.into_iter().map(read).collect()
}

/// The blocks of a page that are written in this language.
fn blocks<'p>(page: &'p str, language: &str) -> Vec<&'p str> {
    let fence = format!("```{language}\n");
    page.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

/// Help texts, by the command's words joined with `-`. That they are those of the program is held
/// by the test of the commands.
fn help() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/help");
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let read = |path: PathBuf| {
        (path.file_stem().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(path).unwrap())
    };
    files.map(read).collect()
}

/// What is wrong with a command line, if something is.
fn mistake(line: &str, help: &BTreeMap<String, String>) -> Option<String> {
    let ends = [" | ", " > ", " && ", " # ", "; "];
    let line = ends.iter().fold(line, |line, end| line.split(end).next().unwrap_or(line));
    let words: Vec<&str> = line.split_whitespace().collect();
    let name = |count: usize| words[..count].join("-");
    let known = (1..=words.len()).rev().map(name).find(|name| help.contains_key(name));
    let Some(known) = known else { return Some("no such command".to_owned()) };
    let text = &help[&known];
    let is_group = text.contains("\nCommands:\n");
    let next = words.get(known_words(&known, &words));
    if is_group
        && next.is_some_and(|word| !word.starts_with('-'))
        && !text.contains("\nArguments:\n")
    {
        return Some(format!("{known} has no command {}", next.unwrap()));
    }
    let flags = words.iter().filter(|word| word.starts_with("--"));
    let flags = flags.map(|word| word.split('=').next().unwrap());
    let unknown: Vec<&str> = flags
        .filter(|flag| !text.split(|c: char| c.is_whitespace() || c == ',').any(|w| w == *flag))
        .collect();
    (!unknown.is_empty()).then(|| format!("{known} has no {}", unknown.join(", ")))
}

/// How many words name the command.
fn known_words(known: &str, words: &[&str]) -> usize {
    (1..=words.len()).find(|&count| words[..count].join("-") == known).unwrap_or(0)
}

#[test]
fn every_command_in_the_pages_exists_with_its_flags() {
    let (pages, help) = (pages(), help());
    let (mut wrong, mut checked) = (Vec::new(), 0);
    let mut check = |place: &str, line: &str| {
        let Some((before, command)) = line.split_once("bellwether ") else { return };
        // Variables may stand before it, other programs may not.
        let is_command =
            before.split_whitespace().all(|word| word.contains('=')) || before.ends_with("&& ");
        if is_command {
            checked += 1;
            wrong.extend(
                mistake(command, &help).map(|why| format!("{place}: {}: {why}", line.trim())),
            );
        }
    };
    for (path, page) in &pages {
        for line in blocks(page, "sh").iter().flat_map(|block| block.lines()) {
            check(&path.display().to_string(), line);
        }
    }
    for (name, text) in &help {
        let examples = text.split("\nExample").nth(1).unwrap_or_default();
        examples.lines().for_each(|line| check(name, line));
    }
    assert_eq!(wrong, [""; 0], "{wrong:#?}");
    assert!(checked > 60, "{checked} commands were looked at");
}

#[test]
fn the_files_that_the_pages_show_are_accepted() {
    for (path, page) in pages() {
        let files: Vec<(&str, &str)> = blocks(&page, "toml")
            .into_iter()
            .filter_map(|block| {
                let first = block.lines().next()?.strip_prefix("# ")?;
                first.ends_with(".toml").then_some((first.trim(), block))
            })
            .collect();
        // Those of one page belong to one folder, but for a plan, which is one by itself.
        let (plans, files): (Vec<_>, Vec<_>) =
            files.into_iter().partition(|(file, _)| file.ends_with("plan.toml"));
        if !files.is_empty() {
            let project = Project::meridian();
            let nobody = [Url { http: "http://127.0.0.1:1", ws: None }];
            project.network("devnet", DEVNET, &nobody).network("mainnet", MAINNET, &nobody);
            for (file, text) in &files {
                project.write(file, text);
                compiled(text).for_each(|artefact| _ = project.write(artefact, ARTEFACT));
            }
            accepted(&path, &project);
        }
        for (file, text) in plans {
            let project = Project::new();
            project.write(file, text).write("abis/vault.json", "[]");
            let gaps = bellwether().args(["threats", "gaps"]).arg(project.path()).output().unwrap();
            let said = String::from_utf8([gaps.stdout, gaps.stderr].concat()).unwrap();
            assert_eq!(gaps.status.code(), Some(1), "{}: {said}", path.display());
            assert!(said.contains("event-not-emitted"), "{said}");
        }
    }
}

/// A network that the pages speak of.
const MAINNET: &str = "chain_id = 1\nfinality = \"finalized\"\n";

/// What `forge build` would have left where a file names it.
const ARTEFACT: &str = r#"{
    "abi": [
        { "type": "event", "name": "PoolCreated", "inputs": [{ "name": "pool", "type": "address", "indexed": true }] },
        { "type": "event", "name": "Swapped", "inputs": [{ "name": "amount", "type": "uint256", "indexed": false }] }
    ],
    "bytecode": { "object": "0x6001600a600c6001600a60003960016000f300" },
    "deployedBytecode": { "object": "0x00" }
}"#;

fn compiled(text: &str) -> impl Iterator<Item = &str> {
    text.split('"').filter(|word| word.starts_with("out/") && word.ends_with(".json"))
}

fn accepted(page: &Path, project: &Project) {
    let checked = bellwether().arg("check").arg(project.path()).output().unwrap();
    let said = String::from_utf8([checked.stdout, checked.stderr].concat()).unwrap();
    assert_eq!(checked.status.code(), Some(0), "{}: {said}", page.display());
}
