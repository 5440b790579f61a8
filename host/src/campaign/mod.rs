//! The campaign: seeds, measure, retrain, propose, again.
