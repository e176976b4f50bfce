//! What `liquidity/outflow_unusually_large` is worth on simulated withdrawals: `cargo xtask quality`
//! reads the lines that begin with `figure`.

use model::Severity;

use super::{chain::*, dice::Dice};

const DAY_S: u64 = 86_400;
const WEEK_DAYS: usize = 7;
const WITHDRAWALS_A_DAY: usize = 200;

/// Usual amounts: e to this on average, give or take this, in powers of e.
const LN_MEAN: f64 = 12.0;

/// Weeks that only teach, and weeks that are counted, with a drain in each.
const WEEKS_TAUGHT: usize = 4;
const WEEKS: usize = 100;

/// Withdrawals of a drain.
const STEPS: usize = 5;

/// How amounts are spread.
#[derive(Clone, Copy)]
enum Amounts {
    /// Log-normal, spread by e to 1.5.
    LogNormal,
    /// Pareto's, with an index of 1.2: the variance is infinite.
    Pareto,
}

impl Amounts {
    fn draw(self, dice: &mut Dice) -> f64 {
        match self {
            Self::LogNormal => (LN_MEAN + 1.5 * dice.normal()).exp(),
            Self::Pareto => (LN_MEAN + dice.exponential() / 1.2).exp(),
        }
    }

    /// What one in a hundred withdrawals reaches.
    fn hundredth(self) -> f64 {
        match self {
            Self::LogNormal => (LN_MEAN + 1.5 * 2.326).exp(),
            Self::Pareto => (LN_MEAN + 100.0_f64.ln() / 1.2).exp(),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::LogNormal => "log-normal",
            Self::Pareto => "Pareto's",
        }
    }
}

fn withdrawal(dice: &mut Dice, amounts: Amounts, salt: u64) -> TxBuilder {
    // A thousand customers, each with an account of its own.
    let to = 0x1000 + (dice.exponential() * 1e6) as u64 % 1_000;
    let customer = alloy_primitives::Address::left_padding_from(&to.to_be_bytes());
    let amount = amounts.draw(dice).min(1e18) as u64;
    let mut tx = tx(ALICE, VAULT).salt(salt).log(transfer(TOKEN, address(VAULT), customer, amount));
    tx.from = customer;
    tx
}

fn figure(amounts: Amounts) {
    let monitor = detector(
        "liquidity/outflow_unusually_large",
        &["vault"],
        &[("tokens", "usd")],
        Severity::High,
    );
    let (mut world, mut dice, mut salt) = (World::new(vec![monitor]), Dice::new(5), 0);
    let (mut alarms, mut delays) = ([0; 2], Vec::new());
    for week in 0..WEEKS_TAUGHT + WEEKS {
        for day in 0..WEEK_DAYS {
            for _ in 0..24 {
                let calls = WITHDRAWALS_A_DAY / 24;
                let usual = (0..calls).map(|_| {
                    salt += 1;
                    withdrawal(&mut dice, amounts, salt)
                });
                let judgement = world.push(DAY_S / 24, &block(usual.collect::<Vec<_>>()));
                if week >= WEEKS_TAUGHT {
                    for found in &judgement.findings {
                        alarms[usize::from(found.severity == Severity::High)] += 1;
                    }
                }
            }
            if week < WEEKS_TAUGHT || day != WEEK_DAYS / 2 {
                continue;
            }
            let step = (amounts.hundredth() * 1.5).min(1e18) as u64;
            let found = (1..=STEPS).filter(|_| {
                let thief =
                    tx(MALLORY, VAULT).log(transfer(TOKEN, address(VAULT), address(MALLORY), step));
                let judgement = world.push(36, &block([thief]));
                judgement.findings.iter().any(|f| f.severity == Severity::High)
            });
            delays.extend(found.take(1));
        }
    }
    delays.sort_unstable();
    let middle = delays.get(delays.len() / 2).map_or("never".to_owned(), |d| format!("step {d}"));
    println!(
        "\nfigure {{\"detector\":\"liquidity/outflow_unusually_large\",\"data\":\"simulated \
         withdrawals, {}, 200 a day; drained in five steps of 1.5 times what one in a hundred \
         reaches\",\"n\":\"{WEEKS} weeks of one contract, {WEEKS} drains\",\"recall\":[{},{WEEKS}],\
         \"false_alarms\":[{},{WEEKS}],\"lead\":\"at {middle} of five\"}}",
        amounts.name(),
        delays.len(),
        alarms[0] + alarms[1],
    );
    println!("of the false alarms {} were drains, {} single amounts", alarms[1], alarms[0]);
}

#[test]
#[ignore = "a minute; cargo xtask quality series runs it"]
fn withdrawals_at_length() {
    figure(Amounts::LogNormal);
    figure(Amounts::Pareto);
}
