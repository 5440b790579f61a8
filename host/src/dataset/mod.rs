//! Reads images, maps and spectrum images from the files of the field.
