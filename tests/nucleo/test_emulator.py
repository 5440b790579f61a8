"""What the emulator must notice: accesses that the chip's description does not allow.

    target/nucleo/bin/python -m unittest discover tests/nucleo
"""

import tempfile
import unittest
from array import array

from chip import Chip, Violation
from registers import Registers

REGISTERS = Registers()


class Description(unittest.TestCase):
    """Spot checks against RM0433, revision 8, by hand."""

    def check(self, name, address, reset, readable, writable, fields):
        register = REGISTERS.at(REGISTERS.address(name))
        self.assertEqual(REGISTERS.address(name), address)
        found = (register.reset, register.readable, register.writable, register.fields)
        self.assertEqual(found, (reset, readable, writable, fields))

    def test_registers_are_those_of_the_manual(self):
        self.check("USART3.CR1", 0x4000_4800, 0, True, True, 0xFFFF_FFFF)
        self.check("USART3.ICR", 0x4000_4820, 0, False, True, 0x0012_3BFF)
        self.check("GPIOA.MODER", 0x5802_0000, 0xABFF_FFFF, True, True, 0xFFFF_FFFF)
        self.check("GPIOD.AFRH", 0x5802_0C24, 0, True, True, 0xFFFF_FFFF)
        self.check("IWDG.SR", 0x5800_480C, 0, True, False, 0x7)
        self.check("DAC.DHR12R2", 0x4000_7414, 0, True, True, 0xFFF)
        self.check("RCC.PLL1DIVR", 0x5802_4430, 0x0101_0280, True, True, 0x7F7F_FFFF)


class Accesses(unittest.TestCase):
    def setUp(self):
        self.chip = Chip(REGISTERS)

    def store(self, name, value, size=4):
        self.chip.store(REGISTERS.address(name), size, value)

    def refuse(self, says, name, value, size=4):
        with self.assertRaisesRegex(Violation, says):
            self.store(name, value, size)

    def clocked(self):
        self.store("RCC.AHB4ENR", 0b1001)
        self.store("RCC.APB1LENR", 1 << 29 | 1 << 18 | 1)

    def test_reserved_and_read_only_bits_may_not_change(self):
        self.refuse("reserved bits 0x1000", "RCC.PLLCFGR", 0x01FF_1000)
        self.refuse("read-only bits 0x4000000", "PWR.CR3", 1 << 26 | 6)
        self.refuse("IWDG.SR, which is read-only", "IWDG.SR", 1)
        self.clocked()
        self.refuse("reserved bits 0x1000", "DAC.DHR12R1", 1 << 12)
        with self.assertRaisesRegex(Violation, "write-only"):
            self.chip.load(REGISTERS.address("GPIOA.BSRR"), 4)

    def test_nothing_is_touched_before_its_clock(self):
        self.refuse("before its clock is on .RCC.AHB4ENR.gpioaen", "GPIOA.ODR", 0)
        self.refuse("which this emulator does not play", "TIM8.CR1", 0)
        with self.assertRaisesRegex(Violation, "no such register"):
            self.chip.load(0x5802_00FC, 4)

    def test_the_order_that_the_manual_asks_for(self):
        self.clocked()
        self.refuse("without its key", "IWDG.RLR", 5)
        self.store("DAC.CR", 1)
        self.refuse("while it is on", "DAC.MCR", 1)
        self.refuse("without its pins", "USART3.CR1", 1 << 29 | 1)
        self.refuse("does not run", "RCC.CFGR", 3)
        self.store("RCC.CR", 1 << 24 | 0x83)
        self.refuse("above what the voltage allows", "RCC.CFGR", 3)

    def test_words_are_written_whole(self):
        self.clocked()
        self.refuse("of 2 bytes", "DAC.DHR12R1", 1, size=2)
        self.store("TIM2.PSC", 24, size=2)


class Link(unittest.TestCase):
    def test_bytes_at_another_rate_are_damaged(self):
        chip = Chip(REGISTERS)
        for name, value in (
            ("RCC.AHB4ENR", 1 << 3),
            ("RCC.APB1LENR", 1 << 18),
            ("GPIOD.MODER", 0xFFFA_FFFF),
            ("USART3.BRR", 64),  # 64 MHz: a million baud
            ("USART3.CR1", 1 << 29),
            ("USART3.CR1", 1 << 29 | 0b1101),
        ):
            chip.store(REGISTERS.address(name), 4, value)
        for host_baud, found in ((1_000_000, 0x31), (921_600, 0x31 ^ 0x5A)):
            chip.host_baud = host_baud
            chip.hear(b"\x31")
            chip.advance(chip.now + 100_000)
            self.assertEqual(chip.load(REGISTERS.address("USART3.RDR"), 4), found)
        chip.store(REGISTERS.address("USART3.TDR"), 4, 0x31)
        with self.assertRaisesRegex(Violation, "1 bytes to send"):
            chip.store(REGISTERS.address("USART3.CR1"), 4, 1 << 29 | 0b1100)


class Pulses(unittest.TestCase):
    """TIM2 at 64 MHz, undivided: a tick is 15.625 ns."""

    def setUp(self):
        self.chip = Chip(REGISTERS)
        for name, value in (
            ("RCC.AHB4ENR", 1),
            ("RCC.APB1LENR", 1 << 29 | 1),
            ("DAC.CR", 1 << 16 | 1),
            ("DAC.DHR12R1", 11),
            ("DAC.DHR12R2", 22),
            ("TIM2.CCR1", 64),
            ("TIM2.ARR", 64 + 128 - 1),
            ("TIM2.CCER", 1),
            ("TIM2.CCMR1_OUTPUT", 7 << 4),
            ("GPIOA.AFRL", 1),
            ("GPIOA.MODER", 0xABFF_FFFE),
        ):
            self.store(name, value)

    def store(self, name, value):
        self.chip.store(REGISTERS.address(name), 4, value)

    def expose(self):
        self.store("TIM2.CR1", 1 << 3 | 1)

    def test_a_pulse_is_as_long_as_its_registers_say(self):
        self.expose()
        self.chip.advance(40_000)
        expected = {"ordered_us": 0.0, "start_us": 1.0, "settle_us": 1.0, "length_us": 2.0, "x": 11, "y": 22, "cut": False}
        self.assertEqual(self.chip.beam.pulses, [expected])

    def test_a_pulse_says_when_the_last_byte_before_it_had_arrived(self):
        self.chip.host_baud = 1_000_000
        self.chip.hear(b"\x31\x00")
        self.chip.advance(40_000)
        ordered = self.chip.heard
        self.expose()
        # What comes afterwards has not ordered it.
        self.chip.hear(b"\x31")
        self.chip.advance(self.chip.now + 40_000)
        self.assertGreater(self.chip.heard, ordered)
        self.assertEqual(self.chip.beam.pulses[0]["ordered_us"], ordered / 1e3)

    def test_the_gate_is_the_timers_fourth_channel(self):
        for name, value in (
            ("TIM2.CCR4", 64),
            ("TIM2.CCER", 1 << 12 | 1),
            ("TIM2.CCMR2_OUTPUT", 7 << 12),
            ("GPIOA.AFRL", 1 << 12 | 1),
            ("GPIOA.MODER", 0xABFF_FFBE),
        ):
            self.store(name, value)
        self.expose()
        self.chip.advance(40_000)
        self.assertEqual(self.chip.gate.pulses, self.chip.beam.pulses)

    def test_a_pulse_that_is_cut_says_so(self):
        self.expose()
        self.chip.advance(2000)
        self.store("TIM2.CCMR1_OUTPUT", 4 << 4)
        self.assertEqual(self.chip.beam.pulses[0]["length_us"], 1.0)
        self.assertTrue(self.chip.beam.pulses[0]["cut"])
        self.chip.advance(40_000)
        self.assertEqual(len(self.chip.beam.pulses), 1)

    def test_converters_keep_still_while_the_beam_is_on(self):
        self.expose()
        self.chip.advance(2000)
        with self.assertRaisesRegex(Violation, "while the beam is on"):
            self.store("DAC.DHR12R1", 12)

    def test_a_timer_without_one_pulse_mode_is_noticed(self):
        self.store("TIM2.CR1", 1)
        with self.assertRaisesRegex(Violation, "one-pulse mode"):
            self.chip.advance(40_000)

    def test_a_reset_cuts_the_pulse(self):
        self.expose()
        self.chip.advance(2000)
        self.chip.reset("sftrstf")
        self.assertEqual((self.chip.beam.level, self.chip.beam.pulses[0]["cut"]), (0, True))


class Reading(unittest.TestCase):
    """TIM2 at 64 MHz with a pulse from 10 to 40 us, seen through its gate."""

    def setUp(self):
        self.chip = Chip(REGISTERS)
        with tempfile.NamedTemporaryFile() as file:
            file.write(array("f", [1e6]).tobytes())
            file.flush()
            self.chip.detector.set_signal(file.name, 1, 1, 0)
        for name, value in (
            ("RCC.AHB4ENR", 0b10001),
            ("RCC.AHB1ENR", 1 << 5 | 1),
            ("RCC.APB1LENR", 1 << 29 | 0b111),
            ("RCC.APB2ENR", 1),
            ("DAC.CR", 1 << 16 | 1),
            ("TIM2.CR2", 4 << 4),
            ("TIM2.CCR1", 640),
            ("TIM2.ARR", 4 * 640 - 1),
            ("TIM2.CCMR1_OUTPUT", 7 << 4),
        ):
            self.store(name, value)

    def store(self, *write):
        name, value = write
        self.chip.store(REGISTERS.address(name), 4, value)

    def expose(self, until=100_000):
        self.store("TIM2.CR1", 1 << 3 | 1)
        self.chip.advance(until)

    def counters(self):
        for name, value in (
            ("GPIOE.AFRL", 1 << 28),
            ("GPIOE.MODER", 0xFFFF_BFFF),
            ("TIM1.ARR", 0xFFFF),
            ("TIM1.CR2", 2 << 4),
            ("TIM1.SMCR", 1 << 14 | 1 << 4 | 5),
            ("TIM4.ARR", 0xFF),
            ("TIM4.SMCR", 7),
            ("TIM4.CR1", 1),
            ("TIM1.CR1", 1),
        ):
            self.store(name, value)

    def converter(self):
        for name, value in (
            ("RCC.D3CCIPR", 2 << 16),
            ("ADC12_COMMON.CCR", 2 << 18),
            ("ADC1.CR", 1 << 28 | 1 << 8),
            ("ADC1.CR", 1 << 31 | 1 << 28 | 1 << 8),
            ("ADC1.CR", 1 << 28 | 1 << 8 | 1),
            ("ADC1.PCSEL", 1 << 10),
            ("ADC1.SQR1", 10 << 6),
            ("ADC1.SMPR2", 2),
            ("ADC1.CFGR", 1 << 12 | 1 << 10 | 4 << 5 | 1),
            ("DMAMUX1.C0CR", 9),
            ("DMA1.ST0_PAR", REGISTERS.address("ADC1.DR")),
            ("DMA1.ST0_M0AR", 0x2400_0000),
            ("DMA1.ST0_NDTR", 3),
            ("DMA1.ST0_CR", 1 << 13 | 1 << 11 | 1 << 10 | 1),
            # Every 10 us, the first 5 us after the gate is open.
            ("TIM3.ARR", 639),
            ("TIM3.CR2", 2 << 4),
            ("TIM3.SMCR", 1 << 4 | 5),
            ("TIM3.EGR", 1),
            ("TIM3.CNT", 320),
            ("TIM3.CR1", 1),
            ("ADC1.CR", 1 << 28 | 1 << 8 | 0b101),
        ):
            self.store(name, value)

    def samples(self):
        return [int.from_bytes(data, "little") for _, data in self.chip.detector.seen(0x2400_0000)]

    def test_pulses_are_counted_while_the_beam_is_on_and_at_no_other_time(self):
        self.counters()
        self.chip.advance(1_000_000)
        self.assertEqual(self.chip.load(REGISTERS.address("TIM1.CNT"), 4), 0)
        self.expose(2_000_000)
        self.assertEqual(self.chip.load(REGISTERS.address("TIM1.CNT"), 4), 30)

    def test_a_counter_that_the_beam_does_not_gate_is_noticed(self):
        self.counters()
        self.store("TIM1.SMCR", 1 << 14)
        with self.assertRaisesRegex(Violation, "without the beam's gate"):
            self.expose()

    def test_samples_are_stored_and_seen_once_the_cache_forgets_them(self):
        self.chip.detector.signal[2][0] = 1000.0
        self.converter()
        self.expose()
        self.assertEqual(self.chip.load(REGISTERS.address("DMA1.ST0_NDTR"), 4), 0)
        self.assertEqual(self.chip.detector.seen(0x2400_0020), [])
        self.assertEqual(self.samples(), [1000] * 3)

    def test_a_sample_that_outlasts_the_beam_is_dark(self):
        self.chip.detector.signal[2][0] = 1000.0
        self.converter()
        self.store("TIM3.CNT", 20)  # 9.7, 19.7 and 29.7 us after the beam is on
        self.expose()
        self.assertEqual(self.samples(), [1000, 1000, 0])

    def test_what_the_converter_is_not_made_for_is_noticed(self):
        for says, *write in (
            ("while it runs|while ADC1 runs", "ADC1.SMPR2", 3),
            ("while the stream is enabled", "DMA1.ST0_M0AR", 0),
            ("which triggers ADC1", "TIM3.EGR", 1),
        ):
            self.setUp()
            self.converter()
            with self.assertRaisesRegex(Violation, says):
                self.store(*write)
        for says, *write in (
            ("with BOOST", "ADC12_COMMON.CCR", 0),
            ("triggered while it converts", "TIM3.ARR", 60),
            ("another input", "ADC1.SQR1", 11 << 6),
            ("does not reach", "DMA1.ST0_M0AR", 0x2000_0000),
        ):
            self.setUp()
            original = self.store
            changed, value = write
            self.store = lambda name, old: original(name, value if name == changed else old)
            with self.assertRaisesRegex(Violation, says):
                self.converter()
                self.expose()
            del self.store


if __name__ == "__main__":
    unittest.main()
