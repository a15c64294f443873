"""The backend of a feed: ask for a page, tell what a person did with it, ask for the next.

sensorium serve -w demo/sensorium-data
python examples/feed_backend.py http://127.0.0.1:8000 somebody-new
"""

import json
import sys
from urllib.request import Request, urlopen

service, user = sys.argv[1:]


def call(path: str, body: dict[str, object] | None = None) -> dict[str, list[dict[str, object]]]:
    """GET, or POST where there is a body."""
    data = None if body is None else json.dumps(body).encode()
    request = Request(service + path, data, {"content-type": "application/json"})  # noqa: S310
    with urlopen(request) as answer:  # noqa: S310 - the address is the reader's own
        return json.load(answer)


def page() -> dict[str, str]:
    """Items of this person's page, each with its reason."""
    items = call(f"/v1/recommendations/{user}?n=6&explain=true")["items"]
    return {item["item_id"]: item["reason"]["text"] for item in items}


first = page()
liked, skipped = [*first][:2]
told = [
    {"user_id": user, "item_id": liked, "event_type": "like"},
    {"user_id": user, "item_id": skipped, "event_type": "skip"},
]
statuses = [row["status"] for row in call("/v1/events", {"events": told})["rows"]]
print(f"liked {liked}, skipped {skipped}: {', '.join(statuses)}")
second = page()
for item_id in first.keys() - second.keys():
    print(f"gone: {item_id}")
for item_id, why in second.items():
    print(f"{'stays' if item_id in first else 'new'}: {item_id} ({why})")
