"""The simple recurrent unit of Lei et al. (2018) for PyTorch, fast enough to train on one CPU thread.

    layer = Sru(inputs=100, units=128)
    outputs = layer(x)                           # x: (steps, batch, inputs)

All products are made for all steps at once. What is left to go step by step is the recurrence of the
cells, three kernels a step, and one a step in the backward pass, which is written by hand.
"""

import math

import torch
from torch import nn
from torch.nn import functional


class Scan(torch.autograd.Function):
    """The cells of all steps from the candidates and the forget gate's sums over the input:

        f_t   = sigmoid(a_t + v * c_t)
        c_t+1 = f_t * c_t + (1 - f_t) * u_t,  c_0 = 0

    u, a  (steps, batch, n)
    v     (n), or None if the gate does not see the cells

    Returns c_0 to c_T, (steps + 1, batch, n). With G_t the gradient by c_t and D_t what comes from outside,
    G_t = D_t + G_t+1 * (f_t + (c_t - u_t) f_t (1 - f_t) v): all but this recurrence is done at once.
    """

    @staticmethod
    def forward(ctx, u, a, v):
        cells = u.new_empty(u.shape[0] + 1, *u.shape[1:])
        cells[0] = 0
        steps = zip(u.unbind(0), cells[:-1].unbind(0), cells[1:].unbind(0))
        if v is None:
            f = torch.sigmoid(a)
            for (x, old, new), gate in zip(steps, f.unbind(0)):
                torch.lerp(x, old, gate, out=new)
        else:
            f = torch.empty(a.shape, dtype=a.dtype, device=a.device)
            for (x, old, new), gate, over_x in zip(steps, f.unbind(0), a.unbind(0)):
                torch.addcmul(over_x, v, old, out=gate)
                gate.sigmoid_()
                torch.lerp(x, old, gate, out=new)
        ctx.save_for_backward(u, f, v, cells)
        return cells

    @staticmethod
    def backward(ctx, outside):
        u, f, v, cells = ctx.saved_tensors
        by_sum = (cells[:-1] - u).mul_(f).mul_(1 - f)
        carry = f if v is None else torch.addcmul(f, by_sum, v)
        total = torch.empty(outside.shape, dtype=outside.dtype, device=outside.device)
        total[-1] = outside[-1]
        grads, factors, given = total.unbind(0), carry.unbind(0), outside.unbind(0)
        for t in range(len(factors) - 1, -1, -1):
            torch.addcmul(given[t], grads[t + 1], factors[t], out=grads[t])
        by_sum.mul_(total[1:])
        by_cells = None if v is None else (by_sum * cells[:-1]).sum((0, 1))
        return total[1:] * (1 - f), by_sum, by_cells


class Sru(nn.Module):
    """One layer, with the ablations of the poster:

        u  = W x
        f  = sigmoid(Wf x + vf * c + bf)             vf, vr: not without `recurrent`
        r  = sigmoid(Wr x + vr * c + br)
        c' = f * c + (1 - f) * u
        h  = r * c' + (1 - r) * k                    or c' without `highway`

    k is the input times sqrt(1 + 2 exp(br)) for br = 0, or Wh x where the layer reads another number of
    values than it has units.
    """

    def __init__(self, inputs, units, recurrent=True, highway=True):
        super().__init__()
        self.inputs, self.units, self.recurrent, self.highway = inputs, units, recurrent, highway
        self.square = inputs == units
        self.scale = math.sqrt(3)
        bound = math.sqrt(3 / inputs)
        bounds = [bound, bound * math.sqrt(0.5)]
        if highway:
            bounds.append(bound * math.sqrt(0.5))
            if not self.square:
                bounds.append(bound * self.scale)
        self.weight = nn.Parameter(torch.cat([torch.empty(units, inputs).uniform_(-b, b) for b in bounds]))
        for gate in "fr" if highway else "f":
            if recurrent:
                seen = math.sqrt(3) * math.sqrt(0.5)
                setattr(self, "v" + gate, nn.Parameter(torch.empty(units).uniform_(-seen, seen)))
            setattr(self, "b" + gate, nn.Parameter(torch.zeros(units)))

    def forward(self, x):
        """x is (steps, batch, inputs); gives (steps, batch, units)."""
        sums = functional.linear(x, self.weight).split(self.units, -1)
        cells = Scan.apply(sums[0], sums[1] + self.bf, self.vf if self.recurrent else None)
        if not self.highway:
            return cells[1:]
        seen = sums[2] + self.br
        if self.recurrent:
            seen = torch.addcmul(seen, self.vr, cells[:-1])
        carried = x * self.scale if self.square else sums[3]
        return torch.lerp(carried, cells[1:], torch.sigmoid(seen))

    def description(self, name):
        """The layer's entry in the weights file."""
        entry = {"type": "sru", "name": name, "inputs": self.inputs, "units": self.units,
                 "skip": ("input" if self.square else "matrix") if self.highway else "none"}
        if self.highway and self.square:
            entry["scale"] = self.scale
        if not self.highway:
            entry["reset_gate"] = False
        if not self.recurrent:
            entry["recurrent"] = False
        return entry

    def tensors(self):
        """The layer's tensors by their names in the weights file."""
        found = dict(zip(("W", "Wf", "Wr", "Wh"), self.weight.split(self.units)))
        found.update((name, value) for name, value in self.named_parameters() if name != "weight")
        return {name: value.detach() for name, value in found.items()}
