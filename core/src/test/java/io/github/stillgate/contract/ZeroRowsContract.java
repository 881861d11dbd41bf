package io.github.stillgate.contract;

import static io.github.stillgate.contract.Steps.bits;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.model.ConditionalGru;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Embedding;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.Skipping;
import io.github.stillgate.core.session.BatchSession;
import io.github.stillgate.core.session.Sequence;
import io.github.stillgate.core.session.Session;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What a plan promises that leaves out rows of zeros: the bits of one that packs and reads them,
 * and fewer bytes by exactly those rows, whatever backend is below it.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class ZeroRowsContract {
  private final Backend backend;

  protected ZeroRowsContract(Backend backend) {
    this.backend = backend;
  }

  @BeforeEach
  void require() {
    RequiredBackend.check(backend);
  }

  private PlanOptions options() {
    return PlanOptions.defaults().withBackend(backend.name());
  }

  private static PlanOptions everything() {
    return PlanOptions.defaults().withBackend("reference").withSkipping(Skipping.NOTHING);
  }

  static Stream<Model> models() {
    return Stream.of(0.03, 0.5)
        .flatMap(share ->
            Stream.of(
                    TestModels.lstm(11, 40, 9, 301),
                    TestModels.coupled(13, 50, 303),
                    TestModels.projectedFirst(9, 21, 7, 304),
                    TestModels.gru(9, 70, 305),
                    TestModels.resetBefore(11, 70, 306),
                    TestModels.resetBias(9, 45, 307),
                    TestModels.sru(11, 37, 308),
                    TestModels.sruOfTokens(33, 309),
                    TestModels.conditional(11, 40, 6, 310))
                .map(model -> ZeroedRows.of(model, ZeroedRows.random(311, share))));
  }

  /**
   * Gates, candidates and cells that are constant as a whole, layers of zeros, and a wide layer.
   */
  static Stream<Model> wholeKinds() {
    return Stream.concat(
        Stream.of("i", "f", "o", "g")
            .flatMap(gate ->
                Stream.of(
                        TestModels.lstm(11, 40, 9, 321),
                        TestModels.coupled(11, 40, 322),
                        TestModels.projectedFirst(9, 40, 7, 323))
                    .map(model -> ZeroedRows.of(model, ZeroedRows.gate("rnn0", gate)))),
        Stream.of(
            ZeroedRows.of(TestModels.lstm(7, 300, 33, 302), ZeroedRows.random(311, 0.4)),
            ZeroedRows.of(TestModels.lstm(11, 40, 9, 324), ZeroedRows.gate("rnn1", "i")),
            ZeroedRows.of(TestModels.lstm(11, 40, 9, 325), ZeroedRows.EVERYTHING),
            ZeroedRows.of(TestModels.coupled(11, 40, 326), ZeroedRows.EVERYTHING),
            ZeroedRows.of(TestModels.gru(11, 40, 327), ZeroedRows.gate("rnn1", "z")),
            ZeroedRows.of(TestModels.gru(11, 40, 328), ZeroedRows.EVERYTHING),
            ZeroedRows.of(TestModels.resetBefore(11, 40, 329), ZeroedRows.gate("rnn0", "c")),
            ZeroedRows.of(TestModels.resetBefore(11, 40, 330), ZeroedRows.EVERYTHING),
            ZeroedRows.of(TestModels.sru(11, 37, 331), ZeroedRows.EVERYTHING),
            ZeroedRows.of(TestModels.sruOfTokens(21, 332), ZeroedRows.EVERYTHING)));
  }

  static Stream<Model> all() {
    return Stream.concat(models(), wholeKinds());
  }

  @ParameterizedTest
  @MethodSource("all")
  void aSessionHasTheBitsOfOneThatReadsThem(Model model) {
    try (Plan ours = Plan.compile(model, options());
        Plan whole = Plan.compile(model, everything())) {
      Steps.assertSameBits(ours, whole, 60);
    }
  }

  @ParameterizedTest
  @MethodSource("all")
  void soHasOneThatReadsVectorsAndASequence(Model model) {
    Random random = new Random(341);
    float[][] input = new float[70][model.inputs()];
    for (float[] x : input) {
      for (int i = 0; i < x.length; i++) {
        x[i] = 2 * random.nextFloat() - 1;
      }
    }
    float[] a = new float[model.outputs()];
    float[] b = new float[model.outputs()];
    try (Plan ours = Plan.compile(model, options());
        Plan whole = Plan.compile(model, everything());
        Session session = Session.open(ours);
        Session expected = Session.open(whole);
        Sequence sequence = Sequence.open(ours)) {
      float[][] output = sequence.run(input);
      for (int t = 0; t < input.length; t++) {
        session.step(input[t], a);
        expected.step(input[t], b);
        assertThat(bits(a)).as("step %d", t).isEqualTo(bits(b));
        assertThat(bits(output[t])).as("step %d of the sequence", t).isEqualTo(bits(b));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("all")
  void soHasABatch(Model model) {
    Random random = new Random(342);
    int streams = 9;
    float[] a = new float[model.outputs()];
    float[] b = new float[model.outputs()];
    try (Plan ours = Plan.compile(model, options());
        Plan whole = Plan.compile(model, everything());
        BatchSession batch = BatchSession.open(ours, streams)) {
      BatchSession.Stream[] joined = new BatchSession.Stream[streams];
      Session[] expected = new Session[streams];
      for (int s = 0; s < streams; s++) {
        joined[s] = batch.join();
        expected[s] = Session.open(whole);
      }
      for (int step = 0; step < 12; step++) {
        int[] tokens = random.ints(streams, 0, model.inputs()).toArray();
        for (int s = 0; s < streams; s++) {
          joined[s].feed(tokens[s]);
        }
        batch.step();
        for (int s = 0; s < streams; s++) {
          joined[s].read(a);
          expected[s].step(tokens[s], b);
          assertThat(bits(a)).as("step %d, stream %d", step, s).isEqualTo(bits(b));
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("all")
  void theyAreNotCountedEither(Model model) {
    try (Plan ours = Plan.compile(model, options());
        Plan whole = Plan.compile(model, options().withSkipping(Skipping.NOTHING));
        Session session = Session.open(ours)) {
      long saved = bytesOfZeroRows(model);
      assertThat(whole.denseBytesPerStep() - ours.denseBytesPerStep()).isEqualTo(saved);
      session.step(1, new float[model.outputs()]);
      assertThat(session.stats().bytesRead()).isLessThanOrEqualTo(ours.denseBytesPerStep());
    }
  }

  /** A token takes one weight of a row over the input; a dense layer's rows are padded. */
  private static long bytesOfZeroRows(Model model) {
    long bytes = 0;
    boolean byToken = true;
    for (Layer layer : model.layers()) {
      if (layer instanceof Embedding embedding) {
        bytes += 4L * zeroRows(embedding.asDense().w());
      } else if (!(layer instanceof ConditionalGru)) {
        for (Map.Entry<String, Matrix> tensor : layer.tensors().entrySet()) {
          Matrix matrix = tensor.getValue();
          if (!matrix.isVector()) {
            boolean column = byToken && tensor.getKey().startsWith("W");
            int width = layer instanceof Dense ? Lanes.padded(matrix.columns()) : matrix.columns();
            bytes += 4L * zeroRows(matrix) * (column && !isProjection(tensor) ? 1 : width);
          }
        }
      }
      byToken = false;
    }
    return bytes;
  }

  private static boolean isProjection(Map.Entry<String, Matrix> tensor) {
    return tensor.getKey().equals("Wp");
  }

  private static int zeroRows(Matrix matrix) {
    int rows = 0;
    for (int row = 0; row < matrix.rows(); row++) {
      boolean zero = true;
      for (int column = 0; column < matrix.columns(); column++) {
        zero &= matrix.at(row, column) == 0;
      }
      rows += zero ? 1 : 0;
    }
    return rows;
  }
}
