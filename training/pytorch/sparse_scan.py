"""The scan of an LSTM over time with a backward pass of its own.

All products that do not wait for the state are made outside, for all steps at once. What is left is a loop of
few operations on buffers, and the gradient of the recurrent matrix is one product after the loop. On one CPU
thread that takes half the time of the same loop under autograd, or less.
"""

import torch


class Scan(torch.autograd.Function):
    """One layer with n cells, its rows in the order i, f, o, g:

        a   = over_x + (U h) * z                     (i, f, o, g) = (gate, gate, gate, tanh)(a)
        c'  = (f * c + i * g) * mask
        h'  = o * tanh(c') * k

    over_x  (steps, batch, 4n), biases and gate scale already in it
    U       (4n, n)
    z       (batch, 4n), scale of the pre-activations before the bias; or None for 1
    k       (batch, n), scale of the outputs; or None for 1
    h, c    (batch, n), the state before
    mask    (steps, batch, 1), 0 where the sequence has not begun; or None for 1
    hard    gate(a) is clamp(0.2 a + 0.5, 0, 1) instead of sigmoid(a)

    Gives h' of all steps (steps, batch, n) and the last c' (batch, n), through which no gradient flows.
    """

    @staticmethod
    def forward(ctx, over_x, U, z, k, h, c, mask, hard):
        steps, batch, n4 = over_x.shape
        n = n4 // 4
        across = U.t().contiguous()
        hs, cs = over_x.new_empty(steps + 1, batch, n), over_x.new_empty(steps + 1, batch, n)
        gates, tanhs = over_x.new_empty(steps, batch, n4), over_x.new_empty(steps, batch, n)
        over_h = None if z is None else over_x.new_empty(steps, batch, n4)
        hs[0], cs[0] = h, c
        h_at, c_at, x_at, a_at, tanh_at = (v.unbind(0) for v in (hs, cs, over_x, gates, tanhs))
        s_at, (i_at, f_at, o_at, g_at) = gates[..., :3 * n].unbind(0), [q.unbind(0) for q in gates.split(n, 2)]
        for t in range(steps):
            if z is None:
                torch.addmm(x_at[t], h_at[t], across, out=a_at[t])
            else:
                torch.mm(h_at[t], across, out=over_h[t])
                torch.addcmul(x_at[t], over_h[t], z, out=a_at[t])
            if hard:
                s_at[t].mul_(0.2).add_(0.5).clamp_(0, 1)
            else:
                s_at[t].sigmoid_()
            g_at[t].tanh_()
            torch.mul(f_at[t], c_at[t], out=c_at[t + 1]).addcmul_(i_at[t], g_at[t])
            if mask is not None:
                c_at[t + 1].mul_(mask[t])
            torch.tanh(c_at[t + 1], out=tanh_at[t])
            torch.mul(o_at[t], tanh_at[t], out=h_at[t + 1])
            if k is not None:
                h_at[t + 1].mul_(k)
        ctx.save_for_backward(U, z, k, mask, hs, cs, gates, tanhs, over_h)
        ctx.hard = hard
        ctx.mark_non_differentiable(last := cs[steps].clone())
        return hs[1:], last

    @staticmethod
    def backward(ctx, to_h, _):
        U, z, k, mask, hs, cs, gates, tanhs, over_h = ctx.saved_tensors
        steps, batch, n = tanhs.shape
        # Slopes of all steps at once: what the loop multiplies the incoming gradient by.
        slopes = torch.empty_like(gates)
        s = gates[..., :3 * n]
        if ctx.hard:
            torch.mul((s > 0) & (s < 1), 0.2, out=slopes[..., :3 * n])
        else:
            torch.mul(s, 1 - s, out=slopes[..., :3 * n])
        i, f, o, g = gates.split(n, 2)
        torch.mul(g, g, out=slopes[..., 3 * n:])
        slopes[..., 3 * n:].neg_().add_(1).mul_(i)
        slopes[..., :n].mul_(g)
        slopes[..., n:2 * n].mul_(cs[:-1])
        slopes[..., 2 * n:3 * n].mul_(tanhs)
        into_c = torch.addcmul(o, o * tanhs, tanhs, value=-1)
        # i, f and g get the gradient of c', o that of h'.
        to_a = torch.empty_like(gates)
        whole_h = torch.empty_like(tanhs) if k is not None and ctx.needs_input_grad[3] else None
        dh, dc = torch.zeros_like(hs[0]), torch.zeros_like(hs[0])
        scaled = None if z is None else torch.empty_like(gates[0])
        grown = torch.empty_like(dh)
        to_at, a_at, slope_at, f_at, into_at = (v.unbind(0) for v in (to_h, to_a, slopes, f, into_c))
        for t in reversed(range(steps)):
            torch.add(to_at[t], dh, out=grown)
            if whole_h is not None:
                whole_h[t] = grown
            if k is not None:
                grown.mul_(k)
            dc.addcmul_(grown, into_at[t])
            if mask is not None:
                dc.mul_(mask[t])
            a, slope = a_at[t], slope_at[t]
            torch.mul(slope.view(batch, 4, n), dc[:, None], out=a.view(batch, 4, n))
            torch.mul(slope[:, 2 * n:3 * n], grown, out=a[:, 2 * n:3 * n])
            torch.mm(a if z is None else torch.mul(a, z, out=scaled), U, out=dh)
            dc.mul_(f_at[t])
        to_u = to_z = to_k = None
        if ctx.needs_input_grad[1]:
            into_u = to_a if z is None else to_a * z
            to_u = into_u.flatten(0, 1).t() @ hs[:-1].flatten(0, 1)
        if z is not None and ctx.needs_input_grad[2]:
            to_z = (to_a * over_h).sum(0)
        if whole_h is not None:
            to_k = (whole_h * o * tanhs).sum(0)
        return to_a, to_u, to_z, to_k, dh, dc, None, None
