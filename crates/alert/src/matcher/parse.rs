//! Matchers as people write them: `name op value`, several of them separated by commas, in braces
//! or not. Names and values may be in double quotes, and must be where they hold special characters.

use std::{iter::Peekable, str::CharIndices, str::FromStr};

use super::{Matcher, Op, REGEX_LEN_MAX, quoted};

/// Matchers in one list.
const MATCHERS_MAX: usize = 64;

/// Why a text is not a matcher.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MatcherError {
    /// Something else was expected.
    #[error("matcher {text:?}: {expected} expected at position {at}")]
    Unexpected {
        /// The whole text.
        text: String,
        /// What should stand there.
        expected: &'static str,
        /// Byte position, counted from 0.
        at: usize,
    },
    /// The value of `=~` or `!~` is no regular expression.
    #[error("{value:?} is not a regular expression: {why}")]
    Regex {
        /// As written.
        value: String,
        /// What is wrong with it.
        why: String,
    },
    /// Longer than anybody could check.
    #[error("a regular expression of {len} bytes; at most {REGEX_LEN_MAX} are read")]
    RegexTooLong {
        /// Bytes.
        len: usize,
    },
    /// More than one list may hold.
    #[error("more than {MATCHERS_MAX} matchers in one list")]
    TooMany,
}

impl FromStr for Matcher {
    type Err = MatcherError;
    fn from_str(text: &str) -> Result<Self, MatcherError> {
        let mut reader = Reader::new(text);
        let matcher = reader.matcher()?;
        reader.end()?;
        Ok(matcher)
    }
}

impl Matcher {
    /// Reads `a=b, c=~"d|e"`, in braces or not; nothing at all is an empty list.
    pub fn list(text: &str) -> Result<Vec<Self>, MatcherError> {
        let mut reader = Reader::new(text);
        let in_braces = reader.take('{');
        let mut list = Vec::new();
        loop {
            if in_braces && reader.take('}') {
                break;
            }
            if reader.is_at_end() && !in_braces {
                break;
            }
            if list.len() == MATCHERS_MAX {
                return Err(MatcherError::TooMany);
            }
            list.push(reader.matcher()?);
            if reader.take(',') {
                continue;
            }
            if in_braces && !reader.take('}') {
                return Err(reader.expected("',' or '}'"));
            }
            break;
        }
        reader.end()?;
        Ok(list)
    }
}

/// A name as it must be written.
pub(super) fn written(name: &str) -> String {
    if name.is_empty() || name.chars().any(is_special) { quoted(name) } else { name.to_owned() }
}

fn is_special(c: char) -> bool {
    c.is_whitespace() || c.is_control() || "{}!=~,\\\"'`".contains(c)
}

struct Reader<'a> {
    text: &'a str,
    rest: Peekable<CharIndices<'a>>,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, rest: text.char_indices().peekable() }
    }

    fn skip_blanks(&mut self) {
        while self.rest.next_if(|(_, c)| c.is_whitespace()).is_some() {}
    }

    fn take(&mut self, wanted: char) -> bool {
        self.skip_blanks();
        self.rest.next_if(|(_, c)| *c == wanted).is_some()
    }

    fn is_at_end(&mut self) -> bool {
        self.skip_blanks();
        self.rest.peek().is_none()
    }

    fn end(&mut self) -> Result<(), MatcherError> {
        if self.is_at_end() { Ok(()) } else { Err(self.expected("the end")) }
    }

    fn expected(&mut self, expected: &'static str) -> MatcherError {
        let at = self.rest.peek().map_or(self.text.len(), |(at, _)| *at);
        MatcherError::Unexpected { text: self.text.to_owned(), expected, at }
    }

    fn matcher(&mut self) -> Result<Matcher, MatcherError> {
        let label = self.word("the name of a label", is_special)?;
        let op = if self.take('=') {
            if self.rest.next_if(|(_, c)| *c == '~').is_some() { Op::Like } else { Op::Equal }
        } else if self.take('!') {
            match self.rest.next_if(|(_, c)| matches!(c, '=' | '~')) {
                Some((_, '=')) => Op::NotEqual,
                Some(_) => Op::NotLike,
                None => return Err(self.expected("'=' or '~'")),
            }
        } else {
            return Err(self.expected("one of =, !=, =~, !~"));
        };
        let ends_value = |c: char| c.is_whitespace() || "{},\"".contains(c);
        let value = self.word("a value", ends_value)?;
        Matcher::new(&label, op, &value)
    }

    /// Quoted, or up to the first character that ends it.
    fn word(
        &mut self,
        what: &'static str,
        ends: impl Fn(char) -> bool,
    ) -> Result<String, MatcherError> {
        if self.take('"') {
            return self.quoted();
        }
        let mut word = String::new();
        while let Some((_, c)) = self.rest.next_if(|(_, c)| !ends(*c)) {
            word.push(c);
        }
        if word.is_empty() { Err(self.expected(what)) } else { Ok(word) }
    }

    /// After the opening quote. A backslash that escapes nothing stands for itself, so that regular
    /// expressions need not double theirs.
    fn quoted(&mut self) -> Result<String, MatcherError> {
        let mut text = String::new();
        while let Some((_, c)) = self.rest.next() {
            match c {
                '"' => return Ok(text),
                '\\' => match self.rest.next_if(|(_, c)| matches!(c, '"' | '\\' | 'n')) {
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, escaped)) => text.push(escaped),
                    None => text.push('\\'),
                },
                plain => text.push(plain),
            }
        }
        Err(self.expected("a closing quote"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn lists_are_read_with_and_without_braces() {
        let read = |text: &str| {
            let list = Matcher::list(text).unwrap();
            list.iter().map(ToString::to_string).collect::<Vec<_>>().join(" & ")
        };
        assert_eq!(read(""), "");
        assert_eq!(read("{}"), "");
        assert_eq!(
            read(r#"{ protocol = acme, class=~"a|b", }"#),
            r#"protocol="acme" & class=~"a|b""#
        );
        assert_eq!(read(r#"a!=b,c!~"d\.e""#), r#"a!="b" & c!~"d\\.e""#);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_position() {
        let mut said = String::new();
        for text in [
            "",
            "protocol",
            "protocol!x",
            "a=",
            "a=\"b",
            "a=b c=d",
            "{a=b",
            "a=~\"(\"",
            "a=~\"b)|(c\"",
        ] {
            let error = Matcher::list(text).and_then(|list| match list.is_empty() {
                true => text.parse::<Matcher>().map(|_| ()),
                false => Ok(()),
            });
            said += &format!("{text:<12} {}\n", error.unwrap_err());
        }
        expect![[r#"
                         matcher "": the name of a label expected at position 0
            protocol     matcher "protocol": one of =, !=, =~, !~ expected at position 8
            protocol!x   matcher "protocol!x": '=' or '~' expected at position 9
            a=           matcher "a=": a value expected at position 2
            a="b         matcher "a=\"b": a closing quote expected at position 4
            a=b c=d      matcher "a=b c=d": the end expected at position 4
            {a=b         matcher "{a=b": ',' or '}' expected at position 4
            a=~"("       "(" is not a regular expression: unclosed group
            a=~"b)|(c"   "b)|(c" is not a regular expression: unopened group
        "#]]
        .assert_eq(&said);
    }
}
