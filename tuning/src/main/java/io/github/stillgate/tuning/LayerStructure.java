package io.github.stillgate.tuning;

import io.github.stillgate.core.model.AtPositions;
import io.github.stillgate.core.model.Backward;
import io.github.stillgate.core.model.Bidirectional;
import io.github.stillgate.core.model.ConditionalDense;
import io.github.stillgate.core.model.ConditionalGru;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Embedding;
import io.github.stillgate.core.model.Gating;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Lstm;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.model.Operation;
import io.github.stillgate.core.model.Positions;
import io.github.stillgate.core.model.Reset;
import io.github.stillgate.core.model.SimpleRnn;
import io.github.stillgate.core.model.Sru;
import io.github.stillgate.core.model.Sums;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.function.IntPredicate;

/**
 * The gates of a layer that are not constant, and its weights that are not 0; Lobacheva et al.
 * (2020), section 2. A gate of a unit is constant if its value is the same at every step whatever
 * the network reads: if all its weights over the input and the state are 0 or -0, and it sees
 * neither its cell through a peephole nor another gate.
 *
 * <p>Gates have the letters of the formulas, candidates among them as in the paper:
 *
 * <ul>
 *   <li>LSTM: i, f, g, o; without f if the gates are coupled, since f is then 1 - i;
 *   <li>GRU and conditional GRU: z, r, c; c of a GRU with a bias in the reset product sees r;
 *   <li>SRU: u for the candidate, f, and r where there is one; f and r see c if their v is not 0;
 *   <li>simple RNN: h;
 *   <li>embedding, dense and conditional dense layer: none.
 * </ul>
 *
 * <p>Weights are those of matrices, embeddings and peepholes, and v of an SRU; biases and estimates
 * of gates are not counted. Immutable; any thread may use it.
 */
public final class LayerStructure {
  private final String layer;
  private final String kind;
  private final int units;
  private final SequencedMap<String, BitSet> moving;
  private final long weights;
  private final long nonZeroWeights;
  private final float smallestWeight;

  private LayerStructure(String name, Layer layer) {
    this.layer = name;
    this.moving = new LinkedHashMap<>();
    this.units = layer instanceof Lstm lstm ? lstm.cells() : layer.outputs();
    this.kind = gates(layer);
    Count count = new Count();
    if (layer instanceof Positions positions) {
      count.counted(positions.w());
    } else {
      count.of(layer);
    }
    this.weights = count.all;
    this.nonZeroWeights = count.nonZero;
    this.smallestWeight = count.smallest;
  }

  /**
   * Of all layers, in their order; a layer with two directions gives two, one at several positions
   * counts once, as its weights do.
   */
  public static List<LayerStructure> of(Model model) {
    List<LayerStructure> structures = new ArrayList<>();
    for (Layer layer : model.layers()) {
      switch (layer) {
        case Bidirectional pair -> {
          for (Layer direction : List.of(pair.forward(), pair.backward())) {
            structures.add(new LayerStructure(pair.name() + "." + direction.name(), direction));
          }
        }
        case Backward backward ->
            structures.add(new LayerStructure(layer.name(), backward.layer()));
        case AtPositions at -> structures.add(new LayerStructure(layer.name(), at.layer()));
        default -> structures.add(new LayerStructure(layer.name(), layer));
      }
    }
    return structures;
  }

  /** Finds the gates that are not constant, and says what kind of layer it is. */
  private String gates(Layer layer) {
    return switch (layer) {
      case Lstm lstm -> {
        Optional<Lstm.Peepholes> peepholes = lstm.peepholes();
        gate("i", sees(lstm.i()).or(own(peepholes.map(Lstm.Peepholes::input))));
        lstm.f().ifPresent(f -> gate("f", sees(f).or(own(peepholes.map(Lstm.Peepholes::forget)))));
        gate("g", sees(lstm.g()));
        gate("o", sees(lstm.o()).or(own(peepholes.map(Lstm.Peepholes::output))));
        yield "lstm";
      }
      case Gru gru -> {
        gate("z", sees(gru.z()));
        gate("r", sees(gru.r()));
        gate("c", sees(gru.c()).or(seesReset(gru)));
        yield "gru";
      }
      case ConditionalGru gru -> {
        gate("z", sees(gru.gating()));
        gate("r", sees(gru.r()));
        gate("c", sees(gru.c()));
        yield "conditional_gru";
      }
      case Sru sru -> {
        gate("u", sees(sru.candidate()));
        gate("f", sees(sru.forget()));
        sru.highway().reset().ifPresent(reset -> gate("r", sees(reset)));
        yield "sru";
      }
      case SimpleRnn rnn -> {
        gate("h", sees(rnn.w()).or(sees(rnn.u())));
        yield "simple_rnn";
      }
      case Embedding _ -> "embedding";
      case Dense _ -> "dense";
      case ConditionalDense _ -> "conditional_dense";
      case Positions _, Operation _ -> "of graphs";
      case Bidirectional _, Backward _, AtPositions _ ->
          throw new IllegalArgumentException(layer.name() + " holds layers of its own");
    };
  }

  private void gate(String letter, IntPredicate isMoving) {
    BitSet of = new BitSet(units);
    for (int unit = 0; unit < units; unit++) {
      of.set(unit, isMoving.test(unit));
    }
    moving.put(letter, of);
  }

  /** Rows in which some weight is not 0. */
  private static IntPredicate sees(Matrix m) {
    float[] weights = new float[m.columns()];
    return row -> {
      m.copyRow(row, weights, 0);
      for (float weight : weights) {
        if (weight != 0) {
          return true;
        }
      }
      return false;
    };
  }

  private static IntPredicate sees(Sums sums) {
    return sees(sums.w()).or(sees(sums.u()));
  }

  private static IntPredicate own(Optional<Matrix> v) {
    return unit -> v.isPresent() && v.get().at(unit, 0) != 0;
  }

  private static IntPredicate sees(Sru.Gate gate) {
    return sees(gate.w()).or(own(gate.v()));
  }

  /** {@code r * bh} moves with r. */
  private static IntPredicate seesReset(Gru gru) {
    return gru.reset() instanceof Reset.AfterMatrix(Optional<Matrix> bh)
        ? own(bh).and(sees(gru.r()))
        : _ -> false;
  }

  private static IntPredicate sees(Gating gating) {
    return switch (gating) {
      case Gating.Full full -> sees(full.z());
      case Gating.Unit unit -> sees(unit.wz(), sees(unit.u()));
      case Gating.Block block -> i -> sees(block.u()).test(i / block.blockUnits());
      case Gating.Hybrid(Gating.Block block, Matrix v, Matrix _) -> {
        IntPredicate u = sees(block.u());
        yield ((IntPredicate) i -> u.test(i / block.blockUnits())).or(sees(v, u));
      }
    };
  }

  /** Rows in which some weight is not 0 over a bottleneck unit that moves. */
  private static IntPredicate sees(Matrix m, IntPredicate bottleneck) {
    boolean[] moves = new boolean[m.columns()];
    for (int b = 0; b < moves.length; b++) {
      moves[b] = bottleneck.test(b);
    }
    return row -> {
      for (int b = 0; b < moves.length; b++) {
        if (moves[b] && m.at(row, b) != 0) {
          return true;
        }
      }
      return false;
    };
  }

  /** Name of the layer; of a direction, the pair's name, a dot and its own. */
  public String layer() {
    return layer;
  }

  /** The type of {@code docs/format.md}, such as {@code lstm}. */
  public String kind() {
    return kind;
  }

  /** Number of units; of an LSTM, of its cells. */
  public int units() {
    return units;
  }

  /** Letters of the gates each unit has; none for layers that are not recurrent. */
  public List<String> gates() {
    return List.copyOf(moving.keySet());
  }

  /**
   * Whether a gate's value is always the same.
   *
   * @throws IllegalArgumentException if the layer has no such gate
   * @throws IndexOutOfBoundsException if it has no such unit
   */
  public boolean isConstant(String gate, int unit) {
    if (unit < 0 || unit >= units) {
      throw new IndexOutOfBoundsException(
          "unit %s of layer %s, which has %s".formatted(unit, layer, units));
    }
    return !moving(gate).get(unit);
  }

  /**
   * In how many units a gate is not constant.
   *
   * @throws IllegalArgumentException if the layer has no such gate
   */
  public int movingGates(String gate) {
    return moving(gate).cardinality();
  }

  /** How many gates are not constant. */
  public int movingGates() {
    return moving.values().stream().mapToInt(BitSet::cardinality).sum();
  }

  /** How many gates there are, constant or not. */
  public int allGates() {
    return units * moving.size();
  }

  private BitSet moving(String gate) {
    BitSet of = moving.get(gate);
    if (of == null) {
      throw new IllegalArgumentException(
          "layer %s has no gate %s; its gates are %s".formatted(layer, gate, moving.keySet()));
    }
    return of;
  }

  /**
   * The unit's gates that are not constant, and {@code -} for each that is, such as {@code i--o}.
   */
  public String pattern(int unit) {
    StringBuilder pattern = new StringBuilder();
    moving.forEach((gate, of) -> pattern.append(of.get(unit) ? gate : "-"));
    return pattern.toString();
  }

  /**
   * How many units have each pattern, patterns without a unit among them: 16 for an LSTM, from
   * {@code ifgo} to {@code ----}. Empty for layers without gates.
   */
  public SequencedMap<String, Integer> patterns() {
    SequencedMap<String, Integer> patterns = new LinkedHashMap<>();
    if (!moving.isEmpty()) {
      List<String> letters = gates();
      for (int mask = (1 << letters.size()) - 1; mask >= 0; mask--) {
        StringBuilder pattern = new StringBuilder();
        for (int at = 0; at < letters.size(); at++) {
          boolean moves = (mask >> letters.size() - 1 - at & 1) != 0;
          pattern.append(moves ? letters.get(at) : "-");
        }
        patterns.put(pattern.toString(), 0);
      }
      for (int unit = 0; unit < units; unit++) {
        patterns.merge(pattern(unit), 1, Integer::sum);
      }
    }
    return patterns;
  }

  /** Number of weights, biases not counted. */
  public long weights() {
    return weights;
  }

  /** How many weights are not 0. */
  public long nonZeroWeights() {
    return nonZeroWeights;
  }

  /** The smallest magnitude of a weight that is not 0; infinite if there is none. */
  public float smallestWeight() {
    return smallestWeight;
  }

  private static final class Count implements TensorChange {
    private long all;
    private long nonZero;
    private float smallest = Float.POSITIVE_INFINITY;

    @Override
    public Matrix matrix(Matrix m, Axis rows, Axis columns) {
      return counted(m);
    }

    @Override
    public Matrix own(Matrix v, Axis rows) {
      return counted(v);
    }

    @Override
    public Matrix bias(Matrix b, Axis rows) {
      return b;
    }

    @Override
    public Matrix table(Matrix e) {
      return counted(e);
    }

    private Matrix counted(Matrix m) {
      float[] weights = new float[m.columns()];
      for (int row = 0; row < m.rows(); row++) {
        m.copyRow(row, weights, 0);
        for (float weight : weights) {
          if (weight != 0) {
            nonZero++;
            smallest = Math.min(smallest, Math.abs(weight));
          }
        }
      }
      all += (long) m.rows() * m.columns();
      return m;
    }
  }
}
