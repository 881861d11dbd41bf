"""Writes an estimated ReLU network, and what it computes, that the tests of core read.

The equations are those of the dissertation (Davis, 2016, chapter 3) with the biases in their places, in
float64, with numpy, and share nothing with the code under test. Weights and inputs are rounded to float32
before anything is computed; outputs are rounded to float32 when written. No score is so near 0 that
float32 could decide otherwise. Run in this folder: python3 golden.py
"""

import json
import struct
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
MARGIN = 1e-4
random = np.random.default_rng(20160521)


def draw(*shape, scale=1.0):
    """Values that float32 holds, as float64."""
    return (random.normal(size=shape) * scale).astype(np.float32).astype(np.float64)


def layer(d, h, k, tau):
    """W by rank k: U = P, V = S Q', e = b - tau."""
    w, b = draw(h, d, scale=np.sqrt(2 / d)), draw(h, scale=0.3)
    p, s, q = np.linalg.svd(w, full_matrices=False)
    parts = {"V": s[:k, None] * q[:k], "U": p[:, :k], "e": b - tau, "W": w, "b": b}
    return {name: m.astype(np.float32).astype(np.float64) for name, m in parts.items()}


def run(p, x):
    """s = U (V x) + e, y = s > 0 ? relu(W x + b) : 0."""
    s = p["U"] @ (p["V"] @ x) + p["e"]
    assert np.abs(s).min() > MARGIN, "a score is too near 0; take another seed"
    return np.where(s > 0, np.maximum(p["W"] @ x + p["b"], 0), 0)


def write(path, tensors, metadata=None):
    """A safetensors file of float32."""
    header = {"__metadata__": metadata} if metadata else {}
    at, data = 0, b""
    for name, values in tensors.items():
        raw = np.ascontiguousarray(values, dtype="<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(np.shape(values)), "data_offsets": [at, at + len(raw)]}
        at += len(raw)
        data += raw
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


layers = [layer(9, 14, 3, 0.0), layer(14, 11, 4, 0.1), layer(11, 6, 2, -0.2)]
inputs = draw(20, 9, scale=0.5)
outputs = []
for x in inputs:
    for p in layers:
        x = run(p, x)
    outputs.append(x)
outputs = np.array(outputs)
assert 0.2 < (outputs > 0).mean() < 0.8

nodes = [
    {"type": "conditional_dense", "name": f"l{i}", "inputs": p["W"].shape[1], "units": len(p["b"]), "rank": len(p["V"])}
    for i, p in enumerate(layers)
]
weights = {f"l{i}.{name}": m for i, p in enumerate(layers) for name, m in p.items()}
write(HERE / "network.safetensors", weights, {"stillgate": json.dumps({"version": 1, "layers": nodes})})
write(HERE / "vectors.safetensors", {"input": inputs, "output": outputs})
