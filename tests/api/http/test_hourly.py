"""Work that a server does from time to time."""

from api.http.hourly import HOUR_S, Hourly


def test_hourly__works_at_once_and_then_once_an_hour() -> None:
    done = list[float]()
    clock = [0.0]
    hourly = Hourly(lambda: done.append(clock[0]))
    hourly.monotonic = lambda: clock[0]
    for clock[0] in (0.0, 1.0, HOUR_S - 1, HOUR_S, HOUR_S + 1, 2.5 * HOUR_S):
        hourly()
    assert done == [0.0, HOUR_S, 2.5 * HOUR_S]


def test_hourly__that_fails_is_tried_again_in_an_hour() -> None:
    def fail() -> None:
        raise OSError

    hourly = Hourly(fail)
    for failed in (True, False):
        try:
            hourly()
        except OSError:
            assert failed
