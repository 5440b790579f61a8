//! Rows of figures, printed through semihosting.

use core::fmt::Debug;
use core::hint::black_box;
use core::panic::PanicInfo;

use beacon_firmware::board::{Counter, WorkCounter, crash_store};
use cortex_m_semihosting::debug::{self, ExitStatus};
use cortex_m_semihosting::{heprintln, hprintln};

use crate::{Shape, argument};

/// Counts work and prints a row for it.
pub struct Table {
    counter: Counter,
}

impl Table {
    /// Does the work and prints what it took; returns its result.
    pub fn row<T, E: Debug>(
        &mut self,
        kernel: &str,
        shape: Shape,
        macs: fn(Shape) -> u64,
        work: impl FnOnce() -> Result<T, E>,
    ) -> T {
        self.counter.restart();
        let result = black_box(work());
        let count = self.read();
        print(
            kernel,
            shape,
            macs,
            count.expect("a count that the counter holds"),
        );
        result.expect(kernel)
    }

    /// Starts counting at zero.
    pub(crate) fn restart(&mut self) {
        self.counter.restart();
    }

    /// What was counted since; `None` when the counter wrapped.
    pub(crate) fn read(&self) -> Option<u32> {
        self.counter.read()
    }
}

/// Prints a row.
pub(crate) fn print(kernel: &str, shape: Shape, macs: fn(Shape) -> u64, count: u32) {
    hprintln!(
        "{},{},{},{},{}",
        kernel,
        shape.count(),
        shape.measurements,
        count,
        macs(shape)
    );
}

/// Runs the image: prints the table's head, does the work for the kernel that the debugger names,
/// and ends the run. A debugger that names none gets whole decisions.
pub fn run(work: impl FnOnce(&str, Table)) -> ! {
    // A fault starts the board over with a message in its crash record.
    if let Some(message) = crash_store::message() {
        crash_store::forget();
        heprintln!("{}", message.as_str());
        end(debug::EXIT_FAILURE);
    }
    let mut line = [0; argument::LENGTH];
    let kernel = argument::read(&mut line).unwrap_or("decision");
    let counter = Counter::take().expect("taken once");
    hprintln!("kernel,candidates,measurements,{},macs", Counter::UNIT);
    work(kernel, Table { counter });
    end(debug::EXIT_SUCCESS)
}

fn end(status: ExitStatus) -> ! {
    debug::exit(status);
    // A debugger may go on regardless.
    loop {
        core::hint::spin_loop();
    }
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    heprintln!("{}", info);
    end(debug::EXIT_FAILURE)
}
