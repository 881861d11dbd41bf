"""Trains a small conditional GRU for a moment, exports it, and prints its score as JSON.

    python3 check.py TEXT OUT_MODEL

The text has the characters a to z and space. The score is bits per character of one stream from
state zero, as `./stillgate run OUT_MODEL TEXT --json` measures it.
"""

import json
import math
import sys

import torch
from torch import nn

from conditional_gru import ConditionalGru, export

VOCABULARY = " abcdefghijklmnopqrstuvwxyz"


def main(text_file, out_file):
    torch.manual_seed(1)
    with open(text_file, encoding="ascii") as file:
        text = file.read().strip("\n")
    tokens = torch.tensor([VOCABULARY.index(c) for c in text])
    layers = nn.ModuleList([ConditionalGru(27, 40, rank=8), ConditionalGru(40, 32, rank=8)])
    head = nn.Linear(32, 27)
    optimizer = torch.optim.Adam([*layers.parameters(), *head.parameters()], lr=0.01)

    def logits(x):
        for layer in layers:
            x, _ = layer(x)
        return head(x)

    steps = 25
    for update in range(30):
        starts = torch.randint(len(tokens) - steps - 1, (16,))
        x = torch.stack([tokens[s:s + steps] for s in starts])
        y = torch.stack([tokens[s + 1:s + steps + 1] for s in starts])
        loss = nn.functional.cross_entropy(logits(nn.functional.one_hot(x, 27).float()).flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    layers.eval()
    export(out_file, layers, head, vocabulary=VOCABULARY)
    with torch.no_grad():
        x = nn.functional.one_hot(tokens[:-1], 27).float()[None]
        nats = nn.functional.cross_entropy(logits(x)[0], tokens[1:])
    print(json.dumps({"bits_per_char": nats.item() / math.log(2), "torch": torch.__version__}))


if __name__ == "__main__":
    main(*sys.argv[1:])
