//! What was found and what is proposed, for a person to read before anything runs.

use std::{
    collections::BTreeMap,
    fmt::{Display, Write as _},
};

use model::Address;

use super::{HolderKind, Proposed, Reason, Standing, Surveyed};

/// Longest text of a contract's own that is repeated, in characters.
const QUOTED_MAX: usize = 200;

/// A text on one line: contracts choose some of the words here, and none of them may begin a line
/// or a table cell of its own.
pub(super) fn one_line(text: &str) -> String {
    let plain = |c: char| if c.is_control() || c == '|' || c == '`' { ' ' } else { c };
    text.chars().map(plain).take(QUOTED_MAX).collect()
}

/// Addresses by their labels, where they have one.
struct Names<'a>(BTreeMap<(u64, Address), &'a Proposed>);

impl Names<'_> {
    fn of(&self, chain_id: u64, address: Address) -> String {
        match self.0.get(&(chain_id, address)) {
            Some(contract) => format!("{} `{address}`", contract.label),
            None => format!("`{address}`"),
        }
    }

    fn who(&self, chain_id: u64, account: Address, kind: HolderKind) -> String {
        match (self.0.get(&(chain_id, account)), kind) {
            (Some(contract), _) => {
                format!("{} ({})", contract.label, contract.recognition.class.class)
            }
            (None, HolderKind::Account) => "an account with a key".to_owned(),
            (None, HolderKind::Contract) => "a contract that was not followed".to_owned(),
            (None, HolderKind::Unseen) => "not looked at".to_owned(),
        }
    }
}

/// The lines at the head of a deployment's file that say why it is there.
pub(super) fn as_comment(surveyed: &Surveyed) -> String {
    let class = &surveyed.recognition.class;
    let mut text = format!("# {}, {}: {}\n", class.class, class.confidence, one_line(&class.why));
    if let Some(proxy) = &surveyed.recognition.proxy {
        text.push_str(&format!("# {}: {}\n", proxy.kind, one_line(&proxy.evidence.join("; "))));
    }
    if let Some(reason) = surveyed.reasons.first() {
        text.push_str(&format!("# Here because {}.\n", one_line(&reason.to_string())));
    }
    if surveyed.standing == Standing::Dependency {
        text.push_str("# You depend on it; it is not yours to change.\n");
    }
    text
}

/// `labels/holders.csv`: names for the accounts that may do something; `None` when there are none.
pub(super) fn holders_csv(contracts: &[Proposed]) -> Option<(String, String)> {
    let mut names: BTreeMap<Address, Vec<String>> = BTreeMap::new();
    for contract in contracts {
        for holder in contract.surveyed.iter().flat_map(|s| &s.holders) {
            if !contracts.iter().any(|c| c.address == holder.account) {
                let name = format!("{} {}", contract.label, one_line(&holder.role));
                names.entry(holder.account).or_default().push(name);
            }
        }
    }
    if names.is_empty() {
        return None;
    }
    let mut text = "address,name\n".to_owned();
    for (account, names) in names {
        let shown = names.iter().take(NAMES_MAX).cloned().collect::<Vec<_>>().join("; ");
        let more = if names.len() > NAMES_MAX { "; …" } else { "" };
        let quoted = format!("{shown}{more}").replace('"', "'");
        text.push_str(&format!("{account},\"{quoted}\"\n"));
    }
    Some(("labels/holders.csv".to_owned(), text))
}

/// Most roles that an account's name is made of.
const NAMES_MAX: usize = 3;

/// `PROPOSAL.md`.
pub(super) fn review(contracts: &[Proposed], gaps: &[String]) -> String {
    let names = Names(contracts.iter().map(|c| ((c.chain_id, c.address), c)).collect());
    let mut page = Page(
        "# What was found, and what is proposed\n\nRead this, change the files as you see fit, then \
         `bellwether check` and `bellwether run`. Nothing reads this page; delete it when it is done.\n"
            .to_owned(),
    );
    for (title, standing) in
        [("Yours to guard", Standing::Ours), ("What you depend on", Standing::Dependency)]
    {
        let mut of_standing = contracts.iter().filter(|c| c.standing == standing).peekable();
        if of_standing.peek().is_some() {
            page.line(format!("\n## {title}"));
        }
        for contract in of_standing {
            page.contract(contract, &names);
        }
    }
    if !gaps.is_empty() {
        page.line("\n## What could not be found out\n");
        for gap in gaps {
            page.line(format!("- {}", one_line(gap)));
        }
    }
    page.line("\n## Who hears of it\n");
    page.line(
        "One route, `everything` in `routes.toml`: every severity goes to the terminal. Add mail, \
         chat or a pager there, and a route by severity.",
    );
    page.0
}

struct Page(String);

impl Page {
    fn line(&mut self, text: impl Display) {
        writeln!(self.0, "{text}").expect("writing to a String cannot fail");
    }

    fn contract(&mut self, contract: &Proposed, names: &Names<'_>) {
        let recognition = &contract.recognition;
        let class = &recognition.class;
        self.line(format!("\n### {}\n", contract.label));
        self.line(format!(
            "- **{}** ({}) at `{}`",
            class.class, class.confidence, contract.address
        ));
        self.line(format!("- Why: {}", one_line(&class.why)));
        let is_said = |why: &str| class.why.contains(why);
        for evidence in recognition.traits.iter().filter(|e| !is_said(&e.why)) {
            self.line(format!("- {}: {}", evidence.is, one_line(&evidence.why)));
        }
        if let Some(proxy) = &recognition.proxy {
            self.line(format!("- {}: {}", proxy.kind, one_line(&proxy.evidence.join("; "))));
        }
        if let Some(description) = &recognition.description {
            self.line(format!("- It calls itself \"{}\"", one_line(description)));
        }
        if let Some(delay_s) = recognition.delay_s {
            self.line(format!("- Holds calls back for {delay_s} s"));
        }
        if let Some(heartbeat_s) = recognition.heartbeat_s {
            self.line(format!("- Promises an answer every {heartbeat_s} s"));
        }
        if recognition.can_destroy_itself {
            self.line("- Its code can destroy itself");
        }
        if let Some(surveyed) = &contract.surveyed {
            self.surveyed(surveyed, contract.chain_id, names);
        }
        self.line("\n| watched for | severity | why |\n|---|---|---|");
        for (name, wish) in &contract.monitors {
            self.line(format!("| {name} | {} → terminal | {} |", wish.severity, wish.why));
        }
    }

    fn surveyed(&mut self, surveyed: &Surveyed, chain_id: u64, names: &Names<'_>) {
        for reason in surveyed.reasons.iter().take(REASONS_SHOWN_MAX) {
            let reason = match reason {
                Reason::Named { getter, by } => {
                    format!("{} names it in {getter}()", names.of(chain_id, *by))
                }
                Reason::Holds { role, of } => {
                    format!("it holds {role} of {}", names.of(chain_id, *of))
                }
                other => other.to_string(),
            };
            self.line(format!("- Here because {}", reason.replace(['\n', '|'], " ")));
        }
        match (surveyed.created_in, surveyed.created_by) {
            (Some(block), Some(by)) => {
                self.line(format!("- Created in block {block} by `{by}`"));
            }
            (Some(block), None) => self.line(format!("- Created in block {block}")),
            _ => {}
        }
        for getter in &surveyed.recognition.getters {
            let target = names.of(chain_id, getter.target);
            self.line(format!("- {}() is {target}", one_line(&getter.name)));
        }
        if surveyed.holders.is_empty() {
            return;
        }
        self.line("\n| may act as | who | that is | known from |\n|---|---|---|---|");
        for holder in &surveyed.holders {
            self.line(format!(
                "| {} | `{}` | {} | {} |",
                one_line(&holder.role),
                holder.account,
                names.who(chain_id, holder.account, holder.kind),
                one_line(&holder.source)
            ));
        }
    }
}

/// Most reasons that one contract shows.
const REASONS_SHOWN_MAX: usize = 6;
