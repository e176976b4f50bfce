use std::fmt::Write as _;

use expect_test::expect;
use jiff::{
    Timestamp,
    civil::{date, time},
    tz::{TimeZone, TimeZoneDatabase},
};
use proptest::prelude::*;

use super::*;
use crate::{Days, Span, hours::unix};

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn zone(name: &str) -> TimeZone {
    TimeZoneDatabase::bundled().get(name).unwrap()
}

fn at(text: &str) -> UnixMillis {
    unix(text.parse::<Timestamp>().unwrap())
}

fn rotation(people: &[&str], turn: Turn, begins: &str) -> Turns {
    let people = people.iter().map(|p| name(p)).collect();
    Turns::Rotation(Rotation { people, turn, begins: begins.parse().unwrap() })
}

fn layer(name_: &str, zone_: &str, turns: Turns) -> Layer {
    Layer { name: name(name_), zone: zone(zone_), turns, hours: None, until: None }
}

fn schedule(layers: Vec<Layer>) -> Schedule {
    Schedule { name: name("primary"), layers, overrides: Vec::new() }
}

fn map(schedule: &Schedule, from: &str, to: &str) -> String {
    let mut said = String::new();
    for stretch in schedule.coverage(at(from), at(to)) {
        let who = match stretch.person {
            Some((person, by)) => format!("{person} ({by})"),
            None => "NOBODY".to_owned(),
        };
        writeln!(said, "{} – {} {who}", moment(stretch.from), moment(stretch.to)).unwrap();
    }
    said
}

#[test]
fn a_weekly_hand_over_at_nine_stays_at_nine_through_daylight_saving() {
    let turns = rotation(&["ann", "bob"], Turn::Weeks(1), "2026-03-16T09:00:00");
    let weekly = schedule(vec![layer("weekly", "Europe/Berlin", turns)]);
    expect![[r#"
        2026-03-16T00:00:00Z – 2026-03-16T08:00:00Z NOBODY
        2026-03-16T08:00:00Z – 2026-03-23T08:00:00Z ann (layer weekly)
        2026-03-23T08:00:00Z – 2026-03-30T07:00:00Z bob (layer weekly)
        2026-03-30T07:00:00Z – 2026-04-06T07:00:00Z ann (layer weekly)
        2026-04-06T07:00:00Z – 2026-04-08T00:00:00Z bob (layer weekly)
    "#]]
    .assert_eq(&map(&weekly, "2026-03-16T00:00:00Z", "2026-04-08T00:00:00Z"));
}

#[test]
fn a_hand_over_in_the_hour_that_comes_twice_happens_once_and_one_left_out_an_hour_later() {
    let turns = rotation(&["ann", "bob", "cy"], Turn::Days(1), "2026-03-27T02:30:00");
    let daily = schedule(vec![layer("daily", "Europe/Berlin", turns)]);
    expect![[r#"
        2026-03-28T00:00:00Z – 2026-03-28T01:30:00Z ann (layer daily)
        2026-03-28T01:30:00Z – 2026-03-29T01:30:00Z bob (layer daily)
        2026-03-29T01:30:00Z – 2026-03-30T00:30:00Z cy (layer daily)
        2026-03-30T00:30:00Z – 2026-03-31T00:00:00Z ann (layer daily)
        …
        2026-10-24T00:00:00Z – 2026-10-24T00:30:00Z ann (layer daily)
        2026-10-24T00:30:00Z – 2026-10-25T00:30:00Z bob (layer daily)
        2026-10-25T00:30:00Z – 2026-10-26T01:30:00Z cy (layer daily)
        2026-10-26T01:30:00Z – 2026-10-27T00:00:00Z ann (layer daily)
    "#]]
    .assert_eq(
        &(map(&daily, "2026-03-28T00:00:00Z", "2026-03-31T00:00:00Z")
            + "…\n"
            + &map(&daily, "2026-10-24T00:00:00Z", "2026-10-27T00:00:00Z")),
    );
}

#[test]
fn three_offices_follow_the_sun_and_the_gap_that_daylight_saving_opens_is_seen_before() {
    let office = |name_: &str, zone_: &str, person: &str, from: i8, to: i8| {
        let spans =
            vec![Span { days: Days::ALL, from: time(from, 0, 0, 0), to: time(to, 0, 0, 0) }];
        let turns = rotation(&[person], Turn::Weeks(1), "2026-01-01T00:00:00");
        let hours = Some(Hours { zone: zone(zone_), spans });
        Layer { hours, ..layer(name_, zone_, turns) }
    };
    // Without daylight saving in Singapore, these meet in winter only.
    let sun = schedule(vec![
        office("asia", "Asia/Singapore", "mei", 8, 16),
        office("europe", "Europe/London", "ann", 8, 16),
        office("america", "America/Los_Angeles", "joe", 8, 16),
    ]);
    assert_eq!(sun.gaps(at("2026-01-10T00:00:00Z"), at("2026-02-10T00:00:00Z")), []);
    let gaps = sun.gaps(at("2026-03-27T16:00:00Z"), at("2026-04-01T00:00:00Z"));
    let said: String =
        gaps.iter().map(|(a, b)| format!("{} – {}\n", moment(*a), moment(*b))).collect();
    expect![[r#"
        2026-03-27T23:00:00Z – 2026-03-28T00:00:00Z
        2026-03-28T23:00:00Z – 2026-03-29T00:00:00Z
        2026-03-29T23:00:00Z – 2026-03-30T00:00:00Z
        2026-03-30T23:00:00Z – 2026-03-31T00:00:00Z
        2026-03-31T23:00:00Z – 2026-04-01T00:00:00Z
    "#]]
    .assert_eq(&said);
}

#[test]
fn the_last_layer_that_has_somebody_decides_and_overrides_before_all() {
    let base = layer("base", "UTC", rotation(&["ann"], Turn::Days(1), "2026-01-01T00:00:00"));
    let weekend = Layer {
        hours: Some(Hours {
            zone: TimeZone::UTC,
            spans: vec![Span {
                days: Days::of(&[jiff::civil::Weekday::Saturday]),
                from: time(0, 0, 0, 0),
                to: time(0, 0, 0, 0),
            }],
        }),
        until: Some(at("2026-03-20T00:00:00Z")),
        ..layer("weekend", "UTC", rotation(&["bob"], Turn::Days(1), "2026-01-01T00:00:00"))
    };
    let mut both = schedule(vec![base, weekend]);
    let shift = |person: &str, from: &str, to: &str| Shift {
        from: at(from),
        to: at(to),
        person: name(person),
    };
    both.overrides = vec![
        shift("cy", "2026-03-14T10:00:00Z", "2026-03-14T20:00:00Z"),
        shift("dee", "2026-03-14T12:00:00Z", "2026-03-14T13:00:00Z"),
    ];
    expect![[r#"
        2026-03-13T12:00:00Z – 2026-03-14T00:00:00Z ann (layer base)
        2026-03-14T00:00:00Z – 2026-03-14T10:00:00Z bob (layer weekend)
        2026-03-14T10:00:00Z – 2026-03-14T12:00:00Z cy (override)
        2026-03-14T12:00:00Z – 2026-03-14T13:00:00Z dee (override)
        2026-03-14T13:00:00Z – 2026-03-14T20:00:00Z cy (override)
        2026-03-14T20:00:00Z – 2026-03-15T00:00:00Z bob (layer weekend)
        2026-03-15T00:00:00Z – 2026-03-22T00:00:00Z ann (layer base)
    "#]]
    .assert_eq(&map(&both, "2026-03-13T12:00:00Z", "2026-03-22T00:00:00Z"));
    assert_eq!(both.people().len(), 4);
}

#[test]
fn a_rotation_that_has_not_begun_is_a_gap() {
    let later = schedule(vec![layer(
        "later",
        "UTC",
        rotation(&["ann"], Turn::Hours(12), "2026-06-01T08:00:00"),
    )]);
    assert_eq!(later.at(at("2026-06-01T07:59:59Z")), None);
    assert!(later.at(at("2026-06-01T08:00:00Z")).is_some());
}

#[test]
fn what_is_wrong_with_a_schedule_is_said_all_at_once() {
    let mut wrong = schedule(vec![
        layer("a", "UTC", rotation(&[], Turn::Days(1), "2026-01-01T00:00:00")),
        layer("a", "UTC", rotation(&["ann"], Turn::Weeks(0), "2026-01-01T00:00:00")),
    ]);
    wrong.overrides.push(Shift { from: UnixMillis(5), to: UnixMillis(5), person: name("ann") });
    let said: String = wrong.faults().iter().map(|fault| format!("{fault}\n")).collect();
    expect![[r#"
        schedule primary: the shift of ann ends before it begins
        schedule primary, layer a: nobody is in the rotation
        schedule primary has two layers called a
        schedule primary, layer a: a turn may not be 0 long
    "#]]
    .assert_eq(&said);
    assert_eq!(schedule(vec![]).faults(), [ScheduleFault::NoLayers(name("primary"))]);
    assert!(wrong.at(UnixMillis(0)).is_none(), "and asking it does not panic");
}

fn imported(text: &str, from: &str, to: &str) -> Result<Imported, CalendarError> {
    let berlin = zone("Europe/Berlin");
    let zones = |zone: &str| TimeZoneDatabase::bundled().get(zone).ok();
    let person = |summary: &str, attend: &[&str]| {
        let of_mail = attend.iter().find_map(|mail| mail.split('@').next());
        Name::new(&summary.to_lowercase()).ok().or_else(|| Name::new(of_mail?).ok())
    };
    let around = Around { zone: &berlin, zones: &zones, person: &person };
    read(text, at(from), at(to), &around)
}

fn shown(imported: &Imported) -> String {
    let mut said = String::new();
    for shift in &imported.shifts {
        writeln!(said, "{} – {} {}", moment(shift.from), moment(shift.to), shift.person).unwrap();
    }
    for left in &imported.left {
        writeln!(said, "line {} left out: {}", left.line, left.why).unwrap();
    }
    said
}

#[test]
fn calendars_as_others_write_them_are_read() {
    let text = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n\
        BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\nBEGIN:STANDARD\r\nDTSTART:19701025T030000\r\n\
        TZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n\
        BEGIN:VEVENT\r\nUID:1\r\nSUMMARY:Ann\r\n\
        DTSTART;TZID=Europe/Berlin:20260323T090000\r\nDTEND;TZID=Europe/Berlin:20260324T090000\r\n\
        RRULE:FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20260401T070000Z\r\n\
        EXDATE;TZID=Europe/Berlin:20260330T090000\r\n\
        BEGIN:VALARM\r\nTRIGGER:-PT10M\r\nSUMMARY:not the event's\r\nEND:VALARM\r\n\
        END:VEVENT\r\n\
        BEGIN:VEVENT\r\nUID:1\r\nRECURRENCE-ID;TZID=Europe/Berlin:20260325T090000\r\nSUMMARY:B\r\n ob\r\n\
        DTSTART:20260325T120000Z\r\nDURATION:PT6H\r\nEND:VEVENT\r\n\
        BEGIN:VEVENT\r\nUID:2\r\nSUMMARY:On call!\r\n\
        ATTENDEE;CN=\"Cy; the one\":mailto:cy@example.org\r\n\
        DTSTART;VALUE=DATE:20260328\r\nDTEND;VALUE=DATE:20260330\r\nEND:VEVENT\r\n\
        BEGIN:VEVENT\r\nUID:3\r\nSUMMARY:Dee\r\nDTSTART:20260326T000000Z\r\nDURATION:P1D\r\n\
        RRULE:FREQ=DAILY;INTERVAL=3;COUNT=2\r\nEND:VEVENT\r\n\
        END:VCALENDAR\r\n";
    let read = imported(text, "2026-03-01T00:00:00Z", "2026-05-01T00:00:00Z").unwrap();
    expect![[r#"
        2026-03-23T08:00:00Z – 2026-03-24T08:00:00Z ann
        2026-03-25T12:00:00Z – 2026-03-25T18:00:00Z bob
        2026-03-26T00:00:00Z – 2026-03-27T00:00:00Z dee
        2026-03-27T23:00:00Z – 2026-03-29T22:00:00Z cy
        2026-03-29T00:00:00Z – 2026-03-30T00:00:00Z dee
        2026-04-01T07:00:00Z – 2026-04-02T07:00:00Z ann
    "#]]
    .assert_eq(&shown(&read));
}

#[test]
fn what_cannot_be_read_exactly_is_left_out_with_its_line_and_reason() {
    let event = |lines: &str| format!("BEGIN:VEVENT\r\n{lines}END:VEVENT\r\n");
    let day = "SUMMARY:Ann\r\nDTSTART:20260301T000000Z\r\nDTEND:20260302T000000Z\r\n";
    let text = [
        event("SUMMARY:Ann\r\nDTSTART:2026\r\n"),
        event("SUMMARY:Ann\r\nDTSTART:20260301T000000Z\r\n"),
        event("SUMMARY:Ann\r\nDTSTART:20260302T000000Z\r\nDTEND:20260301T000000Z\r\n"),
        event("SUMMARY:Ann\r\nDTSTART;TZID=Mars/Olympus:20260302T000000\r\nDURATION:PT1H\r\n"),
        event(&day.replace("Ann", "the team!")),
        event(&format!("{day}RRULE:FREQ=MONTHLY;BYDAY=1MO\r\n")),
        event(&format!("{day}RRULE:FREQ=WEEKLY;BYDAY=1MO\r\n")),
        event(&format!("{day}RDATE:20260305T000000Z\r\n")),
        event(&format!("{day}STATUS:CANCELLED\r\n")),
    ];
    let text = format!("BEGIN:VCALENDAR\r\n{}END:VCALENDAR\r\n", text.concat());
    let read = imported(&text, "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z").unwrap();
    expect![[r#"
        line 2 left out: DTSTART "2026" cannot be read
        line 6 left out: it has neither DTEND nor DURATION
        line 10 left out: it ends before it begins
        line 15 left out: the time zone "Mars/Olympus" is not known
        line 20 left out: nobody is known as "the team!"
        line 25 left out: RRULE (line 29): FREQ=MONTHLY is not read
        line 31 left out: RRULE (line 35): the day "1MO" is not read
        line 37 left out: RDATE (line 41) is not read
    "#]]
    .assert_eq(&shown(&read));
    let error = |text: &str| {
        imported(text, "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z").unwrap_err().to_string()
    };
    expect![[r#"
        line 1: not a line of a calendar: it has no colon
        line 2: the file ends within VEVENT: it is cut off
        line 2: END:VEVENT closes nothing
        line 2: not a line of a calendar: it has no colon"#]]
    .assert_eq(
        &[
            error("hello"),
            error("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n"),
            error("BEGIN:VCALENDAR\r\nEND:VEVENT\r\n"),
            error("BEGIN:VCALENDAR\r\nnonsense\r\n"),
        ]
        .join("\n"),
    );
}

proptest! {
    /// Export and import are each other's inverse: the map of the imported calendar is the map.
    #[test]
    fn what_is_written_is_read_again(
        hours in 1..400u16, people in 1..5usize, from_h in 0..9_000i64, days in 1..60i64,
        office in any::<bool>(),
    ) {
        let people: Vec<&str> = ["ann", "bob", "cy", "dee"][..people.min(4)].to_vec();
        let mut own = layer("own", "Europe/Berlin", rotation(&people, Turn::Hours(hours), "2026-01-05T09:00:00"));
        if office {
            let spans = vec![Span { days: Days::WORKING, from: time(9, 0, 0, 0), to: time(1, 0, 0, 0) }];
            own.hours = Some(Hours { zone: zone("America/New_York"), spans });
        }
        let own = schedule(vec![own]);
        let from = at("2026-01-01T00:00:00Z").plus(from_h * 3_600_000);
        let to = from.plus(days * 86_400_000);
        let map = own.coverage(from, to);
        let text = write(&own.name, &map, from);
        let (f, t) = (moment(from).to_string(), moment(to).to_string());
        let read = imported(&text.replace("NOBODY ON CALL", "!"), &f, &t).unwrap();
        let listed = schedule(vec![layer("own", "UTC", Turns::Listed(read.shifts))]);
        let again = listed.coverage(from, to);
        prop_assert_eq!(&again, &map);
        prop_assert!(text.lines().all(|line| line.len() <= 75));
    }

    /// The map says what asking each moment says, and has no holes.
    #[test]
    fn the_map_is_what_every_moment_says(
        turn in 1..30u16, kind in 0..3usize, minutes in proptest::collection::vec(0..525_600i64, 40),
        begins_h in 0..24i8,
    ) {
        let turn = [Turn::Hours(turn), Turn::Days(turn), Turn::Weeks(turn)][kind];
        let begins = date(2026, 1, 1).at(begins_h, 30, 0, 0);
        let people = ["ann", "bob", "cy"].map(name).to_vec();
        let turns = Turns::Rotation(Rotation { people, turn, begins });
        let own = schedule(vec![layer("own", "America/New_York", turns)]);
        let (from, to) = (at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z"));
        let map = own.coverage(from, to);
        prop_assert_eq!((map[0].from, map[map.len() - 1].to), (from, to));
        prop_assert!(map.windows(2).all(|pair| pair[0].to == pair[1].from));
        for minute in minutes {
            let at = from.plus(minute * 60_000);
            let stretch = map.iter().find(|s| s.from <= at && at < s.to).unwrap();
            prop_assert_eq!(own.at(at).map(|(p, _)| p), stretch.person.as_ref().map(|(p, _)| p));
        }
    }
}
