#!/bin/sh
# Settings whose name ends in _FILE are read from that file, so that secrets are never in the
# environment of the container's definition.
set -eu
for name in SENSORIUM_STORE__DATABASE_URL SENSORIUM_STORE__MILVUS_TOKEN; do
  file=$(printenv "${name}_FILE" || true)
  if [ -n "$file" ]; then
    export "$name=$(cat "$file")"
    unset "${name}_FILE"
  fi
done
exec "$@"
