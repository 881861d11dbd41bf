package io.github.stillgate.importers;

import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Reset;
import io.github.stillgate.core.model.Sums;
import java.util.Optional;

/**
 * A GRU as a file holds it.
 *
 * @param gates three gates
 * @param order where each of them is
 * @param convention what z weighs
 * @param resetAfterMatrix whether r multiplies {@code Uc h} and its bias, or h
 * @param gateActivation of z and r
 * @param candidateActivation of c
 */
public record StackedGru(
    StackedGates gates,
    GruOrder order,
    UpdateConvention convention,
    boolean resetAfterMatrix,
    Activation.Elementwise gateActivation,
    Activation.Elementwise candidateActivation) {
  /** Checks that there are three gates. */
  public StackedGru {
    gates.requireCount(3);
  }

  /** The layer that computes the same, with the z of this library. */
  public Gru toLayer(String name) {
    // 1 - sigmoid(v) = sigmoid(-v), exactly; other functions take their complement.
    boolean swap = convention == UpdateConvention.WEIGHS_OLD_STATE;
    boolean negate = swap && gateActivation.equals(Activation.SIGMOID);
    Sums z =
        negate
            ? gates.negatedGate(name + ".z", order.update())
            : gates.gate(name + ".z", order.update());
    Activation.Elementwise update =
        swap && !negate ? gateActivation.then(Activation.Function.AFFINE, -1, 1) : gateActivation;
    Sums r = gates.gate(name + ".r", order.reset());
    Sums c = gates.gate(name + ".c", order.candidate());
    boolean ownBias = resetAfterMatrix && gates.stateBias().isPresent();
    Reset reset =
        resetAfterMatrix
            ? new Reset.AfterMatrix(
                ownBias
                    ? Optional.of(Matrix.vector(name + ".bh", gates.stateBias(order.candidate())))
                    : Optional.empty())
            : Reset.BEFORE;
    Matrix bias = ownBias ? Matrix.vector(name + ".bc", gates.inputBias(order.candidate())) : c.b();
    return Gru.named(name)
        .update(z)
        .reset(r)
        .candidate(new Sums(c.w(), c.u(), bias))
        .resetPosition(reset)
        .activations(new Gru.Activations(update, gateActivation, candidateActivation))
        .build();
  }
}
