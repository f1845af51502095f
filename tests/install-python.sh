#!/usr/bin/env bash
# A Python in .tributary/python: with fastavro, the stock Avro decoder that the tests read the domain topics with, and with
# what examples/python-service needs. Without a Python that can make it, those tests say that they were skipped.
set -euo pipefail
cd "$(dirname "$0")/.."
python=.tributary/python
needed=examples/python-service/requirements.txt
# What was installed last.
cmp -s "$needed" "$python/requirements.txt" && exit 0
version=$(sed -n 's/^fastavro==\([^ ]*\).*/\1/p' "$needed")
rm -rf "$python"
if ! python3 -m venv "$python" > /dev/null 2>&1 || ! "$python/bin/pip" install --quiet "fastavro==$version"; then
  rm -rf "$python"
  echo "fastavro can't be installed (python3 with venv and pip is needed): the tests that read with it are skipped" >&2
elif ! "$python/bin/pip" install --quiet --require-hashes --only-binary :all: -r "$needed"; then
  echo "psycopg or confluent-kafka can't be installed for this Python: the test of examples/python-service is skipped" >&2
else
  cp "$needed" "$python/requirements.txt"
fi
