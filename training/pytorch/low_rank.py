"""The best factors of low rank of many matrices at once, by subspace iteration."""

import torch


class LowRank:
    """U V ~ W, cut to the largest singular values: U = Ur Sr [h, k], V = Vr^T [k, d] (Eckart and Young).

    A matrix that changes little between two calls needs few rounds: the space of its right singular vectors
    that was found last is kept and iterated on.
    """

    def __init__(self, matrices, inputs, rank, more=8, device=None, generator=None):
        """rank  the largest that will be asked for; `more` vectors beyond it speed up the rounds"""
        self.width = min(inputs, rank + more)
        drawn = torch.randn(matrices, inputs, self.width, generator=generator).to(device)
        self.space = torch.linalg.qr(drawn)[0]

    def factors(self, weights, rounds=6):
        """weights [K, h, d] -> U [K, h, p], V [K, p, d], p = min(h, width), columns of U by falling norm."""
        for _ in range(rounds):
            left = torch.linalg.qr(weights @ self.space)[0]
            self.space = torch.linalg.qr(weights.transpose(1, 2) @ left)[0]
        q, r = torch.linalg.qr(weights @ self.space)
        left, values, right = torch.linalg.svd(r, full_matrices=False)
        return (q @ left) * values[:, None, :], right @ self.space.transpose(1, 2)


def cut(u, v, ranks):
    """Zeroes what is beyond each matrix's rank, drops what is beyond the largest: U [K, h, k], V [K, k, d]."""
    widest = max(max(ranks), 1)
    kept = torch.tensor([[i < rank for i in range(widest)] for rank in ranks], dtype=u.dtype, device=u.device)
    return u[:, :, :widest] * kept[:, None, :], v[:, :widest, :] * kept[:, :, None]
