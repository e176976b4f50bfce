//! The draft as the texts of our files.

use std::fmt::Write as _;

use model::Name;

use super::draft::{Draft, Monitor, Network, Receiver, Subject};
use crate::import::Import;

impl Draft {
    /// The files, in the order a person would read them, and the report.
    pub(crate) fn finish(mut self) -> Import {
        let mut files = Vec::new();
        if !self.existing.has_general {
            files.push(("bellwether.toml".to_owned(), format!("name = {}\n", text(&self.name))));
        }
        for new in &self.networks {
            files.push((format!("networks/{}.toml", new.name), network(new)));
        }
        for guarded in self.deployments.iter().filter(|g| !g.abi_files.is_empty()) {
            let d = &guarded.deployment;
            let abi = match guarded.abi_files.as_slice() {
                [one] => text(one),
                many => list(many.iter().map(String::as_str)),
            };
            let lines = format!(
                "network = {}\naddress = \"{}\"\nabi = {abi}\nclass = \"{}\"\n",
                text(d.network.as_str()),
                d.address,
                d.class,
            );
            files.push((format!("deployments/{}.toml", d.label), lines));
        }
        files.extend(std::mem::take(&mut self.abis));
        let mut written: Vec<&Name> = Vec::new();
        for first in &self.monitors {
            if written.contains(&&first.file) {
                continue;
            }
            written.push(&first.file);
            let folder = if first.is_paused { "monitors/paused" } else { "monitors" };
            let mut lines = comment(&first.origin);
            let of_file = self.monitors.iter().filter(|m| m.file == first.file);
            for (at, one) in of_file.enumerate() {
                if at > 0 {
                    lines.push('\n');
                }
                lines.push_str(&monitor(one));
            }
            files.push((format!("{folder}/{}.toml", first.file), lines));
        }
        let routes = routes(&self.receivers, &self.monitors);
        let is_new = !self.monitors.is_empty();
        if self.existing.has_routes && !is_new {
            return Import { files, report: self.report };
        }
        if self.existing.has_routes {
            self.report.ask(
                "routes.toml was there and stays as it is: what routes.imported.toml says has to be put into it by hand",
            );
            files.push(("routes.imported.toml".to_owned(), routes));
        } else {
            files.push(("routes.toml".to_owned(), routes));
        }
        Import { files, report: self.report }
    }
}

fn network(network: &Network) -> String {
    let mut lines = format!("chain_id = {}\n", network.chain_id);
    if let Some(finality) = &network.finality {
        let _ = writeln!(lines, "finality = {}", text(finality));
    }
    if let Some(start) = network.start {
        let _ = writeln!(lines, "start = \"block {start}\"");
    }
    for (at, variable) in network.endpoints.iter().enumerate() {
        let _ = write!(
            lines,
            "\n[[endpoint]]\nname = \"endpoint-{}\"\nurl = {{ env = {} }}\n",
            at + 1,
            text(variable)
        );
    }
    lines
}

fn monitor(monitor: &Monitor) -> String {
    let mut lines = String::new();
    for note in &monitor.notes {
        lines.push_str(&comment(note));
    }
    let _ = writeln!(lines, "[[monitor]]\nname = {}", text(monitor.name.as_str()));
    if !monitor.on.is_empty() {
        let _ = writeln!(lines, "on = {}", list(monitor.on.iter().map(Name::as_str)));
    }
    let _ = match &monitor.subject {
        Subject::Event(event) => writeln!(lines, "event = {}", text(event)),
        Subject::Call(call) => writeln!(lines, "call = {}", text(call)),
        Subject::Transaction if monitor.on.is_empty() => writeln!(lines, "transaction = true"),
        Subject::Transaction => writeln!(lines, "transaction = \"involving\""),
    };
    if let Some(when) = &monitor.when {
        let _ = writeln!(lines, "when = {}", text(when));
    }
    if let Some(say) = &monitor.say {
        let _ = writeln!(lines, "say = {}", text(say));
    }
    let _ = writeln!(lines, "severity = \"{}\"", monitor.severity);
    lines
}

/// One route for each set of receivers that monitors share; what none of them takes is shown at the
/// terminal, so that nothing is lost.
fn routes(receivers: &[(Name, Receiver)], monitors: &[Monitor]) -> String {
    let mut lines = String::new();
    for (name, receiver) in receivers {
        let _ = writeln!(lines, "[[receiver]]\nname = {}", text(name.as_str()));
        let variable = |name: &str| format!("{{ env = {} }}", text(name));
        let _ = match receiver {
            Receiver::Slack { url } => {
                writeln!(lines, "kind = \"slack\"\nurl = {}\n", variable(url))
            }
            Receiver::Webhook { url, secret } => writeln!(
                lines,
                "kind = \"webhook\"\nurl = {}\nsecret = {}\n",
                variable(url),
                variable(secret)
            ),
            Receiver::Mail { host, port, username, password, from, to } => {
                let tls = if *port == 465 { "tls" } else { "starttls" };
                let _ = writeln!(
                    lines,
                    "kind = \"mail\"\nhost = {}\nport = {port}\ntls = \"{tls}\"",
                    text(host)
                );
                if let Some(username) = username {
                    let _ = writeln!(lines, "username = {}", variable(username));
                }
                if let Some(password) = password {
                    let _ = writeln!(lines, "password = {}", variable(password));
                }
                let to = list(to.iter().map(String::as_str));
                writeln!(lines, "from = {}\nto = {to}\n", text(from))
            }
        };
    }
    let is_named = |name: &str| receivers.iter().any(|(known, _)| known.as_str() == name);
    let terminal = if is_named("terminal") { "terminal-rest" } else { "terminal" };
    let _ = writeln!(lines, "[[receiver]]\nname = \"{terminal}\"\nkind = \"stdout\"\n");
    let mut sets: Vec<(&[Name], Vec<&Name>)> = Vec::new();
    for monitor in monitors.iter().filter(|monitor| !monitor.receivers.is_empty()) {
        match sets.iter_mut().find(|(set, _)| *set == monitor.receivers.as_slice()) {
            Some((_, names)) => names.push(&monitor.name),
            None => sets.push((&monitor.receivers, vec![&monitor.name])),
        }
    }
    for (at, (receivers, monitors)) in sets.iter().enumerate() {
        let _ = writeln!(
            lines,
            "[[route]]\nname = \"imported-{}\"\nmonitors = {}\nreceivers = {}\n",
            at + 1,
            list(monitors.iter().map(|name| name.as_str())),
            list(receivers.iter().map(Name::as_str)),
        );
    }
    let _ = writeln!(
        lines,
        "# What no route above takes.\n[[route]]\nname = \"rest\"\nreceivers = [\"{terminal}\"]"
    );
    lines
}

/// A TOML string.
fn text(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn list<'a>(items: impl Iterator<Item = &'a str>) -> String {
    format!("[{}]", items.map(text).collect::<Vec<_>>().join(", "))
}

/// Comment lines; what came from elsewhere cannot end the comment.
fn comment(words: &str) -> String {
    let lines = words.split(['\n', '\r']).map(|line| {
        let line: String = line.chars().filter(|c| !c.is_control()).collect();
        format!("# {line}\n")
    });
    lines.collect()
}
