//! Built-in synthetic samples with physics, so that everything runs without data.
