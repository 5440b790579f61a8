"""Files of the field in their variants, as the programs of the field write them, for
`tests/tests/all/instruments/files.rs`.

    python tests/instruments/write_files.py FOLDER

Writes the files into FOLDER, and `expected.json`: for each location what it holds, as the reference
library reads it: `map` or `spectra`, the values in the order rows, columns, channels, and of each axis
its values and units; or `refused`, with words that the refusal must hold.
"""

import json
import os
import sys

import h5py
import hdf5plugin
import hyperspy.api as hs
import igor2.binarywave
import numcodecs
import numpy as np
import sidpy
import pyNSID
import tifffile

import instrument_files
import real_files

folder = sys.argv[1]
expected = {}
random = np.random.default_rng(1)
HEIGHT, WIDTH, CHANNELS = 9, 7, 11


def path(name):
    return os.path.join(folder, name)


def holds(name, values, axes=(), what=None):
    """A location with its values, and (values, units) of each axis that the file calibrates."""
    values = np.asarray(values)
    expected[name] = {
        "kind": what or ("map" if values.ndim == 2 else "spectra"),
        "shape": list(values.shape),
        "values": [float(v) for v in values.ravel()],
        "axes": [[[float(v) for v in axis], units] for axis, units in axes],
    }


def refused(name, *words):
    expected[name] = {"kind": "refused", "words": words}


def cube(dtype=np.uint16):
    return random.integers(0, 200, (HEIGHT, WIDTH, CHANNELS)).astype(dtype)


def image(dtype=np.uint16, height=HEIGHT, width=WIDTH):
    return random.integers(0, 200, (height, width)).astype(dtype)


def numpy_files():
    for dtype in ["f2", "f4", "f8", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", ">f4", ">i2", ">f2"]:
        data = image(np.int16).clip(0, 100).astype(dtype)
        name = f"numpy {dtype.replace('>', 'big ')}.npy"
        np.save(path(name), data)
        holds(name, data)
    mask = image() > 100
    np.save(path("mask.npy"), mask)
    holds("mask.npy", mask)
    data = cube(np.float32)
    np.save(path("fortran.npy"), np.asfortranarray(data))
    holds("fortran.npy", data)
    np.savez(path("several.npz"), image=image(), spectra=data)
    np.savez_compressed(path("packed.npz"), spectra=data)
    holds("several.npz#spectra", data)
    holds("packed.npz", data)
    np.save(path("complex.npy"), data.astype(complex))
    refused("complex.npy", "real integers and floats")
    np.save(path("objects.npy"), np.array([[1, None]], dtype=object), allow_pickle=True)
    refused("objects.npy", "real integers and floats")


def axis(name, size, offset, scale, units, navigate, index):
    return dict(name=name, size=size, offset=offset, scale=scale, units=units, navigate=navigate)


def hyperspy_axes(order):
    """Axes in the order of the array, of which `order` is made: y, x, e."""
    axes = {
        "y": dict(name="y", size=HEIGHT, offset=3.0, scale=0.5, units="nm", navigate=True),
        "x": dict(name="x", size=WIDTH, offset=-1.0, scale=0.25, units="nm", navigate=True),
        "e": dict(name="Energy", size=CHANNELS, offset=-0.1, scale=0.01, units="keV", navigate=False),
    }
    return [axes[name] for name in order]


def values_of(axis):
    return axis["offset"] + axis["scale"] * np.arange(axis["size"])


def hyperspy_cube(name, order="yxe", dtype=np.uint16, **keywords):
    data = cube(dtype)
    stored = np.transpose(data, ["yxe".index(place) for place in order])
    signal = hs.signals.BaseSignal(stored, axes=hyperspy_axes(order))
    signal.save(path(name), overwrite=True, **keywords)
    holds(name, data, [(values_of(a), a["units"]) for a in hyperspy_axes("yxe")])


def hyperspy_files():
    for order in ["yxe", "eyx", "yex"]:
        hyperspy_cube(f"order {order}.hspy", order)
    for dtype in ["uint8", "int16", "int32", "uint64", "float32", "float64", "float16"]:
        hyperspy_cube(f"signal {dtype}.hspy", dtype=dtype)
    for dtype in ["uint16", "float32"]:
        hyperspy_cube(f"folder {dtype}.zspy", dtype=dtype)
    hyperspy_cube("folder eyx.zspy", "eyx")
    hyperspy_cube("folder chunks.zspy", chunks=(4, 3, 5))
    for codec in [numcodecs.Zstd(), numcodecs.GZip(), numcodecs.LZ4(), numcodecs.Blosc("lz4", shuffle=2)]:
        hyperspy_cube(f"folder {codec.codec_id}.zspy", compressor=codec)
    hyperspy_cube("folder plain.zspy", compressor=None)
    hyperspy_cube("folder bz2.zspy", compressor=numcodecs.BZ2())
    refused("folder bz2.zspy", "bz2", "hs.load")
    hyperspy_cube("plain.hspy", compression=None)
    hyperspy_cube("lzf.hspy", compression="lzf")
    hyperspy_cube("chunks.hspy", chunks=(4, 3, 5))
    filters = {
        "zstd": hdf5plugin.Zstd(),
        "lz4": hdf5plugin.LZ4(),
        "lz4 blocks": hdf5plugin.LZ4(nbytes=256),
        "bitshuffle": hdf5plugin.Bitshuffle(cname="none"),
        "bitshuffle lz4": hdf5plugin.Bitshuffle(cname="lz4"),
        "bitshuffle zstd": hdf5plugin.Bitshuffle(cname="zstd"),
        "bitshuffle blocks": hdf5plugin.Bitshuffle(nelems=16, cname="lz4"),
    }
    for name in ["blosclz", "lz4", "lz4hc", "zlib", "zstd"]:
        for shuffle in ["NOSHUFFLE", "SHUFFLE", "BITSHUFFLE"]:
            kind = getattr(hdf5plugin.Blosc, shuffle)
            filters[f"blosc {name} {shuffle}"] = hdf5plugin.Blosc(cname=name, clevel=5, shuffle=kind)
    for name, filter in filters.items():
        for dtype in ["uint16", "float64", "uint8"]:
            data = random.poisson(3, (40, 30, 50)).astype(dtype)
            file = f"{name} {dtype}.h5"
            with h5py.File(path(file), "w") as h5:
                h5.create_dataset("a", data=data, chunks=(17, 30, 50), **filter)
            holds(file, data)
    with h5py.File(path("szip.h5"), "w") as h5:
        h5.create_dataset("a", data=cube(), chunks=(9, 7, 11), **hdf5plugin.Blosc2())
    refused("szip.h5", "Blosc2", "h5repack")

    energy = dict(name="Energy", size=CHANNELS, offset=100.0, scale=10.0, units="eV", navigate=False)
    listed = 1.0 + np.arange(CHANNELS) ** 1.5
    data = cube()
    axes = hyperspy_axes("yx") + [
        dict(axis=listed, name="Wavelength", units="nm", navigate=False)
    ]
    hs.signals.BaseSignal(data, axes=axes).save(path("listed.hspy"), overwrite=True)
    holds("listed.hspy", data, [(values_of(a), "nm") for a in hyperspy_axes("yx")] + [(listed, "nm")])
    for number, (expression, parameters) in enumerate(
        [
            ("1239.84 / x", {}),
            ("a * x + b", {"a": 2.0, "b": -3.0}),
            ("a0 * x ** 2 + sqrt(x)", {"a0": 0.5}),
            ("x * exp(-k / x)", {"k": 3.0}),
        ]
    ):
        axes = hyperspy_axes("yx") + [
            dict(
                expression=expression,
                x=dict(energy),
                name="Wavelength",
                units="nm",
                navigate=False,
                **parameters,
            )
        ]
        signal = hs.signals.BaseSignal(data, axes=axes)
        name = f"functional {number}.hspy"
        signal.save(path(name), overwrite=True)
        read = hs.load(path(name)).axes_manager.signal_axes[0].axis
        holds(name, data, [(values_of(a), "nm") for a in hyperspy_axes("yx")] + [(read, "nm")])

    data = image(np.float32)
    for kind, flags in [("image", False), ("turned", True)]:
        axes = [dict(a, navigate=flags) for a in hyperspy_axes("yx")]
        hs.signals.BaseSignal(data, axes=axes).save(path(f"{kind}.hspy"), overwrite=True)
        holds(f"{kind}.hspy", data, [(values_of(a), "nm") for a in hyperspy_axes("yx")])
    line = data[:, :]
    axes = [hyperspy_axes("y")[0], dict(energy, size=WIDTH)]
    hs.signals.BaseSignal(line, axes=axes).save(path("line.hspy"), overwrite=True)
    holds("line.hspy", line[:, None, :])
    axes = [dict(energy, size=HEIGHT), hyperspy_axes("x")[0]]
    hs.signals.BaseSignal(line, axes=axes).save(path("line turned.hspy"), overwrite=True)
    holds("line turned.hspy", line.T[:, None, :])
    hs.signals.BaseSignal(cube()).save(path("all signal.hspy"), overwrite=True)
    refused("all signal.hspy", "stack of images")
    hs.signals.Signal2D(cube()).save(path("stack.hspy"), overwrite=True)
    refused("stack.hspy", "stack of images")
    hs.signals.Signal1D(data[0]).save(path("spectrum.hspy"), overwrite=True)
    refused("spectrum.hspy", "shape 7")
    thin = hs.signals.Signal1D(data[None])
    thin.save(path("one row.hspy"), overwrite=True)
    holds("one row.hspy", data[None])
    hs.signals.BaseSignal(image() > 100).T.save(path("mask.hspy"), overwrite=True)


def sidpy_set(data, name, data_type, dims):
    """A sidpy dataset with (name, values, units, type) of each dimension."""
    dataset = sidpy.Dataset.from_array(data, title=name)
    dataset.data_type = data_type
    dataset.quantity, dataset.units = "Counts", "counts"
    for place, (label, values, units, kind) in enumerate(dims):
        dataset.set_dimension(
            place,
            sidpy.Dimension(values, name=label, units=units, quantity=label, dimension_type=kind),
        )
    return dataset


def nsid(name, *datasets):
    with h5py.File(path(name), "w") as h5:
        group = h5.create_group("Measurement_000/Channel_000")
        for dataset in datasets:
            pyNSID.hdf_io.write_nsid_dataset(dataset, group, main_data_name=dataset.title)


def sidpy_files():
    ys, xs = 3.0 + 0.5 * np.arange(HEIGHT), 0.25 * np.arange(WIDTH)
    es = 1.0 + 0.1 * np.arange(CHANNELS)
    y, x = ("y", ys, "nm", "spatial"), ("x", xs, "nm", "spatial")
    e = ("energy", es, "keV", "spectral")
    data = cube(np.float32)
    axes = [(ys, "nm"), (xs, "nm"), (es, "keV")]
    nsid("nsid yxe.h5", sidpy_set(data, "si", "SPECTRAL_IMAGE", [y, x, e]))
    holds("nsid yxe.h5", data, axes)
    nsid("nsid eyx.hf5", sidpy_set(np.moveaxis(data, 2, 0), "si", "SPECTRAL_IMAGE", [e, y, x]))
    holds("nsid eyx.hf5", data, axes)
    nsid("nsid yex.h5", sidpy_set(np.moveaxis(data, 2, 1), "si", "SPECTRAL_IMAGE", [y, e, x]))
    holds("nsid yex.h5", data, axes)
    # As it is stored: which of both is the slow one of the scan is for the user to say.
    nsid("nsid xye.h5", sidpy_set(np.swapaxes(data, 0, 1), "si", "SPECTRAL_IMAGE", [x, y, e]))
    holds("nsid xye.h5", np.swapaxes(data, 0, 1), [axes[1], axes[0], axes[2]])
    nsid("nsid image.h5", sidpy_set(data[..., 0], "haadf", "IMAGE", [y, x]))
    holds("nsid image.h5", data[..., 0], axes[:2])
    nsid("nsid line.h5", sidpy_set(data[:, 0], "line", "SPECTRAL_IMAGE", [y, e]))
    holds("nsid line.h5", data[:, :1], [axes[0]])
    nsid("nsid line turned.h5", sidpy_set(data[:, 0].T, "line", "SPECTRAL_IMAGE", [e, y]))
    holds("nsid line turned.h5", data[:, :1], [axes[0]])
    points = ("point", np.arange(HEIGHT), "n", "point_cloud")
    nsid("nsid points.h5", sidpy_set(data[:, 0], "points", "POINT_CLOUD", [points, e]))
    holds("nsid points.h5", data[:, :1])
    single = ("frame", np.arange(1.0), "s", "temporal")
    nsid("nsid one frame.h5", sidpy_set(data[None], "si", "SPECTRAL_IMAGE", [single, y, x, e]))
    holds("nsid one frame.h5", data, axes)
    nsid("nsid one image.h5", sidpy_set(data[None, ..., 0], "haadf", "IMAGE_STACK", [single, y, x]))
    holds("nsid one image.h5", data[..., 0], axes[:2])
    frames = ("frame", np.arange(HEIGHT), "s", "temporal")
    nsid("nsid stack.h5", sidpy_set(data, "stack", "IMAGE_STACK", [frames, x, e]))
    refused("nsid stack.h5", "stack of images")
    nsid(
        "nsid two.h5",
        sidpy_set(data[..., 0], "haadf", "IMAGE", [y, x]),
        sidpy_set(data, "si", "SPECTRAL_IMAGE", [y, x, e]),
    )
    holds("nsid two.h5#Measurement_000/Channel_000/haadf", data[..., 0], axes[:2])
    holds("nsid two.h5#Measurement_000/Channel_000/si", data, axes)


def usid_files():
    """The older files of pycroscopy: every position a row, every spectral step a column, told by tables beside them."""
    import pyUSID

    # By their names before NumPy 2.
    np.product, np.float, np.int, np.in1d = np.prod, float, int, np.isin

    # Numbers that single precision, in which the tables are, holds.
    ys, xs, es = 3.0 + 0.5 * np.arange(HEIGHT), 0.25 * np.arange(WIDTH), 1.0 + 0.125 * np.arange(CHANNELS)
    data = cube(np.float32)
    # The fastest dimension first.
    positions = [pyUSID.Dimension("X", "nm", xs), pyUSID.Dimension("Y", "nm", ys)]
    energy, single = pyUSID.Dimension("Energy", "keV", es), pyUSID.Dimension("none", "", [0.0])
    for name, values, spectral in [("usid spectra.h5", data, energy), ("usid image.h5", data[..., 0], single)]:
        with h5py.File(path(name), "w") as h5:
            group = h5.create_group("Measurement_000/Channel_000")
            table = values.reshape(HEIGHT * WIDTH, -1)
            pyUSID.hdf_utils.write_main_dataset(group, table, "Raw", "Counts", "counts", positions, [spectral])
        holds(name, values, [(ys, "nm"), (xs, "nm"), (es, "keV")][: values.ndim])


def tiff_files():
    for dtype in ["uint8", "int8", "uint16", "int16", "uint32", "int32", "float16", "float32", "float64"]:
        for shown in ["minisblack", "miniswhite"]:
            for order in "<>":
                data = image(np.uint8).clip(0, 100).astype(dtype)
                name = f"{dtype} {shown} {'little' if order == '<' else 'big'}.tif"
                tifffile.imwrite(path(name), data, photometric=shown, byteorder=order)
                holds(name, data)
    bits = image(height=9, width=13) > 100
    for shown in ["minisblack", "miniswhite"]:
        tifffile.imwrite(path(f"bits {shown}.tif"), bits, photometric=shown)
        holds(f"bits {shown}.tif", tifffile.imread(path(f"bits {shown}.tif")))
    data = image(np.uint8)
    ramp = np.stack([np.arange(256) * 257] * 3).astype(np.uint16)
    tifffile.imwrite(path("palette.tif"), data, photometric="palette", colormap=ramp)
    holds("palette.tif", data)
    colours = random.integers(0, 65535, (3, 256)).astype(np.uint16)
    tifffile.imwrite(path("colours.tif"), data, photometric="palette", colormap=colours)
    refused("colours.tif", "PIL.Image.open")
    smooth = (100 + 50 * np.sin(np.arange(64)[:, None] / 9) + np.arange(48)[None] / 2).astype(np.uint8)
    tifffile.imwrite(path("jpeg.tif"), smooth, compression="jpeg")
    holds("jpeg.tif", tifffile.imread(path("jpeg.tif")), what="about")
    for compression in ["zlib", "lzw", "packbits"]:
        for predictor in [None, 2]:
            if compression == "packbits" and predictor:
                continue
            name = f"{compression} {predictor}.tif"
            data = image()
            tifffile.imwrite(path(name), data, compression=compression, predictor=predictor)
            holds(name, data)
    tifffile.imwrite(path("zstd.tif"), data, compression="zstd")
    refused("zstd.tif", "tifffile.imwrite")
    tifffile.imwrite(path("bigtiff.tif"), data, bigtiff=True, photometric="miniswhite")
    holds("bigtiff.tif", data)
    large = image(height=50, width=70)
    tifffile.imwrite(path("tiles.tif"), large, tile=(32, 32))
    holds("tiles.tif", large)
    with tifffile.TiffWriter(path("pages.tif")) as tiff:
        for page in range(3):
            tiff.write(large + page)
    for page in range(3):
        holds(f"pages.tif#{page + 1}", large + page)
    refused("pages.tif", "pages.tif#2", "3 (50x70")
    refused("pages.tif#0", "nothing is called `0`")
    # Three images behind the page of the first.
    tifffile.imwrite(path("hidden.tif"), np.stack([large] * 3), photometric="minisblack", truncate=True)
    tifffile.imwrite(path("hidden imagej.tif"), np.stack([large] * 3), imagej=True, truncate=True)
    for name in ["hidden.tif", "hidden imagej.tif"]:
        assert tifffile.imread(path(name)).shape == (3, *large.shape)
        refused(name, "3 images", "tifffile.imwrite")
    with tifffile.TiffWriter(path("colour first.tif")) as tiff:
        tiff.write(random.integers(0, 255, (24, 24, 3), np.uint8), photometric="rgb")
        tiff.write(large)
    holds("colour first.tif", large)
    holds("colour first.tif#2", large)
    refused("colour first.tif#1", "one grey value")
    with tifffile.TiffWriter(path("preview.tif")) as tiff:
        tiff.write(large)
        tiff.write(large[::4, ::4], subfiletype=1)
    holds("preview.tif", large)

    def sized(name, step, units, **keywords):
        tifffile.imwrite(path(name), large, **keywords)
        holds(name, large, [(np.arange(n) * step[i], units) for i, n in enumerate(large.shape)])

    metadata = {"PhysicalSizeX": 0.5, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 0.25, "PhysicalSizeYUnit": "nm", "axes": "YX"}
    sized("half.ome.tif", (0.25, 0.5), "nm", metadata=metadata, ome=True)
    sized("micro.ome.tif", (2.0, 3.0), "µm", metadata={"PhysicalSizeX": 3.0, "PhysicalSizeY": 2.0, "axes": "YX"}, ome=True)
    sized("imagej.tif", (0.25, 0.5), "nm", imagej=True, resolution=(2, 4), metadata={"unit": "nm"})
    axes = [dict(a, size=n, navigate=False, offset=0.0) for a, n in zip(hyperspy_axes("yx"), large.shape)]
    signal = hs.signals.Signal2D(large, axes=axes)
    signal.save(path("digitalmicrograph.tif"), overwrite=True)
    read = hs.load(path("digitalmicrograph.tif")).axes_manager.signal_axes
    holds("digitalmicrograph.tif", large, [(read[1].axis, "nm"), (read[0].axis, "nm")])


def judged(name, places, count=None):
    """A file that the programs of the field read: what they find in it, in their order, is expected at the places
    behind `#`; empty is the file itself."""
    found = [signal for signal in real_files.reader(name)(path(name)) if signal is not None]
    assert len(found) == (count or len(places)), (name, [signal[0].shape for signal in found])
    for place, signal in zip(places, found):
        if place is not None:
            told = real_files.told(signal)
            expected[f"{name}#{place}" if place else name] = told


def digital_micrograph_files():
    spectrum_image = {"Meta Data": {"Format": "Spectrum image", "Signal": "EELS"}}
    shared = {
        "Microscope Info": {"Voltage": 200000.0, "Illumination Mode": "STEM"},
        "EELS": {"Acquisition": {"Exposure (s)": 0.5, "Number of frames": 4}},
    }
    haadf = {"data": image(np.float32), "code": 2, "axes": [(4.0, 0.25, "nm"), (-2.0, 0.5, "nm")], "name": "HAADF"}
    energies = (100.0, 0.5, "eV")
    loss = {
        "data": np.moveaxis(cube(np.uint16), 2, 0),
        "code": 10,
        "axes": [(4.0, 0.25, "nm"), (-2.0, 0.5, "nm"), energies],
        "name": "EELS SI",
        "tags": spectrum_image | shared,
        "brightness": "e-",
    }
    rays = loss | {"tags": {"Meta Data": {"Format": "Spectrum image", "Signal": "X-ray"}}, "code": 7, "name": "EDS"}
    rays = rays | {"data": loss["data"].astype(np.int32), "axes": loss["axes"][:2] + [(20.0, 0.01, "keV")]}
    line = loss | {"data": cube()[0], "axes": [energies, (0.0, 2.0, "nm")], "name": "line"}
    preview = haadf | {"data": image(np.uint8), "code": 6, "name": "preview"}
    places = ["HAADF", "EELS SI", "EDS", "4"]
    for version in [3, 4]:
        for name, order in [(f"images.dm{version}", "<"), (f"images big.dm{version}", ">")]:
            with open(path(name), "wb") as file:
                file.write(
                    instrument_files.digital_micrograph([preview, haadf, loss, rays, line], version, order, True)
                )
        judged(f"images.dm{version}", places)
        # RosettaSciIO takes the values of all files for little-endian, and its axes as the header says.
        for place in places:
            expected[f"images big.dm{version}#{place}"] = expected[f"images.dm{version}#{place}"]
    for code, dtype in [(1, "i2"), (6, "u1"), (7, "i4"), (9, "i1"), (10, "u2"), (11, "u4"), (12, "f8"), (2, "f4")]:
        name = f"{dtype}.dm3"
        with open(path(name), "wb") as file:
            file.write(instrument_files.digital_micrograph([haadf | {"data": image(dtype), "code": code}], 3))
        judged(name, [""])
    stack = loss | {"tags": {}, "name": "stack"}
    with open(path("stack.dm4"), "wb") as file:
        file.write(instrument_files.digital_micrograph([stack, haadf], 4))
    refused("stack.dm4#stack", "stack of images")
    with open(path("colours.dm3"), "wb") as file:
        file.write(instrument_files.digital_micrograph([haadf | {"code": 23, "data": image(np.int32)}], 3))
    refused("colours.dm3", "colours")


def emd_files():
    counts = random.poisson(0.4, (2, 4, 2, HEIGHT, WIDTH, 64)).astype(int)
    streams = {f"SuperXG2{n}": counts[0, n] for n in range(4)}
    images = {"HAADF": image()[..., None].repeat(2, 2), "BF": image(np.float32)[..., None]}
    images["HAADF"][..., 1] += 5
    for name, gate in [("velox.emd", True), ("velox gate.emd", False)]:
        instrument_files.velox(path(name), HEIGHT, WIDTH, 64, streams, images, 2, gate)
        judged(name, ["HAADF", "BF", "EDS"])
    expected["velox.emd#SuperXG22"] = expected["velox.emd#EDS"] | {
        "values": [float(v) for v in counts[0, 2].sum(axis=0).ravel()]
    }
    instrument_files.velox(path("velox images.emd"), HEIGHT, WIDTH, 64, {}, {"BF": images["BF"]}, 1)
    judged("velox images.emd", [""])
    data = cube(np.float32)
    axes = hyperspy_axes("yxe")
    for name, signal in [
        ("berkeley.emd", hs.signals.BaseSignal(data, axes=axes)),
        ("berkeley image.emd", hs.signals.BaseSignal(data[..., 0], axes=axes[:2])),
    ]:
        signal.save(path(name), overwrite=True)
        holds(name, signal.data, [(values_of(a), a["units"]) for a in axes])
        read = hs.load(path(name))
        assert np.array_equal(read.data, signal.data)
        for axis, wanted in zip(read.axes_manager._axes, axes):
            assert np.allclose(axis.axis, values_of(wanted)) and axis.units == wanted["units"]


    # As ncempy numbers the axes of an array, whose names and units tell it from the order of HyperSpy.
    with h5py.File(path("berkeley in order.emd"), "w") as h5:
        group = h5.create_group("data/si")
        group.attrs["emd_group_type"] = 1
        group["data"] = data
        for number, axis in enumerate(axes, 1):
            group[f"dim{number}"] = values_of(axis)
            group[f"dim{number}"].attrs.update({"name": axis["name"], "units": f"[{'_'.join(axis['units'])}]"})
    holds("berkeley in order.emd", data, [(values_of(a), a["units"]) for a in axes])


def nexus_files():
    axes = hyperspy_axes("yxe")
    signal = hs.signals.BaseSignal(cube(np.float32), axes=axes)
    signal.metadata.General.title = "rocks"
    other = hs.signals.BaseSignal(image(np.float32), axes=[dict(a, navigate=False) for a in axes[:2]])
    other.metadata.General.title = "image"
    signal.save(path("one.nxs"), overwrite=True)
    judged("one.nxs", [""], count=1)
    from rsciio.nexus import file_writer

    file_writer(path("default.nxs"), [signal._to_dictionary(), other._to_dictionary()], use_default=True)
    holds("default.nxs", signal.data, [(values_of(a), a["units"]) for a in axes])
    with h5py.File(path("units.nxs"), "w") as h5:
        entry = h5.create_group("entry")
        entry.attrs["NX_class"], h5.attrs["default"], entry.attrs["default"] = "NXentry", "entry", "eds"
        group = entry.create_group("eds")
        group.attrs.update({"NX_class": "NXdata", "signal": "counts", "axes": ["y", "x", "energy"]})
        group["counts"] = signal.data
        for axis in axes:
            name = axis["name"].lower()
            group[name] = values_of(axis)
            group[name].attrs["units"] = axis["units"]
        beside = entry.create_group("haadf")
        beside.attrs.update({"NX_class": "NXdata", "signal": "values"})
        beside["values"] = other.data
    holds("units.nxs", signal.data, [(values_of(a), a["units"]) for a in axes])
    holds("units.nxs#entry/haadf", other.data)
    for name in ["marked.nxs", "energy first.nxs"]:
        with h5py.File(path(name), "w") as h5:
            group = h5.create_group("entry/data")
            h5["entry"].attrs["NX_class"], group.attrs["NX_class"] = "NXentry", "NXdata"
            for axis in axes:
                group[axis["name"]] = values_of(axis)
                group[axis["name"]].attrs["units"] = axis["units"]
            if name == "marked.nxs":
                # As files did before groups named their signal.
                group["counts"] = signal.data
                group["counts"].attrs.update({"signal": 1, "axes": "y:x:Energy"})
            else:
                group["counts"] = np.moveaxis(signal.data, 2, 0)
                group.attrs.update({"signal": "counts", "axes": ["Energy", "y", "x"]})
        holds(name, signal.data, [(values_of(a), a["units"]) for a in axes])
    linked_nexus_files(signal.data, axes)


def linked_nexus_files(data, axes):
    """Signal and axes behind links, as acquisition systems write them: whole groups and single members, in groups of
    either kind, along relative paths and over several links, out of the file, and in circles."""
    calibrated = [(values_of(a), a["units"]) for a in axes]
    rows_first, energy_first = ["y", "x", "Energy"], ["Energy", "y", "x"]
    for libver in ["earliest", "latest"]:
        for order in [rows_first, energy_first]:
            name = f"linked {libver} {order[0]}.nxs"
            with h5py.File(path(name), "w", libver=libver) as h5:
                h5.attrs["default"] = "entry"
                entry = h5.create_group("entry")
                entry.attrs.update({"NX_class": "NXentry", "default": "shown"})
                detector = entry.create_group("instrument/detector")
                detector["counts"] = np.transpose(data, [rows_first.index(axis) for axis in order])
                for axis in axes:
                    detector[axis["name"]] = values_of(axis)
                    detector[axis["name"]].attrs["units"] = axis["units"]
                group = entry.create_group("data")
                group.attrs.update({"NX_class": "NXdata", "signal": "counts", "axes": order})
                group["counts"] = h5py.SoftLink("/entry/instrument/detector/counts")
                group["y"] = h5py.SoftLink("/entry/positions/y")
                group["x"] = detector["x"]
                group["Energy"] = h5py.SoftLink("again")
                group["again"] = h5py.SoftLink("/entry/instrument/detector/Energy")
                entry["positions"] = h5py.SoftLink("instrument/detector")
                entry["shown"] = h5py.SoftLink("data")
            holds(name, data, calibrated)
            holds(f"{name}#entry/data/counts", data, calibrated)
            holds(f"{name}#entry/shown", data, calibrated)
    with h5py.File(path("other file.h5"), "w") as h5:
        h5["counts"], h5["Energy"] = data, values_of(axes[2])
    for name, target in [
        ("circle", h5py.SoftLink("/entry/data/circle")),
        ("nowhere", h5py.SoftLink("/entry/gone")),
        ("other", h5py.ExternalLink("other file.h5", "/Energy")),
    ]:
        for libver in ["earliest", "latest"]:
            file = f"axis {name} {libver}.nxs"
            with h5py.File(path(file), "w", libver=libver) as h5:
                group = h5.create_group("entry/data")
                group.attrs.update({"NX_class": "NXdata", "signal": "counts", "axes": [name, "y", "x"]})
                group["counts"] = np.moveaxis(data, 2, 0)
                group["x"], group["y"] = values_of(axes[1]), values_of(axes[0])
                group[name] = target
            refused(f"{file}#entry/data/counts", f"`entry/data/{name}` is a link", "expand_external=True")
    with h5py.File(path("external.nxs"), "w") as h5:
        group = h5.create_group("entry/data")
        group.attrs.update({"NX_class": "NXdata", "signal": "counts"})
        group["counts"] = h5py.ExternalLink("other file.h5", "/counts")
        h5["entry/aside"] = image()
    refused("external.nxs", "`entry/data/counts` is a link to `other file.h5:/counts`", "expand_external=True")
    # The line of the refusal writes what is read.
    with h5py.File(path("external.nxs")) as f, h5py.File(path("written out.nxs"), "w") as g:
        g.attrs.update(f.attrs)
        [f.copy(k, g, expand_soft=True, expand_external=True) for k in f]
    holds("written out.nxs", data)
    # More links than a group of the newer kind names in its header.
    with h5py.File(path("many.nxs"), "w", libver="latest") as h5:
        group = h5.create_group("data")
        group.attrs.update({"NX_class": "NXdata", "signal": "counts", "axes": ["Energy", "y", "x"]})
        group["counts"], h5["Energy"] = np.moveaxis(data, 2, 0), values_of(axes[2])
        group["x"], group["y"] = values_of(axes[1]), values_of(axes[0])
        group["Energy"] = h5py.SoftLink("/Energy")
        for number in range(20):
            group[f"more {number}"] = number
    refused("many.nxs", "data/Energy", "in a form that is not read", "expand_soft=True")
    # A group by several paths, some of which go round.
    haadf = image()
    with h5py.File(path("circle of groups.h5"), "w") as h5:
        h5["a/data"] = haadf
        h5["a/back"], h5["b/a"], h5["b/b"] = h5["/"], h5["a"], h5["/"]
    for place in ["", "#a/data", "#b/a/data", "#a/back/b/b/a"]:
        holds(f"circle of groups.h5{place}", haadf)


def ripple_files():
    axes = hyperspy_axes("yxe")
    for dtype in ["uint8", "uint16", "int32", "float32", "float64"]:
        for name, signal in [
            (f"vector {dtype}.rpl", hs.signals.Signal1D(cube(dtype), axes=axes)),
            (f"image {dtype}.rpl", hs.signals.Signal2D(np.moveaxis(cube(dtype), 2, 0), axes=[
                dict(axes[2], navigate=True), *[dict(a, navigate=False) for a in axes[:2]]
            ])),
            (f"map {dtype}.rpl", hs.signals.Signal2D(image(dtype), axes=[dict(a, navigate=False) for a in axes[:2]])),
        ]:
            signal.save(path(name), overwrite=True)
            judged(name, [""])
    with open(path("alone.rpl"), "w") as file:
        file.write("key\tvalue\nwidth\t2\nheight\t2\ndepth\t1\noffset\t0\ndata-length\t1\ndata-type\tsigned\n")
        file.write("byte-order\tdont-care\nrecord-by\tdont-care\n")
    refused("alone.rpl", "alone.raw")


def probe_files():
    def write(name, content):
        with open(path(name), "wb") as file:
            file.write(content)

    ways = [random.normal(size=(HEIGHT, WIDTH)) for _ in range(4)]
    for direction in ["up", "down"]:
        name = f"scan {direction}.sxm"
        write(name, instrument_files.nanonis_scan([("Z", "m", *ways[:2]), ("Current", "A", *ways[2:])], direction))
        judged(name, ["Z", "Z backward", "Current", "Current backward"])
    refused("scan up.sxm", "say which", "Current backward")
    sweeps = random.normal(size=(HEIGHT, WIDTH, 2, CHANNELS))
    channels = ["Current (A)", "LI Demod 1 X (A)"]
    write("grid.3ds", instrument_files.nanonis_grid(sweeps, channels))
    names = ["Current", "LI Demod 1 X", "Sweep Start", "Sweep End", "X", "Y", "Z", "Z offset", "Settling time"]
    judged("grid.3ds", names)
    for name in names:
        # SciFiReaders takes pixels for nanometres; the file says where they are.
        told = expected[f"grid.3ds#{name}"]
        step = float(np.float32(2e-9)) * 1e9
        steps = [[[step * i for i in range(n)], "nm"] for n in (HEIGHT, WIDTH)]
        told["axes"] = steps + told["axes"][2:]
    write("given up.3ds", instrument_files.nanonis_grid(sweeps, channels, pixels=2 * WIDTH + 3))
    whole = np.array(expected["grid.3ds#Current"]["values"]).reshape(HEIGHT, WIDTH, CHANNELS)
    whole[3:], whole[2, 3:] = np.nan, np.nan
    holds("given up.3ds#Current", whole)
    write("one line.3ds", instrument_files.nanonis_grid(sweeps, channels, pixels=3))
    refused("one line.3ds", "cut off")

    labels = ["HeightTrace", "AmplitudeTrace", "PhaseTrace"]
    for order in "<>":
        for dtype in ["f4", "f8", "i2"]:
            stack = (100 * random.normal(size=(WIDTH, HEIGHT, 3))).astype(dtype)
            name = f"channels {dtype} {order == '<'}.ibw"
            write(name, instrument_files.igor(stack, labels, order))
            judged(name, labels)
        name = f"plain {order == '<'}.ibw"
        write(name, instrument_files.igor(stack[..., 0], (), order))
        judged(name, [""])
        name = f"sweeps {order == '<'}.ibw"
        data = random.normal(size=(WIDTH, HEIGHT, CHANNELS)).astype("f4")
        write(name, instrument_files.igor(data, (), order, (1e-9, 2e-9, 0.5, 0), ("m", "m", "V", "")))
        judged(name, [""])
    force_map()


def force_map():
    """A folder with a curve of three channels for each place, of which one is missing, and what igor2 reads."""
    os.makedirs(path("ForceMap00"))
    read = np.full((3, HEIGHT, WIDTH, CHANNELS), np.nan)
    for row, column in np.ndindex(HEIGHT, WIDTH):
        if (row, column) == (4, 2):
            continue
        curve = random.normal(size=(CHANNELS, 3)).astype("f4")
        file = path(f"ForceMap00/Line{row:04d}Point{column:04d}.ibw")
        with open(file, "wb") as opened:
            labels = ["Raw", "Defl", "ZSnsr"]
            opened.write(instrument_files.igor(curve, labels, "<", (0.5, 1.0, 0.0, 0.0), ("s", "", "", "")))
        wave = igor2.binarywave.load(file)["wave"]
        assert [label.decode() for label in wave["labels"][1] if label] == ["Raw", "Defl", "ZSnsr"]
        read[:, row, column] = wave["wData"].T
    for channel, name in enumerate(["Raw", "Defl", "ZSnsr"]):
        axes = [([], ""), ([], ""), (0.5 * np.arange(CHANNELS), "s")]
        holds(f"ForceMap00#{name}", read[channel], axes)
    refused("ForceMap00", "say which", "2 Defl")
    refused("ForceMap00/Line0000Point0000.ibw", "the folder of a force map")


def oxford_files():
    spectra, electrons = cube(np.int32), image(np.float32, 18, 14)
    lines = {"Al Ka1": image(np.float32), "Pd La1": image(np.float32)}
    instrument_files.h5oina(path("map.h5oina"), spectra, electrons, lines)
    rows, columns = (np.arange(HEIGHT) * 0.5, "µm"), (np.arange(WIDTH) * 0.5, "µm")
    energies = (-200.0 + 20.0 * np.arange(CHANNELS), "eV")
    # h5py reads them as the specification lays them out.
    with h5py.File(path("map.h5oina")) as h5:
        read = h5["1/EDS/Data/Spectrum"][:].reshape(HEIGHT, WIDTH, CHANNELS)
        holds("map.h5oina#1/EDS/Data/Spectrum", read, [rows, columns, energies])
        for name in lines:
            values = h5[f"1/EDS/Data/Window Integral/{name}"][:].reshape(HEIGHT, WIDTH)
            holds(f"map.h5oina#1/EDS/Data/Window Integral/{name}", values, [rows, columns])
        values = h5["1/Electron Image/Data/SE/Electron Image 1"][:].reshape(18, 14)
        axes = [(np.arange(18) * 0.25, "µm"), (np.arange(14) * 0.25, "µm")]
        holds("map.h5oina#1/Electron Image", values, axes)


def others():
    for name, words in [
        ("a.bcf", ["hs.load", "save"]),
        ("a.png", ["PIL.Image.open"]),
        ("a.csv", ["numpy.loadtxt"]),
        ("a.gwy", ["GwyddionReader"]),
        ("a.sxm", ["SCANIT_END"]),
        ("a.mat", ["loadmat"]),
    ]:
        with open(path(name), "wb") as file:
            file.write(b"anything")
        refused(name, *words)


numpy_files()
hyperspy_files()
sidpy_files()
usid_files()
tiff_files()
digital_micrograph_files()
emd_files()
nexus_files()
ripple_files()
probe_files()
oxford_files()
others()
with open(path("expected.json"), "w") as file:
    json.dump(expected, file, allow_nan=True)
print(len(expected))
