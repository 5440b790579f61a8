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
import numcodecs
import numpy as np
import sidpy
import pyNSID
import tifffile

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


def others():
    for name, words in [
        ("a.dm3", ["hs.load", "save"]),
        ("a.png", ["PIL.Image.open"]),
        ("a.csv", ["numpy.loadtxt"]),
        ("a.ibw", ["IgorIBWReader"]),
        ("a.sxm", ["NanonisSXMReader"]),
        ("a.mat", ["loadmat"]),
    ]:
        with open(path(name), "wb") as file:
            file.write(b"anything")
        refused(name, *words)


numpy_files()
hyperspy_files()
sidpy_files()
tiff_files()
others()
with open(path("expected.json"), "w") as file:
    json.dump(expected, file, allow_nan=True)
print(len(expected))
