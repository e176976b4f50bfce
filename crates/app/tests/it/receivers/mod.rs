//! Every kind of receiver against a counterpart written from its provider's public documentation:
//! one that checks who asks, that nothing is missing, unknown or too long, and that refuses, limits,
//! breaks, hangs and lies as the provider does.

mod calls; //    calls and the keys pressed in them
mod chat; //     Slack, Discord, Telegram, Matrix, Teams
mod contract; // what holds for every kind
mod markup; //   what a client makes of marked text
mod message; //  what is told
mod pagers; //   PagerDuty, Opsgenie, Alertmanager
mod peer; //     the side that is played
mod public; //   what everybody is told in chats
mod telephone; // text messages and calls
mod tests_of_receivers; // by people and by the program
mod webhook; //  JSON to an address of the user's own
