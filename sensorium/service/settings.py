"""Settings of the HTTP service."""

from __future__ import annotations

from dataclasses import dataclass


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
            raise ValueError(f"expected 1 <= page_size <= most_rows: {self}")
