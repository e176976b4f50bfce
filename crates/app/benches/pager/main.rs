//! What deciding costs: a million findings in ten thousand groups, and a thousand routes beside ten.
//!
//! `cargo bench -p bellwether --bench pager`
//!
//! CPU times are of the whole process, and what is compared was measured in turn within one run. The
//! exit code is 1 when a goal is missed, unless `--report` asks for figures alone.
//!
//! Options, all after `--`: `--findings N` (1,000,000; goals are for that), `--repeats N` (of routes).

// A benchmark that cannot run should say where, and nobody is served by anything milder.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark, not the program")]

use std::{process::Command, sync::Arc, time::Duration};

use alert::{
    Labels, Matcher,
    life::Truth,
    oncall::{Layer, Rotation, Schedule, Turn, Turns},
    pager::{Facts, Input, Outcome, Pager},
    plan::{Channel, ChannelKind, Escalation, Person, Plan, Target},
    route::{Branch, GroupBy, Tree},
};
use cpu_time::{ProcessTime, ThreadTime};
use jiff::tz::TimeZone;
use model::{AlertId, Name, Provenance, Severity, UnixMillis};

const CHILD: &str = "--child";

/// Groups that the findings are in.
const GROUPS: u64 = 10_000;

/// Most CPU time for a million findings, and most memory.
const CPU_S_MAX: f64 = 60.0;
const PEAK_MB_MAX: f64 = 500.0;

/// How much more a decision may cost with a thousand routes than with ten.
const ROUTES_RATIO_MAX: f64 = 1.5;

/// A block each 12 s, and so many findings in each: a million are two hours of a storm.
const BLOCK_MS: i64 = 12_000;
const FINDINGS_PER_BLOCK: u64 = 1_667;

/// Inputs that the program applies together at the most.
const STEP: usize = 512;

const BEGIN: UnixMillis = UnixMillis(1_800_000_000_000);

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// A team's chat for all, mail, three people with phones, and so many routes of a protocol each.
fn plan(routes: u64) -> Arc<Plan> {
    let mut root = Branch::new(name("all"));
    root.receivers = Some(vec![name("chat")]);
    root.group_by = Some(GroupBy::Labels(vec!["protocol".to_owned(), "group".to_owned()]));
    root.escalation = Some(name("acme"));
    root.branches = (0..routes)
        .map(|route| {
            let mut branch = Branch::new(name(&format!("protocol-{route}")));
            branch.matchers = Matcher::list(&format!("protocol=protocol-{route}")).unwrap();
            branch.receivers = Some(vec![name("chat"), name("mail")]);
            branch
        })
        .collect();
    let mut plan = Plan::new(Tree::new(root).unwrap());
    for (channel, kind) in [
        ("chat", ChannelKind::Chat),
        ("mail", ChannelKind::Mail),
        ("voice", ChannelKind::Voice),
        ("sms", ChannelKind::Sms),
    ] {
        plan.channels.insert(name(channel), Channel::new(kind));
    }
    for person in ["ann", "bob", "cy"] {
        let channels = vec![name("voice"), name("sms")];
        plan.people.insert(name(person), Person::new(channels, TimeZone::UTC));
    }
    let rotation = Rotation {
        people: vec![name("ann"), name("bob")],
        turn: Turn::Weeks(1),
        begins: "2027-01-11T09:00:00".parse().unwrap(),
    };
    let layer = Layer {
        name: name("week"),
        zone: TimeZone::UTC,
        turns: Turns::Rotation(rotation),
        hours: None,
        until: None,
    };
    let rota = Schedule { name: name("rota"), layers: vec![layer], overrides: Vec::new() };
    plan.schedules.insert(name("rota"), rota);
    let rungs = vec![vec![Target::OnCall(name("rota"))], vec![Target::Person(name("cy"))]];
    plan.escalations.insert(name("acme"), Escalation::of(rungs));
    Arc::new(plan)
}

/// The so-manieth alert after `findings`. One in a hundred is critical, one in twenty high.
fn facts(alert: u64, findings: u64, routes: u64) -> Facts {
    let group = alert % GROUPS;
    let severity = match group {
        g if g % 100 == 0 => Severity::Critical,
        g if g % 20 == 1 => Severity::High,
        g if g % 2 == 0 => Severity::Medium,
        _ => Severity::Low,
    };
    let labels = Labels::default()
        .with("severity", severity.as_str())
        .with("network", "mainnet")
        .with("monitor", &format!("monitor-{}", group % 100))
        .with("detector", "expression")
        .with("deployment", &format!("vault-{group}"))
        .with("class", "vault")
        .with("protocol", &format!("protocol-{}", group % routes))
        .with("group", &group.to_string());
    let mut id = [0; 16];
    id[..8].copy_from_slice(&alert.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    id[8..].copy_from_slice(&alert.to_be_bytes());
    Facts {
        alert: AlertId(id),
        labels,
        severity,
        truth: Truth::Provisional,
        because: "first finding".to_owned(),
        findings,
        outflow_usd: None,
        provenance: Provenance::Live,
    }
}

/// What came out, counted and let go as the program does once it is stored.
#[derive(Default)]
struct Tally {
    messages: u64,
    lines: u64,
    rulings: u64,
    rows: u64,
    alarms: u64,
}

impl Tally {
    fn take(&mut self, outcome: &Outcome) {
        self.messages += outcome.messages.len() as u64;
        self.lines +=
            outcome.messages.iter().map(|message| message.lines.len() as u64).sum::<u64>();
        self.rulings += outcome.rulings.len() as u64;
        self.rows += (outcome.rows.len() + outcome.gone.len()) as u64;
        self.alarms += outcome.alarms.len() as u64;
    }
}

/// Applies a block's inputs in the steps of the program, and receipts for what was sent.
fn apply(pager: &mut Pager, inputs: Vec<Input>, now: UnixMillis, tally: &mut Tally) {
    let mut waiting: std::collections::VecDeque<Input> = inputs.into();
    while !waiting.is_empty() {
        let step: Vec<Input> = waiting.drain(..waiting.len().min(STEP)).collect();
        let (outcome, _) = pager.apply_all(step, now);
        let sent = outcome.messages.iter().map(|sent| Input::Delivered { message: sent.id });
        waiting.extend(sent);
        tally.take(&outcome);
    }
}

/// A storm in a process of its own: findings come in turn to all alerts.
fn child(findings: u64, alerts: u64) {
    let began = ProcessTime::now();
    let mut pager = Pager::new(plan(10));
    let mut tally = Tally::default();
    let mut now = BEGIN;
    let mut next = 0;
    while next < findings {
        let block = next..(next + FINDINGS_PER_BLOCK).min(findings);
        next = block.end;
        let inputs = block.map(|at| Input::Alert(facts(at % alerts, at / alerts + 1, 10)));
        apply(&mut pager, inputs.collect(), now, &mut tally);
        now = now.plus(BLOCK_MS);
        // The clock of the program: what is due between two blocks.
        while pager.next_due().is_some_and(|due| due < now) {
            let due = pager.next_due().unwrap();
            apply(&mut pager, vec![Input::Tick], due, &mut tally);
        }
    }
    let storm_s = began.elapsed().as_secs_f64();
    // A day after it, in which nobody says anything and nothing is found.
    let (storm_rows, began, end) = (tally.rows, ProcessTime::now(), now.plus(86_400_000));
    let mut wakes = 0;
    while let Some(due) = pager.next_due().filter(|due| *due < end) {
        apply(&mut pager, vec![Input::Tick], due, &mut tally);
        wakes += 1;
    }
    let day_s = began.elapsed().as_secs_f64();
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    let peak_mb: f64 = peak.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0;
    let day_rows = tally.rows - storm_rows;
    let Tally { messages, lines, rulings, alarms, .. } = tally;
    println!(
        "{storm_s} {peak_mb} {messages} {lines} {rulings} {storm_rows} {alarms} {day_s} {day_rows} {wakes}"
    );
}

/// Reports a storm; whether it kept to its goals.
fn storm(findings: u64, alerts: u64) -> bool {
    let program = std::env::current_exe().unwrap();
    let output = Command::new(program)
        .args([CHILD, &findings.to_string(), &alerts.to_string()])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let figures: Vec<f64> = text.split_whitespace().map(|word| word.parse().unwrap()).collect();
    let [cpu_s, peak_mb, messages, lines, rulings, rows, alarms, day_s, day_rows, wakes] =
        figures[..]
    else {
        panic!("{text}")
    };
    let cpu_max = CPU_S_MAX * findings as f64 / 1e6;
    let is_met = cpu_s <= cpu_max && peak_mb <= PEAK_MB_MAX;
    let verdict = if is_met { "PASS" } else { "MISS" };
    println!("\n{findings} findings of {alerts} alerts in {GROUPS} groups, over two hours");
    println!("  decisions      {cpu_s:9.2} CPU s   <= {cpu_max}");
    println!("  peak resident  {peak_mb:9.1} MB      <= {PEAK_MB_MAX}   {verdict}");
    println!("  messages       {messages:9}  which speak of {lines} alerts; {alarms} alarms");
    println!("  rulings        {rulings:9}");
    println!("  rows written   {rows:9}");
    println!("  the day after: {day_s:9.2} CPU s, woken {wakes} times, {day_rows} rows written");
    is_met
}

/// CPU time of a thousand decisions about new alerts, with so many routes.
fn decide(pager: &mut Pager, routes: u64, first: u64) -> Duration {
    let inputs: Vec<Input> = (first..first + 1_000)
        .map(|at| {
            let mut facts = facts(at, 1, routes);
            // Low, so that deciding is what is measured and not calling people.
            facts.severity = Severity::Low;
            facts.labels.set("severity", Severity::Low.as_str());
            Input::Alert(facts)
        })
        .collect();
    let began = ThreadTime::now();
    for input in inputs {
        std::hint::black_box(pager.apply(input, BEGIN));
    }
    began.elapsed()
}

/// Reports what many routes cost; whether that is little enough.
fn routes(repeats: u64) -> bool {
    let (mut few, mut many) = (Vec::new(), Vec::new());
    let (few_plan, many_plan) = (plan(10), plan(1_000));
    for repeat in 0..repeats {
        let (mut of_few, mut of_many) =
            (Pager::new(few_plan.clone()), Pager::new(many_plan.clone()));
        // In turn, and each first every other time.
        let mut a = Duration::ZERO;
        let mut b = Duration::ZERO;
        for first in [0, 1_000, 2_000, 3_000] {
            if (repeat + first / 1_000) % 2 == 0 {
                a += decide(&mut of_few, 10, first);
                b += decide(&mut of_many, 1_000, first);
            } else {
                b += decide(&mut of_many, 1_000, first);
                a += decide(&mut of_few, 10, first);
            }
        }
        few.push(a.as_secs_f64() * 1e6 / 4_000.0);
        many.push(b.as_secs_f64() * 1e6 / 4_000.0);
    }
    let mut ratios: Vec<f64> = many.iter().zip(&few).map(|(many, few)| many / few).collect();
    let middle = |values: &mut Vec<f64>| {
        values.sort_by(f64::total_cmp);
        let at = |share: f64| values[(share * (values.len() - 1) as f64).round() as usize];
        (at(0.25), at(0.5), at(0.75))
    };
    println!("\na decision about a new alert, CPU, n = {repeats} (25 %, median, 75 %)");
    for (label, values) in [("10 routes", &mut few), ("1,000 routes", &mut many)] {
        let (low, median, high) = middle(values);
        println!("  {label:13} {low:8.2} {median:8.2} {high:8.2} µs");
    }
    let (low, median, high) = middle(&mut ratios);
    let is_met = low <= ROUTES_RATIO_MAX;
    let verdict = if is_met { "PASS" } else { "MISS" };
    println!(
        "  {:13} {low:8.2} {median:8.2} {high:8.2}      <= {ROUTES_RATIO_MAX}   {verdict}",
        "ratio"
    );
    is_met
}

fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let after = |name: &str| arguments.iter().position(|a| a == name).map(|at| at + 1);
    let number = |at: usize| arguments[at].parse::<u64>().unwrap();
    if let Some(at) = after(CHILD) {
        child(number(at), number(at + 1));
        return std::process::ExitCode::SUCCESS;
    }
    let findings = after("--findings").map_or(1_000_000, number);
    let repeats = after("--repeats").map_or(15, number);
    // As many alerts as groups, and as many as a network's book of alerts remembers at all.
    let most = alert::ALERTS_MAX as u64;
    let met = [storm(findings, GROUPS), storm(findings, most), routes(repeats)];
    let is_report = arguments.iter().any(|argument| argument == "--report");
    if is_report || met.iter().all(|met| *met) {
        std::process::ExitCode::SUCCESS
    } else {
        println!("\na goal is missed");
        std::process::ExitCode::FAILURE
    }
}
