"""Sentences with classes: CR, MR, SUBJ, MPQA, TREC and SST, as lines of a class, a blank and a sentence."""

import os
import random

import numpy as np

from inputs import data, reading
from word_vectors import words

# TREC and SST come with a test set, SST with a validation set too; the others are cut into folds.
FILES = {"CR": ["custrev.all"], "MR": ["rt-polarity.all"], "SUBJ": ["subj.all"], "MPQA": ["mpqa.all"],
         "TREC": ["TREC.train.all", "TREC.test.all"],
         "SST": ["derived.binary.phrases.train", "stsa.binary.test", "stsa.binary.dev"]}
CLASSES = {"CR": 2, "MR": 2, "SUBJ": 2, "MPQA": 2, "TREC": 6, "SST": 2}


class SentenceSet:
    """The sentences of one set as tokens; token t is the t-th of `vocabulary`, which is sorted."""

    def __init__(self, name, folders):
        self.name = name
        self.classes = CLASSES[name]
        parts = [_read(_find(file, folders), name) for file in FILES[name]]
        self.vocabulary = sorted({word for part in parts for found, _ in part for word in found})
        token = {word: t for t, word in enumerate(self.vocabulary)}
        self.parts = [[(np.array([token[word] for word in found]), label) for found, label in part]
                      for part in parts]

    def data(self):
        """Name and fingerprint of the sentences, for `Run`."""
        lines = [f"{label} {' '.join(map(str, tokens))}" for part in self.parts for tokens, label in part]
        return data(f"{' and '.join(FILES[self.name])}, {len(lines)} sentences", self.vocabulary, lines)

    def fold(self, number, folds, seed):
        """(training, validation, test) of fold 0, 1, ...; validation is a tenth of the training part, if the
        set has none.

        A set that has its own test set has no folds: their numbers are further seeds then.
        """
        if len(self.parts) == 1 and not 2 <= folds <= len(self.parts[0]):
            raise SystemExit(f"{self.name} has no test set of its own: --folds cuts its {len(self.parts[0])} sentences "
                             f"into 2 parts or more, a sentence each at least; it is {folds}")
        if len(self.parts) == 1:
            order = list(range(len(self.parts[0])))
            random.Random(seed).shuffle(order)
            test = [self.parts[0][at] for at in order[number::folds]]
            rest = [self.parts[0][at] for k in range(folds) if k != number for at in order[k::folds]]
        else:
            rest, test = list(self.parts[0]), self.parts[1]
        if len(self.parts) == 3:
            return rest, self.parts[2], test
        random.Random(1000 * seed + number).shuffle(rest)
        tenth = max(1, len(rest) // 10)
        return rest[tenth:], rest[:tenth], test

    def vectors(self, known, table, seed, deviation):
        """A row for each word of the vocabulary, and how many were not among `known` and are drawn.

        What all rows of `table` share is taken off them, for skip-gram leaves a large mean, and they are
        scaled to the standard `deviation`. Dropout and the highway let values grow from layer to layer: at a
        deviation of 1 four SRU layers begin with logits of 20, and their first epochs go into losing them.
        """
        row = {word: at for at, word in enumerate(known)}
        table = table - table.mean(0)
        table *= deviation / np.sqrt(np.mean(np.square(table)))
        bound = np.sqrt(3) * deviation
        drawn = np.random.RandomState(seed).uniform(-bound, bound, (len(self.vocabulary), table.shape[1]))
        missing = 0
        for at, word in enumerate(self.vocabulary):
            if word in row:
                drawn[at] = table[row[word]]
            else:
                missing += 1
        return drawn.astype(np.float32), missing


def _find(file, folders):
    for folder in folders:
        if os.path.exists(os.path.join(folder, file)):
            return os.path.join(folder, file)
    raise SystemExit(f"there is no {file} in {', '.join(folders)}; name its folder with --data")


def _read(path, name):
    """[(words, class)] of a file of the set `name`, whose lines are in UTF-8 or, failing that, Latin-1."""
    found = []
    with reading(path, "name a folder of the sets' files with --data"), open(path, "rb") as file:
        lines = file.readlines()
    for number, line in enumerate(lines, 1):
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError:
            text = line.decode("latin-1")
        label, _, sentence = text.strip().partition(" ")
        if not (label.isascii() and label.isdigit()):
            raise SystemExit(f"{path}, line {number}, does not begin with the number of a class")
        if int(label) >= CLASSES[name]:
            raise SystemExit(f"{path}, line {number}, is of class {label}; {name} has the classes 0 to "
                             f"{CLASSES[name] - 1}")
        found.append((words(sentence) or ["."], int(label)))
    if len(found) < 2:
        raise SystemExit(f"{path} has {len(found)} sentences; at least 2 are needed")
    return found


def batches(part, size, order=None):
    """Batches of sentences of like length: (tokens (steps, size), lengths, labels, places in `part`).

    With `order`, a random.Random, both the batches and what shares one change from call to call. Shorter
    sentences are filled with token 0 behind their ends.
    """
    import torch
    places = list(range(len(part)))
    if order is not None:
        order.shuffle(places)
    pool = size * 20 if order is not None else len(places)
    cut = []
    for at in range(0, len(places), pool):
        near = sorted(places[at:at + pool], key=lambda p: len(part[p][0]))
        cut += [near[k:k + size] for k in range(0, len(near), size)]
    if order is not None:
        order.shuffle(cut)
    for chosen in cut:
        lengths = torch.tensor([len(part[p][0]) for p in chosen])
        tokens = torch.zeros(int(lengths.max()), len(chosen), dtype=torch.long)
        for column, p in enumerate(chosen):
            tokens[:lengths[column], column] = torch.from_numpy(part[p][0])
        yield tokens, lengths, torch.tensor([part[p][1] for p in chosen]), chosen
