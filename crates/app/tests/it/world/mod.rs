//! What the tests are made of: a user's folder, the program on it, the chain it watches, the people
//! it tells.

mod anvil; //       a real node
mod browser; //     a real browser
mod chain; //       Meridian on the devnet, served as a node serves it
mod installed; //   where real servers are
mod mail_server; // a real SMTP server
mod patience; //    conditions with a deadline
mod program; //     the built program, as a child of the test
mod project; //     a user's folder
mod proxy; //       a node's front door that can fail
mod record; //      what a run leaves behind, to be compared
mod webhook; //     a webhook's other side

pub(crate) use anvil::{Anvil, OWNER};
pub(crate) use browser::{Browser, has_browser};
pub(crate) use chain::Chain;
pub(crate) use installed::installed;
pub(crate) use mail_server::{ACCOUNT, Mail, MailServer};
pub(crate) use patience::{PATIENCE, until, within};
pub(crate) use program::{Ended, Program, bellwether, run_to_end};
pub(crate) use project::{DEVNET, Project, Url, WEBHOOK_KEY, routes_to, workspace};
pub(crate) use proxy::{Proxy, without_traces};
pub(crate) use record::{Record, all_alerts, all_findings, assert_all_delivered};
pub(crate) use webhook::Webhook;
