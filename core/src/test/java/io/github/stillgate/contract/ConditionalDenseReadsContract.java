package io.github.stillgate.contract;

import static io.github.stillgate.contract.ConditionalDenseContract.INPUTS;
import static io.github.stillgate.contract.ConditionalDenseContract.UNITS;
import static io.github.stillgate.contract.ConditionalDenseContract.input;
import static io.github.stillgate.contract.ConditionalDenseContract.layer;
import static io.github.stillgate.contract.ConditionalDenseContract.withShift;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Availability;
import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.kernel.Batch;
import io.github.stillgate.core.kernel.Binding;
import io.github.stillgate.core.kernel.Cells;
import io.github.stillgate.core.kernel.CheckedBackend;
import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.Movement;
import io.github.stillgate.core.kernel.Pack;
import io.github.stillgate.core.kernel.PackedWeights;
import io.github.stillgate.core.kernel.VectorOps;
import io.github.stillgate.core.kernel.WeightFormat;
import io.github.stillgate.core.model.ConditionalDense;
import io.github.stillgate.core.model.OperandRole;
import io.github.stillgate.core.stage.BatchRun;
import io.github.stillgate.core.stage.ConditionalDenseStage;
import io.github.stillgate.core.stage.Crossover;
import io.github.stillgate.core.stage.Int8Operands;
import io.github.stillgate.core.stage.Network;
import io.github.stillgate.core.stage.Packing;
import io.github.stillgate.core.stage.Slot;
import io.github.stillgate.core.stage.StreamRun;
import io.github.stillgate.core.stage.Team;
import io.github.stillgate.core.stage.Wiring;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * That a dense layer behind an estimate reads no row of a unit that is not live, whatever backend
 * is below it.
 */
public abstract class ConditionalDenseReadsContract {
  private static final Int8Operands NO_SCALES =
      new Int8Operands() {
        @Override
        public float found(OperandRole role) {
          return 0;
        }

        @Override
        public void packed(OperandRole role, float scale, boolean proved) {}
      };

  private final Backend backend;

  /** The contract of {@code backend}. */
  protected ConditionalDenseReadsContract(Backend backend) {
    this.backend = backend;
  }

  @BeforeEach
  void require() {
    RequiredBackend.check(backend);
  }

  /** NaN spreads if it is ever added, so rows of units that are never live hold nothing else. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void rowsOfUnitsThatAreNotLiveAreNotRead(boolean bf16) {
    ConditionalDense layer = layer(80);
    float[] e = layer.estimate().e().toArray();
    for (int i = 0; i < UNITS; i += 3) {
      e[i] = -1e6f;
    }
    WeightFormat format = bf16 ? WeightFormat.BF16 : WeightFormat.F32;
    Network network = poisoned(withShift(layer, e), format);
    Network clean = network(withShift(layer, e), format, CheckedBackend.of(backend));
    Random random = new Random(81);
    StreamRun stream = network.openStream();
    StreamRun same = clean.openStream();
    BatchRun batch = network.openBatch(4);
    int live = 0;
    for (int step = 0; step < 50; step++) {
      float[] x = input(INPUTS, random);
      step(stream, x);
      step(same, x);
      assertThat(bits(stream)).as("step %d", step).isEqualTo(bits(same));
      live += stream.liveUnits(0);
      batch.enter();
      batch.begin();
      for (int i = 0; i < batch.capacity(); i++) {
        MemorySegment.copy(x, 0, batch.stream(i).input(), JAVA_FLOAT, 0, x.length);
        batch.offer(i);
      }
      batch.step();
      batch.finish();
      batch.exit();
      for (int i = 0; i < batch.capacity(); i++) {
        assertThat(bits(batch.stream(i))).as("stream %d", i).isEqualTo(bits(same));
      }
    }
    assertThat(live).isGreaterThan(500);
    network.close();
    clean.close();
  }

  private static void step(StreamRun stream, float[] x) {
    stream.enter();
    stream.begin();
    MemorySegment.copy(x, 0, stream.input(), JAVA_FLOAT, 0, x.length);
    stream.step();
    stream.finish();
    stream.exit();
  }

  private static int[] bits(StreamRun stream) {
    stream.enter();
    int[] bits = stream.output().toArray(JAVA_INT);
    stream.exit();
    return bits;
  }

  private static Network network(ConditionalDense layer, WeightFormat format, Backend used) {
    return Network.pack(
        Wiring.chain(INPUTS, 1),
        used.vectors(),
        new Team(1, 0, 0),
        memory -> List.of(Slot.forward(layer.name(), stage(layer, format, used, memory))));
  }

  private static ConditionalDenseStage stage(
      ConditionalDense layer, WeightFormat format, Backend used, Arena memory) {
    return new ConditionalDenseStage(
        layer,
        1,
        new Packing(used, memory, format, null, false, true, 0, Movement.EXACT, NO_SCALES),
        new Crossover(true, OptionalDouble.empty()),
        OptionalInt.empty());
  }

  /** The layer with NaN in every third row of W, over packs that look at all sums they make. */
  private Network poisoned(ConditionalDense layer, WeightFormat format) {
    Watching watching = new Watching(CheckedBackend.of(backend));
    Network network = network(layer, format, watching);
    PackedWeights w = watching.packs.getLast().weights();
    long row = Lanes.padded(INPUTS);
    for (int unit = 0; unit < UNITS; unit += 3) {
      long from = w.layout().part(0).at(unit);
      for (long at = from; at < from + row; at++) {
        switch (format) {
          case F32 -> w.weights().setAtIndex(JAVA_FLOAT, at, Float.NaN);
          case BF16 -> w.weights().setAtIndex(JAVA_SHORT, at, NAN_HALF);
        }
      }
    }
    return network;
  }

  private static final short NAN_HALF = 0x7fc0;

  /** A backend whose packs require that every sum they made is a number. */
  private static final class Watching implements Backend {
    private final Backend watched;
    private final List<Pack> packs = new ArrayList<>();

    Watching(Backend watched) {
      this.watched = watched;
    }

    @Override
    public String name() {
      return watched.name();
    }

    @Override
    public int preference() {
      return watched.preference();
    }

    @Override
    public Availability availability() {
      return watched.availability();
    }

    @Override
    public Pack over(PackedWeights weights, Arena arena) {
      Pack pack = watched.over(weights, arena);
      packs.add(pack);
      return new Pack(weights) {
        @Override
        public void multiply(
            ActiveSet set, int from, int to, Binding stream, MemorySegment scratch) {
          pack.multiply(set, from, to, stream, scratch);
          requireNumbers(stream);
        }

        @Override
        public int batchScratchFloats(int capacity) {
          return pack.batchScratchFloats(capacity);
        }

        @Override
        public void prepare(Batch batch) {
          pack.prepare(batch);
        }

        @Override
        public void multiply(Batch batch, int from, int to, MemorySegment scratch) {
          pack.multiply(batch, from, to, scratch);
          for (int stream = 0; stream < batch.count(); stream++) {
            requireNumbers(batch.binding(stream));
          }
        }
      };
    }

    private static void requireNumbers(Binding stream) {
      MemorySegment sums = stream.sums(0);
      assertThat(sums).isNotNull();
      for (float sum : sums.toArray(JAVA_FLOAT)) {
        assertThat(sum).isNotNaN();
      }
    }

    @Override
    public VectorOps vectors() {
      return watched.vectors();
    }

    @Override
    public Cells cells() {
      return watched.cells();
    }
  }
}
