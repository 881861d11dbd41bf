package io.github.stillgate.tuning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.github.stillgate.contract.TestModels;
import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Bidirectional;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Embedding;
import io.github.stillgate.core.model.InitialState;
import io.github.stillgate.core.model.Lstm;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.SimpleRnn;
import io.github.stillgate.core.model.Sru;
import io.github.stillgate.core.model.Sums;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.session.Proof;
import io.github.stillgate.core.session.ProofFailedException;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class PruningTest {
  private static final PlanOptions REFERENCE = PlanOptions.defaults().withBackend("reference");

  /** Three units that read each other and one that reads itself; the output reads one of them. */
  @Test
  void unitsThatOnlyReadEachOtherGo() {
    Model model =
        new Model(
            List.of(
                new SimpleRnn(
                    "rnn",
                    Matrix.of("W", 4, 1, 1, 2, 3, 4),
                    Matrix.of(
                        "U", 4, 4, //
                        0, 0.5f, 0, 0, //
                        0.5f, 0, 0, 0, //
                        0, 0, 0.25f, 0, //
                        0, 0, 0, 0.75f),
                    Matrix.vector("b", 0.1f, 0.2f, 0.3f, 0.4f),
                    Activation.TANH),
                new Dense(
                    "out",
                    Matrix.of("W", 1, 4, 0, 0, 7, 0),
                    Matrix.vector("b", 0),
                    Activation.LINEAR)));
    Pruning pruning = Pruning.of(model);
    assertThat(pruning.removals())
        .containsExactly(
            new Removal("rnn", Removal.Part.UNITS, 4, 1, Optional.empty()),
            new Removal(
                "out", Removal.Part.UNITS, 1, 1, Optional.of(Removal.Stays.NETWORK_OUTPUTS)));
    assertThat(pruning.pruned().layers())
        .isEqualTo(
            List.of(
                new SimpleRnn(
                    "rnn",
                    Matrix.of("W", 1, 1, 3),
                    Matrix.of("U", 1, 1, 0.25f),
                    Matrix.vector("b", 0.3f),
                    Activation.TANH),
                new Dense(
                    "out", Matrix.of("W", 1, 1, 7), Matrix.vector("b", 0), Activation.LINEAR)));
  }

  /** The embedding's component is read only by a unit that is read only by a unit nobody reads. */
  @Test
  void whatOnlyTheRemovedReadGoesToo() {
    Model model =
        new Model(
            List.of(
                new Embedding("emb", Matrix.of("E", 2, 3, 1, 2, 3, 4, 5, 6)),
                new Dense(
                    "a",
                    Matrix.of("W", 2, 3, 1, 0, 2, -0f, 3, 0),
                    Matrix.vector("b", 8, 9),
                    Activation.RELU),
                new Dense(
                    "b",
                    Matrix.of("W", 2, 2, 4, -0f, 0, 5),
                    Matrix.vector("b", 1, 2),
                    Activation.TANH),
                new Dense(
                    "out",
                    Matrix.of("W", 2, 2, 6, 0, 7, 0),
                    Matrix.vector("b", 3, 4),
                    Activation.LINEAR)));
    Model small = Pruning.of(model).pruned();
    assertThat(small.layers())
        .isEqualTo(
            List.of(
                new Embedding("emb", Matrix.of("E", 2, 2, 1, 3, 4, 6)),
                new Dense("a", Matrix.of("W", 1, 2, 1, 2), Matrix.vector("b", 8), Activation.RELU),
                new Dense("b", Matrix.of("W", 1, 1, 4), Matrix.vector("b", 1), Activation.TANH),
                new Dense(
                    "out",
                    Matrix.of("W", 2, 1, 6, 7),
                    Matrix.vector("b", 3, 4),
                    Activation.LINEAR)));
  }

  /** Cell 1 has no way through the projection; output 1 is read by nothing, output 0 by a gate. */
  @Test
  void cellsAndOutputsOfAProjectionGoByThemselves() {
    Matrix none = Matrix.of("U", 3, 2, new float[6]);
    Matrix first = Matrix.of("U", 3, 2, 0, 0, 0, 1, 5, 0);
    Matrix w = Matrix.of("W", 3, 1, 1, 2, 3);
    Matrix b = Matrix.vector("b", 4, 5, 6);
    Lstm lstm =
        Lstm.named("rnn")
            .input(new Sums(w, first, b))
            .forget(new Sums(w, none, b))
            .output(new Sums(w, none, b))
            .cell(new Sums(w, none, b))
            .peepholes(
                Lstm.Peepholes.toInput(Matrix.vector("pi", 1, 2, 3))
                    .toForget(Matrix.vector("pf", 4, 5, 6))
                    .toOutput(Matrix.vector("po", 7, 8, 9)))
            .projection(Matrix.of("Wp", 2, 3, 1, 0, 2, 3, 0, 4))
            .initialState(
                InitialState.ofHidden(Matrix.vector("h", 7, 8))
                    .withCells(Matrix.vector("c", 4, 5, 6)))
            .build();
    Dense out =
        new Dense("out", Matrix.of("W", 1, 2, 1, 0), Matrix.vector("b", 0), Activation.LINEAR);
    Lstm small = (Lstm) Pruning.of(new Model(List.of(lstm, out))).pruned().layers().getFirst();
    assertThat(small.i())
        .isEqualTo(
            new Sums(
                Matrix.of("W", 2, 1, 1, 3), Matrix.of("U", 2, 1, 0, 5), Matrix.vector("b", 4, 6)));
    assertThat(small.peepholes().orElseThrow().output()).isEqualTo(Matrix.vector("po", 7, 9));
    assertThat(small.projection()).contains(Matrix.of("Wp", 1, 2, 1, 2));
    assertThat(small.initialState())
        .isEqualTo(
            InitialState.ofHidden(Matrix.vector("h", 7)).withCells(Matrix.vector("c", 4, 6)));
  }

  private static Sru sru(String name, float... w) {
    int n = (int) Math.sqrt(w.length);
    Sru.Gate gate =
        new Sru.Gate(
            Matrix.of("Wg", n, n, w),
            Optional.of(Matrix.vector("v", new float[n])),
            Matrix.vector("b", new float[n]));
    return new Sru(
        name, Matrix.of("W", n, n, w), gate, new Sru.Highway.FromInput(gate, 1), Activation.LINEAR);
  }

  /** Unit 0 is read by nobody but its input is; unit 1 and its input go; unit 2 is read. */
  @Test
  void anSruAndItsInputGoTogetherOrNotAtAll() {
    Dense first =
        new Dense(
            "first", Matrix.of("W", 3, 1, 1, 2, 3), Matrix.vector("b", 1, 2, 3), Activation.TANH);
    Sru sru = sru("sru", 0, 0, 0, 0, 0, 0, 5, 0, 0);
    Dense out =
        new Dense("out", Matrix.of("W", 1, 3, 0, 0, 1), Matrix.vector("b", 0), Activation.LINEAR);
    Pruning pruning = Pruning.of(new Model(List.of(first, sru, out)));
    assertThat(pruning.pruned().layers().get(0).outputs()).isEqualTo(2);
    assertThat(((Sru) pruning.pruned().layers().get(1)).candidate())
        .isEqualTo(Matrix.of("W", 2, 2, 0, 0, 5, 0));
    assertThat(pruning.removals().get(1).stays()).contains(Removal.Stays.TIED);
  }

  @Test
  void anSruOnTheNetworksInputsStays() {
    Dense out =
        new Dense("out", Matrix.of("W", 1, 3, 0, 0, 1), Matrix.vector("b", 0), Activation.LINEAR);
    Pruning pruning = Pruning.of(new Model(List.of(sru("sru", 0, 0, 0, 0, 0, 0, 5, 0, 0), out)));
    assertThat(pruning.isEmpty()).isTrue();
  }

  @Test
  void noLayerIsLeftEmpty() {
    Model big = Sparsity.of(TestModels.lstm(9, 12, 7, 1), (_, _, _, _) -> 0);
    Pruning pruning = Pruning.of(big);
    assertThat(pruning.removals().subList(0, 3))
        .containsExactly(
            new Removal("rnn0", Removal.Part.UNITS, 12, 1, Optional.of(Removal.Stays.LAST_ONE)),
            new Removal("rnn1", Removal.Part.OUTPUTS, 7, 1, Optional.of(Removal.Stays.LAST_ONE)),
            new Removal("rnn1", Removal.Part.CELLS, 12, 1, Optional.of(Removal.Stays.LAST_ONE)));
    assertThat(PruningProof.of(pruning, PruningProof.randomInputs(big), REFERENCE, 2e-6).runError())
        .isLessThan(2e-6);
  }

  /** A direction of which nothing is read stays with one unit, whatever of the other is read. */
  @Test
  void directionsAreCountedApart() {
    Model big = TestModels.bidirectional(8, 12, 3);
    int forward = ((Bidirectional) big.layers().getFirst()).forward().outputs();
    Model sparse =
        Sparsity.of(
            big,
            (tensor, _, column, weight) -> {
              boolean reads = tensor.startsWith("second.") && tensor.matches(".*[.]W[^z]");
              boolean gates = tensor.equals("second.backward.Wz");
              boolean recurrent = tensor.matches("first[.](forward|backward)[.]U.");
              return !gates && (reads && column != 5 || recurrent && column > 5) ? 0 : weight;
            });
    Pruning pruning = Pruning.of(sparse);
    assertThat(forward).isEqualTo(12);
    assertThat(pruning.removals().subList(0, 2))
        .containsExactly(
            new Removal("first.forward", Removal.Part.UNITS, 12, 6, Optional.empty()),
            new Removal(
                "first.backward", Removal.Part.UNITS, 15, 1, Optional.of(Removal.Stays.LAST_ONE)));
  }

  @Test
  void whatTheFormOfALayerKeepsStays() {
    Set<Removal.Stays> stays = new HashSet<>();
    Model block = Sparsity.random(TestModels.block(7, 4, 5, 1), 0.05, 3);
    for (Removal removal : Pruning.of(block).removals()) {
      assertThat(removal.removed()).isZero();
      removal.stays().ifPresent(stays::add);
    }
    Random random = new Random(1);
    Dense softmax =
        new Dense(
            "a",
            RandomTensors.matrix(random, 4, 3),
            RandomTensors.vector(random, 4),
            Activation.SOFTMAX);
    Dense out =
        new Dense("b", Matrix.of("W", 1, 4, 1, 0, 0, 0), Matrix.vector("b", 0), Activation.LINEAR);
    Pruning pruning = Pruning.of(new Model(List.of(softmax, out)));
    assertThat(pruning.isEmpty()).isTrue();
    pruning.removals().forEach(removal -> removal.stays().ifPresent(stays::add));
    assertThat(stays)
        .containsExactlyInAnyOrder(
            Removal.Stays.BLOCKS, Removal.Stays.NETWORK_OUTPUTS, Removal.Stays.SOFTMAX);
  }

  @Test
  void smallWeightsBecomeZeroAndBiasesDoNot() {
    Model model =
        new Model(
            List.of(
                new Dense(
                    "a",
                    Matrix.of("W", 2, 2, 0.01f, -0.009f, -0f, 3),
                    Matrix.vector("b", 0.001f, 0.002f),
                    Activation.TANH),
                new Dense(
                    "out",
                    Matrix.of("W", 1, 2, 1, -0.005f),
                    Matrix.vector("b", 0.003f),
                    Activation.LINEAR)));
    assertThat(Pruning.of(model).isEmpty()).isTrue();
    Pruning pruning = Pruning.of(model, 0.01f);
    assertThat(pruning.zeroed()).isEqualTo(2);
    assertThat(pruning.pruned().layers())
        .isEqualTo(
            List.of(
                new Dense(
                    "a",
                    Matrix.of("W", 1, 2, 0.01f, 0),
                    Matrix.vector("b", 0.001f),
                    Activation.TANH),
                new Dense(
                    "out",
                    Matrix.of("W", 1, 1, 1),
                    Matrix.vector("b", 0.003f),
                    Activation.LINEAR)));
    assertThat(Pruning.of(pruning.pruned(), 0.01f).isEmpty()).isTrue();
    PruningProof proof =
        PruningProof.of(pruning, PruningProof.randomInputs(model), REFERENCE, 2e-6);
    assertThat(proof.thresholdError()).isBetween(1e-4, 0.02);
  }

  @Test
  void aThresholdThatIsNoneIsRefused() {
    for (float threshold : new float[] {-1e-6f, Float.NaN, Float.POSITIVE_INFINITY}) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Pruning.of(TestModels.gru(5, 6, 1), threshold))
          .withMessage(
              "the threshold for weights is %s; it is a number of at least 0".formatted(threshold));
    }
  }

  @Test
  void anEstimateOfGatesIsRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Pruning.of(TestModels.estimated(5, 9, 3, 0, 1)))
        .withMessage(
            "layer rnn0 carries an estimate of its gates, which reads all of its units and was"
                + " calibrated with them; prune the network that has none yet, then tune it again");
  }

  /** What a proof has found can be replayed from a file, and is the original's. */
  @Test
  void theProofsVectorsAreTheOriginals() {
    Model big = Sparsity.random(TestModels.lstm(9, 22, 13, 4), 0.2, 5);
    Pruning pruning = Pruning.of(big);
    TuningData data = PruningProof.randomInputs(big);
    AtomicLong done = new AtomicLong();
    PruningProof proof = PruningProof.of(pruning, data, REFERENCE, 2e-6, done::addAndGet);
    assertThat(done).hasValue(PruningProof.work(pruning, data));
    assertThat(proof.steps()).isEqualTo(64);
    assertThat(proof.thresholdError()).isZero();
    assertThat(proof.runError()).isLessThan(2e-6);
    assertThat(proof.vectors().cases()).hasSize(1);
    assertThat(proof.vectors().cases().getFirst().tokens())
        .contains(((TuningData.Tokens) data.sequences().getFirst()).tokens());
    for (Model model : List.of(big, pruning.pruned())) {
      try (Plan plan = Plan.compile(model, REFERENCE)) {
        assertThat(Proof.replay(plan, proof.vectors(), 2e-6)).isLessThan(2e-6);
      }
    }
  }

  /** So steep a recurrence that float32 and float64 soon know nothing of each other. */
  @Test
  void aNetworkThatAmplifiesRoundingIsToldFromAnother() {
    Random random = new Random(4);
    Model big =
        Sparsity.of(
            new Model(
                List.of(
                    new SimpleRnn(
                        "rnn",
                        RandomTensors.matrix(random, 40, 3),
                        RandomTensors.matrix(random, 40, 40),
                        RandomTensors.vector(random, 40),
                        Activation.scaledTanh(1, 20)),
                    new Dense(
                        "out",
                        RandomTensors.matrix(random, 2, 40),
                        RandomTensors.vector(random, 2),
                        Activation.TANH))),
            (tensor, _, column, weight) ->
                column == 7 && (tensor.equals("rnn.U") || tensor.equals("out.W")) ? 0 : weight);
    assertThatExceptionOfType(ProofFailedException.class)
        .isThrownBy(
            () -> PruningProof.of(Pruning.of(big), PruningProof.randomInputs(big), REFERENCE, 2e-6))
        .withMessageMatching(
            "case pruned, step \\d+, output \\d of the pruned network is \\S+, that of the original"
                + " \\S+ \\(error \\S+, tolerance 2.00e-06\\). In float64 the two networks are equal,"
                + " so nothing was removed that is read; this one amplifies the rounding of float32."
                + " Prove it on shorter sequences or with a larger tolerance \\(--prune-tolerance\\)");
  }
}
