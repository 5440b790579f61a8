"""What the STM32H743 does by itself: clocks, pins, USART3, DAC1, TIM2 and the watchdog. What it makes
of a detector is in `detector.py`.

Times are in nanoseconds since power-on, frequencies in hertz. References are to RM0433, revision 8.
"""

from collections import deque
from functools import cache

from detector import Detector, Violation

HSE_HZ = 8_000_000  # from the ST-Link
HSI_HZ = 64_000_000
LSI_HZ = 32_000
FIFO = 16  # bytes in each direction of USART3

# The field of RCC that has to be on before a peripheral may be touched.
CLOCKED_BY = {
    "USART3": ("RCC.APB1LENR", "usart3en"),
    "TIM1": ("RCC.APB2ENR", "tim1en"),
    "TIM2": ("RCC.APB1LENR", "tim2en"),
    "TIM3": ("RCC.APB1LENR", "tim3en"),
    "TIM4": ("RCC.APB1LENR", "tim4en"),
    "ADC1": ("RCC.AHB1ENR", "adc12en"),
    "ADC12_COMMON": ("RCC.AHB1ENR", "adc12en"),
    "DMA1": ("RCC.AHB1ENR", "dma1en"),
    "DMAMUX1": ("RCC.AHB1ENR", "dma1en"),
    "DAC": ("RCC.APB1LENR", "dac12en"),
    "GPIOA": ("RCC.AHB4ENR", "gpioaen"),
    "GPIOD": ("RCC.AHB4ENR", "gpioden"),
    "GPIOE": ("RCC.AHB4ENR", "gpioeen"),
    "RCC": None,
    "PWR": None,
    "FLASH": None,
    "IWDG": None,
}
USART3_INTERRUPT = 39
# Whose registers change what the beam or the detector does.
WATCHED = ("GPIOA.", "TIM", "ADC1.", "DMA1.")
# Whose registers may be written by halves as well: the others take words.
HALVES = ("TIM",)


class Beam:
    """The blanking pin PA0 as an oscilloscope sees it, with the converters' codes at each edge."""

    def __init__(self):
        self.pulses = []
        self.level = 0
        self.rise = None
        # When the last byte had arrived before the timer was started.
        self.ordered = 0

    def edge(self, level, at, codes, started, cut):
        """The pin changes: `started` is when the timer began, `cut` whether it was stopped."""
        if level == self.level:
            return
        self.level = level
        if level:
            self.rise = (at, codes, started, self.ordered)
            return
        start, codes_before, started, ordered = self.rise
        if codes != codes_before:
            raise Violation(f"the beam moved from {codes_before} to {codes} while it was on")
        self.pulses.append(
            {
                "ordered_us": ordered / 1e3,
                "start_us": start / 1e3,
                "settle_us": None if started is None else (start - started) / 1e3,
                "length_us": (at - start) / 1e3,
                "x": codes[0],
                "y": codes[1],
                "cut": cut,
            }
        )


class Chip:
    """The peripherals, as the core's loads and stores meet them."""

    def __init__(self, registers, hse=True, counting=False, converter=True):
        self.registers = registers
        self.hse = hse
        self.heard = 0  # when the last byte from the host had arrived
        self.beam = Beam()
        self.gate = Beam()  # PA3, which the wiring pulls down
        self.ready = 0  # level of PA6
        self.host_baud = 0  # what the host's end of the link is set to
        # {address: (register, its name, its clock, what reading and writing it do)}
        self.known_registers = {}
        self.now = 0
        self.detector = Detector(self, counting, converter)
        self.start(self.bits("RCC.RSR", "porrstf", "pinrstf", "borrstf", "d1rstf", "d2rstf", "cpurstf"))
        self.reads = {
            "RCC.CR": self.clocks_ready,
            "RCC.CFGR": self.clock_switched,
            "PWR.D3CR": lambda value: value | self.bits("PWR.D3CR", "vosrdy"),
            "PWR.CSR1": lambda value: value | self.bits("PWR.CSR1", "actvosrdy"),
            "GPIOA.IDR": lambda value: value | self.ready << 6,
            "USART3.ISR": lambda value: self.serial_status(),
            "USART3.RDR": lambda value: self.received.popleft() if self.received else 0,
            "TIM2.CNT": lambda value: self.count(self.now),
            "IWDG.PR": lambda value: self.watchdog["pr"],
            "IWDG.RLR": lambda value: self.watchdog["rlr"],
            **self.detector.reads,
        }
        self.writes = {
            "RCC.CFGR": self.switch_clock,
            "RCC.RSR": self.clear_reset_flags,
            "GPIOA.BSRR": self.set_pins,
            "DAC.MCR": self.set_converter_mode,
            "DAC.DHR12R1": self.convert,
            "DAC.DHR12R2": self.convert,
            "TIM2.CR1": self.control_timer,
            "TIM2.CNT": self.set_count,
            "TIM2.EGR": self.update_timer,
            "USART3.BRR": self.while_off,
            "USART3.CR1": self.control_serial,
            "USART3.ICR": self.clear_serial,
            "USART3.TDR": self.transmit,
            "IWDG.KR": self.watchdog_key,
            "IWDG.PR": self.set_watchdog,
            "IWDG.RLR": self.set_watchdog,
            **self.detector.writes,
        }

    # Registers ------------------------------------------------------------------------------

    @cache
    def bits(self, name, *fields):
        return self.registers.at(self.registers.address(name)).mask(*fields)

    @cache
    def place(self, name, field):
        """Address and reset value of a register, lowest bit and mask of its field."""
        address = self.registers.address(name)
        register = self.registers.at(address)
        return address, register.reset, *register.field[field]

    def value(self, name):
        """What the register holds, without what reading it does."""
        address = self.registers.address(name)
        return self.values.get(address, self.registers.at(address).reset)

    def field(self, name, field):
        address, reset, low, mask = self.place(name, field)
        return (self.values.get(address, reset) & mask) >> low

    def keep(self, name, value):
        self.values[self.registers.address(name)] = value

    def known(self, address, size, what):
        """The register at an address that the image may use now."""
        if address not in self.known_registers:
            found = self.registers.at(address)
            if found is None:
                raise Violation(f"{what} of {size} bytes at {address:#x}, where no such register is")
            peripheral = found.name.partition(".")[0]
            if peripheral not in CLOCKED_BY:
                raise Violation(f"{what} of {found.name}, which this emulator does not play")
            name = found.name.partition("/")[0]
            known = (found, name, CLOCKED_BY[peripheral], self.reads.get(name), self.writes.get(name))
            self.known_registers[address] = known
        known = self.known_registers[address]
        found, _, clock = known[:3]
        if size != 4 and not (size == 2 and found.name.startswith(HALVES)):
            raise Violation(f"{what} of {size} bytes of {found.name}")
        if clock and not self.field(*clock):
            raise Violation(f"{what} of {found.name} before its clock is on ({'.'.join(clock)})")
        return known

    def load(self, address, size):
        found, _, _, special, _ = self.known(address, size, "read")
        if not found.readable:
            raise Violation(f"read of {found.name}, which is write-only")
        value = self.values.get(address, found.reset)
        return special(value) if special else value

    def store(self, address, size, value):
        found, name, _, read, special = self.known(address, size, "write")
        if not found.writable:
            raise Violation(f"write of {value:#x} to {found.name}, which is read-only")
        reserved = (value ^ found.reset) & ~found.fields & 0xFFFF_FFFF
        if reserved:
            raise Violation(f"write of {value:#x} to {found.name} changes reserved bits {reserved:#x}")
        old = self.values.get(address, found.reset)
        if found.fields != found.writable_fields:
            held = (value ^ (read(old) if read else old)) & found.fields & ~found.writable_fields
            if held:
                raise Violation(f"write of {value:#x} to {found.name} changes read-only bits {held:#x}")
        watched = name.startswith(WATCHED)
        if watched:
            self.follow_timer()
        if special is None or special(name, old, value) is not False:
            self.values[address] = value
        if name.startswith("RCC."):
            self.frequencies.clear()
        if watched:
            self.follow_pin()

    def reset(self, flag):
        """Everything but the memories starts over; the flag says why (RCC.RSR)."""
        self.follow_timer()
        # The pin is let go of, and pulled down by the wiring.
        for signal in (self.beam, self.gate):
            signal.edge(0, self.now, self.codes(), self.timer["began"], True)
        self.start(self.bits("RCC.RSR", flag, "pinrstf", "cpurstf", "d1rstf", "d2rstf"))

    def start(self, flags):
        self.values = {}
        self.frequencies = {}
        self.keep("RCC.RSR", flags)
        self.unlocked = False
        self.watchdog = {"pr": 0, "rlr": 0xFFF, "end": None}
        self.reset_wanted = None
        # The timer runs from `began`, when its counter stood at `from`.
        self.timer = {"began": None, "from": 0, "divider": 1}
        self.gate_seen = self.now
        self.detector.start()
        self.line = deque()  # on their way from the host
        self.line_ready = self.now
        self.received = deque()
        self.overrun = False
        self.sending = deque()
        self.sent_until = self.now
        self.to_host = bytearray()

    # Clocks (sections 8.5 and 8.7) ------------------------------------------------------------

    def clocks_ready(self, value):
        for on, ready in (("hsion", "hsirdy"), ("csion", "csirdy"), ("pll1on", "pll1rdy")):
            if value & self.bits("RCC.CR", on):
                value |= self.bits("RCC.CR", ready)
        if self.hse and value & self.bits("RCC.CR", "hseon"):
            value |= self.bits("RCC.CR", "hserdy")
        return value

    def clock_switched(self, value):
        return value & ~self.bits("RCC.CFGR", "sws") | (value & 7) << 3

    def pll_hz(self):
        source = self.field("RCC.PLLCKSELR", "pllsrc")
        if source == 2 and not self.hse:
            raise Violation("PLL1 is fed by HSE, which does not run")
        reference = {0: HSI_HZ, 2: HSE_HZ}[source] / self.field("RCC.PLLCKSELR", "divm1")
        lowest, highest = [(1e6, 2e6), (2e6, 4e6), (4e6, 8e6), (8e6, 16e6)][self.field("RCC.PLLCFGR", "pll1rge")]
        vco = reference * (self.field("RCC.PLL1DIVR", "divn1") + 1)
        narrow = self.field("RCC.PLLCFGR", "pll1vcosel")
        if not lowest <= reference <= highest or not (150e6 <= vco <= 420e6 if narrow else 192e6 <= vco <= 836e6):
            raise Violation(f"PLL1 at {reference:g} Hz and {vco:g} Hz is out of its range")
        return vco / (self.field("RCC.PLL1DIVR", "divp1") + 1)

    def switch_clock(self, name, old, value):
        if value & 7 not in (0, 3):
            raise Violation(f"system clock {value & 7} is not played")
        if value & 7 == 3 and not self.field("RCC.CR", "pll1on"):
            raise Violation("PLL1 is chosen and does not run")
        if value & 7 == 3:
            self.keep(name, value)
            self.frequencies.clear()
            core, bus, slow = self.hz("core"), self.hz("bus"), self.hz("apb1")
            if self.field("PWR.D3CR", "vos") != 3 or core > 400e6 or bus > 200e6 or slow > 100e6:
                raise Violation(f"{core:g}, {bus:g} and {slow:g} Hz are above what the voltage allows")
            # Table 17, at the highest voltage without overdrive.
            needed = next(n for n, limit in enumerate((70e6, 140e6, 210e6)) if bus <= limit)
            if self.field("FLASH.ACR", "latency") < needed:
                raise Violation(f"the flash is read too fast for {bus:g} Hz")

    def hz(self, what):
        """Frequency of the core, its bus, APB1, or the timers on APB1."""
        if what not in self.frequencies:
            self.frequencies[what] = self.work_out_hz(what)
        return self.frequencies[what]

    def work_out_hz(self, what):
        system = self.pll_hz() if self.field("RCC.CFGR", "sw") == 3 else HSI_HZ

        def divided(name, field, lowest):
            code = self.field(name, field)
            return 1 if code < lowest else (2, 4, 8, 16, 64, 128, 256, 512)[code - lowest]

        core = system / divided("RCC.D1CFGR", "d1cpre", 8)
        if what == "core":
            return core
        bus = core / divided("RCC.D1CFGR", "hpre", 8)
        if what == "bus":
            return bus
        divider = divided("RCC.D2CFGR", "d2ppre1", 4)
        return bus / divider if what == "apb1" else bus * min(1, 2 / divider)

    def clear_reset_flags(self, name, old, value):
        if value & self.bits(name, "rmvf"):
            self.keep(name, 0)
        return False

    # Pins and beam ------------------------------------------------------------------------------

    def set_pins(self, name, old, value):
        level = self.value("GPIOA.ODR")
        self.keep("GPIOA.ODR", level & ~(value >> 16) | value & 0xFFFF)
        return False

    def count(self, at):
        """The timer's counter."""
        timer = self.timer
        if timer["began"] is None:
            return timer["from"]
        tick = timer["divider"] * 1e9 / self.hz("timer")
        return timer["from"] + int((at - timer["began"]) // tick)

    def output(self, at, pin, channel):
        """The level of a pin: what its mode makes of a channel of the timer and of its own bit."""
        mode = self.field("GPIOA.MODER", f"moder{pin}")
        if mode == 1:
            return self.value("GPIOA.ODR") >> pin & 1
        if mode != 2 or self.field("GPIOA.AFRL", f"afr{pin}") != 1:
            return 0  # pulled down
        if not self.field("TIM2.CCER", f"cc{channel}e"):
            return 0
        return int(self.reference(at, channel)) ^ self.field("TIM2.CCER", f"cc{channel}p")

    def reference(self, at, channel):
        """What the timer makes of a channel, before any pin."""
        register = f"TIM2.CCMR{(channel + 1) // 2}_OUTPUT"
        compare = self.field(register, f"oc{channel}m") | self.field(register, f"oc{channel}m_3") << 3
        below = self.count(at) < self.value(f"TIM2.CCR{channel}")
        active = {0: False, 4: False, 5: True, 6: below, 7: not below}.get(compare)
        if active is None:
            raise Violation(f"TIM2 in output mode {compare} is not played")
        return active

    def follow_gate(self, rise, end):
        """Lets the detector see what the beam showed it since it was last looked at."""
        until = min(self.now, end)
        start = max(rise, self.gate_seen)
        if start < until and self.reference(start, 1):
            self.detector.open(rise, start, until)
        self.gate_seen = until

    def signals(self):
        """What the timer drives: each signal with its pin and channel."""
        return ((self.beam, 0, 1), (self.gate, 3, 4))

    def codes(self):
        return tuple(
            self.value(f"DAC.DHR12R{n}") if self.field("DAC.CR", f"en{n}") else None for n in (1, 2)
        )

    def timer_end(self):
        """When the counter wraps, or nothing."""
        timer = self.timer
        if timer["began"] is None:
            return None
        tick = timer["divider"] * 1e9 / self.hz("timer")
        return timer["began"] + (self.value("TIM2.ARR") + 1 - timer["from"]) * tick

    def follow_timer(self):
        """Lets the edges happen that the timer made since it was last looked at."""
        end = self.timer_end()
        if end is None:
            self.detector.convert_until(self.now)
            return
        began, tick = self.timer["began"], self.timer["divider"] * 1e9 / self.hz("timer")
        for signal, pin, channel in self.signals():
            rise = began + (self.value(f"TIM2.CCR{channel}") - self.timer["from"]) * tick
            if rise <= self.now and rise < end:
                signal.edge(self.output(rise, pin, channel), rise, self.codes(), began, False)
        self.follow_gate(began + (self.value("TIM2.CCR1") - self.timer["from"]) * tick, end)
        if end <= self.now:
            self.detector.close(end)
            if not self.value("TIM2.CR1") & self.bits("TIM2.CR1", "opm"):
                raise Violation("TIM2 runs on after its period: one-pulse mode is off")
            self.timer.update({"began": None, "from": 0})
            self.keep("TIM2.CR1", self.value("TIM2.CR1") & ~1)
            for signal, pin, channel in self.signals():
                signal.edge(self.output(end, pin, channel), end, self.codes(), began, False)
        self.detector.convert_until(self.now)

    def follow_pin(self):
        """An edge that a register made."""
        if not self.reference(self.now, 1):
            self.detector.close(self.now)
        for signal, pin, channel in self.signals():
            level = self.output(self.now, pin, channel)
            signal.edge(level, self.now, self.codes(), self.timer["began"], True)

    def control_timer(self, name, old, value):
        if value & ~self.bits(name, "cen", "opm"):
            raise Violation(f"TIM2.CR1 = {value:#x} is not played")
        if value & 1 and not old & 1:
            self.timer["began"] = self.now
            for signal in (self.beam, self.gate):
                signal.ordered = self.heard
        elif old & 1 and not value & 1:
            self.timer.update({"from": self.count(self.now), "began": None})

    def set_count(self, name, old, value):
        if self.timer["began"] is not None:
            raise Violation("TIM2.CNT is written while it counts")
        self.timer["from"] = value

    def update_timer(self, name, old, value):
        # The prescaler takes effect now.
        self.timer.update({"divider": self.value("TIM2.PSC") + 1, "from": 0})
        return False

    # Converters (section 26) -----------------------------------------------------------------

    def set_converter_mode(self, name, old, value):
        for n in (1, 2):
            if (old ^ value) & self.bits(name, f"mode{n}") and self.field("DAC.CR", f"en{n}"):
                raise Violation(f"the mode of converter {n} is changed while it is on")

    def convert(self, name, old, value):
        self.follow_timer()
        if self.beam.level and value != old:
            raise Violation(f"{name} changes from {old} to {value} while the beam is on")

    # Link (section 48) ---------------------------------------------------------------------------

    def baud(self):
        """The rate of USART3, from clock and divider; 0 before it has any."""
        divider = self.field("USART3.BRR", "brr")
        return self.hz("apb1") / divider if divider >= 16 else 0

    def byte_ns(self):
        """How long a byte of 10 bits takes."""
        return 10e9 / self.baud()

    def as_read(self, byte):
        """A byte as the other end reads it: damaged where the rates differ by more than 2 %."""
        return byte if abs(self.baud() / self.host_baud - 1) <= 0.02 else byte ^ 0x5A

    def serial_on(self, direction):
        wanted = self.bits("USART3.CR1", "ue", direction)
        return self.value("USART3.CR1") & wanted == wanted

    def while_off(self, name, old, value):
        if self.value("USART3.CR1") & 1:
            raise Violation(f"{name} is written while USART3 is on")

    def control_serial(self, name, old, value):
        fixed = self.bits(name, "fifoen", "m0", "m1", "over8", "pce", "ps")
        if old & 1 and (old ^ value) & fixed:
            raise Violation(f"{name} changes {(old ^ value) & fixed:#x} while USART3 is on")
        if value & 1 and value & fixed != self.bits(name, "fifoen"):
            raise Violation("USART3 is played with 8 data bits, no parity and its queues only")
        pins = [self.field("GPIOD.MODER", f"moder{n}") for n in (8, 9)]
        if value & 1 and pins != [2, 2]:
            raise Violation("USART3 starts without its pins")
        if value & 1 and not self.baud():
            raise Violation("USART3 starts without a divider of 16 at least")
        if old & 1 and not value & 1:
            if self.sending:
                raise Violation(f"USART3 is switched off with {len(self.sending)} bytes to send")
            self.received.clear()

    def serial_status(self):
        status = self.bits("USART3.ISR", "teack", "reack")
        if self.received:
            status |= self.bits("USART3.ISR", "rxne")
        if len(self.sending) < FIFO:
            status |= self.bits("USART3.ISR", "txe")
        if not self.sending:
            status |= self.bits("USART3.ISR", "tc", "txfe")
        if self.overrun:
            status |= self.bits("USART3.ISR", "ore")
        return status

    def clear_serial(self, name, old, value):
        if value & self.bits(name, "orecf"):
            self.overrun = False
        return False

    def transmit(self, name, old, value):
        if len(self.sending) >= FIFO:
            raise Violation("USART3.TDR is written while its queue is full")
        if not self.serial_on("te"):
            raise Violation("USART3.TDR is written while the transmitter is off")
        if not self.sending:
            self.sent_until = self.now
        self.sending.append(value & 0xFF)

    def hear(self, data):
        """Bytes leave the host."""
        if not self.line:
            self.line_ready = self.now
        self.line.extend(data)

    def move_bytes(self):
        if self.line:
            byte_ns = 10e9 / (self.baud() if self.serial_on("re") else self.host_baud)
            while self.line and self.line_ready + byte_ns <= self.now:
                self.line_ready += byte_ns
                byte = self.line.popleft()
                self.heard = self.line_ready
                if not self.serial_on("re"):
                    continue  # nobody listens yet
                byte = self.as_read(byte)
                if len(self.received) >= FIFO:
                    self.overrun = True
                else:
                    self.received.append(byte)
        if self.sending:
            byte_ns = self.byte_ns()
            while self.sending and self.sent_until + byte_ns <= self.now:
                self.sent_until += byte_ns
                self.to_host.append(self.as_read(self.sending.popleft()))

    def interrupt(self):
        """Whether USART3 asks for its interrupt."""
        control = self.value("USART3.CR1")
        if not control & 1:
            return False
        return bool(
            (self.received or self.overrun) and control & self.bits("USART3.CR1", "rxneie")
            or len(self.sending) < FIFO and control & self.bits("USART3.CR1", "txeie")
        )

    # Watchdog (section 46) -----------------------------------------------------------------------

    def watchdog_key(self, name, old, value):
        self.unlocked = value == 0x5555
        if value == 0xCCCC or value == 0xAAAA and self.watchdog["end"] is not None:
            self.watchdog["end"] = self.now + self.watchdog_ns()
        return False

    def watchdog_ns(self):
        return (4 << self.watchdog["pr"]) * (self.watchdog["rlr"] + 1) / LSI_HZ * 1e9

    def set_watchdog(self, name, old, value):
        if not self.unlocked:
            raise Violation(f"{name} is written without its key")
        self.watchdog[name.rpartition(".")[2].lower()] = value
        return False

    # Time ------------------------------------------------------------------------------------

    def advance(self, to):
        """Time passes."""
        self.now = to
        self.follow_timer()
        self.move_bytes()
        end = self.watchdog["end"]
        if end is not None and end <= to:
            self.reset_wanted = "iwdg1rstf"

    def moving(self):
        """Whether bytes are under way."""
        return bool(self.line or self.sending or self.received)

    def busy(self):
        """Whether something happens by itself, without core and host."""
        return self.moving() or self.timer["began"] is not None
