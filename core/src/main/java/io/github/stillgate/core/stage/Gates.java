package io.github.stillgate.core.stage;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.Operand;
import io.github.stillgate.core.kernel.Pack;
import io.github.stillgate.core.kernel.Pointwise;
import io.github.stillgate.core.kernel.Product;
import io.github.stillgate.core.kernel.VectorOps;
import io.github.stillgate.core.model.Gating;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The gates of a conditional GRU, packed: what every step multiplies whole, and from its sums which
 * groups of units are live and how far they move.
 */
abstract sealed class Gates {
  final Backend backend;
  final VectorOps ops;
  final int units;
  final int groupUnits;
  private final List<Pack> packs;

  private Gates(Packing packing, int units, int groupUnits, Pack... packs) {
    this.backend = packing.backend();
    this.ops = backend.vectors();
    this.units = units;
    this.groupUnits = groupUnits;
    this.packs = List.of(packs);
  }

  /**
   * Packs {@code gating}.
   *
   * @param state the largest magnitude of the state it reads
   */
  static Gates of(Gating gating, double state, Bounds bounds, Packing packing) {
    return switch (gating) {
      case Gating.Full full -> new Full(full, state, bounds, packing);
      case Gating.Unit unit -> new Unit(unit, state, bounds, packing);
      case Gating.Block block -> new Block(block, null, state, bounds, packing);
      case Gating.Hybrid hybrid -> new Block(hybrid.block(), hybrid, state, bounds, packing);
    };
  }

  /** Units that are live or still together. */
  final int groupUnits() {
    return groupUnits;
  }

  /** Whether units are live or still in blocks, rather than one by one. */
  final boolean areOfBlocks() {
    return this instanceof Block;
  }

  /** Everything that the gates multiply. */
  final List<Pack> packs() {
    return packs;
  }

  /** Whether only the groups of {@code pack} that are live are ever multiplied. */
  boolean multipliesLiveOnly(Pack pack) {
    return false;
  }

  /**
   * Binds the gates to one stream.
   *
   * @param cut leaves at most so many groups live as are allowed
   */
  abstract Run open(Operand input, Operand h, LiveCut cut, SegmentAllocator scratch);

  /** {@code out = scores > 0 ? tanh(scores) : +0}, eq. 6. */
  final void clippedTanh(int n, MemorySegment scores, MemorySegment out) {
    ops.apply(Pointwise.THRESHOLD, 0, 0, n, scores, out);
    ops.apply(Pointwise.TANH, 0, 0, n, out, out);
  }

  /** The bottleneck of eq. 8: {@code out = f((x + h) + bias)}. */
  final void bottleneck(Product sums, MemorySegment bias, Elementwise f, Operand out) {
    MemorySegment u = out.floats();
    backend.cells().preactivate(out.width(), sums.sums(0), sums.sums(1), bias, u);
    f.apply(out.width(), u, u);
  }

  /**
   * One stream's gates.
   *
   * @param live the groups that are live, after the phases
   * @param z the gate of each unit, 0 where it is still, after the phases
   * @param phases what comes before the units
   */
  record Run(ActiveSet live, MemorySegment z, List<Phase> phases) {}

  /** {@code a = Wz x + Uz h + bz}. */
  private static final class Full extends Gates {
    private final Pack rows;
    private final MemorySegment bias;
    private final ActiveSet all;

    Full(Gating.Full gating, double state, Bounds bounds, Packing packing) {
      bounds.sums(gating.z(), state);
      Pack rows = packing.rows(List.of(gating.z().w()), List.of(gating.z().u()));
      super(packing, gating.units(), 1, rows);
      this.rows = rows;
      this.bias = packing.vectors(gating.z().b());
      this.all = ActiveSet.all(rows.layout().groups(), packing.memory());
    }

    @Override
    Run open(Operand input, Operand h, LiveCut cut, SegmentAllocator scratch) {
      Product sums = new Product(rows, scratch, 1, input, h);
      ActiveSet live = new ActiveSet(units, scratch);
      MemorySegment a = Lanes.floats(units, scratch);
      MemorySegment z = Lanes.floats(units, scratch);
      Phase scores =
          Phase.fixed(
              sums,
              all,
              () -> {
                backend.cells().preactivate(units, sums.sums(0), sums.sums(1), bias, a);
                cut.select(units, a, live, ops);
                clippedTanh(units, a, z);
              });
      return new Run(live, z, List.of(scores));
    }
  }

  /** {@code a = Wz f(Wu x + Uu h + bu) + bz}. */
  private static final class Unit extends Gates {
    private final int rank;
    private final Elementwise f;
    private final Pack rows;
    private final MemorySegment bias;
    private final ActiveSet all;
    private final Pack expansion;
    private final MemorySegment expansionBias;
    private final ActiveSet allTiles;

    Unit(Gating.Unit gating, double state, Bounds bounds, Packing packing) {
      double u = bounds.of(gating.f(), bounds.sums(gating.u(), state));
      bounds.sums(gating.wz(), u, gating.bz());
      Pack rows = packing.rows(List.of(gating.u().w()), List.of(gating.u().u()));
      // Its rows are short: in panels they need no sum across lanes.
      Pack expansion = packing.withoutTokens().panels(List.of(gating.wz()));
      super(packing, gating.units(), 1, rows, expansion);
      this.rank = gating.rank();
      this.f = new Elementwise(gating.f(), ops);
      this.rows = rows;
      this.bias = packing.vectors(gating.u().b());
      this.all = ActiveSet.all(rows.layout().groups(), packing.memory());
      this.expansion = expansion;
      this.expansionBias = packing.vectors(gating.bz());
      this.allTiles = ActiveSet.all(expansion.layout().groups(), packing.memory());
    }

    @Override
    Run open(Operand input, Operand h, LiveCut cut, SegmentAllocator scratch) {
      Product sums = new Product(rows, scratch, 1, input, h);
      Operand u = new Operand(rank, scratch);
      Product expanded = new Product(expansion, scratch, 1, u);
      ActiveSet live = new ActiveSet(units, scratch);
      MemorySegment a = Lanes.floats(units, scratch);
      MemorySegment z = Lanes.floats(units, scratch);
      Phase narrow = Phase.fixed(sums, all, () -> bottleneck(sums, bias, f, u));
      Phase scores =
          Phase.fixed(
              expanded,
              allTiles,
              () -> {
                ops.add(units, expanded.sums(0), expansionBias, a);
                cut.select(units, a, live, ops);
                clippedTanh(units, a, z);
              });
      return new Run(live, z, List.of(narrow, scores));
    }
  }

  /** {@code a = f(Wu x + Uu h + bu) + bz} for a block; hybrid scales by sigmoid(V u + e). */
  private static final class Block extends Gates {
    private final int blocks;
    private final Elementwise f;
    private final Pack rows;
    private final MemorySegment bias;
    private final MemorySegment shift;
    private final ActiveSet all;
    private final @Nullable Pack scale;
    private final @Nullable MemorySegment scaleBias;

    Block(
        Gating.Block gating,
        Gating.@Nullable Hybrid hybrid,
        double state,
        Bounds bounds,
        Packing packing) {
      double u = bounds.of(gating.f(), bounds.sums(gating.u(), state));
      bounds.plus(u, gating.bz());
      if (hybrid != null) {
        bounds.sums(hybrid.v(), u, hybrid.e());
      }
      Pack rows = packing.panels(List.of(gating.u().w()), List.of(gating.u().u()));
      Pack scale =
          hybrid == null
              ? null
              : packing.withoutTokens().blocks(gating.blockUnits(), List.of(hybrid.v()));
      super(
          packing,
          gating.units(),
          gating.blockUnits(),
          scale == null ? new Pack[] {rows} : new Pack[] {rows, scale});
      this.blocks = gating.blocks();
      this.f = new Elementwise(gating.f(), ops);
      this.rows = rows;
      this.bias = packing.vectors(gating.u().b());
      this.shift = packing.vectors(gating.bz());
      this.all = ActiveSet.all(rows.layout().groups(), packing.memory());
      this.scale = scale;
      this.scaleBias = hybrid == null ? null : packing.vectors(hybrid.e());
    }

    @Override
    boolean multipliesLiveOnly(Pack pack) {
      return pack == scale;
    }

    @Override
    Run open(Operand input, Operand h, LiveCut cut, SegmentAllocator scratch) {
      Product sums = new Product(rows, scratch, 1, input, h);
      Operand u = new Operand(blocks, scratch);
      MemorySegment a = Lanes.floats(blocks, scratch);
      MemorySegment p = Lanes.floats(blocks, scratch);
      ActiveSet live = new ActiveSet(blocks, scratch);
      MemorySegment z = Lanes.floats(units, scratch);
      Phase scores =
          Phase.fixed(
              sums,
              all,
              () -> {
                bottleneck(sums, bias, f, u);
                ops.add(blocks, u.floats(), shift, a);
                cut.select(blocks, a, live, ops);
                clippedTanh(blocks, a, p);
                ops.spread(units, groupUnits, p, z);
              });
      if (scale == null) {
        return new Run(live, z, List.of(scores));
      }
      return new Run(live, z, List.of(scores, scaling(scale, u, live, z, scratch)));
    }

    /** {@code z = z * sigmoid(V u + e)} in live blocks; z is 0 in the others. */
    private Phase scaling(
        Pack pack, Operand u, ActiveSet live, MemorySegment z, SegmentAllocator scratch) {
      MemorySegment added = Objects.requireNonNull(scaleBias);
      Product scaled = new Product(pack, scratch, 1, u);
      MemorySegment share = Lanes.floats(units, scratch);
      return Phase.live(
          scaled,
          () -> live,
          () -> {
            ops.add(units, scaled.sums(0), added, share);
            ops.apply(Pointwise.SIGMOID, 0, 0, units, share, share);
            ops.multiply(units, z, share, z);
          });
    }
  }
}
