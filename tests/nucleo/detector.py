"""What a detector gives and the STM32H743 makes of it: ADC1 with its DMA, and the counters TIM1 and TIM4.

Both look through a gate, which is TIM2's first channel: the beam's. References are to RM0433, revision 8.
"""

from array import array

HSI_HZ = 64_000_000
# Revision V halves the converter's clock once more: the slower of both revisions.
HALVED = 2
SAMPLE_CYCLES = (1.5, 2.5, 8.5, 16.5, 32.5, 64.5, 387.5, 810.5)
CONVERSION_CYCLES = 8.5  # at 16 bits
# What DMA1 reaches of the memories that the image uses: (base, length).
REACHABLE = (0x2400_0000, 512 << 10)
LINE = 32  # bytes of the data cache
# A trigger input takes a quarter of its timer's clock.
FASTEST_HZ = 50_000_000


class Violation(Exception):
    """The image did what the chip's description does not allow."""


class Detector:
    """A voltage on PC0 or pulses on PE7, as a function of where the beam is."""

    def __init__(self, chip, counting, works):
        self.chip = chip
        self.counting = counting  # PE8 is joined to ground
        self.works = works  # whether the converter becomes ready
        # (width, height, values row by row, ripple): codes of the converter, or pulses a second
        self.signal = None
        self.start()
        self.reads = {
            "GPIOE.IDR": self.strap,
            "ADC1.ISR": lambda value: self.status,
            "DMA1.ST0_NDTR": lambda value: self.left,
            "TIM1.CNT": lambda value: self.count & 0xFFFF,
            "TIM3.CNT": lambda value: int(self.sampler),
            "TIM4.CNT": lambda value: self.count >> 16,
            "TIM4.SR": lambda value: self.full,
        }
        self.writes = {
            "ADC1.CR": self.control_converter,
            "ADC1.ISR": self.clear_status,
            "ADC1.CFGR": self.while_stopped,
            "ADC1.SMPR2": self.while_stopped,
            "ADC1.SQR1": self.while_stopped,
            "ADC1.PCSEL": self.while_stopped,
            "DMA1.ST0_CR": self.control_stream,
            "DMA1.ST0_NDTR": self.set_left,
            "DMA1.ST0_PAR": self.while_disabled,
            "DMA1.ST0_M0AR": self.while_disabled,
            "DMA1.LIFCR": self.clear_flags,
            "TIM1.CR1": self.enable_only,
            "TIM3.CR1": self.enable_only,
            "TIM4.CR1": self.enable_only,
            "TIM1.CNT": self.set_low_count,
            "TIM4.CNT": self.set_high_count,
            "TIM4.SR": self.clear_full,
            "TIM3.EGR": self.update_sampler,
            "TIM3.CNT": self.set_sampler,
        }

    def start(self):
        """As after a reset."""
        self.status = 0  # ADC1.ISR
        self.calibrated = False
        self.converting = None  # (until when it samples, when it is done, code)
        self.left = 0  # transfers of DMA1's stream 0
        self.stored = 0  # samples since it was enabled
        self.finished = False  # its flag
        self.sampler = 0.0  # TIM3's counter
        self.divider = 1
        self.count = 0  # TIM1 below, TIM4 above
        self.full = 0  # TIM4's update flag
        self.closed = 0  # when the gate closed last; None while it is open
        # {address: bytes} that memory holds and the core's cache does not know of.
        self.unseen = {}

    def set_signal(self, path, width, height, ripple):
        """A map over the converters' range, as f32; every third sample is higher by the ripple, and
        every third lower."""
        values = array("f")
        with open(path, "rb") as file:
            values.frombytes(file.read())
        width, height = int(width), int(height)
        if len(values) != width * height or self.counting and max(values) > FASTEST_HZ:
            raise ValueError(f"{path} is no signal of {width} x {height}")
        self.signal = (width, height, values, float(ripple))

    def at_beam(self):
        """The signal where the beam is."""
        if self.signal is None:
            return 0.0
        width, height, values, _ = self.signal
        x, y = self.chip.codes()
        return values[(y * height >> 12) * width + (x * width >> 12)]

    # The gate ---------------------------------------------------------------------------------

    def gated(self, timer):
        """Whether a timer runs while the gate is open, and then alone."""
        chip = self.chip
        if not chip.value(f"{timer}.CR1") & 1:
            return False
        name = f"{timer}.SMCR"
        mode = tuple(chip.field(name, field) for field in ("sms", "ts", "sms_3", "ts2"))
        if mode != (5, 1, 0, 0) or chip.field("TIM2.CR2", "mms") != 4:
            raise Violation(f"{timer} runs without the beam's gate")
        return True

    def open(self, rise, start, until):
        """The gate, open since `rise`, was open from `start` to `until`."""
        self.closed = None
        if self.gated("TIM3"):
            self.sample(start, until)
        if self.gated("TIM1"):
            self.count_pulses(rise, start, until)

    def close(self, at):
        """The gate is shut."""
        if self.closed is None:
            self.closed = at

    # Samples (section 25) ---------------------------------------------------------------------

    def sample(self, start, until):
        chip = self.chip
        tick = self.divider * 1e9 / chip.hz("timer")
        period = chip.value("TIM3.ARR") + 1
        at, left = start, (until - start) / tick
        while self.sampler + left >= period:
            at += (period - self.sampler) * tick
            left -= period - self.sampler
            self.sampler = 0.0
            self.trigger(at)
        self.sampler += left

    def trigger(self, at):
        chip = self.chip
        if not chip.value("ADC1.CR") & chip.bits("ADC1.CR", "adstart"):
            return
        self.convert_until(at)
        if self.converting:
            raise Violation("ADC1 is triggered while it converts")
        chosen = tuple(chip.field("ADC1.CFGR", f) for f in ("extsel", "exten", "res", "cont", "dmngt"))
        if chosen != (4, 1, 0, 0, 1) or chip.field("TIM3.CR2", "mms") != 2:
            raise Violation(f"ADC1 with {chosen} is not played")
        if chip.field("ADC1.SQR1", "sq1") != 10 or not chip.value("ADC1.PCSEL") & 1 << 10:
            raise Violation("ADC1 converts another input than PC0")
        if chip.field("GPIOC.MODER", "moder0") != 3:
            raise Violation("PC0 is not analog")
        cycle = 1e9 / self.clock_hz()
        sampled = SAMPLE_CYCLES[chip.field("ADC1.SMPR2", "smp10")]
        ripple = self.signal[3] if self.signal else 0.0
        code = round(self.at_beam() + ripple * (self.stored % 3 - 1))
        code = min(max(code, 0), 0xFFFF)
        self.converting = (at + sampled * cycle, at + (sampled + CONVERSION_CYCLES) * cycle, code)

    def clock_hz(self):
        chip = self.chip
        if chip.field("RCC.D3CCIPR", "adcsel") != 2 or chip.field("ADC12_COMMON.CCR", "ckmode"):
            raise Violation("ADC1 with another clock than per_ck is not played")
        if not chip.value("RCC.CR") & chip.bits("RCC.CR", "hsion"):
            raise Violation("ADC1 has no clock: HSI is off")
        divider = {0: 1, 1: 2, 2: 4, 3: 6, 4: 8}[chip.field("ADC12_COMMON.CCR", "presc")]
        hz = HSI_HZ / divider / HALVED
        boost = next(n for n, limit in enumerate((6.25e6, 12.5e6, 25e6, 50e6)) if hz <= limit)
        # Revision Y has one bit of it, on above 20 MHz.
        if chip.field("ADC1.CR", "boost") != boost or HSI_HZ / divider > 20e6:
            raise Violation(f"ADC1 at {hz:g} Hz with BOOST {chip.field('ADC1.CR', 'boost')}")
        return hz

    def convert_until(self, now):
        """Finishes a conversion that is due."""
        if not self.converting or self.converting[1] > now:
            return
        sampled, _, code = self.converting
        self.converting = None
        if self.closed is not None and self.closed < sampled:
            code = 0  # dark before it had seen all
        chip = self.chip
        if not chip.value("DMA1.ST0_CR") & 1 or not self.left:
            self.status |= chip.bits("ADC1.ISR", "ovr")
            return
        if chip.field("DMAMUX1.C0CR", "dmareq_id") != 9:
            raise Violation("DMA1's stream 0 does not serve ADC1")
        self.unseen[chip.value("DMA1.ST0_M0AR") + 2 * self.stored] = code.to_bytes(2, "little")
        self.stored += 1
        self.left -= 1
        if not self.left:
            self.finished = True
            chip.keep("DMA1.ST0_CR", chip.value("DMA1.ST0_CR") & ~1)

    def seen(self, address):
        """What memory holds at a line of the cache that the core forgets."""
        line = range(address & ~(LINE - 1), (address & ~(LINE - 1)) + LINE)
        return [(at, self.unseen.pop(at)) for at in list(self.unseen) if at in line]

    def control_converter(self, name, old, value):
        bits = lambda *fields: self.chip.bits(name, *fields)
        commands = bits("aden", "adstart")
        value |= old & commands  # writing 0 does nothing
        if value & bits("addis", "jadstart", "jadstp"):
            raise Violation(f"{name} = {value:#x} is not played")
        if value & bits("adcal"):
            if not old & bits("advregen") or old & bits("deeppwd") or value & commands:
                raise Violation("ADC1 is calibrated without supply or while it is on")
            self.calibrated = True
        if value & ~old & bits("aden"):
            if not self.calibrated:
                raise Violation("ADC1 is enabled before it is calibrated")
            self.clock_hz()
            if self.works:
                self.status |= self.chip.bits("ADC1.ISR", "adrdy")
        if value & ~old & bits("adstart") and not self.works:
            raise Violation("ADC1 starts before it is ready")
        if value & bits("adstp"):
            if not old & bits("adstart"):
                raise Violation("ADC1 is stopped and did not run")
            self.converting = None
            value &= ~bits("adstart")
        self.chip.keep(name, value & ~bits("adcal", "adstp"))
        return False

    def clear_status(self, name, old, value):
        self.status &= ~value
        return False

    def while_stopped(self, name, old, value):
        if self.chip.value("ADC1.CR") & self.chip.bits("ADC1.CR", "adstart"):
            raise Violation(f"{name} is written while ADC1 runs")

    # DMA1, stream 0 ---------------------------------------------------------------------------

    def control_stream(self, name, old, value):
        chip = self.chip
        if old & 1 and (old ^ value) & ~1:
            raise Violation(f"{name} changes {old ^ value:#x} while it is enabled")
        if value & 1 and not old & 1:
            found = {f: chip.place(name, f) for f in ("minc", "msize", "psize", "pl")}
            fields = {f: (value & mask) >> low for f, (_, _, low, mask) in found.items()}
            used = 1 | chip.bits(name, *found)
            if value & ~used or (fields["minc"], fields["msize"], fields["psize"]) != (1, 1, 1):
                raise Violation(f"{name} = {value:#x} is not played")
            if chip.value("DMA1.ST0_PAR") != chip.registers.address("ADC1.DR"):
                raise Violation("DMA1's stream 0 reads something other than ADC1.DR")
            begin = chip.value("DMA1.ST0_M0AR")
            if not REACHABLE[0] <= begin <= begin + 2 * self.left <= sum(REACHABLE) or begin % LINE:
                raise Violation(f"DMA1 does not reach {begin:#x}, or shares a line of the cache there")
            if self.finished or not self.left:
                raise Violation("DMA1's stream 0 is enabled with a flag set or nothing to do")
            self.stored = 0

    def while_disabled(self, name, old, value):
        if self.chip.value("DMA1.ST0_CR") & 1:
            raise Violation(f"{name} is written while the stream is enabled")

    def set_left(self, name, old, value):
        self.while_disabled(name, old, value)
        self.left = value

    def clear_flags(self, name, old, value):
        if value & self.chip.bits(name, "ctcif0"):
            self.finished = False
        return False

    # Timers (sections 38 and 39) --------------------------------------------------------------

    def enable_only(self, name, old, value):
        if value & ~1:
            raise Violation(f"{name} = {value:#x} is not played")

    def update_sampler(self, name, old, value):
        if value != 1 or self.chip.value("ADC1.CR") & self.chip.bits("ADC1.CR", "adstart"):
            raise Violation("TIM3 is updated, which triggers ADC1")
        self.sampler = 0.0
        self.divider = self.chip.value("TIM3.PSC") + 1
        return False

    def set_sampler(self, name, old, value):
        self.sampler = float(value)

    def count_pulses(self, rise, start, until):
        chip = self.chip
        if chip.value("TIM1.SMCR") & chip.bits("TIM1.SMCR", "ece", "etf", "etps", "etp") != 1 << 14:
            raise Violation("TIM1 counts something other than pulses")
        if (chip.field("GPIOE.MODER", "moder7"), chip.field("GPIOE.AFRL", "afr7")) != (2, 1):
            raise Violation("PE7 is not TIM1's")
        above = [chip.value("TIM4.CR1") & 1, chip.field("TIM4.SMCR", "sms"), chip.field("TIM4.SMCR", "ts")]
        if above != [1, 7, 0] or chip.field("TIM1.CR2", "mms") != 2 or chip.value("TIM1.ARR") != 0xFFFF:
            raise Violation("TIM4 does not count how often TIM1 was full")
        hz = self.at_beam()
        pulses = lambda at: int((at - rise) * hz / 1e9 + 0.5)
        self.count += pulses(until) - pulses(start)
        capacity = (chip.value("TIM4.ARR") + 1) << 16
        if self.count >= capacity:
            self.full = 1
            self.count %= capacity

    def set_low_count(self, name, old, value):
        self.count = self.count & ~0xFFFF | value

    def set_high_count(self, name, old, value):
        self.count = self.count & 0xFFFF | value << 16

    def clear_full(self, name, old, value):
        self.full &= value
        return False

    def strap(self, value):
        if self.chip.field("GPIOE.PUPDR", "pupdr8") != 1:
            raise Violation("PE8 is read while nothing pulls it up")
        return 0 if self.counting else 1 << 8
