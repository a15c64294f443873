"""Files of a model hub at pinned revisions, and the device models run on.

- A revision is a commit, so a cached file is taken without asking the hub.
- The hub is asked once, briefly, before anything is fetched: its client would retry for half a
  minute before it says that the machine is offline.
"""

from __future__ import annotations

import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from encoders.base import Fingerprint
from encoders.wheels import ModelUnavailableError

PROBE_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HubModel:
    """One model at one revision."""

    name: str
    """Short name in settings and fingerprints."""
    repository: str
    """OWNER/NAME on the hub."""
    revision: str
    """Commit."""
    files: tuple[str, ...]
    """Configuration and tokenizer files."""
    weights: tuple[str, ...] = ("model.safetensors",)
    """Weight files, the first that the repository has is taken."""
    width: int
    """Length of its vectors."""
    folder: Path | None = None
    """Where all files already are; none for the hub."""

    def fingerprint(self, preprocessing: str) -> Fingerprint:
        """What makes vectors with this model."""
        return Fingerprint(
            model=self.repository, revision=self.revision, preprocessing=preprocessing
        )


def resolve(model: HubModel) -> Path:
    """The folder that holds a model's files; fetched where they are not cached.

    Raises:
        ModelUnavailableError: the hub is out of reach, or does not have the model.
    """
    if model.folder is not None:
        return model.folder
    return _cached(model) or _fetched(model)


def resolve_quietly(model: HubModel) -> Path:
    """The same, for a model that ``transformers`` loads, without its progress bars."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    return resolve(model)


def _cached(model: HubModel) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    def find(name: str) -> str | None:
        path = try_to_load_from_cache(model.repository, name, revision=model.revision)
        return path if isinstance(path, str) else None

    weights = next((path for name in model.weights if (path := find(name))), None)
    return Path(weights).parent if weights and all(map(find, model.files)) else None


def _fetched(model: HubModel) -> Path:
    from huggingface_hub import constants, hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError

    hint = "check the network, or set encoders.name = bundled"
    if constants.is_offline_mode():
        raise ModelUnavailableError(
            f"{model.repository} is not in the hub's cache and HF_HUB_OFFLINE is set", hint
        )
    try:
        _probe(constants.ENDPOINT)
        for name in model.files:
            hf_hub_download(model.repository, name, revision=model.revision)
        for name in model.weights:
            try:
                return Path(hf_hub_download(model.repository, name, revision=model.revision)).parent
            except EntryNotFoundError:
                continue
    except (HfHubHTTPError, OSError) as error:
        reason = str(getattr(error, "reason", error)).partition("\n")[0] or type(error).__name__
        raise ModelUnavailableError(
            f"cannot fetch {model.repository} from the model hub: {reason[:160]}", hint
        ) from error
    raise ModelUnavailableError(f"{model.repository} has no weights at {model.revision}", hint)


def _probe(address: str) -> None:
    """Raise OSError where nobody answers at an address; any answer will do."""
    request = urllib.request.Request(address, method="HEAD")  # noqa: S310 (the hub client's own)
    try:
        urllib.request.urlopen(request, timeout=PROBE_SECONDS).close()  # noqa: S310
    except urllib.error.HTTPError:
        return


def device_named(name: str) -> str:
    """Give cuda or cpu; auto takes a GPU where there is one.

    Raises:
        ModelUnavailableError: cuda is asked for and there is none.
    """
    import torch

    if name == "cpu" or torch.cuda.is_available():
        return "cpu" if name == "cpu" else "cuda"
    if name == "cuda":
        raise ModelUnavailableError("no GPU can be used here", "set encoders.device = auto")
    return "cpu"
