//! A campaign by the records of its journal alone.

use beacon_kernel::Candidate;

use super::{Settings, State};
use crate::campaign::{Begun, Event, LiveConfig};

/// The campaign after the events so far; nothing before the first.
#[derive(Debug, Default)]
pub(crate) struct Folded(Option<State>);

impl Folded {
    /// The campaign as it is by now.
    pub(crate) fn state(&self) -> Option<&State> {
        self.0.as_ref()
    }

    /// The same, where no more is to come.
    #[cfg(feature = "page")]
    pub(crate) fn into_state(self) -> Option<State> {
        self.0
    }

    /// Applies the next event.
    ///
    /// # Errors
    /// Why it contradicts those before, which hold.
    pub(crate) fn take(&mut self, event: &Event) -> Result<(), String> {
        if let Event::Begun(begun) = event {
            self.0 = Some(State::new((**begun).clone(), settings(begun)?));
            return Ok(());
        }
        let Some(state) = &mut self.0 else {
            return Err("the journal does not begin with the beginning".to_owned());
        };
        if let Event::Exposing(exposing) = event {
            // Journals of version 1 hold no proposals.
            state.expect(Candidate(exposing.candidate));
        }
        state.apply(event).map_err(|error| error.to_string())
    }
}

/// The settings that a campaign began with.
fn settings(begun: &Begun) -> Result<Settings, String> {
    let config: LiveConfig = toml::from_str(&begun.settings).map_err(|error| error.to_string())?;
    Settings::live(&config, &begun.channels).map_err(|error| error.to_string())
}
