//! Signals as HyperSpy stores them.

/// A signal of 2 x 3 x 4 values, its last axis listed; `navigate` for each axis.
pub(crate) fn signal(navigate: [i8; 3]) -> Vec<u8> {
    signal_with(navigate, None)
}

/// The same with the last axis as 12 / x + k, x from 1 in steps of 1, where an expression is given.
pub(crate) fn signal_with(navigate: [i8; 3], expression: Option<&str>) -> Vec<u8> {
    signal_of(navigate, expression, &[1.0, 2.0, 4.0, 8.0])
}

/// The same with the values of the last axis, where it lists them. An expression may use `scale`, 3, as well.
pub(crate) fn signal_of(navigate: [i8; 3], expression: Option<&str>, listed: &[f64]) -> Vec<u8> {
    use hdf5_pure::AttrValue::{F64, I8, I64, String as Text};
    let mut file = hdf5_pure::FileBuilder::new();
    let mut experiments = file.create_group("Experiments");
    let mut signal = experiments.create_group("CL");
    let data: Vec<i16> = (0..24).collect();
    signal
        .create_dataset("data")
        .with_i16_data(&data)
        .with_shape(&[2, 3, 4]);
    for (place, name) in ["y", "x", "Wavelength"].into_iter().enumerate() {
        let mut axis = signal.create_group(&format!("axis-{place}"));
        axis.set_attr("name", Text(name.to_owned()));
        axis.set_attr(
            "units",
            Text(if place == 1 { "_None_" } else { "nm" }.to_owned()),
        );
        axis.set_attr("navigate", I8(navigate[place]));
        if let (2, Some(expression)) = (place, expression) {
            axis.set_attr("expression", Text(expression.to_owned()));
            axis.set_attr("k", F64(0.5));
            axis.set_attr("scale", F64(3.0));
            axis.set_attr("offset", F64(1.0));
            let mut x = axis.create_group("x");
            x.set_attr("offset", F64(1.0));
            x.set_attr("scale", F64(1.0));
            axis.add_group(x.finish());
        } else if place < 2 {
            axis.set_attr("offset", I64(5));
            axis.set_attr("scale", F64(0.5));
        } else {
            axis.create_dataset("axis").with_f64_data(listed);
        }
        signal.add_group(axis.finish());
    }
    experiments.add_group(signal.finish());
    file.add_group(experiments.finish());
    file.finish().unwrap()
}
