"""Every setting, composed from the classes that act on them; one TOML file, one prefix."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from encoders.family import FamilyConfig
from fusion.weights import FusionSettings
from ingest.decode import DecodeOptions
from ingest.event_rules import EventRules
from ranking.feed_config import FeedConfig
from ranking.intent_settings import IntentSettings
from ranking.interest_settings import InterestSettings
from ranking.language_model import LanguageModelConfig
from ranking.lifecycle_settings import LifecycleSettings
from ranking.long_short_settings import LongShortSettings
from ranking.profiles import ProfileSettings
from ranking.ranker_settings import RankerSettings
from ranking.titles import TitleConfig
from ranking.user_state import UserStateConfig
from ranking.views import DriftConfig
from retrieval.relation_settings import RelationSettings
from sensorium.service.settings import ServiceConfig
from sensorium.settings import Loaded, load
from sensorium.source_settings import SourceSettings

DEFAULT_FILE = Path("sensorium.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """Where and how wide indexing runs."""

    backend: Literal["auto", "local", "ray"] = "auto"
    """auto takes Ray where the work pays for its start: many contents on many cores, or an
    address."""
    ray_address: str | None = None
    """Address of a Ray cluster; none starts Ray on this machine."""
    ray_from: int = 2000
    """Contents from which auto takes Ray on a machine of more than four cores."""
    decode_workers: int = 0
    """Decoding processes; 0 for one per core."""
    encode_workers: int = 1
    """Workers that each hold the encoders."""
    batch_size: int = 16
    """Most contents encoded at once; out of memory halves it."""
    gpus_per_encoder: float = 0.5
    """Share of a GPU per encode worker, where the machine has one."""

    def __post_init__(self) -> None:
        if self.decode_workers < 0 or self.encode_workers < 1 or self.batch_size < 1:
            raise ValueError(
                "decode_workers must be 0 or more, encode_workers and batch_size 1 or more: "
                f"{self.decode_workers = }, {self.encode_workers = }, {self.batch_size = }"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreConfig:
    """Where vectors and bookkeeping are kept; searches are answered by the mirror in any case."""

    milvus_uri: str | None = None
    """URI of a Milvus server or cluster; none for Milvus Lite in the workspace."""
    milvus_token: str = field(default="", repr=False)
    """USER:PASSWORD or API key of that server."""
    database_url: str | None = field(default=None, repr=False)
    """SQLAlchemy URL of the bookkeeping; none for SQLite in the workspace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Every setting of Sensorium."""

    family: Literal["auto", "bundled", "hub"] = "auto"
    """Which encoders: bundled weights from the package index, or a model hub. auto keeps what the
    workspace was made with, and starts a new one from the hub where that is reached."""
    decode: DecodeOptions = field(default_factory=DecodeOptions)
    """How media become arrays."""
    encoders: FamilyConfig = field(default_factory=FamilyConfig)
    """How arrays become vectors."""
    run: RunConfig = field(default_factory=RunConfig)
    """How indexing runs."""
    store: StoreConfig = field(default_factory=StoreConfig)
    """Where everything is kept."""
    events: EventRules = field(default_factory=EventRules)
    """What events say about taste."""
    user_state: UserStateConfig = field(default_factory=UserStateConfig)
    """What is remembered of a person."""
    ranker: RankerSettings = field(default_factory=RankerSettings)
    """How what people go on to is learnt."""
    interests: InterestSettings = field(default_factory=InterestSettings)
    """How vectors that find what people go on to are learnt."""
    intent: IntentSettings = field(default_factory=IntentSettings)
    """How what categories people are about to want is learnt."""
    profiles: ProfileSettings = field(default_factory=ProfileSettings)
    """Whether and how people are described in words."""
    long_short: LongShortSettings = field(default_factory=LongShortSettings)
    """How long- and short-term taste is learnt."""
    fusion: FusionSettings = field(default_factory=FusionSettings)
    """Which fuser is learnt."""
    relations: RelationSettings = field(default_factory=RelationSettings)
    """How named relations between items are learnt."""
    lifecycle: LifecycleSettings = field(default_factory=LifecycleSettings)
    """How what people's whole records say of topics is learnt."""
    sources: SourceSettings = field(default_factory=SourceSettings)
    """Where candidates come from."""
    feed: FeedConfig = field(default_factory=FeedConfig)
    """What a page is made by."""
    drift: DriftConfig = field(default_factory=DriftConfig)
    """When a view is learnt anew."""
    language_model: LanguageModelConfig = field(default_factory=LanguageModelConfig)
    """What writes words, if anything does."""
    titles: TitleConfig = field(default_factory=TitleConfig)
    """Titles for groups of readers."""
    service: ServiceConfig = field(default_factory=ServiceConfig)
    """How the library is served over HTTP."""


def load_config(
    file: Path | None, flags: Mapping[str, Any], environ: Mapping[str, str] | None = None
) -> Loaded[Config]:
    """Read the settings in force.

    Args:
        file: TOML file; None takes ``sensorium.toml`` of the current folder where there is one.
        flags: values by dotted key from the command line.
        environ: the environment; None for this process's.

    Raises:
        ConfigError: unknown key, wrong type, refused value or unreadable file.
    """
    chosen = file or (DEFAULT_FILE if DEFAULT_FILE.exists() else None)
    return load(Config, chosen, os.environ if environ is None else environ, flags)
