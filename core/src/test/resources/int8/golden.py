"""Writes a network of dense layers, and what an int8 plan makes of it bit for bit, that the tests of core read.

The arithmetic is that of docs/int8.md and docs/skipping.md, written in plain Python integers and numpy's float32,
and shares nothing with the code under test. A step rounds the operand of each layer; where it has a fixed scale the
values that moved are sent, by the rule of a threshold and of the most that a step sends, and the sums are those of
what was sent; the last layer's operand has the scale of its largest value in each step. Run in this folder:
python3 golden.py
"""

import json
import struct
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
STEPS = 24
F = np.float32
random = np.random.default_rng(20261127)


def draw(*shape, scale=1.0):
    return (random.normal(size=shape) * scale).astype(F)


def rounded(values, scale):
    """rint(v * (1 / s)) within plus and minus 127."""
    inverse = F(1) / F(scale)
    return np.clip(np.rint(values * inverse), -127, 127).astype(int)


def own_scale(values):
    return F(np.abs(values).max()) / F(127)


def send(q, sent, threshold, most):
    """The values of largest change above the threshold, of equal ones the first, at most so many."""
    change = np.abs(q - sent)
    order = sorted((k for k in range(len(q)) if change[k] > threshold), key=lambda k: (-change[k], k))
    for k in order[:most]:
        sent[k] = q[k]
    return sent


def run(layers, inputs, threshold=0, most=None):
    sent = [np.zeros(p["W"].shape[1], dtype=int) for p in layers]
    outputs = []
    for x in inputs:
        for p, before in zip(layers, sent):
            scale = p["scale"] if p["scale"] else own_scale(x)
            q = rounded(x, scale)
            if p["scale"]:
                q = send(q, before, threshold, most if most else len(q))
            rows = [own_scale(w) for w in p["W"]]
            sums = [int(np.dot(rounded(w, s), q)) for w, s in zip(p["W"], rows)]
            x = np.array([F(total) * (s * F(scale)) for total, s in zip(sums, rows)], dtype=F) + p["b"]
            x = np.maximum(x, F(0)) if p["relu"] else x
        outputs.append(x)
    return np.array(outputs, dtype=F)


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


def layer(d, h, scale, relu):
    return {"W": draw(h, d, scale=np.sqrt(2 / d)), "b": draw(h, scale=0.3), "scale": scale, "relu": relu}


layers = [
    layer(37, 100, F(1.7) / F(127), True),
    layer(100, 70, F(2.5) / F(127), True),
    layer(70, 5, None, False),
]
inputs = np.zeros((STEPS, 37), dtype=F)
x = draw(37)
for t in range(STEPS):
    moves = random.random(37) < (0.1 if t % 3 else 0.7)
    x = np.where(moves, x + draw(37, scale=0.4), x).astype(F)
    inputs[t] = x
vectors = {
    "input": inputs,
    "all": run(layers, inputs),
    "above_9": run(layers, inputs, threshold=9),
    "at_most_5": run(layers, inputs, most=5),
}
assert not np.array_equal(vectors["all"], vectors["above_9"])
assert not np.array_equal(vectors["all"], vectors["at_most_5"])
weights = {f"d{i}.{name}": p[name] for i, p in enumerate(layers) for name in ("W", "b")}
nodes = [
    {
        "type": "dense",
        "name": f"d{i}",
        "inputs": p["W"].shape[1],
        "units": len(p["b"]),
        "activation": "relu" if p["relu"] else "linear",
        **({"operand_scales": {"input": float(p["scale"])}} if p["scale"] else {}),
    }
    for i, p in enumerate(layers)
]
write(HERE / "network.safetensors", weights, {"stillgate": json.dumps({"version": 1, "layers": nodes})})
write(HERE / "vectors.safetensors", vectors)
