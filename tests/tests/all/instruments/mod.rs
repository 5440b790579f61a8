//! Instruments and programs outside this one: servers in Python, and what opens our results.

mod bridge;
mod campaigns;
mod command_kills;
mod dtmicroscope;
mod kills;
mod result_file;
