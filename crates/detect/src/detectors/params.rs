//! What a monitor may set: a schema per detector, checked with all mistakes at once.

use std::collections::BTreeMap;

use registry::Category;

/// Settings of a monitor as its file has them: names and plain texts. Several words are separated by
/// commas.
pub type Params = BTreeMap<String, String>;

/// What a parameter may be, with its default.
#[derive(Debug, Clone, Copy)]
pub enum ParamKind {
    /// A number between two bounds, both allowed.
    Number {
        /// Default.
        default: f64,
        /// Smallest.
        min: f64,
        /// Largest.
        max: f64,
    },
    /// A whole number between two bounds, both allowed.
    Integer {
        /// Default.
        default: u64,
        /// Smallest.
        min: u64,
        /// Largest.
        max: u64,
    },
    /// Yes or no.
    Flag {
        /// Default.
        default: bool,
    },
    /// Several words of the user's vocabulary.
    Words {
        /// Default.
        default: &'static [&'static str],
    },
    /// A text in one piece: a sentence, a name.
    Text {
        /// Default.
        default: &'static str,
    },
    /// Categories of labels: named ones, or sets of the user's.
    Categories {
        /// Default, as words.
        default: &'static [&'static str],
    },
}

/// One parameter of a detector.
#[derive(Debug, Clone, Copy)]
pub struct ParamSpec {
    /// Name in the monitor's file, with its unit last.
    pub name: &'static str,
    /// What it may be.
    pub kind: ParamKind,
    /// What it does, in one sentence.
    pub doc: &'static str,
}

#[derive(Debug, Clone, PartialEq)]
enum Setting {
    Number(f64),
    Integer(u64),
    Flag(bool),
    Text(String),
    Words(Vec<String>),
    Categories(Vec<Category>),
}

/// Checked settings: every parameter of the schema has a value of its kind.
#[derive(Debug, Clone)]
pub struct Settings(BTreeMap<&'static str, Setting>);

impl Settings {
    /// Checks what a monitor sets against a detector's schema.
    ///
    /// # Errors
    /// All mistakes at once, each naming the parameter, its value and what is allowed.
    pub fn check(schema: &'static [ParamSpec], params: &Params) -> Result<Self, Vec<String>> {
        let mut mistakes = Vec::new();
        let mut settings = BTreeMap::new();
        for name in params.keys() {
            if !schema.iter().any(|spec| spec.name == name) {
                let names: Vec<&str> = schema.iter().map(|spec| spec.name).collect();
                mistakes.push(unknown("parameter", name, &names));
            }
        }
        for spec in schema {
            match params.get(spec.name) {
                None => drop(settings.insert(spec.name, spec.kind.default_setting())),
                Some(value) => match spec.read(value) {
                    Some(setting) => drop(settings.insert(spec.name, setting)),
                    None => mistakes.push(format!(
                        "parameter {:?} is {value:?}, allowed is {}",
                        spec.name,
                        spec.allowed()
                    )),
                },
            }
        }
        if mistakes.is_empty() { Ok(Self(settings)) } else { Err(mistakes) }
    }

    /// A number.
    ///
    /// # Panics
    /// When the schema has no such number, which every detector's tests would show.
    pub fn number(&self, name: &str) -> f64 {
        match self.0.get(name) {
            Some(Setting::Number(value)) => *value,
            _ => panic!("the schema has no number {name}"),
        }
    }

    /// A whole number.
    ///
    /// # Panics
    /// When the schema has no such number, which every detector's tests would show.
    pub fn integer(&self, name: &str) -> u64 {
        match self.0.get(name) {
            Some(Setting::Integer(value)) => *value,
            _ => panic!("the schema has no whole number {name}"),
        }
    }

    /// A yes or no.
    ///
    /// # Panics
    /// When the schema has no such flag, which every detector's tests would show.
    pub fn flag(&self, name: &str) -> bool {
        match self.0.get(name) {
            Some(Setting::Flag(value)) => *value,
            _ => panic!("the schema has no flag {name}"),
        }
    }

    /// A text in one piece.
    ///
    /// # Panics
    /// When the schema has no such text, which every detector's tests would show.
    pub fn text(&self, name: &str) -> &str {
        match self.0.get(name) {
            Some(Setting::Text(text)) => text,
            _ => panic!("the schema has no text {name}"),
        }
    }

    /// Words.
    ///
    /// # Panics
    /// When the schema has no such words, which every detector's tests would show.
    pub fn words(&self, name: &str) -> &[String] {
        match self.0.get(name) {
            Some(Setting::Words(words)) => words,
            _ => panic!("the schema has no words {name}"),
        }
    }

    /// Categories of labels.
    ///
    /// # Panics
    /// When the schema has no such categories, which every detector's tests would show.
    pub fn categories(&self, name: &str) -> &[Category] {
        match self.0.get(name) {
            Some(Setting::Categories(categories)) => categories,
            _ => panic!("the schema has no categories {name}"),
        }
    }
}

impl ParamKind {
    fn default_setting(&self) -> Setting {
        match *self {
            Self::Number { default, .. } => Setting::Number(default),
            Self::Integer { default, .. } => Setting::Integer(default),
            Self::Flag { default } => Setting::Flag(default),
            Self::Text { default } => Setting::Text(default.to_owned()),
            Self::Words { default } => {
                Setting::Words(default.iter().map(|word| (*word).to_owned()).collect())
            }
            Self::Categories { default } => Setting::Categories(
                default
                    .iter()
                    .map(|word| {
                        word.parse().expect("a schema's words are slugs, which a test reads")
                    })
                    .collect(),
            ),
        }
    }
}

impl ParamSpec {
    fn read(&self, text: &str) -> Option<Setting> {
        let text = text.trim();
        match self.kind {
            ParamKind::Number { min, max, .. } => {
                let value = match text.strip_suffix('%') {
                    Some(percent) => percent.trim_end().parse::<f64>().ok()? / 100.0,
                    None => text.parse().ok()?,
                };
                (value >= min && value <= max).then_some(Setting::Number(value))
            }
            ParamKind::Integer { min, max, .. } => {
                let is_time = self.name.ends_with("_s") || self.name.contains("_s_");
                let value = if is_time { seconds(text)? } else { text.parse().ok()? };
                (min..=max).contains(&value).then_some(Setting::Integer(value))
            }
            ParamKind::Flag { .. } => text.parse().ok().map(Setting::Flag),
            ParamKind::Text { .. } => Some(Setting::Text(text.to_owned())),
            ParamKind::Words { .. } => {
                Some(Setting::Words(separated(text).map(str::to_owned).collect()))
            }
            // A word that is no category would be left out in silence, and nothing found by it.
            ParamKind::Categories { .. } => {
                let categories = separated(text).map(str::parse).collect::<Result<_, _>>();
                categories.ok().map(Setting::Categories)
            }
        }
    }

    /// What is allowed, in words.
    pub fn allowed(&self) -> String {
        let is_time = self.name.ends_with("_s") || self.name.contains("_s_");
        match self.kind {
            ParamKind::Number { min, max, .. } => {
                format!("a number from {min} to {max} (25% is 0.25)")
            }
            ParamKind::Integer { min, max, .. } if is_time => {
                format!("a time from {min} to {max} seconds (90, 90s, 5m, 2h, 7d)")
            }
            ParamKind::Integer { min, max, .. } => format!("a whole number from {min} to {max}"),
            ParamKind::Flag { .. } => "true or false".to_owned(),
            ParamKind::Text { .. } => "a text".to_owned(),
            ParamKind::Words { .. } => "words separated by commas".to_owned(),
            ParamKind::Categories { .. } => {
                let named = Category::NAMED.map(|category| category.as_str().to_owned());
                format!(
                    "categories separated by commas: {}, or the name of a set",
                    named.join(", ")
                )
            }
        }
    }
}

fn separated(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|word| !word.is_empty())
}

/// `90`, `90s`, `5m`, `2h` or `7d` in seconds.
fn seconds(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit_s = match text[digits.len()..].trim() {
        "" | "s" => 1,
        "m" | "min" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    digits.trim_end().parse::<u64>().ok()?.checked_mul(unit_s)
}

/// "unknown X "y"; did you mean "z"? (one of: …)".
pub(crate) fn unknown(what: &str, word: &str, known: &[&str]) -> String {
    let nearest = known
        .iter()
        .map(|k| (strsim::damerau_levenshtein(word, k), *k))
        .filter(|(distance, k)| *distance <= (k.len() / 3).max(2))
        .min_by_key(|(distance, _)| *distance);
    let hint = nearest.map_or_else(String::new, |(_, k)| format!("; did you mean {k:?}?"));
    if known.is_empty() {
        return format!("unknown {what} {word:?}{hint} (there are none)");
    }
    format!("unknown {what} {word:?}{hint} (one of: {})", known.join(", "))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    const SCHEMA: &[ParamSpec] = &[
        ParamSpec {
            name: "page_share",
            kind: ParamKind::Number { default: 0.25, min: 0.0, max: 1.0 },
            doc: "",
        },
        ParamSpec {
            name: "depth_blocks",
            kind: ParamKind::Integer { default: 3, min: 1, max: 100 },
            doc: "",
        },
        ParamSpec {
            name: "grace_s",
            kind: ParamKind::Integer { default: 90, min: 0, max: 86_400 },
            doc: "",
        },
        ParamSpec {
            name: "categories",
            kind: ParamKind::Categories { default: &["mixer"] },
            doc: "",
        },
        ParamSpec { name: "tokens", kind: ParamKind::Words { default: &[] }, doc: "" },
    ];

    fn params(entries: &[(&str, &str)]) -> Params {
        entries.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let params = params(&[
            ("page_shar", "0.1"),
            ("page_share", "25"),
            ("depth_blocks", "three"),
            ("grace_s", "5 weeks"),
            ("categories", "mixer, Deployers!"),
        ]);
        let mistakes = Settings::check(SCHEMA, &params).unwrap_err().join("\n");
        expect![[r#"
            unknown parameter "page_shar"; did you mean "page_share"? (one of: page_share, depth_blocks, grace_s, categories, tokens)
            parameter "page_share" is "25", allowed is a number from 0 to 1 (25% is 0.25)
            parameter "depth_blocks" is "three", allowed is a whole number from 1 to 100
            parameter "grace_s" is "5 weeks", allowed is a time from 0 to 86400 seconds (90, 90s, 5m, 2h, 7d)
            parameter "categories" is "mixer, Deployers!", allowed is categories separated by commas: exploiter, mixer, sanctioned, phishing, scam, exchange, bridge, benign, or the name of a set"#]]
        .assert_eq(&mistakes);
    }

    #[test]
    fn what_is_not_set_has_its_default() {
        let settings = Settings::check(SCHEMA, &params(&[("page_share", "1")])).unwrap();
        assert_eq!(settings.number("page_share"), 1.0);
        assert_eq!(settings.integer("depth_blocks"), 3);
        assert_eq!(settings.categories("categories"), [Category::Mixer]);
        let written = [
            ("categories", "scam, a"),
            ("tokens", "a, b"),
            ("page_share", "12.5%"),
            ("grace_s", "2h"),
        ];
        let settings = Settings::check(SCHEMA, &params(&written)).unwrap();
        assert_eq!(settings.number("page_share"), 0.125);
        assert_eq!(settings.integer("grace_s"), 7_200);
        assert_eq!(settings.categories("categories"), [Category::Scam, "a".parse().unwrap()]);
        assert_eq!(settings.words("tokens"), ["a", "b"]);
    }

    #[test]
    fn every_detector_has_defaults_that_can_be_read() {
        for detector in crate::detectors::ALL {
            Settings::check(detector.spec().params, &Params::new()).unwrap();
        }
    }
}
