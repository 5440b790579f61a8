//! When components of the spectra are to be learnt.

use super::*;
use crate::campaign::Targets;

#[test]
fn components_are_due_until_the_campaign_has_ended() {
    let mut state = measured(&[((1, 1), 1.0), ((2, 5), 2.0), ((6, 3), 4.0)]);
    assert_eq!(state.components_due(), None, "nobody seeks any");
    let targets: Targets = "spectrum:2".parse().unwrap();
    state.settings.scalarizers = targets.to_vec();
    state.settings.targets = vec![0, 1];
    let due = state.components_due();
    assert_eq!(due.map(|of| of.to_string()).as_deref(), Some("spectrum:2"));
    let over = [
        Event::Ended(Ended::Budget),
        Event::Commanded(given(Command::Stop)),
    ];
    for event in over {
        state.apply(&event).unwrap();
        assert_eq!(state.components_due(), None, "{event:?}");
        // One that goes on learns them then.
        state.apply(&resumed()).unwrap();
        assert_eq!(state.components_due(), due);
    }
}
