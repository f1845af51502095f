"""Avro in the registry's wire format: byte 0, the schema's id in four bytes, the value in Avro's binary encoding."""

import io
import json
import struct
import urllib.request

import fastavro


class Codec:
    """Values of known schemas as bytes and back. It looks schemas up and never registers one."""

    def __init__(self, registry_url, schemas):
        """schemas: our own versions, as parsed JSON. What is read comes in the shape of ours."""
        self._registry_url = registry_url
        self._ours = {f"{schema['namespace']}.{schema['name']}": schema for schema in schemas}
        self._readers = {name: fastavro.parse_schema(schema) for name, schema in self._ours.items()}
        self._ids = {}
        self._writers = {}

    def encode(self, name, value):
        """The bytes of a value; name is the record's full one. Raises ValueError where the value doesn't fit."""
        body = io.BytesIO()
        # strict: a field too many or too few is a mistake, not something to fill up.
        fastavro.schemaless_writer(body, self._readers[name], value, strict=True)
        return struct.pack(">bI", 0, self._id_of(name)) + body.getvalue()

    def decode(self, payload):
        """The full name and the value of some bytes; the value is None where the record is none of ours."""
        magic, schema_id = struct.unpack(">bI", payload[:5])
        if magic != 0:
            raise ValueError(f"the payload begins with byte {magic}, not 0 and a schema id")
        writer = self._writer_of(schema_id)
        name = writer["name"]
        if name not in self._readers:
            return name, None
        return name, fastavro.schemaless_reader(io.BytesIO(payload[5:]), writer, self._readers[name])

    def _id_of(self, name):
        if name not in self._ids:
            latest = self._ask(f"/subjects/{name}/versions/latest")
            if json.loads(latest["schema"]) != self._ours[name]:
                raise RuntimeError(f'schema "{name}" is registered in another version than this program has')
            self._ids[name] = latest["id"]
        return self._ids[name]

    def _writer_of(self, schema_id):
        if schema_id not in self._writers:
            schema = json.loads(self._ask(f"/schemas/ids/{schema_id}")["schema"])
            self._writers[schema_id] = fastavro.parse_schema(schema)
        return self._writers[schema_id]

    def _ask(self, path):
        with urllib.request.urlopen(self._registry_url + path, timeout=10) as answer:
            return json.load(answer)
