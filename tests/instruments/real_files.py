"""Has the programs of the field read files of instruments, for `tests/tests/all/instruments/files.rs`.

    python tests/instruments/real_files.py FOLDER EXPECTED.json

Reads every file below FOLDER and writes for each what is in it: of each map and of each spectrum image its
values in the order rows, columns, channels, and of each axis its values and units. What is neither, as a
stack of images, is counted alone.
"""

import importlib.util
import json
import logging
import os
import sys
import warnings

import numpy as np

warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)


def arranged(data, axes):
    """Rows, columns and channels of an array with (navigates, values, units) of each axis; nothing where it is
    neither a map nor spectra."""
    scan = [place for place, axis in enumerate(axes) if axis[0]]
    signal = [place for place, axis in enumerate(axes) if not axis[0]]
    if len(scan) == 2 and not signal:
        signal, scan = scan, []
    if (len(scan), len(signal)) not in [(0, 2), (2, 1), (1, 1)]:
        return None
    order = scan + signal
    data = np.transpose(data, order)
    axes = [axes[place][1:] for place in order]
    if len(scan) == 1:
        return data[:, None], [axes[0]]
    return data, axes


def hyperspy(path):
    """The signals of a file as HyperSpy and RosettaSciIO load them, each as rows, columns, channels."""
    import hyperspy.api as hs

    loaded = hs.load(path)
    for signal in loaded if isinstance(loaded, list) else [loaded]:
        axes = signal.axes_manager._axes
        told = [
            (axis.navigate, axis.axis, "" if not isinstance(axis.units, str) else axis.units)
            for axis in axes
        ]
        if not (np.issubdtype(signal.data.dtype, np.floating) or np.issubdtype(signal.data.dtype, np.integer)):
            if signal.data.dtype != bool:
                yield None
                continue
        yield arranged(signal.data, told)


def ripple(path):
    """The same of a ripple file, whose images are those of one channel each."""
    import hyperspy.api as hs

    signal = hs.load(path)
    axes = signal.axes_manager._axes
    told = [(axis.navigate, axis.axis, str(axis.units or "").replace("<undefined>", "")) for axis in axes]
    if len(axes) == 3 and signal.axes_manager.signal_dimension == 2:
        told = [(not navigates, *rest) for navigates, *rest in told]
    found = arranged(signal.data, told)
    if found and found[0].shape[1:2] == (1,) and signal.original_metadata.get_item("width", 1) > 1:
        found = np.swapaxes(found[0], 0, 1), [([], "")]
    yield found


def nanonis():
    """SciFiReaders' copy of nanonispy, without the rest of it, which takes long to import."""
    spec = importlib.util.find_spec("SciFiReaders")
    path = os.path.join(
        os.path.dirname(spec.origin), "readers", "microscopy", "spm", "stm", "nanonis_base.py"
    )
    spec = importlib.util.spec_from_file_location("nanonis_base", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def scan(path):
    """The images of a Nanonis scan, turned as SciFiReaders turns them."""
    read = nanonis().Scan(path)
    width, height = read.header["scan_pixels"]
    across, down = read.header["scan_range"] * 1e9
    # A pixel is that part of the range.
    axes = [(np.arange(height) * down / height, "nm"), (np.arange(width) * across / width, "nm")]
    for ways in read.signals.values():
        for way, data in ways.items():
            data = np.flip(data, axis=0) if read.header["scan_dir"] == "up" else data
            yield np.flip(data, axis=1) if way == "backward" else data, axes


def grid(path):
    """The sweeps of a Nanonis grid."""
    read = nanonis().Grid(path)
    for channel in read.header["channels"]:
        # The ends are what the file says; the package rounds what lies between to single precision.
        ends = read.signals["sweep_signal"].astype(float)
        bias = np.linspace(ends[0], ends[-1], len(ends))
        yield read.signals[channel], [([], ""), ([], ""), (bias, read.header["sweep_signal"].split("(")[1][:-1])]
    params = read.signals["params"]
    for number in range(params.shape[2]):
        yield params[..., number], []


def wave(path):
    """The images of an Igor wave, or the sweeps that it is."""
    from igor2 import binarywave

    read = binarywave.load(path)["wave"]
    data, labels = read["wData"], read["labels"][2]
    steps, units = read["wave_header"]["sfA"], read["wave_header"]["dimUnits"]
    units = [b"".join(unit).split(b"\0")[0].decode() for unit in units]
    axes = [
        (np.arange(data.shape[place]) * steps[place] * (1e9 if units[place] == "m" else 1), units[place].replace("m", "nm"))
        for place in range(data.ndim)
    ]
    if data.ndim == 3 and len(labels):
        for channel in range(data.shape[2]):
            yield data[:, :, channel].T, [axes[1], axes[0]]
    elif data.ndim == 3:
        yield np.swapaxes(data, 0, 1), [axes[1], axes[0], axes[2]]
    else:
        yield (data.T, axes[::-1]) if data.ndim == 2 else None


def told(signal):
    """What is expected of a signal, for the file of expectations."""
    values, axes = signal
    return {
        "kind": "map" if values.ndim == 2 else "spectra",
        "shape": list(values.shape),
        "values": [float(v) for v in values.ravel()],
        "axes": [[[float(v) for v in axis], units.replace("\u03bc", "\u00b5").replace("[]", "")] for axis, units in axes],
    }


def reader(path):
    extension = os.path.splitext(path)[1].lower()
    return {
        ".dm3": hyperspy,
        ".dm4": hyperspy,
        ".emd": hyperspy,
        ".hspy": hyperspy,
        ".zspy": hyperspy,
        ".nxs": hyperspy,
        ".rpl": ripple,
        ".sxm": scan,
        ".3ds": grid,
        ".ibw": wave,
    }.get(extension)


def main(folder, expected):
    found = {}
    for root, _, names in sorted(os.walk(folder)):
        for name in sorted(names):
            path = os.path.join(root, name)
            read = reader(path)
            if read is None:
                continue
            try:
                signals = list(read(path))
            except Exception as error:
                found[path] = {"error": f"{type(error).__name__}: {error}"}
                continue
            kept = [told(signal) for signal in signals if signal is not None and signal[0].size < 1 << 22]
            found[path] = {"signals": kept, "others": len(signals) - len(kept)}
    with open(expected, "w") as file:
        json.dump(found, file, allow_nan=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
