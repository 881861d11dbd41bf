"""Trains the fixed word vectors of the sentence classifier: skip-gram (Mikolov et al., 2013), by gensim.

    python3 word_vectors.py vectors.npz --text imdb/train.tsv.gz ag_news/train.csv wiki.train.tokens text8

Texts are read by their names: `.tsv` has the text in the last column (labels are not looked at), `.csv` in
all columns but the first, everything else is plain text. A file that exists and was made with the same
settings is kept. `--words N` reads the first N words of each text only.
"""

import argparse
import csv
import gzip
import hashlib
import json
import os
import re
import zlib

import numpy as np

from inputs import count, reading

TEXTS = "--text names text files, plain or packed by gzip"
PIECES = re.compile(r"n't|'(?:s|re|ve|d|ll|m)\b|[a-z0-9]+|[!?,.()]")


def words(text):
    """The words of a text, in lower case, its contractions cut as in the data sets: does n't, it 's."""
    text = text.lower().replace("<br />", " ").replace("n 't", " n't").replace("@-@", "-")
    return PIECES.findall(re.sub(r"(\w)n't\b", r"\1 n't", text))


def lines(path):
    """The lines of text of one file."""
    kind = os.path.splitext(path.removesuffix(".gz"))[1]
    open_text = gzip.open if path.endswith(".gz") else open
    with reading(path, TEXTS), \
            open_text(path, "rt", encoding="utf-8", errors="replace", newline="") as file:
        if kind == ".tsv":
            yield from (line.rsplit("\t", 1)[-1] for line in file)
        elif kind == ".csv":
            yield from (" ".join(row[1:]).replace("\\", " ") for row in csv.reader(file))
        else:
            rest = ""
            while block := file.read(1 << 16):
                *whole, rest = re.split(r"\n| (?=[^\n ]*$)", rest + block)
                yield from whole
            yield rest


class Texts:
    """The texts as lists of words, at most 1,000 words each, to be read again and again."""

    def __init__(self, paths, limit=None):
        self.paths, self.limit = paths, limit

    def __iter__(self):
        for path in self.paths:
            left = self.limit
            for line in lines(path):
                found = words(line) if left is None else words(line)[:left]
                for at in range(0, len(found), 1000):
                    yield found[at:at + 1000]
                if left is not None:
                    left -= len(found)
                    if left <= 0:
                        break


def train(paths, dim, epochs, limit, seed):
    """Returns (words, vectors) of a skip-gram model; the same each time, for it has one thread."""
    from gensim.models import Word2Vec
    model = Word2Vec(Texts(paths, limit), vector_size=dim, sg=1, window=5, negative=5, min_count=3,
                     sample=1e-4, epochs=epochs, workers=1, seed=seed,
                     hashfxn=lambda s: zlib.crc32(str(s).encode()))
    return model.wv.index_to_key, model.wv.vectors


def fingerprint(paths):
    """Of the bytes of the texts, in their order."""
    digest = hashlib.sha256()
    for path in paths:
        with reading(path, TEXTS), open(path, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()[:16]


def save(path, found, vectors, settings, of=""):
    """Keeps vectors as an npz file, whole or not at all; `of` is the fingerprint of the texts."""
    with open(path + ".partial", "wb") as file:
        np.savez(file, words=np.array(found), vectors=vectors.astype(np.float32),
                 settings=json.dumps(settings), fingerprint=of)
    os.replace(path + ".partial", path)


def load(path):
    """Returns (words, vectors, settings)."""
    with reading(path, "word_vectors.py makes such files"), np.load(path) as kept:
        found, vectors = [str(word) for word in kept["words"]], kept["vectors"]
        if vectors.ndim != 2 or len(found) != len(vectors):
            raise ValueError(f"{len(found)} words, vectors {vectors.shape}")
        return found, vectors, json.loads(str(kept["settings"]))


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("output")
    parser.add_argument("--text", nargs="+", required=True, metavar="FILE")
    parser.add_argument("--dim", type=count, default=300)
    parser.add_argument("--epochs", type=count, default=3)
    parser.add_argument("--words", type=count, metavar="N", help="the first N words of each text only")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(arguments)
    settings = {"method": "skip-gram, window 5, 5 negative samples, words seen 3 times or more",
                "texts": [os.path.basename(path) for path in asked.text], "words_of_each": asked.words,
                "dim": asked.dim, "epochs": asked.epochs, "seed": asked.seed}
    of = fingerprint(asked.text)
    if os.path.exists(asked.output):
        if load(asked.output)[2] != settings:
            raise SystemExit(f"{asked.output} has vectors made with other settings; name another file")
        with reading(asked.output, "remove it to begin anew"), np.load(asked.output) as kept:
            # Files of before fingerprints were kept have none.
            made_of = str(kept["fingerprint"]) if "fingerprint" in kept else ""
        if made_of and made_of != of:
            raise SystemExit(f"{asked.output} has vectors of texts with the fingerprint {made_of}, and is given "
                             f"{', '.join(asked.text)} with {of}; give it those texts, or name another file")
        print(f"{asked.output} is there")
        return
    found, vectors = train(asked.text, asked.dim, asked.epochs, asked.words, asked.seed)
    save(asked.output, found, vectors, settings, of)
    print(f"{len(found)} words, {asked.dim} values each, in {asked.output}")


if __name__ == "__main__":
    main()
