"""The texts that sparse LSTMs are trained on, as tokens. Only the files named here are read; nothing is fetched.

    imdb     folder with train.tsv.gz and test.tsv.gz, lines of label TAB rating TAB id TAB review
    ag_news  folder with train.csv or train.union.csv, and test.csv, lines of "class","title","description"
    words    folder with wiki.train.tokens, wiki.valid.tokens and wiki.test.tokens (WikiText-2)
    text8    a file of a to z and space
"""

import csv
import gzip
import os
import re

import torch

from inputs import data, reading

CHARACTERS = " abcdefghijklmnopqrstuvwxyz"


class Sequences:
    """Texts of a class each, cut to their first `steps` words.

    tokens (count, steps), padded on the left with 0; lengths (count); classes (count)
    """

    def __init__(self, texts, classes, token_of, steps):
        cut = [[token_of.get(word, 0) for word in text[:steps]] or [0] for text in texts]
        self.lengths = torch.tensor([len(tokens) for tokens in cut])
        self.tokens = torch.zeros(len(cut), steps, dtype=torch.int64)
        for row, tokens in zip(self.tokens, cut):
            row[steps - len(tokens):] = torch.tensor(tokens)
        self.classes = torch.tensor(classes)

    def __len__(self):
        return len(self.classes)

    def batch(self, at):
        """(tokens (steps, batch), mask (steps, batch, 1) or None, classes) of the texts `at`."""
        tokens, lengths = self.tokens[at].t(), self.lengths[at]
        steps = int(lengths.max())
        tokens = tokens[len(tokens) - steps:].contiguous()
        begun = torch.arange(steps)[:, None] >= steps - lengths
        return tokens, None if begun.all() else begun[..., None].float(), self.classes[at]


class Task:
    """What is to be learned.

    kind     "classify": train, valid and test are Sequences; "predict": they are streams of tokens
    words    number of tokens; 0 is any word beyond the commonest
    outputs  width of the answer
    token_of token of each word or character
    """

    def __init__(self, kind, words, outputs, token_of, train, valid, test):
        self.kind, self.words, self.outputs, self.token_of = kind, words, outputs, token_of
        self.train, self.valid, self.test = train, valid, test

    def data(self, path):
        """Name and fingerprint of what was read from `path`, for `Run`."""
        parts = (self.train, self.valid, self.test)
        arrays = [a for p in parts for a in ((p.tokens, p.lengths, p.classes) if self.kind == "classify" else (p,))]
        sizes = " + ".join(str(len(part)) for part in parts)
        unit = "texts" if self.kind == "classify" else "tokens"
        return data(f"{os.path.basename(os.path.abspath(path))}, {sizes} {unit}", list(self.token_of), *arrays)


def load(name, path, sizes, random):
    """The task `name` from `path`; sizes has `words`, `steps` and `limit`, the most training examples (0: all)."""
    return {"imdb": _imdb, "ag_news": _ag_news, "words": _words, "text8": _text8}[name](path, sizes, random)


def _commonest(texts, count, but=()):
    """Token of each of the `count` commonest words, from 1 on; words of equal count in the order of the alphabet."""
    counts = {}
    for text in texts:
        for word in text:
            counts[word] = counts.get(word, 0) + 1
    for word in but:
        counts.pop(word, None)
    chosen = sorted(counts, key=lambda word: (-counts[word], word))[:count]
    return {word: token for token, word in enumerate(chosen, 1)}


def _split(text):
    return re.findall(r"[a-z0-9]+(?:'[a-z]+)?|[!?]", text.lower().replace("<br />", " "))


def _classify(train, test, share_held, outputs, sizes, random):
    """train and test are lists of (class, text). The held-out share is drawn with `random`."""
    order = torch.randperm(len(train), generator=random).tolist()
    held = round(share_held * len(train))
    parts = [[train[at] for at in order[held:]], [train[at] for at in order[:held]], test]
    if sizes["limit"]:
        parts[0] = parts[0][:sizes["limit"]]
    split = [[_split(text) for _, text in part] for part in parts]
    token_of = _commonest(split[0], sizes["words"])
    sequences = [Sequences(texts, [c for c, _ in part], token_of, sizes["steps"])
                 for texts, part in zip(split, parts)]
    return Task("classify", sizes["words"] + 1, outputs, token_of, *sequences)


def _cure(task):
    """What to do about a file: the task's line of this module's head."""
    start = f"    {task} "
    line = next(line for line in __doc__.split("\n") if line.startswith(start))
    text = line[len(start):].strip()
    return f"{task} needs {text if text.startswith('a ') else 'a ' + text}"


def _examples(file, rows, text_of, labels, cure):
    """[(class, text)] of rows whose first column is one of `labels`, which are classes 0, 1, ..."""
    found = []
    for number, row in enumerate(rows, 1):
        try:
            found.append((labels.index(row[0]), text_of(row)))
        except (ValueError, IndexError):
            raise SystemExit(f"{file}, {'line' if file.endswith('.gz') else 'row'} {number}: it has {len(row)} columns "
                             f"and the label {row[0] if row else ''!r}, of {', '.join(labels)}; {cure}") from None
    if not found:
        raise SystemExit(f"{file} is empty; {cure}")
    return found


def _imdb(path, sizes, random):
    def lines(name):
        file, cure = os.path.join(path, name), _cure("imdb")
        with reading(file, cure), gzip.open(file, "rt", encoding="utf-8", newline="\n") as opened:
            rows = [line.rstrip("\n").split("\t", 3) for line in opened]
        return _examples(file, rows, lambda row: row[3], ["0", "1"], cure)

    return _classify(lines("train.tsv.gz"), lines("test.tsv.gz"), 0.15, 1, sizes, random)


def _ag_news(path, sizes, random):
    def rows(*names):
        name = next((n for n in names if os.path.exists(os.path.join(path, n))), names[0])
        file, cure = os.path.join(path, name), _cure("ag_news")
        with reading(file, cure), open(file, encoding="utf-8", newline="") as opened:
            rows = list(csv.reader(opened))
        return _examples(file, rows, lambda row: row[1] + " " + row[2], ["1", "2", "3", "4"], cure)

    return _classify(rows("train.csv", "train.union.csv"), rows("test.csv"), 0.05, 4, sizes, random)


def _words(path, sizes, _):
    def tokens(part):
        file = os.path.join(path, f"wiki.{part}.tokens")
        with reading(file, _cure("words")), open(file, encoding="utf-8") as opened:
            return opened.read().replace("\n", " <eos> ").split()

    texts = {part: tokens(part) for part in ("train", "valid", "test")}
    if sizes["limit"]:
        texts["train"] = texts["train"][:sizes["limit"]]
    # Token 0 is <unk>, which the files have for words that are rare in all of WikiText-2.
    token_of = _commonest([texts["train"]], sizes["words"] - 1, ["<unk>"])
    streams = [torch.tensor([token_of.get(word, 0) for word in texts[part]]) for part in ("train", "valid", "test")]
    return Task("predict", sizes["words"], sizes["words"], token_of, *streams)


def _text8(path, sizes, _):
    with reading(path, _cure("text8")), open(path, encoding="ascii") as file:
        text = file.read()
    token_of = {c: token for token, c in enumerate(CHARACTERS)}
    wrong = re.search(f"[^{CHARACTERS}]", text)
    if wrong:
        raise SystemExit(f"{path} has {wrong.group()!r} at position {wrong.start()}; {_cure('text8')}")
    tokens = torch.tensor([token_of[c] for c in text])
    # The parts that all of Stillgate's figures on text8 are made of; of a shorter text, its last two 25ths.
    held = len(text) // 25
    first, second, end = (11_500_000, 12_000_000, 12_549_840) if len(text) >= 12_549_840 \
        else (len(text) - 2 * held, len(text) - held, len(text))
    train = tokens[:min(first, sizes["limit"] or first)]
    return Task("predict", len(CHARACTERS), len(CHARACTERS), token_of, train, tokens[first:second], tokens[second:end])
