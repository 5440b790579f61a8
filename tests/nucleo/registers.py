"""Registers of the STM32H743 by address: fields, access and reset values.

They come from the crate `stm32h7`, which svd2rust writes from ST's SVD file. Its sources have one
shape throughout, so that a few patterns read them.
"""

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

MANIFEST = Path(__file__).parent / "description/Cargo.toml"
CHIP = "stm32h743v"  # Revision V; revision Y differs in nothing that is used here.

PERIPHERAL = re.compile(r"pub type (\w+) = crate::Periph<(\w+)::RegisterBlock, 0x([\w]+)>")
MODULE = re.compile(r'#\[path = "(.+?)"\]\npub mod (\w+);')
REGISTER = re.compile(
    r"///0x([0-9a-f]+)(?:\.\.0x[0-9a-f]+)? - .*\n(?:\s*///.*\n)*\s*#\[inline\(always\)\]\n"
    r"\s*pub const fn (\w+)\(&self(, n: usize)?\) -> &(\w+)"
)
# Several registers that come several times, such as the streams of a DMA.
CLUSTER = re.compile(
    r"///0x([0-9a-f]+)\.\.0x([0-9a-f]+) - .*\n(?:\s*///.*\n)*\s*#\[inline\(always\)\]\n"
    r"\s*pub const fn (\w+)\(&self, n: usize\) -> &(\w+)"
)
FIELD = re.compile(
    r"///Bits? (\d+)(?::(\d+))? - .*\n(?:\s*///.*\n)*\s*#\[inline\(always\)\]\n\s*pub fn (\w+)\("
)
BORROWED = re.compile(r"pub use crate::\w+::(\w+)::(\w+);")
RESET = re.compile(r"const RESET_VALUE: u32 = (0x[0-9a-f_]+)")


@dataclass
class Register:
    """One register. Masks cover all fields of a kind."""

    name: str
    readable: bool
    writable: bool
    reset: int
    fields: int
    writable_fields: int
    # {field: (lowest bit, mask in place)}
    field: dict

    def mask(self, *fields):
        """The bits of fields."""
        return sum(self.field[field][1] for field in fields)


def sources():
    """The folder with the crate's sources, brought by cargo if it is not there."""
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--manifest-path", MANIFEST]
    packages = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["packages"]
    manifest = next(p["manifest_path"] for p in packages if p["name"] == "stm32h7")
    return Path(manifest).parent / "src"


def fields(part):
    """{field: (lowest bit, mask)} of one `impl` block."""
    found = {}
    for low, high, name in FIELD.findall(part):
        low, high = int(low), int(high or low)
        found[name] = (low, ((1 << (high - low + 1)) - 1) << low)
    return found


def register(name, text):
    """A register from the text of its module."""
    part = {kind: "" for kind in "RW"}
    for kind in part:
        start = text.find(f"\nimpl {kind} {{")
        if start >= 0:
            part[kind] = text[start : text.index("\n}\n", start)]
    readable, writable = fields(part["R"]), fields(part["W"])
    reset = RESET.search(text)
    both = {**readable, **writable}

    def mask(of):
        union = 0
        for _, bits in of.values():
            union |= bits
        return union

    return Register(
        name=name,
        readable="impl crate::Readable" in text,
        writable="impl crate::Writable" in text,
        reset=int(reset[1], 0) if reset else 0,
        fields=mask(both),
        writable_fields=mask(writable),
        field=both,
    )


class Registers:
    """All peripherals of the chip; each is read when it is first asked for."""

    def __init__(self):
        self.folder = sources() / CHIP
        chip = (self.folder / "mod.rs").read_text()
        self.modules = {name: path for path, name in MODULE.findall(chip)}
        # {base: (name, module)} of those that are not read yet.
        self.unread = {
            int(base.replace("_", ""), 16): (name, module)
            for name, module, base in PERIPHERAL.findall(chip)
        }
        self.bases = sorted(self.unread)
        self.by_address = {}
        self.addresses = {}

    def read(self, base):
        """Reads the registers of a peripheral."""
        name, module = self.unread.pop(base)
        text = (self.folder / self.modules[module]).read_text()
        lender = {register: module for module, register in BORROWED.findall(text)}
        home = (self.folder / self.modules[module]).parent
        for start, end, method, kind in CLUSTER.findall(text):
            cluster = home / f"{kind.lower()}.rs"
            repeated = re.search(rf"\b{method}: \[{kind}; (\d+)\]", text)
            if not repeated or not (home / kind.lower()).is_dir():
                continue
            start, end, count = int(start, 16), int(end, 16), int(repeated[1])
            for offset, inner, _, kind_of_inner in REGISTER.findall(cluster.read_text()):
                source = (home / kind.lower() / f"{kind_of_inner.lower()}.rs").read_text()
                for n in range(count):
                    address = base + start + n * (end - start) // count + int(offset, 16)
                    found = register(f"{name}.{method.upper()}{n}_{inner.upper()}", source)
                    self.addresses[found.name] = address
                    self.by_address[address] = found
        for offset, method, array, kind in REGISTER.findall(text):
            folder = (self.folder / self.modules[lender.get(kind, module)]).parent
            path = folder / f"{kind.lower()}.rs"
            # Every register of an array has a method of its own besides.
            if array or not path.exists():
                continue
            address = base + int(offset, 16)
            found = register(f"{name}.{method.upper()}", path.read_text())
            self.addresses[found.name] = address
            other = self.by_address.setdefault(address, found)
            if other is not found:
                # Two views of one register, as of a timer's channel that captures or compares.
                other.field.update(found.field)
                other.fields |= found.fields
                other.writable_fields |= found.writable_fields

    def at(self, address):
        """The register at an address, or nothing."""
        if address not in self.by_address:
            base = max((base for base in self.bases if base <= address), default=None)
            if base in self.unread:
                self.read(base)
        return self.by_address.get(address)

    def address(self, name):
        """Where the register PERIPHERAL.REGISTER lies."""
        if name not in self.addresses:
            peripheral = name.partition(".")[0]
            self.read(next(b for b, (n, _) in self.unread.items() if n == peripheral))
        return self.addresses[name]
