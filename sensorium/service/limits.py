"""How often a caller may ask: sliding windows of a minute, counted in this process.

Callers are many (any address may try), so counts are kept of the latest of them only. Who is pushed
out begins anew, which takes more addresses than there are places and gains one window's worth.
Processes count each for themselves: several replicas together allow as many times as much. Windows
lie on the monotonic clock, so that nobody is locked out when the wall clock is set back.
"""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

from limits import RateLimitItemPerMinute
from limits.storage.base import SlidingWindowCounterSupport, Storage
from limits.strategies import SlidingWindowCounterRateLimiter

from sensorium.service.problems import ServiceError

MOST_CALLERS = 100_000
"""Callers whose counts are kept, about 30 MB."""
WINDOW_SECONDS = 60


class RateError(ServiceError):
    """Somebody asks too often.

    Args:
        rate: what they have left.
    """

    def __init__(self, rate: Rate) -> None:
        super().__init__(
            429,
            "rate",
            f"more than {rate.most} requests to {rate.name} in a minute",
            "wait as long as Retry-After says, or ask for a higher limit (service.*_per_minute)",
            {"Retry-After": str(rate.reset_seconds), **rate.headers},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """What a caller has left."""

    name: str
    """Of the limit."""
    most: int
    """Requests in a window."""
    remaining: int
    """Requests left in this one."""
    reset_seconds: int
    """Until there are more."""

    @property
    def headers(self) -> dict[str, str]:
        """The headers that tell it, after draft-ietf-httpapi-ratelimit-headers."""
        return {
            "RateLimit-Policy": f'"{self.name}";q={self.most};w={WINDOW_SECONDS}',
            "RateLimit": f'"{self.name}";r={self.remaining};t={self.reset_seconds}',
        }


class Limiter:
    """Counts requests by caller.

    Args:
        most_callers: callers whose counts are kept at a time.
        clock: seconds that never go back.
    """

    def __init__(
        self, most_callers: int = MOST_CALLERS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._counts = Counts(most_callers, clock)
        self._windows = SlidingWindowCounterRateLimiter(self._counts)

    def hit(self, name: str, caller: str, most: int) -> Rate:
        """Count a request.

        Args:
            name: of the limit.
            caller: who.
            most: requests in a minute.

        Raises:
            RateError: that is one too many; it is not counted.
        """
        allowed = self._windows.hit(RateLimitItemPerMinute(most), name, caller)
        rate = self._rate(name, caller, most)
        if not allowed:
            raise RateError(rate)
        return rate

    def check(self, name: str, caller: str, most: int) -> None:
        """Refuse a caller who has nothing left, and count nothing.

        Raises:
            RateError: nothing is left.
        """
        if not self._windows.test(RateLimitItemPerMinute(most), name, caller):
            raise RateError(self._rate(name, caller, most))

    def _rate(self, name: str, caller: str, most: int) -> Rate:
        key = RateLimitItemPerMinute(most).key_for(name, caller)
        before, share, current, left = self._counts.get_sliding_window(key, WINDOW_SECONDS)
        used = before * share / WINDOW_SECONDS + current
        return Rate(
            name=name,
            most=most,
            remaining=max(0, int(most - used)),
            reset_seconds=max(1, ceil(left - WINDOW_SECONDS)),
        )


class Counts(Storage, SlidingWindowCounterSupport):
    """Counts of two windows by key, for the latest keys.

    Args:
        most: keys that are kept.
        clock: seconds that never go back.
    """

    STORAGE_SCHEME = None

    def __init__(self, most: int, clock: Callable[[], float]) -> None:
        super().__init__()
        self._most, self._clock = most, clock
        self._kept: OrderedDict[str, tuple[int, int, int]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def base_exceptions(self) -> type[Exception]:
        """What a failing storage raises; this one does not fail."""
        return ValueError

    def acquire_sliding_window_entry(
        self, key: str, limit: int, expiry: int, amount: int = 1
    ) -> bool:
        """Count a request if that leaves the window within its limit; gives whether it did."""
        with self._lock:
            window, into = divmod(self._clock(), expiry)
            before, current = self._of(key, int(window))
            if int(before * (expiry - into) / expiry) + current + amount > limit:
                return False
            self._kept[key] = (int(window), before, current + amount)
            self._kept.move_to_end(key)
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)
            return True

    def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        """Give both windows' counts, each with the seconds for which it still matters."""
        with self._lock:
            window, into = divmod(self._clock(), expiry)
            before, current = self._of(key, int(window))
            return before, expiry - into, current, 2 * expiry - into

    def clear_sliding_window(self, key: str, expiry: int) -> None:  # noqa: ARG002
        """Forget a key."""
        self.clear(key)

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count without a limit."""
        self.acquire_sliding_window_entry(key, 2**63, expiry, amount)
        return self.get(key)

    def get(self, key: str) -> int:
        """Give the count of a key's latest window."""
        with self._lock:
            return self._kept.get(key, (0, 0, 0))[2]

    def get_expiry(self, key: str) -> float:  # noqa: ARG002
        """Give when a key's counts are forgotten; keys here are pushed out instead."""
        return self._clock()

    def check(self) -> bool:
        """Whether it works."""
        return True

    def reset(self) -> int:
        """Forget all keys; give how many there were."""
        with self._lock:
            number = len(self._kept)
            self._kept.clear()
            return number

    def clear(self, key: str) -> None:
        """Forget a key."""
        with self._lock:
            self._kept.pop(key, None)

    def _of(self, key: str, window: int) -> tuple[int, int]:
        """Give the counts of the window before and of this one."""
        kept, before, current = self._kept.get(key, (window, 0, 0))
        if kept == window:
            return before, current
        return (current, 0) if kept == window - 1 else (0, 0)


def network_of(address: str) -> str:
    """Give whom an address stands for: itself; for IPv6 its /64, which one customer has whole."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((int(found), 64), strict=False).network_address)
