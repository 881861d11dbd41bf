"""Tests of the training of sparse LSTMs: python3 -m unittest test_sparse"""

import contextlib
import gzip
import io
import json
import math
import os
import tempfile
import unittest

import numpy as np
import torch
from torch.nn import functional

import sparse_lstm
import sparse_tasks
import train_sparse
import weights_file
from sparse_lstm import GroupLasso, SparseLstm, Weights
from sparse_scan import Scan


def by_autograd(over_x, U, z, k, h, c, mask, hard):
    """What Scan computes, written plainly."""
    n, outputs = U.shape[1], []
    for t in range(len(over_x)):
        a = over_x[t] + (h @ U.t() if z is None else h @ U.t() * z)
        s, g = a[:, :3 * n], torch.tanh(a[:, 3 * n:])
        i, f, o = ((0.2 * s + 0.5).clamp(0, 1) if hard else torch.sigmoid(s)).split(n, 1)
        c = (f * c + i * g) * (1 if mask is None else mask[t])
        h = o * torch.tanh(c) * (1 if k is None else k)
        outputs.append(h)
    return torch.stack(outputs), c


def hand_made(method="bayes-wgn", hidden=(3, 2), hard=False):
    """A network of 5 words whose values all differ, with noise so small that a sample is its mean."""
    torch.manual_seed(3)
    net = SparseLstm(5, 4, hidden, 2, method, hard=hard, drop_words=True)
    with torch.no_grad():
        for name, values in net.named_parameters():
            values.copy_(torch.full_like(values, -40.0) if name.endswith("log_sigma")
                         else torch.rand_like(values) + 0.3)
    return net


def remove(weights, at):
    """Raises the noise of an entry until its signal-to-noise ratio is below the bound."""
    with torch.no_grad():
        weights.log_sigma[at] = 1.51 + torch.log(weights.theta[at].abs())


def run_by_numpy(layers, tensors, tokens):
    """Outputs of a weights file in float64, by docs/format.md."""
    t = {name: np.asarray(values, np.float64) for name, values in tensors.items()}

    def sigmoid(v):
        return 1 / (1 + np.exp(-v))

    states, outputs = {}, []
    for token in tokens:
        x = None
        for layer in layers:
            name, n = layer["name"], layer["units"]
            if layer["type"] == "embedding":
                x = t[name + ".E"][token]
            elif layer["type"] == "lstm":
                x = np.eye(layer["inputs"])[token] if x is None else x
                gate = (lambda v: np.clip(0.2 * v + 0.5, 0, 1)) if "activations" in layer else sigmoid
                h, c = states.get(name, (np.zeros(n), np.zeros(n)))
                i, f, o, g = (function(t[f"{name}.W{k}"] @ x + t[f"{name}.U{k}"] @ h + t[f"{name}.b{k}"])
                              for k, function in zip("ifog", (gate, gate, gate, np.tanh)))
                c = f * c + i * g
                x = o * np.tanh(c)
                states[name] = (x, c)
            else:
                y = t[name + ".W"] @ x + t[name + ".b"]
                e = np.exp(y - y.max())
                x = sigmoid(y) if layer["activation"] == "sigmoid" else e / e.sum()
        outputs.append(x)
    return np.array(outputs)


class Formulas(unittest.TestCase):
    def test_kl_is_the_integral(self):
        # KL = E log|1 + sqrt(alpha) e| - 0.5 log alpha + const, and const makes it 0 for infinite alpha.
        e = (np.arange(2_000_000) + 0.5) / 100_000 - 10
        density = np.exp(-e * e / 2) / math.sqrt(2 * math.pi) / 100_000
        at_infinity = -(np.euler_gamma + math.log(2)) / 2
        for log_alpha in (-6.0, -3.0, -1.0, 0.0, 1.0, 3.0, 6.0):
            alpha = math.exp(log_alpha)
            exact = (density * np.log(np.abs(1 + math.sqrt(alpha) * e))).sum() - 0.5 * log_alpha - at_infinity
            self.assertAlmostEqual(sparse_lstm.kl(torch.tensor(log_alpha)).item(), exact, delta=0.02, msg=log_alpha)

    def test_scan_has_the_values_and_gradients_of_the_plain_loop(self):
        torch.manual_seed(1)
        for hard in (False, True):
            for groups in (False, True):
                def some(*shape):
                    return torch.randn(*shape, dtype=torch.double, requires_grad=True)

                over_x, U, h, c = some(6, 3, 16), some(16, 4), some(3, 4), some(3, 4)
                z, k = (some(3, 16), some(3, 4)) if groups else (None, None)
                mask = (torch.rand(6, 3, 1) > 0.3).double() if groups else None
                wanted = [v for v in (over_x, U, z, k, h, c) if v is not None]
                weights = torch.randn(6, 3, 4, dtype=torch.double)
                results = [function(over_x, U, z, k, h, c, mask, hard) for function in (Scan.apply, by_autograd)]
                torch.testing.assert_close(results[0], results[1])
                for ours, plain in zip(*(torch.autograd.grad((r[0] * weights).sum(), wanted) for r in results)):
                    torch.testing.assert_close(ours, plain, rtol=1e-6, atol=1e-6)

    def test_penalties_are_those_of_the_sets(self):
        for method in ("prun-wn", "prun-wgn"):
            net = hand_made(method)
            arrays = [{"W": net.W[at].theta, "U": net.U[at].theta,
                       "next": net.W[1].theta if at == 0 else net.out.theta} for at in range(2)]
            expected = 0.0
            for matrices in arrays:
                m = {name: weights.detach().numpy().astype(np.float64) for name, weights in matrices.items()}
                n = m["U"].shape[1]
                for k in range(n):
                    sets = [{("W", g * n + k, j) for j in range(m["W"].shape[1])}
                            | {("U", g * n + k, j) for j in range(n)} for g in range(4)]
                    sets.append({("U", j, k) for j in range(4 * n)} | {("next", j, k) for j in range(len(m["next"]))})
                    if method == "prun-wn":
                        sets = [set.union(*sets)]
                    expected += 0.25 * sum(math.sqrt(sum(m[w][j, l] ** 2 for w, j, l in group)) for group in sets)
                expected += 0.5 * (np.abs(m["W"]).sum() + np.abs(m["U"]).sum())
            self.assertAlmostEqual(GroupLasso(net, 0.5, 0.25, 0.0)().item(), expected, places=3)

    def test_threshold_makes_small_weights_zero(self):
        net = hand_made("prun-wgn")
        with torch.no_grad():
            net.W[0].theta[1, 2], net.out.theta[0, 1], net.E.theta[0, 0] = -0.009, 0.009, 0.009
        GroupLasso(net, 0, 0, 0.01).prune()
        self.assertEqual([net.W[0].theta[1, 2].item(), net.out.theta[0, 1].item()], [0, 0])
        self.assertEqual(int((net.W[0].theta == 0).sum()), 1)
        self.assertNotEqual(net.E.theta[0, 0].item(), 0, "the embedding is in no group")

    def test_a_sum_of_the_output_layer_has_the_noise_of_its_weights(self):
        torch.manual_seed(1)
        net = hand_made(hidden=(3,))
        with torch.no_grad():
            net.out.log_sigma.fill_(-1.0)
        tokens = torch.tensor([[1], [2], [3]]).repeat(1, 20_000)
        logits, _ = net(tokens, net.start(20_000))
        h = net.settled()  # The noise of everything else is nil.
        with torch.no_grad():
            over_x = functional.linear(h.E.theta[tokens[:, :1]], h.W[0].theta, h.b[0])
            last = Scan.apply(over_x, h.U[0].theta, None, None, *net.start(1)[0], None, False)[0][-1, 0]
            # zh is in the weights of the settled network, not in its outputs.
            expected = math.exp(-1.0) * (last * net.zh[0].theta).norm().item()
        self.assertAlmostEqual(logits[-1, :, 0].std().item() / expected, 1, delta=0.03)
        noise = logits - logits.mean(1, keepdim=True)
        together = np.corrcoef(noise[0, :, 0].detach().numpy(), noise[2, :, 0].detach().numpy())[0, 1]
        self.assertGreater(together, 0.99, "the noise of a sequence is the same in all its steps")


class Removal(unittest.TestCase):
    def test_signal_to_noise_decides(self):
        weights = Weights(torch.tensor([0.5, -0.5, 0.5]), True)
        with torch.no_grad():
            # theta^2 / sigma^2 = 0.0497, 0.051 and about 100
            weights.log_sigma.copy_(torch.log(torch.tensor([0.5 / math.sqrt(0.0497), 0.5 / math.sqrt(0.051), 0.05])))
        self.assertEqual(weights.mean().tolist(), [0.0, -0.5, 0.5])

    def test_group_means_multiply_rows_and_columns(self):
        net = hand_made()
        tokens = torch.tensor([[0, 4], [1, 2], [3, 3]])
        with torch.no_grad():
            noisy, _ = net(tokens, net.start(2))
            settled, _ = net.settled()(tokens, net.start(2))
        # The scales of the gates make it a strict test: no two are alike.
        torch.testing.assert_close(noisy, settled, rtol=1e-4, atol=1e-4)
        kept, theta = net.effective(), lambda w: w.theta.detach().double()
        j, k = 2, 1
        for row in (k, 3 + k, 6 + k, 9 + k):
            z = theta(net.z[0])[row]
            torch.testing.assert_close(kept["W0"][row, j], theta(net.W[0])[row, j] * theta(net.zx)[j] * z)
            torch.testing.assert_close(kept["U0"][row, 2], theta(net.U[0])[row, 2] * theta(net.zh[0])[2] * z)
        torch.testing.assert_close(kept["W1"][3, k], theta(net.W[1])[3, k] * theta(net.zh[0])[k] * theta(net.z[1])[3])
        torch.testing.assert_close(kept["E"][4], theta(net.E)[4] * theta(net.zv)[4])

    def test_counts_of_a_hand_made_structure(self):
        net = hand_made()
        remove(net.z[0], 0 * 3 + 1)            # input gate of neuron 1: constant by its group
        remove(net.W[0], slice(2 * 3, 2 * 3 + 1))
        remove(net.U[0], slice(2 * 3, 2 * 3 + 1))  # output gate of neuron 0: constant by its rows
        remove(net.zh[0], 2)                   # neuron 2 goes
        remove(net.out, (slice(None), 0))
        remove(net.U[1], (slice(None), 0))     # neuron 0 of the second layer has no outgoing weight
        remove(net.zx, 3)
        remove(net.zv, 4)
        kept = net.effective()
        counts = sparse_lstm.structure(kept, 2)
        self.assertEqual(counts["neurons"], [2, 1])
        self.assertEqual(counts["gates"], [{"i": 1, "f": 2, "o": 1, "g": 2}, {"i": 1, "f": 1, "o": 1, "g": 1}])
        self.assertEqual(counts["patterns"], [{"0": "ifg", "1": "fgo"}, {"1": "ifgo"}])
        # E 4 x 3; 6 rows of 3 + 2; 4 rows of 2 + 1; out 2
        self.assertEqual(counts["nonzero"], 12 + 6 * 5 + 4 * 3 + 2)
        self.assertEqual(counts["weights"], 20 + 12 * 7 + 8 * 5 + 4)
        self.assertTrue((kept["W0"][2::3] == 0).all(), "nobody reads neuron 2, so its rows go too")
        self.assertTrue((kept["E"][:, 3] == 0).all() and (kept["E"][4] == 0).all())

    def test_what_only_removed_neurons_read_goes_too(self):
        net = hand_made()
        remove(net.U[0], slice(None))
        remove(net.zh[1], slice(None))
        counts = sparse_lstm.structure(net.effective(), 2)
        self.assertEqual((counts["neurons"], counts["nonzero"]), ([0, 0], 0))

    def test_original_keeps_everything(self):
        net = hand_made("original")
        self.assertEqual(sparse_lstm.structure(net.effective(), 2)["compression"], 1)


class Files(unittest.TestCase):
    def test_numpy_runs_the_export(self):
        for hidden, hard, words in (((3, 2), False, 4), ((3,), True, 4), ((3,), False, 0)):
            torch.manual_seed(4)
            net = SparseLstm(5, words, hidden, 2, "bayes-wgn", hard=hard, drop_words=bool(words))
            remove(net.z[0], slice(0, 4))
            layers, tensors = sparse_lstm.export(net, "softmax")
            tokens = torch.tensor([4, 0, 1, 3, 3, 2])
            with torch.no_grad():
                logits, _ = net.settled()(tokens[:, None], net.start(1))
            np.testing.assert_allclose(run_by_numpy(layers, tensors, tokens.tolist()),
                                       torch.softmax(logits, -1)[:, 0].numpy(), rtol=0, atol=1e-6)
            self.assertEqual((tensors["lstm1.Wi"] == 0).all(1).tolist(), [True, True, True])
            self.assertFalse((tensors["lstm1.bi"] != tensors["lstm1.bi"]).any())

    def test_lags_are_gradients(self):
        net = hand_made("original", hidden=(3, 2))
        tokens = torch.tensor([[1, 2], [3, 4], [0, 1], [2, 2]])
        ours = sparse_lstm.gradients_by_lag(net.settled(), tokens, lags=3)
        x = net.E.theta.detach()[tokens].requires_grad_()
        h, _ = by_autograd(functional.linear(x, net.W[0].theta, net.b[0]), net.U[0].theta, None, None,
                           *net.start(2)[0], None, False)
        for k in range(3):
            (g,) = torch.autograd.grad(h[-1, :, k].sum(), x, retain_graph=True)
            expected = g.norm(dim=2).mean(1).flip(0)[:3]
            np.testing.assert_allclose(ours[0][str(k)], expected.numpy(), rtol=2e-3)
        self.assertEqual(sorted(ours[1]), ["0", "1"])

    def test_means_are_of_two_kinds_of_units(self):
        means = sparse_lstm.means_by_kind([{"0": [1.0, 2.0], "1": [3.0, 4.0], "2": [5.0, 6.0]}],
                                          [{"0": "o", "1": "o", "2": "ifgo"}])
        self.assertEqual(means, [{"only_o": [2.0, 3.0], "only_o_units": 2,
                                  "all_gates": [5.0, 6.0], "all_gates_units": 1}])


class Tasks(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def write(self, name, text):
        open_text = gzip.open if name.endswith(".gz") else open
        with open_text(os.path.join(self.folder, name), "wt", encoding="utf-8") as file:
            file.write(text)

    def write_reviews(self):
        for part, count in (("train", 60), ("test", 20)):
            self.write(f"{part}.tsv.gz", "".join(
                f"{i % 2}\t5\t{i}\tA film<br />so {'good' if i % 2 else 'bad'} it is{' long' * (i % 5)}\n"
                for i in range(count)))

    def write_articles(self):
        for part, count in (("train", 60), ("valid", 15), ("test", 15)):
            self.write(f"wiki.{part}.tokens", " the cat saw the <unk> dog \n a dog saw a cat \n" * count)

    def train(self, folder, *arguments):
        train_sparse.main([*arguments[:1], self.folder, os.path.join(self.folder, folder), *arguments[1:]])
        with open(os.path.join(self.folder, folder, "record.json"), encoding="utf-8") as file:
            return json.load(file)

    def test_reviews(self):
        self.write_reviews()
        task = sparse_tasks.load("imdb", self.folder, {"words": 4, "steps": 6, "limit": 0},
                                 torch.Generator().manual_seed(1))
        self.assertEqual([len(part) for part in (task.train, task.valid, task.test)], [51, 9, 20])
        self.assertEqual((task.words, task.outputs), (5, 1))
        tokens, mask, classes = task.test.batch(torch.tensor([0, 3]))
        self.assertEqual(classes.tolist(), [0, 1])
        # The second is "a film so good it is long long long", cut to six words.
        self.assertEqual(tokens.shape, (6, 2))
        self.assertIsNone(mask)
        short, mask, _ = task.test.batch(torch.tensor([0]))
        self.assertEqual((short.shape, mask), ((6, 1), None))

    def test_padding_changes_nothing(self):
        texts = sparse_tasks.Sequences([["b"], ["a", "b", "a"]], [0, 1], {"a": 1, "b": 2}, 5)
        tokens, mask, _ = texts.batch(torch.tensor([0, 1]))
        self.assertEqual(tokens.t().tolist(), [[0, 0, 2], [1, 2, 1]])
        self.assertEqual(mask[..., 0].t().tolist(), [[0, 0, 1], [1, 1, 1]])
        net = hand_made("original", hard=True).settled()
        padded, _ = net(tokens, net.start(2), mask, last=True)
        alone, _ = net(torch.tensor([[2]]), net.start(1), None, last=True)
        torch.testing.assert_close(padded[0], alone[0])

    def test_news(self):
        self.write("train.union.csv", '"3","Oil, ""up""","Prices rise"\n' * 20)
        self.write("test.csv", '"1","World","News"\n')
        task = sparse_tasks.load("ag_news", self.folder, {"words": 9, "steps": 6, "limit": 0}, torch.Generator())
        self.assertEqual((task.outputs, task.train.classes[0].item(), task.test.classes[0].item()), (4, 2, 0))
        self.assertEqual((len(task.train), len(task.valid)), (19, 1))
        self.assertEqual(task.train.lengths[0].item(), 4)

    def test_articles(self):
        self.write_articles()
        task = sparse_tasks.load("words", self.folder, {"words": 4, "limit": 7}, None)
        # "the" twice, then of those seen once the first by their characters: the line's end, "cat"
        self.assertEqual(task.train.tolist(), [1, 3, 0, 1, 0, 0, 2])
        self.assertEqual((task.words, len(task.test)), (4, 15 * 13))

    def test_characters(self):
        self.write("text", "ab c" * 25)
        task = sparse_tasks.load("text8", os.path.join(self.folder, "text"), {"limit": 10}, None)
        self.assertEqual(task.train.tolist(), [1, 2, 0, 3, 1, 2, 0, 3, 1, 2])
        self.assertEqual((len(task.valid), len(task.test)), (4, 4))

    def test_windows_go_on_where_the_last_ended(self):
        pieces = list(train_sparse.windows(torch.arange(12), 2, 3))
        self.assertEqual([x.t().tolist() for x, _ in pieces], [[[0, 1, 2], [5, 6, 7]], [[3, 4], [8, 9]]])
        self.assertEqual(pieces[1][1].t().tolist(), [[4, 5], [9, 10]])

    def test_a_resumed_run_has_the_curve_of_an_uninterrupted_one(self):
        self.write_reviews()
        self.write_articles()
        small = ["--hidden", "3", "--embedding", "4", "--words", "6", "--steps", "5", "--batch", "8", "--held", "0"]
        for task, method in (("imdb", "bayes-wgn"), ("words", "prun-wgn"), ("words", "bayes-wn"), ("imdb", "original")):
            name = f"{task}-{method}"
            whole = self.train(name, task, "--method", method, *small, "--epochs", "3")
            self.train(name + "-parts", task, "--method", method, *small, "--epochs", "1")
            parts = self.train(name + "-parts", task, "--method", method, *small, "--epochs", "3")
            self.assertEqual(whole["curve"], parts["curve"], name)
            self.assertEqual(whole["result"], parts["result"], name)
            self.assertEqual(len(parts["curve"]), 3)

    def test_files_agree_with_each_other(self):
        self.write_reviews()
        for method in ("original", "bayes-w"):
            record = self.train(method, "imdb", "--method", method, "--hidden", "3", "--embedding", "4", "--words", "6",
                                "--steps", "6", "--batch", "8", "--rate", "0.02", "--epochs", "2")
            arrays, metadata = weights_file.read(os.path.join(self.folder, method, "model.safetensors"))
            layers = json.loads(metadata["stillgate"])["layers"]
            self.assertEqual(layers[1]["activations"]["gates"], [["affine", 0.2, 0.5], ["clamp", 0, 1]])
            proof, _ = weights_file.read(os.path.join(self.folder, method, "vectors.safetensors"))
            for case in range(3):
                ours = run_by_numpy(layers, arrays, proof[f"{case}.tokens"].astype(int))
                np.testing.assert_allclose(ours, proof[f"{case}.output"], rtol=0, atol=1e-6)
            tests, metadata = weights_file.read(os.path.join(self.folder, method, "tests.safetensors"))
            right, at = 0, 0
            for length, target in zip(tests["lengths"].astype(int), tests["targets"]):
                answer = run_by_numpy(layers, arrays, tests["tokens"][at:at + length].astype(int))[-1, 0]
                right, at = right + int((answer > 0.5) == target), at + length
            self.assertEqual(record["result"]["tests_file"]["accuracy"], 100 * right / 20)
            self.assertEqual(json.loads(metadata["score"]), record["result"]["tests_file"])
            matrices = sum(int((v != 0).sum()) for v in arrays.values() if v.ndim == 2)
            self.assertEqual(record["result"]["structure"]["nonzero"], matrices)

    def test_word_vectors_are_where_the_embedding_starts(self):
        net, task = hand_made("original"), sparse_tasks.Task("classify", 5, 2, {"a": 1, "b": 4}, None, None, None)
        path, before = os.path.join(self.folder, "vectors.npz"), net.E.theta.detach().clone()
        np.savez(path, words=np.array(["b", "c"]), vectors=np.array([[1, 2, 3, 4], [5, 6, 7, 8]], np.float32))
        self.assertEqual(train_sparse.start_with(net, task, *train_sparse.read_vectors(path, 4)), 0.5)
        self.assertEqual(net.E.theta[4].tolist(), [1, 2, 3, 4])
        torch.testing.assert_close(net.E.theta[:4], before[:4])
        np.savez(path, words=np.array(["b"]), vectors=np.zeros((1, 3), np.float32))
        with self.assertRaisesRegex(SystemExit, "--embedding 3"):
            train_sparse.read_vectors(path, 4)

    small = ("--hidden", "3", "--embedding", "4", "--words", "6", "--steps", "5", "--batch", "8", "--held", "0")

    def test_other_data_do_not_go_into_a_training(self):
        self.write_reviews()
        asked = ("imdb", "--method", "original", *self.small)
        self.train("run", *asked, "--epochs", "1")
        self.write("train.tsv.gz", "".join(f"{i % 2}\t5\t{i}\tAnother film, {'good' if i % 2 else 'bad'}\n"
                                           for i in range(60)))
        with self.assertRaisesRegex(SystemExit, r"run was trained on the examples \S+, 51 \+ 9 \+ 20 texts "
                                    r"\(fingerprint \w{16}\), and is given \S+, 51 \+ 9 \+ 20 texts"):
            self.train("run", *asked, "--epochs", "2")
        path = os.path.join(self.folder, "vectors.npz")
        for value in (0.1, 0.2):
            np.savez(path, words=np.array(["good"]), vectors=np.full((1, 4), value, np.float32))
            if value == 0.1:
                self.train("with-vectors", *asked, "--epochs", "1", "--vectors", path)
        with self.assertRaisesRegex(SystemExit, "the word vectors vectors.npz"):
            self.train("with-vectors", *asked, "--epochs", "2", "--vectors", path)

    def test_nothing_is_finished_that_was_not_begun(self):
        self.write_reviews()
        with self.assertRaisesRegex(SystemExit, "new holds no epoch of a training that --finish could end"):
            self.train("new", "imdb", "--method", "original", *self.small, "--finish")
        self.assertFalse(os.path.exists(os.path.join(self.folder, "new")))
        self.train("begun", "imdb", "--method", "original", *self.small, "--epochs", "1")
        record = self.train("begun", "imdb", "--method", "original", *self.small, "--finish")
        self.assertEqual(record["result"]["epochs"], 1)

    def test_counts_begin_at_one(self):
        for option in ("--epochs", "--batch", "--steps", "--hidden", "--tests"):
            for value in ("0", "-1", "x", "1.5"):
                with self.assertRaises(SystemExit), contextlib.redirect_stderr(io.StringIO()) as said:
                    train_sparse.parse(["imdb", "data", "run", "--method", "original", f"{option}={value}"])
                self.assertIn(f"{option}: {value!r} is no whole number from 1 on", said.getvalue())
        _, settings, _ = train_sparse.parse(["imdb", "data", "run", "--method", "original", "--limit", "0"])
        self.assertEqual(settings["limit"], 0)

    def test_damaged_texts_are_named(self):
        sizes = {"words": 4, "steps": 6, "limit": 0}

        def refused(task, file, said, path=None):
            line = f"^[^\n]*{file}[^\n]*{said}[^\n]*; {task} needs a (folder|file)"
            with self.assertRaisesRegex(SystemExit, line):
                sparse_tasks.load(task, path or self.folder, sizes, torch.Generator())

        for task, file in (("imdb", "train.tsv.gz"), ("ag_news", "train.csv"), ("words", "wiki.train.tokens")):
            refused(task, file, "is not there")
        refused("text8", "text8", "is not there", os.path.join(self.folder, "text8"))
        self.write_reviews()
        self.write("train.tsv.gz", "0\t1\t2\tbad\n7\t1\t2\tgood\n")
        refused("imdb", "train.tsv.gz", "line 2: it has 4 columns and the label '7', of 0, 1")
        self.write("train.tsv.gz", "0\t1\tbad\n")
        refused("imdb", "train.tsv.gz", "line 1: it has 3 columns")
        self.write_reviews()
        path = os.path.join(self.folder, "test.tsv.gz")
        with open(path, "rb") as file:
            packed = file.read()
        for data in (packed[:-20], b"no archive"):
            with open(path, "wb") as file:
                file.write(data)
            refused("imdb", "test.tsv.gz", "(damaged|cannot be read)")
        self.write("train.csv", '"1","a","b"\n"5","a","b"\n')
        refused("ag_news", "train.csv", "row 2: it has 3 columns and the label '5', of 1, 2, 3, 4")
        self.write("train.csv", "")
        refused("ag_news", "train.csv", "is empty")
        self.write("text8", "abc\nd")
        refused("text8", "text8", "has '.n' at position 3", os.path.join(self.folder, "text8"))
        self.write("vectors.npz", "none")
        with self.assertRaisesRegex(SystemExit, "vectors.npz is damaged.*; word_vectors.py makes such files"):
            train_sparse.read_vectors(os.path.join(self.folder, "vectors.npz"), 4)


if __name__ == "__main__":
    unittest.main()
