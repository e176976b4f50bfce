//! Mail through a real SMTP server: in clear on this machine, and behind TLS and a login.

use alloy_primitives::Address;
use evm::meridian::{call, contracts::MeridianToken};

use crate::world::{
    ACCOUNT, Chain, MailServer, Program, Project, assert_all_delivered, installed, until,
};

/// Strangers get roles; those that the deployment gives are ordinary.
fn monitors(strangers: &[Address]) -> String {
    let list: Vec<String> = strangers.iter().map(Address::to_string).collect();
    let list = list.join(", ");
    format!(
        r#"[[monitor]]
name = "role-to-stranger"
on = ["token"]
event = "RoleGranted"
when = "account in [{list}]"
severity = "high"
"#
    )
}

fn routes(receiver: &str) -> String {
    format!(
        r#"[[receiver]]
name = "team"
kind = "mail"
from = "Bellwether <bellwether@example.org>"
to = ["on-call@example.org", "Ünal <uenal@example.org>"]
{receiver}

[[route]]
severity = "info"
receivers = ["team"]
"#
    )
}

async fn scene(receiver: &str) -> (Chain, Project) {
    let chain = Chain::start(11).await;
    let project = Project::meridian_contracts();
    chain.declare(&project);
    let strangers: Vec<Address> =
        chain.meridian.actors.attackers.iter().map(|wallet| wallet.address()).collect();
    project
        .write("monitors/roles.toml", &monitors(&strangers))
        .write("routes.toml", &routes(receiver));
    (chain, project)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_tells_what_happened_and_its_retraction_answers_it() {
    let Some(folder) = installed("mail") else { return };
    let server = MailServer::open(&folder).await;
    let (mut chain, project) =
        scene(&format!("host = \"127.0.0.1\"\nport = {}\ntls = \"none\"", server.port)).await;
    let mut program = Program::run(&project);
    chain.everydays(2);
    program.judged(chain.devnet.head()).await;
    let grant = chain.grant(3);
    chain.everydays(3);
    until("a mail comes", || server.mails().len() == 1).await;
    let told = server.mails().pop().unwrap();
    assert!(told.subject.contains("RoleGranted"), "{told:?}");
    assert!(told.to.contains("on-call@example.org") && told.to.contains("Ünal"), "{told:?}");
    let stranger = chain.meridian.actors.attackers[3].address().to_string();
    for expected in [stranger.as_str(), &grant.to_string(), "role-to-stranger", "token"] {
        assert!(told.text.contains(expected), "the mail says {expected}: {}", told.text);
    }

    chain.devnet.reorg(3, |branch| branch.leave_out(grant)).unwrap();
    until("its retraction comes", || server.mails().len() == 2).await;
    let withdrawn = server.mails().pop().unwrap();
    assert_eq!(withdrawn.in_reply_to.as_ref(), Some(&told.message_id));
    assert!(withdrawn.references.unwrap().contains(&told.message_id));
    assert_ne!(withdrawn.message_id, told.message_id);
    assert!(withdrawn.subject.to_lowercase().contains("retracted"), "{}", withdrawn.subject);
    program.told_everything().await;
    assert_all_delivered(&program.stop_and_open().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_wants_tls_and_a_login_gets_both() {
    let Some(folder) = installed("mail behind TLS") else { return };
    let server = MailServer::guarded(&folder).await;
    let (mut chain, project) = scene(&format!(
        "host = \"localhost\"\nport = {}\ntls = \"starttls\"\nusername = \"{}\"\npassword = {{ env = \"MAIL_PASSWORD\" }}",
        server.port, ACCOUNT.0
    ))
    .await;
    let grant = |chain: &Chain, at: usize| {
        let role = alloy_primitives::B256::ZERO;
        let account = chain.meridian.actors.attackers[at].address();
        let grant = MeridianToken::grantRoleCall { role, account };
        chain.send(&chain.meridian.actors.admin, call(chain.meridian.token, grant));
    };

    // Who vouches for the server is not known: no word is said to it, and the mail waits.
    let program = Program::run_with(&project, |c| c.env("MAIL_PASSWORD", ACCOUNT.1));
    grant(&chain, 1);
    chain.everyday();
    until("the refusal is logged", || program.log().contains("trying again later")).await;
    assert!(!program.log().contains(ACCOUNT.1), "{}", program.log());
    program.stop().await;
    assert!(server.mails().is_empty());

    let mut program = Program::run_with(&project, |c| {
        c.env("MAIL_PASSWORD", ACCOUNT.1).env("SSL_CERT_FILE", server.authority())
    });
    until("the mail that waited comes", || !server.mails().is_empty()).await;
    program.told_everything().await;
    assert!(!program.log().contains(ACCOUNT.1));
    assert_all_delivered(&program.stop_and_open().await);
}
