"""Opens results of campaigns with HyperSpy, SciFiReaders and pyNSID, and compares all that
they find with what the writer says it wrote: numbers, axes, units, texts.

    open_results.py FILE...      each with what was written beside it, in FILE's name with .json

Says what differs and ends with 1; says nothing and ends with 0 when all is as it should be.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

import h5py
import hyperspy.api as hs
import numpy as np
import pyNSID
from SciFiReaders import NSIDReader

failures = []


def expect(what, found, wanted):
    """Notes a difference, with NaN equal to itself, and with numbers equal to a few units in the
    last place: axes are recomputed from offset and step."""
    if isinstance(wanted, np.ndarray):
        found = np.asarray(found)
        same = found.shape == wanted.shape and np.allclose(
            found, wanted, rtol=1e-14, atol=1e-14, equal_nan=True
        )
    else:
        same = type(found) is type(wanted) and found == wanted
    if not same:
        failures.append(f"{what}: {found!r} where {wanted!r} was written")


def array(values, axes):
    """Numbers from JSON, where NaN is null, in the shape that the axes give."""
    shape = [len(axis["values"]) for axis in axes]
    return np.array(values, dtype=float).reshape(shape)


def in_hyperspy(file, expected):
    signals = {signal.metadata.General.title: signal for signal in hs.load(file)}
    expect("HyperSpy's signals", sorted(signals), sorted(expected["signals"]))
    as_signals(signals, expected, "HyperSpy's")
    # What HyperSpy saves of them, and opens once more, is the same.
    again = {}
    with tempfile.TemporaryDirectory() as folder:
        for title, signal in signals.items():
            saved = os.path.join(folder, f"{title}.hspy")
            signal.save(saved)
            again[title] = hs.load(saved)
    as_signals(again, expected, "HyperSpy's saved")


def as_signals(signals, expected, whose):
    for title, wanted in expected["signals"].items():
        signal, name = signals[title], f"{whose} {title}"
        expect(f"{name}: data", signal.data, array(wanted["values"], wanted["axes"]))
        quantity, units = wanted["quantity"], wanted["units"]
        text = f"{quantity} ({units})" if units else quantity
        expect(f"{name}: quantity", signal.metadata.Signal.quantity, text)
        kind = signal.metadata.Signal.signal_type
        expect(f"{name}: signal type", kind, wanted["signal_type"])
        navigated = sum(axis["navigate"] for axis in wanted["axes"])
        expect(f"{name}: navigation", signal.axes_manager.navigation_dimension, navigated)
        for axis, described in zip(signal.axes_manager._axes, wanted["axes"]):
            where = f"{name}: axis {described['name']}"
            found = axis.name, axis.units, axis.axis
            if described.get("turns back"):
                expect(f"{where}: number", axis.axis, np.arange(axis.size, dtype=float))
                channels = signal.metadata.Channels
                found = channels.name, channels.units, channels.coordinates
            expect(f"{where}: name", found[0], described["name"])
            expect(f"{where}: units", found[1], described["units"])
            expect(where, found[2], np.array(described["values"], dtype=float))
        found = signal.original_metadata.as_dictionary()
        expect(f"{name}: provenance", found, expected["provenance"])
    columns = signals["points"].metadata.Columns.as_dictionary()
    as_text(columns, expected["columns"], f"{whose} points")
    if "spectra" in signals:
        elements = signals["spectra"].metadata.get_item("Sample.elements", [])
        expect(f"{whose} elements", list(elements), expected["elements"])


def as_text(columns, wanted, name):
    for key in ["names", "units"]:
        expect(f"{name}: {key} of columns", list(columns[key]), wanted[key])
    expect(f"{name}: target", columns["target"], wanted["target"])


def in_sidpy(file, expected):
    reader = NSIDReader(file)
    datasets = {dataset.title: dataset for dataset in reader.read().values()}
    expect("sidpy's datasets", sorted(datasets), sorted(expected["signals"]))
    for title, wanted in expected["signals"].items():
        dataset, name = datasets[title], f"sidpy's {title}"
        expect(f"{name}: data", np.array(dataset), array(wanted["values"], wanted["axes"]))
        expect(f"{name}: quantity", dataset.quantity, wanted["quantity"])
        expect(f"{name}: units", dataset.units, wanted["units"] or "generic")
        expect(f"{name}: data type", dataset.data_type.name, wanted["data_type"])
        for place, described in enumerate(wanted["axes"]):
            axis = dataset._axes[place]
            where = f"{name}: axis {described['name']}"
            expect(f"{where}: name", axis.name, described["name"])
            expect(f"{where}: units", axis.units, described["units"] or "generic")
            expect(f"{where}: kind", axis.dimension_type.name, described["kind"])
            expect(where, np.array(axis.values), np.array(described["values"], dtype=float))
        expect(f"{name}: provenance", dict(dataset.original_metadata), expected["provenance"])
    columns = datasets["points"].metadata["Columns"]
    count = len(expected["columns"]["names"])
    # Lists are spelt as HyperSpy has them: a group with a text each.
    lists = {key: columns[f"_list_{count}_{key}"] for key in ["names", "units"]}
    lists = {key: [texts[name] for name in sorted(texts)] for key, texts in lists.items()}
    as_text(lists | {"target": columns["target"]}, expected["columns"], "sidpy's points")
    if "spectra" in datasets:
        places = datasets["spectra"].point_cloud["coordinates"]
        expect("sidpy's places", places, np.array(expected["places"], dtype=float))
    reader.close()


def in_pynsid(file, expected):
    with h5py.File(file, "r") as opened:
        main = pyNSID.io.hdf_utils.get_all_main(opened)
        found = sorted(dataset.parent.name.rsplit("/")[-1] for dataset in main)
        expect("pyNSID's main datasets", found, sorted(expected["signals"]))


def main(*files):
    for file in files:
        with open(Path(file).with_suffix(".json"), encoding="utf-8") as opened:
            expected = json.load(opened)
        before = len(failures)
        in_hyperspy(file, expected)
        in_sidpy(file, expected)
        in_pynsid(file, expected)
        failures[before:] = [f"{file}: {failure}" for failure in failures[before:]]
    print("\n".join(failures), end="\n" if failures else "")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
