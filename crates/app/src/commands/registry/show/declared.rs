//! What follows from the files: what it is, monitors, interface, threats.

use model::Name;

use super::Text;
use crate::{terminal::print_line, words};

impl Text<'_> {
    pub(super) fn title(&self) {
        let (dossier, style) = (self.dossier, self.style);
        let line = |text: String| print_line(&text);
        let title = dossier.name().unwrap_or("unknown address");
        line(format!("{} on {}", style.bold(&words::clean(title)), dossier.network));
        line(format!("  address      {}", dossier.address));
        match &dossier.deployment {
            Some(deployment) => {
                let own = if deployment.abi_known { "" } else { ", ABI guessed" };
                line(format!("  class        {}{own}", deployment.class));
                self.identity(deployment);
                if let Some(protocol) = &deployment.protocol {
                    line(format!("  protocol     {protocol}"));
                }
                match &deployment.value_at_risk {
                    Some(amount) => line(format!("  at risk      {amount}")),
                    None => line(format!(
                        "  at risk      {}",
                        style.yellow("not stated: it weighs as much as the heaviest contract")
                    )),
                }
                if let Some(block) = deployment.first_block {
                    line(format!("  since block  {block}"));
                }
            }
            None => {
                line(format!("  {}", style.yellow("nobody guards it")));
                let init = format!("bellwether init --address {} --rpc URL", dossier.address);
                line(format!("  to guard it: {init}"));
            }
        }
        if let Some(explorer) = self.info.explorer(&dossier.network) {
            line(format!("  explorer     {}", explorer.address(dossier.address)));
        }
        for known in &dossier.known_as {
            let name = words::clean(&known.name);
            line(format!(
                "  label        {} {name} (from {}, {} % sure)",
                known.category, known.source, known.confidence_percent
            ));
        }
    }

    fn identity(&self, deployment: &registry::Deployment) {
        let Some(identity) = self.dossier.identity.yes() else { return };
        let shows: Vec<&str> = identity.shows.iter().map(|trait_| trait_.is.as_str()).collect();
        let shows =
            if shows.is_empty() { "nothing well known".to_owned() } else { shows.join(", ") };
        print_line(&format!("  shows        {shows}"));
        if identity.contradicts(deployment) {
            let concluded = &identity.concluded;
            let text = format!(
                "its file says {}, its interface {}: {}",
                deployment.class, concluded.class, concluded.why
            );
            print_line(&format!("               {}", self.style.yellow(&words::clean(&text))));
        }
        match &identity.proxy {
            Some(proxy) => print_line(&format!("  proxy        {}: {}", proxy.kind, proxy.why)),
            None => print_line(&"  proxy        nothing speaks for one"),
        }
    }

    pub(super) fn dependencies(&self) {
        self.heading("Relies on");
        for dependency in &self.dossier.dependencies {
            let stated = dependency.stated.as_deref().unwrap_or("its cost is not stated");
            print_line(&format!("  {}  {} ({stated})", dependency.on, dependency.kind));
        }
        if self.dossier.dependencies.is_empty() {
            print_line(&"  none found yet");
        }
        if let Some(ours) = &self.dossier.relied_on_by {
            let ours: Vec<&str> = ours.iter().map(Name::as_str).collect();
            print_line(&format!("  and is relied on by {}", ours.join(", ")));
        }
    }

    pub(super) fn watching(&self) {
        if self.dossier.deployment.is_none() {
            return;
        }
        let (watching, style) = (&self.dossier.watching, self.style);
        self.heading("Watched by");
        if watching.monitors.is_empty() {
            print_line(&format!("  {}", style.red("no monitor")));
        }
        for watch in &watching.monitors {
            let scope = if watch.is_named { "" } else { ", with everything else" };
            print_line(&format!("  {}  {} ({}{scope})", watch.monitor, watch.rule, watch.severity));
            if let Some((blocks, reason)) = &watch.blind {
                let of = words::grouped(watching.blocks);
                let blind =
                    format!("blind in {} of {of} blocks: {reason}", words::grouped(*blocks));
                print_line(&format!("    {}", style.yellow(&words::clean(&blind))));
            }
        }
        if watching.blocks == 0 {
            print_line(&"  no block judged yet");
        } else if watching.not_judged > 0 {
            let text = format!(
                "{} of the last {} were not judged by anybody",
                words::grouped(watching.not_judged),
                words::counted(watching.blocks, "block")
            );
            print_line(&format!("  {}", style.red(&text)));
        }
    }

    pub(super) fn threats(&self) {
        if self.dossier.deployment.is_none() {
            return;
        }
        self.heading("Threatened by");
        let Some(threats) = self.known(&self.dossier.threats) else { return };
        if threats.is_empty() {
            print_line(&format!("  {}", self.style.yellow("no threat of the map names it")));
        }
        for of in threats {
            let (threat, impact) = (&of.threat, words::grouped(of.threat.impact));
            print_line(&format!(
                "  {}  {} ({}, {impact} {})",
                threat.id,
                words::clean(&threat.title),
                of.rating,
                of.currency
            ));
            for gap in &of.gaps {
                print_line(&format!("    {}", self.style.yellow(&words::clean(&gap.text))));
                print_line(&format!("      = {}", words::clean(&gap.close)));
            }
        }
    }

    pub(super) fn interface(&self) {
        if self.dossier.deployment.is_none() {
            return;
        }
        let interface = &self.dossier.interface;
        self.heading("Can be asked to");
        if interface.entries.is_empty() {
            print_line(&"  no function is known that changes its state");
        }
        for entry in &interface.entries {
            let payable = if entry.is_payable { ", takes value" } else { "" };
            let monitors: Vec<&str> = entry.monitors.iter().map(Name::as_str).collect();
            let watched = match monitors.as_slice() {
                [] => String::new(),
                names => format!("  ← {}", names.join(", ")),
            };
            let selector = hex::encode_prefixed(entry.selector);
            print_line(&format!("  {selector}  {}{payable}{watched}", entry.signature));
        }
        print_line(&format!("  and {}", words::counted(interface.views as u64, "view")));
        self.heading("Says");
        for event in &interface.events {
            let risk = event.risk_of.map_or(String::new(), |family| format!("  (risk: {family})"));
            print_line(&format!("  {}{risk}", event.signature));
        }
    }
}
