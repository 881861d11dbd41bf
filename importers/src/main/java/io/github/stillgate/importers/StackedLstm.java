package io.github.stillgate.importers;

import io.github.stillgate.core.model.Lstm;
import io.github.stillgate.core.model.Matrix;
import java.util.Optional;

/**
 * An LSTM as a file holds it.
 *
 * @param gates four gates
 * @param order where each of them is
 * @param coupled whether f is 1 - i and its own sums are not used
 * @param peepholes pi, pf and po; empty for none
 * @param projection Wp; empty for none
 * @param activations what follows the sums
 */
public record StackedLstm(
    StackedGates gates,
    LstmOrder order,
    boolean coupled,
    Optional<Lstm.Peepholes> peepholes,
    Optional<Matrix> projection,
    Lstm.Activations activations) {
  /** Checks that there are four gates. */
  public StackedLstm {
    gates.requireCount(4);
  }

  /** The layer that computes the same. */
  public Lstm toLayer(String name) {
    Lstm.Builder lstm =
        Lstm.named(name)
            .input(gates.gate(name + ".i", order.input()))
            .output(gates.gate(name + ".o", order.output()))
            .cell(gates.gate(name + ".g", order.candidate()))
            .activations(activations);
    if (coupled) {
      lstm.coupledGates();
    } else {
      lstm.forget(gates.gate(name + ".f", order.forget()));
    }
    peepholes.ifPresent(lstm::peepholes);
    projection.ifPresent(lstm::projection);
    return lstm.build();
  }
}
