//! The Python package `beacon`: the library of the program, for a notebook.
//!
//! | file | what |
//! |---|---|
//! | `session` | a campaign that is asked and told, on a thread of its own |
//! | `waiting` | for that thread, without the interpreter lock |
//! | `strategy` | what a strategy in Python sees and asks for |
//! | `given` | settings, pixels and axes as Python gives them |
//! | `data` | files and built-in specimens |
//! | `study` | orders that are scored, strategies that are compared |
//! | `failure` | the exceptions, with the program's own words |
//! | `arrays` | numbers on their way between the two |
//!
//! What is here is called by the modules in `host/python/beacon` alone, which say what their users see.
//! Arrays go either way as bytes of `float64`: NumPy makes both without a copy of its own, and the
//! crate `numpy` would bring `ndarray`, and what that needs, for it.

#![allow(
    clippy::needless_pass_by_value,
    clippy::too_many_arguments,
    reason = "what Python gives is owned, and each is an argument there"
)]

mod arrays;
mod data;
mod failure;
mod given;
mod session;
mod strategy;
mod study;
mod waiting;

use pyo3::prelude::*;

#[pymodule]
fn _beacon(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("ALGORITHM", beacon_host::campaign::ALGORITHM)?;
    let strategies = beacon_kernel::Strategy::ALL.map(beacon_kernel::Strategy::name);
    module.add("STRATEGIES", strategies.to_vec())?;
    module.add(
        "DEFAULT_STRATEGY",
        beacon_host::campaign::default_strategy(),
    )?;
    module.add("Over", module.py().get_type::<failure::Over>())?;
    module.add_class::<session::Session>()?;
    module.add_class::<strategy::Seen>()?;
    module.add_class::<strategy::Asking>()?;
    module.add_function(wrap_pyfunction!(given::sought, module)?)?;
    module.add_function(wrap_pyfunction!(data::read, module)?)?;
    module.add_function(wrap_pyfunction!(data::locations, module)?)?;
    module.add_function(wrap_pyfunction!(data::reduce, module)?)?;
    module.add_function(wrap_pyfunction!(data::specimen, module)?)?;
    module.add_function(wrap_pyfunction!(study::score, module)?)?;
    module.add_function(wrap_pyfunction!(study::compare, module)?)?;
    Ok(())
}
