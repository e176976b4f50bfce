//! What the program found out: life, power, coverage, history.

use registry::authority::DriftItem;

use super::Text;
use crate::{
    dossier::{Held, Life},
    terminal::print_line,
    words,
};

/// Cells that are not watched, and holes, that are printed; `--json` has all.
const LISTED_MAX: usize = 12;

impl Text<'_> {
    pub(super) fn life(&self) {
        if self.dossier.deployment.is_none() {
            return;
        }
        self.heading("Life");
        let Some(life) = self.known(&self.dossier.life) else { return };
        let line = |name: &str, text: String| print_line(&format!("  {name:12} {text}"));
        let since = life.stage_since.map_or(String::new(), |b| format!(", since block {b}"));
        line("stage", format!("{} ({}){since}", life.stage, life.stage.meaning()));
        if let Some(block) = life.known_since {
            line("known since", format!("block {block}"));
        }
        line("before that", gap(life));
        match &life.creator {
            Some(of) => line("created by", format!("{} in block {}", of.by, of.block)),
            None => line("created by", "unknown: its creation was not seen".to_owned()),
        }
        if let Some((factory, number)) = &life.factory {
            line("factory", format!("{factory}, its child number {number}"));
        }
        if let Some(children) = &life.children {
            let newest: Vec<&str> = children.newest.iter().map(|(name, _)| name.as_str()).collect();
            line(
                "children",
                format!("{} {}", children.count, newest.join(", ")).trim_end().to_owned(),
            );
        }
        for delegate in &life.delegates {
            line(delegate.kind, format!("{} since block {}", delegate.to, delegate.block));
        }
        for (facet, functions) in &life.facets {
            line("facet", format!("{facet}, {}", words::counted(*functions as u64, "function")));
        }
        for since in &life.codes {
            let code = since.what.map_or("none".to_owned(), |hash| hash.to_string());
            line("code", format!("{code} since block {}", since.block.number));
        }
        if !life.clones.is_empty() {
            let clones: Vec<&str> = life.clones.iter().map(model::Name::as_str).collect();
            let more = if life.clones_more > 0 {
                format!(" and {} more", life.clones_more)
            } else {
                String::new()
            };
            line("same code", format!("{}{more}", clones.join(", ")));
        }
    }

    pub(super) fn power(&self) {
        self.heading("Power over it");
        let Some(power) = self.known(&self.dossier.power) else { return };
        let seen =
            format!("as {} saw it in block {}", power.monitor, words::grouped(power.at.block));
        print_line(&format!("  {seen}, {}", self.ago(power.at.at)));
        if let Some(block) = power.unknown_before {
            let text = format!("holders before block {} are unknown", words::grouped(block));
            print_line(&format!("  {}", self.style.yellow(&text)));
            print_line(&format!(
                "  to know them: bellwether authority scan --network {}",
                self.dossier.network
            ));
        }
        for role in &power.roles {
            print_line(&format!(
                "  {}  {}, {}{}",
                role.role,
                words::clean(&role.words),
                role.kind,
                can(role)
            ));
        }
        if power.roles.is_empty() && power.unknown_before.is_none() {
            print_line(&"  nobody is known to hold power over it");
        }
        for way in &power.ways {
            let delay = match way.delay_s {
                0 => "at once".to_owned(),
                delay_s => format!("after {}", words::span(delay_s)),
            };
            let needs = words::counted(way.signatures, "signature");
            print_line(&format!(
                "  can {} it: {} ({needs}, {delay})",
                way.can,
                words::clean(&way.path)
            ));
        }
        for held in &power.holds {
            print_line(&format!("  holds {} of {}{}", held.role, held.other, can(held)));
        }
        if power.more > 0 {
            print_line(&format!("  and {} more: bellwether authority show", power.more));
        }
        match &power.drifts {
            None => print_line(&format!(
                "  {}",
                self.style
                    .yellow("no policy says who should: bellwether authority propose --write")
            )),
            Some(drifts) if drifts.is_empty() => print_line(&"  as the policy says"),
            Some(drifts) => drifts.iter().for_each(|item| self.drift(item)),
        }
        for item in &power.accepted {
            let why = item.accepted.as_deref().unwrap_or_default();
            print_line(&format!(
                "  accepted: {} ({})",
                words::clean(&item.title),
                words::clean(why)
            ));
        }
    }

    fn drift(&self, item: &DriftItem) {
        let text = format!("{}: {}", item.severity, words::clean(&item.title));
        print_line(&format!("  {}, for {}", self.style.red(&text), words::span(item.age_s)));
        for repair in &item.repairs {
            print_line(&format!("    = {}", words::clean(&repair.explanation)));
        }
    }

    pub(super) fn coverage(&self) {
        if self.dossier.deployment.is_none() {
            return;
        }
        self.heading("Coverage");
        let Some(covered) = self.known(&self.dossier.covered) else { return };
        let value = covered.value.map_or("nothing to watch".to_owned(), words::percent);
        let of = format!("{} of {} things watched without a gap", covered.watched, covered.cells);
        print_line(&format!("  {value}  {of}"));
        for cell in covered.open.iter().take(LISTED_MAX) {
            let state = cell.state.as_str();
            let target = words::clean(&cell.target);
            print_line(&format!("  {state}  {} {target}: {}", cell.kind, cell.threat));
        }
        for hole in covered.holes.iter().take(LISTED_MAX) {
            let text = format!("blocks {}: {}", hole.hole.range, hole.hole.cause);
            print_line(&format!("  {}", self.style.yellow(&words::clean(&text))));
            print_line(&format!("    = {}", hole.remedy.text()));
        }
        let left = covered.open.len().saturating_sub(LISTED_MAX)
            + covered.holes.len().saturating_sub(LISTED_MAX);
        if left > 0 {
            print_line(&format!("  and {left} more: --json"));
        }
    }

    pub(super) fn history(&self) {
        if self.dossier.deployment.is_none() {
            return;
        }
        self.heading("Changes");
        let Some(history) = self.known(&self.dossier.history) else { return };
        if history.changes.is_empty() {
            print_line(&"  none seen");
        }
        for change in &history.changes {
            let told = change.finding.as_ref().map_or(String::new(), |found| {
                let status = words::finding_status(found.status);
                format!("  ({}, {}, {status})", found.detector, found.severity)
            });
            let block = words::grouped(change.block);
            print_line(&format!("  block {block}  {}{told}", words::clean(&change.what)));
        }
        if history.has_more_changes {
            print_line(&"  and older ones");
        }
        self.heading("Alerts");
        if history.alerts.is_empty() {
            print_line(&"  none");
        }
        for alert in &history.alerts {
            print_line(&format!(
                "  {}  {}  {}  {}",
                words::utc(alert.opened_at),
                alert.severity,
                alert.state.as_str(),
                words::clean(alert.title())
            ));
        }
        if history.has_more {
            print_line(&"  and older ones");
        }
    }
}

fn can(held: &Held) -> String {
    if held.functions.is_empty() {
        return if held.can.is_empty() {
            String::new()
        } else {
            format!(": can {} it", held.can.join(", "))
        };
    }
    let more = if held.functions_more > 0 {
        format!(" and {} more", held.functions_more)
    } else {
        String::new()
    };
    format!(": {}{more}", held.functions.join(", "))
}

/// How the time before it was watched stands.
fn gap(life: &Life) -> String {
    match (life.gap, life.gap_blocks) {
        ("no-gap", _) => "nothing: watched from its first block on".to_owned(),
        ("gap-cleared", _) => "looked at and cleared".to_owned(),
        (_, Some((from, Some(to)))) => {
            format!("blocks {from}–{to} nobody looked at: bellwether registry gap-audit")
        }
        (_, Some((from, None))) => format!("from block {from} on nobody looked"),
        _ => "unknown: first_block is not stated".to_owned(),
    }
}
