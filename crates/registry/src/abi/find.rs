//! From the words of a user's file to one event or function; and when that fails, to the words the
//! user probably meant.

use std::{fmt, sync::Arc};

use alloy_json_abi::AbiItem;

use super::{EventAbi, FunctionAbi, Param, item};

/// Why a text does not name exactly one event or function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FindError {
    /// Neither a name nor a signature.
    Malformed {
        /// `event` or `function`.
        kind: &'static str,
        /// The text as written.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// There is none.
    Unknown {
        /// `event` or `function`.
        kind: &'static str,
        /// The text as written.
        text: String,
        /// The one that is spelled most like it, if any is close.
        nearest: Option<String>,
        /// All there are, as in the source.
        known: Vec<String>,
    },
    /// There is more than one.
    Ambiguous {
        /// `event` or `function`.
        kind: &'static str,
        /// The text as written.
        text: String,
        /// Those that fit, as in the source: any of them can be written instead.
        candidates: Vec<String>,
    },
}

/// Longest list of names in a message.
const KNOWN_SHOWN_MAX: usize = 12;

impl fmt::Display for FindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { kind, text, reason } => {
                let article = if *kind == EventAbi::KIND { "an" } else { "a" };
                write!(f, "{text:?} is not the name or signature of {article} {kind}: {reason}")?;
                f.write_str("; write it like Transfer or Transfer(address,address,uint256)")
            }
            Self::Unknown { kind, text, nearest: Some(nearest), .. } => {
                write!(f, "no {kind} {text:?}; did you mean {nearest}?")
            }
            Self::Unknown { kind, text, nearest: None, known } if known.is_empty() => {
                write!(f, "no {kind} {text:?}: the ABI has no {kind}s")
            }
            Self::Unknown { kind, text, nearest: None, known } => {
                let shown = known.iter().take(KNOWN_SHOWN_MAX).cloned().collect::<Vec<_>>();
                write!(f, "no {kind} {text:?}; the ABI has {}", shown.join(", "))?;
                match known.len().saturating_sub(KNOWN_SHOWN_MAX) {
                    0 => Ok(()),
                    more => write!(f, " and {more} more"),
                }
            }
            Self::Ambiguous { kind, text, candidates } => write!(
                f,
                "{kind} {text:?} could be any of {}; write one of these in full",
                candidates.join(" | ")
            ),
        }
    }
}

impl std::error::Error for FindError {}

/// What events and functions have in common when they are looked for.
trait Named: fmt::Display {
    const KIND: &'static str;
    fn name(&self) -> &str;
    fn signature(&self) -> &str;
    fn params(&self) -> &[Param];
}

impl Named for EventAbi {
    const KIND: &'static str = "event";
    fn name(&self) -> &str {
        &self.name
    }
    fn signature(&self) -> &str {
        &self.signature
    }
    fn params(&self) -> &[Param] {
        &self.params
    }
}

impl Named for FunctionAbi {
    const KIND: &'static str = "function";
    fn name(&self) -> &str {
        &self.name
    }
    fn signature(&self) -> &str {
        &self.signature
    }
    fn params(&self) -> &[Param] {
        &self.inputs
    }
}

pub(super) fn event<'a>(
    events: &'a [Arc<EventAbi>],
    text: &str,
) -> Result<&'a Arc<EventAbi>, FindError> {
    find(events, text, |text| Ok(EventAbi::parse(text)?.params.clone()))
}

pub(super) fn function<'a>(
    functions: &'a [Arc<FunctionAbi>],
    text: &str,
) -> Result<&'a Arc<FunctionAbi>, FindError> {
    find(functions, text, |text| {
        check_shape(text)?;
        let parsed = alloy_json_abi::Function::parse(text).map_err(|error| one_line(&error))?;
        Ok(FunctionAbi::resolve(&(&parsed).into())?.inputs.clone())
    })
}

fn find<'a, T: Named>(
    items: &'a [Arc<T>],
    text: &str,
    parse: impl Fn(&str) -> Result<Vec<Param>, String>,
) -> Result<&'a Arc<T>, FindError> {
    let kind = T::KIND;
    let malformed = |reason: String| FindError::Malformed { kind, text: text.to_owned(), reason };
    let plain = text.trim().trim_end_matches(';').trim_end();
    let plain = plain.strip_prefix(kind).filter(|rest| rest.starts_with(' ')).unwrap_or(plain);
    let plain = plain.trim_start();
    let name = plain.split('(').next().unwrap_or_default().trim_end();
    if name.is_empty() || name.contains(|c: char| c.is_whitespace() || ",)[]".contains(c)) {
        return Err(malformed("a name is missing".to_owned()));
    }
    let mut fitting: Vec<&Arc<T>> = items.iter().filter(|item| item.name() == name).collect();
    if plain.contains('(') {
        let wanted = parse(plain).map_err(malformed)?;
        let signature = item::signature(name, &wanted);
        let has_indexed = wanted.iter().any(|param| param.indexed);
        let same_split = |item: &T| {
            let flags = |params: &[Param]| params.iter().map(|p| p.indexed).collect::<Vec<_>>();
            flags(item.params()) == flags(&wanted)
        };
        fitting.retain(|item| item.signature() == signature && (!has_indexed || same_split(item)));
    }
    match fitting[..] {
        [one] => Ok(one),
        [] => {
            let known: Vec<String> = items.iter().map(ToString::to_string).collect();
            let nearest = nearest(items, name, plain);
            Err(FindError::Unknown { kind, text: text.to_owned(), nearest, known })
        }
        _ => {
            let candidates = fitting.iter().map(ToString::to_string).collect();
            Err(FindError::Ambiguous { kind, text: text.to_owned(), candidates })
        }
    }
}

/// How alike two names must be (Jaro–Winkler, 0 to 1) to be taken for a slip of the finger.
const LIKENESS_MIN: f64 = 0.8;

fn nearest<T: Named>(items: &[Arc<T>], name: &str, text: &str) -> Option<String> {
    let likeness = |item: &T| {
        let by_name = strsim::jaro_winkler(&item.name().to_lowercase(), &name.to_lowercase());
        // Among overloads of the right name, the one with the most similar arguments.
        (by_name, strsim::jaro_winkler(item.signature(), text))
    };
    items
        .iter()
        .map(|item| (likeness(item), item))
        .filter(|((by_name, _), _)| *by_name >= LIKENESS_MIN)
        .max_by(|(a, _), (b, _)| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal))
        .map(|(_, item)| item.to_string())
}

/// Longest signature that is read: thirty arguments with long names.
const TEXT_LEN_MAX: usize = 2048;

/// Deepest nesting of tuples that is read; the compiler's own output stays below ten.
const DEPTH_MAX: usize = 16;

/// The parser recurses with each parenthesis, so their number has to be limited before it starts.
fn check_shape(text: &str) -> Result<(), String> {
    if text.len() > TEXT_LEN_MAX {
        return Err(format!("longer than {TEXT_LEN_MAX} bytes"));
    }
    let mut depth = 0usize;
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEPTH_MAX {
            return Err(format!("nested deeper than {DEPTH_MAX}"));
        }
    }
    Ok(())
}

pub(super) fn parse_event(text: &str) -> Result<alloy_json_abi::Event, String> {
    check_shape(text)?;
    alloy_json_abi::Event::parse(text).map_err(|error| one_line(&error))
}

pub(super) fn parse_item(text: &str) -> Result<AbiItem<'static>, String> {
    check_shape(text)?;
    AbiItem::parse(text).map_err(|error| one_line(&error))
}

/// The parser draws the text with a caret over several lines and says last what it wanted; our
/// messages quote the text themselves.
fn one_line(error: &dyn fmt::Display) -> String {
    let text = error.to_string();
    text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("unreadable").to_owned()
}
