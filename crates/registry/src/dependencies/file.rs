//! What was found, as a file to review.

use std::fmt::Write;

use alloy_primitives::U256;
use model::Name;

use super::{Dependency, Price, Standing};

/// The text of `dependencies/<network>.toml`: every dependency with, above it, why it is one.
pub fn proposal(network: &Name, found: &[(Dependency, Vec<String>)]) -> String {
    let mut text = format!(
        "# What our contracts on {network} rely on, as traces, getters and storage show it. Confirm each, or set\n\
         # ignore = \"why\" where it does not matter. exposure = \"1_000_000\" says in dollars what would be lost.\n"
    );
    for (one, why) in found {
        text.push('\n');
        for line in why {
            line_of(&mut text, format_args!("# {}", plain(line)));
        }
        entry(&mut text, one);
    }
    text
}

fn entry(text: &mut String, one: &Dependency) {
    let Dependency { label, network, address, kind, of, standing, .. } = one;
    line_of(text, format_args!("[[dependency]]"));
    line_of(text, format_args!("label = \"{label}\""));
    line_of(text, format_args!("network = \"{network}\""));
    line_of(text, format_args!("address = \"{address}\""));
    line_of(text, format_args!("kind = \"{kind}\""));
    if !of.is_empty() {
        line_of(text, format_args!("of = [{}]", names(of)));
    }
    if let Standing::Ignored { reason } = standing {
        line_of(text, format_args!("ignore = \"{}\"", plain(reason)));
    }
    if let Some(cents) = one.stated_cents {
        line_of(text, format_args!("exposure = \"{}\"", dollars(cents)));
    }
    if !one.covers.is_empty() {
        line_of(text, format_args!("covers = [{}]", names(&one.covers)));
    }
    if let Some(hash) = one.code_hash {
        line_of(text, format_args!("code_hash = \"{hash}\""));
    }
    if let Some(implementation) = one.implementation {
        line_of(text, format_args!("implementation = \"{implementation}\""));
    }
    if let Some(terms) = &one.token {
        let mut parts = vec![
            format!("symbol = \"{}\"", plain(&terms.symbol)),
            format!("decimals = {}", terms.decimals),
        ];
        parts.extend(terms.price.map(|price| format!("price = \"{}\"", price_text(price))));
        parts.extend(terms.priced_by.as_ref().map(|feed| format!("priced_by = \"{feed}\"")));
        parts.extend(terms.peg.map(|peg| format!("peg = \"{}\"", price_text(peg))));
        line_of(text, format_args!("token = {{ {} }}", parts.join(", ")));
    }
    if let Some(terms) = &one.feed {
        let mut parts = vec![format!("decimals = {}", terms.decimals)];
        parts.extend(terms.aggregator.map(|of| format!("aggregator = \"{of}\"")));
        parts.extend(terms.heartbeat_s.map(|s| format!("heartbeat = \"{s}s\"")));
        line_of(text, format_args!("feed = {{ {} }}", parts.join(", ")));
    }
    if let Some(terms) = &one.lending {
        let (interface, asset, receipt) = (terms.interface, &terms.asset, terms.receipt);
        line_of(
            text,
            format_args!(
                "lending = {{ interface = \"{interface}\", asset = \"{asset}\", receipt = \"{receipt}\" }}"
            ),
        );
    }
}

fn line_of(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("writing to a string cannot fail");
}

fn names(names: &[Name]) -> String {
    names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
}

/// Texts of contracts end up in a file that people trust: nothing of them may end a string or a
/// line.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() && !matches!(c, '"' | '\\')).take(160).collect()
}

fn dollars(cents: U256) -> String {
    let (whole, part) = (cents / U256::from(100), cents % U256::from(100));
    if part.is_zero() { whole.to_string() } else { format!("{whole}.{part:0>2}") }
}

fn price_text(price: Price) -> String {
    let one = Price::DOLLAR.0;
    let (whole, part) = (price.0 / one, price.0 % one);
    if part.is_zero() {
        return whole.to_string();
    }
    let digits = format!("{part:0>8}");
    format!("{whole}.{}", digits.trim_end_matches('0'))
}
