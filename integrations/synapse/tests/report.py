"""What a run shows, line by line, and whether all of it held."""

from __future__ import annotations


class Report:
    """Prints each thing that is shown with what came of it."""

    def __init__(self) -> None:
        self.held, self.failed = 0, 0

    def is_(self, what: str, is_: object, should: object) -> None:
        """`is_` must be `should`."""
        if is_ == should:
            self.held += 1
            print(f"ok  {what}: {is_}", flush=True)
        else:
            self.failed += 1
            print(f"FAILED  {what}: {is_!r} instead of {should!r}", flush=True)

    def true(self, what: str, is_: bool, shown: object) -> None:
        """Something must be so; `shown` says what was seen."""
        self.held, self.failed = self.held + is_, self.failed + (not is_)
        print(f"{'ok ' if is_ else 'FAILED '} {what}: {shown}", flush=True)

    def time(self, what: str, seconds: float) -> None:
        """Printed only: how fast this machine is decides nothing."""
        print(f"    {what} {seconds * 1000:.0f} ms", flush=True)

    def exit_code(self) -> int:
        print(f"{self.held} passed, {self.failed} failed", flush=True)
        return 1 if self.failed or not self.held else 0
