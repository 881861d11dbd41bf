"""How the rank of an estimate of W a + b changes its error, on a trained network (Davis, figure 3.3).

For every rank k, in float64, the mean over pictures of a layer's error, relative to its output:

    value  ||relu(W a + b) - relu(U V a + b)||                    the estimate in place of the layer
    sign   ||relu(W a + b) - relu(W a + b) * [U V a + b > 0]||    the estimate tells only what to compute

    python3 rank_error.py --images FOLDER --network RUN/control-seed1.safetensors

writes RUN/rank-error.json.
"""

import argparse
import json
import os

import numpy as np

import images
import inputs
import weights_file


def errors(w, b, a):
    """w [h, d], b [h], a [N, d] -> `ranks` and, for each, `value`, `sign`, and `agreement` of the signs."""
    left, values, right = np.linalg.svd(w, full_matrices=False)
    exact = a @ w.T + b
    wanted = np.maximum(exact, 0)
    size = np.linalg.norm(wanted, axis=1)
    found = {"ranks": [], "value": [], "sign": [], "agreement": []}
    estimate = np.repeat(b[None], len(a), 0)
    reduced = a @ right.T
    for k in range(len(values)):
        estimate += reduced[:, k:k + 1] * (values[k] * left[:, k])
        live = estimate > 0
        found["ranks"].append(k + 1)
        for name, kept in (("value", np.maximum(estimate, 0)), ("sign", wanted * live)):
            share = np.linalg.norm(wanted - kept, axis=1) / np.maximum(size, 1e-30)
            found[name].append(round(float(share.mean()), 6))
        found["agreement"].append(round(float((live == (exact > 0)).mean()), 6))
    return found


def layers_of(path, pictures):
    """Yields (name, W, b, input of the layer) of each hidden layer of an exported network, in float64."""
    with inputs.reading(path, "name a control network that estimated_mlp.py exported"):
        tensors, metadata = weights_file.read(path)
        layers = json.loads(metadata["stillgate"])["layers"]
    a = pictures.astype(np.float64)
    for layer in layers[:-1]:
        if layer["type"] != "dense" or layer.get("activation") != "relu":
            raise SystemExit(f"{path}: {layer['name']} is no dense layer with relu; name a control network")
        w, b = (tensors[f"{layer['name']}.{field}"].astype(np.float64) for field in ("W", "b"))
        yield layer["name"], w, b, a
        a = np.maximum(a @ w.T + b, 0)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0],
                                     formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--images", required=True, help="folder of the files of the set")
    parser.add_argument("--set", default="mnist", help="mnist, moved or svhn")
    parser.add_argument("--network", required=True, help="an exported control network")
    parser.add_argument("--pictures", type=inputs.count, default=1000, help="first so many of the test part")
    given = parser.parse_args(arguments)
    pictures = images.load(given.set, given.images).test.pictures[:given.pictures]
    found = {"network": os.path.basename(given.network), "pictures": len(pictures),
             "layers": {name: errors(w, b, a) for name, w, b, a in layers_of(given.network, pictures)}}
    path = os.path.join(os.path.dirname(given.network), "rank-error.json")
    with open(path + ".partial", "w", encoding="utf-8") as file:
        json.dump(found, file)
    os.replace(path + ".partial", path)
    print(f"wrote {path}")


if __name__ == "__main__":
    main()
