"""Settings of the HTTP service."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

FETCH_HOST = re.compile(r"\.?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*(:[0-9]{1,5})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceConfig:
    """How the service runs."""

    host: str = "127.0.0.1"
    """Address to listen at; one that others reach asks for API keys."""
    port: int = 8000
    """Port to listen at; 0 for a free one."""
    refresh_seconds: float = 1.0
    """Between two looks at whether the library has changed."""
    page_size: int = 50
    """Rows of a list where the request does not say."""
    most_rows: int = 1_000
    """Most rows that a request may ask for, or bring."""
    access: Literal["auto", "keys", "open"] = "auto"
    """auto asks for API keys as soon as one was made, and on any address that others reach; keys
    always asks; open never does, for a service behind something that does."""
    allowed_hosts: tuple[str, ...] = ()
    """Names by which browsers may address the service, beside this machine's own and plain
    addresses: media.example, or .example for all below it."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses of proxies whose X-Forwarded-For is believed."""
    reads_per_minute: int = 60_000
    """Most requests to read of a key, or of an address where no key is asked for; 0 for no limit.
    Nothing is limited where the service listens on this machine alone and asks for no keys."""
    writes_per_minute: int = 60_000
    """The same of requests to write."""
    admin_per_minute: int = 600
    """The same of requests that need the scope admin."""
    refusals_per_minute: int = 60
    """Requests with a wrong key, or none, after which an address has to wait; 0 for no limit."""
    max_body_bytes: int = 16 * 1024**2
    """Largest body of a request that brings no files."""
    max_upload_bytes: int = 2 * 1024**3
    """Largest body of a request that brings files."""
    body_seconds: float = 30.0
    """Longest wait for a body; a large one gets more, by 32 KiB a second."""
    head_seconds: float = 10.0
    """Longest wait for the first line and the headers of a request."""
    idle_seconds: int = 75
    """Longest time that a connection is kept between requests. More than clients and proxies keep
    theirs, 60 s in most: whoever closes first must not be the service, while a request is sent."""
    max_head_bytes: int = 64 * 1024
    """Largest first line with headers."""
    fetch_hosts: tuple[str, ...] = ()
    """Servers that references by URL may be fetched from: media.example, media.example:8443, or
    .example for all below it; none fetches nothing."""
    fetch_http: bool = False
    """Whether references may be fetched without encryption, too."""
    fetch_bytes: int = 64 * 1024**2
    """Largest file that is fetched."""
    fetch_seconds: float = 20.0
    """Longest time that fetching one file may take, redirects included."""
    roots: tuple[str, ...] = ()
    """Folders and URIs below which a job may index, besides uploads and what was indexed before."""
    upload_bytes: int = 2 << 30
    """Most bytes of an uploaded file."""
    media_bytes: int = 64 << 20
    """Most bytes of the media that come with one request to be searched or embedded."""
    decode_workers: int = 2
    """Processes that decode media of requests; started when first needed."""
    words_cache_mib: int = 32
    """Most memory for vectors of words that were asked before."""

    def __post_init__(self) -> None:
        if not 0 <= self.port < 65_536:
            raise ValueError(f"a port is in [0, 65535]: {self.port = }")
        if self.refresh_seconds <= 0:
            raise ValueError(f"must be above 0: {self.refresh_seconds = }")
        if self.upload_bytes < 1:
            raise ValueError(f"must be above 0: {self.upload_bytes = }")
        if min(self.media_bytes, self.decode_workers) < 1 or self.words_cache_mib < 0:
            raise ValueError(
                "media_bytes and decode_workers must be 1 or more, words_cache_mib 0 or more: "
                f"{self.media_bytes = }, {self.decode_workers = }, {self.words_cache_mib = }"
            )
        if not 1 <= self.page_size <= self.most_rows:
            raise ValueError(
                f"expected 1 <= page_size <= most_rows: {self.page_size = }, {self.most_rows = }"
            )
        rates = ("reads", "writes", "admin", "refusals")
        self._check(0, *(f"{name}_per_minute" for name in rates))
        self._check(1, "max_body_bytes", "max_upload_bytes", "fetch_bytes", "idle_seconds")
        self._check(1_024, "max_head_bytes")
        for entry in self.fetch_hosts:
            if not FETCH_HOST.fullmatch(entry):
                raise ValueError(f"fetch_hosts are NAME, NAME:PORT or .NAME, not {entry!r}")
        self._check(0.01, "body_seconds", "head_seconds", "fetch_seconds")

    def _check(self, least: float, *names: str) -> None:
        for name in names:
            if getattr(self, name) < least:
                raise ValueError(f"expected at least {least:g}: {name} = {getattr(self, name)}")
