"""Reads a domain topic with tools that know nothing of tributary: kcat, and fastavro with the registry's schemas.

usage: independent_client.py <broker> <registry> <topic>
Prints a JSON line per event: key, headers, value (null for a tombstone).
"""

import io
import json
import struct
import subprocess
import sys
import urllib.request

import fastavro

broker, registry, topic = sys.argv[1:]

# A line of text with the lengths of key and value (-1: none) and the headers, then the bytes themselves.
FORMAT = "%p %o %K %S %h\n%k%s"

schemas = {}


def schema_of(schema_id):
    if schema_id not in schemas:
        with urllib.request.urlopen(f"{registry}/schemas/ids/{schema_id}") as answer:
            schemas[schema_id] = fastavro.parse_schema(json.loads(json.load(answer)["schema"]))
    return schemas[schema_id]


def decode(payload):
    magic, schema_id = struct.unpack(">bI", payload[:5])
    assert magic == 0, f"magic byte is {magic}"
    body = io.BytesIO(payload[5:])
    value = fastavro.schemaless_reader(body, schema_of(schema_id))
    assert body.read() == b"", "bytes left over"
    return value


command = ["kcat", "-b", broker, "-C", "-q", "-t", topic, "-o", "beginning", "-e", "-X", "isolation.level=read_committed", "-f", FORMAT]
with subprocess.Popen(command, stdout=subprocess.PIPE) as kcat:
    while line := kcat.stdout.readline():
        _partition, _offset, key_length, value_length, headers = line.decode().rstrip("\n").split(" ", 4)
        key = kcat.stdout.read(max(0, int(key_length))).decode()
        value = kcat.stdout.read(max(0, int(value_length)))
        headers = dict(part.split("=", 1) for part in headers.split(",") if part)
        # Without CloudEvents headers it isn't an event: somebody else wrote it.
        if "ce_type" not in headers:
            continue
        record = {"key": key, "headers": headers, "value": decode(value) if int(value_length) >= 0 else None}
        print(json.dumps(record, default=str))
if kcat.returncode != 0:
    sys.exit(f"kcat ended with {kcat.returncode}")
