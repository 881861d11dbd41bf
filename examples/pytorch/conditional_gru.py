"""A conditional GRU for PyTorch that Stillgate can run.

    rnn = ConditionalGru(inputs=27, units=256, rank=16, shift=-0.25)
    outputs, state = rnn(x)                      # x: (batch, steps, inputs)

The layer of Davis and Arel, "Faster Gated Recurrent Units via Conditional Computation" (2016), with
unit gating: each unit's gate is read through a bottleneck of width `rank`, and a unit whose gate is
at or below 0 stands still. In training the gates go through batch norm without scale and shift; a
more negative `shift` makes more units stand still.

`export` writes a stack of such layers and a linear layer as a Stillgate weights file, batch norm
folded in; docs/format.md describes it. Only torch is needed, 1.13 or newer.
"""

import json
import math
import struct

import torch
from torch import nn


class ConditionalGru(nn.Module):
    """One layer:

        u  = relu(Wu x + Uu h + bu)
        a  = batch_norm(Wz u) + shift
        z  = tanh(max(a, 0))
        r  = sigmoid(Wr x + Ur h + br)
        c  = tanh(Wc x + r * (Uc h) + bc)
        h' = h + z * (c - h)
    """

    def __init__(self, inputs, units, rank=16, shift=-0.25):
        super().__init__()
        self.inputs, self.units, self.rank, self.shift = inputs, units, rank, shift
        for name, rows in (("u", rank), ("r", units), ("c", units)):
            setattr(self, "W" + name, nn.Parameter(torch.empty(rows, inputs)))
            setattr(self, "U" + name, nn.Parameter(torch.empty(rows, units)))
            setattr(self, "b" + name, nn.Parameter(torch.zeros(rows)))
        self.Wz = nn.Parameter(torch.empty(units, rank))
        # A dead bottleneck has no variance: the epsilon bounds what gradients are multiplied by.
        self.norm = nn.BatchNorm1d(units, eps=1e-3, momentum=0.005, affine=False)
        for weight in self.parameters():
            if weight.dim() == 2:
                nn.init.xavier_uniform_(weight)

    def forward(self, x, state=None):
        """x is (batch, steps, inputs); gives (batch, steps, units) and the last state."""
        h = x.new_zeros(x.shape[0], self.units) if state is None else state
        outputs = []
        over_x = [x @ w.T + b for w, b in ((self.Wu, self.bu), (self.Wr, self.br), (self.Wc, self.bc))]
        for t in range(x.shape[1]):
            u = torch.relu(over_x[0][:, t] + h @ self.Uu.T)
            z = torch.tanh(torch.relu(self.norm(u @ self.Wz.T) + self.shift))
            r = torch.sigmoid(over_x[1][:, t] + h @ self.Ur.T)
            c = torch.tanh(over_x[2][:, t] + r * (h @ self.Uc.T))
            h = h + z * (c - h)
            outputs.append(h)
        return torch.stack(outputs, 1), h

    def description(self, name):
        """The layer's entry in the weights file."""
        return {"type": "conditional_gru", "name": name, "inputs": self.inputs, "units": self.units,
                "gating": {"type": "unit", "rank": self.rank}}

    def tensors(self):
        """The layer's tensors, batch norm folded into Wz and bz in float64."""
        k = 1 / torch.sqrt(self.norm.running_var.double() + self.norm.eps)
        folded = {"Wz": k[:, None] * self.Wz.double(),
                  "bz": self.shift - k * self.norm.running_mean.double()}
        return {field: folded[field] if field in folded else getattr(self, field)
                for field in ("Wu", "Uu", "bu", "Wz", "bz", "Wr", "Ur", "br", "Wc", "Uc", "bc")}


def export(path, layers, head, activation="softmax", vocabulary=None):
    """Writes conditional layers and a torch.nn.Linear behind them as a Stillgate weights file."""
    description = {"version": 1, "layers": []}
    if vocabulary is not None:
        description["vocabulary"] = vocabulary
    tensors = {}
    for i, layer in enumerate(layers):
        description["layers"].append(layer.description(f"rnn{i}"))
        tensors.update({f"rnn{i}.{field}": t for field, t in layer.tensors().items()})
    description["layers"].append({"type": "dense", "name": "out", "inputs": head.in_features,
                                  "units": head.out_features, "activation": activation})
    tensors["out.W"] = head.weight
    tensors["out.b"] = head.bias if head.bias is not None else torch.zeros(head.out_features)
    save(path, tensors, {"stillgate": json.dumps(description)})


def save(path, tensors, metadata):
    """Writes a safetensors file of float32 tensors."""
    header, data = {"__metadata__": metadata}, []
    at = 0
    for name, tensor in tensors.items():
        values = tensor.detach().float().contiguous().flatten().tolist()
        if not all(math.isfinite(v) for v in values):
            raise ValueError(f"{name} is not finite")
        data.append(struct.pack(f"<{len(values)}f", *values))
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [at, at + len(data[-1])]}
        at += len(data[-1])
    text = json.dumps(header).encode()
    text += b" " * (-(8 + len(text)) % 64)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(data))
