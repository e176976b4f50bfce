//! The built-in mailbox as the pages show it.

use crate::{
    mail_sink::{Inbox, SunkMail},
    web::{Mail, MailSummary, Mailbox},
};

impl Mailbox for Inbox {
    fn list(&self) -> Vec<MailSummary> {
        self.mails().iter().rev().map(|mail| summary(mail)).collect()
    }

    fn get(&self, number: u64) -> Option<Mail> {
        let mail = Inbox::get(self, number)?;
        let read = mail.read();
        Some(Mail {
            summary: summary(&mail),
            from: read.from,
            text: read.text.unwrap_or_default(),
            html: read.html,
        })
    }
}

fn summary(mail: &SunkMail) -> MailSummary {
    let read = mail.read();
    MailSummary {
        number: mail.id,
        to: mail.to.join(", "),
        subject: read.subject,
        at: mail.received_at,
    }
}
