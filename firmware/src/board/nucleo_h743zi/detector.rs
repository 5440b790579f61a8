//! The detector: a voltage that is sampled and averaged over the dwell, or pulses that are counted
//! in it.
//!
//! | pin | what | connector |
//! | --- | --- | --- |
//! | PC0 | ADC1 input 10: 0 to 3.3 V | CN9, 3 |
//! | PE7 | TIM1 external trigger: pulses | CN10, 20 |
//! | PE8 | open: PC0 is sampled; joined to ground: pulses on PE7 are counted | CN10, 18 |
//!
//! The wiring says which of the two it is, so that no reset and no host can change it.
//!
//! The exposure timer's own output, which is the beam's, opens the gate of what samples and of what
//! counts. Nothing outside of the dwell is read, whatever the main loop does.
//!
//! - Samples: TIM3 runs while the gate is open, each of its periods triggers a conversion, and the
//!   DMA stores it.
//! - Pulses: TIM1 counts them while the gate is open, and TIM4 how often TIM1 was full.

use cortex_m::peripheral::SCB;
use stm32_metapac::adc::regs::Cr;
use stm32_metapac::adc::vals::{Adstp, Boost, Dmngt, Exten, Ovrmod, Pcsel, SampleTime};
use stm32_metapac::adccommon::vals::Presc;
use stm32_metapac::dma::vals::{Pl, Size};
use stm32_metapac::gpio::vals::{Idr, Moder, Pupdr};
use stm32_metapac::rcc::vals::Adcsel;
use stm32_metapac::timer::vals::{Mms, Sms, Ts};
use stm32_metapac::{ADC1, ADC12_COMMON, DMA1, DMAMUX1, GPIOE, RCC, TIM1, TIM3, TIM4};

use super::{CORE_HZ, PATIENCE, TIMER_HZ, use_pin};
use crate::board::memory::Once;
use beacon_kernel::link::message::Reading;

/// GPIOE: pulses.
const PIN_PULSES: usize = 7;
/// GPIOE: joined to ground where pulses are counted.
const PIN_COUNTS: usize = 8;
/// Alternate function of PE7: TIM1's external trigger.
const PIN_IS_TIM1: u8 = 1;
/// ADC1's input at PC0, which is analog from reset.
const INPUT: usize = 10;
/// ADC1's trigger 4: TIM3's output.
const TRIGGER_IS_TIM3: u8 = 4;
/// DMAMUX1's request 9: ADC1.
const REQUEST_IS_ADC1: u8 = 9;

/// Distance of two samples at least, in µs. The converter's clock of 64 MHz / 4, which revision V
/// halves once more, makes 17 cycles of a conversion last 2.1 µs at most.
const SAMPLE_US: u32 = 4;
/// Samples of an exposure at most: longer ones are sampled at longer distances, of 58.6 ms at most.
const MOST_SAMPLES: u32 = 1024;
/// The largest code: a voltage above the converter's range has it as well.
const LARGEST_CODE: u16 = u16::MAX;
/// How full TIM4 may be: TIM1 and TIM4 together count to 2^24 - 1, the numbers that a reading's f32
/// tells apart.
const FULL: u16 = (1 << 8) - 1;
/// The converter's supply needs 10 µs to start; twice that.
const SUPPLY_CYCLES: u32 = CORE_HZ / 50_000;

/// How often a flag is looked at that comes within a conversion: some 100 µs.
const SHORT_PATIENCE: u32 = 5_000;

/// Samples of an exposure, alone in their cache lines. Only the DMA writes them after start-up, so
/// that the cache never holds anything that memory does not.
#[repr(C, align(32))]
struct Samples([u16; MOST_SAMPLES as usize]);

// SAFETY: the section holds nothing but zeroes, which start-up writes before `main`.
#[unsafe(link_section = ".axisram")]
static SAMPLES: Once<Samples> = Once::new(Samples([0; MOST_SAMPLES as usize]));

enum Input {
    /// A voltage; where the DMA stores its samples.
    Voltage(&'static mut Samples),
    /// Pulses.
    Pulses,
}

/// A detector, and what it was told of the last exposure.
pub(super) struct Detector {
    input: Input,
    scb: SCB,
    /// Samples that the exposure takes, or 1 where pulses are counted; 0 where nothing is read.
    expected: u32,
}

impl Detector {
    /// The detector that the wiring says; `None` when the converter does not become ready.
    pub(super) fn start(scb: SCB) -> Option<Self> {
        RCC.ahb4enr().modify(|w| w.set_gpioeen(true));
        let _ = RCC.ahb4enr().read();
        GPIOE.pupdr().modify(|w| {
            w.set_pupdr(PIN_PULSES, Pupdr::PULL_DOWN);
            w.set_pupdr(PIN_COUNTS, Pupdr::PULL_UP);
        });
        GPIOE
            .moder()
            .modify(|w| w.set_moder(PIN_COUNTS, Moder::INPUT));
        // An open line has to rise.
        cortex_m::asm::delay(SUPPLY_CYCLES);
        let input = if GPIOE.idr().read().idr(PIN_COUNTS) == Idr::LOW {
            start_counters();
            Input::Pulses
        } else {
            let samples = SAMPLES.take()?;
            start_converter(samples)?;
            Input::Voltage(samples)
        };
        Some(Self {
            input,
            scb,
            expected: 0,
        })
    }

    /// Whether it counts pulses.
    pub(super) fn counts(&self) -> bool {
        matches!(self.input, Input::Pulses)
    }

    /// The shortest dwell that it can read, in µs.
    pub(super) fn shortest_us(&self) -> u32 {
        match self.input {
            Input::Voltage(_) => SAMPLE_US,
            Input::Pulses => 1,
        }
    }

    /// Prepares for an exposure, whose beam is still off.
    pub(super) fn prepare(&mut self, dwell_us: u32) {
        self.expected = match self.input {
            Input::Voltage(_) => prepare_samples(dwell_us),
            Input::Pulses => {
                TIM1.cnt().write(|w| w.set_cnt(0));
                TIM4.cnt().write(|w| w.set_cnt(0));
                TIM4.sr().write(|w| w.set_uif(false));
                1
            }
        };
    }

    /// Reads nothing of the exposure, which was cut short.
    pub(super) fn forget(&mut self) {
        self.expected = 0;
    }

    /// What it gave over the dwell, which is over.
    pub(super) fn reading(&mut self) -> Option<Reading> {
        if self.expected == 0 {
            return None;
        }
        match &self.input {
            Input::Pulses => {
                let times_full = u32::from(TIM4.cnt().read().cnt());
                let count = times_full << 16 | u32::from(TIM1.cnt().read().cnt());
                Some(Reading {
                    value: count as f32,
                    saturated: false,
                    overflowed: TIM4.sr().read().uif(),
                })
            }
            Input::Voltage(Samples(samples)) => {
                if DMA1.st(0).ndtr().read().ndt() != 0 {
                    // The converter did not keep up.
                    return None;
                }
                // SAFETY: whole cache lines of their own, which nothing but the DMA writes.
                unsafe {
                    self.scb.invalidate_dcache_by_address(
                        samples.as_ptr() as usize,
                        size_of::<Samples>(),
                    );
                }
                let mut sum = 0_u32;
                let mut saturated = false;
                for sample in samples.iter().take(self.expected as usize) {
                    // SAFETY: a reference is a valid pointer. Volatile because the DMA writes here.
                    let sample = unsafe { core::ptr::from_ref(sample).read_volatile() };
                    // 1024 codes of 16 bits fit.
                    sum = sum.wrapping_add(u32::from(sample));
                    saturated |= sample == LARGEST_CODE;
                }
                Some(Reading {
                    value: (f64::from(sum) / f64::from(self.expected)) as f32,
                    saturated,
                    overflowed: false,
                })
            }
        }
    }
}

/// Waits for a flag, but not for ever: so often it is looked at.
fn wait(mut patience: u32, mut is_set: impl FnMut() -> bool) -> Option<()> {
    while !is_set() {
        patience = patience.checked_sub(1)?;
    }
    Some(())
}

/// Writes ADC1's control register: its commands are bits that writing 0 leaves alone.
fn command(command: impl FnOnce(&mut Cr)) {
    ADC1.cr().modify(|w| {
        w.set_adcal(false);
        w.set_adstp(Adstp::from_bits(0));
        w.set_adstart(false);
        w.set_addis(false);
        w.set_aden(false);
        command(w);
    });
}

/// The converter, which waits for triggers of TIM3, and the DMA that stores what it makes of them.
fn start_converter(samples: &Samples) -> Option<()> {
    RCC.d3ccipr().modify(|w| w.set_adcsel(Adcsel::PER));
    RCC.ahb1enr().modify(|w| {
        w.set_adc12en(true);
        w.set_dma1en(true);
    });
    RCC.apb1lenr().modify(|w| w.set_tim3en(true));
    let _ = RCC.apb1lenr().read();

    // Section 25.4.6: out of deep power-down, supply on, calibrated, enabled.
    ADC12_COMMON.ccr().modify(|w| w.set_presc(Presc::DIV4));
    command(|w| w.set_deeppwd(false));
    command(|w| {
        w.set_advregen(true);
        // 8 MHz in revision V; the one bit that revision Y has allows its 16 MHz.
        w.set_boost(Boost::LT12_5);
    });
    cortex_m::asm::delay(SUPPLY_CYCLES);
    command(|w| {
        w.set_adcallin(true);
        w.set_adcal(true);
    });
    wait(PATIENCE, || !ADC1.cr().read().adcal())?;
    ADC1.isr().write(|w| w.set_adrdy(true));
    command(|w| w.set_aden(true));
    wait(SHORT_PATIENCE, || ADC1.isr().read().adrdy())?;

    ADC1.pcsel()
        .modify(|w| w.set_pcsel(INPUT, Pcsel::PRESELECTED));
    ADC1.smpr(INPUT / 10)
        .modify(|w| w.set_smp(INPUT % 10, SampleTime::CYCLES8_5));
    // One conversion a trigger.
    ADC1.sqr1().modify(|w| w.set_sq(0, INPUT as u8));
    ADC1.cfgr().modify(|w| {
        w.set_extsel(TRIGGER_IS_TIM3);
        w.set_exten(Exten::RISING_EDGE);
        w.set_ovrmod(Ovrmod::OVERWRITE);
        w.set_dmngt(Dmngt::DMA_ONE_SHOT);
    });

    DMAMUX1.ccr(0).modify(|w| w.set_dmareq_id(REQUEST_IS_ADC1));
    let stream = DMA1.st(0);
    stream.par().write_value(ADC1.dr().as_ptr() as u32);
    stream.m0ar().write_value(samples.0.as_ptr() as u32);
    stream.cr().write(|w| {
        w.set_minc(true);
        w.set_psize(Size::BITS16);
        w.set_msize(Size::BITS16);
        w.set_pl(Pl::HIGH);
    });

    TIM3.psc().write_value((TIMER_HZ / 1_000_000 - 1) as u16);
    TIM3.cr2().modify(|w| w.set_mms(Mms::UPDATE));
    set_gate(TIM3.smcr());
    Some(())
}

type Smcr =
    stm32_metapac::common::Reg<stm32_metapac::timer::regs::SmcrGp16, stm32_metapac::common::RW>;

/// Lets a timer run while the beam is on: ITR1 of TIM1 and of TIM3 is TIM2.
fn set_gate(smcr: Smcr) {
    // Not at once: the choice must not change while it is used.
    smcr.modify(|w| w.set_ts(Ts::ITR1));
    smcr.modify(|w| w.set_sms(Sms::GATED_MODE));
}

/// Has so many samples of the dwell taken; returns how many, 0 when it is too short or the converter
/// does not stop.
fn prepare_samples(dwell_us: u32) -> u32 {
    let period_us = dwell_us.div_ceil(MOST_SAMPLES).max(SAMPLE_US);
    let count = dwell_us / period_us;
    let stream = DMA1.st(0);
    if ADC1.cr().read().adstart() {
        command(|w| w.set_adstp(Adstp::STOP));
    }
    stream.cr().modify(|w| w.set_en(false));
    let stopped = wait(SHORT_PATIENCE, || {
        !ADC1.cr().read().adstart() && !stream.cr().read().en()
    });
    if count == 0 || stopped.is_none() {
        return 0;
    }
    // The first sample lies before the middle of the first period, so that the last one is converted
    // before the beam is off.
    let first_us = period_us / 2 - 1;
    TIM3.cr1().modify(|w| w.set_cen(false));
    TIM3.arr().write(|w| w.set_arr((period_us - 1) as u16));
    // Begins a new microsecond. The converter, which is stopped, takes no trigger from it.
    TIM3.egr().write(|w| w.set_ug(true));
    TIM3.cnt()
        .write(|w| w.set_cnt((period_us - first_us) as u16));
    TIM3.cr1().modify(|w| w.set_cen(true));

    DMA1.ifcr(0).write(|w| {
        w.set_feif(0, true);
        w.set_dmeif(0, true);
        w.set_teif(0, true);
        w.set_htif(0, true);
        w.set_tcif(0, true);
    });
    stream.ndtr().write(|w| w.set_ndt(count as u16));
    stream.cr().modify(|w| w.set_en(true));
    ADC1.isr().write(|w| w.set_ovr(true));
    command(|w| w.set_adstart(true));
    count
}

/// TIM1 counts pulses while the beam is on, and TIM4 how often TIM1 was full: its ITR0 is TIM1.
fn start_counters() {
    RCC.apb1lenr().modify(|w| w.set_tim4en(true));
    RCC.apb2enr().modify(|w| w.set_tim1en(true));
    let _ = RCC.apb2enr().read();
    use_pin(GPIOE, PIN_PULSES, PIN_IS_TIM1);

    TIM1.arr().write(|w| w.set_arr(u16::MAX));
    TIM1.cr2().modify(|w| w.set_mms(Mms::UPDATE));
    set_gate(TIM1.smcr());
    TIM1.smcr().modify(|w| w.set_ece(true));

    TIM4.arr().write(|w| w.set_arr(FULL));
    TIM4.smcr().modify(|w| w.set_ts(Ts::ITR0));
    TIM4.smcr().modify(|w| w.set_sms(Sms::EXT_CLOCK_MODE));
    TIM4.cr1().modify(|w| w.set_cen(true));
    TIM1.cr1().modify(|w| w.set_cen(true));
}
