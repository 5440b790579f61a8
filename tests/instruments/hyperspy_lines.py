"""Intensities of X-ray lines as HyperSpy and eXSpy compute them, for `tests/tests/all/scalarizers.rs`.

    pip install hyperspy exspy
    python tests/instruments/hyperspy_lines.py \
        ../shared/data/eds/haadf_eds_64_spectra.hspy tests/golden/hyperspy-lines.csv

For each line the channels that HyperSpy's windows come to, then the sum over the line's window
and the intensity above the background windows: of the whole map, and of every 97th pixel.
Integration windows are HyperSpy's default, 2 FWHM wide; background windows are 1 FWHM wide and
begin 1.5 FWHM from the line, as the host has them. Windows are estimated one line at a time,
because HyperSpy merges background windows of lines that are close. Last run with HyperSpy 2.5.0 and
eXSpy 0.3.2.
"""

import csv
import sys

import hyperspy.api as hs

LINES = ["Cu_Ka", "Cu_La", "O_Ka", "Pd_La", "Ti_Ka"]
EVERY = 97


def channels(axis, bounds):
    """First channel and the one after the last of a window given by two energies."""
    return [int(axis.value2index(float(bound))) for bound in bounds]


def rows(spectra, line):
    """One row for the whole map, with `all` for its place, and one for each sampled pixel."""
    axis = spectra.axes_manager.signal_axes[0]
    window = spectra.estimate_integration_windows(windows_width=2.0, xray_lines=[line])
    beside = spectra.estimate_background_windows(
        line_width=[1.5, 1.5], windows_width=1.0, xray_lines=[line]
    )
    (plain,) = spectra.get_lines_intensity([line], integration_windows=window)
    (net,) = spectra.get_lines_intensity(
        [line], integration_windows=window, background_windows=beside
    )
    signal = channels(axis, window[0])
    below, above = channels(axis, beside[0][:2]), channels(axis, beside[0][2:])
    counted = spectra.data[..., signal[0] : signal[1]].sum(axis=-1)
    assert (counted == plain.data).all(), "these are the channels that HyperSpy sums"
    place = [line.replace("_", "-"), *signal, *below, *above]
    yield [*place, "all", "all", plain.data.sum(), net.data.sum()]
    height, width = plain.data.shape
    for pixel in range(0, height * width, EVERY):
        row, column = divmod(pixel, width)
        yield [*place, row, column, plain.data[row, column], net.data[row, column]]


def main(source, target):
    spectra = hs.load(source)
    with open(target, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        bounds = [f"{name}_{end}" for name in ("signal", "below", "above") for end in ("start", "end")]
        writer.writerow(["line", *bounds, "row", "column", "plain", "net"])
        for line in LINES:
            for plain in rows(spectra, line):
                writer.writerow(
                    [repr(float(v)) if isinstance(v, float) else v for v in plain]
                )


if __name__ == "__main__":
    main(*sys.argv[1:])
