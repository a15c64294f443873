"""A person with a folder: index it, sort it into albums, find things in it by words.

python examples/media_library.py demo/media "a dog" "water at night"
"""

import json
import subprocess
import sys
from pathlib import Path

media, asked = Path(sys.argv[1]), sys.argv[2:]
workspace = media.parent / "my-library"


def sensorium(*words: str) -> list[dict]:
    """Run a command and read its answer: one JSON object a line."""
    command = [sys.executable, "-m", "sensorium", *words, "-w", str(workspace), "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode not in (0, 3):  # 3: done, with files set aside that cannot be read
        sys.exit(done.returncode)
    return [json.loads(line) for line in done.stdout.splitlines()]


sensorium("index", str(media))  # Again at any time: only what is new is looked at.
for aspect in ("colour", "mood"):
    page = str(media.parent / f"{aspect}.html")
    albums = sensorium("cluster", "--by", aspect, "--replace", "--html", page)
    print(f"by {aspect} ({page}):", ", ".join(f"{one['name']} {one['size']}" for one in albums))
for words in asked:
    for found in sensorium("search", words)[:3]:
        print(f"{words}: {found['item_id']} ({found['relevance']:.0%})")
