package io.github.stillgate.core.stage;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Cells;
import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.Operand;
import io.github.stillgate.core.kernel.Pack;
import io.github.stillgate.core.kernel.Pointwise;
import io.github.stillgate.core.kernel.Product;
import io.github.stillgate.core.kernel.VectorOps;
import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Sru;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A simple recurrent unit. All its rows multiply the input, in the kinds f, r, u, k as far as it
 * has them; the recurrence is elementwise:
 *
 * <pre>
 *   z  = sigmoid(-fma(vf, c, Wf x + bf)) = 1 - f,   r = sigmoid(fma(vr, c, Wr x + br))
 *   c' = flush(fma(z, u - c, c))
 *   h  = fma(r, g(c') - k, k)
 * </pre>
 *
 * With z = 0, where the forget gate is 1 to float32, c' is c bit for bit. The other way round,
 * {@code fma(f, c - u, u)}, such a step rounds, and c could drift without bounds.
 */
public final class SruStage extends Stage {
  /**
   * A cell of at most this times U, the largest u as it is computed, stays so: for a z that is not
   * tiny c' is rounded from a mixture of c and u and rounding is monotone; for a tiny one c' moves
   * towards u by less than an error of rounding could take it beyond.
   */
  private static final double GROWTH = 1 + 0x1p-21;

  private final int units;
  private final Cells cells;
  private final VectorOps ops;
  private final Pack rows;
  private final MemorySegment bias;
  private final @Nullable MemorySegment seenByForget;
  private final @Nullable MemorySegment seenByReset;
  private final boolean hasReset;
  private final @Nullable Elementwise activation;
  private final Skip skip;
  private final float scale;
  private final ActiveSet all;

  /** What is mixed with g(c'). */
  private enum Skip {
    NONE,
    INPUT,
    SCALED_INPUT,
    MATRIX
  }

  /** Packs {@code layer}. */
  public SruStage(Sru layer, double inputBound, Packing packing) {
    Bounds bounds = packing.bounds(layer.name(), inputBound);
    double cellBound =
        bounds.state(layer.initialState().c(), bounds.product(layer.candidate()) * GROWTH);
    checkGate(layer.forget(), cellBound, bounds);
    layer.highway().reset().ifPresent(gate -> checkGate(gate, cellBound, bounds));
    double outputBound = outputBound(layer, cellBound, bounds);
    Pack rows = packing.dense(List.of(OperandBound.input(inputBound)), matrices(layer));
    StatePart c = StatePart.of(layer.name(), StatePart.Kind.CELLS, 0, layer.outputs(), cellBound);
    super(layer, outputBound, List.of(c), List.of(rows));
    this.units = layer.outputs();
    this.cells = packing.backend().cells();
    this.ops = packing.backend().vectors();
    this.rows = rows;
    this.bias = packing.vectors(biases(layer));
    this.seenByForget = layer.forget().v().map(packing::vectors).orElse(null);
    this.seenByReset =
        layer.highway().reset().flatMap(Sru.Gate::v).map(packing::vectors).orElse(null);
    this.hasReset = layer.highway().reset().isPresent();
    this.activation =
        layer.activation().equals(Activation.LINEAR)
            ? null
            : new Elementwise(layer.activation(), ops);
    this.skip =
        switch (layer.highway()) {
          case Sru.Highway.FromInput(Sru.Gate _, float scaled) ->
              scaled == 1 ? Skip.INPUT : Skip.SCALED_INPUT;
          case Sru.Highway.FromMatrix _ -> Skip.MATRIX;
          case Sru.Highway.GateOnly _, Sru.Highway.None _ -> Skip.NONE;
        };
    this.scale =
        layer.highway() instanceof Sru.Highway.FromInput(Sru.Gate _, float scaled) ? scaled : 1;
    this.all = ActiveSet.all(rows.layout().groups(), packing.memory());
  }

  private static void checkGate(Sru.Gate gate, double cellBound, Bounds bounds) {
    double seen = gate.v().map(v -> v.magnitude() * cellBound).orElse(0.0);
    bounds.plus(bounds.sums(gate.w(), gate.b()) + seen, gate.b());
  }

  private static double outputBound(Sru layer, double cellBound, Bounds bounds) {
    double g = bounds.of(layer.activation(), cellBound);
    double k =
        switch (layer.highway()) {
          case Sru.Highway.FromInput(Sru.Gate _, float scaled) -> Math.abs(scaled) * bounds.input();
          case Sru.Highway.FromMatrix(Sru.Gate _, Matrix wh) -> bounds.product(wh);
          case Sru.Highway.GateOnly _, Sru.Highway.None _ -> 0;
        };
    double bound = Math.max(g, k) * Bounds.ROUNDING;
    bounds.requireFinite(bound);
    return bound;
  }

  private static List<Matrix> matrices(Sru layer) {
    List<Matrix> matrices = new ArrayList<>(List.of(layer.forget().w()));
    layer.highway().reset().ifPresent(gate -> matrices.add(gate.w()));
    matrices.add(layer.candidate());
    if (layer.highway() instanceof Sru.Highway.FromMatrix(Sru.Gate _, Matrix wh)) {
      matrices.add(wh);
    }
    return matrices;
  }

  /** One for each kind; candidates and the highway have none, which is a bias of 0. */
  private static Matrix[] biases(Sru layer) {
    Matrix none = Matrix.vector(layer.name() + ".no_bias", new float[layer.outputs()]);
    List<Matrix> biases = new ArrayList<>(List.of(layer.forget().b()));
    Optional<Sru.Gate> reset = layer.highway().reset();
    reset.ifPresent(gate -> biases.add(gate.b()));
    biases.add(none);
    if (layer.highway() instanceof Sru.Highway.FromMatrix) {
      biases.add(none);
    }
    return biases.toArray(Matrix[]::new);
  }

  @Override
  Run bind(List<Operand> inputs, SegmentAllocator state, SegmentAllocator scratch) {
    Operand input = inputs.getFirst();
    MemorySegment c = Lanes.floats(units, state);
    Product product = new Product(rows, scratch, 1, input);
    Step step = new Step(product, c, input, scratch);
    Run run = Run.ungated(step.h, units, Phase.fixed(product, all, step::finish));
    return skip == Skip.INPUT || skip == Skip.SCALED_INPUT ? run.alsoReading(input) : run;
  }

  /** One stream's step. */
  private final class Step {
    private final int n = units;
    private final int stride = Lanes.padded(n);
    private final int gates = hasReset ? 2 : 1;
    private final int kinds = rows.layout().part(0).kinds();
    private final Product product;
    private final MemorySegment c;
    private final MemorySegment x;
    private final Operand h;
    private final MemorySegment scratch;
    private final MemorySegment raw;
    private final MemorySegment z;
    private final MemorySegment r;
    private final MemorySegment u;
    private final MemorySegment k;
    private final MemorySegment g;

    Step(Product product, MemorySegment c, Operand input, SegmentAllocator memory) {
      this.product = product;
      this.c = c;
      this.x = input.floats();
      this.h = new Operand(n, memory);
      this.scratch = Lanes.floats(Cells.SCRATCH_ROWS, n, memory);
      this.raw = Lanes.floats(kinds, n, memory);
      this.z = row(0);
      this.r = row(gates - 1);
      this.u = row(gates);
      this.g = activation == null ? c : Lanes.floats(n, memory);
      this.k =
          switch (skip) {
            case NONE -> MemorySegment.NULL;
            case INPUT -> x;
            case SCALED_INPUT -> Lanes.floats(n, memory);
            case MATRIX -> row(gates + 1);
          };
    }

    private MemorySegment row(int kind) {
      return raw.asSlice(4L * kind * stride, 4L * stride);
    }

    private void finish() {
      ops.add(kinds * stride, product.sums(0), bias, raw);
      if (seenByForget != null) {
        ops.multiplyAdd(n, seenByForget, c, z, z);
      }
      if (seenByReset != null) {
        ops.multiplyAdd(n, seenByReset, c, r, r);
      }
      ops.apply(Pointwise.AFFINE, -1, 0, n, z, z);
      ops.apply(Pointwise.SIGMOID, 0, 0, gates * stride, raw, raw);
      cells.blend(n, z, u, scratch, c);
      if (activation != null) {
        activation.apply(n, c, g);
      }
      mix(h.floats());
    }

    private void mix(MemorySegment out) {
      if (skip == Skip.SCALED_INPUT) {
        ops.apply(Pointwise.AFFINE, scale, 0, n, x, k);
      }
      if (skip != Skip.NONE) {
        ops.subtract(n, g, k, out);
        ops.multiplyAdd(n, r, out, k, out);
      } else if (hasReset) {
        ops.multiply(n, r, g, out);
      } else {
        MemorySegment.copy(g, 0, out, 0, 4L * n);
      }
    }
  }
}
