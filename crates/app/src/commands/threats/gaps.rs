//! `bellwether threats gaps`: what is not joined.

use registry::threats::{Day, GapKind};
use serde_json::json;

use super::{FolderArgument, Outcome, day, loaded};
use crate::{terminal::print_line, words};

/// List what is missing: high threats without monitor, plan, control, event or panel, events that
/// contracts do not emit, plans and assets without threat, reviews that are due.
///
/// Exit code 0 when there is no gap, 1 when there is one.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  bellwether threats gaps my-protocol\n  bellwether threats gaps --on 2027-01-31 --json | jq -r '.gaps[].text'"
)]
pub(super) struct Gaps {
    #[command(flatten)]
    folder: FolderArgument,
    /// Day on which the map is judged, as 2027-01-31; today unless given.
    #[arg(long, value_name = "DAY")]
    on: Option<Day>,
    /// One JSON object instead of text.
    #[arg(long)]
    json: bool,
}

impl Gaps {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let threats = loaded(&self.folder)?;
        let today = day(self.on);
        let gaps = threats.map.gaps(&threats.registry, today);
        if self.json {
            let listed: Vec<_> = gaps
                .iter()
                .map(|gap| {
                    json!({
                        "kind": gap.kind.as_str(),
                        "threat": gap.threat,
                        "text": gap.text,
                        "close": gap.close,
                    })
                })
                .collect();
            print_line(&json!({
                "on": today.to_string(),
                "is_planning": threats.is_planning,
                "gaps": listed,
            }));
        } else {
            for kind in GapKind::ALL {
                for gap in gaps.iter().filter(|gap| gap.kind == kind) {
                    print_line(&format!("{kind}: {gap}\n"));
                }
            }
            let map = &threats.map;
            for domain in map.domains(&threats.registry, today) {
                let count: usize = domain.ratings.iter().map(|(_, count)| count).sum();
                let said = if count == 0 {
                    "no threat is written down".to_owned()
                } else {
                    format!(
                        "{}, {}, {} {} a year to be expected",
                        words::counted(count as u64, "threat"),
                        words::counted(domain.gaps as u64, "gap"),
                        words::yearly(domain.expected_per_century),
                        map.scale.currency,
                    )
                };
                print_line(&format!("{:14}  {said}", domain.domain));
            }
            print_line(&format!(
                "{} on {today}{}",
                words::counted(gaps.len() as u64, "gap"),
                if threats.is_planning { ", held against interfaces alone" } else { "" },
            ));
        }
        Ok(if gaps.is_empty() { Outcome::Fine } else { Outcome::FoundWrong })
    }
}
