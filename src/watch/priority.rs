use rustix::process::setpriority_process;
use rustix::thread::gettid;

/// How much the threads that load and compare stand back behind those that answer, in steps of `nice`.
const NICE: i32 = 10;

/// Lets those that answer go first where there are not enough cores for both.
pub(super) fn stand_back() {
    // Where that is not allowed, all are equal.
    let _ = setpriority_process(Some(gettid()), NICE);
}

/// Lets the threads that rayon scans and builds with stand back too. To be called once, before any work is given out.
pub fn stand_back_all() {
    let pool = rayon::ThreadPoolBuilder::new().start_handler(|_| stand_back()).thread_name(|at| format!("build-{at}"));
    // Somebody else may have set the pool up already, as tests do.
    let _ = pool.build_global();
}
