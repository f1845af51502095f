#!/usr/bin/env bash
# A Python with fastavro in .tributary/python: the stock Avro decoder that the tests read the domain topics with.
# Without a Python that can make it, those tests say that they were skipped.
set -euo pipefail
cd "$(dirname "$0")/.."
python=.tributary/python
version=1.13.1
"$python/bin/python" -c "import fastavro; assert fastavro.__version__ == '$version'" 2> /dev/null && exit 0
rm -rf "$python"
if ! python3 -m venv "$python" > /dev/null 2>&1 || ! "$python/bin/pip" install --quiet "fastavro==$version"; then
  rm -rf "$python"
  echo "fastavro can't be installed (python3 with venv and pip is needed): the tests that read with it are skipped" >&2
fi
