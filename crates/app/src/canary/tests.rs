//! Canaries on a clock that the test turns.

use model::{AlertId, B256, BlockRef, Name, UnixMillis};
use proptest::prelude::*;

use super::{
    ARRIVED_KEPT, FLIGHTS_MAX, Flight, Point, SEEN_MAX, Settings, Span, Track, made, reasons,
};
use crate::snapshot::Code;

const SETTINGS: Settings = Settings { every_ms: Some(300_000), within_ms: 60_000 };

fn at(ms: i64) -> UnixMillis {
    UnixMillis(1_800_000_000_000 + ms)
}

fn name() -> Name {
    Name::new("mainnet").unwrap()
}

fn block(number: u64) -> BlockRef {
    let mut hash = B256::ZERO;
    hash[..8].copy_from_slice(&number.to_be_bytes());
    BlockRef { number, hash }
}

fn id(number: u64) -> AlertId {
    let mut id = AlertId([0; 16]);
    id.0[..8].copy_from_slice(&number.to_be_bytes());
    id
}

/// A track on which a canary left at `ms`, and came past the points up to `last` 10 ms apart.
fn fly(track: &mut Track, number: u64, ms: i64, last: Point) {
    track.saw(block(number).hash, at(ms - 5));
    track.made(id(number), block(number), at(ms));
    let points = Point::ALL.into_iter().filter(|point| *point > Point::Judged && *point <= last);
    for (step, point) in (1..).zip(points) {
        assert!(track.pass(id(number), point, at(ms + step * 10)));
    }
}

fn told(track: &Track, ms: i64) -> Vec<String> {
    let states: Vec<_> = track.state(&name(), at(ms)).into_iter().collect();
    reasons(&states).into_iter().map(|reason| reason.text).collect()
}

#[test]
fn the_first_block_brings_one_and_then_the_pace_does() {
    let mut track = Track::new(SETTINGS);
    assert!(track.is_due(at(0)));
    fly(&mut track, 1, 0, Point::Delivered);
    assert!(!track.is_due(at(299_999)));
    assert!(track.is_due(at(300_000)));
    let off = Track::new(Settings { every_ms: None, ..SETTINGS });
    assert!(!off.is_due(at(0)));
    assert_eq!(off.state(&name(), at(0)), None);
}

#[test]
fn each_stage_is_measured_from_the_one_before_it() {
    let mut track = Track::new(SETTINGS);
    fly(&mut track, 1, 0, Point::Delivered);
    let state = track.state(&name(), at(1_050)).unwrap();
    let same = |ms| Span { last_ms: ms, median_ms: ms, p99_ms: ms };
    let expected = [
        (Point::Judged, same(5)),
        (Point::Stored, same(10)),
        (Point::Taken, same(10)),
        (Point::Decided, same(10)),
        (Point::Queued, same(10)),
        (Point::Delivered, same(10)),
    ];
    assert_eq!(state.to, expected);
    assert_eq!(state.whole, Some(same(55)));
    assert_eq!((state.arrived, state.lost, state.arrived_ago_ms), (1, 0, Some(1_000)));
    // Of a block that an earlier process saw it is not known when.
    track.made(id(2), block(2), at(400_000));
    track.pass(id(2), Point::Stored, at(400_007));
    track.pass(id(2), Point::Delivered, at(400_020));
    let state = track.state(&name(), at(400_020)).unwrap();
    let newest = state.newest.unwrap();
    assert_eq!((newest.took_ms(Point::Judged), newest.whole_ms()), (None, Some(20)));
    assert_eq!(newest.took_ms(Point::Delivered), Some(13), "from the last point that is known");
}

#[test]
fn one_that_does_not_arrive_names_the_point_it_hangs_at_for_as_long_as_none_arrives() {
    for (last, point) in Point::ALL.into_iter().skip(1).zip(Point::ALL.into_iter().skip(2)) {
        let mut track = Track::new(SETTINGS);
        fly(&mut track, 1, 0, last);
        assert!(told(&track, 60_000).is_empty(), "it has a minute");
        let text = format!(
            "no canary comes through: that of block 1 of mainnet left 60 s ago; {}",
            point.missing()
        );
        assert_eq!(told(&track, 60_001), [text]);
        let states: Vec<_> = track.state(&name(), at(60_001)).into_iter().collect();
        let reason = &reasons(&states)[0];
        assert_eq!(reason.code, Code::CanaryLate);
        assert_eq!(reason.network.is_none(), point >= Point::Taken, "{point:?}");
    }
    // It stays so while others follow, and is over as soon as one comes through.
    let mut track = Track::new(SETTINGS);
    for number in 0..40 {
        fly(&mut track, number, number as i64 * 300_000, Point::Queued);
    }
    assert!(told(&track, 40 * 300_000)[0].contains("block 0 of mainnet left 3 h"));
    track.pass(id(39), Point::Delivered, at(40 * 300_000));
    assert!(told(&track, 50 * 300_000).is_empty());
    let state = track.state(&name(), at(50 * 300_000)).unwrap();
    assert_eq!((state.arrived, state.lost), (1, 39), "each is accounted for");
    assert!(!track.pass(id(7), Point::Delivered, at(51 * 300_000)), "it is awaited no more");
}

#[test]
fn no_blocks_are_no_canaries_and_no_alarm_of_theirs() {
    let mut track = Track::new(SETTINGS);
    assert!(told(&track, 86_400_000).is_empty(), "a network that stands still says so itself");
    fly(&mut track, 1, 0, Point::Delivered);
    assert!(told(&track, 86_400_000).is_empty());
}

#[test]
fn one_that_could_not_be_stored_is_tried_again_and_late_since_the_first_time() {
    let mut track = Track::new(SETTINGS);
    track.saw(block(1).hash, at(-5));
    track.made(id(1), block(1), at(0));
    // The judge could not commit, and judges the block again after two seconds, and again.
    for again in 1..31 {
        assert!(track.is_due(at(again * 2_000)));
        track.made(id(1), block(1), at(again * 2_000));
    }
    assert!(told(&track, 60_001)[0].ends_with("it was judged, but is not stored"));
    track.pass(id(1), Point::Stored, at(62_000));
    track.pass(id(1), Point::Delivered, at(62_050));
    assert!(told(&track, 62_060).is_empty());
    let state = track.state(&name(), at(62_060)).unwrap();
    assert_eq!((state.arrived, state.lost, state.whole.unwrap().last_ms), (1, 0, 62_055));
}

#[test]
fn a_new_beginning_awaits_nothing_of_before_and_remembers_how_long_it_took() {
    let mut track = Track::new(SETTINGS);
    fly(&mut track, 1, 0, Point::Delivered);
    fly(&mut track, 2, 300_000, Point::Queued);
    track.begin_again(SETTINGS);
    assert!(told(&track, 86_400_000).is_empty());
    assert!(track.is_due(at(300_001)), "whether the path works is asked at once");
    assert!(!track.pass(id(2), Point::Delivered, at(301_000)));
    assert_eq!(track.state(&name(), at(301_000)).unwrap().arrived, 1);
}

#[test]
fn a_clock_that_is_put_back_stops_no_canary() {
    let mut track = Track::new(SETTINGS);
    fly(&mut track, 1, 0, Point::Delivered);
    assert!(track.is_due(at(-86_400_000)));
    fly(&mut track, 2, -86_400_000, Point::Delivered);
    assert!(told(&track, -86_400_000).is_empty());
}

#[test]
fn what_is_made_of_a_block_is_a_canary_and_is_the_same_each_time() {
    let (now, policy) = (at(0), alert::Policy::default());
    let one = |number| {
        let when = (block(number), model::UnixSeconds(1_800_000_000));
        made(&name(), when, &policy, now).unwrap()
    };
    let first = one(1);
    assert_eq!(first.alert.provenance(), model::Provenance::Canary);
    assert_eq!(first.input.kind, model::Provenance::CANARY_MARK);
    assert_eq!((first.alert.id, &first.input), (one(1).alert.id, &one(1).input));
    assert_ne!(first.alert.id, one(2).alert.id, "each is one of its own");
}

proptest! {
    /// Whatever happens, what is remembered has its bounds and every canary is accounted for.
    #[test]
    fn canaries_are_accounted_for_and_bounded(
        steps in proptest::collection::vec((0..6u8, 0..400_000i64), 1..400),
    ) {
        let mut track = Track::new(SETTINGS);
        let (mut now, mut made, mut height) = (0, 0u64, 0);
        for (step, passes) in steps {
            now += passes;
            match step {
                0 | 1 if track.is_due(at(now)) => {
                    height += 1;
                    track.saw(block(height).hash, at(now));
                    track.made(id(height), block(height), at(now));
                    track.pass(id(height), Point::Stored, at(now));
                    made += 1;
                }
                0 | 1 => {}
                2 => drop(track.pass(id(height), Point::Taken, at(now))),
                _ => drop(track.pass(id(u64::from(step) % 3 + height.saturating_sub(2)), Point::Delivered, at(now))),
            }
            let state = track.state(&name(), at(now)).unwrap();
            prop_assert!(track.flying.len() <= FLIGHTS_MAX && track.seen.len() <= SEEN_MAX);
            prop_assert!(track.landed.len() <= ARRIVED_KEPT);
            prop_assert_eq!(state.arrived + state.lost + track.flying.len() as u64, made);
            let late = |flight: &Flight| at(now).millis_since(flight.made_at()) > 60_000;
            prop_assert_eq!(state.hanging.is_some(), track.flying.front().is_some_and(late));
            for (_, span) in state.to {
                prop_assert!(span.median_ms <= span.p99_ms);
            }
        }
    }
}
