"""Tests of the trainer of estimated ReLU layers: python3 -m unittest test_estimated_mlp."""

import contextlib
import gzip
import io
import json
import os
import struct
import subprocess
import sys
import tempfile
import unittest

import numpy as np
import torch

import estimated_mlp
import images
import rank_error
import weights_file
from estimated_mlp import Networks, Spec
from low_rank import LowRank, cut

HERE = os.path.dirname(os.path.abspath(__file__))


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write_idx(path, values, packed):
    with (gzip.open if packed else open)(path, "wb") as file:
        file.write(bytes([0, 0, 8, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape))
        file.write(values.tobytes())


def write_digits(folder, train=600, test=100, packed=True):
    """Pictures that four bright quarters tell apart, in the files of MNIST."""
    random = np.random.default_rng(4)
    for name, count in (("train", train), ("t10k", test)):
        classes = random.integers(0, 4, count).astype(np.uint8)
        pictures = random.integers(0, 60, (count, 28, 28)).astype(np.uint8)
        for i, c in enumerate(classes):
            pictures[i, 14 * (c // 2):14 * (c // 2) + 14, 14 * (c % 2):14 * (c % 2) + 14] += 150
        end = ".gz" if packed else ""
        write_idx(os.path.join(folder, f"{name}-images-idx3-ubyte{end}"), pictures, packed)
        write_idx(os.path.join(folder, f"{name}-labels-idx1-ubyte{end}"), classes, packed)


class Loaders(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def test_mnist_holds_out_the_last_pictures(self):
        for packed in (True, False):
            write_digits(self.folder, packed=packed)
            data = images.mnist(self.folder)
            raw = images.read_idx(os.path.join(self.folder, "train-images-idx3-ubyte"))
            self.assertEqual([p.pictures.shape for p in data[1:4]], [(500, 784), (100, 784), (100, 784)])
            np.testing.assert_array_equal(data.validation.pictures[0], (raw[500].reshape(-1) - 128.0) / 128)

    def test_a_damaged_idx_file_is_named(self):
        write_digits(self.folder, packed=False)
        path = os.path.join(self.folder, "train-images-idx3-ubyte")
        whole = read(path)
        for data, said in ((whole[:-1], "states 600 x 28 x 28"), (b"\0\0\x09" + whole[3:], "no idx file"),
                           (whole[:6], "no idx file")):
            with open(path, "wb") as file:
                file.write(data)
            with self.assertRaisesRegex(SystemExit, said):
                images.read_idx(path)
        with self.assertRaisesRegex(SystemExit, "is not there"):
            images.read_idx(os.path.join(self.folder, "absent"))

    def test_svhn_is_grey_and_standardised(self):
        from scipy.io import savemat
        random = np.random.default_rng(3)
        for name, count in (("train", 40), ("test", 10)):
            pictures = random.integers(0, 256, (32, 32, 3, count)).astype(np.uint8)
            pictures[0, 0] = 7
            if name == "train":
                pictures[:, :, :, 5] = np.uint8([200, 100, 50])
            savemat(os.path.join(self.folder, f"{name}_32x32.mat"),
                    {"X": pictures, "y": np.arange(1, count + 1).reshape(-1, 1) % 10 + 1})
        raw = images._read_svhn(os.path.join(self.folder, "train_32x32.mat"))
        grey = images._grey(raw.pictures)
        np.testing.assert_allclose(grey[5], 0.299 * 200 + 0.587 * 100 + 0.114 * 50, rtol=1e-6)
        self.assertEqual(sorted(set(raw.classes)), list(range(1, 11)))
        data = images.svhn(self.folder)
        self.assertEqual([p.pictures.shape for p in data[1:4]], [(34, 1024), (6, 1024), (10, 1024)])
        np.testing.assert_allclose(data.train.pictures[:, 1:].mean(0), 0, atol=1e-5)
        np.testing.assert_allclose(data.train.pictures[:, 1:].std(0), 1, atol=1e-4)
        np.testing.assert_array_equal(data.test.pictures[:, 0], 0)
        self.assertEqual(sorted(set(data.train.classes)), list(range(10)))
        savemat(os.path.join(self.folder, "test_32x32.mat"), {"X": pictures, "y": np.full((10, 1), 11)})
        with self.assertRaisesRegex(SystemExit, "test_32x32.mat .*label 1 is 11; SVHN has 1 to 10"):
            images.svhn(self.folder)

    def test_moved_digits_are_made_by_their_seed(self):
        write_digits(self.folder)
        first, again, other = (images.moved_digits(self.folder, seed) for seed in (1, 1, 2))
        np.testing.assert_array_equal(first.train.pictures, again.train.pictures)
        self.assertGreater(np.abs(first.train.pictures - other.train.pictures).mean(), 0.1)
        self.assertEqual(first.train.pictures.shape, (500, 1024))
        self.assertIn("stand-in", first.name)

    def test_a_digit_that_is_not_moved_lies_in_the_middle(self):
        digit = np.random.default_rng(5).random((1, 28, 28)).astype(np.float32)
        placed = images._affine(digit, np.zeros(1), np.ones(1), np.zeros((1, 2)))
        np.testing.assert_allclose(placed[0, 2:30, 2:30], digit[0], atol=1e-5)
        np.testing.assert_allclose(placed[0, :2], 0, atol=1e-5)
        quarter = images._affine(digit, np.full(1, np.pi / 2), np.ones(1), np.zeros((1, 2)))
        np.testing.assert_allclose(quarter[0, 2:30, 2:30], np.rot90(digit[0], -1), atol=1e-4)


class Factors(unittest.TestCase):
    def test_subspace_iteration_finds_the_cut_of_the_svd(self):
        random = np.random.default_rng(1)
        for h, d in ((60, 40), (40, 60)):
            spectrum = 0.8 ** np.arange(40)
            matrices = np.stack([np.linalg.qr(random.normal(size=(h, 40)))[0] * spectrum
                                 @ np.linalg.qr(random.normal(size=(d, 40)))[0].T for _ in range(3)])
            low = LowRank(3, d, 10, generator=torch.Generator().manual_seed(1))
            low.space = low.space.double()
            u, v = cut(*low.factors(torch.from_numpy(matrices), rounds=30), [10, 5, 0])
            for k, rank in enumerate((10, 5, 0)):
                left, values, right = np.linalg.svd(matrices[k])
                best = (left[:, :rank] * values[:rank]) @ right[:rank]
                np.testing.assert_allclose((u[k] @ v[k]).numpy(), best, atol=1e-6)
                np.testing.assert_allclose(u[k].norm(dim=0)[:rank], values[:rank], rtol=1e-6)

    def test_it_follows_a_matrix_that_drifts(self):
        random = torch.Generator().manual_seed(2)
        w = torch.randn(1, 50, 40, generator=random) + 3 * (torch.randn(1, 50, 4, generator=random)
                                                             @ torch.randn(1, 4, 40, generator=random))
        low = LowRank(1, 40, 4, generator=random)
        low.factors(w, rounds=30)
        for _ in range(5):
            w = w + 0.1 * torch.randn(w.shape, generator=random)
            u, v = cut(*low.factors(w, rounds=2), [4])
            best = torch.linalg.svdvals(w)[0, 4:].square().sum().sqrt().item()
            self.assertLess((w - u @ v).norm().item(), best * (1 + 1e-3))


class Masks(unittest.TestCase):
    def networks(self, *specs, sizes=(6, 8, 7, 3)):
        torch.manual_seed(1)
        networks = Networks(list(sizes), [Spec(s, 1, sizes) for s in specs], torch.device("cpu"))
        with torch.no_grad():
            for b in networks.biases:
                b.copy_(0.4 * torch.rand(b.shape[1]) - 0.2)
        networks.refresh(1, rounds=30)
        return networks

    def expected(self, networks, k, x):
        """The network by its formulas, in numpy and float64; with the mask and its gradient path."""
        a = x.numpy().astype(np.float64)
        for l in range(networks.hidden):
            w, b, u, v = (t[l][k].detach().numpy().astype(np.float64)
                          for t in (networks.weights, networks.biases, networks.u, networks.v))
            s = (a @ v.T) @ u.T + b
            live = s > 0 if networks.specs[k].ranks else np.ones_like(s, bool)
            a = np.maximum(a @ w.T + b, 0) * live
        w, b = (t[-1][k].detach().numpy().astype(np.float64) for t in (networks.weights, networks.biases))
        return a @ w.T + b

    def test_every_network_is_its_formula(self):
        networks = self.networks("control", "2-1", "3-3")
        x = torch.randn(20, 6)
        scores = networks.forward(x).detach().numpy()
        for k in range(3):
            np.testing.assert_allclose(scores[k], self.expected(networks, k, x), atol=1e-5)
        self.assertGreater(np.abs(scores[0] - scores[1]).max(), 0.01)

    def test_a_mask_of_full_rank_changes_nothing(self):
        networks = self.networks("control", "6-7")
        scores = networks.forward(torch.randn(50, 6)).detach()
        torch.testing.assert_close(scores[0], scores[1], atol=1e-5, rtol=1e-5)

    def test_the_mask_is_a_constant_to_the_gradient(self):
        networks = self.networks("2-1")
        x = torch.randn(30, 6)
        masks = {}
        networks.forward(x, seen=lambda l, s, z, live: masks.__setitem__(l, live[0].float()))
        gradients = torch.autograd.grad(networks.forward(x).square().sum(), networks.trained)
        w = [t[0].detach().double().requires_grad_() for t in networks.weights]
        b = [t[0].detach().double().requires_grad_() for t in networks.biases]
        a = x.double()
        for l in range(2):
            a = torch.relu(a @ w[l].t() + b[l]) * masks[l].double()
        wanted = torch.autograd.grad((a @ w[2].t() + b[2]).square().sum(), w + b)
        self.assertEqual(len(gradients), len(wanted))
        for found, right in zip(gradients, wanted):
            torch.testing.assert_close(found[0].double(), right, atol=1e-4, rtol=1e-4)

    def test_factors_are_refreshed_when_it_is_their_turn(self):
        networks = self.networks("2-1", "2-1:every3")
        changed = []
        for epoch in range(2, 8):
            before = [networks.u[0][k].clone() for k in range(2)]
            with torch.no_grad():
                networks.weights[0].mul_(1.5)
            networks.refresh(epoch)
            changed.append([not torch.equal(before[k], networks.u[0][k]) for k in range(2)])
        self.assertEqual(changed, [[True, epoch in (4, 7)] for epoch in range(2, 8)])

    def test_a_learned_estimate_learns_the_signs_and_leaves_the_others_alone(self):
        networks = self.networks("2-1", "2-1:learned")
        x = torch.randn(200, 6)
        kept = networks.u[0][0].clone()
        adam = estimated_mlp.Adam(networks.trained)
        first = None
        for _ in range(200):
            networks.forward(x)
            loss = networks.loss_of_estimates
            first = first or loss.item()
            gradients = torch.autograd.grad(loss, networks.trained, allow_unused=True)
            gradients = [torch.zeros_like(t) if g is None else g for t, g in zip(networks.trained, gradients)]
            adam.step(gradients, 1e-2)
        self.assertLess(loss.item(), 0.9 * first)
        self.assertTrue(torch.equal(kept, networks.u[0][0]))

    def test_adam_steps_as_torch_does(self):
        ours = torch.randn(5, 4, generator=torch.Generator().manual_seed(1)).requires_grad_()
        theirs = ours.detach().clone().requires_grad_()
        adam, other = estimated_mlp.Adam([ours]), torch.optim.Adam([theirs], lr=0.01)
        for _ in range(20):
            theirs.grad = (theirs.detach() - 1).sin()
            adam.step([(ours.detach() - 1).sin()], 0.01)
            other.step()
        torch.testing.assert_close(ours, theirs)

    def test_dropout_keeps_the_mean(self):
        torch.manual_seed(3)
        kept, scale = estimated_mlp._kept((1000, 300), 0.3, torch.device("cpu"))
        self.assertAlmostEqual((kept * scale).mean().item(), 1, delta=0.01)
        self.assertAlmostEqual(kept.float().mean().item(), 1 - 77 / 256, delta=0.01)

    def test_an_export_has_the_tensors_of_its_layers(self):
        networks = self.networks("control", "2-1")
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "net.safetensors")
            networks.export(1, path, "note")
            tensors, metadata = weights_file.read(path)
            layers = json.loads(metadata["stillgate"])["layers"]
            self.assertEqual([layer["type"] for layer in layers], ["conditional_dense"] * 2 + ["dense"])
            self.assertEqual(tensors["hidden1.V"].shape, (1, 8))
            self.assertEqual(tensors["hidden1.U"].shape, (7, 1))
            x = np.random.default_rng(1).normal(size=(9, 6)).astype(np.float32)
            a = x
            for name in ("hidden0", "hidden1"):
                t = {field: tensors[f"{name}.{field}"] for field in "VUeWb"}
                s = (a @ t["V"].T) @ t["U"].T + t["e"]
                a = np.where(s > 0, np.maximum(a @ t["W"].T + t["b"], 0), 0)
            scores = networks.forward(torch.from_numpy(x))[1].detach().numpy()
            np.testing.assert_allclose(a @ tensors["out.W"].T + tensors["out.b"], scores, atol=1e-5)
            networks.export(0, path, "note")
            self.assertEqual(json.loads(weights_file.read(path)[1]["stillgate"])["layers"][0],
                             {"type": "dense", "name": "hidden0", "inputs": 6, "units": 8,
                              "activation": "relu"})

    def test_a_network_that_is_none_is_refused(self):
        for text, said in (("25-25", "2 ranks from 25 on; there are 3"), ("a-b-c", "no network"),
                           ("1-0-1", "rank 1 or more"), ("5-5-401", "no rank 401"),
                           ("1-1-1:sometimes", "unknown")):
            with self.assertRaisesRegex(SystemExit, said):
                Spec(text, 1, [784, 1000, 600, 400, 10])

    def test_seeds(self):
        self.assertEqual(estimated_mlp.seeds_of("1-3,7"), [1, 2, 3, 7])


class Errors(unittest.TestCase):
    def test_the_sign_is_never_worse_than_the_value(self):
        random = np.random.default_rng(1)
        w, b, a = random.normal(size=(30, 20)), random.normal(size=30), random.normal(size=(50, 20))
        found = rank_error.errors(w, b, a)
        self.assertEqual(found["ranks"], list(range(1, 21)))
        self.assertTrue(all(s <= v for s, v in zip(found["sign"], found["value"])))
        self.assertLess(found["value"][-1], 1e-6)
        u, s, v = np.linalg.svd(w, full_matrices=False)
        third = (u[:, :3] * s[:3]) @ v[:3]
        exact = np.maximum(a @ w.T + b, 0)
        wanted = np.linalg.norm(exact - np.maximum(a @ third.T + b, 0), axis=1)
        wanted /= np.linalg.norm(exact, axis=1)
        self.assertAlmostEqual(found["value"][2], wanted.mean(), places=5)


class Runs(unittest.TestCase):
    def run_trainer(self, data, out, epochs, networks="control,8-4:learned,8-4:every2", fail_after=None):
        program = [sys.executable, os.path.join(HERE, "estimated_mlp.py")]
        if fail_after:
            stop = ("import sys, os, estimated_mlp as e, run; record = run.Run.record\n"
                    "def then(self, point, state):\n"
                    f"    record(self, point, state); point['epoch'] == {fail_after} and os._exit(9)\n"
                    "run.Run.record = then; e.main(sys.argv[1:])")
            program = [sys.executable, "-c", stop]
        return subprocess.run(
            [*program, "--images", data, "--out", out, "--networks", networks, "--units", "32,16",
             "--epochs", str(epochs), "--trace", "1", "--device", "cpu"],
            cwd=HERE, capture_output=True, text=True, timeout=120)

    def test_a_run_that_broke_off_ends_as_one_that_did_not(self):
        with tempfile.TemporaryDirectory() as folder:
            write_digits(folder, train=1200)
            whole, broken = os.path.join(folder, "whole"), os.path.join(folder, "broken")
            done = self.run_trainer(folder, whole, 4)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(self.run_trainer(folder, broken, 4, fail_after=2).returncode, 9)
            again = self.run_trainer(folder, broken, 4)
            self.assertEqual(again.returncode, 0, again.stderr)
            for name in ("control-seed1", "8-4-learned-seed1", "8-4-every2-seed1"):
                files = [read(os.path.join(f, f"{name}{end}"))
                         for end in (".safetensors", ".classes") for f in (whole, broken)]
                self.assertEqual(files[0], files[1])
                self.assertEqual(files[2], files[3])
                self.assertEqual(len(files[2]), 100)
            record = json.loads(read(os.path.join(whole, "record.json")))
            self.assertEqual(len(record["curve"]), 4)
            losses = [point["networks"]["control-seed1"]["loss"] for point in record["curve"]]
            self.assertLess(losses[-1], losses[0])
            self.assertEqual(len(record["curve"][0]["networks"]["8-4-every2-seed1"]["minibatches"][1]), 4)
            refused = self.run_trainer(folder, whole, 5)
            self.assertIn("another epochs", refused.stderr)

    def refused(self, said, *arguments):
        with self.assertRaisesRegex(SystemExit, said), contextlib.redirect_stderr(io.StringIO()) as printed:
            estimated_mlp.main(list(arguments))
        return printed.getvalue()

    def test_other_pictures_do_not_go_into_a_training(self):
        with tempfile.TemporaryDirectory() as folder:
            write_digits(folder)
            asked = ("--images", folder, "--out", os.path.join(folder, "run"), "--networks", "control",
                     "--units", "8,4", "--epochs", "1", "--device", "cpu")
            estimated_mlp.main(asked)
            write_digits(folder, train=660)
            self.refused(r"run was trained on the pictures \S+, 500 \+ 100 \+ 100 pictures .*given \S+, 550 \+ 110",
                         *asked)

    def test_what_cannot_be_trained_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            write_digits(folder)
            asked = ("--images", folder, "--out", os.path.join(folder, "run"), "--networks", "control",
                     "--units", "8,4")
            for value in ("0", "-1"):
                self.assertIn(f"--epochs: '{value}' is no whole number from 1 on",
                              self.refused("2", *asked, f"--epochs={value}"))
            self.refused("500 training pictures fill no minibatch of 501", *asked, "--batch", "501")
            self.refused("'x' is no number and no range", *asked, "--seeds", "1,x")
            self.refused("--units 8,0: '0' is no whole number from 1 on", *asked[:-1], "8,0")
            labels = os.path.join(folder, "train-labels-idx1-ubyte")
            write_idx(labels, np.where(np.arange(600) == 8, 200, 1).astype(np.uint8), False)
            self.refused("train-labels-idx1-ubyte: label 9 is 200; MNIST has 0 to 9", *asked)
            with open(os.path.join(folder, "t10k-images-idx3-ubyte.gz"), "r+b") as file:
                file.truncate(200)
            os.remove(labels)
            self.refused("t10k-images-idx3-ubyte.gz is damaged.*; put back MNIST's file", *asked)
            network = os.path.join(folder, "network.safetensors")
            self.refused_network(network, "is not there; name a control network")
            with open(network, "wb") as file:
                file.write(b"short")
            self.refused_network(network, "is damaged, or another kind of file")

    def refused_network(self, path, said):
        with self.assertRaisesRegex(SystemExit, f"network.safetensors {said}"):
            list(rank_error.layers_of(path, np.zeros((1, 784))))


if __name__ == "__main__":
    unittest.main()
