//! Which artefact a deployed contract was compiled from.

use std::collections::HashMap;

use serde_json::Value;

use super::{AbiText, Files, file_name, json, stem};

/// The artefacts below a folder, by the name of their contract.
pub(super) struct Artefacts<'a> {
    files: &'a dyn Files,
    by_name: HashMap<String, Vec<String>>,
}

/// What an artefact tells about a contract.
pub(super) struct Artefact {
    pub(super) abi: AbiText,
    pub(super) layout: Option<String>,
}

/// Why no artefact was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NotFound {
    /// None has this name.
    Missing,
    /// Several have the name and none, or more than one, has the code.
    Ambiguous(Vec<String>),
    /// The only one cannot be used.
    Unreadable(String),
}

impl<'a> Artefacts<'a> {
    /// Lists `<folder>/…/<File>.sol/<Contract>.json`.
    pub(super) fn below(files: &'a dyn Files, folder: &str) -> Self {
        let mut by_name: HashMap<String, Vec<String>> = HashMap::new();
        for path in files.paths() {
            let Some(rest) = path.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/'))
            else {
                continue;
            };
            let parent = rest.rsplit_once('/').map_or("", |(parent, _)| parent);
            let is_source =
                file_name(parent).ends_with(".sol") || file_name(parent).ends_with(".vy");
            if is_source && rest.ends_with(".json") && !rest.ends_with(".dbg.json") {
                by_name.entry(stem(rest).to_owned()).or_default().push(path.to_owned());
            }
        }
        Self { files, by_name }
    }

    /// The artefact of a contract called `Vault` or `src/Vault.sol:Vault`. Where several share the
    /// name, the one whose creation code begins `init_code` is meant.
    pub(super) fn find(&self, name: &str, init_code: Option<&str>) -> Result<Artefact, NotFound> {
        let (source, name) = name.rsplit_once(':').map_or((None, name), |(s, n)| (Some(s), n));
        let mut paths: Vec<&String> =
            self.by_name.get(name).map(|paths| paths.iter().collect()).unwrap_or_default();
        if let Some(source) = source {
            let folder = format!("/{}/", file_name(source));
            paths.retain(|path| path.contains(&folder));
        }
        let mut readable: Vec<(&String, Value)> = Vec::new();
        let mut problem = None;
        for path in &paths {
            match json::parse(self.files, path) {
                Ok(value) if value.get("abi").is_some_and(Value::is_array) => {
                    readable.push((path, value));
                }
                Ok(_) => problem = Some(format!("{path}: has no \"abi\"")),
                Err(left) => problem = Some(left.to_string()),
            }
        }
        let matching: Vec<usize> = match init_code {
            Some(code) => (0..readable.len())
                .filter(|at| creation_code(&readable[*at].1).is_some_and(|own| begins(code, own)))
                .collect(),
            None => Vec::new(),
        };
        let chosen = match (readable.len(), matching.as_slice()) {
            (0, _) => return Err(problem.map_or(NotFound::Missing, NotFound::Unreadable)),
            (1, _) => 0,
            (_, [one]) => *one,
            // Copies of one source, as in several build profiles, say the same.
            (_, many) => {
                let among: Vec<usize> =
                    if many.is_empty() { (0..readable.len()).collect() } else { many.to_vec() };
                let abi_of = |at: &usize| readable[*at].1.get("abi");
                if among.iter().any(|at| abi_of(at) != abi_of(&among[0])) {
                    let paths = among.iter().map(|at| readable[*at].0.clone()).collect();
                    return Err(NotFound::Ambiguous(paths));
                }
                among[0]
            }
        };
        let (path, value) = &readable[chosen];
        Ok(Artefact {
            abi: AbiText { json: value["abi"].to_string(), from: (*path).clone() },
            layout: value.get("storageLayout").filter(|l| l.is_object()).map(Value::to_string),
        })
    }
}

impl NotFound {
    /// What to tell a person about it.
    pub(super) fn note(&self, folder: &str, build: &str) -> String {
        match self {
            Self::Missing => format!("no artefact in {folder}/ (run {build})"),
            Self::Ambiguous(paths) => format!(
                "several artefacts have this name and its code does not tell which: {}",
                paths.join(", ")
            ),
            Self::Unreadable(why) => format!("its artefact cannot be used: {why}"),
        }
    }
}

/// Creation code of an artefact of Foundry or Hardhat.
fn creation_code(artefact: &Value) -> Option<&str> {
    let bytecode = artefact.get("bytecode")?;
    bytecode.as_str().or_else(|| bytecode.get("object")?.as_str()).filter(|code| code.len() > 2)
}

/// Whether a transaction's input begins with this creation code. Only what stands before the first
/// address of a library, which the linker writes as `__$…$__`, can be compared.
fn begins(input: &str, code: &str) -> bool {
    let plain = |text: &str| text.trim_start_matches("0x").to_ascii_lowercase();
    let code = plain(code);
    let linked = code.find("__").map_or(code.as_str(), |at| &code[..at]);
    !linked.is_empty() && plain(input).starts_with(linked)
}
