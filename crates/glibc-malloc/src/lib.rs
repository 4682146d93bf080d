//! Settings of glibc's allocator, and the only unsafe code of bailiwick: a call of C's `mallopt`, for which no crate has a safe one.
//!
//! # Why any
//!
//! glibc takes what is large from the operating system, and gives it back as soon as it is freed. What is large, it learns: from 128 KiB
//! on at first, and whenever something larger is freed, from there on, up to 32 MiB. That is right for who needs the same again, and wrong
//! for who loads a million registrations once. The lists that are made on the way have 8, 16, 24 MiB, so that all but the first few
//! lie in the arenas of the threads that have made them, among what is kept. Thereby they are never given back.
//!
//! With a limit that stays where it is, a million rows took 752 bytes each where they took 832 (`bailiwick_registration_bytes` of one binary,
//! with and without, when there was more that was made on the way than now). It makes no difference whether that limit is 128 KiB, 256 KiB, 1 MiB or 4 MiB, so it is the largest of these: answers and
//! request bodies are smaller as a rule, and to ask the operating system for each would cost more than it is worth.

/// Lets glibc's allocator take from the operating system, and give back to it at once, each block of so many bytes and more, whatever has
/// been freed before, and keep no more than twice as much unused at the end of an arena. To be called before there are threads; whether it
/// could be done. Where another allocator is used, nothing comes of it.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[must_use]
pub fn set_large_from(bytes: i32) -> bool {
    #[expect(unsafe_code, reason = "`mallopt` is a function of C")]
    let set = |parameter, value| {
        // SAFETY: it takes two numbers and keeps the second in a word of its own, under the lock of the main arena. Threads that allocate
        // meanwhile read that word without the lock (`mallopt(3)`: `const:mallopt`), and see the old number or the new.
        unsafe { libc::mallopt(parameter, value) == 1 }
    };
    set(libc::M_MMAP_THRESHOLD, bytes) && set(libc::M_TRIM_THRESHOLD, bytes.saturating_mul(2))
}

/// Does nothing: there is no such allocator here.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
#[must_use]
pub fn set_large_from(_bytes: i32) -> bool {
    false
}

#[cfg(all(test, target_os = "linux", target_env = "gnu"))]
mod tests {
    use super::*;

    /// How much of memory is mapped for large blocks, as the operating system counts what a process may use.
    fn mapped() -> usize {
        let status = std::fs::read_to_string("/proc/self/status").expect("Linux says it");
        let size = status.lines().find_map(|line| line.strip_prefix("VmSize:")?.strip_suffix("kB"));
        1024 * size.and_then(|size| size.trim().parse::<usize>().ok()).expect("a number")
    }

    #[test]
    fn what_is_large_is_given_back_whatever_was_freed_before() {
        const MIB: usize = 1 << 20;
        assert!(set_large_from(4 << 20));
        // From this on it would be 31 MiB otherwise.
        drop(std::hint::black_box(vec![1_u8; 31 * MIB]));
        let before = mapped();
        let blocks: Vec<Vec<u8>> = (0..8).map(|_| std::hint::black_box(vec![1; 16 * MIB])).collect();
        let small = std::hint::black_box(vec![1_u8; MIB]);
        assert!(mapped() >= before + 8 * 16 * MIB);
        drop(blocks);
        // Although something that was asked for later is still there.
        assert!(mapped() < before + 16 * MIB, "{} MiB more", (mapped() - before) / MIB);
        drop(small);
    }
}
