//! ST's Nucleo-H743ZI: both converters and a blanking pin, the link over the ST-Link's serial
//! port.
//!
//! | pin | what | connector |
//! | --- | --- | --- |
//! | PA4 | DAC1 channel 1: x | CN7, 17 |
//! | PA5 | DAC1 channel 2: y | CN7, 10 |
//! | PA0 | TIM2 channel 1: high = beam on the specimen | CN10, 29 |
//! | PA3 | TIM2 channel 4, gate: high = beam on, where it is asked for | CN9, 1 |
//! | PA6 | ready: high = the detector is ready, where it is asked for | CN7, 12 |
//! | PC0, PE7, PE8 | the detector: [`detector`] | |
//! | PD8, PD9 | USART3 to the ST-Link | – |
//!
//! Nothing here blocks: a timer ends every exposure by itself, even when the core hangs.
//! References are to RM0433, revision 8.

mod counter;
mod detector;

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::crash::Message;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m::peripheral::{DWT, NVIC};
use cortex_m_rt::exception;
use heapless::spsc::{Consumer, Producer};
use stm32_metapac::dac::vals::Mode;
use stm32_metapac::gpio::Gpio;
use stm32_metapac::gpio::vals::{Idr, Moder, Pupdr};
use stm32_metapac::iwdg::vals::{Key, Pr};
use stm32_metapac::pwr::vals::Vos;
use stm32_metapac::rcc::vals::{Hpre, Plldiv, Pllm, Plln, Pllrge, Pllsrc, Pllvcosel, Ppre, Sw};
use stm32_metapac::timer::vals::{Mms, OcmGp};
use stm32_metapac::{
    DAC1, FLASH, GPIOA, GPIOD, IWDG1, Interrupt, PWR, RCC, TIM2, USART3, interrupt,
};

#[cfg(feature = "defmt")]
use defmt_rtt as _;

pub use counter::Counter;
use detector::Detector;

use super::serial::{Ends, Owned, Serial};
use super::{Hardware, baud_divider, crash_store, start};
use beacon_kernel::link::Exposure;
use beacon_kernel::link::message::{BeamFault, Reading, Signals, Which};

/// The core: the fastest that both revisions of the chip allow (V: 480 MHz, Y: 400 MHz).
const CORE_HZ: u32 = 400_000_000;
/// USART3's kernel clock, APB1: a quarter of the core's.
const APB1_HZ: u32 = CORE_HZ / 4;
/// TIM2's clock: timers run at twice their divided bus.
const TIMER_HZ: u32 = 2 * APB1_HZ;
/// What the ST-Link's serial port and the host's driver take without loss, or what the image is
/// built for.
const BAUD: u32 = match option_env!("BEACON_BAUD") {
    None => 2_000_000,
    Some(text) => match u32::from_str_radix(text, 10) {
        Ok(baud) => baud,
        Err(_) => panic!("BEACON_BAUD is no number of bits a second"),
    },
};
/// USART3 divides by 16 to 65535 (section 48.5.5).
const BAUD_DIVIDERS: (u32, u32) = (16, 65_535);
/// The divider from reset.
const BAUD_DIVIDER: u32 = match divider(BAUD) {
    Ok(divider) => divider,
    Err(_) => panic!("USART3 cannot run at this rate"),
};
/// Ticks of the exposure timer in a microsecond: 125 ns, as in the Open Beam Interface.
const TICKS_PER_MICROSECOND: u32 = 8;
/// The main loop must come round within this time: twice [`Hardware::WORK_MS`] and more, and
/// nearly as long as this watchdog can wait. Its oscillator is off by 10 % at most. Exposures end
/// without the main loop.
const WATCHDOG_SECONDS: u32 = 30;
/// The watchdog's oscillator (section 8.5.5) after its divider.
const WATCHDOG_HZ: u32 = 32_000 / 256;
/// Its twelve bits.
const WATCHDOG_RELOAD: u16 = {
    assert!(WATCHDOG_SECONDS * WATCHDOG_HZ <= 1 << 12);
    (WATCHDOG_SECONDS * WATCHDOG_HZ - 1) as u16
};
/// How often a clock that starts is asked before another one is taken: some 100 ms.
const PATIENCE: u32 = 1_000_000;

/// GPIOA: x.
const PIN_X: usize = 4;
/// GPIOA: y.
const PIN_Y: usize = 5;
/// GPIOA: high puts the beam on the specimen, so that a pin that is not driven blanks it.
const PIN_BEAM: usize = 0;
/// GPIOA: high tells a detector that the beam is on.
const PIN_GATE: usize = 3;
/// GPIOA: a detector that is ready drives it high.
const PIN_READY: usize = 6;
/// Alternate function of the blanking pin and of the gate: TIM2, channels 1 and 4.
const PIN_IS_TIM2: u8 = 1;
/// GPIOD: to the ST-Link.
const PIN_SEND: usize = 8;
/// GPIOD: from the ST-Link.
const PIN_RECEIVE: usize = 9;
/// Alternate function of both: USART3.
const SERIAL_IS_USART3: u8 = 7;

static RECEIVED: Owned<Producer<'static, u8>> = Owned::empty();
static TO_SEND: Owned<Consumer<'static, u8>> = Owned::empty();
static MILLISECONDS: AtomicU32 = AtomicU32::new(0);
static LOST: AtomicU32 = AtomicU32::new(0);
/// Milliseconds that an exposure still waits for its detector; 0 when none does.
static WAITING_MS: AtomicU32 = AtomicU32::new(0);
/// Whether the last exposure waited for its detector in vain.
static IN_VAIN: AtomicBool = AtomicBool::new(false);

/// The divider of USART3 for a rate.
///
/// # Errors
/// The nearest rate that it has.
const fn divider(baud: u32) -> Result<u32, u32> {
    baud_divider(APB1_HZ, baud, BAUD_DIVIDERS.0, BAUD_DIVIDERS.1)
}

/// Core at [`CORE_HZ`], from the ST-Link's 8 MHz if it sends them and else from the inner
/// oscillator, which is 1 % off at worst and good enough for the link.
fn start_clocks() {
    // The supply must be chosen before the voltage may be raised (section 6.4.1). The Nucleo
    // feeds the core from the chip's own regulator.
    PWR.cr3().modify(|w| {
        w.set_ldoen(true);
        w.set_scuen(true);
    });
    while !PWR.csr1().read().actvosrdy() {}
    PWR.d3cr().modify(|w| w.set_vos(Vos::SCALE1));
    while !PWR.d3cr().read().vosrdy() {}

    RCC.cr().modify(|w| w.set_hsebyp(true));
    RCC.cr().modify(|w| w.set_hseon(true));
    let mut patience = PATIENCE;
    while !RCC.cr().read().hserdy() && patience > 0 {
        patience -= 1;
    }
    let (source, divider) = if RCC.cr().read().hserdy() {
        (Pllsrc::HSE, Pllm::DIV1)
    } else {
        // 64 MHz.
        (Pllsrc::HSI, Pllm::DIV8)
    };
    // 8 MHz × 100 / 2 = 400 MHz.
    RCC.pllckselr().modify(|w| {
        w.set_pllsrc(source);
        w.set_divm(0, divider);
    });
    RCC.pllcfgr().modify(|w| {
        w.set_pllrge(0, Pllrge::RANGE8);
        w.set_pllvcosel(0, Pllvcosel::WIDE_VCO);
        w.set_pllfracen(0, false);
        w.set_divpen(0, true);
    });
    RCC.plldivr(0).modify(|w| {
        w.set_plln(Plln::MUL100);
        w.set_pllp(Plldiv::DIV2);
    });
    RCC.cr().modify(|w| w.set_pllon(0, true));
    while !RCC.cr().read().pllrdy(0) {}

    // Two wait states up to 210 MHz on the bus at this voltage (table 17).
    FLASH.acr().modify(|w| {
        w.set_latency(2);
        w.set_wrhighfreq(2);
    });
    while FLASH.acr().read().latency() != 2 {}
    RCC.d1cfgr().modify(|w| {
        w.set_d1cpre(Hpre::DIV1);
        w.set_hpre(Hpre::DIV2);
        w.set_d1ppre(Ppre::DIV2);
    });
    RCC.d2cfgr().modify(|w| {
        w.set_d2ppre1(Ppre::DIV2);
        w.set_d2ppre2(Ppre::DIV2);
    });
    RCC.d3cfgr().modify(|w| w.set_d3ppre(Ppre::DIV2));
    RCC.cfgr().modify(|w| w.set_sw(Sw::PLL1_P));
    while RCC.cfgr().read().sws() != Sw::PLL1_P {}
}

/// The core's own parts, once: stack guarded, clocks and caches on, cycles counted.
fn start_core() -> Option<cortex_m::Peripherals> {
    let mut core = cortex_m::Peripherals::take()?;
    start::guard_stack(&mut core.MPU, &mut core.SCB);
    start_clocks();
    core.SCB.enable_icache();
    core.SCB.enable_dcache(&mut core.CPUID);
    core.DCB.enable_trace();
    DWT::unlock();
    core.DWT.enable_cycle_counter();
    Some(core)
}

fn use_pin(port: Gpio, pin: usize, function: u8) {
    port.afr(pin / 8).modify(|w| w.set_afr(pin % 8, function));
    port.moder().modify(|w| w.set_moder(pin, Moder::ALTERNATE));
}

/// The link: 8 data bits, no parity, one stop bit, with the 16-byte queues of the hardware.
fn start_serial() {
    RCC.ahb4enr().modify(|w| w.set_gpioden(true));
    RCC.apb1lenr().modify(|w| w.set_usart3en(true));
    // The peripheral answers two bus cycles after its clock is on.
    let _ = RCC.apb1lenr().read();
    // Between the pin's setting and the ST-Link's start the line may float.
    GPIOD
        .pupdr()
        .modify(|w| w.set_pupdr(PIN_RECEIVE, Pupdr::PULL_UP));
    use_pin(GPIOD, PIN_SEND, SERIAL_IS_USART3);
    use_pin(GPIOD, PIN_RECEIVE, SERIAL_IS_USART3);
    set_divider(BAUD_DIVIDER);
}

/// Switches USART3 on at a rate. What its queues held is lost.
fn set_divider(divider: u32) {
    // Nothing else may change while it is on.
    USART3.cr1().modify(|w| w.set_ue(false));
    USART3.brr().write(|w| w.set_brr(divider as u16));
    USART3.cr1().write(|w| {
        w.set_fifoen(true);
        w.set_te(true);
        w.set_re(true);
        w.set_rxneie(true);
    });
    USART3.cr1().modify(|w| w.set_ue(true));
}

/// Both converters at the middle of their range, buffered, on their pins.
fn start_converters() {
    RCC.apb1lenr().modify(|w| w.set_dac12en(true));
    let _ = RCC.apb1lenr().read();
    for pin in [PIN_X, PIN_Y] {
        GPIOA.moder().modify(|w| w.set_moder(pin, Moder::ANALOG));
    }
    for channel in [0, 1] {
        DAC1.mcr()
            .modify(|w| w.set_mode(channel, Mode::NORMAL_EXT_BUFEN));
        DAC1.dhr12r(channel).write(|w| w.set_dhr(1 << 11));
        DAC1.cr().modify(|w| w.set_en(channel, true));
    }
}

/// The timer that puts the beam on the specimen and takes it off again.
fn start_exposure_timer() {
    RCC.apb1lenr().modify(|w| w.set_tim2en(true));
    let _ = RCC.apb1lenr().read();
    TIM2.psc()
        .write_value((TIMER_HZ / (TICKS_PER_MICROSECOND * 1_000_000) - 1) as u16);
    set_outputs(OcmGp::FORCE_INACTIVE);
    // The detector's gate is the beam's.
    TIM2.cr2().modify(|w| w.set_mms(Mms::COMPARE_OC1));
    // Takes the divider over.
    TIM2.egr().write(|w| w.set_ug(true));
    TIM2.ccer().modify(|w| {
        w.set_cce(0, true);
        w.set_cce(3, true);
    });
    TIM2.cr1().modify(|w| w.set_opm(true));
    // Only now may the timer have the pin: its output is low.
    use_pin(GPIOA, PIN_BEAM, PIN_IS_TIM2);
    GPIOA
        .pupdr()
        .modify(|w| w.set_pupdr(PIN_READY, Pupdr::PULL_DOWN));
    GPIOA
        .moder()
        .modify(|w| w.set_moder(PIN_READY, Moder::INPUT));
}

/// What the beam's pin and the gate's do: the same, whether or not the gate's has the timer.
fn set_outputs(mode: OcmGp) {
    TIM2.ccmr_output(0).modify(|w| w.set_ocm(0, mode));
    TIM2.ccmr_output(1).modify(|w| w.set_ocm(1, mode));
}

/// Starts an exposure whose detector is ready, or gives it up when it has waited too long. In the
/// interrupt that counts the milliseconds, so that it ends whatever the main loop does.
fn look_after_detector() {
    let left = WAITING_MS.load(Ordering::Relaxed);
    if left == 0 {
        return;
    }
    if GPIOA.idr().read().idr(PIN_READY) == Idr::HIGH {
        WAITING_MS.store(0, Ordering::Relaxed);
        TIM2.cr1().modify(|w| w.set_cen(true));
        return;
    }
    WAITING_MS.store(left - 1, Ordering::Relaxed);
    if left == 1 {
        set_outputs(OcmGp::FORCE_INACTIVE);
        IN_VAIN.store(true, Ordering::Relaxed);
    }
}

fn start_watchdog() {
    IWDG1.kr().write(|w| w.set_key(Key::START));
    IWDG1.kr().write(|w| w.set_key(Key::ENABLE));
    IWDG1.pr().write(|w| w.set_pr(Pr::DIVIDE_BY256));
    IWDG1.rlr().write(|w| w.set_rl(WATCHDOG_RELOAD));
    while IWDG1.sr().read().pvu() || IWDG1.sr().read().rvu() {}
    IWDG1.kr().write(|w| w.set_key(Key::RESET));
}

#[interrupt]
fn USART3() {
    // An overrun goes on interrupting until it is noted.
    if USART3.isr().read().ore() {
        USART3.icr().write(|w| w.set_ore(true));
        LOST.fetch_add(1, Ordering::Relaxed);
    }
    // SAFETY: this handler is the queue's only producer.
    if let Some(queue) = unsafe { RECEIVED.get() } {
        while USART3.isr().read().rxne() {
            if queue.enqueue(USART3.rdr().read().dr() as u8).is_err() {
                LOST.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
    // SAFETY: this handler is the queue's only consumer.
    if let Some(queue) = unsafe { TO_SEND.get() } {
        while USART3.isr().read().txe() {
            let Some(byte) = queue.dequeue() else {
                // Nothing to send: the main loop asks again when there is.
                USART3.cr1().modify(|w| w.set_txeie(false));
                break;
            };
            USART3.tdr().write(|w| w.set_dr(u16::from(byte)));
        }
    }
}

#[exception]
fn SysTick() {
    look_after_detector();
    MILLISECONDS.fetch_add(1, Ordering::Relaxed);
}

/// Blanks the beam, before anything else runs.
pub(super) fn before_main() {
    RCC.ahb4enr().modify(|w| w.set_gpioaen(true));
    let _ = RCC.ahb4enr().read();
    blank_now();
    // Start-up clears what lies in the SRAM of the D2 domain.
    RCC.ahb2enr().modify(|w| {
        w.set_sram1en(true);
        w.set_sram2en(true);
        w.set_sram3en(true);
    });
    let _ = RCC.ahb2enr().read();
}

/// Blanks the beam from wherever something went wrong: takes the pin away from the timer.
pub fn blank_now() {
    GPIOA.bsrr().write(|w| w.set_br(PIN_BEAM, true));
    GPIOA.pupdr().modify(|w| {
        w.set_pupdr(PIN_BEAM, Pupdr::PULL_DOWN);
        w.set_pupdr(PIN_GATE, Pupdr::PULL_DOWN);
    });
    GPIOA.moder().modify(|w| {
        w.set_moder(PIN_BEAM, Moder::OUTPUT);
        w.set_moder(PIN_GATE, Moder::INPUT);
    });
}

/// The board's hardware.
pub struct Selected {
    serial: Serial,
    signals: Signals,
    detector: Option<Detector>,
}

impl Hardware for Selected {
    const NAME: &'static str = "nucleo-h743zi";
    const CLOCK_HZ: u32 = CORE_HZ;
    const WORK_MS: u32 = 12_000;

    fn take() -> Option<Self> {
        let mut core = start_core()?;

        if RCC.rsr().read().iwdg1rstf() {
            crash_store::count_watchdog_reset();
            crash_store::keep(&Message::new().with("watchdog: the main loop did not come round"));
        }
        RCC.rsr().modify(|w| w.set_rmvf(true));

        start_converters();
        start_exposure_timer();
        let detector = Detector::start(core.SCB);
        let (serial, Ends { received, to_send }) = super::serial::take()?;
        // SAFETY: the interrupt is enabled below.
        unsafe {
            RECEIVED.fill(received);
            TO_SEND.fill(to_send);
        }
        start_serial();
        core.SYST.set_clock_source(SystClkSource::Core);
        core.SYST.set_reload(CORE_HZ / 1000 - 1);
        core.SYST.clear_current();
        core.SYST.enable_interrupt();
        core.SYST.enable_counter();
        start_watchdog();
        // SAFETY: everything that the handler uses is in place.
        unsafe { NVIC::unmask(Interrupt::USART3) };
        Some(Self {
            serial,
            signals: Signals::default(),
            detector,
        })
    }

    fn receive(&mut self, into: &mut [u8]) -> usize {
        self.serial.receive(into)
    }

    fn send(&mut self, bytes: &[u8]) -> usize {
        let count = self.serial.send(bytes);
        if count > 0 {
            // The handler changes this register as well.
            cortex_m::interrupt::free(|_| USART3.cr1().modify(|w| w.set_txeie(true)));
        }
        count
    }

    fn lost_bytes(&self) -> u32 {
        LOST.load(Ordering::Relaxed)
    }

    fn check_baud(baud: u32) -> Result<(), u32> {
        divider(baud).map(|_| ())
    }

    fn set_baud(&mut self, baud: Option<u32>) {
        let divider = baud.map(divider).and_then(Result::ok);
        // The handler changes these registers as well.
        cortex_m::interrupt::free(|_| set_divider(divider.unwrap_or(BAUD_DIVIDER)));
    }

    fn has_sent(&self) -> bool {
        self.serial.has_sent() && USART3.isr().read().tc()
    }

    fn set_signals(&mut self, signals: Signals) -> Result<(), Which> {
        if signals.gate {
            use_pin(GPIOA, PIN_GATE, PIN_IS_TIM2);
        } else {
            GPIOA
                .moder()
                .modify(|w| w.set_moder(PIN_GATE, Moder::INPUT));
        }
        self.signals = signals;
        Ok(())
    }

    fn expose(&mut self, exposure: Exposure) {
        self.blank();
        // Twelve bits. The scan generator of the other board has its origin at the top left too.
        DAC1.dhr12r(0).write(|w| w.set_dhr(exposure.x >> 4));
        DAC1.dhr12r(1).write(|w| w.set_dhr(exposure.y >> 4));
        // The output is low up to the first count and high from there to the end, where the
        // timer stops. One count at least, or the pulse would begin at once.
        let settle = exposure
            .settle_us
            .saturating_mul(TICKS_PER_MICROSECOND)
            .max(1);
        let dwell = exposure.dwell_us.saturating_mul(TICKS_PER_MICROSECOND);
        if let Some(detector) = &mut self.detector {
            detector.forget();
        }
        if dwell == 0 {
            return;
        }
        if let Some(detector) = &mut self.detector {
            detector.prepare(exposure.dwell_us);
        }
        TIM2.cnt().write_value(0);
        TIM2.ccr(0).write_value(settle);
        TIM2.ccr(3).write_value(settle);
        TIM2.arr().write_value(settle.saturating_add(dwell) - 1);
        set_outputs(OcmGp::PWM_MODE2);
        match self.signals.ready_ms {
            // The interrupt starts it within a millisecond of the detector's word.
            Some(ms) => WAITING_MS.store(ms.saturating_add(1), Ordering::Relaxed),
            None => TIM2.cr1().modify(|w| w.set_cen(true)),
        }
    }

    fn exposing(&self) -> bool {
        // The one that is over first comes first: the interrupt may pass from one to the other.
        WAITING_MS.load(Ordering::Relaxed) > 0 || TIM2.cr1().read().cen()
    }

    fn beam_outcome(&self) -> Result<(), BeamFault> {
        if IN_VAIN.load(Ordering::Relaxed) {
            return Err(BeamFault::NotReady);
        }
        Ok(())
    }

    fn name(&self) -> &'static str {
        match &self.detector {
            Some(detector) if detector.counts() => "nucleo-h743zi counting",
            _ => Self::NAME,
        }
    }

    fn has_detector(&self) -> bool {
        self.detector.is_some()
    }

    fn shortest_reading_us(&self) -> u32 {
        let shortest = self.detector.as_ref().map(Detector::shortest_us);
        shortest.unwrap_or(Self::SHORTEST_DWELL_US)
    }

    fn reading(&mut self) -> Option<Reading> {
        if self.exposing() {
            return None;
        }
        self.detector.as_mut()?.reading()
    }

    fn blank(&mut self) {
        let is_cut = self.exposing() || IN_VAIN.load(Ordering::Relaxed);
        if let Some(detector) = self.detector.as_mut().filter(|_| is_cut) {
            detector.forget();
        }
        // Before the timer: what waits must not start it any more.
        WAITING_MS.store(0, Ordering::Relaxed);
        IN_VAIN.store(false, Ordering::Relaxed);
        set_outputs(OcmGp::FORCE_INACTIVE);
        TIM2.cr1().modify(|w| w.set_cen(false));
    }

    fn milliseconds(&self) -> u32 {
        MILLISECONDS.load(Ordering::Relaxed)
    }

    #[cfg(feature = "defmt")]
    fn ticks(&self) -> u32 {
        DWT::cycle_count()
    }

    fn feed_watchdog(&mut self) {
        IWDG1.kr().write(|w| w.set_key(Key::RESET));
    }

    fn sleep(&mut self) {
        // An interrupt between the look and the sleep stays pending, and ends the sleep.
        cortex_m::interrupt::free(|_| {
            if !self.serial.received.ready() {
                cortex_m::asm::wfi();
            }
        });
    }
}
