//! How the process keeps its memory.

/// Asks the allocator to keep freed memory for the next use. Otherwise it returns every large block to the operating
/// system, and each temporary integer of a large parameter set is paid for twice: once to compute it, once to get
/// pages for it. To be called once, before other threads start; does nothing where the allocator is not glibc's.
pub fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    glibc::keep_freed_memory();
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code, reason = "the allocator's settings are a function of C")]
mod glibc {
    use std::ffi::c_int;

    // The numbers of malloc.h.
    const TRIM_THRESHOLD: c_int = -1;
    const MMAP_MAX: c_int = -4;

    unsafe extern "C" {
        fn mallopt(parameter: c_int, value: c_int) -> c_int;
    }

    pub(super) fn keep_freed_memory() {
        // No block is a mapping of its own, and heaps are not trimmed.
        for (parameter, value) in [(MMAP_MAX, 0), (TRIM_THRESHOLD, c_int::MAX)] {
            // SAFETY: mallopt takes any numbers, and returns 0 for those it does not know.
            unsafe { mallopt(parameter, value) };
        }
    }
}
