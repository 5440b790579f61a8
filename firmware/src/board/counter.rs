//! Counting what work costs, for the images in `counts/`.

/// A board's own measure of work. Whoever takes it has the board to themselves: core, clocks and
/// caches are as in the controller's image, but no interrupt and no watchdog runs.
pub trait WorkCounter: Sized {
    /// What is counted: the column's name in the table.
    const UNIT: &'static str;

    /// The counter, once, instead of [`Hardware`](super::Hardware).
    fn take() -> Option<Self>;
    /// Starts again at zero.
    fn restart(&mut self);
    /// What was counted since; `None` when it was more than the counter holds.
    fn read(&self) -> Option<u32>;
}
