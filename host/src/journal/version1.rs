//! Journals of version 1, as programs before the campaign's state machine wrote them.
//!
//! They lack what the kernel proposed and when the model was trained. They are read, and no campaign
//! goes on from them: those programs decided otherwise.

use serde::Deserialize;

use crate::campaign::{
    Begun, Command, Ended, Event, Exposing, Given, Measured, Overview, Record, Resumed, Surveyed,
};
use crate::data::{Channels, Map};
use crate::microscope::Beam;
use crate::units::Electrons;

/// A record of version 1.
#[derive(Debug, Deserialize)]
pub(super) struct OldRecord {
    at_ms: u64,
    elapsed_ms: u64,
    event: OldEvent,
}

#[derive(Debug, Deserialize)]
enum OldEvent {
    Begun(Box<OldBegun>),
    Resumed { version: String, settings: String },
    Exposing(Exposing),
    Measured(Box<Measured>),
    Surveying { electrons: Electrons },
    Surveyed(Surveyed),
    Failed { why: String },
    LeftOut { candidate: u32, why: String },
    Commanded(Command),
    Ended { why: String },
    Refused { command: Command, why: String },
}

#[derive(Debug, Deserialize)]
struct OldBegun {
    version: String,
    algorithm: u32,
    id: u64,
    settings: String,
    instrument: String,
    image: Map,
    channels: Channels,
    beam: Beam,
    seeds: Option<Vec<u32>>,
    electrons: Electrons,
}

impl OldRecord {
    /// The spectrum of a measured point.
    pub(super) fn into_spectrum(self) -> Option<Vec<f64>> {
        match self.event {
            OldEvent::Measured(measured) => Some(measured.acquired.spectrum),
            _ => None,
        }
    }
}

/// The records in their present form, each with the place it was read from.
pub(super) fn upgrade<P: Copy>(records: Vec<(P, OldRecord)>) -> Vec<(P, Record)> {
    let mut upgraded = Vec::with_capacity(records.len() + 2);
    // Whether the last record announced an exposure.
    let mut exposing = false;
    for (place, record) in records {
        let given = |command| Given {
            command,
            by: String::new(),
            at_ms: record.at_ms,
        };
        let mut push = |event| {
            let record = Record {
                at_ms: record.at_ms,
                elapsed_ms: record.elapsed_ms,
                event,
            };
            upgraded.push((place, record));
        };
        let was_exposing = std::mem::replace(&mut exposing, false);
        match record.event {
            OldEvent::Begun(old) => {
                let frame = (old.image.rows.clone(), old.image.columns.clone());
                push(Event::Begun(Box::new(Begun {
                    version: old.version,
                    algorithm: old.algorithm,
                    id: old.id,
                    settings: old.settings,
                    instrument: old.instrument,
                    channels: old.channels,
                    beam: old.beam,
                    frame: Some(frame),
                    overview_time: None,
                    real_to_live: 1.0,
                    seeds: old.seeds,
                })));
                push(Event::Surveying {
                    electrons: old.electrons,
                });
                push(Event::Overview(Box::new(Overview {
                    image: old.image,
                    beam: old.beam,
                    absent: Vec::new(),
                })));
            }
            OldEvent::Resumed { version, settings } => push(Event::Resumed(Resumed {
                version,
                settings,
                real_to_live: 1.0,
            })),
            OldEvent::Exposing(event) => {
                exposing = true;
                push(Event::Exposing(event));
            }
            OldEvent::Measured(measured) => push(Event::Measured(measured)),
            OldEvent::Surveying { electrons } => push(Event::Surveying { electrons }),
            OldEvent::Surveyed(surveyed) => push(Event::Surveyed(surveyed)),
            OldEvent::Failed { why } => push(Event::Failed { why }),
            OldEvent::LeftOut { candidate, why } => {
                // Only a controller's refusal came between the announcement and this.
                if was_exposing {
                    push(Event::NotExposed { why: why.clone() });
                }
                push(Event::LeftOut { candidate, why });
            }
            OldEvent::Commanded(command) => push(Event::Commanded(given(command))),
            OldEvent::Refused { command, why } => push(Event::Refused {
                given: given(command),
                why,
            }),
            OldEvent::Ended { why } => push(Event::Ended(ended(&why))),
        }
    }
    upgraded
}

/// The reason of an end, from the words that version 1 kept of it.
fn ended(words: &str) -> Ended {
    for plain in [
        Ended::Budget,
        Ended::Interrupted,
        Ended::Stopped,
        Ended::Time,
        Ended::Exhausted,
    ] {
        if plain.to_string() == words {
            return plain;
        }
    }
    let kinds: [fn(String) -> Ended; 5] = [
        Ended::Dose,
        Ended::Stalled,
        Ended::Drift,
        Ended::Instrument,
        Ended::Controller,
    ];
    for kind in kinds {
        let beginning = kind(String::new()).to_string();
        if let Some(how) = words.strip_prefix(&beginning) {
            return kind(how.to_owned());
        }
    }
    Ended::Controller(words.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_an_end_are_read_back() {
        for reason in [
            Ended::Budget,
            Ended::Stopped,
            Ended::Dose("3 of 2".to_owned()),
            Ended::Drift("far".to_owned()),
            Ended::Controller("it is gone".to_owned()),
        ] {
            assert_eq!(ended(&reason.to_string()), reason);
        }
    }
}
