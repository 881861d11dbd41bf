"""Counts the gates, weights and units of an LSTM network in a Stillgate file, with numpy alone.

    python3 count_gates.py FILE

Prints one JSON object. Knows embedding, lstm (no peepholes, no projection) and dense layers in a chain.
A unit goes when all its outgoing weights are 0: its columns in the U of its layer and in the W of the
next, rows of units that went before not counted.
"""
import json
import struct
import sys

import numpy as np


def read(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        body = file.read()
    tensors = {}
    for name, of in header.items():
        if name != "__metadata__":
            begin, end = of["data_offsets"]
            tensors[name] = np.frombuffer(body[begin:end], "<f4").reshape(of["shape"])
    return json.loads(header["__metadata__"]["stillgate"])["layers"], tensors


def rows_over_inputs(layer, tensors):
    """Matrices over the layer's input, (out, in)."""
    names = ["Wi", "Wf", "Wg", "Wo"] if layer["type"] == "lstm" else ["W"]
    return [tensors[layer["name"] + "." + name] for name in names]


def recurrent(layer, tensors):
    return [tensors[layer["name"] + ".U" + gate] for gate in "ifgo"] if layer["type"] == "lstm" else []


def structure(layer, tensors):
    name = layer["name"]
    moving = {
        gate: (tensors[name + ".W" + gate] != 0).any(1) | (tensors[name + ".U" + gate] != 0).any(1)
        for gate in "ifgo"
    }
    patterns = {}
    for bits in range(15, -1, -1):
        wanted = [bits >> 3 - at & 1 for at in range(4)]
        key = "".join(gate if want else "-" for gate, want in zip("ifgo", wanted))
        is_it = np.all([moving[gate] == want for gate, want in zip("ifgo", wanted)], axis=0)
        patterns[key] = int(is_it.sum())
    weights = [tensors[name + "." + kind + gate] for kind in "WU" for gate in "ifgo"]
    return {
        "layer": name,
        "units": int(moving["i"].size),
        "gates": {gate: int(of.sum()) for gate, of in moving.items()},
        "gates_not_constant": int(sum(of.sum() for of in moving.values())),
        "patterns": patterns,
        "weights": int(sum(w.size for w in weights)),
        "nonzero_weights": int(sum((w != 0).sum() for w in weights)),
    }


def kept(layers, tensors):
    """How many outputs of each layer are left, to a fixed point."""
    alive = [np.ones(layer["units"], bool) for layer in layers]
    changed = True
    while changed:
        changed = False
        for at in range(len(layers) - 1):
            read = np.zeros_like(alive[at])
            for w in rows_over_inputs(layers[at + 1], tensors):
                read |= (w[alive[at + 1]] != 0).any(0)
            for u in recurrent(layers[at], tensors):
                read |= (u[alive[at]] != 0).any(0)
            if (alive[at] & ~read).any():
                alive[at] &= read
                changed = True
    return {layer["name"]: int(of.sum()) for layer, of in zip(layers, alive)}


layers, tensors = read(sys.argv[1])
weights = [t for name, t in tensors.items() if t.ndim == 2 and not name.startswith("proof.")]
print(json.dumps({
    "structure": [structure(layer, tensors) for layer in layers if layer["type"] == "lstm"],
    "kept": kept(layers, tensors),
    "weights": int(sum(w.size for w in weights)),
    "nonzero_weights": int(sum((w != 0).sum() for w in weights)),
}))
