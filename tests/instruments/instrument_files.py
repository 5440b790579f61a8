"""Files of formats that no program here writes, byte by byte from their descriptions.

Each function returns the bytes, or writes the file; what is in them is told by the programs that read them
(`real_files.py`).
"""

import json
import struct

import h5py
import numpy as np

# DigitalMicrograph: types of numbers in tags.
SIMPLE = {"i2": 2, "i4": 3, "u2": 4, "u4": 5, "f4": 6, "f8": 7, "b1": 8, "i1": 9, "u1": 10}


def digital_micrograph(images, version=4, order="<", thumbnail=False):
    """A file of images: each a dict of data (as stored, slowest first), dtype code, axes as (origin, scale, units)
    from the fastest on, name, tags (a tree of dicts), and the units of its brightness."""

    def count(n):
        return struct.pack(">Q" if version == 4 else ">I", n)

    def tag(kind, name, content):
        head = struct.pack(">BH", kind, len(name.encode("latin-1"))) + name.encode("latin-1")
        return head + (struct.pack(">Q", len(content)) if version == 4 else b"") + content

    def described(words, raw):
        return b"%%%%" + count(len(words)) + b"".join(count(word) for word in words) + raw

    def value(content):
        if isinstance(content, str):
            raw = content.encode("utf-16-le" if order == "<" else "utf-16-be")
            return described([20, 4, len(raw) // 2], raw)
        if isinstance(content, np.ndarray):
            code = SIMPLE[content.dtype.str[1:]]
            return described([20, code, content.size], content.astype(content.dtype.newbyteorder(order)).tobytes())
        if isinstance(content, bool):
            return described([8], struct.pack("B", content))
        if isinstance(content, int):
            return described([5], struct.pack(order + "I", content))
        if isinstance(content, tuple):
            # A struct of two floats, which nobody reads here.
            return described([15, 0, 2, 0, 6, 0, 6], struct.pack(order + "ff", *content))
        return described([6], struct.pack(order + "f", content))

    def group(content):
        entries = content.items() if isinstance(content, dict) else [("", one) for one in content]
        tags = []
        for name, one in entries:
            if isinstance(one, (dict, list)):
                tags.append(tag(20, name, group(one)))
            else:
                tags.append(tag(21, name, value(one)))
        return struct.pack(">BB", 1, 0) + count(len(tags)) + b"".join(tags)

    def image(told):
        data = told["data"]
        return {
            "ImageData": {
                "Calibrations": {
                    "Brightness": {"Origin": 0.0, "Scale": 1.0, "Units": told.get("brightness", "")},
                    "Dimension": [
                        {"Origin": origin, "Scale": scale, "Units": units} for origin, scale, units in told["axes"]
                    ],
                    "Ratio": (1.0, 2.0),
                },
                "Data": np.ascontiguousarray(data).ravel(),
                "DataType": told["code"],
                "Dimensions": [int(n) for n in data.shape[::-1]],
                "PixelDepth": data.dtype.itemsize,
            },
            "ImageTags": told.get("tags", {}),
            "Name": told["name"],
        }

    tree = {"ApplicationBounds": (3.0, 4.0), "ImageList": [image(told) for told in images]}
    if thumbnail:
        tree["Thumbnails"] = [{"ImageIndex": 0}]
    root = group(tree)
    head = struct.pack(">I", version) + count(len(root)) + struct.pack(">I", order == "<")
    return head + root + bytes(8)


def velox(path, height, width, channels, streams, images, frames, gate_at_end=True):
    """Velox, version 11 of the format: `images` by the name of their detectors, rows x columns x frames; `streams` by
    the name of theirs, counts of frames x rows x columns x channels."""
    text = h5py.string_dtype()

    def metadata(detector, counts=False):
        entry = {"DetectorName": detector, "DetectorType": "AnalyticalDetector"}
        if counts:
            entry |= {"Dispersion": "10", "OffsetEnergy": "-250", "RealTime": "0.25", "LiveTime": "0.125"}
        told = {
            "Core": {"MetadataDefinitionVersion": "7.9"},
            "Acquisition": {"AcquisitionStartDatetime": {"DateTime": "1709189884"}},
            "Optics": {"AccelerationVoltage": "300000"},
            "Scan": {
                "ScanSize": {"width": "128", "height": "128"},
                "ScanArea": {
                    "left": "0.25",
                    "top": "0.5",
                    "right": str(0.25 + width / 128),
                    "bottom": str(0.5 + height / 128),
                },
                "DwellTime": "0.001",
                "FrameTime": "0.25",
            },
            "CustomProperties": {},
            "Detectors": {"Detector-0": {"DetectorName": "BF"}, "Detector-1": entry},
            "BinaryResult": {
                "Detector": detector,
                "DetectorIndex": "1",
                "PixelSize": {"width": "2e-10", "height": "3e-10"},
                "PixelUnitX": "m",
                "PixelUnitY": "m",
                "Offset": {"x": "-1e-9", "y": "2e-9"},
            },
        }
        raw = json.dumps(told).encode()
        return np.frombuffer(raw + bytes(4000 - len(raw)), np.uint8)

    with h5py.File(path, "w") as h5:

        def put(name, value):
            h5.create_dataset(name, data=[json.dumps(value)], dtype=text)

        put("Version", {"version": "11", "format": "Velox"})
        h5.create_group("SharedProperties/EDSSpectrumQuantificationSettings")
        h5.create_group("Displays/ImageDisplay")
        put("SharedProperties/EDSSpectrumQuantificationSettings/q", {"elementSelection": ["46"]})
        for number, (detector, data) in enumerate(images.items()):
            key = f"{number:032x}"
            group = h5.create_group(f"Data/Image/{key}")
            group.create_dataset("Data", data=data, chunks=(*data.shape[:2], 1))
            columns = np.repeat(metadata(detector)[:, None], data.shape[2], axis=1)
            group.create_dataset("Metadata", data=columns, chunks=(4000, 1))
            put(f"Displays/ImageDisplay/d{number}", {"id": detector, "data": f"/SharedProperties/r{number}"})
            put(f"SharedProperties/r{number}", {"dataPath": f"/Data/Image/{key}"})
        if streams:
            put("Data/SpectrumImage/s/SpectrumImageSettings", {"endFramePosition": str(frames)})
        for number, (detector, counts) in enumerate(streams.items()):
            events = []
            for pixel in counts.reshape(-1, channels):
                events.extend(np.repeat(np.arange(channels), pixel))
                events.append(65535)
            if not gate_at_end:
                events.pop()
            group = h5.create_group(f"Data/SpectrumStream/{number:032x}")
            group.create_dataset("Data", data=np.array(events, np.uint16)[:, None], chunks=(1024, 1))
            columns = np.repeat(metadata(detector, True)[:, None], frames, axis=1)
            group.create_dataset("Metadata", data=columns, chunks=(4000, 1))
            put(f"{group.name}/AcquisitionSettings", {"bincount": str(channels), "StreamEncoding": "uint16"})


def nanonis_scan(channels, direction="down", size=(1e-7, 2e-7)):
    """Nanonis `.sxm`: channels as (name, units, way there, way back), each rows x columns as the instrument stores them,
    lines from right to left on the way back; size as (across, down) in metres."""
    height, width = channels[0][2].shape
    table = ["Channel\tName\tUnit\tDirection\tCalibration\tOffset"]
    table += [f"{n}\t{name}\t{units}\tboth\t1.0E+0\t0.0E+0" for n, (name, units, *_) in enumerate(channels)]
    entries = {
        "NANONIS_VERSION": "2",
        "SCANIT_TYPE": "              FLOAT            MSBFIRST",
        "REC_DATE": " 21.11.2025",
        "ACQ_TIME": "       6.4",
        "SCAN_PIXELS": f"       {width}       {height}",
        "SCAN_TIME": "             1.000E-1             1.000E-1",
        "SCAN_RANGE": f"           {size[0]:E}           {size[1]:E}",
        "SCAN_OFFSET": "             0.000000E+0         0.000000E+0",
        "SCAN_ANGLE": "            0.000E+0",
        "SCAN_DIR": direction,
        "BIAS": "            5.000E-1",
        "COMMENT": "a comment\nof two lines",
        "DATA_INFO": "\n".join("\t" + line for line in table) + "\n",
    }
    text = "".join(f":{key}:\n{value}\n" for key, value in entries.items())
    head = text.encode() + b":SCANIT_END:\n\n\n\x1a\x04"
    images = [image for _, _, *ways in channels for image in ways]
    return head + b"".join(image.astype(">f4").tobytes() for image in images)


def nanonis_grid(data, channels, sweep=(-1.0, 1.0), step=2e-9, pixels=None):
    """Nanonis `.3ds`: sweeps of rows x columns x channels x points; so many pixels alone where the grid was given up."""
    height, width, count, points = data.shape
    named = ["X (m)", "Y (m)", "Z (m)", "Z offset (m)", "Settling time (s)"]
    text = "\r\n".join(
        [
            f'Grid dim="{width} x {height}"',
            f"Grid settings=0.0E+0;0.0E+0;{step * (width - 1):E};{step * (height - 1):E};0.0E+0",
            'Filetype="Linear"',
            'Sweep Signal="Bias (V)"',
            'Fixed parameters="Sweep Start;Sweep End"',
            f'Experiment parameters="{";".join(named)}"',
            f"# Parameters (4 byte)={2 + len(named)}",
            f"Experiment size (bytes)={4 * count * points}",
            f"Points={points}",
            f'Channels="{";".join(channels)}"',
            "Delay before measuring (s)=0.0E+0",
            'Experiment="Grid Spectroscopy"',
            'Start time="21.11.2025 10:00:00"',
            'End time="21.11.2025 11:00:00"',
            'User=""',
            'Comment=""',
            ":HEADER_END:\r\n",
        ]
    )
    blocks = []
    for pixel in range(height * width)[:pixels]:
        row, column = divmod(pixel, width)
        about = [*sweep, step * column, step * row, 1e-9 * pixel, 0.0, 0.01]
        blocks.append(np.concatenate([about, data[row, column].ravel()]))
    return text.encode() + np.array(blocks, ">f4").tobytes()


def igor(data, labels=(), order="<", steps=(1e-9, 2e-9, 1.0, 0.0), units=("m", "m", "", ""), name="wave"):
    """An Igor binary wave, version 5: the first index of `data` runs fastest."""
    kind = {"f4": 2, "f8": 4, "i2": 16, "i4": 32, "u1": 0x48, "u2": 0x50}[data.dtype.str[1:]]
    raw = data.astype(data.dtype.newbyteorder(order)).tobytes(order="F")
    note = b"ScanLines: 3\rScanPoints: 4"
    names = b"".join(label.encode().ljust(32, b"\0") for label in ["", *labels]) if labels else b""
    sizes = [*data.shape, 0, 0, 0, 0][:4]
    head = struct.pack(
        order + "hhiiii4i4iiii",
        5, 0, 320 + len(raw), 0, len(note), 0, *[0] * 4,
        *[len(names) if place == max(data.ndim, 2) - 1 else 0 for place in range(4)], 0, 0, 0,
    )  # fmt: skip
    texts = b"".join(unit.encode().ljust(4, b"\0") for unit in units)
    head += struct.pack(
        order + "IIIihh6xh32siI4i4d4d4s16shhdd",
        0, 0, 0, data.size, kind, 0, 1, name.encode(), 0, 0, *sizes, *steps, *[0.0] * 4,
        b"", texts, 0, 0, 0.0, 0.0,
    )  # fmt: skip
    head = bytearray(head.ljust(384, b"\0"))
    # Version 5 counts its headers so that the sum of their 16-bit words is zero.
    words = np.frombuffer(bytes(head), order + "i2").astype(np.int64)
    struct.pack_into(order + "h", head, 2, int((-words.sum() + 2**15) % 2**16 - 2**15))
    return bytes(head) + raw + note + names


def h5oina(path, spectra, image, lines):
    """Oxford Instruments, version 7: spectra of rows x columns x channels, an image of electrons, and maps of X-ray
    lines by name."""
    height, width, channels = spectra.shape
    with h5py.File(path, "w") as h5:
        h5["Format Version"] = ["7.0"]
        h5["Index"] = ["1"]
        h5["Manufacturer"] = ["Oxford Instruments"]

        def header(technique, height, width, step):
            group = h5.create_group(f"1/{technique}/Header")
            for name, value in [
                ("X Cells", np.int32(width)),
                ("Y Cells", np.int32(height)),
                ("X Step", np.float32(step)),
                ("Y Step", np.float32(step)),
                ("Beam Voltage", np.float32(20)),
            ]:
                group[name] = [value]
            return group

        group = header("EDS", height, width, 0.5)
        group["Channel Width"], group["Start Channel"] = [np.float32(20)], [np.float32(-200)]
        group["Number Channels"] = [np.int32(channels)]
        data = h5.create_group("1/EDS/Data")
        data.create_dataset("Spectrum", data=spectra.reshape(-1, channels), compression="lzf")
        for name in ["X", "Y"]:
            data[name] = np.zeros(height * width, np.float32)
        data["Live Time"] = np.full((height * width, 1), 0.25, np.float32)
        data["Real Time"] = np.full((height * width, 1), 0.5, np.float32)
        for name, values in lines.items():
            data[f"Window Integral/{name}"] = values.reshape(-1, 1)
        header("Electron Image", *image.shape, 0.25)
        h5["1/Electron Image/Data/SE/Electron Image 1"] = image.ravel()
