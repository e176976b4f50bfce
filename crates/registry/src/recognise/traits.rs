//! From an interface to traits, each with its evidence.

use super::{
    Interface, Trait,
    standard::{STANDARDS, Standard},
};

/// A trait with what speaks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The trait.
    pub is: Trait,
    /// In words: "answers latestRoundData() and has AnswerUpdated".
    pub why: String,
}

/// Most function names that one line of evidence shows.
const NAMES_SHOWN_MAX: usize = 4;

/// Everything that the interface shows, standards before shapes, each trait once.
pub(super) fn of_interface(interface: &Interface) -> Vec<Evidence> {
    let mut found: Vec<Evidence> = Vec::new();
    let mut add = |is: Trait, why: String| {
        if !found.iter().any(|e| e.is == is) {
            found.push(Evidence { is, why });
        }
    };
    for standard in STANDARDS {
        if standard.needs.iter().all(|signature| interface.answers(signature)) {
            add(standard.is, of_standard(standard, interface));
        }
    }
    let has = |is: Trait| found.iter().any(|e| e.is == is);
    let mut shapes = Vec::new();
    for shape in SHAPES {
        if shape.unless.iter().any(|is| has(*is)) {
            continue;
        }
        if let Some(why) = (shape.tell)(interface) {
            shapes.push(Evidence { is: shape.is, why });
        }
    }
    found.extend(shapes);
    found
}

fn of_standard(standard: &Standard, interface: &Interface) -> String {
    let short = |signature: &&str| match signature.split_once('(') {
        Some((name, ")")) => format!("{name}()"),
        Some((name, _)) => name.to_owned(),
        None => (*signature).to_owned(),
    };
    let mut why = format!("answers {}", list(standard.needs.iter().map(short)));
    let emitted: Vec<String> =
        standard.events.iter().filter(|e| interface.emits(e)).map(short).collect();
    if !emitted.is_empty() {
        why.push_str(&format!(" and has {}", list(emitted.into_iter())));
    }
    why
}

/// "a, b and c"; beyond some, "a, b, c and 5 more".
fn list(items: impl Iterator<Item = String>) -> String {
    let mut items: Vec<String> = items.collect();
    if items.len() > NAMES_SHOWN_MAX {
        let more = items.len() - NAMES_SHOWN_MAX + 1;
        items.truncate(NAMES_SHOWN_MAX - 1);
        items.push(format!("{more} more"));
    }
    match items.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// Something that has no standard but a usual vocabulary.
struct Shape {
    is: Trait,
    /// Traits that say it better.
    unless: &'static [Trait],
    /// The evidence, if it has the shape.
    tell: fn(&Interface) -> Option<String>,
}

const SHAPES: &[Shape] = &[
    Shape {
        is: Trait::TimelockShape,
        unless: &[Trait::TimelockController, Trait::CompoundTimelock],
        tell: timelock,
    },
    Shape {
        is: Trait::GovernorShape,
        unless: &[Trait::Governor, Trait::GovernorBravo],
        tell: governor,
    },
    Shape { is: Trait::PriceShape, unless: &[Trait::PriceFeed, Trait::UniswapV2Pair], tell: price },
    Shape {
        is: Trait::PairShape,
        unless: &[Trait::UniswapV2Pair, Trait::UniswapV3Pool, Trait::CurvePool],
        tell: pair,
    },
    Shape { is: Trait::LockReleaseBridge, unless: &[Trait::CanonicalBridge], tell: bridge },
    Shape { is: Trait::InsuranceFundShape, unless: &[], tell: insurance },
    Shape {
        is: Trait::VaultShape,
        unless: &[
            Trait::Erc4626,
            Trait::AaveV2Pool,
            Trait::AaveV3Pool,
            Trait::CompoundV2Market,
            Trait::CompoundV3Market,
            Trait::Staking,
        ],
        tell: vault,
    },
    Shape { is: Trait::TreasuryShape, unless: &[], tell: treasury },
];

/// The functions of these names that the interface has, with their parentheses.
fn functions(interface: &Interface, names: &[&str]) -> Vec<String> {
    names.iter().filter_map(|n| interface.function_named(n)).map(|n| format!("{n}()")).collect()
}

fn events(interface: &Interface, names: &[&str]) -> Vec<String> {
    names.iter().filter_map(|n| interface.event_named(n)).map(str::to_owned).collect()
}

fn all_of(groups: &[Vec<String>]) -> Option<String> {
    let is_whole = groups.iter().all(|group| !group.is_empty());
    is_whole.then(|| format!("has {}", list(groups.iter().flatten().cloned())))
}

fn timelock(interface: &Interface) -> Option<String> {
    let delay = functions(interface, &["mindelay", "getmindelay", "delay", "readyat", "getdelay"]);
    let mut hold = functions(interface, &["schedule", "queuetransaction", "schedulebatch"]);
    hold.extend(events(interface, &["callscheduled", "queuetransaction"]));
    let mut act = functions(interface, &["execute", "executebatch", "executetransaction"]);
    act.extend(events(interface, &["callexecuted", "executetransaction"]));
    all_of(&[delay, hold, act])
}

fn governor(interface: &Interface) -> Option<String> {
    let mut propose = functions(interface, &["propose"]);
    propose.extend(events(interface, &["proposalcreated"]));
    let mut vote = functions(interface, &["castvote", "vote"]);
    vote.extend(events(interface, &["votecast"]));
    all_of(&[propose, vote])
}

fn price(interface: &Interface) -> Option<String> {
    // Many contracts pass a price on; one that is told prices is where they come from.
    let says = functions(
        interface,
        &["latestanswer", "getassetprice", "getunderlyingprice", "getprice", "peek"],
    );
    let mut told = functions(interface, &["submit", "poke", "setprice", "setassetsources"]);
    told.extend(events(interface, &["answerupdated", "priceupdated", "assetsourceupdated"]));
    all_of(&[says, told])
}

fn pair(interface: &Interface) -> Option<String> {
    let mut reserves = functions(interface, &["reserve0", "getreserves", "spotprice"]);
    reserves.extend(events(interface, &["sync"]));
    let mut trade = functions(interface, &["swap", "exchange"]);
    trade.extend(events(interface, &["swap", "tokenexchange"]));
    all_of(&[reserves, trade])
}

fn bridge(interface: &Interface) -> Option<String> {
    let mut lock = functions(interface, &["lock", "locktokens"]);
    lock.extend(events(interface, &["locked", "tokenslocked"]));
    let mut release = functions(interface, &["release", "unlock", "releasetokens"]);
    release.extend(events(interface, &["released", "unlocked", "tokensreleased"]));
    // A vesting contract locks and releases too; a bridge keeps which messages it has seen, or
    // says where a message goes.
    let mut remote = functions(
        interface,
        &["released", "processed", "relayer", "relayer_role", "messenger", "chainid", "isrelayer"],
    );
    let goes_elsewhere = interface
        .functions()
        .filter_map(|f| f.declared.as_ref())
        .any(|f| f.inputs.iter().any(|p| p.name.to_lowercase().contains("chain")));
    if goes_elsewhere {
        remote.push("a chain as argument".to_owned());
    }
    all_of(&[lock, release, remote])
}

/// What pays for losses is told by what it is paid for and by how it is filled.
fn insurance(interface: &Interface) -> Option<String> {
    let pays = functions(
        interface,
        &[
            "cover",
            "coverbaddebt",
            "covershortfall",
            "coverloss",
            "payclaim",
            "approveclaim",
            "submitclaim",
            "fileclaim",
            "slash",
        ],
    );
    let mut keeps = functions(
        interface,
        &[
            "claims_role",
            "contribute",
            "contributed",
            "covered",
            "baddebt",
            "shortfall",
            "getmaxslashablepercentage",
        ],
    );
    keeps.extend(events(interface, &["contributed", "covered", "claimpaid", "slashed"]));
    all_of(&[pays, keeps])
}

fn vault(interface: &Interface) -> Option<String> {
    let put = functions(interface, &["deposit", "depositether", "depositeth"]);
    let take = functions(interface, &["withdraw", "redeem", "withdrawether", "withdraweth"]);
    let keep = functions(
        interface,
        &[
            "totalassets",
            "totalshares",
            "sharesof",
            "pricepershare",
            "getpriceperfullshare",
            "converttoassets",
            "strategy",
        ],
    );
    all_of(&[put, take, keep])
}

fn treasury(interface: &Interface) -> Option<String> {
    let pays = functions(interface, &["disburse", "spend", "withdrawtreasury", "payout", "sweep"]);
    let plans = functions(interface, &["budget", "treasury_role", "spender"]);
    all_of(&[pays, plans])
}
