//! How the training of a fold looks: a few lines that are drawn anew in place on a terminal, a line per epoch elsewhere.

mod layout;
mod live;
mod plain;
#[cfg(test)]
mod tests;
mod words;

pub(super) use live::LiveTraining;
pub(super) use plain::PlainTraining;
