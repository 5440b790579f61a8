//! Reduces a spectrum or a hysteresis loop to the one number that is sought.
