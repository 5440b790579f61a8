//! The client against recordings, and against servers that do not behave.

mod answers;
mod connection;
mod recorded;
