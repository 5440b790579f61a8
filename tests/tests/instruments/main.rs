//! Instruments and programs outside this one: servers in Python, and what opens our results. In
//! one program, because they wait more than they work, and can do so together.

mod bridge;
mod campaigns;
mod dtmicroscope;
mod kills;
mod result_file;
