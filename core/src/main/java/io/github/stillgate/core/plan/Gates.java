package io.github.stillgate.core.plan;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Cells;
import io.github.stillgate.core.kernel.RowLayout;
import io.github.stillgate.core.model.Gating;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The gates of a conditional GRU, packed: one bank that every step multiplies whole, and from its
 * sums which groups of units are live and how far they move.
 */
abstract sealed class Gates {
  final Cells cells;
  final int units;
  final int groupUnits;
  final MemorySegment bias;
  private final RowBank bank;
  private final ActiveSet all;

  private Gates(Packing packing, int units, int groupUnits, RowBank bank, MemorySegment bias) {
    this.cells = packing.backend().cells();
    this.units = units;
    this.groupUnits = groupUnits;
    this.bank = bank;
    this.bias = bias;
    this.all = ActiveSet.all(bank.groups(), packing.memory());
  }

  static Gates of(Gating gating, double inputBound, Packing packing) {
    return switch (gating) {
      case Gating.Full full -> new Full(full, inputBound, packing);
      case Gating.Unit unit -> new Unit(unit, inputBound, packing);
      case Gating.Block block -> new Block(block, null, inputBound, packing);
      case Gating.Hybrid hybrid -> new Block(hybrid.block(), hybrid, inputBound, packing);
    };
  }

  /** Units that are live or still together. */
  final int groupUnits() {
    return groupUnits;
  }

  /** Weight bytes a step reads when every group is live. */
  long denseBytes(boolean token) {
    return bank.bytes(token);
  }

  abstract Run open(MemorySegment input, MemorySegment h, SegmentAllocator scratch);

  private static MemorySegment floats(int count, SegmentAllocator scratch) {
    return scratch.allocate(4L * RowLayout.padded(count), RowLayout.ALIGNMENT);
  }

  /** One stream's gates. */
  abstract class Run {
    /** The sums over the bank; all its groups are multiplied. */
    final RowBank.Sums sums;

    /** The groups that are live, after {@link #select}. */
    final ActiveSet live;

    /** The gate of each unit: 0 where it is still. Valid after {@link #select}. */
    final MemorySegment z;

    private Run(MemorySegment input, MemorySegment h, SegmentAllocator scratch) {
      this.sums = bank.open(input, h, scratch);
      this.live = new ActiveSet(units / groupUnits, scratch);
      this.z = floats(units, scratch);
    }

    /** The groups of the bank. */
    final ActiveSet groups() {
      return all;
    }

    /** Turns the sums into {@link #live} and {@link #z}. */
    abstract void select();

    /** Weight bytes the last step read for its gates. */
    long bytesRead() {
      return sums.bytesRead();
    }
  }

  /** {@code a = Wz x + Uz h + bz}. */
  private static final class Full extends Gates {
    Full(Gating.Full gating, double inputBound, Packing packing) {
      Packing.bound(gating.z().w(), inputBound, gating.z().u(), Stage.STATE_BOUND, gating.z().b());
      super(
          packing,
          gating.units(),
          1,
          packing.bank(1, List.of(gating.z().u()), List.of(gating.z().w())),
          packing.vectors(gating.z().b()));
    }

    @Override
    Run open(MemorySegment input, MemorySegment h, SegmentAllocator scratch) {
      return new Run(input, h, scratch) {
        private final MemorySegment a = floats(units, scratch);

        @Override
        void select() {
          cells.addBoth(units, sums.overState(), sums.overInput(), bias, a);
          cells.selectPositive(units, a, live);
          cells.clippedTanh(units, a, z);
        }
      };
    }
  }

  /** {@code a = Wz relu(Wu x + Uu h + bu) + bz}. */
  private static final class Unit extends Gates {
    private final int rank;
    private final RowBank expansion;
    private final MemorySegment expansionBias;
    private final ActiveSet whole;

    Unit(Gating.Unit gating, double inputBound, Packing packing) {
      double u =
          Packing.bound(
              gating.u().w(), inputBound, gating.u().u(), Stage.STATE_BOUND, gating.u().b());
      Packing.bound(gating.wz(), u, gating.bz());
      super(
          packing,
          gating.units(),
          1,
          packing.bank(1, List.of(gating.u().u()), List.of(gating.u().w())),
          packing.vectors(gating.u().b()));
      this.rank = gating.rank();
      // Its rows are short: as one block they need no sum across lanes.
      this.expansion =
          packing.withoutTokens().bank(gating.units(), List.of(), List.of(gating.wz()));
      this.expansionBias = packing.vectors(gating.bz());
      this.whole = ActiveSet.all(1, packing.memory());
    }

    @Override
    long denseBytes(boolean token) {
      return super.denseBytes(token) + expansion.bytes(false);
    }

    @Override
    Run open(MemorySegment input, MemorySegment h, SegmentAllocator scratch) {
      return new Run(input, h, scratch) {
        private final MemorySegment u = floats(rank, scratch);
        private final RowBank.Sums expanded = expansion.open(u, null, scratch);

        @Override
        void select() {
          cells.relu(rank, sums.overState(), sums.overInput(), bias, u);
          expanded.multiply(whole);
          MemorySegment a = expanded.overInput();
          cells.add(units, a, expansionBias, a);
          cells.selectPositive(units, a, live);
          cells.clippedTanh(units, a, z);
        }

        @Override
        long bytesRead() {
          return super.bytesRead() + expanded.bytesRead();
        }
      };
    }
  }

  /** {@code a = relu(Wu x + Uu h + bu) + bz} for a block; hybrid scales by sigmoid(V u + e). */
  private static final class Block extends Gates {
    private final int blocks;
    private final MemorySegment shift;
    private final @Nullable RowBank scale;
    private final @Nullable MemorySegment scaleBias;

    Block(Gating.Block gating, Gating.@Nullable Hybrid hybrid, double inputBound, Packing packing) {
      double u =
          Packing.bound(
              gating.u().w(), inputBound, gating.u().u(), Stage.STATE_BOUND, gating.u().b());
      Packing.bound(u, gating.bz(), inputBound);
      if (hybrid != null) {
        Packing.bound(hybrid.v(), u, hybrid.e());
      }
      super(
          packing,
          gating.units(),
          gating.blockUnits(),
          packing.bank(gating.blocks(), List.of(gating.u().u()), List.of(gating.u().w())),
          packing.vectors(gating.u().b()));
      this.blocks = gating.blocks();
      this.shift = packing.vectors(gating.bz());
      this.scale =
          hybrid == null
              ? null
              : packing.withoutTokens().bank(gating.blockUnits(), List.of(), List.of(hybrid.v()));
      this.scaleBias = hybrid == null ? null : packing.vectors(hybrid.e());
    }

    @Override
    long denseBytes(boolean token) {
      return super.denseBytes(token) + (scale == null ? 0 : scale.bytes(false));
    }

    @Override
    Run open(MemorySegment input, MemorySegment h, SegmentAllocator scratch) {
      return new Run(input, h, scratch) {
        private final MemorySegment u = floats(blocks, scratch);
        private final MemorySegment a = floats(blocks, scratch);
        private final MemorySegment p = floats(blocks, scratch);
        private final RowBank.@Nullable Sums scaled =
            scale == null ? null : scale.open(u, null, scratch);

        @Override
        void select() {
          cells.relu(blocks, sums.overState(), sums.overInput(), bias, u);
          cells.add(blocks, u, shift, a);
          cells.selectPositive(blocks, a, live);
          cells.clippedTanh(blocks, a, p);
          cells.spread(units, groupUnits, p, z);
          if (scaled != null && scaleBias != null) {
            scaled.multiply(live);
            cells.scaleBySigmoid(units, scaled.overInput(), scaleBias, z);
          }
        }

        @Override
        long bytesRead() {
          return super.bytesRead() + (scaled == null ? 0 : scaled.bytesRead());
        }
      };
    }
  }
}
