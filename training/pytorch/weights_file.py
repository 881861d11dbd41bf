"""Writes and reads Stillgate weights files; docs/format.md describes them. Needs numpy only."""

import json
import os
import struct

import numpy as np


def save(path, layers, tensors, vocabulary=None, note=None):
    """Writes a network.

    layers      descriptions, first the layer that reads the input
    tensors     name -> array; names are LAYER.FIELD
    vocabulary  the characters of tokens 0, 1, ...; None for networks of vectors
    note        free text that `./stillgate inspect` prints

    Values are stored as float32. The file appears whole or not at all.
    """
    description = {"version": 1, "layers": layers}
    if vocabulary is not None:
        description["vocabulary"] = vocabulary
    metadata = {"stillgate": json.dumps(description)}
    if note is not None:
        metadata["note"] = note
    write(path, {name: np.asarray(values, np.float32) for name, values in tensors.items()}, metadata)


_TYPES = {"F32": np.dtype("<f4"), "F64": np.dtype("<f8"), "I32": np.dtype("<i4"), "I64": np.dtype("<i8")}


def write(path, arrays, metadata=None):
    """Writes arrays as a safetensors file, by way of a temporary file beside it."""
    header = {"__metadata__": metadata} if metadata else {}
    blobs = []
    at = 0
    for name, array in arrays.items():
        kind = next((k for k, t in _TYPES.items() if t == array.dtype), None)
        if kind is None:
            raise ValueError(f"{name}: cannot store {array.dtype}")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ValueError(f"{name} is not finite")
        blobs.append(np.ascontiguousarray(array).tobytes())
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [at, at + len(blobs[-1])]}
        at += len(blobs[-1])
    text = json.dumps(header).encode()
    text += b" " * (-(8 + len(text)) % 64)
    partial = f"{path}.partial"
    with open(partial, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.writelines(blobs)
    os.replace(partial, path)


def read(path):
    """Returns (arrays by name, metadata) of a safetensors file."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    metadata = header.pop("__metadata__", {})
    arrays = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        arrays[name] = np.frombuffer(data[begin:end], _TYPES[entry["dtype"]]).reshape(entry["shape"])
    return arrays, metadata
