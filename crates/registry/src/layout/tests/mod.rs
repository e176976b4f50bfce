mod bytecode; // what old and new code use the same bytes as
mod corpus; //   the labelled upgrade pairs
mod forms; //    every form of file, and what is none
mod laws; //     what holds for all layouts
mod upgrades; // every rule on a contract that breaks it
