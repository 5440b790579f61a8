//! How well a campaign explored and predicted: coverage and errors.
