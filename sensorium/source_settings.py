"""Settings of where candidates come from."""

from __future__ import annotations

from dataclasses import dataclass, field

from retrieval.source_fresh import ExploreConfig, FreshConfig
from retrieval.source_relations import RelatedConfig
from retrieval.source_similar import SimilarConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSettings:
    """What each source goes by."""

    similar: SimilarConfig = field(default_factory=SimilarConfig)
    """Items like those liked lately."""
    fresh: FreshConfig = field(default_factory=FreshConfig)
    """Items that have just come."""
    explore: ExploreConfig = field(default_factory=ExploreConfig)
    """New items that few have seen."""
    relations: RelatedConfig = field(default_factory=RelatedConfig)
    """Items in a named relation to those liked lately; off by default."""
    popular_days: float = 30.0
    """Half-life of what makes an item popular."""
    refit_share: float = 0.1
    """Share by which the log must grow before neighbours are fitted anew."""

    def __post_init__(self) -> None:
        if self.popular_days <= 0 or self.refit_share < 0:
            raise ValueError(
                "popular_days must be positive, refit_share 0 or more: "
                f"{self.popular_days = }, {self.refit_share = }"
            )
