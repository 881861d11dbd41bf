"""Embedding, LSTMs and a linear layer that training makes sparse on three levels: weights, gates, neurons.

The methods of "Structured Sparsification of Gated Recurrent Neural Networks":

    original                  nothing is removed
    prun-wn,  prun-wgn        group lasso over neurons (ISS), or over gates and neurons
    bayes-w,  bayes-wn,       sparse variational dropout of the weights; with group variables on neurons and
    bayes-wgn                 embedding components; and with group variables on gate pre-activations

`SparseLstm.effective` gives the network that is left, removed weights exactly 0.
"""

import torch
from torch import nn
from torch.nn import functional

from sparse_scan import Scan

METHODS = ("original", "prun-wn", "prun-wgn", "bayes-w", "bayes-wn", "bayes-wgn")
REMOVED = 3.0          # log alpha above which the signal-to-noise ratio theta^2 / sigma^2 is below 0.05
_K1, _K2, _K3 = 0.63576, 1.87320, 1.48695


def kl(log_alpha):
    """KL(q || p) of Molchanov et al. (2017) up to a constant, which makes it 0 for infinite alpha:

        0.5 log(1 + 1/alpha) - k1 sigmoid(k2 + k3 log alpha) + k1
    """
    a = log_alpha.clamp(-8, 8)
    return 0.5 * functional.softplus(-a) - _K1 * torch.sigmoid(_K2 + _K3 * a) + _K1


class Weights(nn.Module):
    """A tensor of weights: theta alone, or q(w) = N(theta, sigma^2) with alpha = sigma^2 / theta^2."""

    def __init__(self, theta, noisy):
        super().__init__()
        self.theta = nn.Parameter(theta)
        self.log_sigma = nn.Parameter(torch.full_like(theta, -3.0)) if noisy else None

    def log_alpha(self):
        return 2 * self.log_sigma - torch.log(self.theta ** 2 + 1e-16)

    def kl(self):
        return kl(self.log_alpha()).sum()

    def sample(self):
        """One sample of all weights."""
        if self.log_sigma is None:
            return self.theta
        return self.theta + self.log_sigma.exp() * torch.randn_like(self.theta)

    def rows(self, at):
        """One sample of the rows `at`."""
        theta = functional.embedding(at, self.theta)
        if self.log_sigma is None:
            return theta
        return theta + functional.embedding(at, self.log_sigma).exp() * torch.randn_like(theta)

    def samples(self, count):
        """`count` samples of a vector, (count, n): a group variable has one a sequence."""
        return self.theta + self.log_sigma.exp() * torch.randn(count, len(self.theta))

    def mean(self):
        """theta in float64, and 0 where a weight is removed."""
        theta = self.theta.detach().double()
        if self.log_sigma is None:
            return theta
        return torch.where(self.log_alpha().detach() > REMOVED, torch.zeros_like(theta), theta)


class SparseLstm(nn.Module):
    """The network. Rows of an LSTM's matrices are in the order i, f, o, g.

        x   = E[token] * zv[token] * zx              or the token itself without an embedding
        a   = (W x + U h) * z + b                    z, zh, zx, zv are 1 where the method has no such group
        c'  = f * c + i * g;  h' = o * tanh(c') * zh
        y   = Wout h' + bout                         of every step, or of the last

    words      number of tokens V
    embedding  width of the embedding, 0 for none
    hidden     cells of each LSTM
    outputs    width of y
    method     one of METHODS
    hard       gates are clamp(0.2 a + 0.5, 0, 1)
    begin      how weights start: "glorot" (with recurrent ones orthogonal times 1.1), "orthogonal", or a
               number for uniform within plus and minus it
    forget     the bias f starts with
    drop_words whether tokens have group variables (Bayesian methods)
    dropout    share of inputs of each layer that is dropped (not in Bayesian methods)
    """

    def __init__(self, words, embedding, hidden, outputs, method, hard=False, begin="glorot", forget=1.0,
                 drop_words=False, dropout=0.0):
        super().__init__()
        if method not in METHODS:
            raise ValueError(f"method {method} is none of {', '.join(METHODS)}")
        self.words, self.embedding, self.hidden, self.outputs = words, embedding, list(hidden), outputs
        self.method, self.hard, self.dropout = method, hard, dropout
        noisy = method.startswith("bayes")
        groups = method in ("bayes-wn", "bayes-wgn")

        def weights(*shape, gates=1, recurrent=False):
            theta = torch.empty(*shape)
            for part in theta.chunk(gates, 0):
                if isinstance(begin, float):
                    nn.init.uniform_(part, -begin, begin)
                elif recurrent:
                    nn.init.orthogonal_(part, 1.1 if begin == "glorot" else 1.0)
                elif gates > 1 and begin == "orthogonal":
                    nn.init.orthogonal_(part)
                else:
                    nn.init.xavier_uniform_(part)
            return Weights(theta, noisy)

        def group(n, there):
            return Weights(torch.ones(n), True) if there else None

        self.E = None
        if embedding:
            self.E = weights(words, embedding)
            if not isinstance(begin, float):
                nn.init.uniform_(self.E.theta, -0.25, 0.25)
        self.W, self.U, self.b = nn.ModuleList(), nn.ModuleList(), nn.ParameterList()
        reads = embedding or words
        for n in self.hidden:
            self.W.append(weights(4 * n, reads, gates=4))
            self.U.append(weights(4 * n, n, gates=4, recurrent=True))
            bias = torch.zeros(4 * n)
            bias[n:2 * n] = forget
            self.b.append(nn.Parameter(bias))
            reads = n
        self.out, self.bout = weights(outputs, reads), nn.Parameter(torch.zeros(outputs))
        self.zv = group(words, noisy and drop_words)
        self.zx = group(embedding, groups and embedding)
        self.zh = nn.ModuleList(group(n, True) for n in self.hidden if groups)
        self.z = nn.ModuleList(group(4 * n, True) for n in self.hidden if method == "bayes-wgn")

    def start(self, batch):
        """States of `batch` sequences at their start, a pair (h, c) a layer."""
        zeros = self.bout.new_zeros
        return [(zeros(batch, n), zeros(batch, n)) for n in self.hidden]

    def forward(self, tokens, states, mask=None, last=False):
        """tokens (steps, batch); mask (steps, batch, 1) or None. Gives y and the states after.

        One sample of the weights for all steps and sequences, one of the group variables a sequence. The
        output layer has the noise of its sums instead, the same in all steps of a sequence.
        """
        batch = tokens.shape[1]
        x = self._read(tokens, batch)
        after = []
        for at, (h, c) in enumerate(states):
            z = self.z[at].samples(batch) if len(self.z) else None
            zh = self.zh[at].samples(batch) if len(self.zh) else None
            W, U, b = self.W[at].sample(), self.U[at].sample(), self.b[at]
            over_x = functional.embedding(tokens, W.t()) if x is None else functional.linear(x, W, None)
            over_x = over_x + b if z is None else over_x * z + b
            x, c = Scan.apply(over_x, U, z, zh, h, c, mask, self.hard)
            after.append((x[-1].detach(), c))
            x = functional.dropout(x, self.dropout, self.training) if self.dropout else x
        y = x[-1] if last else x
        logits = functional.linear(y, self.out.theta, self.bout)
        if self.out.log_sigma is not None:
            variance = functional.linear(y ** 2, (2 * self.out.log_sigma).exp())
            logits = logits + torch.sqrt(variance + 1e-8) * torch.randn(batch, self.outputs)
        return logits, after

    def _read(self, tokens, batch):
        """What the first LSTM reads, (steps, batch, embedding); None for the tokens themselves."""
        if self.E is None:
            return None
        words, where = torch.unique(tokens, return_inverse=True)
        x = functional.embedding(where, self.E.rows(words))
        if self.zv is not None:
            noise = torch.randn(batch, len(words))
            zv = self.zv.theta[words] + self.zv.log_sigma[words].exp() * noise
            x = x * zv.gather(1, where.t()).t()[..., None]
        if self.zx is not None:
            x = x * self.zx.samples(batch)
        return functional.dropout(x, self.dropout, self.training) if self.dropout else x

    def kl(self):
        """Sum of the KL divergences of all weights and group variables."""
        return sum(m.kl() for m in self.modules() if isinstance(m, Weights) and m.log_sigma is not None)

    def effective(self):
        """The network that is left, as float64 arrays: E, per layer W, U and b, out and bout.

        Group means are multiplied in, W[gk, j] z[gk] zx[j] and U[gk, j] z[gk] zh[j], the next layer's column
        k by zh[k]; then what no output hangs on is set to 0 (`clear_unread`). Biases stay as they are.
        """
        kept = {"bout": self.bout.detach().double()}
        reads = 1.0
        if self.E is not None:
            kept["E"] = self.E.mean() * (1.0 if self.zv is None else self.zv.mean()[:, None])
            reads = 1.0 if self.zx is None else self.zx.mean()
        for at, n in enumerate(self.hidden):
            z = self.z[at].mean()[:, None] if len(self.z) else 1.0
            zh = self.zh[at].mean() if len(self.zh) else 1.0
            kept[f"W{at}"], kept[f"U{at}"] = self.W[at].mean() * z * reads, self.U[at].mean() * z * zh
            kept[f"b{at}"] = self.b[at].detach().double()
            reads = zh
        kept["out"] = self.out.mean() * reads
        if self.method != "original":
            clear_unread(kept, len(self.hidden))
        return kept

    def settled(self):
        """A plain network with the effective weights, rounded to float32: what the exported file computes."""
        net = SparseLstm(self.words, self.embedding, self.hidden, self.outputs, "original", self.hard)
        kept = self.effective()
        with torch.no_grad():
            for name, weights in kept.items():
                net.tensor(name).copy_(weights)
        return net.eval().requires_grad_(False)

    def tensor(self, name):
        """theta by the names of `effective`."""
        if name in ("E", "out"):
            return getattr(self, name).theta
        return self.bout if name == "bout" else self.b[int(name[1:])] if name[0] == "b" \
            else getattr(self, name[0])[int(name[1:])].theta


def clear_unread(kept, layers):
    """Sets to 0 what no output hangs on: rows of a neuron that nothing reads, and components of the embedding.

    A neuron is not read if its column of U and its column of the next matrix are 0. Clearing its rows may
    leave others unread, so this goes on until nothing changes.
    """
    changed = True
    while changed:
        changed = False
        for at in reversed(range(layers)):
            n = kept[f"U{at}"].shape[1]
            rows = (~read(kept, at, layers)).repeat(4)
            for name in (f"W{at}", f"U{at}"):
                changed |= bool(kept[name][rows].any())
                kept[name][rows] = 0
    if "E" in kept:
        kept["E"][:, ~kept["W0"].any(0)] = 0


def read(kept, at, layers):
    """Which neurons of layer `at` have outgoing weights: booleans (n)."""
    following = kept["out"] if at == layers - 1 else kept[f"W{at + 1}"]
    return kept[f"U{at}"].any(0) | following.any(0)


def structure(kept, layers):
    """What is left of each layer, counted.

    A neuron counts if something reads it, a gate if its neuron counts and it has a weight other than 0.
    Biases are not counted. `patterns` has for each kept neuron which of i, f, g, o are not constant.
    """
    counts = {"neurons": [], "gates": [], "patterns": []}
    for at in range(layers):
        there = read(kept, at, layers)
        moving = (kept[f"W{at}"].any(1) | kept[f"U{at}"].any(1)).view(4, -1) & there
        i, f, o, g = moving
        counts["neurons"].append(int(there.sum()))
        counts["gates"].append({name: int(gate.sum()) for name, gate in zip("ifgo", (i, f, g, o))})
        counts["patterns"].append({str(k): "".join(name for name, gate in zip("ifgo", (i, f, g, o)) if gate[k])
                                   for k in there.nonzero().flatten().tolist()})
    matrices = [weights for weights in kept.values() if weights.dim() == 2]
    counts["nonzero"] = sum(int((weights != 0).sum()) for weights in matrices)
    counts["weights"] = sum(weights.numel() for weights in matrices)
    counts["compression"] = round(counts["weights"] / max(1, counts["nonzero"]), 3)
    return counts


class GroupLasso:
    """The penalty of the pruning methods, and the threshold that goes with it.

        lambda1 |W|_1 + lambda2 sum_k (sum_g |G_gk|_2 + |G_nk|_2)            prun-wgn
        lambda1 |W|_1 + lambda2 sum_k |G_ik u G_fk u G_ok u G_gk u G_nk|_2   prun-wn

    G_gk is row k of a gate's W and U, G_nk column k of the four U and of the next matrix. |W|_1 is over the
    LSTMs. After an update weights of the groups below `threshold` become 0.
    """

    def __init__(self, net, lambda1, lambda2, threshold):
        self.lambda1, self.lambda2, self.threshold, self.gates = lambda1, lambda2, threshold, net.method == "prun-wgn"
        self.layers = [(net.W[at].theta, net.U[at].theta,
                        net.out.theta if at == len(net.hidden) - 1 else net.W[at + 1].theta)
                       for at in range(len(net.hidden))]
        self.pruned = [w for W, U, _ in self.layers for w in (W, U)] + [net.out.theta]

    def __call__(self):
        return self.lambda1 * sum(W.abs().sum() + U.abs().sum() for W, U, _ in self.layers) \
            + self.lambda2 * sum(norms.sum() for layer in self.layers for norms in self.norms(*layer))

    def norms(self, W, U, following):
        """Norms of a layer's groups: (4n) of gates and (n) of neurons, or (n) of whole neurons."""
        n = U.shape[1]
        rows = W.square().sum(1) + U.square().sum(1)
        columns = U.square().sum(0) + following.square().sum(0)
        if self.gates:
            return torch.sqrt(rows + 1e-8), torch.sqrt(columns + 1e-8)
        twice = U.view(4, n, n).diagonal(0, 1, 2).square().sum(0)
        return (torch.sqrt(rows.view(4, n).sum(0) + columns - twice + 1e-8),)

    @torch.no_grad()
    def prune(self):
        for weights in self.pruned:
            weights[weights.abs() < self.threshold] = 0


def export(net, activation):
    """(layer descriptions, tensors) of the settled network, for `weights_file.save`."""
    kept = net.effective()
    layers, tensors, reads = [], {}, net.words
    if net.E is not None:
        layers.append({"type": "embedding", "name": "embedding", "inputs": reads, "units": net.embedding})
        tensors["embedding.E"], reads = kept["E"].numpy(), net.embedding
    for at, n in enumerate(net.hidden):
        name = f"lstm{at + 1}"
        layer = {"type": "lstm", "name": name, "inputs": reads, "units": n}
        if net.hard:
            layer["activations"] = {"gates": [["affine", 0.2, 0.5], ["clamp", 0, 1]], "cell": "tanh", "hidden": "tanh"}
        layers.append(layer)
        for field in "WUb":
            for gate, rows in zip("ifog", kept[f"{field}{at}"].split(n, 0)):
                tensors[f"{name}.{field}{gate}"] = rows.numpy()
        reads = n
    layers.append({"type": "dense", "name": "out", "inputs": reads, "units": net.outputs, "activation": activation})
    tensors["out.W"], tensors["out.b"] = kept["out"].numpy(), kept["bout"].numpy()
    return layers, tensors


def gradients_by_lag(net, tokens, mask=None, lags=101):
    """How far back each neuron looks: mean over sequences of |d h_k(T) / d x(T - lag)|_2, per layer.

    tokens (steps, sequences), T the last step, x the layer's input. `net` is settled. Gives per layer
    {neuron: [norm at lag 0, 1, ...]} of the neurons that are read; a lag before a sequence's begin is left out.
    """
    kept = net.effective()
    batch = tokens.shape[1]
    lags = min(lags, len(tokens))
    begun = torch.ones(len(tokens), batch) if mask is None else mask[..., 0]
    begun = begun.flip(0)[:lags]
    result = []
    x = net._read(tokens, batch)
    for at, n in enumerate(net.hidden):
        W, U, b = net.W[at].theta, net.U[at].theta, net.b[at]
        over_x = (functional.embedding(tokens, W.t()) if x is None else functional.linear(x, W)) + b
        over_x.requires_grad_()
        with torch.enable_grad():
            hs, _ = Scan.apply(over_x, U, None, None, *net.start(batch)[at], mask, net.hard)
        norms = {}
        for k in read(kept, at, len(net.hidden)).nonzero().flatten().tolist():
            (to_a,) = torch.autograd.grad(hs[-1, :, k].sum(), over_x, retain_graph=True)
            length = functional.linear(to_a.flip(0)[:lags], W.t()).norm(dim=2) * begun
            norms[str(k)] = [float(f"{v:.4g}") for v in (length.sum(1) / begun.sum(1).clamp(min=1)).tolist()]
        result.append(norms)
        x = hs.detach()
    return result


def means_by_kind(gradients, patterns):
    """Mean curves of the units where only o moves, and of those where all gates do; None where there are none."""
    means = []
    for norms, pattern in zip(gradients, patterns):
        layer = {}
        for kind, wanted in (("only_o", "o"), ("all_gates", "ifgo")):
            chosen = [norms[k] for k in norms if pattern.get(k) == wanted]
            layer[kind] = [float(f"{sum(v) / len(v):.4g}") for v in zip(*chosen)] if chosen else None
            layer[kind + "_units"] = len(chosen)
        means.append(layer)
    return means


def cross_entropy(logits, targets):
    """Mean cross entropy; one output is the logit of class 1."""
    if logits.shape[-1] == 1:
        return functional.binary_cross_entropy_with_logits(logits.flatten(), targets.flatten().to(logits.dtype))
    return functional.cross_entropy(logits.flatten(0, -2), targets.flatten())

