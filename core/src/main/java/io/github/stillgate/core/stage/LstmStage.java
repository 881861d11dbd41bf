package io.github.stillgate.core.stage;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Cells;
import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.Operand;
import io.github.stillgate.core.kernel.Pack;
import io.github.stillgate.core.kernel.Pointwise;
import io.github.stillgate.core.kernel.Product;
import io.github.stillgate.core.kernel.VectorOps;
import io.github.stillgate.core.model.Lstm;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.OperandRole;
import io.github.stillgate.core.model.Sums;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * An LSTM: every row is read in every step, but for rows of zeros. Row kinds i, f unless it is
 * coupled to i, o, g; a projection is a phase of its own.
 *
 * <p>A kind all of whose rows are zeros, and which sees no cells, has the same values in every
 * step: they are made with the plan. Where only some of its rows are, one more lane of a register
 * costs nothing.
 */
public final class LstmStage extends Stage {
  /** Adding values up to 1 to a float32 sum gets no further than 2^24. */
  private static final double CELLS_OF_ONE = 0x1p25;

  private final int units;
  private final Cells cells;
  private final VectorOps ops;
  private final boolean coupled;
  private final Elementwise gates;
  private final Elementwise candidate;
  private final Elementwise hidden;
  private final Pack rows;
  private final MemorySegment bias;
  private final @Nullable MemorySegment[] constants;
  private final @Nullable Pack projection;
  private final @Nullable Peepholes peepholes;
  private final ActiveSet all;
  private final ActiveSet allOutputs;

  /** Packs {@code layer}. */
  public LstmStage(Lstm layer, double inputBound, Packing packing) {
    Bounds bounds = packing.bounds(layer.name(), inputBound);
    Lstm.Activations activations = layer.activations();
    bounds.requireShares(activations.gates(), "a gate");
    double cellBound =
        bounds.state(layer.initialState().c(), CELLS_OF_ONE * bounds.bounded(activations.cell()));
    double hiddenBound = bounds.of(activations.hidden(), cellBound) * Bounds.ROUNDING;
    double outputBound =
        layer.projection().map(wp -> Bounds.reach(wp) * hiddenBound).orElse(hiddenBound);
    double stateBound = bounds.state(layer.initialState().h(), outputBound);
    checkBounds(layer, bounds, cellBound, stateBound);
    Pack rows =
        packing.dense(
            List.of(OperandBound.input(inputBound), OperandBound.state(stateBound)),
            layer.sums().stream().map(Sums::w).toList(),
            layer.sums().stream().map(Sums::u).toList());
    List<Pack> packs = new ArrayList<>(List.of(rows));
    layer
        .projection()
        .ifPresent(wp ->
            packs.add(
                packing
                    .withoutTokens()
                    .dense(
                        List.of(new OperandBound(OperandRole.CELL_OUTPUT, hiddenBound)),
                        List.of(wp))));
    super(layer, outputBound, parts(layer, stateBound, cellBound), packs);
    this.units = layer.cells();
    this.cells = packing.backend().cells();
    this.ops = packing.backend().vectors();
    this.coupled = layer.f().isEmpty();
    this.gates = new Elementwise(activations.gates(), ops);
    this.candidate = new Elementwise(activations.cell(), ops);
    this.hidden = new Elementwise(activations.hidden(), ops);
    this.rows = rows;
    this.bias = packing.vectors(layer.sums().stream().map(Sums::b).toArray(Matrix[]::new));
    this.constants = constants(layer, packing);
    this.projection = packs.size() > 1 ? packs.get(1) : null;
    this.peepholes =
        layer
            .peepholes()
            .map(p ->
                new Peepholes(
                    packing.vectors(p.input()),
                    packing.vectors(p.forget()),
                    packing.vectors(p.output())))
            .orElse(null);
    this.all = ActiveSet.all(rows.layout().groups(), packing.memory());
    this.allOutputs =
        projection == null ? all : ActiveSet.all(projection.layout().groups(), packing.memory());
  }

  /** Of each kind its values, if they are the same in every step and only live rows are read. */
  private @Nullable MemorySegment[] constants(Lstm layer, Packing packing) {
    List<Sums> sums = layer.sums();
    @Nullable MemorySegment[] constants = new MemorySegment[sums.size()];
    MemorySegment zeros = Lanes.floats(units, packing.memory());
    for (int kind = 0; kind < constants.length; kind++) {
      boolean isCell = kind == constants.length - 1;
      boolean seesCells = !isCell && layer.peepholes().isPresent();
      if (!packing.zeroRows() && !seesCells && sums.get(kind).isConstant()) {
        MemorySegment values = Lanes.floats(units, packing.memory());
        cells.preactivate(units, zeros, zeros, packing.vectors(sums.get(kind).b()), values);
        (isCell ? candidate : gates).apply(units, values, values);
        constants[kind] = values;
      }
    }
    return constants;
  }

  private static void checkBounds(Lstm layer, Bounds bounds, double cellBound, double stateBound) {
    bounds.requireFinite(stateBound);
    Lstm.Activations activations = layer.activations();
    double seen =
        layer.peepholes().stream()
            .flatMap(p -> Stream.of(p.input(), p.forget(), p.output()))
            .mapToDouble(peephole -> peephole.magnitude() * cellBound)
            .max()
            .orElse(0);
    List<Sums> all = layer.sums();
    for (int kind = 0; kind < all.size(); kind++) {
      Sums sums = all.get(kind);
      double bound = bounds.plus(bounds.sums(sums, stateBound) + seen, sums.b());
      // By its place: a layer may have one and the same sums for a gate and for g, the last.
      bounds.of(kind == all.size() - 1 ? activations.cell() : activations.gates(), bound);
    }
  }

  private static List<StatePart> parts(Lstm layer, double stateBound, double cellBound) {
    StatePart h = hidden(layer, stateBound);
    return List.of(
        h, StatePart.of(layer.name(), StatePart.Kind.CELLS, h.floats(), layer.cells(), cellBound));
  }

  @Override
  Run bind(List<Operand> inputs, SegmentAllocator state, SegmentAllocator scratch) {
    Operand input = inputs.getFirst();
    Operand h = new Operand(outputs(), state);
    MemorySegment c = Lanes.floats(units, state);
    if (projection == null) {
      Step step = new Step(new Product(rows, scratch, 1, input, h), c, h.floats(), scratch);
      return Run.ungated(h, units, Phase.fixed(step.product, all, step::finishState));
    }
    Operand out = new Operand(units, scratch);
    Step step = new Step(new Product(rows, scratch, 1, input, h), c, out.floats(), scratch);
    Product projected = new Product(projection, scratch, 1, out);
    return Run.ungated(
        h,
        units,
        Phase.fixed(step.product, all, step::finish),
        Phase.fixed(
            projected, allOutputs, () -> ops.flush(outputs(), projected.sums(0), h.floats())));
  }

  private record Peepholes(MemorySegment input, MemorySegment forget, MemorySegment output) {}

  /** Neighbouring gates that change, as one vector. */
  private record Span(int floats, MemorySegment values) {}

  /** One stream's step. */
  private final class Step {
    private final int n = units;
    private final int stride = Lanes.padded(n);
    private final int kinds = coupled ? 3 : 4;
    private final Product product;
    private final MemorySegment c;

    /** What goes out of the cells: the state itself, or what is projected. */
    private final MemorySegment out;

    private final MemorySegment scratch;
    private final MemorySegment raw;
    private final MemorySegment i;
    private final MemorySegment f;
    private final MemorySegment o;
    private final MemorySegment g;
    private final MemorySegment room;

    /** The gates that need not wait for the cells. */
    private final Span[] early;

    Step(Product product, MemorySegment c, MemorySegment out, SegmentAllocator memory) {
      this.product = product;
      this.c = c;
      this.out = out;
      this.scratch = Lanes.floats(Cells.SCRATCH_ROWS, n, memory);
      this.raw = Lanes.floats(kinds, n, memory);
      this.i = values(0);
      this.f = coupled ? Lanes.floats(n, memory) : values(1);
      this.o = values(kinds - 2);
      this.g = values(kinds - 1);
      this.room = rows(kinds - 1, kinds);
      this.early = spans(peepholes == null ? kinds - 1 : kinds - 2);
    }

    private MemorySegment rows(int from, int to) {
      return raw.asSlice(4L * from * stride, 4L * (to - from) * stride);
    }

    private MemorySegment values(int kind) {
      MemorySegment constant = constants[kind];
      return constant != null ? constant : rows(kind, kind + 1);
    }

    private Span[] spans(int end) {
      List<Span> spans = new ArrayList<>();
      int from = 0;
      for (int kind = 0; kind <= end; kind++) {
        if (kind == end || constants[kind] != null) {
          if (kind > from) {
            spans.add(new Span((kind - from) * stride, rows(from, kind)));
          }
          from = kind + 1;
        }
      }
      return spans.toArray(Span[]::new);
    }

    private void finishState() {
      finish();
      ops.flush(n, out, out);
    }

    private void finish() {
      cells.preactivate(kinds * stride, product.sums(0), product.sums(1), bias, raw);
      if (peepholes != null) {
        ops.multiplyAdd(n, peepholes.input(), c, i, i);
        if (!coupled) {
          ops.multiplyAdd(n, peepholes.forget(), c, f, f);
        }
      }
      for (Span span : early) {
        gates.apply(span.floats, span.values, span.values);
      }
      if (coupled) {
        ops.apply(Pointwise.AFFINE, -1, 1, n, i, f);
      }
      if (constants[kinds - 1] == null) {
        candidate.apply(n, g, g);
      }
      cells.carry(n, f, i, g, scratch, c);
      if (peepholes != null) {
        ops.multiplyAdd(n, peepholes.output(), c, o, o);
        gates.apply(n, o, o);
      }
      hidden.apply(n, c, room);
      ops.multiply(n, o, room, out);
    }
  }
}
