//! The life of a deployment: planned → deployed → monitored → active → paused → upgrading →
//! deprecated → sunset.
//!
//! A stage is never set. It follows from what is known: whether there is code, whether somebody
//! watches, whether it was used, is paused, has upgrades waiting, and what its owner declares. Each
//! thing that becomes known is a [`Cause`]; when the stage that follows is another one, that is a
//! [`Move`], with the cause as its reason. So the order in which things happen on a chain can be any,
//! and no move needs a special case.

use std::{collections::BTreeSet, fmt, str::FromStr};

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};

/// Upgrades of one contract that may wait at the same time; a timelock with more of them waiting for
/// one contract is not in use. Further ones do not change the stage.
pub const UPGRADES_WAITING_MAX: usize = 64;

/// Where in its life a deployment is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default,
)]
pub enum Stage {
    /// It has an address but no code. It is watched already.
    #[default]
    Planned,
    /// There is code; no monitor is on it.
    Deployed,
    /// Monitors are on it; nobody used it yet.
    Monitored,
    /// It is in use.
    Active,
    /// It is switched off for the moment.
    Paused,
    /// Other code waits to run in its place.
    Upgrading,
    /// Its owner asks people to leave.
    Deprecated,
    /// Its owner is done with it, or its code is gone.
    Sunset,
}

/// What a deployment's file says about its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Declared {
    /// People should leave.
    Deprecated,
    /// Nothing of value should be left.
    Sunset,
}

/// Something that became known about a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Cause {
    /// Code was seen at its address.
    CodeSeen,
    /// Its code is gone.
    CodeVanished,
    /// Monitors judged a block in its name.
    Watched,
    /// It was called or said something.
    Used,
    /// It said that it is paused.
    Paused,
    /// It said that it is not paused any more.
    Unpaused,
    /// An upgrade of it waits in a timelock.
    UpgradeScheduled(B256),
    /// That upgrade will not happen.
    UpgradeCancelled(B256),
    /// Other code runs in its place.
    Upgraded,
    /// Its file says otherwise than before.
    Declared(Option<Declared>),
}

/// A change of stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// Stage before.
    pub from: Stage,
    /// Stage after.
    pub to: Stage,
    /// What became known.
    pub cause: Cause,
}

/// What is known about a deployment's life.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lifecycle {
    has_code: bool,
    is_watched: bool,
    is_used: bool,
    is_paused: bool,
    upgrades_waiting: BTreeSet<B256>,
    declared: Option<Declared>,
}

impl Lifecycle {
    /// A deployment that was planned before it existed.
    pub fn planned() -> Self {
        Self::default()
    }

    /// A deployment that existed when it was declared.
    pub fn deployed() -> Self {
        Self { has_code: true, ..Self::default() }
    }

    /// Where in its life it is.
    pub fn stage(&self) -> Stage {
        match self.declared {
            Some(Declared::Sunset) => return Stage::Sunset,
            Some(Declared::Deprecated) if self.has_code => return Stage::Deprecated,
            _ => {}
        }
        if !self.has_code {
            // Code that was there and is gone leaves nothing to plan for.
            return if self.is_used { Stage::Sunset } else { Stage::Planned };
        }
        if !self.upgrades_waiting.is_empty() {
            Stage::Upgrading
        } else if self.is_paused {
            Stage::Paused
        } else if self.is_used {
            // Being used tells more than being watched; what nobody watches is told by coverage.
            if self.is_watched { Stage::Active } else { Stage::Deployed }
        } else if self.is_watched {
            Stage::Monitored
        } else {
            Stage::Deployed
        }
    }

    /// Whether the cause tells something new, so that [`Lifecycle::learn`] would change anything.
    pub fn is_news(&self, cause: Cause) -> bool {
        match cause {
            Cause::CodeSeen => !self.has_code,
            Cause::CodeVanished => self.has_code,
            Cause::Watched => !self.is_watched,
            // Ether can be sent to an address long before there is code.
            Cause::Used => self.has_code && !self.is_used,
            Cause::Paused => !self.is_paused,
            Cause::Unpaused => self.is_paused,
            Cause::UpgradeScheduled(id) => {
                self.upgrades_waiting.len() < UPGRADES_WAITING_MAX
                    && !self.upgrades_waiting.contains(&id)
            }
            Cause::UpgradeCancelled(id) => self.upgrades_waiting.contains(&id),
            Cause::Upgraded => !self.upgrades_waiting.is_empty(),
            Cause::Declared(declared) => self.declared != declared,
        }
    }

    /// Takes in what became known; the move that follows, if the stage is another one now.
    pub fn learn(&mut self, cause: Cause) -> Option<Move> {
        if !self.is_news(cause) {
            return None;
        }
        let from = self.stage();
        match cause {
            Cause::CodeSeen => self.has_code = true,
            Cause::CodeVanished => self.has_code = false,
            Cause::Watched => self.is_watched = true,
            Cause::Used => self.is_used = true,
            Cause::Paused => self.is_paused = true,
            Cause::Unpaused => self.is_paused = false,
            Cause::UpgradeScheduled(id) => drop(self.upgrades_waiting.insert(id)),
            Cause::UpgradeCancelled(id) => drop(self.upgrades_waiting.remove(&id)),
            // Whatever waited was for the code that ran until now.
            Cause::Upgraded => self.upgrades_waiting.clear(),
            Cause::Declared(declared) => self.declared = declared,
        }
        let to = self.stage();
        (from != to).then_some(Move { from, to, cause })
    }
}

impl Stage {
    /// All stages, in the order of a life.
    pub const ALL: [Self; 8] = [
        Self::Planned,
        Self::Deployed,
        Self::Monitored,
        Self::Active,
        Self::Paused,
        Self::Upgrading,
        Self::Deprecated,
        Self::Sunset,
    ];

    /// The word used in files, pages and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Deployed => "deployed",
            Self::Monitored => "monitored",
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Upgrading => "upgrading",
            Self::Deprecated => "deprecated",
            Self::Sunset => "sunset",
        }
    }

    /// What it means for whoever reads a health card.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Planned => "not yet deployed, monitoring armed",
            Self::Deployed => "deployed, no monitor is on it",
            Self::Monitored => "monitored, not used yet",
            Self::Active => "in use and monitored",
            Self::Paused => "paused",
            Self::Upgrading => "an upgrade waits",
            Self::Deprecated => "deprecated by its owner, still monitored",
            Self::Sunset => "at its end",
        }
    }

    /// Whether a deployment in this stage can be in that one next. Between the stages of a contract
    /// with code anything can follow anything, as the chain and its owner please. But nothing is in
    /// use before it has code, and what was in use is never merely planned again: its code is gone.
    pub fn may_become(self, next: Self) -> bool {
        self != next
            && !matches!(
                (self, next),
                (Self::Planned, Self::Active) | (Self::Active, Self::Planned)
            )
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CodeSeen => f.write_str("its code was seen"),
            Self::CodeVanished => f.write_str("its code is gone"),
            Self::Watched => f.write_str("monitors judged a block in its name"),
            Self::Used => f.write_str("it was used"),
            Self::Paused => f.write_str("it was paused"),
            Self::Unpaused => f.write_str("it was unpaused"),
            Self::UpgradeScheduled(id) => write!(f, "an upgrade was scheduled as operation {id}"),
            Self::UpgradeCancelled(id) => write!(f, "the upgrade of operation {id} was cancelled"),
            Self::Upgraded => f.write_str("it was upgraded"),
            Self::Declared(Some(Declared::Deprecated)) => {
                f.write_str("its file declares it deprecated")
            }
            Self::Declared(Some(Declared::Sunset)) => f.write_str("its file declares it sunset"),
            Self::Declared(None) => f.write_str("its file declares it in use"),
        }
    }
}

/// A text that names no declared end of life.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown lifecycle {0:?} (one of: deprecated, sunset; all other stages follow from the chain)"
)]
pub struct ParseDeclaredError(pub String);

impl FromStr for Declared {
    type Err = ParseDeclaredError;
    fn from_str(text: &str) -> Result<Self, ParseDeclaredError> {
        match text {
            "deprecated" => Ok(Self::Deprecated),
            "sunset" => Ok(Self::Sunset),
            other => Err(ParseDeclaredError(other.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;
    use proptest::prelude::*;

    #[test]
    fn a_life_from_plan_to_sunset_with_the_reason_of_each_move() {
        let mut life = Lifecycle::planned();
        let upgrade = B256::repeat_byte(7);
        let causes = [
            Cause::Watched,
            Cause::CodeSeen,
            Cause::CodeSeen,
            Cause::Used,
            Cause::Used,
            Cause::Paused,
            Cause::UpgradeScheduled(upgrade),
            Cause::Unpaused,
            Cause::Upgraded,
            Cause::UpgradeScheduled(upgrade),
            Cause::UpgradeCancelled(B256::ZERO),
            Cause::UpgradeCancelled(upgrade),
            Cause::Declared(Some(Declared::Deprecated)),
            Cause::Paused,
            Cause::CodeVanished,
            Cause::Declared(Some(Declared::Sunset)),
        ];
        let told: Vec<String> = causes
            .into_iter()
            .filter_map(|cause| life.learn(cause))
            .map(|m| format!("{} → {}: {}", m.from, m.to, m.cause))
            .collect();
        expect![[r#"
            planned → monitored: its code was seen
            monitored → active: it was used
            active → paused: it was paused
            paused → upgrading: an upgrade was scheduled as operation 0x0707070707070707070707070707070707070707070707070707070707070707
            upgrading → active: it was upgraded
            active → upgrading: an upgrade was scheduled as operation 0x0707070707070707070707070707070707070707070707070707070707070707
            upgrading → active: the upgrade of operation 0x0707070707070707070707070707070707070707070707070707070707070707 was cancelled
            active → deprecated: its file declares it deprecated
            deprecated → sunset: its code is gone"#]]
        .assert_eq(&told.join("\n"));
    }

    #[test]
    fn every_move_of_a_life_has_its_cause() {
        use Stage::{Active, Deployed, Deprecated, Monitored, Paused, Planned, Sunset, Upgrading};
        let upgrade = B256::repeat_byte(7);
        let (scheduled, cancelled) =
            (Cause::UpgradeScheduled(upgrade), Cause::UpgradeCancelled(upgrade));
        let declared = |end| Cause::Declared(Some(end));
        let (deprecated, sunset) = (declared(Declared::Deprecated), declared(Declared::Sunset));
        let at_stage = |stage: Stage| -> Vec<Cause> {
            let active = vec![Cause::Watched, Cause::CodeSeen, Cause::Used];
            let then = |cause| [active.clone(), vec![cause]].concat();
            match stage {
                Planned => vec![],
                Deployed => vec![Cause::CodeSeen],
                Monitored => vec![Cause::Watched, Cause::CodeSeen],
                Active => active,
                Paused => then(Cause::Paused),
                Upgrading => then(scheduled),
                Deprecated => then(deprecated),
                Sunset => then(sunset),
            }
        };
        let moves = [
            (Planned, Cause::CodeSeen, Deployed),
            (Planned, sunset, Sunset),
            (Deployed, Cause::Watched, Monitored),
            (Deployed, Cause::CodeVanished, Planned),
            (Monitored, Cause::Used, Active),
            (Monitored, Cause::Paused, Paused),
            (Monitored, scheduled, Upgrading),
            (Monitored, Cause::CodeVanished, Planned),
            (Active, Cause::Paused, Paused),
            (Active, scheduled, Upgrading),
            (Active, deprecated, Deprecated),
            (Active, sunset, Sunset),
            (Active, Cause::CodeVanished, Sunset),
            (Paused, Cause::Unpaused, Active),
            (Paused, scheduled, Upgrading),
            (Paused, deprecated, Deprecated),
            (Upgrading, Cause::Upgraded, Active),
            (Upgrading, cancelled, Active),
            (Upgrading, deprecated, Deprecated),
            (Deprecated, Cause::Declared(None), Active),
            (Deprecated, sunset, Sunset),
            (Deprecated, Cause::CodeVanished, Sunset),
            (Sunset, Cause::Declared(None), Active),
            (Sunset, deprecated, Deprecated),
        ];
        for (from, cause, to) in moves {
            let mut life = Lifecycle::planned();
            for cause in at_stage(from) {
                life.learn(cause);
            }
            assert_eq!(life.stage(), from);
            assert_eq!(life.learn(cause), Some(Move { from, to, cause }));
        }
        for stage in Stage::ALL {
            assert!(moves.iter().any(|(from, ..)| *from == stage), "nothing leaves {stage}");
            assert!(moves.iter().any(|(.., to)| *to == stage), "nothing reaches {stage}");
        }
    }

    #[test]
    fn what_says_nothing_about_a_stage_moves_nothing() {
        let stays = |before: &[Cause], cause: Cause| {
            let mut life = Lifecycle::planned();
            for cause in before {
                life.learn(*cause);
            }
            assert_eq!(life.learn(cause), None, "{before:?} then {cause:?}");
        };
        // Ether is sent to an address before there is code; an upgrade of nothing; a pause of what
        // is deprecated; the second of two upgrades that wait.
        stays(&[Cause::Watched], Cause::Used);
        stays(&[Cause::CodeSeen], Cause::Upgraded);
        let deprecated = Cause::Declared(Some(Declared::Deprecated));
        stays(&[Cause::CodeSeen, deprecated], Cause::Paused);
        let scheduled = |byte| Cause::UpgradeScheduled(B256::repeat_byte(byte));
        stays(&[Cause::CodeSeen, scheduled(1)], scheduled(2));
        stays(&[Cause::CodeSeen, scheduled(1)], Cause::UpgradeCancelled(B256::repeat_byte(2)));
    }

    fn any_cause() -> impl Strategy<Value = Cause> {
        let id = (0u8..3).prop_map(B256::repeat_byte);
        prop_oneof![
            Just(Cause::CodeSeen),
            Just(Cause::CodeVanished),
            Just(Cause::Watched),
            Just(Cause::Used),
            Just(Cause::Paused),
            Just(Cause::Unpaused),
            id.clone().prop_map(Cause::UpgradeScheduled),
            id.prop_map(Cause::UpgradeCancelled),
            Just(Cause::Upgraded),
            Just(Cause::Declared(None)),
            Just(Cause::Declared(Some(Declared::Deprecated))),
            Just(Cause::Declared(Some(Declared::Sunset))),
        ]
    }

    proptest! {
        #[test]
        fn moves_chain_and_what_is_no_news_changes_nothing(
            causes in prop::collection::vec(any_cause(), 0..60),
        ) {
            let mut life = Lifecycle::planned();
            let mut stage = Stage::Planned;
            for cause in causes {
                let before = life.clone();
                let is_news = life.is_news(cause);
                let moved = life.learn(cause);
                prop_assert_eq!(is_news, life != before);
                if let Some(moved) = moved {
                    prop_assert_eq!(moved.from, stage);
                    prop_assert!(moved.from.may_become(moved.to), "{moved:?}");
                    stage = moved.to;
                }
                prop_assert_eq!(life.stage(), stage);
                prop_assert_eq!(life.learn(cause), None, "told twice");
            }
        }
    }
}
