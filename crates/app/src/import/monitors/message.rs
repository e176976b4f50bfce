//! Message templates of other monitors, as `say` of ours.

use registry::Param;

/// A template and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template {
    pub(crate) text: String,
    pub(crate) flavour: Flavour,
}

/// How a template marks its variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flavour {
    /// `${transaction.hash}`
    Dollar,
    /// `{{ transaction.transactionHash }}`
    Mustache,
}

/// What a message is about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct About<'a> {
    /// Name of the rule.
    pub(crate) rule: &'a str,
    /// Signature of the event or function; `None` for a transaction.
    pub(crate) signature: Option<&'a str>,
    /// Whether it is an event.
    pub(crate) is_event: bool,
    /// Parameters as their ABI has them.
    pub(crate) params: &'a [Param],
}

/// Longest message of ours; a longer one is cut there anyway.
const SAY_LEN_MAX: usize = 4 * 1024;

/// The template in our language, with what had to be left out.
///
/// # Errors
/// The variable that cannot be said.
pub(crate) fn say(template: &Template, about: About<'_>) -> Result<(String, Vec<String>), String> {
    let (open, close) = match template.flavour {
        Flavour::Dollar => ("${", "}"),
        Flavour::Mustache => ("{{", "}}"),
    };
    let mut said = String::new();
    let mut left_out = Vec::new();
    let mut rest = template.text.as_str();
    while let Some(start) = rest.find(open) {
        push_words(&mut said, &rest[..start]);
        let inner = &rest[start + open.len()..];
        let Some(end) = inner.find(close) else {
            return Err(format!("`{open}` is never closed"));
        };
        let name = inner[..end].trim_matches(['{', '}', ' ', '&']);
        match variable(name, about) {
            Some(Value::Words(words)) => push_words(&mut said, &words),
            Some(Value::Code(code)) => said.push_str(&format!("{{{{ {code} }}}}")),
            Some(Value::Facts) => left_out.push(name.to_owned()),
            None => return Err(format!("`{name}` has no counterpart")),
        }
        rest = inner[end + close.len()..].trim_start_matches('}');
    }
    push_words(&mut said, rest);
    let said = said.trim().to_owned();
    if said.is_empty() {
        return Err("nothing of it can be said".to_owned());
    }
    if said.len() > SAY_LEN_MAX {
        return Err(format!("it is longer than {SAY_LEN_MAX} bytes"));
    }
    Ok((said, left_out))
}

enum Value {
    Words(String),
    /// An expression, perhaps with a filter.
    Code(String),
    /// What our findings show by themselves.
    Facts,
}

/// Text outside of variables, on one line, with our own marks escaped.
fn push_words(said: &mut String, words: &str) {
    let mut was_space = said.ends_with(' ');
    let words = words.replace("{{", "{ {").replace("}}", "} }");
    for c in words.chars() {
        let is_space = c.is_whitespace() || c.is_control();
        if !(is_space && was_space) {
            said.push(if is_space { ' ' } else { c });
        }
        was_space = is_space;
    }
}

fn variable(name: &str, about: About<'_>) -> Option<Value> {
    let code = |code: &str| Some(Value::Code(code.to_owned()));
    match name {
        "monitor.name" | "monitor_name" => return Some(Value::Words(about.rule.to_owned())),
        "transaction.hash" | "transaction_hash" | "transaction.transactionHash" => {
            return code("tx.hash");
        }
        "transaction.from" | "transaction_from" => return code("tx.from | label"),
        "transaction.to" | "transaction_to" => return code("tx.to | label"),
        "transaction.value" | "transaction_value" | "value" => return code("tx.value"),
        "blockHash" => return code("block.hash"),
        "blockNumber" => return code("block.number"),
        "events" | "functions" | "matchReasonsFormatted" | "matchReasons" | "transaction.link" => {
            return Some(Value::Facts);
        }
        _ => {}
    }
    // v0.1 wrote function_0_amount for functions.0.args.amount.
    let old = name.strip_prefix("event_").map(|rest| ("events", rest));
    let old = old.or_else(|| Some(("functions", name.strip_prefix("function_")?)));
    let old = old.and_then(|(list, rest)| {
        let (number, field) = rest.split_once('_')?;
        let field = if field == "signature" { field.to_owned() } else { format!("args.{field}") };
        Some(format!("{list}.{number}.{field}"))
    });
    let path = old.as_deref().unwrap_or(name);
    let (list, rest) = path.split_once('.')?;
    let (number, field) = rest.split_once('.')?;
    // Findings of ours are about one event or call, which is their first.
    let is_this = number == "0" && (list == "events") == about.is_event;
    let signature =
        about.signature.filter(|_| is_this && matches!(list, "events" | "functions"))?;
    if field == "signature" {
        return Some(Value::Words(signature.to_owned()));
    }
    let param = field.strip_prefix("args.")?;
    let position = about.params.iter().position(|known| known.name == param)?;
    Some(Value::Code(format!("${position}")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop at once")]

    use super::*;
    use registry::EventAbi;

    fn told(flavour: Flavour, text: &str) -> Result<(String, Vec<String>), String> {
        let event =
            EventAbi::parse("Transfer(address indexed from, address indexed to, uint256 value)");
        let event = event.unwrap();
        let about = About {
            rule: "Large",
            signature: Some(&event.signature),
            is_event: true,
            params: &event.params,
        };
        say(&Template { text: text.to_owned(), flavour }, about)
    }

    #[test]
    fn variables_are_said_in_our_language() {
        let dollar = |text| told(Flavour::Dollar, text);
        assert_eq!(
            dollar(
                "${monitor.name}: ${events.0.args.value} from\n ${events.0.args.from}, ${transaction.hash} ${events}"
            ),
            Ok(("Large: {{ $2 }} from {{ $0 }}, {{ tx.hash }}".into(), vec!["events".into()]))
        );
        assert_eq!(dollar("${event_0_value} {{x}}").unwrap().0, "{{ $2 }} { {x} }");
        assert_eq!(dollar("${events.0.signature}").unwrap().0, "Transfer(address,address,uint256)");
        assert_eq!(
            dollar("${functions.0.args.value}"),
            Err("`functions.0.args.value` has no counterpart".into())
        );
        assert_eq!(
            dollar("${events.1.args.value}"),
            Err("`events.1.args.value` has no counterpart".into())
        );
        assert_eq!(dollar("${open"), Err("`${` is never closed".into()));
        let mustache = |text| told(Flavour::Mustache, text);
        assert_eq!(
            mustache("{{ monitor.name }} in {{{ transaction.transactionHash }}}").unwrap().0,
            "Large in {{ tx.hash }}"
        );
        assert_eq!(mustache("{{ metadata.x }}"), Err("`metadata.x` has no counterpart".into()));
    }
}
