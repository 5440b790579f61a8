//! Figures, tables and the run folder.
