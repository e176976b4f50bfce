//! What a deployment's file says ahead of the chain: `planned`, `children`, `lifecycle`.

use std::sync::Arc;

use model::{Address, B256, Name};
use registry::{
    ChildSource, ChildTemplate, Class, ContractAbi, ExpectedCode, Planned, Recipe, lifecycle,
    planned::{BuiltCode, init_code_hash},
};

use super::{
    deployment::{Abis, abi, token_unit},
    folder::Surroundings,
    table::{Collector, Located, Table},
};

/// What a deployment's file says ahead of the chain.
#[derive(Default)]
pub(super) struct Ahead {
    pub(super) planned: Option<Planned>,
    pub(super) children: Option<ChildTemplate>,
    pub(super) end: Option<lifecycle::Declared>,
}

/// A plan, and whether nothing is wrong with it: what follows from a mistake is not told as another.
pub(super) struct ReadPlan {
    pub(super) planned: Planned,
    is_sound: bool,
}

/// Reads `planned = { … }`.
pub(super) fn planned(
    table: &Table<'_>,
    around: &dyn Surroundings,
    out: &Collector,
) -> Option<ReadPlan> {
    let table = table.table("planned")?;
    let before = out.count();
    let recipe = recipe(&table, around);
    let sender = table.address("sender").map(|sender| sender.value);
    let hash = word(&table, "code_hash");
    let built = table.text("code").and_then(|path| read(&table, &path, "code", around));
    let built = built.and_then(|(path, text)| match BuiltCode::from_artefact(&text) {
        Ok(built) => Some(built),
        Err(why) => {
            table.mistake(path.span, format!("code {:?}: {why}", path.value));
            None
        }
    });
    if let (Some(hash), Some(_)) = (&hash, &built) {
        table.mistake(hash.span.clone(), "code_hash and code say the same; write one of them");
    }
    table.finish();
    let code = match (hash, built) {
        (Some(hash), _) => ExpectedCode::Hash(hash.value),
        (None, Some(built)) => ExpectedCode::Built(Box::new(built)),
        (None, None) => ExpectedCode::Unstated,
    };
    let planned = Planned { recipe, sender, code };
    Some(ReadPlan { planned, is_sound: out.count() == before })
}

fn recipe(table: &Table<'_>, around: &dyn Surroundings) -> Option<Recipe> {
    let creator = table.address("creator");
    let nonce = table.integer("nonce");
    let factory = table.address("factory");
    let salt = word(table, "salt");
    let init_code = init_code(table, around);
    let is_create = table.has("creator") || table.has("nonce");
    let is_create2 = ["factory", "salt", "init_code", "init_code_hash"].map(|key| table.has(key));
    let is_create2 = is_create2.contains(&true);
    let missing = |key: &str, form: &str| {
        if !table.has(key) {
            table.mistake(table.span(), format!("{key} is missing; {form}"));
        }
    };
    if is_create && is_create2 {
        table.mistake(
            table.span(),
            "creator and nonce are for CREATE, factory, salt and init_code for CREATE2; write one or the other",
        );
        return None;
    }
    if is_create {
        let form = "CREATE needs creator = \"0x…\" and nonce = 7";
        missing("creator", form);
        missing("nonce", form);
        return Some(Recipe::Create { creator: creator?.value, nonce: nonce?.value });
    }
    if is_create2 {
        let form = "CREATE2 needs factory = \"0x…\", salt = \"0x…\" and init_code_hash = \"0x…\" or init_code = \"out/Vault.json\"";
        missing("factory", form);
        missing("salt", form);
        if !table.has("init_code_hash") {
            missing("init_code", form);
        }
        let (creator, salt) = (factory?.value, salt?.value);
        return Some(Recipe::Create2 { creator, salt, init_code_hash: init_code? });
    }
    None
}

/// `init_code_hash`, or the hash of `init_code` with `arguments`.
fn init_code(table: &Table<'_>, around: &dyn Surroundings) -> Option<B256> {
    let hash = word(table, "init_code_hash");
    let arguments = table.parsed("arguments", bytes);
    let file = table.text("init_code").and_then(|path| read(table, &path, "init_code", around));
    match (hash, file) {
        (Some(hash), Some(_)) => {
            let both = "init_code_hash and init_code say the same; write one of them";
            table.mistake(hash.span, both);
            None
        }
        (Some(hash), None) => {
            if let Some(arguments) = arguments {
                let message = "arguments go with init_code; a hash includes them already";
                table.mistake(arguments.span, message);
            }
            Some(hash.value)
        }
        (None, Some((path, text))) => {
            let arguments = arguments.map(|arguments| arguments.value).unwrap_or_default();
            init_code_hash(&text, &arguments)
                .map_err(|why| {
                    table.mistake(path.span, format!("init_code {:?}: {why}", path.value));
                })
                .ok()
        }
        (None, None) => None,
    }
}

/// Reads the table `[children]` of a factory.
pub(super) fn children(
    table: &Table<'_>,
    label: Option<&Name>,
    own: &[Arc<ContractAbi>],
    around: &dyn Surroundings,
    abis: &mut Abis,
) -> Option<ChildTemplate> {
    let table = table.table("children")?;
    let prefix = match (table.name("label"), label) {
        (Some(prefix), _) => Some(prefix.value),
        (None, label) => label.filter(|_| !table.has("label")).cloned(),
    };
    let class = table.word::<Class>("class").map_or(Class::Contract, |class| class.value);
    let mut parts = Vec::new();
    let paths = table.texts("abi");
    for path in &paths {
        match abi(&path.value, around, abis) {
            Ok(part) => parts.push(part),
            Err(why) => table.mistake(path.span.clone(), format!("abi {:?}: {why}", path.value)),
        }
    }
    if paths.is_empty() {
        table.mistake(
            table.span(),
            "abi is missing; the children's ABI, such as \"abis/pool.json\"",
        );
    }
    let token = table.table("token").and_then(token_unit);
    let event = table.text("event");
    let argument = table.text("argument");
    let source = match (event, argument) {
        (None, None) => Some(ChildSource::Frames),
        (Some(event), Some(argument)) => told_by(&table, &event, &argument, own),
        (Some(at), None) | (None, Some(at)) => {
            table.mistake(
                at.span,
                "event and argument go together: the factory's event and its argument that is the child's address",
            );
            None
        }
    };
    table.finish();
    let abi = match parts.as_slice() {
        [one] => one.clone(),
        many => Arc::new(ContractAbi::merged(many.iter().map(AsRef::as_ref))),
    };
    let abi_known = !paths.is_empty();
    Some(ChildTemplate { prefix: prefix?, class, abi, abi_known, token, source: source? })
}

/// The factory's event that tells its children's addresses.
fn told_by(
    table: &Table<'_>,
    event: &Located<String>,
    argument: &Located<String>,
    own: &[Arc<ContractAbi>],
) -> Option<ChildSource> {
    let own = ContractAbi::merged(own.iter().map(AsRef::as_ref));
    let found = match own.find_event(&event.value) {
        Ok(found) if found.topic0.is_some() => found.clone(),
        Ok(_) => {
            table.mistake(event.span.clone(), "event: an anonymous event cannot tell of children");
            return None;
        }
        Err(why) => {
            table.mistake(event.span.clone(), format!("event: {why}"));
            return None;
        }
    };
    let is_address = |param: &registry::Param| param.type_name() == "address";
    let place = found.params.iter().position(|p| p.name == argument.value && is_address(p));
    if place.is_none() {
        let addresses = found.params.iter().filter(|param| is_address(param));
        let addresses: Vec<&str> = addresses.map(|param| param.name.as_str()).collect();
        table.mistake_help(
            argument.span.clone(),
            format!("argument: {} has no address {:?}", found.signature, argument.value),
            format!("its addresses: {}", addresses.join(", ")),
        );
    }
    Some(ChildSource::Event { event: found, argument: place? })
}

/// Reads `lifecycle = "deprecated"`.
pub(super) fn end(table: &Table<'_>) -> Option<lifecycle::Declared> {
    table.word("lifecycle").map(|end| end.value)
}

/// The address of a deployment: as written, as its plan says, or both if they agree.
pub(super) fn address(table: &Table<'_>, plan: Option<&ReadPlan>) -> Option<Address> {
    let written = table.address("address");
    let predicted = plan.and_then(|plan| plan.planned.recipe).map(|recipe| recipe.address());
    match (written, predicted) {
        (Some(written), Some(predicted)) if written.value != predicted => {
            table.mistake_help(
                written.span,
                format!("address is {}, but the plan creates {predicted}", written.value),
                "leave the address out, or correct the plan",
            );
            None
        }
        (written, predicted) => {
            if !table.has("address") && predicted.is_none() && !table.has("planned") {
                table.mistake(
                    table.span(),
                    "address is missing; it must be an address (0x and 40 hex digits)",
                );
            } else if !table.has("address")
                && plan.is_some_and(|p| p.is_sound && p.planned.recipe.is_none())
            {
                table.mistake(
                    table.span(),
                    "address is missing, and the plan does not say enough to compute it",
                );
            }
            written.map(|written| written.value).or(predicted)
        }
    }
}

fn read(
    table: &Table<'_>,
    path: &Located<String>,
    key: &str,
    around: &dyn Surroundings,
) -> Option<(Located<String>, String)> {
    match around.read(&path.value) {
        Ok(text) => Some((path.clone(), text)),
        Err(why) => {
            let message = format!("{key} {:?}: cannot be read: {why}", path.value);
            table.mistake(path.span.clone(), message);
            None
        }
    }
}

fn word(table: &Table<'_>, key: &'static str) -> Option<Located<B256>> {
    table.parsed(key, |text| {
        text.parse::<B256>()
            .ok()
            .filter(|_| text.starts_with("0x"))
            .ok_or_else(|| format!("{text:?} is not a word (0x and 64 hex digits)"))
    })
}

fn bytes(text: &str) -> Result<Vec<u8>, String> {
    let digits = text.strip_prefix("0x");
    let wrong = || format!("{text:?} is not hexadecimal (0x and pairs of hex digits)");
    hex::decode(digits.ok_or_else(wrong)?).map_err(|_| wrong())
}
