"""Shape of the network of interests, and how it is learnt; kept apart, so that reading is cheap."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from ranking.quantiser import QuantiserConfig, QuantiserTraining
from ranking.ranker_config import RankerConfig
from ranking.sequence_draws import SequenceTraining

Kind = Literal["one", "attention", "interests"]
Merge = Literal["max", "chance"]


@dataclass(frozen=True, slots=True, kw_only=True)
class InterestConfig:
    """Shape of the network."""

    kind: Kind = "interests"
    """How a history becomes vectors: one of them; several pooled by attention (ComiRec-SA, Cen et
    al. 2020, arXiv 2005.09347); or one for each likely next interest."""
    num_ids: int = 0
    """Items that have a row of their own, learnt from events; 0 to know items by content alone."""
    content_width: int = 0
    """Width F of the items' content vectors; 0 to know items by their ids alone."""
    width: int = 64
    """D."""
    num_layers: int = 2
    """Blocks over the history; 0 to pool items as they are."""
    num_heads: int = 2
    """Attention heads; they divide the width."""
    block: Literal["plain", "gated", "pointwise"] = "plain"
    """Kind of block."""
    expansion: int = 2
    """Inner width of a block's layers, in widths."""
    length: int = 50
    """Most events of a history that are looked at, the latest."""
    dropped_ratio: float = 0.2
    """Share of numbers dropped while learning."""
    temperature: float = 0.1
    """Of cosines between vectors and items."""
    num_interests: int = 4
    """K: vectors pooled by attention; for interests, how many are drawn where nobody says."""
    sizes: tuple[int, ...] = (64, 64)
    """Entries of each level of the dictionary."""
    inner: int = 0
    """Inner width of the dictionary's encoder; 0 for none."""
    merge: Merge = "max"
    """Score of an item met by several vectors: the best (Cen et al. 2020); or the chance of each
    interest times the chance of the item given it, added up."""

    def __post_init__(self) -> None:
        if max(self.num_ids, self.content_width) < 1 or min(self.num_ids, self.content_width) < 0:
            raise ValueError(f"expected ids, content or both: {self}")
        if self.width % self.num_heads or min(self.num_interests, self.length) < 1:
            raise ValueError(f"expected counts of 1 or more, and heads that divide: {self}")
        if self.temperature <= 0 or self.num_layers < 0:
            raise ValueError(f"a temperature is positive, layers are counted: {self}")

    @property
    def blocks(self) -> RankerConfig:
        """Shape of the blocks."""
        return RankerConfig(
            num_ids=self.num_ids,
            content_width=self.content_width,
            block=self.block,
            width=self.width,
            num_heads=self.num_heads,
            expansion=self.expansion,
            length=self.length,
            dropped_ratio=self.dropped_ratio,
        )

    @property
    def dictionary(self) -> QuantiserConfig:
        """Shape of the dictionary."""
        return QuantiserConfig(width=self.width, sizes=self.sizes, inner=self.inner)


@dataclass(frozen=True, slots=True, kw_only=True)
class InterestTraining:
    """How such a network is learnt."""

    epochs: int = 60
    """Most rounds, all stages together."""
    warm_epochs: int = 15
    """Rounds as a network of one vector, before there are interests; the dictionary is learnt
    after them. Networks of other kinds have none."""
    patience: int = 8
    """Rounds without gain on validation after which learning ends."""
    batch_size: int = 256
    """Users per step."""
    num_steps: int = 1_000
    """Most steps per round."""
    learning_rate: float = 1e-3
    """Step of AdamW."""
    weight_decay: float = 0.0
    """Pull of every number towards zero."""
    drawn: Literal["all", "uniform", "popular", "batch"] = "uniform"
    """Items that the true one is held against; softmax makes up for how they were drawn."""
    num_drawn: int = 1_024
    """How many are drawn in a step, where they are."""
    id_dropped_ratio: float = 0.0
    """Share of items whose id is hidden from a network that knows content, too."""
    code_weight: float = 1.0
    """Of foretelling the next interest, beside finding the item."""
    own_ratio: float = 0.25
    """Share of events that are learnt with the likely interest that suits the item best, instead of
    the item's own: in service the true one is not known either."""
    free_ratio: float = 0.1
    """Share of events that are learnt without an interest."""
    dictionary: QuantiserTraining = field(default_factory=QuantiserTraining)
    """How the dictionary is learnt; ``seed`` here decides its chance, too."""
    seed: int = 0
    """Decides everything random."""
    device: str = "cpu"
    """Where the network learns, ``cpu`` or ``cuda``."""

    def __post_init__(self) -> None:
        shares = (self.own_ratio, self.free_ratio, self.id_dropped_ratio)
        if min(shares) < 0 or self.own_ratio + self.free_ratio > 1 or self.id_dropped_ratio >= 1:
            raise ValueError(f"expected shares: {shares}")
        if min(self.batch_size, self.num_steps, self.num_drawn, self.patience) < 1:
            raise ValueError(f"expected counts of 1 or more: {self}")

    @property
    def dictionary_training(self) -> QuantiserTraining:
        """How the dictionary is learnt, with the seed of all."""
        return replace(self.dictionary, seed=self.seed)

    @property
    def draws(self) -> SequenceTraining:
        """How items are drawn."""
        return SequenceTraining(drawn=self.drawn, num_drawn=self.num_drawn)
