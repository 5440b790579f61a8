//! Trains the deep kernel: exact marginal likelihood over network and Gaussian process.
