"""Gated cross-modal fusion as a network: the tokens of an item become one unit vector.

After the gated layers of Xu et al. 2025 (arXiv 2511.07274), widened from two modalities to four:
- the keys and values of a modality are the tokens of all others; absent ones are masked out, so
  that any subset of modalities is valid and no item looks at its batch mates; they cost nothing
  either, for all but the attention itself works on the present tokens alone;
- the first state equals the masked mean: every map starts at the identity, every added term at
  zero. Training can only leave it for something that pays;
- a modality alone has nobody to attend to; its own map is all that changes it.

Without layers and with shares by additive attention it is the attentive encoder of NAML (Wu et al.
2019; see ``fusion.attentive``) over the views of the joint space, from the same start.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from fusion.attentive import AdditiveAttention
from fusion.weights import FusionError, FusionWeights, NetworkConfig

QUERY_WIDTH = 64
"""Inner width of the attention over views, where shares are found by that."""


class GatedLayer(nn.Module):
    """One exchange between modalities: attention to the others, let in by a gate per number."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        width = config.width
        self.num_heads, self.gated = config.num_heads, config.gated
        self.kind = nn.Parameter(torch.zeros(config.num_modalities, width))
        self.ask, self.key = nn.Linear(width, width), nn.Linear(width, width)
        self.value = nn.Linear(width, width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.gate = nn.Linear(2 * width, width)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.gate.weight)
        nn.init.zeros_(self.gate.bias)

    def forward(self, rows: Tensor, present: Tensor) -> Tensor:
        """Let every token take from the tokens of other modalities.

        Args:
            rows: the R present tokens, (R, D), in the order of ``present``.
            present: which tokens exist, bool (B, M, T).

        Returns:
            The tokens after the exchange, (R, D).
        """
        taken = self.attend(rows, present)
        if not self.gated:
            return rows + taken
        gate = torch.sigmoid(self.gate(torch.cat([rows, taken], dim=-1)))
        return rows + gate * taken

    def attend(self, rows: Tensor, present: Tensor) -> Tensor:
        """What each token finds among the others, (R, D); zero where there is none."""
        num_items, num_modalities, num_tokens = present.shape
        owner = torch.arange(num_modalities).repeat_interleave(num_tokens)
        allowed = (owner[:, None] != owner) & present.flatten(1)[:, None]  # (B, MT, MT)
        some = allowed.any(dim=-1)  # (B, MT)
        mask = (allowed | ~some[..., None])[:, None]  # (B, 1, MT, MT)
        typed = rows + self.kind[present.nonzero()[:, 1]]
        ask, key, value = (
            laid_out(found, present)
            .view(num_items, -1, self.num_heads, rows.shape[1] // self.num_heads)
            .transpose(1, 2)
            for found in (self.ask(typed), self.key(typed), self.value(rows))
        )  # (B, H, MT, D / H)
        found = functional.scaled_dot_product_attention(ask, key, value, attn_mask=mask)
        found = found.transpose(1, 2).flatten(2) * some[..., None]  # (B, MT, D)
        taken: Tensor = self.out(found[present.flatten(1)])
        return taken


class FusionNetwork(nn.Module):
    """Tokens of four modalities to one unit vector and the share of each modality in it."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        size, width = config.num_modalities, config.width
        self.map = nn.Parameter(torch.zeros(size, width, width))
        self.shift = nn.Parameter(torch.zeros(size, width))
        self.layers = nn.ModuleList(GatedLayer(config) for _ in range(config.num_layers))
        self.detail = nn.Parameter(torch.zeros(size))
        if config.shares == "attention":
            self.attention = AdditiveAttention(width, QUERY_WIDTH)
            nn.init.zeros_(self.attention.query.weight)
            return
        self.agreement = nn.Parameter(torch.zeros(()))
        self.trust = nn.Parameter(torch.zeros(size, width))
        self.trust_bias = nn.Parameter(torch.zeros(size))

    def forward(self, tokens: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """Fuse.

        Args:
            tokens: unit vectors, (B, M, T, D); slot 0 of a modality is its whole view.
            present: which tokens exist, bool (B, M, T); slot 0 wherever the modality has any.

        Returns:
            Unit vectors (B, D), and shares (B, M) that add to one.
        """
        rows, owner = tokens[present], present.nonzero()[:, 1]  # (R, D), (R,)
        moved = [rows[owner == number] @ matrix for number, matrix in enumerate(self.map)]
        places = torch.cat([(owner == number).nonzero()[:, 0] for number in range(len(self.map))])
        rows = rows + torch.cat(moved)[places.argsort()] + self.shift[owner]
        for layer in self.layers:
            rows = layer(rows, present)
        views = self._pooled(laid_out(rows, present), present)  # (B, M, D)
        shares = self._shares(views, present[:, :, 0])  # (B, M)
        directions = functional.normalize(views, dim=-1) if self.config.gated else views
        joint = (shares[..., None] * directions).sum(dim=1)
        return functional.normalize(joint, dim=-1), shares

    def _pooled(self, tokens: Tensor, present: Tensor) -> Tensor:
        mean = tokens[:, :, 1:].sum(dim=2) / present[:, :, 1:, None].sum(dim=2).clamp(min=1)
        return tokens[:, :, 0] + self.detail[:, None] * mean

    def _shares(self, views: Tensor, present: Tensor) -> Tensor:
        if not self.config.gated:
            return present / present.sum(dim=1, keepdim=True)
        if self.config.shares == "attention":
            attended: Tensor = self.attention(views, present)
            return attended
        length = views.norm(dim=-1)  # (B, M)
        views = functional.normalize(views, dim=-1)
        others = functional.normalize(views.sum(dim=1, keepdim=True) - views, dim=-1)
        score = self.agreement * (views * others).sum(dim=-1)
        score = score + (views * self.trust).sum(dim=-1) + self.trust_bias
        # A long view counts more: log turns its length into a factor of its share.
        score = score + length.clamp(min=1e-6).log()
        shares: Tensor = score.masked_fill(~present, -torch.inf).softmax(dim=-1)
        return shares


def laid_out(rows: Tensor, present: Tensor) -> Tensor:
    """Put the present tokens (R, D) in their places, (B, M, T, D); the others are zero."""
    return rows.new_zeros((*present.shape, rows.shape[1])).index_put((present,), rows)


def network_of(weights: FusionWeights) -> FusionNetwork:
    """The network that holds these weights.

    Raises:
        FusionError: they are not of this network.
    """
    network = FusionNetwork(weights.config)
    tensors = {name: torch.from_numpy(array) for name, array in weights.arrays.items()}
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise FusionError(
            "these weights are not of this network", "learn again with sensorium train fusion"
        ) from error
    return network


def weights_of(network: FusionNetwork) -> FusionWeights:
    """What a network holds, as it is kept on disk."""
    arrays = {name: t.detach().cpu().numpy().copy() for name, t in network.state_dict().items()}
    return FusionWeights(config=network.config, arrays=arrays)
