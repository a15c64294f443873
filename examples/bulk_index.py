"""A team with a large catalogue: a manifest, an index run that is watched, vectors in a file.

python examples/bulk_index.py demo/media catalogue-index
"""

import json
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq

media, folder = map(Path, sys.argv[1:])
sensorium, workspace = (sys.executable, "-m", "sensorium"), ("-w", str(folder / "workspace"))
manifest, vectors = folder / "catalogue.jsonl", folder / "vectors.parquet"

# One line per item. In a real catalogue ids, titles and attributes come from its database.
folder.mkdir(parents=True, exist_ok=True)
files = sorted(path for path in media.rglob("*") if path.suffix in {".jpg", ".png", ".mp4"})
with manifest.open("w") as out:
    for number, path in enumerate(files):
        row = {
            "item_id": f"sku-{number:06}",
            "uri": str(path.resolve()),
            "tags": [path.parent.name],
        }
        out.write(json.dumps(row) + "\n")

run = subprocess.Popen([*sensorium, "index", str(manifest), *workspace, "--quiet", "--prune"])
while run.poll() is None:  # Killed here or there, the same command goes on where it stood.
    time.sleep(2)
    words = [*sensorium, "status", *workspace, "--json"]
    status = subprocess.run(words, stdout=subprocess.PIPE, check=False).stdout
    print("so far:", json.loads(status)["states"] if status else "nothing", flush=True)

subprocess.run([*sensorium, "export", str(vectors), *workspace], check=True)
table = pq.read_table(vectors)
print(f"exit {run.returncode}; {table.num_rows} items: {', '.join(table.column_names)}")
