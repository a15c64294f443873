"""How often a caller may ask."""

from __future__ import annotations

import pytest

from sensorium.service.limits import Counts, Limiter, RateError, network_of


class Clock:
    """Seconds that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_one_too_many_is_refused_and_told_when_to_come_back() -> None:
    clock = Clock()
    limiter = Limiter(clock=clock)
    left = [limiter.hit("read", "a", 3).remaining for _ in range(3)]
    assert left == [2, 1, 0]
    with pytest.raises(RateError) as caught:
        limiter.hit("read", "a", 3)
    error = caught.value
    assert (error.status, error.code) == (429, "rate")
    assert 1 <= int(error.headers["Retry-After"]) <= 60
    assert error.headers["RateLimit-Policy"] == '"read";q=3;w=60'
    assert error.headers["RateLimit"].startswith('"read";r=0;t=')
    assert limiter.hit("read", "b", 3).remaining == 2
    assert limiter.hit("write", "a", 3).remaining == 2


def test_windows_slide() -> None:
    clock = Clock()
    limiter = Limiter(clock=clock)
    clock.now = 59.0
    for _ in range(10):
        limiter.hit("read", "a", 10)
    clock.now = 60.0
    with pytest.raises(RateError):
        limiter.hit("read", "a", 10)
    clock.now = 90.0
    for _ in range(5):
        limiter.hit("read", "a", 10)
    with pytest.raises(RateError):
        limiter.hit("read", "a", 10)
    clock.now = 240.0
    assert limiter.hit("read", "a", 10).remaining == 9


def test_looking_counts_nothing() -> None:
    limiter = Limiter(clock=Clock())
    for _ in range(5):
        limiter.check("authenticate", "a", 1)
    limiter.hit("authenticate", "a", 1)
    with pytest.raises(RateError):
        limiter.check("authenticate", "a", 1)


def test_many_callers_take_bounded_memory_and_the_latest_are_kept() -> None:
    counts = Counts(100, Clock())
    for number in range(5_000):
        counts.acquire_sliding_window_entry("steady", 10**6, 60)
        counts.acquire_sliding_window_entry(str(number), 10, 60)
    assert len(counts) == 100
    assert counts.get("steady") == 5_000
    assert counts.get("0") == 0


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("testclient", "testclient"),
    ],
)
def test_a_customer_of_ipv6_is_one_caller(address: str, network: str) -> None:
    assert network_of(address) == network
