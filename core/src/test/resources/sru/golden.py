"""Writes the SRU networks, and what they compute, that the tests of core and importers read.

The equations are those of the paper (Lei et al., 2018) in float64, with numpy, and share nothing with
the code under test. Weights and inputs are rounded to float32 before anything is computed; outputs
are rounded to float32 when written. Run in this folder: python3 golden.py
"""

import json
import struct
from pathlib import Path

import numpy as np

CORE = Path(__file__).parent
IMPORTERS = CORE / "../../../../../importers/src/test/resources/sru"
SELU = [["elu", 1.6732632, 0], ["affine", 1.050701, 0]]
random = np.random.default_rng(20180620)


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def selu(v):
    a, scale = np.float32(1.6732632), np.float32(1.050701)
    return float(scale) * np.where(v > 0, v, float(a) * np.expm1(v))


ACTIVATIONS = {
    "linear": lambda v: v,
    "tanh": np.tanh,
    "relu": lambda v: np.maximum(v, 0),
    "selu": selu,
}


def draw(*shape, scale=1.0):
    """Values that float32 holds, as float64."""
    return (random.normal(size=shape) * scale).astype(np.float32).astype(np.float64)


def layer(d, n, skip, recurrent=True, scale=1.0):
    """Weights of a layer; skip is input, matrix, gate or none."""
    p = {"skip": skip, "scale": float(np.float32(scale))}
    for name in ["W", "Wf"] + (["Wr"] if skip != "none" else []) + (["Wh"] if skip == "matrix" else []):
        p[name] = draw(n, d, scale=1 / np.sqrt(d))
    for gate in "f" if skip == "none" else "fr":
        if recurrent:
            p["v" + gate] = draw(n)
        p["b" + gate] = draw(n, scale=0.5)
    return p


def run(p, g, xs):
    """The outputs of a sequence."""
    c = np.zeros(p["W"].shape[0])
    hs = []
    for x in xs:
        u = p["W"] @ x
        f = sigmoid(p["Wf"] @ x + p.get("vf", 0) * c + p["bf"])
        if p["skip"] != "none":
            r = sigmoid(p["Wr"] @ x + p.get("vr", 0) * c + p["br"])
        c = f * c + (1 - f) * u
        h = ACTIVATIONS[g](c)
        if p["skip"] == "input":
            h = r * h + (1 - r) * p["scale"] * x
        elif p["skip"] == "matrix":
            h = r * h + (1 - r) * (p["Wh"] @ x)
        elif p["skip"] == "gate":
            h = r * h
        hs.append(h)
    return np.array(hs)


def both(forward, backward, g, xs):
    return np.concatenate([run(forward, g, xs), run(backward, g, xs[::-1])[::-1]], axis=1)


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
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def described(name, p, g):
    n, d = p["W"].shape
    node = {"type": "sru", "name": name, "inputs": d, "units": n}
    node["skip"] = "none" if p["skip"] in ("gate", "none") else p["skip"]
    if p["skip"] == "none":
        node["reset_gate"] = False
    if p["scale"] != 1:
        node["scale"] = p["scale"]
    if "vf" not in p:
        node["recurrent"] = False
    if g != "linear":
        node["activation"] = SELU if g == "selu" else g
    return node


def tensors(prefix, p):
    return {f"{prefix}.{name}": m for name, m in p.items() if name not in ("skip", "scale")}


def network(path, nodes, weights, vectors, vocabulary=None):
    description = {"version": 1, "layers": nodes}
    if vocabulary:
        description["vocabulary"] = vocabulary
    write(path / "network.safetensors", weights, {"stillgate": json.dumps(description)})
    write(path / "vectors.safetensors", vectors)


def chain(path, layers, xs, vectors=None, vocabulary=None):
    nodes, weights, values = [], {}, xs
    for i, (p, g) in enumerate(layers):
        nodes.append(described(f"rnn{i}", p, g))
        weights |= tensors(f"rnn{i}", p)
        values = run(p, g, values)
    vectors = vectors or {"input": xs}
    network(path, nodes, weights, vectors | {"output": values}, vocabulary)


def core():
    root3 = np.sqrt(3)
    for name, p, g in [
        ("paper", layer(6, 6, "input"), "linear"),
        ("matrix-tanh", layer(5, 7, "matrix"), "tanh"),
        ("scaled-selu", layer(6, 6, "input", scale=root3), "selu"),
        ("no-v", layer(6, 6, "input", recurrent=False), "linear"),
        ("gate-only-relu", layer(5, 7, "gate"), "relu"),
        ("no-highway", layer(5, 7, "none"), "linear"),
        ("no-highway-no-v-tanh", layer(5, 7, "none", recurrent=False), "tanh"),
    ]:
        chain(CORE / name, [(p, g)], draw(20, p["W"].shape[1]))
    chain(
        CORE / "stack",
        [
            (layer(5, 7, "matrix"), "tanh"),
            (layer(7, 7, "input", scale=root3), "linear"),
            (layer(7, 6, "gate"), "relu"),
            (layer(6, 6, "none", recurrent=False), "selu"),
            (layer(6, 6, "input", recurrent=False), "linear"),
        ],
        draw(20, 5),
    )
    tokens = random.integers(0, 9, size=20)
    chain(
        CORE / "tokens",
        [(layer(9, 6, "matrix"), "linear"), (layer(6, 6, "input", scale=root3), "linear")],
        np.eye(9)[tokens],
        {"tokens": tokens},
        "abcdefghi",
    )
    xs, forward, backward, last = draw(15, 5), layer(5, 4, "matrix"), layer(5, 3, "matrix"), layer(7, 7, "input")
    nodes = [
        {
            "type": "bidirectional",
            "name": "pair",
            "forward": described("forward", forward, "tanh"),
            "backward": described("backward", backward, "tanh"),
        },
        {"type": "backward", "layer": described("last", last, "linear")},
    ]
    weights = tensors("pair.forward", forward) | tensors("pair.backward", backward) | tensors("last", last)
    output = run(last, "linear", both(forward, backward, "tanh", xs)[::-1])[::-1]
    network(CORE / "directions", nodes, weights, {"input": xs, "output": output})


def authors(prefix, d, n, directions, skip_term=True, scale=None, v=True, projection=0):
    """Tensors in the layout of the authors' module, and its layers for run.

    weight is (d, directions * n * k): unit j of direction b has the k columns from (b n + j) k on, u, f, r
    and, where d is not directions * n, the skip. weight_c and bias have f for all directions, then r.
    """
    k = 4 if skip_term and d != directions * n else 3
    inner = projection or d
    packed = draw(inner, directions, n, k, scale=1 / np.sqrt(inner))
    weight_c = draw(2, directions, n) if v else np.zeros((2, directions, n))
    bias = draw(2, directions, n, scale=0.5)
    state = {
        f"{prefix}.weight": packed.reshape(inner, -1),
        f"{prefix}.weight_c": weight_c.reshape(-1),
        f"{prefix}.bias": bias.reshape(-1),
    }
    whole = packed.reshape(inner, -1)
    if projection:
        state[f"{prefix}.weight_proj"] = draw(d, projection, scale=1 / np.sqrt(d))
        whole = state[f"{prefix}.weight_proj"] @ whole
    whole = whole.reshape(d, directions, n, k)
    alpha = 1.0
    if scale is not None:
        alpha = float(np.float32(scale))
        state[f"{prefix}.scale_x"] = np.array([alpha])
    layers = []
    for b in range(directions):
        p = {name: whole[:, b, :, m].T for m, name in enumerate(["W", "Wf", "Wr"])}
        p |= {"vf": weight_c[0, b], "vr": weight_c[1, b], "bf": bias[0, b], "br": bias[1, b]}
        p["skip"], p["scale"] = "gate", 1.0
        if skip_term and k == 4:
            p["skip"], p["Wh"] = "matrix", whole[:, b, :, 3].T
        elif skip_term:
            # Each direction has its own part of the input, as wide as it is.
            p["skip"], p["Wh"] = "matrix", alpha * np.eye(d)[b * n : (b + 1) * n]
        layers.append(p)
    return state, layers


def saved(name, parts, g, xs):
    state, values = {}, xs
    for tensors_of, layers in parts:
        state |= tensors_of
        values = both(*layers, g, values) if len(layers) == 2 else run(*layers, g, values)
    write(IMPORTERS / name / "state.safetensors", state)
    write(IMPORTERS / name / "vectors.safetensors", {"input": xs, "output": values})


def importers():
    root3 = np.sqrt(3)
    name = "rnn.rnn_lst.{}".format
    saved("two-layers", [authors(name(0), 5, 4, 2, scale=root3), authors(name(1), 8, 4, 2, scale=root3)], "tanh", draw(15, 5))
    saved("one-direction", [authors(name(0), 5, 6, 1, scale=root3), authors(name(1), 6, 6, 1, scale=root3)], "linear", draw(15, 5))
    saved("first-version", [authors(name(0), 6, 6, 1, v=False)], "tanh", draw(15, 6))
    saved("no-skip", [authors(name(0), 6, 6, 1, skip_term=False, scale=1)], "relu", draw(15, 6))
    saved("projected", [authors(name(0), 12, 6, 1, scale=1, projection=3)], "selu", draw(15, 12))
    saved("cell", [authors("cell", 6, 6, 1, scale=1.25)], "linear", draw(15, 6))


core()
importers()
