"""Sentence classification with SRU and LSTM: the table of the SRU poster (Lei et al., 2018).

    python3 sentences.py --data sent-conv --vectors vectors.npz --runs DIR --sets TREC,CR --models lstm,sru-2

Word vectors (fixed) -> dropout -> layers, dropout between them -> the last output -> dropout -> linear.
Each fold of each set and model has a folder DIR/SET/MODEL/fold-K that run.py keeps. The same command goes
on where it was stopped, and with more epochs where it ended. The first fold also leaves its network,
`network.safetensors`, which reads the tokens of `words.txt` and gives the probabilities of the classes, and
`check.json`: the test sentences' tokens and labels, and what the trainer gives for them.
"""

import argparse
import copy
import json
import os
import random
import time

import torch
from torch import nn
from torch.nn import functional

import inputs
import weights_file
import word_vectors
from run import Run
from sentence_sets import FILES, SentenceSet, batches
from sru import Sru

MODELS = {"lstm": ("lstm", 2, {}), "sru-2": ("sru", 2, {}), "sru-4": ("sru", 4, {}),
          "sru-2-no-cells": ("sru", 2, {"recurrent": False}),
          "sru-2-no-highway": ("sru", 2, {"highway": False})}


class Classifier(nn.Module):
    """See above; gives logits (batch, classes) for tokens (steps, batch) and lengths (batch)."""

    def __init__(self, vectors, model, units, classes, dropout, forget_bias=0.0):
        super().__init__()
        kind, depth, options = MODELS[model]
        self.register_buffer("vectors", torch.as_tensor(vectors), persistent=False)
        self.dropout = dropout
        inputs = [self.vectors.shape[1]] + [units] * (depth - 1)
        make = nn.LSTM if kind == "lstm" else Sru
        self.layers = nn.ModuleList(make(width, units, **options) for width in inputs)
        for layer in self.layers:
            if isinstance(layer, nn.LSTM):
                layer.bias_ih_l0.data[units:2 * units] = forget_bias
            else:
                layer.bf.data.fill_(forget_bias)
        self.head = nn.Linear(units, classes)

    def forward(self, tokens, lengths):
        x = functional.embedding(tokens, self.vectors)
        for layer in self.layers:
            x = layer(functional.dropout(x, self.dropout, self.training))
            if isinstance(layer, nn.LSTM):
                x = x[0]
        last = x[lengths - 1, torch.arange(len(lengths))]
        return self.head(functional.dropout(last, self.dropout, self.training))

    def export(self, path, note):
        """Writes an embedding, the layers and a softmax as a Stillgate file."""
        words, width = self.vectors.shape
        layers = [{"type": "embedding", "name": "words", "inputs": words, "units": width}]
        tensors = {"words.E": self.vectors}
        for at, layer in enumerate(self.layers):
            name = f"rnn{at}"
            if isinstance(layer, Sru):
                layers.append(layer.description(name))
                found = layer.tensors()
            else:
                layers.append({"type": "lstm", "name": name, "inputs": layer.input_size,
                               "units": layer.hidden_size})
                found = lstm_tensors(layer)
            tensors.update((f"{name}.{field}", values) for field, values in found.items())
        layers.append({"type": "dense", "name": "out", "inputs": self.head.in_features,
                       "units": self.head.out_features, "activation": "softmax"})
        tensors.update({"out.W": self.head.weight.detach(), "out.b": self.head.bias.detach()})
        weights_file.save(path, layers, tensors, note=note)


def lstm_tensors(layer):
    """An nn.LSTM of one layer by the names of the weights file; PyTorch has the gates in order i, f, g, o."""
    biases = layer.bias_ih_l0.double() + layer.bias_hh_l0.double()
    parts = (("W", layer.weight_ih_l0), ("U", layer.weight_hh_l0), ("b", biases))
    return {letter + gate: rows.detach()
            for letter, values in parts for gate, rows in zip("ifgo", values.chunk(4))}


def probabilities(network, part):
    """(sentences, classes), in the order of `part`."""
    network.eval()
    found = torch.empty(len(part), network.head.out_features)
    with torch.no_grad():
        for tokens, lengths, _, places in batches(part, 64):
            found[places] = functional.softmax(network(tokens, lengths), -1)
    return found


def accuracy(network, part):
    """Percent of the sentences whose most probable class is theirs."""
    best = probabilities(network, part).argmax(-1)
    return 100 * sum(int(b) == label for b, (_, label) in zip(best, part)) / len(part)


def train(folder, data, vectors, settings, epochs, made_on):
    """One fold; scores the network of the epoch that was best on the validation part.

    made_on  what `data` and `vectors` were made of, as `Run` keeps it

    The rate stays the same throughout, so a training that had fewer epochs goes on as if it had been asked
    for more.
    """
    parts = data.fold(settings["fold"], settings["folds"], settings["seed"])
    torch.manual_seed(1000 * settings["seed"] + settings["fold"])
    network = Classifier(vectors, settings["model"], settings["units"], data.classes, settings["dropout"],
                         settings["forget_bias"])
    trained = [p for p in network.parameters() if p.requires_grad]
    adam = torch.optim.Adam(trained, settings["rate"])
    best, best_state = -1.0, None
    with Run(folder, settings, made_on) as run:
        if run.finished and run.result["epochs"] >= epochs:
            return
        kept = run.resume()
        if kept is not None:
            network.load_state_dict(kept["network"])
            adam.load_state_dict(kept["adam"])
            best, best_state = kept["best"], kept["best_state"]
        for epoch in run.epochs(epochs):
            began, cpu, total = time.perf_counter(), time.process_time(), 0.0
            network.train()
            order = random.Random(f"{settings['seed']} {settings['fold']} {epoch}")
            for tokens, lengths, labels, _ in batches(parts[0], settings["batch"], order):
                loss = functional.cross_entropy(network(tokens, lengths), labels)
                adam.zero_grad()
                loss.backward()
                adam.step()
                total += float(loss) * len(labels)
            spent = {"seconds": time.perf_counter() - began, "cpu_seconds": time.process_time() - cpu}
            valid = accuracy(network, parts[1])
            if valid > best:
                best, best_state = valid, copy.deepcopy(network.state_dict())
            run.record({"epoch": epoch, "loss": total / len(parts[0]), "validation": valid, **spent},
                       {"network": network.state_dict(), "adam": adam.state_dict(),
                        "best": best, "best_state": best_state})
        last = accuracy(network, parts[2])
        network.load_state_dict(best_state)
        if settings["fold"] == 0:
            leave(folder, network, data, parts[2], settings)
        middle = sorted(point["cpu_seconds"] for point in run.curve)[len(run.curve) // 2]
        run.finish({"test": accuracy(network, parts[2]), "test_after_last_epoch": last, "validation": best,
                    "epochs": epochs, "epoch": next(p["epoch"] for p in run.curve if p["validation"] == best),
                    "sentences": [len(part) for part in parts], "parameters": sum(p.numel() for p in trained),
                    "cpu_seconds_an_epoch": middle})


def leave(folder, network, data, test, settings):
    """Writes the network and what it gives for the test sentences."""
    network.export(os.path.join(folder, "network.safetensors"),
                   f"{settings['model']} on {settings['set']}, trained by training/pytorch/sentences.py")
    with open(os.path.join(folder, "words.txt"), "w", encoding="utf-8") as file:
        file.write("\n".join(data.vocabulary) + "\n")
    with open(os.path.join(folder, "check.json"), "w", encoding="utf-8") as file:
        given = probabilities(network, test).tolist()
        json.dump({"tokens": [tokens.tolist() for tokens, _ in test], "labels": [label for _, label in test],
                   "probabilities": [[round(p, 8) for p in row] for row in given]}, file)


def chosen(names, known):
    """The names of a list with commas, or all of `known` for an empty one."""
    found = names.split(",") if names else list(known)
    for name in found:
        if name not in known:
            raise SystemExit(f"{name} is none of {', '.join(known)}")
    return found


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", nargs="+", required=True, metavar="DIR",
                        help="folders with the sets' files")
    parser.add_argument("--vectors", required=True, help="what word_vectors.py wrote")
    parser.add_argument("--runs", required=True, metavar="DIR", help="where the trainings go, or are already")
    parser.add_argument("--sets", default="TREC,CR,MR,SUBJ", help=", ".join(FILES))
    parser.add_argument("--models", default="", help=", ".join(MODELS))
    parser.add_argument("--folds", type=inputs.count, default=10)
    parser.add_argument("--epochs", type=inputs.count, default=100)
    parser.add_argument("--units", type=inputs.count, default=128)
    parser.add_argument("--batch", type=inputs.count, default=32)
    parser.add_argument("--rate", type=float, default=1e-3, help="of Adam")
    parser.add_argument("--dropout", type=float, default=0.5)
    parser.add_argument("--deviation", type=float, default=0.2, help="of the values of the word vectors")
    parser.add_argument("--forget-bias", type=float, default=0.0,
                        help="what the forget gates' biases start with; with few epochs 2 saves half of them")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=inputs.count, default=1)
    return parser


def main():
    asked = options().parse_args()
    torch.set_num_threads(asked.threads)
    sets, models = chosen(asked.sets, FILES), chosen(asked.models, MODELS)
    known, table, made = word_vectors.load(asked.vectors)
    for name in sets:
        data = SentenceSet(name, asked.data)
        made_on = {"sentences": data.data(),
                   "word vectors": inputs.data(os.path.basename(asked.vectors), known, table)}
        vectors, missing = data.vectors(known, table, asked.seed, asked.deviation)
        for model in models:
            for fold in range(asked.folds):
                settings = {"set": name, "model": model, "fold": fold, "folds": asked.folds,
                            "own_test_set": len(data.parts) > 1, "units": asked.units,
                            "batch": asked.batch, "rate": asked.rate, "dropout": asked.dropout,
                            "seed": asked.seed, "vectors": made, "deviation": asked.deviation,
                            "forget_bias": asked.forget_bias,
                            "words": len(data.vocabulary), "words_without_vector": missing}
                train(os.path.join(asked.runs, name, model, f"fold-{fold}"), data, vectors, settings,
                      asked.epochs, made_on)


if __name__ == "__main__":
    main()
