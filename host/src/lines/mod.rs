//! Characteristic X-ray lines of the elements.
