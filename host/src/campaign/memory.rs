//! How much memory the process has needed.

/// The most memory that this process has had resident at once, in bytes; `None` where the system
/// has no such figure: Linux has `VmHWM`.
pub(super) fn peak_bytes() -> Option<u64> {
    parse(&std::fs::read_to_string("/proc/self/status").ok()?)
}

fn parse(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Oracle: the form that proc_pid_status(5) gives.
    #[test]
    fn the_high_water_mark_is_read_in_bytes() {
        let status = "Name:\tbeacon\nVmPeak:\t  431764 kB\nVmHWM:\t   12052 kB\nVmRSS:\t 9000 kB\n";
        assert_eq!(parse(status), Some(12_341_248));
        for other in ["", "VmHWM:\t12052\n", "VmHWM:\t-1 kB\n", "VmRSS:\t1 kB\n"] {
            assert_eq!(parse(other), None, "{other}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn memory_that_was_given_back_still_counts() {
        let size = 64 << 20;
        drop(std::hint::black_box(vec![1_u8; size]));
        assert!(peak_bytes().unwrap() > size as u64);
    }
}
