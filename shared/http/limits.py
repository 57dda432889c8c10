"""Rate limits: one token bucket per caller and class, kept in this process.

Each replica counts alone, so a service's limit grows with its replicas: this protects a replica
from one caller, it is no quota.
"""

import ipaddress
import math
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from shared import telemetry
from shared.clock import Clock
from shared.errors import TooMuchError
from shared.http.table import RateClass

#: Callers remembered at once; the one idle longest is forgotten first (its bucket is full by then).
MAX_BUCKETS = 50_000


class RateLimitedError(TooMuchError):
    """Too many requests; wait a moment."""

    code = "rate-limited"


@dataclass(frozen=True, kw_only=True)
class Rate:
    """So many requests in so many seconds; all of them may come at once."""

    quota: int
    window_s: float = 60.0


@dataclass(kw_only=True)
class _Bucket:
    tokens: float
    filled_at_s: float


class RateLimits:
    """Counts requests and refuses what is too much."""

    def __init__(
        self, rates: Mapping[RateClass, Rate], clock: Clock, trusted_proxies: tuple[str, ...] = ()
    ) -> None:
        """Limit only the classes named in ``rates``."""
        self._rates = rates
        self._clock = clock
        self._buckets: OrderedDict[tuple[RateClass, str], _Bucket] = OrderedDict()
        self._proxies = tuple(ipaddress.ip_network(network) for network in trusted_proxies)

    def take(self, rate_class: RateClass, caller: str) -> dict[str, str]:
        """Count one request; return headers saying what is left, or raise ``RateLimitedError``."""
        rate = self._rates.get(rate_class)
        if rate is None:
            return {}
        bucket = self._bucket(rate_class, caller, rate)
        if bucket.tokens < 1:
            telemetry.metrics.http_limited.labels(limit=rate_class).inc()
            wait_s = (1 - bucket.tokens) * rate.window_s / rate.quota
            raise RateLimitedError(retry_after_s=wait_s, limit=rate_class.value)
        bucket.tokens -= 1
        missing = rate.quota - bucket.tokens
        reset_s = math.ceil(missing * rate.window_s / rate.quota)
        return {
            # draft-ietf-httpapi-ratelimit-headers-10: remaining quota and seconds until it is full.
            "RateLimit-Policy": f'"{rate_class}";q={rate.quota};w={math.ceil(rate.window_s)}',
            "RateLimit": f'"{rate_class}";r={math.floor(bucket.tokens)};t={reset_s}',
        }

    def _bucket(self, rate_class: RateClass, caller: str, rate: Rate) -> _Bucket:
        now_s = self._clock.monotonic_s()
        bucket = self._buckets.get((rate_class, caller))
        if bucket is None:
            bucket = _Bucket(tokens=rate.quota, filled_at_s=now_s)
            self._buckets[rate_class, caller] = bucket
            if len(self._buckets) > MAX_BUCKETS:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end((rate_class, caller))
        grown = (now_s - bucket.filled_at_s) * rate.quota / rate.window_s
        bucket.tokens = min(float(rate.quota), bucket.tokens + grown)
        bucket.filled_at_s = now_s
        return bucket

    def address_of(self, request: web.Request) -> str:
        """Return the client's address, looking behind proxies only when they are trusted."""
        address = request.remote or "unknown"
        hops = request.headers.get("X-Forwarded-For", "").split(",")
        while hops and self._is_proxy(address):
            hop = hops.pop().strip()
            if not hop:
                break
            address = hop
        return address

    def _is_proxy(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._proxies)
