//! The draft as the texts of our files.

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
        key(&mut lines, "finality", &text(finality));
    }
    if let Some(start) = network.start {
        key(&mut lines, "start", &text(&format!("block {start}")));
    }
    for (at, variable) in network.endpoints.iter().enumerate() {
        lines.push_str("\n[[endpoint]]\n");
        key(&mut lines, "name", &text(&format!("endpoint-{}", at + 1)));
        key(&mut lines, "url", &from_environment(variable));
    }
    lines
}

fn monitor(monitor: &Monitor) -> String {
    let mut lines: String = monitor.notes.iter().map(|note| comment(note)).collect();
    lines.push_str("[[monitor]]\n");
    key(&mut lines, "name", &text(monitor.name.as_str()));
    if !monitor.on.is_empty() {
        key(&mut lines, "on", &names(&monitor.on));
    }
    if !monitor.networks.is_empty() {
        key(&mut lines, "networks", &names(&monitor.networks));
    }
    match &monitor.subject {
        Subject::Event(event) => key(&mut lines, "event", &text(event)),
        Subject::Call(call) => key(&mut lines, "call", &text(call)),
        Subject::Transaction if monitor.on.is_empty() => key(&mut lines, "transaction", "true"),
        Subject::Transaction => key(&mut lines, "transaction", "\"involving\""),
    }
    if let Some(when) = &monitor.when {
        key(&mut lines, "when", &text(when));
    }
    if let Some(say) = &monitor.say {
        key(&mut lines, "say", &text(say));
    }
    key(&mut lines, "severity", &text(monitor.severity.as_str()));
    lines
}

/// One route for each set of receivers that monitors share; what none of them takes is shown at the
/// terminal, so that nothing is lost.
fn routes(receivers: &[(Name, Receiver)], monitors: &[Monitor]) -> String {
    let mut lines = String::new();
    for (name, of) in receivers {
        lines.push_str(&receiver(name, of));
        lines.push('\n');
    }
    let is_named = |name: &str| receivers.iter().any(|(known, _)| known.as_str() == name);
    let terminal = if is_named("terminal") { "terminal-rest" } else { "terminal" };
    lines.push_str(&format!("[[receiver]]\nname = \"{terminal}\"\nkind = \"stdout\"\n\n"));
    let mut sets: Vec<(&[Name], Vec<Name>)> = Vec::new();
    for monitor in monitors.iter().filter(|monitor| !monitor.receivers.is_empty()) {
        match sets.iter_mut().find(|(set, _)| *set == monitor.receivers.as_slice()) {
            Some((_, names)) => names.push(monitor.name.clone()),
            None => sets.push((&monitor.receivers, vec![monitor.name.clone()])),
        }
    }
    for (at, (receivers, monitors)) in sets.iter().enumerate() {
        lines.push_str("[[route]]\n");
        key(&mut lines, "name", &text(&format!("imported-{}", at + 1)));
        key(&mut lines, "monitors", &names(monitors));
        key(&mut lines, "receivers", &names(receivers));
        lines.push('\n');
    }
    lines.push_str("# What no route above takes.\n[[route]]\nname = \"rest\"\n");
    key(&mut lines, "receivers", &list([terminal].into_iter()));
    lines
}

fn receiver(name: &Name, receiver: &Receiver) -> String {
    let mut lines = format!("[[receiver]]\nname = {}\n", text(name.as_str()));
    match receiver {
        Receiver::Slack { url } => {
            key(&mut lines, "kind", "\"slack\"");
            key(&mut lines, "url", &from_environment(url));
        }
        Receiver::Webhook { url, secret } => {
            key(&mut lines, "kind", "\"webhook\"");
            key(&mut lines, "url", &from_environment(url));
            key(&mut lines, "secret", &from_environment(secret));
        }
        Receiver::Mail { host, port, username, password, from, to } => {
            key(&mut lines, "kind", "\"mail\"");
            key(&mut lines, "host", &text(host));
            key(&mut lines, "port", &port.to_string());
            key(&mut lines, "tls", if *port == 465 { "\"tls\"" } else { "\"starttls\"" });
            if let Some(username) = username {
                key(&mut lines, "username", &from_environment(username));
            }
            if let Some(password) = password {
                key(&mut lines, "password", &from_environment(password));
            }
            key(&mut lines, "from", &text(from));
            key(&mut lines, "to", &list(to.iter().map(String::as_str)));
        }
    }
    lines
}

/// `key = value`, where the value is TOML already.
fn key(lines: &mut String, key: &str, value: &str) {
    lines.push_str(key);
    lines.push_str(" = ");
    lines.push_str(value);
    lines.push('\n');
}

/// A secret by the name of the variable that holds it.
fn from_environment(variable: &str) -> String {
    format!("{{ env = {} }}", text(variable))
}

fn names(names: &[Name]) -> String {
    list(names.iter().map(Name::as_str))
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
