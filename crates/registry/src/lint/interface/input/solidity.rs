//! Declarations of Solidity: interfaces, contracts and libraries with their functions, events,
//! errors, structs, enums and value types; and single items, as in lists of signatures.
//!
//! Only what is written is read: functions that are inherited belong to the contract that declares
//! them, and getters of public variables are not declarations of functions. A compiler's output
//! holds both and is the better input where there is one.

use alloy_primitives::hex;
use rustc_hash::FxHashMap;

use super::{
    super::{CustomError, Event, Function, Infrastructure, Mutability, Param, Surface},
    lexer::{Token, tokens},
    types::{DEPTH_MAX, elementary},
};
use crate::lint::{LeftOut, Place};

/// A type as written, before names are resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Written {
    Elementary(String),
    Named(String),
    Tuple(Vec<Written>),
    Array(Box<Written>, String),
}

#[derive(Debug, Clone)]
struct WrittenParam {
    ty: Written,
    name: String,
    indexed: bool,
}

#[derive(Debug, Clone)]
enum Definition {
    Struct(Vec<Written>),
    Enum,
    Value(Written),
    Contract,
}

#[derive(Debug, Clone)]
enum Item {
    Function {
        inputs: Vec<WrittenParam>,
        outputs: Option<Vec<WrittenParam>>,
        mutability: Option<Mutability>,
        is_external: bool,
    },
    Event {
        params: Vec<WrittenParam>,
        is_anonymous: bool,
        is_split_known: bool,
    },
    Error {
        params: Vec<WrittenParam>,
    },
}

/// A contract, interface or library; or, with an empty name, what stands outside of all.
#[derive(Debug, Clone, Default)]
struct Block {
    name: String,
    items: Vec<(String, Item, u32)>,
    definitions: Vec<(String, Definition)>,
    faults: Vec<(String, u32)>,
}

/// All declarations of one text.
#[derive(Debug, Clone, Default)]
pub struct Declared {
    blocks: Vec<Block>,
}

/// Named types of all files that are read together, by name and by `Contract.Name`.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// `None` where two different contracts declare the same name.
    definitions: FxHashMap<String, Option<Definition>>,
}

impl Scope {
    /// The types that these declare.
    pub fn of<'a>(all: impl IntoIterator<Item = &'a Declared>) -> Self {
        let mut scope = Self::default();
        let mut plain: FxHashMap<String, usize> = FxHashMap::default();
        for block in all.into_iter().flat_map(|declared| &declared.blocks) {
            if !block.name.is_empty() {
                scope.definitions.insert(block.name.clone(), Some(Definition::Contract));
            }
            for (name, definition) in &block.definitions {
                *plain.entry(name.clone()).or_default() += 1;
                let is_only = plain[name] == 1;
                scope.definitions.insert(name.clone(), is_only.then(|| definition.clone()));
                let qualified = format!("{}.{name}", block.name);
                scope.definitions.insert(qualified, Some(definition.clone()));
            }
        }
        scope
    }

    fn find(&self, name: &str, inside: &str) -> Option<&Definition> {
        let local = format!("{inside}.{name}");
        let found = self.definitions.get(&local).or_else(|| self.definitions.get(name))?;
        found.as_ref()
    }

    fn canonical(&self, ty: &Written, inside: &str, depth: usize) -> Result<String, String> {
        if depth > DEPTH_MAX {
            return Err(format!("types nested deeper than {DEPTH_MAX}"));
        }
        let tuple = |parts: &[Written]| -> Result<String, String> {
            let parts: Result<Vec<String>, String> =
                parts.iter().map(|part| self.canonical(part, inside, depth + 1)).collect();
            let text = format!("({})", parts?.join(","));
            // Structs of structs of structs double with each level.
            if text.len() > TYPE_LEN_MAX {
                Err("a type too large to read".into())
            } else {
                Ok(text)
            }
        };
        match ty {
            Written::Elementary(name) => Ok(name.clone()),
            Written::Tuple(parts) => tuple(parts),
            Written::Array(of, length) => {
                Ok(format!("{}[{length}]", self.canonical(of, inside, depth + 1)?))
            }
            Written::Named(name) => match self.find(name, inside) {
                Some(Definition::Struct(parts)) => tuple(parts),
                Some(Definition::Enum) => Ok("uint8".to_owned()),
                Some(Definition::Contract) => Ok("address".to_owned()),
                Some(Definition::Value(base)) => self.canonical(base, inside, depth + 1),
                None => Err(format!("type {name} is declared nowhere, or in two ways")),
            },
        }
    }

    fn params(&self, params: &[WrittenParam], inside: &str) -> Result<Vec<Param>, String> {
        let param = |param: &WrittenParam| {
            let ty = self.canonical(&param.ty, inside, 0)?;
            Ok(Param { name: param.name.clone(), ty, indexed: param.indexed })
        };
        params.iter().map(param).collect()
    }
}

/// Longest canonical type that is built: a thousand fields.
const TYPE_LEN_MAX: usize = 16 * 1024;

/// Reads one line of a list: a signature, a human-readable ABI item, or either after its selector
/// (`0xa9059cbb: transfer(address,uint256)`). Empty lines and comments are nothing.
pub(super) fn item(
    line: &str,
    at: Option<u32>,
    scope: &Scope,
    surface: &mut Surface,
) -> Result<(), String> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') || line.starts_with("//") {
        return Ok(());
    }
    let (declared, rest) = declared_selector(line);
    let line_number = at.unwrap_or(1);
    let tokens = tokens(rest, line_number);
    let mut reader = Reader { tokens: &tokens, at: 0 };
    let (name, item) = reader.item()?;
    if reader.at < reader.tokens.len() {
        return Err(format!("{line:?} goes on where its declaration should end"));
    }
    let before = surface.functions.len();
    add(&name, &item, "", at, scope, surface)?;
    if let (Some(declared), Some(function)) = (declared, surface.functions.get(before))
        && declared != function.selector
    {
        let (is, said) = (hex::encode_prefixed(function.selector), hex::encode_prefixed(declared));
        let text = format!("{} has the selector {is}, the file says {said}", function.signature);
        surface.functions.truncate(before);
        return Err(text);
    }
    Ok(())
}

fn declared_selector(line: &str) -> (Option<[u8; 4]>, &str) {
    let digits = line.strip_prefix("0x").unwrap_or(line);
    let end = digits.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(digits.len());
    let (number, rest) = digits.split_at(end);
    let mut selector = [0; 4];
    let is_followed = rest.starts_with([':', ' ', '\t', ',', '=']);
    if end == 8 && is_followed && hex::decode_to_slice(number, &mut selector).is_ok() {
        (Some(selector), rest.trim_start_matches([':', ' ', '\t', ',', '=']))
    } else {
        (None, line)
    }
}

fn add(
    name: &str,
    item: &Item,
    inside: &str,
    line: Option<u32>,
    scope: &Scope,
    surface: &mut Surface,
) -> Result<(), String> {
    let named = |error: String| format!("{name}: {error}");
    let params = |written: &[WrittenParam]| scope.params(written, inside).map_err(named);
    match item {
        Item::Function { inputs, outputs, mutability, .. } => {
            let outputs = outputs.as_ref().map(|outputs| params(outputs)).transpose()?;
            let function = Function::new(name, params(inputs)?);
            surface.functions.push(Function { outputs, mutability: *mutability, line, ..function });
        }
        Item::Event { params: written, is_anonymous, is_split_known } => {
            let event = Event::new(name, params(written)?, *is_anonymous);
            surface.events.push(Event { line, is_split_known: *is_split_known, ..event });
        }
        Item::Error { params: written } => {
            let error = CustomError::new(name, &params(written)?);
            surface.errors.push(CustomError { line, ..error });
        }
    }
    Ok(())
}

impl Declared {
    /// Reads all declarations of a Solidity text; what is no declaration is passed over.
    pub fn read(text: &str) -> Self {
        let tokens = tokens(text, 1);
        let mut reader = Reader { tokens: &tokens, at: 0 };
        let mut outside = Block::default();
        let mut blocks = Vec::new();
        while let Some(token) = reader.peek() {
            match token {
                Token::Word("interface" | "contract" | "library") => {
                    reader.at += 1;
                    blocks.push(reader.block());
                }
                _ => reader.declaration(&mut outside),
            }
        }
        blocks.push(outside);
        Self { blocks }
    }

    /// One surface for each contract, interface and library.
    pub(super) fn surfaces(&self, file: &str, scope: &Scope, into: &mut Infrastructure) {
        for block in &self.blocks {
            let mut surface = Surface {
                name: block.name.clone(),
                file: file.to_owned(),
                is_contract: true,
                ..Surface::default()
            };
            let mut faults = block.faults.clone();
            for (name, item, line) in &block.items {
                let is_internal = matches!(item, Item::Function { is_external: false, .. });
                if is_internal {
                    continue;
                }
                let added = add(name, item, &block.name, Some(*line), scope, &mut surface);
                faults.extend(added.err().map(|reason| (reason, *line)));
            }
            for (reason, line) in faults {
                let mut place = Place::file(file);
                place.line = Some(line);
                place.contract = Some(block.name.clone()).filter(|name| !name.is_empty());
                into.left_out.push(LeftOut { place, reason });
            }
            if !surface.is_empty() {
                if surface.name.is_empty() {
                    surface.is_contract = false;
                    surface.name = super::Source { path: file, text: "" }.stem().to_owned();
                }
                into.surfaces.push(surface);
            }
        }
    }
}

/// Reads tokens one by one; `at` never goes back beyond what is undecided.
struct Reader<'t, 'a> {
    tokens: &'t [(Token<'a>, u32)],
    at: usize,
}

impl<'a> Reader<'_, 'a> {
    fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.at).map(|(token, _)| *token)
    }

    fn line(&self) -> u32 {
        self.tokens.get(self.at).or(self.tokens.last()).map_or(1, |(_, line)| *line)
    }

    fn take(&mut self, sign: char) -> bool {
        let is_there = self.peek() == Some(Token::Sign(sign));
        self.at += usize::from(is_there);
        is_there
    }

    fn word(&mut self) -> Option<&'a str> {
        match self.peek() {
            Some(Token::Word(word)) => {
                self.at += 1;
                Some(word)
            }
            _ => None,
        }
    }

    fn is_word(&self, word: &str) -> bool {
        self.peek() == Some(Token::Word(word))
    }

    /// Passes over a body or the end of a statement.
    fn skip(&mut self) {
        let mut depth = 0usize;
        while let Some(token) = self.peek() {
            match token {
                Token::Sign('{') => depth += 1,
                Token::Sign('}') => {
                    if depth == 0 {
                        return;
                    }
                    depth -= 1;
                    if depth == 0 {
                        self.at += 1;
                        return;
                    }
                }
                Token::Sign(';') if depth == 0 => {
                    self.at += 1;
                    return;
                }
                _ => {}
            }
            self.at += 1;
        }
    }

    /// Whether the head of the function at a token says that nobody outside can call it.
    fn is_internal_from(&self, at: usize) -> bool {
        let head = self.tokens[at..].iter().map(|(token, _)| token);
        head.take_while(|token| !matches!(token, Token::Sign('{' | ';')))
            .any(|token| matches!(token, Token::Word("internal" | "private")))
    }

    /// After `interface`, `contract` or `library`.
    fn block(&mut self) -> Block {
        let mut block =
            Block { name: self.word().unwrap_or_default().to_owned(), ..Block::default() };
        while self.peek().is_some() && !self.take('{') {
            self.at += 1;
        }
        while self.peek().is_some() && !self.take('}') {
            self.declaration(&mut block);
        }
        block
    }

    /// One declaration inside a block or outside of all.
    fn declaration(&mut self, block: &mut Block) {
        let (began, line) = (self.at, self.line());
        let is_item = ["function", "event", "error"].iter().any(|word| self.is_word(word));
        let next_is_name = matches!(self.tokens.get(self.at + 1), Some((Token::Word(_), _)));
        if is_item && next_is_name {
            match self.item() {
                Ok((name, item)) => block.items.push((name, item, line)),
                // What nobody outside can call may take what no signature can name.
                Err(_) if self.is_internal_from(began) => {}
                Err(reason) => block.faults.push((reason, line)),
            }
            // A body, if there is one; a fault is passed over whole.
            if self.at == began || self.tokens.get(self.at - 1) != Some(&(Token::Sign(';'), line)) {
                let was_ended = self.at > began && self.tokens[self.at - 1].0 == Token::Sign(';');
                if !was_ended {
                    self.skip();
                }
            }
            return;
        }
        match self.peek() {
            Some(Token::Word("struct")) => {
                self.at += 1;
                let name = self.word().unwrap_or_default().to_owned();
                let mut fields = Vec::new();
                let mut is_readable = self.take('{');
                while is_readable && !self.take('}') {
                    match self.ty(0) {
                        Ok(ty) => fields.push(ty),
                        Err(_) => is_readable = false,
                    }
                    is_readable &= self.word().is_some() && self.take(';');
                }
                if is_readable {
                    block.definitions.push((name, Definition::Struct(fields)));
                } else {
                    // A struct with a mapping has no place in a signature.
                    while self.peek().is_some() && !self.take('}') {
                        self.at += 1;
                    }
                }
            }
            Some(Token::Word("enum")) => {
                self.at += 1;
                let name = self.word().unwrap_or_default().to_owned();
                block.definitions.push((name, Definition::Enum));
                self.skip();
            }
            Some(Token::Word("type")) => {
                self.at += 1;
                let name = self.word().unwrap_or_default().to_owned();
                if self.is_word("is") {
                    self.at += 1;
                    if let Ok(ty) = self.ty(0) {
                        block.definitions.push((name, Definition::Value(ty)));
                    }
                }
                self.skip();
            }
            Some(Token::Word("interface" | "contract" | "library")) | None => self.at += 1,
            // `abstract` stands before `contract`, which is read next.
            Some(Token::Word("abstract")) => self.at += 1,
            Some(_) => {
                self.skip();
                if self.at == began {
                    self.at += 1;
                }
            }
        }
    }

    /// `function f(uint256 a) external view returns (bool);`, the same of events and errors, and a
    /// bare `f(uint256)`.
    fn item(&mut self) -> Result<(String, Item), String> {
        let first = self.word().ok_or("a name is missing")?;
        let is_keyword = matches!(first, "function" | "event" | "error")
            && matches!(self.peek(), Some(Token::Word(_)));
        let (kind, name) =
            if is_keyword { (first, self.word().unwrap_or_default()) } else { ("", first) };
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '$')
            && !name.contains('.');
        if !is_name {
            return Err(format!("{name:?} is no name"));
        }
        if !self.take('(') {
            return Err(format!("{name}: a list of arguments is missing"));
        }
        let params = self.params(0).map_err(|error| format!("{name}: {error}"))?;
        let mut words = Vec::new();
        let mut outputs = None;
        loop {
            match self.peek() {
                Some(Token::Word("returns")) => {
                    self.at += 1;
                    if !self.take('(') {
                        return Err(format!("{name}: returns without a list"));
                    }
                    outputs = Some(self.params(0).map_err(|error| format!("{name}: {error}"))?);
                }
                Some(Token::Word(word)) => {
                    words.push(word);
                    self.at += 1;
                    // A modifier's or override's arguments.
                    if kind == "function" && self.peek() == Some(Token::Sign('(')) {
                        self.parenthesis();
                    }
                }
                Some(Token::Sign(';')) => {
                    self.at += 1;
                    break;
                }
                _ => break,
            }
        }
        let has = |word: &str| words.contains(&word);
        let item = match kind {
            "event" => Item::Event { params, is_anonymous: has("anonymous"), is_split_known: true },
            "error" => Item::Error { params },
            _ => {
                // A bare signature says nothing of what it returns or may do.
                let is_declared = kind == "function";
                let mutability = [
                    ("pure", Mutability::Pure),
                    ("view", Mutability::View),
                    ("constant", Mutability::View),
                    ("payable", Mutability::Payable),
                ];
                let said = mutability.iter().find(|(word, _)| has(word)).map(|(_, kind)| *kind);
                Item::Function {
                    inputs: params,
                    outputs: outputs.or(is_declared.then(Vec::new)),
                    mutability: said.or(is_declared.then_some(Mutability::NonPayable)),
                    is_external: !is_declared || !(has("internal") || has("private")),
                }
            }
        };
        Ok((name.to_owned(), item))
    }

    fn parenthesis(&mut self) {
        let mut depth = 0usize;
        while let Some(token) = self.peek() {
            self.at += 1;
            match token {
                Token::Sign('(') => depth += 1,
                Token::Sign(')') => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return;
            }
        }
    }

    /// After the opening parenthesis, to the closing one.
    fn params(&mut self, depth: usize) -> Result<Vec<WrittenParam>, String> {
        let mut params = Vec::new();
        if self.take(')') {
            return Ok(params);
        }
        loop {
            let ty = self.ty(depth)?;
            let (mut indexed, mut name) = (false, String::new());
            while let Some(word) = self.word() {
                match word {
                    "indexed" => indexed = true,
                    "memory" | "calldata" | "payable" => {}
                    "storage" => return Err("an argument in storage has no canonical type".into()),
                    word => name = word.to_owned(),
                }
            }
            params.push(WrittenParam { ty, name, indexed });
            if self.take(')') {
                return Ok(params);
            }
            if !self.take(',') {
                return Err("an argument is followed by neither a comma nor the end".to_owned());
            }
        }
    }

    fn ty(&mut self, depth: usize) -> Result<Written, String> {
        if depth > DEPTH_MAX {
            return Err(format!("tuples nested deeper than {DEPTH_MAX}"));
        }
        if self.is_word("tuple")
            && self.tokens.get(self.at + 1).map(|t| t.0) == Some(Token::Sign('('))
        {
            self.at += 1;
        }
        let mut ty = if self.take('(') {
            let parts = self.params(depth + 1)?;
            Written::Tuple(parts.into_iter().map(|part| part.ty).collect())
        } else {
            let word = self.word().ok_or("a type is missing")?;
            match word {
                "mapping" => return Err("a mapping has no canonical type".into()),
                "function" if self.peek() == Some(Token::Sign('(')) => {
                    return Err("a function type has no canonical type here".into());
                }
                word => match elementary(word) {
                    Some(canonical) => Written::Elementary(canonical.into_owned()),
                    None => Written::Named(word.to_owned()),
                },
            }
        };
        while self.take('[') {
            let length = if self.take(']') {
                String::new()
            } else {
                let length = self.word().unwrap_or_default().replace('_', "");
                let is_number = !length.is_empty()
                    && !length.starts_with('0')
                    && length.bytes().all(|b| b.is_ascii_digit());
                if !is_number || !self.take(']') {
                    return Err("an array's length is not a plain number".to_owned());
                }
                length
            };
            ty = Written::Array(Box::new(ty), length);
        }
        Ok(ty)
    }
}
