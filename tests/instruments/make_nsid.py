"""Writes an NSID file for DTMicroscope: a scan image, and a spectrum image of the same area.

    python make_nsid.py FILE [--rows 48] [--columns 40] [--channels 64] [--numbered]

Made of formulas, not of random numbers, so that every run writes the same values. Rows and columns
differ in number and in every value, so that no mistake about their order goes unnoticed. `--numbered`
leaves the channels without calibration.
"""

import argparse

import h5py
import numpy as np
import pyNSID
import sidpy


def dimension(values, name, units, kind):
    """A calibrated axis."""
    return sidpy.Dimension(values, name=name, units=units, quantity=name, dimension_type=kind)


def scan(rows, columns):
    """The axes of the scan, in nm; the pixels are oblong, so that the axes can be told apart."""
    return [
        dimension(0.5 * np.arange(rows), "y", "nm", "spatial"),
        dimension(0.25 * np.arange(columns), "x", "nm", "spatial"),
    ]


def described(values, kind, quantity, units, dimensions):
    """A dataset with everything that NSID says about it."""
    dataset = sidpy.Dataset.from_array(values, title=quantity)
    dataset.data_type, dataset.quantity, dataset.units = kind, quantity, units
    for place, axis in enumerate(dimensions):
        dataset.set_dimension(place, axis)
    return dataset


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file")
    parser.add_argument("--rows", type=int, default=48)
    parser.add_argument("--columns", type=int, default=40)
    parser.add_argument("--channels", type=int, default=64)
    parser.add_argument("--numbered", action="store_true")
    options = parser.parse_args()

    # Two particles on a wedge: double precision, so that not every value is a short decimal.
    y, x = np.mgrid[0 : options.rows, 0 : options.columns].astype(float)
    down, right = y / options.rows, x / options.columns
    particles = np.exp(-((down - 0.3) ** 2 + (right - 0.6) ** 2) / 0.02)
    particles += 0.6 * np.exp(-((down - 0.7) ** 2 + (right - 0.25) ** 2) / 0.01)
    image = 100.0 + 40.0 * right + 7.0 * down + 300.0 * particles

    # A plasmon peak whose energy falls and whose height grows in the particles, on a falling
    # background; whole counts.
    energies = 5.0 + 32.0 / options.channels * np.arange(options.channels)
    centre = 20.0 - 4.0 * particles + 2.0 * down
    height = 400.0 + 900.0 * particles + 50.0 * right
    peak = np.exp(-(((energies - centre[..., None]) / 2.5) ** 2))
    background = (1.0 + down + 0.3 * right)[..., None] * 2000.0 / energies
    spectra = np.round(height[..., None] * peak + background)

    area = scan(options.rows, options.columns)
    if options.numbered:
        energy = dimension(np.arange(float(options.channels)), "channel", "generic", "spectral")
    else:
        energy = dimension(energies, "energy_loss", "eV", "spectral")
    with h5py.File(options.file, "w") as file:
        for channel, dataset in enumerate([
            described(image, "image", "HAADF", "counts", area),
            described(spectra, "spectral_image", "EELS", "counts", [*area, energy]),
        ]):
            pyNSID.hdf_io.write_nsid_dataset(
                dataset, file.create_group(f"Channel_{channel:03}"), main_data_name="generic"
            )


if __name__ == "__main__":
    main()
