//! Monitoring requirements as a section of a specification, each traceable to its threats.

use std::fmt::Write as _;

use model::Name;

use super::{Domain, RequiredEvent, Threat, ThreatMap};

impl ThreatMap {
    /// The section, in Markdown. Requirements have ids that stay the same while the files do:
    /// `E-` for events, `M-` for monitors, `P-` for plans, each followed by the name of the thing.
    pub fn markdown(&self) -> String {
        let mut out = String::new();
        let mut say = |line: &str| {
            out.push_str(line);
            out.push('\n');
        };
        say(&format!("## Monitoring requirements of {}\n", cell(&self.name)));
        say(
            "Written from the threat map. Each requirement names the threats that it meets; a threat that is rated high or \
             critical has a monitor, a plan and, where it happens on the chain, an event.\n",
        );
        for domain in Domain::ALL {
            let threats: Vec<&Threat> =
                self.worst_first().into_iter().filter(|threat| threat.domain == domain).collect();
            if threats.is_empty() {
                continue;
            }
            say(&format!("### Threats: {domain}\n"));
            say("| id | threat | likelihood | impact | rating | events | monitors | plans |");
            say("|---|---|---|---|---|---|---|---|");
            for threat in threats {
                say(&format!(
                    "| T-{} | {} | {} | {} {} | {} | {} | {} | {} |",
                    threat.id,
                    cell(&threat.title),
                    threat.likelihood,
                    grouped(threat.impact),
                    cell(&self.scale.currency),
                    self.rating(threat),
                    ids("E", &threat.events),
                    ids("M", &threat.monitors),
                    listed(threat.plans.iter().map(|plan| format!("P-{}", cell(plan)))),
                ));
            }
            say("");
        }
        if !self.events.is_empty() {
            say("### Events that contracts must emit\n");
            for event in &self.events {
                self.event(event, &mut say);
            }
        }
        say("### Monitors\n");
        say("| id | threats |");
        say("|---|---|");
        for monitor in &self.monitors {
            let threats = self.threats.iter().filter(|t| t.monitors.contains(monitor));
            let threats: Vec<Name> = threats.map(|t| t.id.clone()).collect();
            say(&format!("| M-{monitor} | {} |", ids("T", &threats)));
        }
        say("\n### Plans\n");
        say("| id | threats |");
        say("|---|---|");
        for plan in &self.plans {
            let threats = self.threats.iter().filter(|t| t.plans.contains(plan));
            let threats: Vec<Name> = threats.map(|t| t.id.clone()).collect();
            say(&format!("| P-{} | {} |", cell(plan), ids("T", &threats)));
        }
        out
    }

    fn event(&self, event: &RequiredEvent, say: &mut impl FnMut(&str)) {
        let threats: Vec<Name> = self
            .threats
            .iter()
            .filter(|threat| threat.events.contains(&event.id))
            .map(|threat| threat.id.clone())
            .collect();
        let on = event.on.iter().map(ToString::to_string);
        let planned = event.interfaces.iter().map(|(path, _)| cell(path));
        say(&format!("**E-{}** — {}\n", event.id, cell(&event.meaning)));
        say(&format!("```solidity\n{};\n```\n", event.shape));
        say(&format!("Emitted by {}. Meets {}.\n", listed(on.chain(planned)), ids("T", &threats)));
    }
}

fn ids(letter: &str, names: &[Name]) -> String {
    listed(names.iter().map(|name| format!("{letter}-{name}")))
}

fn listed(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.collect();
    if items.is_empty() { "none".to_owned() } else { items.join(", ") }
}

/// A text that cannot leave its cell of a table, nor become HTML.
fn cell(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '|' => out.push_str("\\|"),
            '<' => out.push_str("&lt;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out.trim().to_owned()
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.char_indices() {
        let is_border = at > 0 && (digits.len() - at).is_multiple_of(3);
        write!(out, "{}{digit}", if is_border { "," } else { "" })
            .expect("writing to a String cannot fail");
    }
    out
}
