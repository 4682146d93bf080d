use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::Write;
use std::panic::{Location, PanicHookInfo};

/// Says of a panic where it was, and not what was in the way: a message that is put together may hold a piece of the
/// file that was being read, and so a token. (That of a text cut within a character repeats the text.) It goes to the log
/// where there is one, for the reasons that a log line does, else to standard error.
pub fn report() {
    std::panic::set_hook(Box::new(tell));
}

fn tell(panic: &PanicHookInfo<'_>) {
    let what = described(panic.payload(), panic.location());
    let thread = std::thread::current().name().unwrap_or("without a name").to_owned();
    // Functions and lines of this program, where `RUST_BACKTRACE` asks for them.
    let backtrace = Backtrace::capture();
    if super::logging::is_on() {
        tracing::error!(thread, "{what}");
    } else {
        // Nowhere to report that standard error is closed.
        let _ = writeln!(std::io::stderr(), "bailiwick: {what} (thread `{thread}`)");
    }
    if backtrace.status() == BacktraceStatus::Captured {
        let _ = writeln!(std::io::stderr(), "{backtrace}");
    }
}

fn described(payload: &dyn Any, location: Option<&Location<'_>>) -> String {
    let place = location.map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    // A literal stands in the source.
    let message = payload.downcast_ref::<&'static str>().copied();
    let message = message.unwrap_or("its message is not shown, since it may hold what a file holds");
    format!("a panic, which is a defect of bailiwick, at {place}: {message}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_in_the_source_is_said() {
        let here = Location::caller();
        let put_together: Box<dyn Any> =
            Box::new("byte index 3 is not a char boundary of `t\u{f6}ken-secret`".to_owned());
        let said = described(&*put_together, Some(here));
        assert!(said.contains("panics.rs:") && said.contains("not shown") && !said.contains("secret"), "{said}");
        let literal: Box<dyn Any> = Box::new("answers hold only strings");
        assert!(described(&*literal, None).ends_with(": answers hold only strings"));
    }

    #[test]
    fn panics_are_of_the_two_kinds() {
        let caught = |run: fn()| std::panic::catch_unwind(run).expect_err("it panics");
        assert!(caught(|| panic!("a literal")).is::<&'static str>());
        let cut = caught(|| {
            let text = std::hint::black_box("t\u{f6}ken");
            let _ = std::hint::black_box(&text[..2]);
        });
        assert!(cut.downcast_ref::<String>().is_some_and(|message| message.contains("ken")));
    }
}
