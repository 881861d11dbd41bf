"""Trains one sparse LSTM and writes what Stillgate and its report read.

    python3 train_sparse.py imdb DATA FOLDER --method bayes-wgn [--budget small]

FOLDER gets record.json (settings, curve, result), checkpoint.pt, and at the end

    model.safetensors    the network, removed weights exactly 0, as `./stillgate inspect` reads it
    vectors.safetensors  inputs and float64 outputs of it, for `./stillgate convert --verify`
    tests.safetensors    test inputs and their answers, to score it

The same command goes on after Ctrl-C, and with a larger --epochs. README.md has the tasks and their sizes.
"""

import argparse
import copy
import json
import math
import os
import sys

# Before torch: OpenBLAS's threads wait for each other in turns, which costs more than products this small take.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy
import torch

import inputs
import weights_file
from run import Run
from sparse_lstm import (METHODS, GroupLasso, SparseLstm, cross_entropy, export, gradients_by_lag,
                         means_by_kind, structure)
from sparse_tasks import CHARACTERS, load

# `paper` has the sizes of the paper and of the code it builds on; `small` what two CPU cores train in an hour or two.
# limit: training examples, part: tokens an epoch, held: tokens that are scored after an epoch; 0 is all of them.
# The rate stays for `hold` epochs and is multiplied by `decay` in each one after; clip 0 is none.
_ADAM = {"hold": 0, "decay": 1.0, "dropout": 0.0, "part": 0, "held": 0, "limit": 0}
SIZES = {
    "imdb": {
        "paper": {**_ADAM, "words": 20_000, "embedding": 300, "hidden": [128], "steps": 200, "batch": 128,
                  "rate": 5e-4, "epochs": 800, "clip": 0.0},
        "small": {**_ADAM, "words": 5_000, "embedding": 100, "hidden": [64], "steps": 100, "batch": 64,
                  "rate": 1e-3, "epochs": 40, "clip": 0.0}},
    "ag_news": {
        "paper": {**_ADAM, "words": 20_000, "embedding": 300, "hidden": [512], "steps": 100, "batch": 128,
                  "rate": 5e-4, "epochs": 150, "clip": 0.0},
        "small": {**_ADAM, "words": 5_000, "embedding": 100, "hidden": [64], "steps": 40, "batch": 64,
                  "rate": 1e-3, "epochs": 30, "clip": 0.0}},
    "text8": {
        "paper": {**_ADAM, "words": 0, "embedding": 0, "hidden": [1000], "steps": 100, "batch": 64,
                  "rate": 2e-3, "epochs": 250, "clip": 1.0, "limit": 5_017_483},
        "small": {**_ADAM, "words": 0, "embedding": 0, "hidden": [200], "steps": 100, "batch": 64,
                  "rate": 2e-3, "epochs": 40, "clip": 1.0, "limit": 1_000_000, "held": 100_000}},
    "words": {
        "paper": {**_ADAM, "words": 10_000, "embedding": 200, "hidden": [200, 200], "steps": 20, "batch": 20,
                  "rate": 1.0, "epochs": 20, "hold": 6, "decay": 0.7, "clip": 5.0, "limit": 929_589},
        "small": {**_ADAM, "words": 10_000, "embedding": 100, "hidden": [100, 100], "steps": 20, "batch": 20,
                  "rate": 1.0, "epochs": 24, "hold": 14, "decay": 0.8, "clip": 5.0, "limit": 929_589, "part": 232_397,
                  "held": 20_000}},
}
# What Bayesian training of words has in place of the SGD of the pruning methods.
_BAYES_WORDS = {"rate": 2e-3, "hold": 0, "decay": 1.0, "clip": 10.0, "epochs": 50}
QUALITY = {"imdb": "accuracy", "ag_news": "accuracy", "text8": "bits", "words": "perplexity"}


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0], allow_abbrev=False)
    parser.add_argument("task", choices=SIZES)
    parser.add_argument("data", help="folder of the data set, for text8 its file")
    parser.add_argument("folder", help="where the run is kept")
    parser.add_argument("--method", choices=METHODS, required=True)
    parser.add_argument("--budget", choices=("paper", "small"), default="paper", help="sizes to begin with")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--hidden", type=inputs.count, nargs="+", help="cells of each LSTM")
    for name in ("steps", "batch", "epochs"):
        parser.add_argument(f"--{name}", type=inputs.count)
    for name in ("words", "embedding", "limit", "part", "held", "hold"):
        parser.add_argument(f"--{name}", type=inputs.count_or_none)
    for name in ("rate", "decay", "clip", "dropout"):
        parser.add_argument(f"--{name}", type=float)
    parser.add_argument("--vectors", metavar="FILE.npz",
                        help="word vectors the embedding starts with: arrays words, vectors")
    parser.add_argument("--kl-weight", type=float, default=1.0, help="multiplies KL / N of the Bayesian methods")
    parser.add_argument("--lambda1", type=float, default=1e-5, help="lasso of the pruning methods")
    parser.add_argument("--lambda2", type=float, default=2e-3, help="group lasso of the pruning methods")
    parser.add_argument("--threshold", type=float, help="below it weights become 0; max(1e-4, 2 lambda1) if not given")
    parser.add_argument("--tests", type=inputs.count, default=2_000,
                        help="texts, or tens of tokens, in tests.safetensors")
    parser.add_argument("--finish", action="store_true", help="write the files from the last checkpoint, train no more")
    given = parser.parse_args(arguments)
    sizes = dict(SIZES[given.task][given.budget])
    if given.task == "words" and given.method.startswith("bayes"):
        sizes.update(_BAYES_WORDS)
    sizes.update({name: getattr(given, name) for name in sizes if getattr(given, name) is not None})
    epochs = sizes.pop("epochs")
    settings = {"task": given.task, "method": given.method, "budget": given.budget, "seed": given.seed, **sizes,
                "vectors": given.vectors and os.path.basename(given.vectors)}
    if given.method.startswith("bayes"):
        settings["kl_weight"] = given.kl_weight
    if given.method.startswith("prun"):
        threshold = max(1e-4, 2 * given.lambda1) if given.threshold is None else given.threshold
        settings.update(lambda1=given.lambda1, lambda2=given.lambda2, threshold=threshold)
    return given, settings, epochs


def build(task, settings):
    """The network at its start."""
    sgd = uses_sgd(settings)
    begin = 0.1 if sgd else "glorot" if task.kind == "classify" else "orthogonal"
    forget = 0.0 if sgd or settings["task"] == "text8" else 1.0
    return SparseLstm(task.words, settings["embedding"], settings["hidden"], task.outputs, settings["method"],
                      hard=task.kind == "classify", begin=begin, forget=forget,
                      drop_words=task.kind == "classify", dropout=settings["dropout"])


def read_vectors(path, width):
    """(words, vectors) of an npz file whose vectors have `width` values."""
    with inputs.reading(path, "word_vectors.py makes such files"):
        with numpy.load(path) as kept:
            words, vectors = [str(word) for word in kept["words"]], kept["vectors"]
        if vectors.ndim != 2 or len(words) != len(vectors):
            raise ValueError(f"{len(words)} words, vectors {vectors.shape}")
    if vectors.shape[1] != width:
        raise SystemExit(f"{path} has vectors of {vectors.shape[1]} values: give --embedding {vectors.shape[1]}")
    return words, vectors


def start_with(net, task, words, vectors):
    """Puts word vectors into the embedding. Gives the share of the words that have one."""
    found = 0
    with torch.no_grad():
        for word, vector in zip(words, vectors):
            if word in task.token_of:
                net.E.theta[task.token_of[word]] = torch.from_numpy(vector)
                found += 1
    return found / len(task.token_of)


def uses_sgd(settings):
    return settings["method"].startswith("prun") or settings["task"] == "words" and settings["method"] == "original"


def windows(stream, batch, steps):
    """Pieces (inputs, targets), each (steps, batch), of `batch` neighbouring parts of the stream."""
    length = (len(stream) - 1) // batch
    if length < 1:
        raise SystemExit(f"{len(stream)} tokens do not fill {batch} streams: use a smaller --batch")
    x = stream[:length * batch].view(batch, length).t()
    y = stream[1:length * batch + 1].view(batch, length).t()
    for at in range(0, length, steps):
        yield x[at:at + steps].contiguous(), y[at:at + steps].contiguous()


def batches(task, settings, epoch):
    """(tokens, mask, answers, whether a state begins) of an epoch's updates."""
    if task.kind == "classify":
        for at in torch.randperm(len(task.train)).split(settings["batch"]):
            yield *task.train.batch(at), True
        return
    stream, part = task.train, settings["part"]
    if 0 < part < len(stream):
        begin = (epoch - 1) % (len(stream) // part) * part
        stream = stream[begin:begin + part]
    for at, (x, y) in enumerate(windows(stream, settings["batch"], settings["steps"])):
        yield x, None, y, at == 0


def train_epoch(net, optimizer, task, settings, epoch):
    """Runs one epoch. Gives the mean cross entropy in nats."""
    net.train()
    lasso = GroupLasso(net, *(settings[s] for s in ("lambda1", "lambda2", "threshold"))) \
        if settings["method"].startswith("prun") else None
    bayes = settings["method"].startswith("bayes")
    for group in optimizer.param_groups:
        group["lr"] = settings["rate"] * settings["decay"] ** max(0, epoch - settings["hold"])
    classify, total, examples, states = task.kind == "classify", 0.0, 0, None
    for tokens, mask, answers, begins in batches(task, settings, epoch):
        if begins:
            states = net.start(tokens.shape[1])
        logits, after = net(tokens, states, mask, last=classify)
        loss = cross_entropy(logits, answers)
        total, examples = total + loss.item() * answers.numel(), examples + answers.numel()
        if bayes:
            loss = loss + settings["kl_weight"] / examples_of(task) * net.kl()
        if uses_sgd(settings):
            # The sum over a window's steps, to which rates and penalties of such trainings refer.
            loss = loss * len(tokens) if lasso is None else loss * len(tokens) + lasso()
        optimizer.zero_grad()
        loss.backward()
        if settings["clip"]:
            torch.nn.utils.clip_grad_norm_(net.parameters(), settings["clip"])
        optimizer.step()
        if lasso is not None:
            lasso.prune()
        states = after
        if sys.stderr.isatty():
            print(f"\r\033[Kepoch {epoch}: {examples} examples, {total / examples:.4f} nats",
                  end="", file=sys.stderr, flush=True)
    return total / examples


def examples_of(task):
    """N of the objective: training texts, or predicted tokens."""
    return len(task.train) if task.kind == "classify" else len(task.train) - 1


@torch.no_grad()
def score(net, task, data, settings, streams=20):
    """Quality of a settled network on Sequences, or on a stream cut into `streams`."""
    total, right, examples = 0.0, 0, 0
    if task.kind == "classify":
        for at in torch.arange(len(data)).split(256):
            tokens, mask, answers = data.batch(at)
            logits, _ = net(tokens, net.start(len(at)), mask, last=True)
            said = logits[:, 0] > 0 if task.outputs == 1 else logits.argmax(1)
            right += int((said == answers).sum())
        return {"accuracy": round(100 * right / len(data), 4)}
    states = net.start(streams)
    for x, y in windows(data, streams, settings["steps"]):
        logits, states = net(x, states)
        total, examples = total + cross_entropy(logits, y).item() * y.numel(), examples + y.numel()
    return {"bits": total / examples / math.log(2)} if settings["task"] == "text8" \
        else {"perplexity": math.exp(min(total / examples, 50))}


def held(stream, settings):
    return stream[:settings["held"]] if settings["held"] and torch.is_tensor(stream) else stream


@torch.no_grad()
def write_files(net, task, settings, folder, count):
    """Writes the network, its proof and its tests. Gives the score on those tests."""
    activation = "sigmoid" if task.outputs == 1 else "softmax"
    layers, tensors = export(net, activation)
    note = f"{settings['task']}, {settings['method']}, sizes {settings['budget']}, seed {settings['seed']}"
    weights_file.save(os.path.join(folder, "model.safetensors"), layers, tensors, note=note,
                      vocabulary=CHARACTERS if settings["task"] == "text8" else None)
    settled = net.settled()
    wide = settled.double()
    cases = {}
    classify = task.kind == "classify"
    for case, begin in enumerate(spread(len(task.test), 3).tolist()):
        tokens = unpadded(task.test, begin)[:40] if classify else task.test[begin:begin + 40]
        logits, _ = wide(tokens[:, None], wide.start(1))
        answers = torch.sigmoid(logits) if task.outputs == 1 else torch.softmax(logits, -1)
        cases[f"{case}.tokens"] = tokens.numpy().astype("float32")
        cases[f"{case}.output"] = answers[:, 0].numpy().astype("float32")
    weights_file.write(os.path.join(folder, "vectors.safetensors"), cases)
    settled = net.settled()
    if classify:
        chosen = copy.copy(task.test)
        for field in ("tokens", "lengths", "classes"):
            setattr(chosen, field, getattr(task.test, field)[spread(len(task.test), count)])
        quality = score(settled, task, chosen, settings)
        arrays = {"tokens": torch.cat([unpadded(chosen, at) for at in range(len(chosen))]),
                  "lengths": chosen.lengths, "targets": chosen.classes}
    else:
        stream = task.test[:10 * count + 1]
        quality = score(settled, task, stream, settings, streams=1)
        arrays = {"tokens": stream[:-1], "targets": stream[1:]}
    weights_file.write(os.path.join(folder, "tests.safetensors"),
                       {name: values.numpy().astype("float32") for name, values in arrays.items()},
                       {"task": settings["task"], "score": json.dumps(quality)})
    return quality


def unpadded(texts, at):
    return texts.tokens[at, texts.tokens.shape[1] - texts.lengths[at]:]


def spread(length, count):
    """Indices of at most `count` of `length` things, evenly."""
    return torch.arange(min(length, count)) * length // min(length, count)


def how_far_back(net, task, kept):
    """Gradient norms by lag of 64 validation sequences, and their means by kind of unit."""
    if task.kind == "classify":
        tokens, mask, _ = task.valid.batch(spread(len(task.valid), 64))
    else:
        length = min(151, len(task.valid) // 2)
        begins = spread(len(task.valid) - length, 64)
        tokens, mask = torch.stack([task.valid[b:b + length] for b in begins.tolist()], 1), None
    norms = gradients_by_lag(net, tokens, mask)
    return {"means": means_by_kind(norms, kept["patterns"]), "units": norms}


def main(arguments=None):
    given, settings, epochs = parse(arguments)
    torch.manual_seed(settings["seed"])
    task = load(given.task, given.data, settings, torch.Generator().manual_seed(settings["seed"]))
    net = build(task, settings)
    data = {"examples": task.data(given.data)}
    if given.vectors:
        words, vectors = read_vectors(given.vectors, settings["embedding"])
        data["word vectors"] = inputs.data(settings["vectors"], words, vectors)
        share = start_with(net, task, words, vectors)
        print(f"{100 * share:.1f} % of the words have a vector", file=sys.stderr)
    optimizer = torch.optim.SGD(net.parameters(), settings["rate"]) if uses_sgd(settings) \
        else torch.optim.Adam(net.parameters(), settings["rate"])
    quality = QUALITY[given.task]
    better = (lambda a, b: a > b) if quality == "accuracy" else (lambda a, b: a < b)
    with Run(given.folder, settings, data) as run:
        if run.finished and len(run.curve) >= epochs and not given.finish:
            return
        state = run.resume()
        best = None
        if given.finish and state is None:
            raise SystemExit(f"{given.folder} holds no epoch of a training that --finish could end; "
                             "train first, without --finish")
        if state is not None:
            net.load_state_dict(state["net"])
            optimizer.load_state_dict(state["optimizer"])
            best = state["best"]
        if given.finish:
            epochs = len(run.curve)
        for epoch in run.epochs(epochs):
            loss = train_epoch(net, optimizer, task, settings, epoch)
            kept = structure(net.effective(), len(net.hidden))
            reached = score(net.settled(), task, held(task.valid, settings), settings)[quality]
            # A plain network overfits: its best epoch is kept. The others are taken as they end.
            if settings["method"] == "original" and (best is None or better(reached, best["quality"])):
                best = {"epoch": epoch, "quality": reached, "net": copy.deepcopy(net.state_dict())}
            point = {"epoch": epoch, "loss": loss, quality: reached,
                     **{field: kept[field] for field in ("neurons", "gates", "nonzero", "compression")}}
            if settings["method"].startswith("bayes"):
                with torch.no_grad():
                    point["kl"] = net.kl().item() / examples_of(task)
            run.record(point, {"net": net.state_dict(), "optimizer": optimizer.state_dict(), "best": best})
        if best is not None:
            net.load_state_dict(best["net"])
        kept = structure(net.effective(), len(net.hidden))
        settled = net.settled()
        run.finish({"epochs": len(run.curve), "epoch": best["epoch"] if best else len(run.curve),
                    "examples": examples_of(task), "quality": quality,
                    "valid": score(settled, task, task.valid, settings),
                    "test": score(settled, task, task.test, settings),
                    "tests_file": write_files(net, task, settings, given.folder, given.tests),
                    "structure": kept, "gradients": how_far_back(settled, task, kept)})


if __name__ == "__main__":
    main()
