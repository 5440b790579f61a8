"""What a linked image holds, for `build`: only Python is needed.

    image.py sizes IMAGE.elf            text, static RAM, and of them ITCM, AXI SRAM, D2 SRAM, DTCM, in bytes
    image.py flash IMAGE.elf IMAGE.bin  the flash as a programmer writes it, from its first byte on
    image.py tables check|write IMAGES  the tables of README.md, from the images in a folder
"""

import re
import struct
import sys
from pathlib import Path

HERE = Path(__file__).parent
README = HERE / "README.md"
BEGIN, END = "<!-- {}: written by firmware/build -->", "<!-- end -->"
BOARDS = {"AN500": "mps2-an500", "AN505": "mps2-an505", "Nucleo": "nucleo-h743zi"}
# STM32H743: what the AXI SRAM, the SRAM of the D2 domain and the part of its DTCM that the stack leaves hold, and
# two of its flash's sectors of 128 KiB.
RAM_BUDGET, TEXT_BUDGET = (512 + 288 + 95) * 1024, 256 * 1024
LARGEST_FLASH = 4 << 20
# A table is stale when it is off by more than this, in KiB: the name of a commit is in the image.
TOLERANCE = 1
REGIONS = (
    ("FLASH", "flash", "vectors, code, constants"),
    ("ITCM", "ITCM", 'what runs between "measurement received" and "beam moved", copied at start-up'),
    ("AXISRAM", "AXI SRAM", "the explorer's numbers but for its workspace, transfers; cleared at start-up"),
    ("D2SRAM", "D2 SRAM", "the explorer's indices and the candidates' features, doses; cleared at start-up"),
    ("RAM", "DTCM", "what the inner loops work on, byte queues, frames, everything else"),
    ("CRASH", "crash record", "survives a reset; outside every section and every cache"),
    ("STACK", "stack", "at the very bottom of a memory; the MPU guards its last 2 KiB"),
)


def sizes(image):
    """Bytes of text, static RAM without the stack, and of them ITCM, AXI SRAM, D2 SRAM and DTCM."""
    data = Path(image).read_bytes()
    (table,) = struct.unpack_from("<I", data, 32)
    entry, count, names = struct.unpack_from("<HHH", data, 46)
    headers = [struct.unpack_from("<10I", data, table + i * entry) for i in range(count)]
    strings = headers[names][4]

    def name(header):
        start = strings + header[0]
        return data[start : data.index(b"\0", start)].decode()

    size = {name(header): header[5] for header in headers if header[2] & 2}
    text = sum(size.get(s, 0) for s in (".vector_table", ".text", ".ahead", ".rodata", ".itcm"))
    ram = sum(size.get(s, 0) for s in (".data", ".bss", ".uninit", ".axisram", ".d2sram"))
    axi, d2 = size.get(".axisram", 0), size.get(".d2sram", 0)
    return text, ram, size.get(".itcm", 0), axi, d2, ram - axi - d2


def flash(image):
    """What lies in flash, from its first byte on; gaps are as erased."""
    data = Path(image).read_bytes()
    (table,) = struct.unpack_from("<I", data, 28)
    entry, count = struct.unpack_from("<HH", data, 42)
    parts = []
    for n in range(count):
        kind, offset, _, place, length = struct.unpack_from("<5I", data, table + n * entry)
        if kind == 1 and length:  # PT_LOAD
            parts.append((place, data[offset : offset + length]))
    first = min(place for place, _ in parts)
    end = max(place + len(part) for place, part in parts)
    if end - first > LARGEST_FLASH:
        sys.exit(f"{image}: what is loaded lies {end - first} bytes apart, in more than one memory")
    memory = bytearray(b"\xff" * (end - first))
    for place, part in parts:
        memory[place - first : place - first + len(part)] = part
    return bytes(memory)


def kib(size):
    return -(-size // 1024)


def sizes_table(images):
    """One row for each of `sizes`, one column for each board, in KiB."""
    rows = [
        ("text (code, constants, vectors)", TEXT_BUDGET),
        ("static RAM", RAM_BUDGET),
        ("of the text in the ITCM", 64 * 1024 - 32),
        ("of the RAM in the AXI SRAM", 512 * 1024),
        ("of the RAM in the D2 SRAM", 288 * 1024),
        ("of the RAM in the DTCM", 95 * 1024),
    ]
    found = [sizes(Path(images) / f"{board}.elf") for board in BOARDS.values()]
    lines = ["| KiB | " + " | ".join(BOARDS) + " | budget |", "| --- |" + " ---: |" * (len(BOARDS) + 1)]
    for n, (what, budget) in enumerate(rows):
        cells = [str(kib(board[n])) for board in found] + [str(kib(budget))]
        lines.append(f"| {what} | " + " | ".join(cells) + " |")
    return lines


def regions_table(_):
    """Where the memory maps put what."""
    places = []
    for board in BOARDS.values():
        text = (HERE / f"memory/{board}.x").read_text()
        found = re.findall(r"^\s*(\w+)\s*:\s*ORIGIN = 0x(\w{4})(\w{4}), LENGTH = (.+)$", text, re.M)
        places.append({name: f"`0x{high}_{low}`, {size}" for name, high, low, size in found})
    lines = ["| region | " + " | ".join(BOARDS) + " | what |", "| --- |" + " --- |" * (len(BOARDS) + 1)]
    for region, name, what in REGIONS:
        cells = [place[region].replace("K", " KiB").replace("M", " MiB") for place in places]
        lines.append(f"| {name} | " + " | ".join(cells) + f" | {what} |")
    return lines


TABLES = {"sizes": sizes_table, "regions": regions_table}


def differs(old, new):
    """Whether a table says something else: another text, or a number that is off by too much."""
    numbers = [[int(n) for n in re.findall(r"\b\d+\b", text)] for text in (old, new)]
    same = re.sub(r"\b\d+\b", "", old) == re.sub(r"\b\d+\b", "", new)
    off = max((abs(a - b) for a, b in zip(*numbers)), default=0)
    return not same or len(numbers[0]) != len(numbers[1]) or off > TOLERANCE


def tables(what, images):
    """Writes the tables of the README that are stale, or names them and fails."""
    text = README.read_text()
    stale = []
    for name, make in TABLES.items():
        begin = BEGIN.format(name) + "\n"
        before, found, rest = text.partition(begin)
        old, end, after = rest.partition(END)
        if not found or not end:
            sys.exit(f"README.md has no table between {begin.strip()} and {END}")
        new = "\n" + "\n".join(make(images)) + "\n\n"
        if differs(old, new):
            stale.append(name)
            text = before + begin + new + END + after
    if stale and what == "check":
        sys.exit(f"README.md: stale tables: {', '.join(stale)}; firmware/build writes them")
    if stale:
        README.write_text(text)
        print(f"README.md: wrote the tables {', '.join(stale)}", file=sys.stderr)


def main():
    match sys.argv[1:]:
        case ["sizes", image]:
            print(*sizes(image))
        case ["flash", image, binary]:
            Path(binary).write_bytes(flash(image))
        case ["tables", ("check" | "write") as what, images]:
            tables(what, images)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
