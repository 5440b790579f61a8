"""Runs the Nucleo's image on an emulated STM32H743 with its link on a pseudo terminal.

    python emulator.py IMAGE.elf [--no-hse] [--bin] [--counting] [--no-converter]

`--no-hse` is a board without the clock of its debugger, `--bin` what the drive of an ST-Link makes of the
.bin beside the image. `--counting` joins PE8 to ground, so that pulses are counted; with `--no-converter`
the analog converter never becomes ready. Prints the terminal's path, then answers every line on standard input with a line of JSON:

    state      time, resets, the level of the blanking pin, every pulse on it and on the gate's so far,
               the converters' codes, the rate of the link
    pass MS    that much time passes, however long nothing happens
    hang       the main loop never comes round again; interrupts and peripherals go on
    fault      the main loop jumps to where no memory is
    ready N    the detector's line is high (1) or low (0)
    signal FILE WIDTH HEIGHT RIPPLE
               what the detector gives, as f32 row by row over the range of the beam: codes of the
               converter, every third sample higher and every third lower by the ripple; or pulses a
               second, counted from half a period after the beam is on

Virtual time passes while the core works, while a byte or an exposure is under way, and when `pass`
is said; else it stands still. It ends with exit code 1 and says why when the image does what the
chip's description does not allow.
"""

import fcntl
import json
import os
import pty
import select
import struct
import sys
import tty

from unicorn.arm_const import UC_ARM_REG_PC

from chip import Chip, Violation
from core import Core
from registers import Registers

# How often the host is looked after while the core works, in quanta.
LOOK_EVERY = 8
# Linux: `struct termios2`, whose last number is the rate of output.
TCGETS2, TERMIOS2 = 0x802C_542A, "4I20B2I"
# How long to wait for the host while nothing happens, in ms.
WAIT_MS = 20


class Emulator:
    """A chip between a pseudo terminal and standard input."""

    def __init__(self, image, options):
        self.chip = Chip(
            Registers(),
            hse="--no-hse" not in options,
            counting="--counting" in options,
            converter="--no-converter" not in options,
        )
        self.core = Core(image, self.chip)
        self.master, slave = pty.openpty()
        tty.setraw(slave)
        os.set_blocking(self.master, False)
        print(os.ttyname(slave), flush=True)
        # The host's end is the host's alone.
        os.close(slave)
        self.poll = select.poll()
        self.poll.register(sys.stdin, select.POLLIN)
        self.poll.register(self.master, select.POLLIN)

    def look(self, wait_ms):
        """Takes what host and test have to say. Returns whether it goes on."""
        connected = True
        # What the host has set its end of the terminal to.
        end = fcntl.ioctl(self.master, TCGETS2, bytes(struct.calcsize(TERMIOS2)))
        self.chip.host_baud = struct.unpack(TERMIOS2, end)[-1]
        for file, event in self.poll.poll(wait_ms):
            if file == self.master:
                connected = not event & select.POLLHUP
                if event & select.POLLIN:
                    self.chip.hear(os.read(self.master, 4096))
            elif not self.obey(sys.stdin.readline()):
                return False
        if not connected and wait_ms:
            # Nobody has opened the terminal, which does not wait.
            select.select([sys.stdin], [], [], wait_ms / 1e3)
        if self.chip.to_host:
            if connected:
                try:
                    os.write(self.master, self.chip.to_host)
                except BlockingIOError:
                    pass  # Nobody reads: a serial port does not wait either.
            self.chip.to_host.clear()
        return True

    def obey(self, line):
        """Does what a line says. Returns whether it goes on."""
        command, _, value = line.strip().partition(" ")
        if command == "pass":
            end = self.chip.now + int(value) * 1_000_000
            while self.chip.now < end:
                self.core.work()
                self.core.wait()
        elif command == "hang":
            self.core.stuck = True
        elif command == "fault":
            self.core.uc.reg_write(UC_ARM_REG_PC, 0x6000_0001)
            self.core.asleep = False
        elif command == "ready":
            self.chip.ready = int(value)
        elif command == "signal":
            self.chip.detector.set_signal(*value.rsplit(" ", 3))
        elif command != "state":
            return False
        beam = self.chip.beam
        state = {
            "time_us": self.chip.now / 1e3,
            "resets": self.core.resets,
            "level": beam.level,
            "pulses": beam.pulses,
            "gates": self.chip.gate.pulses,
            "codes": self.chip.codes(),
            "baud": self.chip.baud(),
        }
        print(json.dumps(state), flush=True)
        return True

    def run(self):
        """Until standard input ends."""
        turn = 0
        while True:
            self.core.work()
            if self.core.idle:
                if not self.look(WAIT_MS):
                    return
                continue
            self.core.wait()
            turn += 1
            if (turn % LOOK_EVERY == 0 or self.chip.to_host) and not self.look(0):
                return


def main():
    image, *options = sys.argv[1:]
    if "--bin" in options:
        image = image.removesuffix(".elf") + ".bin"
    try:
        Emulator(image, options).run()
    except Violation as violation:
        print(f"violation: {violation}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
