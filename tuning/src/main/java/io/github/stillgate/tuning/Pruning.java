package io.github.stillgate.tuning;

import io.github.stillgate.core.model.Backward;
import io.github.stillgate.core.model.Bidirectional;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * A network without what nothing reads, after Lobacheva et al. (2020), section 2: a smaller
 * ordinary network that computes the same outputs.
 *
 * <p>An output of the network is read. A unit that is read reads the values whose weights in its
 * rows are not 0: inputs of its layer, which are units of the layer before, and states of its
 * layer. What no output reads, through however many units, is removed with its rows and its
 * columns: units of recurrent and dense layers, cells and outputs of an LSTM with a projection,
 * components of an embedding, bottleneck units of a conditional GRU's gates. So units go that only
 * read each other or themselves, too. The network's inputs (all tokens, all components of a vector)
 * and its outputs stay.
 *
 * <p>In exact arithmetic the outputs are the same, and in any arithmetic that adds the terms of a
 * sum one after the other, since all that is left out are terms of 0. Kernels add in several
 * partial sums, so their outputs may differ in the last bits; {@link PruningProof} shows by how
 * much. A unit whose output is constant is not folded into the biases of others: it starts at state
 * 0 and need not be constant from the first step on.
 *
 * <p>What stays whether it is read or not, {@link Removal#stays} says. Immutable; any thread may
 * use it.
 */
public final class Pruning {
  private final Model original;
  private final Model thresholded;
  private final Model pruned;
  private final float threshold;
  private final long zeroed;
  private final List<Removal> removals;

  private Pruning(Model original, float threshold) {
    this.original = original;
    this.threshold = threshold;
    Threshold small = new Threshold(threshold);
    this.thresholded = threshold > 0 ? small.applied(original) : original;
    this.zeroed = small.zeroed;
    List<List<Reads>> layers = reads(thresholded);
    spread(layers);
    this.removals =
        layers.stream().flatMap(List::stream).flatMap(r -> r.removals().stream()).toList();
    this.pruned = isUnremoved() ? thresholded : cut(thresholded, layers);
  }

  /**
   * Removes what nothing reads.
   *
   * @throws IllegalArgumentException if a layer carries an estimate of its gates, which was made
   *     for all its units
   */
  public static Pruning of(Model model) {
    return of(model, 0);
  }

  /**
   * Sets weights below a threshold to 0, then removes what nothing reads. Matrices, embeddings,
   * peepholes and what an SRU's gates see of its cells are weights; biases stay as they are. This
   * changes what the network computes; {@link PruningProof#thresholdError} tells how much.
   *
   * @param threshold T: a weight w becomes +0 if |w| is below T; 0 for none
   * @throws IllegalArgumentException if T is negative, infinite or NaN, the network is no chain of
   *     layers with weights, or a layer carries an estimate of its gates, which was made for all
   *     its units
   */
  public static Pruning of(Model model, float threshold) {
    if (!(threshold >= 0 && threshold < Float.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(
          "the threshold for weights is %s; it is a number of at least 0".formatted(threshold));
    }
    Chains.require(model);
    List<String> estimated = estimated(model);
    if (!estimated.isEmpty()) {
      throw new IllegalArgumentException(
          "layer %s carries an estimate of its gates, which reads all of its units and was calibrated"
                  .formatted(estimated.getFirst())
              + " with them; prune the network that has none yet, then tune it again");
    }
    return new Pruning(model, threshold);
  }

  /**
   * Whether {@link #of(Model)} takes a network: it is a chain of layers with weights, and none
   * carries an estimate of its gates.
   */
  public static boolean isPrunable(Model model) {
    return Chains.isOne(model) && estimated(model).isEmpty();
  }

  /** Names of layers that carry an estimate of their gates. */
  private static List<String> estimated(Model model) {
    List<String> names = new ArrayList<>();
    for (Layer layer : model.layers()) {
      TensorChange.eachPart(
          layer,
          part -> {
            if (part instanceof Gru gru && gru.estimate().isPresent()) {
              names.add(layer.name());
            }
            return part;
          });
    }
    return names;
  }

  /** By position; a layer with two directions has two. */
  private static List<List<Reads>> reads(Model model) {
    List<List<Reads>> reads = new ArrayList<>();
    for (Layer layer : model.layers()) {
      reads.add(
          switch (layer) {
            case Bidirectional pair ->
                List.of(
                    new Reads(pair.name() + "." + pair.forward().name(), pair.forward()),
                    new Reads(pair.name() + "." + pair.backward().name(), pair.backward()));
            case Backward backward -> List.of(new Reads(layer.name(), backward.layer()));
            default -> List.of(new Reads(layer.name(), layer));
          });
    }
    for (Reads part : reads.getLast()) {
      part.keepAll(Axis.OUTPUT, Removal.Stays.NETWORK_OUTPUTS);
    }
    for (Reads part : reads.getFirst()) {
      part.kept(Axis.INPUT).set(0, part.width(Axis.INPUT));
    }
    return reads;
  }

  /** Until all that is read is kept; then until no layer is empty. */
  private static void spread(List<List<Reads>> layers) {
    do {
      layers.forEach(parts -> parts.forEach(Reads::spread));
    } while (agree(layers));
    // No output hangs on what is kept from here on, so what it reads need not stay for its sake.
    boolean more = true;
    while (more) {
      more = layers.reversed().stream().anyMatch(Pruning::keepsOneOfNone);
      for (List<Reads> parts : layers) {
        for (Reads part : parts) {
          more |= part.tie();
        }
      }
      more |= agree(layers);
    }
  }

  /** At every boundary. True if that was news. */
  private static boolean agree(List<List<Reads>> layers) {
    boolean news = false;
    for (int at = 1; at < layers.size(); at++) {
      news |= agree(layers.get(at - 1), layers.get(at));
    }
    return news;
  }

  private static boolean keepsOneOfNone(List<Reads> parts) {
    return parts.stream().anyMatch(Reads::keepOneOfNone);
  }

  /** Keeps on both sides of a boundary what is kept on one of them. True if that was news. */
  private static boolean agree(List<Reads> givers, List<Reads> readers) {
    BitSet values = new BitSet();
    int at = 0;
    for (Reads giver : givers) {
      int first = at;
      giver.kept(Axis.OUTPUT).stream().forEach(output -> values.set(first + output));
      at += giver.width(Axis.OUTPUT);
    }
    readers.forEach(reader -> values.or(reader.kept(Axis.INPUT)));
    boolean news = false;
    for (Reads reader : readers) {
      news |= add(reader.kept(Axis.INPUT), values);
    }
    at = 0;
    for (Reads giver : givers) {
      int end = at + giver.width(Axis.OUTPUT);
      news |= add(giver.kept(Axis.OUTPUT), values.get(at, end));
      at = end;
    }
    return news;
  }

  private static boolean add(BitSet to, BitSet more) {
    int before = to.cardinality();
    to.or(more);
    return to.cardinality() > before;
  }

  private static Model cut(Model model, List<List<Reads>> parts) {
    List<Layer> layers = new ArrayList<>();
    for (int at = 0; at < parts.size(); at++) {
      List<Reads> of = parts.get(at);
      layers.add(
          switch (model.layers().get(at)) {
            case Bidirectional pair ->
                new Bidirectional(pair.name(), of.getFirst().cut(), of.getLast().cut());
            case Backward _ -> new Backward(of.getFirst().cut());
            default -> of.getFirst().cut();
          });
    }
    return Estimates.withLayers(model, layers);
  }

  private boolean isUnremoved() {
    return removals.stream().allMatch(removal -> removal.removed() == 0);
  }

  /** The network as it was given. */
  public Model original() {
    return original;
  }

  /** The network whose weights below the threshold are 0, with all its units. */
  public Model thresholded() {
    return thresholded;
  }

  /** The smaller network. */
  public Model pruned() {
    return pruned;
  }

  /** T, 0 for none. */
  public float threshold() {
    return threshold;
  }

  /** How many weights were not 0 and are, because they were below the threshold. */
  public long zeroed() {
    return zeroed;
  }

  /** What became of each part of each layer, in the layers' order. */
  public List<Removal> removals() {
    return removals;
  }

  /** Whether there was nothing to do: no weight was set to 0 and nothing was removed. */
  public boolean isEmpty() {
    return zeroed == 0 && isUnremoved();
  }

  /** Sets small weights to 0. */
  private static final class Threshold implements TensorChange {
    private final float threshold;
    private long zeroed;

    private Threshold(float threshold) {
      this.threshold = threshold;
    }

    private Model applied(Model model) {
      List<Layer> layers =
          model.layers().stream().map(layer -> TensorChange.eachPart(layer, this::of)).toList();
      return zeroed == 0 ? model : Estimates.withLayers(model, layers);
    }

    @Override
    public Matrix matrix(Matrix m, Axis rows, Axis columns) {
      return cleared(m);
    }

    @Override
    public Matrix own(Matrix v, Axis rows) {
      return cleared(v);
    }

    @Override
    public Matrix bias(Matrix b, Axis rows) {
      return b;
    }

    @Override
    public Matrix table(Matrix e) {
      return cleared(e);
    }

    private Matrix cleared(Matrix m) {
      float[] values = m.toArray();
      long before = zeroed;
      for (int i = 0; i < values.length; i++) {
        if (Math.abs(values[i]) < threshold && values[i] != 0) {
          values[i] = 0;
          zeroed++;
        }
      }
      if (zeroed == before) {
        return m;
      }
      return m.isVector()
          ? Matrix.vector(m.name(), values)
          : Matrix.of(m.name(), m.rows(), m.columns(), values);
    }
  }
}
