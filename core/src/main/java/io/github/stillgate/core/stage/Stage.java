package io.github.stillgate.core.stage;

import io.github.stillgate.core.kernel.Operand;
import io.github.stillgate.core.kernel.Pack;
import io.github.stillgate.core.model.Layer;
import java.lang.foreign.SegmentAllocator;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * One layer packed for a backend. Immutable but for the measured {@link Crossover}, and shared by
 * all streams of its plan; what a stream adds is a {@link Run}.
 */
public abstract class Stage {
  private final int outputs;
  private final double outputBound;
  private final List<StatePart> parts;
  private final List<Pack> packs;

  /**
   * What every stage says of itself.
   *
   * @param layer what it runs
   * @param outputBound bound on the magnitude of every output
   * @param parts what one stream keeps between steps, in the order it is allocated
   * @param packs everything that a step multiplies, in the order of its phases
   */
  Stage(Layer layer, double outputBound, List<StatePart> parts, List<Pack> packs) {
    this(layer.outputs(), outputBound, withSent(layer.name(), parts, packs), packs);
  }

  /** The same of a stage that is made of others, whose parts are {@code parts}. */
  Stage(int outputs, double outputBound, List<StatePart> parts, List<Pack> packs) {
    this.outputs = outputs;
    this.outputBound = outputBound;
    this.parts = List.copyOf(parts);
    this.packs = List.copyOf(packs);
  }

  /** {@code parts}, and the values sent last of each operand where they can lag behind. */
  private static List<StatePart> withSent(String layer, List<StatePart> parts, List<Pack> packs) {
    List<StatePart> all = new ArrayList<>(parts);
    int at = parts.stream().mapToInt(StatePart::floats).sum();
    int number = 0;
    for (Pack pack : packs) {
      for (int operand = 0; operand < pack.layout().operands(); operand++) {
        if (pack.lags(operand)) {
          StatePart sent =
              StatePart.sent(layer, number++, at, pack.layout().part(operand).columns());
          all.add(sent);
          at += sent.floats();
        }
      }
    }
    return List.copyOf(all);
  }

  final int outputs() {
    return outputs;
  }

  final List<Pack> packs() {
    return packs;
  }

  /** Bound on the magnitude of every output. */
  public final double outputBound() {
    return outputBound;
  }

  final List<StatePart> stateParts() {
    return parts;
  }

  /** Floats of state one stream keeps between steps, a multiple of the padding; 0 if none. */
  final int stateFloats() {
    return parts.stream().mapToInt(StatePart::floats).sum();
  }

  /** The one state vector of most layers. */
  static StatePart hidden(Layer layer, double bound) {
    return StatePart.of(layer.name(), StatePart.Kind.HIDDEN, 0, layer.outputs(), bound);
  }

  /** Weight bytes one step reads when every unit is computed, by token or by vector. */
  long denseBytes(boolean token) {
    return packs.stream().mapToLong(pack -> pack.weights().bytes(token)).sum();
  }

  /** How many groups are live in a step at most; null in a layer without gates. */
  @Nullable LiveLimit liveLimit() {
    return null;
  }

  /** Groups of a pack that a step multiplies at most. */
  int mostGroups(Pack pack) {
    return pack.layout().groups();
  }

  /** Weight bytes that no step exceeds: {@link Network#mostBytes}. */
  long mostBytes(boolean token) {
    return packs.stream()
        .mapToLong(pack -> pack.weights().mostBytes(token, mostGroups(pack)))
        .sum();
  }

  /** Whether {@link #bound} changes anything. */
  final boolean canBeBounded() {
    return liveLimit() != null || packs.stream().anyMatch(pack -> pack.weights().canBeBounded());
  }

  /** From the next step on, a share of the units is live and of the values sent at most. */
  final void bound(double share) {
    LiveLimit limit = liveLimit();
    if (limit != null) {
      limit.bound(share);
    }
    packs.forEach(pack -> pack.weights().bound(share));
  }

  /**
   * The largest number of values of one operand that are sent in a step, over all operands of which
   * not all may be; 0 if there are none.
   */
  final int mostMoved() {
    int most = 0;
    for (Pack pack : packs) {
      for (int operand = 0; operand < pack.layout().operands(); operand++) {
        int columns = pack.layout().part(operand).columns();
        if (pack.lags(operand) && pack.weights().movement(operand).most() < columns) {
          most = Math.max(most, pack.weights().movement(operand).most());
        }
      }
    }
    return most;
  }

  /**
   * How many values one step multiplies, each with the column of its weights.
   *
   * @param token whether the input is a token, whose sums are a column that is there
   * @param followed whether to count only those whose sums are kept, so that a column is read when
   *     its value moved
   */
  final int columns(boolean token, boolean followed) {
    int columns = 0;
    for (Pack pack : packs) {
      for (int operand = 0; operand < pack.layout().operands(); operand++) {
        boolean taken = token && operand == pack.weights().tokenOperand();
        if (!taken && (!followed || pack.weights().follows(operand))) {
          columns += pack.layout().part(operand).columns();
        }
      }
    }
    return columns;
  }

  /** Whether the sums over the layer's input are kept. */
  final boolean followsInput() {
    return !packs.isEmpty() && packs.getFirst().weights().follows(0);
  }

  /**
   * Finds out from which live fraction on computing everything is faster.
   *
   * @param cancelled whether to leave off; what is not decided by then stays as it was
   */
  void measureCrossover(BooleanSupplier cancelled) {}

  /** The live fraction from which on a step computes every unit: 0 in a layer without gates. */
  double crossover() {
    return 0;
  }

  /**
   * Binds this stage to one stream.
   *
   * @param inputs what it reads
   * @param state where this stream's state lies; its parts are taken from it in their order
   * @param scratch for what lives within one step; zero when it is allocated
   */
  final Run open(List<Operand> inputs, SegmentAllocator state, SegmentAllocator scratch) {
    Run run = bind(inputs, state, scratch);
    for (Phase phase : run.phases()) {
      if (phase.product() != null) {
        phase.product().keepSentIn(state);
      }
    }
    return run;
  }

  /** The same but for what was sent, which lies behind all other parts. */
  abstract Run bind(List<Operand> inputs, SegmentAllocator state, SegmentAllocator scratch);
}
