"""Tests of the SRU layer and the sentence classifier: python3 -m unittest test_sru"""

import contextlib
import io
import json
import os
import sys
import tempfile
import unittest
from unittest import mock

import numpy as np
import torch

import sentence_sets
import sentences
import weights_file
import word_vectors
from sru import Scan, Sru


def sigmoid(v):
    return 1 / (1 + np.exp(-v))


def by_autograd(u, a, v):
    """What Scan computes, step by step."""
    cells = [torch.zeros_like(u[0])]
    for x, over_x in zip(u, a):
        f = torch.sigmoid(over_x if v is None else over_x + v * cells[-1])
        cells.append(f * cells[-1] + (1 - f) * x)
    return torch.stack(cells)


def steps_of(entry, tensors, x):
    """The outputs of one layer of a weights file for one sequence, in float64, by docs/format.md."""
    t = {name: values.astype(np.float64) for name, values in tensors.items()}
    h, c, outputs = np.zeros(entry["units"]), np.zeros(entry["units"]), []
    for value in x:
        if entry["type"] == "lstm":
            i, f, o = (sigmoid(t["W" + g] @ value + t["U" + g] @ h + t["b" + g]) for g in "ifo")
            c = f * c + i * np.tanh(t["Wg"] @ value + t["Ug"] @ h + t["bg"])
            h = o * np.tanh(c)
        else:
            gates = {}
            for gate in "fr" if entry.get("reset_gate", True) else "f":
                seen = t["v" + gate] * c if entry.get("recurrent", True) else 0
                gates[gate] = sigmoid(t["W" + gate] @ value + seen + t["b" + gate])
            c = gates["f"] * c + (1 - gates["f"]) * (t["W"] @ value)
            if entry["skip"] == "none":
                h = c
            else:
                carried = t["Wh"] @ value if entry["skip"] == "matrix" else entry["scale"] * value
                h = gates["r"] * c + (1 - gates["r"]) * carried
        outputs.append(h)
    return np.array(outputs)


class ScanTest(unittest.TestCase):
    def test_values_and_gradients_are_those_of_autograd(self):
        torch.manual_seed(3)
        for with_cells in (True, False):
            u, a = (torch.randn(7, 3, 5, dtype=torch.double, requires_grad=True) for _ in range(2))
            v = torch.randn(5, dtype=torch.double, requires_grad=True) if with_cells else None
            given = [t for t in (u, a, v) if t is not None]
            weights = torch.randn(8, 3, 5, dtype=torch.double)
            ours, theirs = Scan.apply(u, a, v), by_autograd(u, a, v)
            torch.testing.assert_close(ours, theirs)
            expected = torch.autograd.grad((theirs * weights).sum(), given)
            for found, wanted in zip(torch.autograd.grad((ours * weights).sum(), given), expected):
                torch.testing.assert_close(found, wanted)

    def test_layers_are_those_of_the_format(self):
        torch.manual_seed(4)
        for inputs in (6, 4):
            for options in ({}, {"recurrent": False}, {"highway": False}):
                layer = Sru(inputs, 4, **options)
                torch.nn.init.normal_(layer.bf)
                x = torch.randn(9, inputs)
                found = layer(x[:, None])[:, 0].detach().numpy()
                tensors = {name: values.numpy() for name, values in layer.tensors().items()}
                expected = steps_of(layer.description("rnn"), tensors, x.numpy().astype(np.float64))
                np.testing.assert_allclose(found, expected, atol=2e-6, err_msg=f"{inputs} {options}")


class WordsTest(unittest.TestCase):
    def test_contractions_are_cut_alike(self):
        found = word_vectors.words("It's n't <br />that GREAT!")
        self.assertEqual(["it", "'s", "n't", "that", "great", "!"], found)
        for text in ("he doesn't", "he does n't", "he does n 't"):
            self.assertEqual(["he", "does", "n't"], word_vectors.words(text))

    def test_a_long_line_is_not_cut_within_a_word(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "text")
            expected = [f"w{i}" for i in range(40000)]
            with open(path, "w") as file:
                file.write(" ".join(expected))
            found = [word for some in word_vectors.Texts([path]) for word in some]
            self.assertEqual(expected, found)
            self.assertEqual(expected[:2500], [w for some in word_vectors.Texts([path], 2500) for w in some])

    def test_labels_are_not_read(self):
        with tempfile.TemporaryDirectory() as folder:
            tsv, csv = os.path.join(folder, "a.tsv"), os.path.join(folder, "b.csv")
            with open(tsv, "w") as file:
                file.write("1\t9\t7\tA fine film\n")
            with open(csv, "w") as file:
                file.write('"3","Title","Some\\text"\n')
            found = list(word_vectors.Texts([tsv, csv]))
            self.assertEqual([["a", "fine", "film"], ["title", "some", "text"]], found)


    def test_vectors_of_other_texts_are_not_taken(self):
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            path, output = os.path.join(folder, "text"), os.path.join(folder, "vectors.npz")
            made = mock.patch.object(word_vectors, "train", lambda *_: (["a"], np.ones((1, 300))))
            for text in ("some text", "other text"):
                with open(path, "w") as file:
                    file.write(text)
                if text == "some text":
                    with made:
                        word_vectors.main([output, "--text", path])
                    word_vectors.main([output, "--text", path])
            with self.assertRaisesRegex(SystemExit, r"has vectors of texts with the fingerprint \w{16}, and is given"):
                word_vectors.main([output, "--text", path])
            with self.assertRaisesRegex(SystemExit, "absent is not there; --text names text files"):
                word_vectors.main([output, "--text", os.path.join(folder, "absent")])


class SentencesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.kept = tempfile.TemporaryDirectory()
        folder = cls.folder = cls.kept.name
        order = np.random.RandomState(5)
        for name, count in (("custrev.all", 150), ("TREC.train.all", 120), ("TREC.test.all", 30)):
            with open(os.path.join(folder, name), "wb") as file:
                for i in range(count):
                    label = i % 2
                    filler = ["so", "it", "goes", f"n{i}"][:1 + i % 4]
                    words = ["caf\xe9"] * (i % 3 == 0) + filler + [("bad", "good")[label]]
                    file.write(f"{label} {' '.join(words)}\n".encode("latin-1"))
        cls.vectors = os.path.join(folder, "vectors.npz")
        known = ["good", "bad", "so", "it", "goes"]
        word_vectors.save(cls.vectors, known, order.randn(len(known), 6), {"made": "by hand"})

    @classmethod
    def tearDownClass(cls):
        cls.kept.cleanup()

    def command(self, runs, *more):
        given = ["sentences.py", "--data", self.folder, "--vectors", self.vectors, "--runs", runs,
                 "--units", "8", "--folds", "2", "--rate", "0.02", "--batch", "8",
                 "--deviation", "1", *more]
        with mock.patch.object(sys, "argv", given), contextlib.redirect_stderr(io.StringIO()):
            sentences.main()

    def record(self, *path):
        with open(os.path.join(self.folder, *path, "record.json")) as file:
            return json.load(file)

    def test_folds_cut_a_set_once(self):
        data = sentence_sets.SentenceSet("CR", [self.folder])
        name = [id(sentence) for sentence, _ in data.parts[0]]
        tests = []
        for fold in range(3):
            parts = [[id(sentence) for sentence, _ in part] for part in data.fold(fold, 3, 1)]
            self.assertEqual(sorted(name), sorted(sum(parts, [])))
            self.assertEqual(10, len(parts[1]))
            tests += parts[2]
        self.assertEqual(sorted(name), sorted(tests))
        data = sentence_sets.SentenceSet("TREC", [self.folder])
        parts = [data.fold(fold, 3, 1) for fold in (0, 1)]
        self.assertIs(data.parts[1], parts[0][2])
        self.assertNotEqual([id(s) for s, _ in parts[0][1]], [id(s) for s, _ in parts[1][1]])

    def test_vectors_have_one_size_and_unknown_words_are_drawn(self):
        data = sentence_sets.SentenceSet("CR", [self.folder])
        known, table, _ = word_vectors.load(self.vectors)
        vectors, missing = data.vectors(known, table, 1, 0.5)
        self.assertEqual(len(data.vocabulary) - 5, missing)
        found = vectors[[data.vocabulary.index(word) for word in known]]
        np.testing.assert_allclose(found.mean(0), 0, atol=1e-6)
        self.assertAlmostEqual(0.5, float(np.sqrt(np.mean(found ** 2))), 5)
        again, _ = data.vectors(known, table, 1, 0.5)
        np.testing.assert_array_equal(vectors, again)

    def test_every_model_learns_and_leaves_what_the_formulas_say(self):
        self.command(os.path.join(self.folder, "all"), "--sets", "CR", "--epochs", "12")
        for model in sentences.MODELS:
            result = self.record("all", "CR", model, "fold-1")["result"]
            self.assertGreater(result["test"], 95, model)
            at = os.path.join(self.folder, "all", "CR", model, "fold-0")
            tensors, metadata = weights_file.read(os.path.join(at, "network.safetensors"))
            layers = json.loads(metadata["stillgate"])["layers"]
            with open(os.path.join(at, "check.json")) as file:
                check = json.load(file)
            for tokens, expected in list(zip(check["tokens"], check["probabilities"]))[:20]:
                x = tensors["words.E"][tokens].astype(np.float64)
                for entry in layers[1:-1]:
                    of_layer = entry["name"] + "."
                    own = {name.removeprefix(of_layer): t for name, t in tensors.items()
                           if name.startswith(of_layer)}
                    x = steps_of(entry, own, x)
                logits = tensors["out.W"] @ x[-1] + tensors["out.b"]
                found = np.exp(logits - logits.max())
                np.testing.assert_allclose(found / found.sum(), expected, atol=1e-5, err_msg=model)
            best = np.array(check["probabilities"]).argmax(1)
            score = 100 * np.mean(best == check["labels"])
            self.assertAlmostEqual(self.record("all", "CR", model, "fold-0")["result"]["test"], score)

    def test_a_stopped_training_goes_on_as_if_it_had_not_been(self):
        asked = ("--sets", "TREC", "--models", "sru-2", "--epochs", "3")
        self.command(os.path.join(self.folder, "whole"), *asked)
        before = sentences.Run.record

        def record_and_stop(run, point, state):
            before(run, point, state)
            raise KeyboardInterrupt

        stopped = mock.patch.object(sentences.Run, "record", record_and_stop)
        with stopped, self.assertRaises(KeyboardInterrupt):
            self.command(os.path.join(self.folder, "halves"), *asked)
        self.command(os.path.join(self.folder, "halves"), *asked)
        self.command(os.path.join(self.folder, "longer"), *asked[:-1], "1")
        self.command(os.path.join(self.folder, "longer"), *asked)
        for fold in ("fold-0", "fold-1"):
            whole = self.record("whole", "TREC", "sru-2", fold)
            for parts in ("halves", "longer"):
                found = self.record(parts, "TREC", "sru-2", fold)
                self.assertEqual([p["loss"] for p in whole["curve"]], [p["loss"] for p in found["curve"]])
                self.assertEqual(whole["result"]["test"], found["result"]["test"])
                self.assertEqual(3, found["result"]["epochs"])

    def test_other_settings_are_not_mixed(self):
        runs = os.path.join(self.folder, "other")
        self.command(runs, "--sets", "TREC", "--models", "lstm", "--epochs", "1")
        with self.assertRaisesRegex(SystemExit, "another rate"):
            self.command(runs, "--sets", "TREC", "--models", "lstm", "--epochs", "1", "--rate", "0.01")
        with self.assertRaisesRegex(SystemExit, "gru is none of lstm, sru-2"):
            self.command(runs, "--sets", "TREC", "--models", "gru")
        with self.assertRaisesRegex(SystemExit, "no rt-polarity.all in"):
            self.command(runs, "--sets", "MR")

    def test_a_label_that_no_class_has_is_named(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "custrev.all")
            for label, said in (("1000000000", "line 2, is of class 1000000000; CR has the classes 0 to 1"),
                                ("2", "line 2, is of class 2"), ("-1", "line 2, does not begin with the number"),
                                ("\u00b2", "line 2, does not begin with the number")):
                with open(path, "w", encoding="utf-8") as file:
                    file.write(f"0 bad\n{label} good\n")
                with self.assertRaisesRegex(SystemExit, f"custrev.all, {said}"):
                    sentence_sets.SentenceSet("CR", [folder])
            with open(path, "w", encoding="utf-8") as file:
                file.write("")
            with self.assertRaisesRegex(SystemExit, "custrev.all has 0 sentences"):
                sentence_sets.SentenceSet("CR", [folder])

    def test_other_sentences_and_vectors_do_not_go_into_a_training(self):
        with tempfile.TemporaryDirectory() as folder:
            given = mock.patch.multiple(self, folder=folder, vectors=os.path.join(folder, "vectors.npz"))
            with given:
                runs, asked = os.path.join(folder, "runs"), ("--sets", "CR", "--models", "lstm", "--epochs")

                def write(word, value):
                    with open(os.path.join(folder, "custrev.all"), "w", encoding="utf-8") as file:
                        file.writelines(f"{i % 2} {word} {('bad', 'good')[i % 2]}\n" for i in range(20))
                    word_vectors.save(self.vectors, ["good", "bad"], np.array([[value, 2.0], [3.0, 4.0]]), {})

                write("it", 1)
                self.command(runs, *asked, "1")
                write("so", 1)
                with self.assertRaisesRegex(SystemExit, "trained on the sentences custrev.all, 20 sentences .finger"):
                    self.command(runs, *asked, "2")
                write("it", 5)
                with self.assertRaisesRegex(SystemExit, "was trained on the word vectors vectors.npz .finger"):
                    self.command(runs, *asked, "2")
                write("it", 1)
                self.command(runs, *asked, "2")
                with self.assertRaisesRegex(SystemExit, "CR has no test set of its own: --folds cuts"):
                    self.command(os.path.join(folder, "one"), *asked, "1", "--folds", "1")
                for value in ("0", "-1"):
                    with self.assertRaises(SystemExit), contextlib.redirect_stderr(io.StringIO()) as said:
                        sentences.options().parse_args(["--data", folder, "--vectors", "v", "--runs", "r",
                                                        f"--epochs={value}"])
                    self.assertIn(f"--epochs: '{value}' is no whole number from 1 on", said.getvalue())
                with open(self.vectors, "wb") as file:
                    file.write(b"none")
                with self.assertRaisesRegex(SystemExit, "vectors.npz is damaged"):
                    self.command(runs, *asked, "2")


if __name__ == "__main__":
    unittest.main()
