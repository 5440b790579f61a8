"""Files that say more than they hold, for `tests/tests/all/instruments/cases.rs`.

    python tests/instruments/hostile_files.py FOLDER

Writes the files into FOLDER, and `expected.json`: for each a word that its refusal must hold.
"""

import json
import os
import struct
import sys
import zipfile
import zlib

import h5py
import numpy as np

folder = sys.argv[1]
expected = {}


def path(name, word):
    expected[name] = word
    return os.path.join(folder, name)


def header(shape, descr="'<f8'", version=1):
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(text)) + text


def write(name, word, content):
    with open(path(name, word), "wb") as file:
        file.write(content)


def archive(name, word, shape, zeros):
    with zipfile.ZipFile(path(name, word), "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        with packed.open("a.npy", "w", force_zip64=True) as file:
            file.write(header(shape))
            for _ in range(zeros >> 24):
                file.write(bytes(1 << 24))


# 3 GB of zeros in a few MB.
archive("bomb.npz", "unpack to", (1 << 10, 1 << 10, 384), 3 << 30)
archive("short.npz", "cut off", (6000, 6000), 1 << 24)
write("vast.npy", "cut off", header((10**6, 10**6)))
write("nested.npy", "…", header((24, 24), "[" * 60_000, version=2))
with h5py.File(path("bomb.h5", "unpack to"), "w") as h5:
    data = h5.create_dataset("a", (1024, 1024, 384), "f8", chunks=(64, 64, 384), compression="gzip")
    zeros = zlib.compress(bytes(64 * 64 * 384 * 8))
    for row in range(0, 1024, 64):
        for column in range(0, 1024, 64):
            data.id.write_direct_chunk((row, column, 0), zeros)
with h5py.File(path("chunk.h5", "far larger than the dataset"), "w") as h5:
    data = h5.create_dataset("a", (24, 24), "f8", chunks=(11_000, 11_000), maxshape=(None, None), compression="gzip")
    data.id.write_direct_chunk((0, 0), zeros)
with h5py.File(path("unwritten.h5", "unpack to"), "w") as h5:
    h5.create_dataset("a", (1024, 1024, 384), "f8", chunks=(64, 64, 384))
# A folder of which no chunk is there.
os.makedirs(os.path.join(path("bomb.zspy", "unpack to"), "Experiments/a/data"))
about = {"zarr_format": 2, "shape": [1024, 1024, 384], "chunks": [64, 64, 384], "dtype": "<f8", "order": "C"}
about |= {"compressor": {"id": "zlib", "level": 1}, "fill_value": 0, "filters": None}
for name, content in [
    (".zgroup", {"zarr_format": 2}),
    ("Experiments/.zgroup", {"zarr_format": 2}),
    ("Experiments/a/.zgroup", {"zarr_format": 2}),
    ("Experiments/a/data/.zarray", about),
]:
    with open(os.path.join(folder, "bomb.zspy", name), "w") as file:
        json.dump(content, file)
# A page that follows itself.
write("loop.tif", "TIFF", struct.pack("<2sHIHHHIII", b"II", 42, 8, 1, 256, 4, 1, 24, 8))
with open(os.path.join(folder, "expected.json"), "w") as file:
    json.dump(expected, file)
