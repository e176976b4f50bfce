//! HTML for mail: inline styles only, readable on light and dark ground, nothing loaded from
//! anywhere.

use std::fmt::{self, Write as _};

use model::{AlertState, Provenance, Severity};

use super::Message;

/// A text inside an element or an attribute in double quotes.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                _ => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

const FONT: &str = "font:15px/1.45 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif";
// Translucent grey shows on white and on black.
const LINE: &str = "border-top:1px solid rgba(128,128,128,.35)";

impl Message {
    /// A whole document.
    pub fn html(&self) -> String {
        let mut html = String::with_capacity(4_096);
        self.write_html(&mut html).expect("writing to a string cannot fail");
        html
    }

    fn write_html(&self, html: &mut String) -> fmt::Result {
        let subject = self.subject();
        write!(
            html,
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"color-scheme\" content=\"light dark\">\
             <meta name=\"supported-color-schemes\" content=\"light dark\">\
             <title>{}</title></head>\
             <body style=\"margin:0;padding:16px;{FONT}\"><div style=\"max-width:44em;margin:0 auto\">",
            Escaped(&subject)
        )?;
        if let Some(drill) = self.drill() {
            write!(
                html,
                "<p style=\"margin:0 0 12px;padding:10px 14px;border:3px dashed #8250df;\
                 border-radius:4px;font-size:18px;font-weight:700\">{}: {}</p>",
                Provenance::DRILL_WORD,
                Escaped(&super::drill::words(&drill))
            )?;
        }
        write!(
            html,
            "<p style=\"margin:0 0 8px\"><span style=\"display:inline-block;padding:2px 10px;\
             border-radius:4px;background:{};color:#fff;font-weight:600\">{}</span> {}</p>",
            colour(self.alert.severity, self.alert.state),
            self.alert.severity.as_str().to_uppercase(),
            self.alert.state.as_str(),
        )?;
        write!(
            html,
            "<h1 style=\"margin:0 0 12px;font-size:20px;line-height:1.3\">{}</h1>\
             <table role=\"presentation\" style=\"border-collapse:collapse;width:100%;{FONT}\">",
            Escaped(&self.headline)
        )?;
        for row in &self.all_rows() {
            write!(
                html,
                "<tr><th scope=\"row\" style=\"{LINE};padding:5px 16px 5px 0;text-align:left;\
                 vertical-align:top;font-weight:600;white-space:nowrap\">{}</th>\
                 <td style=\"{LINE};padding:5px 0;word-break:break-word\">",
                Escaped(&row.label)
            )?;
            match &row.link {
                Some(link) => write!(
                    html,
                    "<a href=\"{}\" rel=\"noreferrer\">{}</a>",
                    Escaped(link),
                    Escaped(&row.value)
                )?,
                None => write!(html, "{}", Escaped(&row.value))?,
            }
            html.push_str("</td></tr>");
        }
        html.push_str("</table>");
        let doors = self.doors();
        if !doors.is_empty() {
            html.push_str("<p style=\"margin:16px 0 0\">");
            for (label, url) in doors {
                write!(
                    html,
                    "<a href=\"{}\" rel=\"noreferrer\" style=\"display:inline-block;\
                     margin-right:12px;padding:6px 14px;border-radius:4px;\
                     border:1px solid rgba(128,128,128,.6);text-decoration:none\">{}</a>",
                    Escaped(url),
                    label
                )?;
            }
            html.push_str("</p>");
        }
        write!(
            html,
            "<p style=\"{LINE};margin:16px 0 0;padding-top:8px;font-size:12px;opacity:.75\">\
             {} · message {} of this alert to {}</p></div></body></html>",
            Escaped(&self.installation),
            u64::from(self.sequence) + 1,
            self.receiver,
        )
    }
}

/// Each with a contrast of at least 4.5 : 1 to the white text on it.
fn colour(severity: Severity, state: AlertState) -> &'static str {
    match (state, severity) {
        (AlertState::Retracted, _) => "#57606a",
        (_, Severity::Critical) => "#a40e26",
        (_, Severity::High) => "#b3490b",
        (_, Severity::Medium) => "#7d5a00",
        (_, Severity::Low) => "#0550ae",
        (_, Severity::Info) => "#57606a",
    }
}
