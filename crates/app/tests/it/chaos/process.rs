//! The built program with people in it, killed at random moments while its receivers fail.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};

use crate::world::{Chain, Program, Project, Webhook, all_alerts, assert_all_delivered, until};

/// How often it is killed: each life is a second or two.
const KILLS: usize = 10;

/// A team's hook, and one for each of two people.
async fn hooks() -> [(&'static str, Webhook); 3] {
    [
        ("team", Webhook::start().await),
        ("call-ann", Webhook::start().await),
        ("call-bob", Webhook::start().await),
    ]
}

fn write(project: &Project, chain: &Chain, hooks: &[(&str, Webhook)]) {
    let strangers: Vec<String> =
        chain.meridian.actors.attackers.iter().map(|w| w.address().to_string()).collect();
    let receivers: String = hooks
        .iter()
        .map(|(name, hook)| {
            format!(
                "[[receiver]]\nname = \"{name}\"\nkind = \"webhook\"\nurl = \"{}\"\n\
                 secret = {{ file = \"webhook.key\" }}\n\n",
                hook.url()
            )
        })
        .collect();
    // Writes the key, too.
    project.tell(hooks[0].1.url());
    project
        .write(
            "monitors/roles.toml",
            &format!(
                "[[monitor]]\nname = \"role-to-stranger\"\non = [\"token\"]\n\
                 event = \"RoleGranted\"\nwhen = \"account in [{}]\"\nseverity = \"critical\"\n",
                strangers.join(", ")
            ),
        )
        .write(
            "people.toml",
            "[[person]]\nname = \"ann\"\nchannels = [\"call-ann\"]\n\n\
             [[person]]\nname = \"bob\"\nchannels = [\"call-bob\"]\n",
        )
        .write(
            "routes.toml",
            &format!(
                "{receivers}[[route]]\nseverity = \"info\"\nreceivers = [\"team\"]\n\
                 group_by = [\"alert\"]\n"
            ),
        );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_is_killed_while_its_receivers_fail_calls_everybody_all_the_same() {
    let seed = std::env::var("BELLWETHER_SEED").map_or(20_270_116, |s| s.parse().unwrap());
    println!("seed {seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    let mut chain = Chain::start(seed).await;
    let project = Project::meridian_contracts();
    chain.declare(&project);
    let hooks = hooks().await;
    write(&project, &chain, &hooks);
    for at in 0..KILLS {
        for (_, hook) in &hooks {
            // Takes it, limits, breaks, or hangs for longer than the program lives.
            hook.answer(*[200, 429, 500, 503].choose(&mut rng).unwrap());
            let hangs = rng.random_bool(0.3);
            hook.delay(Duration::from_secs(if hangs { 30 } else { 0 }));
        }
        let program = Program::run(&project);
        if at < 6 {
            chain.grant(at);
        }
        chain.everyday();
        let dies = Instant::now() + Duration::from_millis(rng.random_range(400..1_800));
        tokio::time::sleep_until(dies.into()).await;
        program.kill();
    }
    for (_, hook) in &hooks {
        hook.answer(200);
        hook.delay(Duration::ZERO);
    }
    let mut program = Program::run(&project);
    let head = chain.everydays(3);
    program.judged(head).await;
    program.told_everything().await;
    let ids = |hook: &Webhook| -> BTreeSet<_> {
        hook.taken().iter().map(|delivery| delivery.alert()).collect()
    };
    let reader = store::Store::open_to_read(project.store()).unwrap();
    // What the pager says of itself is told over what works, not to everybody.
    let alerts: Vec<_> =
        all_alerts(&reader).into_iter().filter(|alert| alert.source().is_none()).collect();
    assert!(!alerts.is_empty());
    drop(reader);
    for (name, hook) in &hooks {
        until(&format!("{name} is told of all"), || {
            alerts.iter().all(|alert| ids(hook).contains(&alert.id))
        })
        .await;
        hook.assert_identities();
    }
    program.told_everything().await;
    assert_all_delivered(&program.stop_and_open().await);
}
