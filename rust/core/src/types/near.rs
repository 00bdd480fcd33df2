//! Asking the processor to bring memory near before it is needed.
//!
//! One of two files with `unsafe`: the instruction takes a pointer. It is sound for any, since a hint neither reads nor writes
//! as far as the program can tell; here it is a reference's.
#![allow(unsafe_code)]

/// Brings the cache line near in which a value begins, while other work goes on. A hint: it may do nothing.
#[inline]
pub(crate) fn bring_near<T>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a hint about an address that a reference holds.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(value).cast()) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}
