"""Multilayer perceptrons whose ReLU layers compute what a low-rank estimate names (Davis, chapter 3).

    s = U (V a) + b           U V ~ W by SVD, refreshed at the beginning of an epoch
    y = s > 0 ? relu(W a + b) : 0

The mask is part of the network, in training and after it; it is a constant to the gradient. Networks of
several ranks and seeds are trained at once: they see the same minibatches; each has its own start and dropout.

    python3 estimated_mlp.py --images FOLDER --out RUN --networks control,25-25-25 --seeds 1

RUN then has each network as a Stillgate file, the classes it gives the test pictures (a byte each), and
record.json.
An interrupted run goes on with the same command.
"""

import argparse
import math
import os
import time

import numpy as np
import torch
import torch.nn.functional as F

import images
import inputs
import weights_file
from low_rank import LowRank, cut
from run import Run

SHAPES = {"mnist": [784, 1000, 600, 400, 10],
          "moved": [1024, 1500, 700, 400, 200, 10], "svhn": [1024, 1500, 700, 400, 200, 10]}
INPUT_DROPOUT = {"mnist": 0.3, "moved": 0.2, "svhn": 0.2}
TABLES = {"mnist": "control,50-35-25,25-25-25,15-10-5,10-10-5",
          "moved": "control,200-100-75-15,100-75-50-25,75-50-40-30,50-40-40-35,25-25-15-15"}
SCHEDULES = {"paper": dict(epochs=200, batch=100, rate=1e-4, dropout_at_end=1.0),
             "quick": dict(epochs=40, batch=250, rate=1e-3, dropout_at_end=0.0)}


class Spec:
    """One network: `control`, or a rank for each hidden layer, with options behind colons.

    25-25-25            factors by SVD at the beginning of each epoch
    25-25-25:every5     at that of epochs 1, 6, 11, ...
    25-25-25:learned    by SVD at the first epoch; then trained to tell the sign of W a + b (cross entropy)
    """

    def __init__(self, text, seed, sizes):
        self.text, self.seed = text, seed
        hidden = len(sizes) - 2
        first, *options = text.split(":")
        try:
            self.ranks = None if first == "control" else [int(r) for r in first.split("-")]
        except ValueError:
            raise SystemExit(f"{text!r} is no network; write control, or ranks such as 25-25-25")
        if self.ranks is not None and (len(self.ranks) != hidden or min(self.ranks) < 1):
            raise SystemExit(f"{text!r} has {len(self.ranks)} ranks from {min(self.ranks)} on; "
                             f"there are {hidden} hidden layers, each of rank 1 or more")
        for rank, d, h in zip(self.ranks or (), sizes, sizes[1:]):
            if rank > min(d, h):
                raise SystemExit(f"{text!r}: a layer of {d} x {h} has no rank {rank}")
        self.every, self.learned = 1, False
        for option in options:
            if option == "learned":
                self.learned = True
            elif option.startswith("every") and option[5:].isdigit() and int(option[5:]) > 0:
                self.every = int(option[5:])
            else:
                raise SystemExit(f"{option!r} of {text!r} is unknown; there are learned and everyN")

    def name(self):
        return f"{self.text.replace(':', '-')}-seed{self.seed}"

    def refreshed(self, epoch):
        return epoch == 1 if self.learned else (epoch - 1) % self.every == 0


class Networks:
    """K perceptrons of the sizes [d, h1, ..., classes]. A layer has W [K, h, d], b [K, h], and U, V."""

    def __init__(self, sizes, specs, device):
        self.sizes, self.specs, self.device = sizes, specs, device
        self.hidden = len(sizes) - 2
        self.weights, self.biases, self.u, self.v, self.e, self.low = [], [], [], [], [], []
        starts = [torch.Generator().manual_seed(1_000 + spec.seed) for spec in specs]
        for d, h in zip(sizes, sizes[1:]):
            glorot = math.sqrt(6 / (d + h))
            drawn = [(2 * torch.rand(h, d, generator=start) - 1) * glorot for start in starts]
            self.weights.append(torch.stack(drawn).to(device))
            self.biases.append(torch.zeros(len(specs), h, device=device))
        for l, (d, h) in enumerate(zip(sizes[:-2], sizes[1:-1])):
            widest = max(self._ranks(l))
            self.low.append(LowRank(len(specs), d, widest, device=device,
                                    generator=torch.Generator().manual_seed(l)))
            self.u.append(torch.zeros(len(specs), h, max(widest, 1), device=device))
            self.v.append(torch.zeros(len(specs), max(widest, 1), d, device=device))
            self.e.append(torch.zeros(len(specs), h, device=device))
        self.everything = self._per_network([spec.ranks is None for spec in specs])
        self.learned = self._per_network([float(spec.learned) for spec in specs])
        self.any_learned = any(spec.learned for spec in specs)
        self.trained = self.weights + self.biases + ((self.u + self.v + self.e) if self.any_learned else [])
        for tensor in self.trained:
            tensor.requires_grad_()

    def _ranks(self, l):
        return [0 if spec.ranks is None else spec.ranks[l] for spec in self.specs]

    def _per_network(self, values):
        return torch.tensor(values, device=self.device)[:, None, None]

    @torch.no_grad()
    def refresh(self, epoch, rounds=6):
        """New factors for the networks whose turn it is."""
        due = [spec.ranks is not None and spec.refreshed(epoch) for spec in self.specs]
        if not any(due):
            return
        due = self._per_network(due)
        for l, low in enumerate(self.low):
            u, v = cut(*low.factors(self.weights[l], rounds), self._ranks(l))
            self.u[l].copy_(torch.where(due, u, self.u[l]))
            self.v[l].copy_(torch.where(due, v, self.v[l]))
            if epoch == 1:
                self.e[l].copy_(self.biases[l])

    def bias_of_scores(self, l):
        """e [K, h]: the layer's bias as it is now, or the learned one."""
        bias = self.biases[l].detach()
        return torch.where(self.learned[:, 0] > 0, self.e[l], bias) if self.any_learned else bias

    def forward(self, x, dropout=None, seen=None):
        """x [B, d] -> scores of classes [K, B, c].

        dropout  (share of inputs, share of hidden units) to drop, in 256ths; None after training
        seen     called with (layer, s, W a + b, s > 0 or everything), [K, B, h] each
        """
        a = x.expand(len(self.specs), *x.shape)
        if dropout:
            kept, scale = _kept(a.shape, dropout[0], self.device)
            a = a * (kept * scale)
        self.loss_of_estimates = 0.0
        for l in range(self.hidden):
            z = torch.baddbmm(self.biases[l][:, None], a, self.weights[l].transpose(1, 2))
            with torch.set_grad_enabled(self.any_learned and torch.is_grad_enabled()):
                low = a.detach() @ self.v[l].transpose(1, 2)
                s = torch.baddbmm(self.bias_of_scores(l)[:, None], low, self.u[l].transpose(1, 2))
            if s.requires_grad:
                told = F.binary_cross_entropy_with_logits(s, (z > 0).to(s.dtype), reduction="none")
                self.loss_of_estimates = self.loss_of_estimates + (told * self.learned).mean((1, 2)).sum()
            live = (s.detach() > 0) | self.everything
            if seen:
                seen(l, s.detach(), z.detach(), live)
            passed = live & (z.detach() > 0)
            if dropout:
                kept, scale = _kept(z.shape, dropout[1], self.device)
                a = z * ((passed & kept) * scale)
            else:
                a = z * passed
        return torch.baddbmm(self.biases[-1][:, None], a, self.weights[-1].transpose(1, 2))

    def state(self):
        return {"tensors": [t.detach() for t in self.weights + self.biases + self.u + self.v + self.e],
                "spaces": [low.space for low in self.low]}

    @torch.no_grad()
    def load(self, state):
        for kept, tensor in zip(state["tensors"], self.weights + self.biases + self.u + self.v + self.e):
            tensor.copy_(kept)
        for low, space in zip(self.low, state["spaces"]):
            low.space = space.to(self.device)

    def export(self, k, path, note):
        """Network k as a Stillgate file: hidden layers `dense` with relu (control) or `conditional_dense`."""
        spec, layers, tensors = self.specs[k], [], {}
        for l, (d, h) in enumerate(zip(self.sizes, self.sizes[1:])):
            name = f"hidden{l}" if l < self.hidden else "out"
            values = {"W": self.weights[l][k], "b": self.biases[l][k]}
            if l < self.hidden and spec.ranks is not None:
                rank = spec.ranks[l]
                layers.append({"type": "conditional_dense", "name": name, "inputs": d, "units": h,
                               "rank": rank})
                values["V"], values["U"] = self.v[l][k, :rank], self.u[l][k, :, :rank]
                values["e"] = self.bias_of_scores(l)[k]
            else:
                layers.append({"type": "dense", "name": name, "inputs": d, "units": h,
                               "activation": "relu" if l < self.hidden else "softmax"})
            tensors |= {f"{name}.{field}": t.detach().cpu().numpy() for field, t in values.items()}
        weights_file.save(path, layers, tensors, note=note)


def _kept(shape, share, device):
    """Which elements stay, and what they are multiplied by (inverted dropout). By random bytes, so the share
    is rounded to 256ths."""
    dropped = round(256 * share)
    count = math.prod(shape)
    words = torch.empty((count + 7) // 8, dtype=torch.int64, device=device).random_(-2**63, None)
    return words.view(torch.uint8)[:count].view(shape) >= dropped, 256 / (256 - dropped)


class Adam:
    """Adam (Kingma and Ba) in few passes over memory; every tensor has moments m, v."""

    def __init__(self, tensors, first=0.9, second=0.999, epsilon=1e-8):
        self.tensors, self.first, self.second, self.epsilon = tensors, first, second, epsilon
        self.m = [torch.zeros_like(t, requires_grad=False) for t in tensors]
        self.v = [torch.zeros_like(t, requires_grad=False) for t in tensors]
        self.steps = 0

    @torch.no_grad()
    def step(self, gradients, rate):
        self.steps += 1
        unbiased = math.sqrt(1 - self.second ** self.steps)
        rate = rate * unbiased / (1 - self.first ** self.steps)
        for t, g, m, v in zip(self.tensors, gradients, self.m, self.v):
            m.lerp_(g, 1 - self.first)
            v.mul_(self.second).addcmul_(g, g, value=1 - self.second)
            t.addcdiv_(m, v.sqrt().add_(self.epsilon * unbiased), value=-rate)

    def state(self):
        return {"m": self.m, "v": self.v, "steps": self.steps}

    def load(self, state):
        for ours, kept in ((self.m, state["m"]), (self.v, state["v"])):
            for tensor, value in zip(ours, kept):
                tensor.copy_(value)
        self.steps = state["steps"]


class Counts:
    """Shares per network and layer: agreement of the signs, live, positive, and positive units left out."""

    def __init__(self, hidden):
        self.sums = [0] * hidden

    def __call__(self, l, s, z, live):
        positive = z > 0
        shares = (live == positive, live, positive, positive & ~live)
        self.sums[l] = self.sums[l] + torch.stack([x.float().mean((1, 2)).double() for x in shares])

    def of(self, k, batches):
        """Of network k, after so many batches of equal size."""
        columns = torch.stack(self.sums)[:, :, k] / batches
        return {name: [round(v, 5) for v in columns[:, i].tolist()]
                for i, name in enumerate(("agreement", "live", "positive", "missed"))}


@torch.no_grad()
def evaluate(networks, part, at_once=1000):
    """(classes [K, N], dictionary of each network with its `error` in % and the shares of `Counts`)."""
    pictures, classes = part
    if len(classes) % at_once:
        at_once = math.gcd(len(classes), at_once)
    counts, given = Counts(networks.hidden), []
    for begin in range(0, len(classes), at_once):
        scores = networks.forward(pictures[begin:begin + at_once], seen=counts)
        given.append(scores.argmax(2).cpu())
    given = torch.cat(given, 1)
    errors = (given != classes.cpu()).double().mean(1) * 100
    batches = len(classes) // at_once
    return given, [{"error": round(errors[k].item(), 4), **counts.of(k, batches)}
                   for k in range(len(networks.specs))]


def rate_of(schedule, first, step, steps, epoch):
    """`paper`: x 0.9 every 50 epochs. `quick`: half a cosine down to 0 over all steps."""
    if schedule == "paper":
        return first * 0.9 ** ((epoch - 1) // 50)
    return first * (1 + math.cos(math.pi * step / steps)) / 2


def train(run, networks, data, settings, keep_every=1):
    """Trains to the last epoch; each epoch adds a point to the run's curve."""
    adam = Adam(networks.trained)
    state = run.resume()
    if state:
        networks.load(state["networks"])
        adam.load(state["adam"])
    pictures, classes = data.train
    batch, last = settings["batch"], settings["epochs"]
    batches = len(classes) // batch
    for epoch in run.epochs(last):
        began = time.time()
        networks.refresh(epoch, rounds=30 if epoch == 1 else 6)
        traced = epoch <= settings["trace"]
        trace = [[[] for _ in range(networks.hidden)] for _ in networks.specs]
        losses = torch.zeros(len(networks.specs), device=networks.device)
        order = torch.randperm(len(classes)).to(networks.device)
        for i in range(batches):
            some = order[i * batch:(i + 1) * batch]
            counts = Counts(networks.hidden) if traced else None
            step = (epoch - 1) * batches + i
            left = 1 - (1 - settings["dropout_at_end"]) * step / (last * batches)
            scores = networks.forward(pictures[some], [share * left for share in settings["dropout"]], counts)
            wanted = classes[some].expand(len(networks.specs), -1)
            each = F.cross_entropy(scores.flatten(0, 1), wanted.reshape(-1), reduction="none")
            each = each.view(wanted.shape).mean(1)
            gradients = torch.autograd.grad(each.sum() + networks.loss_of_estimates, networks.trained)
            adam.step(gradients, rate_of(settings["schedule"], settings["rate"], step, last * batches, epoch))
            losses += each.detach()
            for k in range(len(networks.specs)) if traced else ():
                for l, share in enumerate(counts.of(k, 1)["agreement"]):
                    trace[k][l].append(round(share, 4))
        _, found = evaluate(networks, data.validation)
        point = {"epoch": epoch, "seconds": round(time.time() - began, 1),
                 "least_validation_error": min(f["error"] for f in found), "networks": {}}
        for k, spec in enumerate(networks.specs):
            point["networks"][spec.name()] = {"loss": round(losses[k].item() / batches, 5), **found[k]}
            if traced and spec.ranks is not None:
                point["networks"][spec.name()]["minibatches"] = trace[k]
        kept = epoch % keep_every == 0 or epoch == last
        run.record(point, {"networks": networks.state(), "adam": adam.state()} if kept else None)


def finish(run, networks, data, folder, settings):
    """Scores the networks as they were trained, and with fresh factors for comparison; exports the former."""
    given, found = evaluate(networks, data.test)
    result = {"pictures": data.name, "networks": {}}
    for k, spec in enumerate(networks.specs):
        name = spec.name()
        networks.export(k, os.path.join(folder, f"{name}.safetensors"),
                        f"{name}, trained on {data.name}, {settings['epochs']} epochs; "
                        f"test error {found[k]['error']} %")
        with open(os.path.join(folder, f"{name}.classes"), "wb") as file:
            file.write(given[k].to(torch.uint8).numpy().tobytes())
        result["networks"][name] = {"configuration": spec.text, "ranks": spec.ranks, "seed": spec.seed,
                                    "test": found[k]}
    kept = [t.clone() for t in networks.u + networks.v]
    networks.refresh(1 + math.lcm(*(s.every for s in networks.specs)))
    for name, fresh in zip(result["networks"], evaluate(networks, data.test)[1]):
        result["networks"][name]["test_with_fresh_factors"] = fresh["error"]
    with torch.no_grad():
        for tensor, value in zip(networks.u + networks.v, kept):
            tensor.copy_(value)
    run.finish(result)


def seeds_of(text):
    """`1,2,5` or `1-10`."""
    seeds = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        try:
            seeds += range(int(first), int(last or first) + 1)
        except ValueError:
            raise SystemExit(f"--seeds {text}: {part!r} is no number and no range; write 1,2 or 1-10") from None
    if not seeds:
        raise SystemExit(f"--seeds {text} has no seed; write 1,2 or 1-10")
    return seeds


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0],
                                     formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--images", required=True, help="folder of the files of the set")
    parser.add_argument("--set", choices=list(SHAPES), default="mnist",
                        help="svhn needs its .mat files; moved is the stand-in for it, made of MNIST's")
    parser.add_argument("--out", required=True, help="folder of the run")
    parser.add_argument("--networks", help=f"such as {TABLES['mnist']}, all of the set's table if not given")
    parser.add_argument("--seeds", default="1", help="such as 1,2 or 1-10; each network is trained from each")
    parser.add_argument("--schedule", choices=list(SCHEDULES), default="quick",
                        help="paper: 200 epochs of minibatches of 100, rate 1e-4 x 0.9 every 50; "
                             "quick: 40 of 250, rate 1e-3 down a cosine, and dropout down a line to 0")
    parser.add_argument("--epochs", type=inputs.count, help="those of the schedule if not given")
    parser.add_argument("--rate", type=float, help="that of the schedule if not given")
    parser.add_argument("--batch", type=inputs.count, help="that of the schedule if not given")
    parser.add_argument("--trace", type=inputs.count_or_none, default=0,
                        help="first epochs whose minibatches are logged (figure 3.2)")
    parser.add_argument("--train-pictures", type=inputs.count, help="only so many of the training part")
    parser.add_argument("--units", help="widths of the hidden layers, such as 1000,600,400")
    parser.add_argument("--keep-every", type=inputs.count, default=1, help="epochs from checkpoint to checkpoint")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    return parser


def main(arguments=None):
    given = options().parse_args(arguments)
    device = torch.device(given.device)
    if device.type == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = False
    sizes = list(SHAPES[given.set])
    if given.units:
        try:
            sizes = [sizes[0], *map(inputs.count, given.units.split(",")), sizes[-1]]
        except argparse.ArgumentTypeError as e:
            raise SystemExit(f"--units {given.units}: {e}") from None
    table = TABLES["moved" if given.set == "svhn" else given.set]
    schedule = SCHEDULES[given.schedule]
    settings = {"set": given.set, "sizes": sizes, "networks": given.networks or table, "seeds": given.seeds,
                "schedule": given.schedule, "rate": given.rate or schedule["rate"],
                "batch": given.batch or schedule["batch"],
                "epochs": given.epochs or schedule["epochs"], "dropout": [INPUT_DROPOUT[given.set], 0.5],
                "dropout_at_end": schedule["dropout_at_end"],
                "train_pictures": given.train_pictures, "trace": given.trace}
    specs = [Spec(text, seed, sizes)
             for seed in seeds_of(given.seeds) for text in settings["networks"].split(",")]
    data = images.load(given.set, given.images)
    run = Run(given.out, settings, {"pictures": data.data})
    if run.finished:
        print(f"{given.out} is finished")
        return
    parts = [images.Part(*(torch.from_numpy(np.ascontiguousarray(x)).to(device) for x in part))
             for part in (data.train, data.validation, data.test)]
    if given.train_pictures:
        parts[0] = images.Part(*(x[:given.train_pictures] for x in parts[0]))
    if len(parts[0].classes) < settings["batch"]:
        raise SystemExit(f"{len(parts[0].classes)} training pictures fill no minibatch of {settings['batch']}; "
                         "use a smaller --batch")
    data = images.Images(data.name, *parts, data.data)
    torch.manual_seed(specs[0].seed)
    networks = Networks(sizes, specs, device)
    with run:
        train(run, networks, data, settings, given.keep_every)
        finish(run, networks, data, given.out, settings)


if __name__ == "__main__":
    main()
