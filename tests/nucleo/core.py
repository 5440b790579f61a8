"""The Cortex-M7 around Unicorn's instructions: exceptions, NVIC, SysTick, MPU, reset.

Time is virtual: an instruction takes one cycle of the core's clock, and time is looked at every
`QUANTUM_NS`, which is eight bytes of the link. Sleep takes the core to whatever happens next.
"""

from elftools.elf.elffile import ELFFile
from unicorn import (
    UC_ARCH_ARM,
    UC_HOOK_CODE,
    UC_HOOK_INTR,
    UC_MODE_THUMB,
    UC_PROT_ALL,
    UC_PROT_EXEC,
    UC_PROT_NONE,
    UC_PROT_READ,
    Uc,
    UcError,
)
from unicorn.arm_const import (
    UC_ARM_REG_C1_C0_2,
    UC_ARM_REG_FPEXC,
    UC_ARM_REG_LR,
    UC_ARM_REG_PC,
    UC_ARM_REG_PRIMASK,
    UC_ARM_REG_R0,
    UC_ARM_REG_R1,
    UC_ARM_REG_R2,
    UC_ARM_REG_R3,
    UC_ARM_REG_R12,
    UC_ARM_REG_SP,
    UC_ARM_REG_XPSR,
    UC_CPU_ARM_CORTEX_M7,
)

from chip import USART3_INTERRUPT, Violation

QUANTUM_NS = 40_000
# Section 2.3: (base, length).
FLASH = (0x0800_0000, 2 << 20)
MEMORIES = [(0x0000_0000, 64 << 10), (0x2000_0000, 128 << 10), (0x2400_0000, 512 << 10),
            (0x3000_0000, 288 << 10)]  # fmt: skip
PERIPHERALS = (0x4000_0000, 0x2000_0000)
PRIVATE = (0xE000_0000, 0x10_0000)
# Thread mode, main stack, floating-point context stacked.
RETURN = 0xFFFF_FFE9
# An exception's frame with the floating-point registers, in bytes.
FRAME = 0x68
STACKED = (
    UC_ARM_REG_R0,
    UC_ARM_REG_R1,
    UC_ARM_REG_R2,
    UC_ARM_REG_R3,
    UC_ARM_REG_R12,
    UC_ARM_REG_LR,
    UC_ARM_REG_PC,
)
IT_BITS = 0x0600_FC00
WFI = bytes.fromhex("30bf")
HARD_FAULT, SYSTICK, EXTERNAL = 3, 15, 16
# No handler of this image takes a millisecond.
LONGEST_HANDLER = 400_000

# Armv7-M architecture reference manual: what an image of ours may touch, with what it reads.
CTR, DCIMVAC = 0xE000_ED7C, 0xE000_EF5C
CPUID, ICSR, AIRCR, SHCSR = 0xE000_ED00, 0xE000_ED04, 0xE000_ED0C, 0xE000_ED24
CFSR, HFSR, CCSIDR, CPACR = 0xE000_ED28, 0xE000_ED2C, 0xE000_ED80, 0xE000_ED88
SYST_CSR, SYST_RVR, SYST_CVR = 0xE000_E010, 0xE000_E014, 0xE000_E018
NVIC_ISER1, NVIC_ICER1 = 0xE000_E104, 0xE000_E184
MPU_TYPE, MPU_CTRL, MPU_RBAR, MPU_RASR = 0xE000_ED90, 0xE000_ED94, 0xE000_ED9C, 0xE000_EDA0
DWT_CTRL, DWT_CYCCNT = 0xE000_1000, 0xE000_1004
PRIVATE_REGISTERS = {
    CPUID: 0x411F_C271,
    ICSR: 0,
    AIRCR: 0xFA05_0000,
    0xE000_ED14: 0x0004_0200,  # CCR
    SHCSR: 0,
    CFSR: 0,
    HFSR: 0,
    CCSIDR: 0xF00F_E019,  # 16 KiB in 4 ways
    0xE000_ED84: 0,  # CSSELR
    CPACR: 0,
    MPU_TYPE: 0x0000_1000,  # 16 regions
    MPU_CTRL: 0,
    0xE000_ED98: 0,  # MPU_RNR
    MPU_RBAR: 0,
    MPU_RASR: 0,
    0xE000_EDFC: 0,  # DEMCR
    0xE000_EF50: 0,  # ICIALLU
    0xE000_EF60: 0,  # DCISW
    CTR: 0x8303_C003,  # lines of 32 bytes
    DCIMVAC: 0,
    0xE000_EF34: 0,  # FPCCR
    SYST_CSR: 0,
    SYST_RVR: 0,
    SYST_CVR: 0,
    NVIC_ISER1: 0,
    NVIC_ICER1: 0,
    DWT_CTRL: 0x4000_0000,
    DWT_CYCCNT: 0,
    0xE000_1FB0: 0,  # DWT_LAR
}


def loaded(image):
    """What a debugger loads of an ELF file, or the drive of an ST-Link of any other, with its place."""
    with open(image, "rb") as file:
        if not image.endswith(".elf"):
            return [(FLASH[0], file.read())]
        segments = ELFFile(file).iter_segments("PT_LOAD")
        return [(s["p_paddr"], s.data()) for s in segments if s["p_filesz"]]


class Core:
    """The chip with an image in its flash."""

    def __init__(self, image, chip):
        self.chip = chip
        uc = self.uc = Uc(UC_ARCH_ARM, UC_MODE_THUMB)
        # UC_MODE_MCLASS would refuse double precision.
        uc.ctl_set_cpu_model(UC_CPU_ARM_CORTEX_M7)
        uc.mem_map(*FLASH, UC_PROT_READ | UC_PROT_EXEC)
        for memory in MEMORIES:
            uc.mem_map(*memory)
        uc.mmio_map(*PERIPHERALS, self.load, PERIPHERALS[0], self.store, PERIPHERALS[0])
        uc.mmio_map(*PRIVATE, self.load_private, None, self.store_private, None)
        uc.hook_add(UC_HOOK_INTR, self.exception)
        for place, data in loaded(image):
            uc.mem_write(place, data)
            self.hook_sleep(place, data)
        self.saved = uc.context_save()
        self.resets = 0
        # What the MPU guards, and what Unicorn was told of it.
        self.guard = self.guarded = None
        self.start()

    def hook_sleep(self, start, data):
        """Unicorn returns at WFI as it does after a count: this tells which it was."""
        at = data.find(WFI)
        while at >= 0:
            if at % 2 == 0:
                address = start + at
                self.uc.hook_add(UC_HOOK_CODE, self.sleep, begin=address, end=address)
            at = data.find(WFI, at + 1)

    def start(self):
        """From reset to the first instruction. Memories keep what they hold."""
        self.private = dict(PRIVATE_REGISTERS)
        self.guard = None
        self.tick = None
        self.tick_pending = False
        self.usart_enabled = False
        self.asleep = False
        self.stuck = False
        self.follow_guard()
        stack, entry = (int.from_bytes(self.uc.mem_read(FLASH[0] + 4 * n, 4), "little") for n in (0, 1))
        # On from the start; that the image switches it on is looked at when it enables interrupts.
        self.uc.reg_write(UC_ARM_REG_C1_C0_2, self.uc.reg_read(UC_ARM_REG_C1_C0_2) | 0xF << 20)
        self.uc.reg_write(UC_ARM_REG_FPEXC, 1 << 30)
        self.uc.reg_write(UC_ARM_REG_PRIMASK, 0)
        self.uc.reg_write(UC_ARM_REG_XPSR, 1 << 24)
        self.uc.reg_write(UC_ARM_REG_SP, stack)
        self.uc.reg_write(UC_ARM_REG_LR, 0xFFFF_FFFF)
        self.uc.reg_write(UC_ARM_REG_PC, entry | 1)

    # Loads and stores -------------------------------------------------------------------------

    def load(self, uc, offset, size, base):
        return self.chip.load(base + offset, size)

    def store(self, uc, offset, size, value, base):
        self.chip.store(base + offset, size, value)

    def load_private(self, uc, offset, size, _):
        address = PRIVATE[0] + offset
        if address not in self.private:
            raise Violation(f"read of {address:#x}, which this emulator does not play")
        if address == DWT_CYCCNT:
            return int(self.chip.now * self.chip.hz("core") / 1e9) & 0xFFFF_FFFF
        return self.private[address]

    def store_private(self, uc, offset, size, value, _):
        address = PRIVATE[0] + offset
        if address not in self.private or address in (CPUID, CTR, CCSIDR, MPU_TYPE):
            raise Violation(f"write of {value:#x} to {address:#x}, which this emulator does not play")
        if address == AIRCR:
            if value & ~0x700 != 0x05FA_0004:
                raise Violation(f"AIRCR = {value:#x} is not played")
            self.chip.reset_wanted = "sftrstf"
            uc.emu_stop()
        elif address == NVIC_ISER1:
            if value != 1 << USART3_INTERRUPT - 32:
                raise Violation(f"NVIC_ISER1 = {value:#x} enables interrupts without a handler")
            if self.private[CPACR] != 0xF << 20:
                raise Violation("the floating-point unit is off")
            self.usart_enabled = True
        elif address == SYST_CSR:
            period = (self.private[SYST_RVR] + 1) / self.chip.hz("core") * 1e9
            self.tick = self.chip.now + period if value & 3 == 3 else None
            self.period = period
        elif address == MPU_CTRL:
            base, attributes = self.private[MPU_RBAR] & ~31, self.private[MPU_RASR]
            size = 2 << (attributes >> 1 & 31)
            # Only a region without any access, beside the default map, is played.
            if value != 5 or attributes >> 24 & 7:
                raise Violation(f"MPU_CTRL = {value:#x} with MPU_RASR = {attributes:#x} is not played")
            self.guard = (base, size)
        elif address == DCIMVAC:
            # Until now the core had the line as it was before the DMA.
            for place, data in self.chip.detector.seen(value):
                self.uc.mem_write(place, data)
        elif address == SYST_CVR:
            value = 0
        self.private[address] = value

    def follow_guard(self):
        """Takes access away from what the MPU guards, and gives it back."""
        if self.guard != self.guarded:
            if self.guarded:
                self.uc.mem_protect(*self.guarded, UC_PROT_ALL)
            if self.guard:
                self.uc.mem_protect(*self.guard, UC_PROT_NONE)
            self.guarded = self.guard

    # Execution ----------------------------------------------------------------------------------

    def sleep(self, uc, address, size, _):
        self.asleep = True

    def exception(self, uc, number, _):
        # No memory is where a return leads: that is how it shows.
        self.returned = uc.reg_read(UC_ARM_REG_PC) == RETURN & ~1
        self.failed = None if self.returned else f"exception {number}"
        uc.emu_stop()

    def execute(self, count):
        """Runs instructions; a fault is taken. Returns when they are done or it sleeps."""
        self.failed, self.returned = None, False
        address = self.uc.reg_read(UC_ARM_REG_PC) | 1
        try:
            self.uc.emu_start(address, 0, count=count)
        except UcError as error:
            self.fault(error)
        if self.failed is not None:
            self.fault(self.failed)

    def fault(self, cause):
        """Enters the hard fault: the one fault that every image of ours ends in."""
        if self.chip.reset_wanted:
            return
        stack = self.uc.reg_read(UC_ARM_REG_SP) - FRAME & ~7
        overflow = self.guard is not None and stack < sum(self.guard)
        # MSTKERR, or PRECISERR.
        self.private[CFSR] = 0x10 if overflow else 0x200
        self.private[HFSR] = 1 << 30
        # Its handler runs without the MPU.
        self.guard = None
        self.follow_guard()
        self.handle(HARD_FAULT, stored=not overflow)
        if not self.chip.reset_wanted:
            raise Violation(f"the hard fault's handler returned ({cause})")

    def handle(self, vector, stored=True):
        """Enters a handler and runs it to its return."""
        uc = self.uc
        uc.context_update(self.saved)
        flags = uc.reg_read(UC_ARM_REG_XPSR)
        stack = uc.reg_read(UC_ARM_REG_SP) - FRAME & ~7
        if stored:
            values = [uc.reg_read(register) for register in STACKED] + [flags | 1 << 24]
            uc.mem_write(stack, b"".join(value.to_bytes(4, "little") for value in values))
        handler = int.from_bytes(uc.mem_read(FLASH[0] + 4 * vector, 4), "little")
        uc.reg_write(UC_ARM_REG_SP, stack)
        uc.reg_write(UC_ARM_REG_LR, RETURN)
        uc.reg_write(UC_ARM_REG_XPSR, flags & ~IT_BITS)
        self.failed, self.returned = None, False
        try:
            uc.emu_start(handler | 1, 0, count=LONGEST_HANDLER)
        except UcError as error:
            self.failed = error
        if self.chip.reset_wanted:
            return
        if self.failed is not None and vector != HARD_FAULT:
            self.fault(self.failed)
            return
        if not self.returned:
            raise Violation(f"the handler of exception {vector} does not return: {self.failed}")
        uc.context_restore(self.saved)

    def pending(self):
        """The exception that waits, or nothing."""
        if self.tick_pending:
            return SYSTICK
        if self.usart_enabled and self.chip.interrupt():
            return EXTERNAL + USART3_INTERRUPT
        return None

    def interrupts(self):
        """Takes what is pending; an image that masks interrupts for a moment is let go on."""
        while (vector := self.pending()) is not None and not self.chip.reset_wanted:
            self.asleep = False
            for _ in range(1000):
                if self.stuck or not self.uc.reg_read(UC_ARM_REG_PRIMASK) & 1:
                    break
                self.execute(8)
                if self.chip.reset_wanted:
                    return
            else:
                raise Violation("interrupts stay masked")
            if vector == SYSTICK:
                self.tick_pending = False
            self.handle(vector)

    def work(self):
        """Runs what there is to run within a quantum, at the present time."""
        self.follow_guard()
        self.interrupts()
        if not (self.asleep or self.stuck or self.chip.reset_wanted):
            self.execute(int(self.chip.hz("core") * QUANTUM_NS / 1e9))
            if self.asleep:
                # It may have asked for an interrupt before it fell asleep.
                self.interrupts()

    def wait(self):
        """Lets a quantum pass, or the time to the next tick when nothing can happen before."""
        chip = self.chip
        step = QUANTUM_NS
        if (self.asleep or self.stuck) and self.tick is not None and not chip.moving():
            step = max(step, -(-(self.tick - chip.now) // QUANTUM_NS) * QUANTUM_NS)
        chip.advance(int(chip.now + step))
        if self.tick is not None and chip.now >= self.tick:
            self.tick += self.period
            self.tick_pending = True
        if chip.reset_wanted:
            self.resets += 1
            chip.reset(chip.reset_wanted)
            self.start()

    @property
    def idle(self):
        """Whether nothing will happen but ticks."""
        quiet = self.pending() is None and not self.chip.busy() and not self.chip.reset_wanted
        return quiet and (self.asleep or self.stuck)
