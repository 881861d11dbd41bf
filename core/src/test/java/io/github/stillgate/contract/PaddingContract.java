package io.github.stillgate.contract;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.kernel.Cells;
import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.Pointwise;
import io.github.stillgate.core.kernel.VectorOps;
import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.stage.NetworkAccess;
import io.github.stillgate.core.stage.StatePart;
import io.github.stillgate.core.stage.StreamRun;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What lies behind the last element has no influence and no meaning, whatever backend is below. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class PaddingContract {
  private static final int[] LENGTHS = {1, 2, 15, 16, 27, 31, 32, 33, 63, 100};

  /** Rows in a vector of several, as sums of z, r and c are. */
  private static final int ROWS = 3;

  private final Backend backend;
  private Arena arena;

  protected PaddingContract(Backend backend) {
    this.backend = backend;
  }

  @BeforeEach
  void require() {
    RequiredBackend.check(backend);
    arena = Arena.ofConfined();
  }

  @AfterEach
  void free() {
    arena.close();
  }

  /** One operation on vectors 0 to 3, which it reads, 4, which it reads and writes, and scratch. */
  private interface Cell {
    void run(Cells cells, VectorOps ops, int n, MemorySegment[] v);
  }

  private static Arguments cell(String name, Cell cell) {
    return argumentSet(name, cell);
  }

  static Stream<Arguments> cells() {
    List<Arguments> all = new ArrayList<>();
    all.add(cell("add", (c, o, n, v) -> o.add(n, v[0], v[1], v[4])));
    all.add(cell("subtract", (c, o, n, v) -> o.subtract(n, v[0], v[1], v[4])));
    all.add(cell("multiply", (c, o, n, v) -> o.multiply(n, v[0], v[1], v[4])));
    all.add(cell("multiplyAdd", (c, o, n, v) -> o.multiplyAdd(n, v[0], v[1], v[2], v[4])));
    all.add(cell("choose", (c, o, n, v) -> o.choose(n, v[0], v[1], v[2], v[4])));
    all.add(cell("flush", (c, o, n, v) -> o.flush(n, v[0], v[4])));
    all.add(cell("spread", (c, o, n, v) -> o.spread(n, 1, v[0], v[4])));
    all.add(cell("softmax", (c, o, n, v) -> o.softmax(n, v[0], v[4])));
    all.add(cell("preactivate", (c, o, n, v) -> c.preactivate(n, v[0], v[1], v[2], v[4])));
    all.add(
        cell(
            "conditionalGru",
            (c, o, n, v) -> c.conditionalGru(n, v[0], v[1], v[2], v[3], v[5], v[4])));
    all.add(cell("gru", (c, o, n, v) -> c.gru(n, v[0], v[1], v[2], v[5], v[4])));
    all.add(cell("biasedGru", (c, o, n, v) -> c.biasedGru(n, v[0], v[1], v[2], v[3], v[5], v[4])));
    all.add(cell("carry", (c, o, n, v) -> c.carry(n, v[0], v[1], v[2], v[5], v[4])));
    all.add(cell("blend", (c, o, n, v) -> c.blend(n, v[0], v[1], v[5], v[4])));
    for (Pointwise function : Pointwise.values()) {
      all.add(
          cell(function.name(), (c, o, n, v) -> o.apply(function, -0.5f, 0.75f, n, v[0], v[4])));
    }
    return all.stream();
  }

  @ParameterizedTest
  @MethodSource("cells")
  void whatACellGivesDoesNotDependOnPadding(Cell cell) {
    for (int n : LENGTHS) {
      MemorySegment clean = run(cell, n, 0);
      for (float poison : new float[] {1e3f, -1e3f, 0.5f}) {
        MemorySegment poisoned = run(cell, n, poison);
        for (int i = 0; i < n; i++) {
          assertThat(poisoned.getAtIndex(JAVA_INT, i))
              .as("element %d of %d, padding %s", i, n, poison)
              .isEqualTo(clean.getAtIndex(JAVA_INT, i));
        }
        for (int i = n; i < Lanes.padded(n); i++) {
          assertThat(Float.isFinite(poisoned.getAtIndex(JAVA_FLOAT, i))).isTrue();
        }
      }
    }
  }

  private MemorySegment run(Cell cell, int n, float padding) {
    SplittableRandom random = new SplittableRandom(n);
    int stride = Lanes.padded(n);
    MemorySegment[] vectors = new MemorySegment[6];
    for (int k = 0; k < vectors.length; k++) {
      vectors[k] = arena.allocate(4L * ROWS * stride, Lanes.ALIGNMENT);
      for (int row = 0; row < ROWS; row++) {
        for (int i = 0; i < stride; i++) {
          float value = i < n ? (float) random.nextDouble(-1, 1) : padding;
          vectors[k].setAtIndex(JAVA_FLOAT, (long) row * stride + i, value);
        }
      }
    }
    cell.run(backend.cells(), backend.vectors(), n, vectors);
    return vectors[4];
  }

  static int[] lengths() {
    return LENGTHS;
  }

  @ParameterizedTest
  @MethodSource("lengths")
  void paddingIsNeverSelected(int n) {
    MemorySegment scores = arena.allocate(4L * Lanes.padded(n), Lanes.ALIGNMENT);
    for (int i = 0; i < Lanes.padded(n); i++) {
      scores.setAtIndex(JAVA_FLOAT, i, i < n && i % 3 != 0 ? -1 : 1);
    }
    ActiveSet set = new ActiveSet(n, arena);
    backend.vectors().selectPositive(n, scores, set);
    assertThat(set.count()).isEqualTo((n + 2) / 3);
    for (int i = 0; i < set.count(); i++) {
      assertThat(set.at(i)).isEqualTo(3 * i);
    }
  }

  static Stream<Model> models() {
    return Stream.of(
        TestModels.conditional(11, 40, 4, 8),
        TestModels.block(11, 7, 6, 41),
        TestModels.hybrid(11, 6, 11, 42),
        TestModels.activations(11, 5, 9, 43),
        TestModels.gru(11, 33, 44),
        TestModels.resetBefore(11, 37, 46),
        TestModels.lstm(11, 40, 9, 48),
        TestModels.coupled(11, 30, 49),
        TestModels.sru(11, 37, 51),
        TestModels.sruOfTokens(21, 52),
        TestModels.conditionalDense(11, 37, 4, 53),
        TestModels.estimatedReluNet(19, 41, 5, 3, 54),
        TestModels.vectors(19, 50, 3, 6),
        halfAtZero());
  }

  /** A layer whose function is not 0 at 0, where padding is not zero by itself. */
  private static Model halfAtZero() {
    return new Model(
        List.of(
            new Dense(
                "d",
                Matrix.of("W", 5, 3, new float[15]),
                Matrix.vector("b", new float[5]),
                Activation.SIGMOID)));
  }

  /** The next layer, or the next step, multiplies it. */
  @ParameterizedTest
  @MethodSource("models")
  void statesAndOutputsAreZeroInTheirPadding(Model model) {
    PlanOptions options = PlanOptions.defaults().withBackend(backend.name());
    try (Plan plan = Plan.compile(model, options)) {
      StreamRun stream = NetworkAccess.of(plan).openStream();
      stream.enter();
      try {
        for (int step = 0; step < 20; step++) {
          stream.begin();
          stream.input().setAtIndex(JAVA_FLOAT, step % model.inputs(), step % 2);
          stream.step();
          stream.finish();
        }
        assertZeroBehind(stream.output(), 0, model.outputs());
        for (StatePart part : NetworkAccess.of(plan).stateParts()) {
          assertZeroBehind(stream.state(), part.at(), part.width());
        }
      } finally {
        stream.exit();
      }
    }
  }

  private static void assertZeroBehind(MemorySegment vectors, int at, int width) {
    for (int i = width; i < Lanes.padded(width); i++) {
      assertThat(vectors.getAtIndex(JAVA_INT, at + i)).as("padding %d of %d", i, width).isZero();
    }
  }
}
