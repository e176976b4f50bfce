//! What is wrong with the program itself, by its vital signs; on a clock of the test's own.

use expect_test::{Expect, expect};
use model::{B256, BlockRef, Name, Secret, UnixMillis, UnixSeconds};

use super::{
    Certificate, ClockReading, Disk, Head, Heartbeat, PeerSettings, PeerState, PingSettings,
    Settings, Vitals, disagreements,
};

const NOW: UnixMillis = UnixMillis(1_790_000_000_000);

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn settings() -> Settings {
    Settings {
        ping: Some(PingSettings {
            url: Secret::new("https://switch.example/uuid".to_owned()),
            fail_url: None,
            every_ms: 60_000,
        }),
        peers: vec![PeerSettings {
            name: name("twin"),
            url: "https://twin.example".to_owned(),
            key: String::new(),
            stale_after_ms: 120_000,
            twin: None,
        }],
        ..Settings::default()
    }
}

fn check(vitals: &Vitals, told: &Expect) {
    let reasons = vitals.reasons(&settings(), NOW);
    let lines = reasons.iter().map(|reason| format!("{}: {}\n", reason.code.as_str(), reason.text));
    told.assert_eq(&lines.collect::<String>());
}

fn beat(at: UnixMillis, verdict: &str, hash: u8) -> Heartbeat {
    let finalized = BlockRef { number: 900, hash: B256::repeat_byte(hash) };
    Heartbeat {
        at,
        started_at: UnixMillis(0),
        version: "0.1.0".to_owned(),
        verdict: verdict.to_owned(),
        missing: if verdict == "no" { vec!["stale".to_owned()] } else { Vec::new() },
        heads: vec![Head { chain_id: 1, judged: None, finalized: Some(finalized) }],
    }
}

fn ahead(ahead_ms: i64) -> ClockReading {
    ClockReading { ahead_ms, error_ms: 600 }
}

#[test]
fn nothing_known_is_nothing_wrong() {
    check(&Vitals::default(), &expect![""]);
}

#[test]
fn one_wrong_clock_out_there_is_not_ours_and_two_of_three_are() {
    let clocks = |all: &[i64]| Vitals {
        clocks: all.iter().map(|by| ahead(*by)).collect(),
        ..Vitals::default()
    };
    check(&clocks(&[0, 200, 90_000]), &expect![""]);
    check(&clocks(&[5_400]), &expect![""]);
    check(
        &clocks(&[100, 90_000, 91_000]),
        &expect![[r#"
            clock_skew: this machine's clock is 1 min ahead of the middle of 3 other clocks
        "#]],
    );
    check(
        &clocks(&[-7_000]),
        &expect![[r#"
            clock_skew: this machine's clock is 7 s behind the middle of 1 other clock
        "#]],
    );
}

#[test]
fn certificates_are_told_two_weeks_before_they_end() {
    let at = |days: i64| UnixSeconds((NOW.0 / 1_000 + days * 86_400) as u64);
    let certificates = [("a.example", 90), ("b.example", 13), ("c.example:8443", -2)];
    let certificates = certificates
        .map(|(host, days)| Certificate { host: host.to_owned(), not_after: at(days) })
        .into();
    check(
        &Vitals { certificates, ..Vitals::default() },
        &expect![[r#"
            certificate_expiring: the certificate of b.example ends in 13 d
            certificate_expiring: the certificate of c.example:8443 ended 2 d ago
        "#]],
    );
}

#[test]
fn a_disk_is_short_by_share_or_by_size() {
    let disk = |free_mb: u64, total_mb: u64| Vitals {
        disk: Some(Disk { free_bytes: free_mb << 20, total_bytes: total_mb << 20 }),
        ..Vitals::default()
    };
    check(&disk(100_000, 1_000_000), &expect![""]);
    let short = &expect![[r#"
        disk_short: the store's disk has 900 MB left of 10,000 MB
    "#]];
    check(&disk(900, 10_000), short);
    let short = &expect![[r#"
        disk_short: the store's disk has 20,000 MB left of 1,000,000 MB
    "#]];
    check(&disk(20_000, 1_000_000), short);
}

#[test]
fn another_watcher_is_missed_believed_and_contradicted() {
    let peer = |peer| Vitals { peers: vec![peer], ..Vitals::default() };
    let mut twin = PeerState::new(name("twin"), NOW.plus(-30_000));
    twin.hear(Err(anyhow::anyhow!("it answers HTTP 502")), NOW);
    check(&peer(twin.clone()), &expect![""]);
    twin.asked_since = NOW.plus(-121_000);
    check(
        &peer(twin.clone()),
        &expect![[r#"
            peer_silent: nothing was heard from the other watcher twin for 2 min: it answers HTTP 502
        "#]],
    );
    twin.hear(Ok(beat(NOW, "no", 1)), NOW);
    check(
        &peer(twin.clone()),
        &expect![[r#"
            peer_blind: the other watcher twin says that it cannot be trusted: stale
        "#]],
    );
    twin.hear(Ok(beat(NOW.plus(1), "yes", 1)), NOW);
    check(&peer(twin), &expect![""]);
}

#[test]
fn a_heartbeat_that_is_played_back_keeps_nobody_alive() {
    let mut twin = PeerState::new(name("twin"), NOW.plus(-600_000));
    twin.hear(Ok(beat(NOW.plus(-600_000), "yes", 1)), NOW.plus(-599_000));
    twin.hear(Ok(beat(NOW.plus(-600_000), "yes", 1)), NOW);
    check(
        &Vitals { peers: vec![twin], ..Vitals::default() },
        &expect![[r#"
            peer_silent: nothing was heard from the other watcher twin for 9 min: it repeats an old heartbeat
        "#]],
    );
}

#[test]
fn two_final_blocks_of_one_height_are_a_disagreement_and_an_unknown_height_is_none() {
    let ours = BlockRef { number: 900, hash: B256::repeat_byte(2) };
    let judged = |chain_id, number| -> Result<_, std::convert::Infallible> {
        Ok((chain_id == 1 && number == 900).then_some(ours))
    };
    let found = disagreements(&beat(NOW, "yes", 1), judged).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].ours, found[0].theirs.number), (ours, 900));
    assert!(disagreements(&beat(NOW, "yes", 2), judged).unwrap().is_empty());
    let nothing = |_, _| Ok::<_, std::convert::Infallible>(None);
    assert!(disagreements(&beat(NOW, "yes", 1), nothing).unwrap().is_empty());
    let twin = PeerState { disagreements: found, ..PeerState::new(name("twin"), NOW) };
    let told = Vitals { peers: vec![twin], ..Vitals::default() }.reasons(&settings(), NOW);
    assert!(told[0].text.starts_with("the other watcher twin calls block 900 of chain 1 final"));
}

#[test]
fn a_switch_that_takes_no_pings_is_told_after_three() {
    let mut vitals = Vitals::default();
    vitals.ping.note(Err("HTTP 404".to_owned()), NOW.plus(-180_000));
    vitals.ping.note(Err("it does not answer in time".to_owned()), NOW.plus(-60_000));
    check(
        &vitals,
        &expect![[r#"
            switch_unreachable: the dead-man's switch takes no pings since 3 min: it does not answer in time
        "#]],
    );
    vitals.ping.note(Ok(()), NOW);
    check(&vitals, &expect![""]);
}
