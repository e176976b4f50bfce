//! Outside detectors that behave, and every way in which they do not.

use std::{fs, time::Duration};

use model::{BlindReason, BlockBundle, Header, Name, Proof, Proven, Severity, UnixSeconds};
use registry::Registry;

use super::{ANSWER_BYTES_MAX, Bots, Format, Spec, Way};

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn bundle(number: u64) -> BlockBundle {
    let yes = || Proven::Yes;
    BlockBundle {
        network: name("mainnet"),
        endpoint: name("recorded"),
        header: Header { number, timestamp: UnixSeconds(1_700_000_000 + number), ..header() },
        transactions: Vec::new(),
        traces: None,
        reads: Vec::new(),
        proof: Proof {
            header: yes(),
            transactions: yes(),
            senders: yes(),
            bloom: yes(),
            receipts: yes(),
        },
        traced_by: model::TraceSource::default(),
    }
}

fn header() -> Header {
    Header {
        number: 0,
        hash: Default::default(),
        parent_hash: Default::default(),
        timestamp: UnixSeconds(0),
        beneficiary: Default::default(),
        base_fee_per_gas: None,
        gas_used: 0,
        gas_limit: 0,
        logs_bloom: Default::default(),
        receipts_root: Default::default(),
        transactions_root: Default::default(),
        state_root: Default::default(),
    }
}

/// A detector made of a line of shell, in a folder of its own.
struct Made {
    bots: Bots,
    _folder: tempfile::TempDir,
}

fn made(script: &str, change: impl FnOnce(&mut Spec)) -> Made {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("bot.sh"), script).unwrap();
    let mut spec = Spec {
        name: name("bot"),
        version: 1,
        networks: Vec::new(),
        way: Way::Command {
            command: vec!["/bin/sh".into(), "bot.sh".into()],
            folder: folder.path().to_owned(),
            memory_bytes: 256 * 1024 * 1024,
        },
        format: Format::Bellwether,
        severity_max: Severity::High,
        timeout: Duration::from_secs(10),
        findings_max: 2,
    };
    change(&mut spec);
    Made { bots: Bots::of(&[spec], &name("mainnet")), _folder: folder }
}

/// Says the same to each line.
fn echo(answer: &str) -> String {
    format!("while read -r line; do echo '{answer}'; done")
}

fn blind_of(made: &mut Made) -> String {
    let (findings, blind) = made.bots.judge(&bundle(1), &Registry::default());
    assert!(findings.is_empty(), "{findings:?}");
    match blind.as_slice() {
        [one] => match &one.reason {
            BlindReason::Evaluation(why) => why.clone(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_answer_becomes_findings_of_the_block_with_a_ceiling_and_strangers_words() {
    let answer = r#"{"findings":[{"severity":"critical","title":"price <b>off</b>","facts":{"by":"0x00000000000000000000000000000000000000aa","n":7}}]}"#;
    let mut made = made(&echo(answer), |_| ());
    let (findings, blind) = made.bots.judge(&bundle(7), &Registry::default());
    assert_eq!(blind, []);
    let [found] = findings.as_slice() else { panic!("{findings:?}") };
    assert_eq!((found.severity, found.origin.block.number), (Severity::High, 7));
    assert_eq!(found.title, "bot reports \"price <b>off</b>\"");
    assert_eq!(found.detector, "outside/bot");
    let (again, _) = made.bots.judge(&bundle(7), &Registry::default());
    assert_eq!(again[0].id, found.id, "the same claim is the same finding");
    let (later, _) = made.bots.judge(&bundle(8), &Registry::default());
    assert_ne!(later[0].id, found.id);
}

#[test]
fn it_gets_the_block_and_nothing_of_our_surroundings() {
    let script = "while read -r line; do case \"$line\" in *'\"number\":9'*) seen=yes;; *) seen=no;; esac; echo \"{\\\"findings\\\":[{\\\"severity\\\":\\\"low\\\",\\\"title\\\":\\\"$seen home=[$HOME] $(env | grep -c -E '^(HOME|PATH|CARGO|BELLWETHER)')\\\"}]}\"; done";
    let script = format!("env_count() {{ :; }}\nPATH=/usr/bin:/bin\n{script}");
    let mut made = made(&script, |_| ());
    let (findings, blind) = made.bots.judge(&bundle(9), &Registry::default());
    assert_eq!(blind, []);
    assert!(findings[0].title.contains("yes home=[] 0"), "{}", findings[0].title);
}

#[test]
fn silence_is_blindness_after_its_time_and_the_process_is_gone() {
    let mut made = made("while read -r line; do sleep 60; done", |spec| {
        spec.timeout = Duration::from_millis(200);
    });
    assert_eq!(blind_of(&mut made), "outside detector took longer than 200ms");
    let again = blind_of(&mut made);
    assert!(again.contains("failed and is asked again in"), "{again}");
}

#[test]
fn one_that_ends_or_says_nonsense_or_too_much_is_blind() {
    let blind = |script: &str| blind_of(&mut made(script, |_| ()));
    assert_eq!(blind("exit 3"), "outside detector ended: it closed its output");
    let nonsense = blind(&echo("all good"));
    assert!(
        nonsense.starts_with("outside detector answered with what is no list of findings"),
        "{nonsense}"
    );
    let misspelt = blind(&echo(r#"{"finding":[]}"#));
    assert!(misspelt.contains("unknown field"), "{misspelt}");
    let one = r#"{"severity":"low","title":"x"}"#;
    let many = blind(&echo(&format!(r#"{{"findings":[{one},{one},{one}]}}"#)));
    assert!(many.contains("3 findings, at most 2 may be"), "{many}");
    let elsewhere = r#"{"findings":[{"severity":"low","title":"x","tx":"0x00000000000000000000000000000000000000000000000000000000000000aa"}]}"#;
    assert!(blind(&echo(elsewhere)).contains("is not in block 1"));
    let flood =
        format!("read -r line; head -c {} /dev/zero | tr '\\0' 'x'; sleep 5", ANSWER_BYTES_MAX + 2);
    let flood = blind(&format!("PATH=/usr/bin:/bin\n{flood}"));
    assert_eq!(flood, format!("outside detector answered with more than {ANSWER_BYTES_MAX} bytes"));
    let missing = blind_of(&mut made("", |spec| {
        if let Way::Command { command, .. } = &mut spec.way {
            *command = vec!["/nonexistent/bot".into()];
        }
    }));
    assert!(
        missing.starts_with("outside detector cannot be reached: starting /nonexistent/bot"),
        "{missing}"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn memory_has_a_limit_that_the_process_cannot_lift() {
    let script = "PATH=/usr/bin:/bin\nread -r line\nulimit -v unlimited 2>/dev/null && echo lifted\nulimit -v\nsleep 1";
    let mut made = made(script, |spec| {
        if let Way::Command { memory_bytes, .. } = &mut spec.way {
            *memory_bytes = 64 * 1024 * 1024;
        }
    });
    let why = blind_of(&mut made);
    assert!(!why.contains("lifted"), "{why}");
    // 65536 KiB is what the shell says of its own limit; it is no answer, and so it is quoted nowhere
    // but in the mistake of the parser.
    assert!(why.contains("invalid type: integer `65536`"), "{why}");
}

#[test]
fn others_bots_are_read_in_their_own_words() {
    let forta = r#"[{"name":"Large transfer","description":"moved","alertId":"LARGE-1","protocol":"ethereum","severity":"High","type":"Suspicious","metadata":{"amount":"9"},"addresses":[]}]"#;
    let mut made = made(&echo(forta), |spec| spec.format = Format::Forta);
    let (findings, blind) = made.bots.judge(&bundle(3), &Registry::default());
    assert_eq!(blind, []);
    let [found] = findings.as_slice() else { panic!("{findings:?}") };
    assert_eq!((found.monitor.as_str(), found.origin.block.number), ("bot", 3));
    let mut quiet = super::tests::made(&echo("[]"), |spec| spec.format = Format::Forta);
    let (findings, blind) = quiet.bots.judge(&bundle(3), &Registry::default());
    assert_eq!((findings.len(), blind.len()), (0, 0), "an empty list says that all is well");
}
