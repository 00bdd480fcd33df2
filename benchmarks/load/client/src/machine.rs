//! What the measuring program takes of the machine, and is allowed.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

/// Seconds this process has spent on a processor: near the wall's, it was itself what kept a service from more.
#[must_use]
pub fn processor_seconds() -> f64 {
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    spent.tv_sec as f64 + spent.tv_nsec as f64 / 1e9
}

/// Raises the limit of open files as far as it goes up to so many: every connection is one.
///
/// # Errors
/// The system allows fewer.
pub fn allow_files(wanted: usize) -> std::io::Result<()> {
    let wanted = wanted as u64 + 64;
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < wanted) {
        setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum })?;
    }
    Ok(())
}
