//! Whether receivers can be reached: the newest test of each is kept.

use bellwether_store::{ReceiverTest, Store};
use model::UnixMillis;

use crate::world::name;

#[test]
fn the_newest_test_of_a_receiver_holds() {
    let store = Store::in_memory().unwrap();
    let (team, night) = (name("team"), name("night"));
    assert_eq!(store.receiver_test(&team).unwrap(), None);
    let failed = ReceiverTest {
        at: UnixMillis(2),
        failing_since: Some(UnixMillis(1)),
        told: true,
        detail: "HTTP 404".to_owned(),
    };
    store.keep_receiver_test(&team, &failed).unwrap();
    assert_eq!(store.receiver_test(&team).unwrap(), Some(failed));
    assert_eq!(store.receiver_test(&night).unwrap(), None);
    let passed = ReceiverTest {
        at: UnixMillis(3),
        failing_since: None,
        told: false,
        detail: "taken".to_owned(),
    };
    store.keep_receiver_test(&team, &passed).unwrap();
    assert_eq!(store.receiver_test(&team).unwrap(), Some(passed));
    assert!(store.verify().unwrap().is_sound());
}
