package io.github.stillgate.core.plan;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Cells;
import io.github.stillgate.core.kernel.Pointwise;
import io.github.stillgate.core.kernel.RowLayout;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Matrix;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * An ordinary GRU whose units stand still until their carried gate mass exceeds epsilon ({@link
 * Skipping#below}): all gates are read, or those that a {@link GateGuess} asks for if the layer has
 * an estimate, and of the other rows those of live units. Every still unit of one step is a live
 * one of a later step, unless its gate shuts for good.
 */
final class SkippingGruStage extends Stage {
  /** Its sigmoid is below what is flushed to zero. */
  static final float SHUT = -100;

  /** Raises whatever is not flushed to zero above 1, and leaves what a mass can be finite. */
  private static final float AT_LEAST_ONE = 0x1p120f;

  private final int units;
  private final float epsilon;
  private final Cells cells;
  private final RowBank gateRows;
  private final RowBank unitRows;
  private final MemorySegment gateBias;
  private final MemorySegment unitBias;
  private final @Nullable MemorySegment resetBias;
  private final @Nullable GateGuess guess;
  private final ActiveSet allUnits;
  private final Crossover gateCrossover;
  private final Crossover crossover;
  private final List<StatePart> parts;

  SkippingGruStage(
      Gru layer,
      Optional<Matrix> bh,
      float epsilon,
      double inputBound,
      Packing packing,
      Crossover gateCrossover,
      Crossover crossover) {
    GruStage.checkBounds(layer, bh, inputBound);
    this.units = layer.outputs();
    this.epsilon = epsilon;
    this.cells = packing.backend().cells();
    this.gateRows = packing.bank(1, List.of(layer.z().u()), List.of(layer.z().w()));
    this.unitRows =
        packing.bank(
            1, List.of(layer.r().u(), layer.c().u()), List.of(layer.r().w(), layer.c().w()));
    this.gateBias = packing.vectors(layer.z().b());
    // Gates of the padding are shut, so that none gathers mass and none is selected.
    for (int i = units; i < RowLayout.padded(units); i++) {
      gateBias.setAtIndex(JAVA_FLOAT, i, SHUT);
    }
    this.unitBias = packing.vectors(layer.r().b(), layer.c().b());
    this.resetBias = bh.map(packing::vectors).orElse(null);
    this.guess =
        layer.estimate().map(e -> new GateGuess(layer, e, inputBound, packing)).orElse(null);
    this.allUnits = ActiveSet.all(units, packing.memory());
    this.gateCrossover = gateCrossover;
    this.crossover = crossover;
    StatePart h = hidden(layer, STATE_BOUND).get(0);
    // Mass is at most epsilon after a step, and a gate adds at most 1.
    this.parts =
        List.of(h, StatePart.of(layer.name(), StatePart.Kind.CARRIED, h.floats(), units, 2));
  }

  @Override
  int outputs() {
    return units;
  }

  @Override
  double outputBound() {
    return STATE_BOUND;
  }

  @Override
  List<StatePart> stateParts() {
    return parts;
  }

  @Override
  long denseBytes(boolean token) {
    long estimate = guess == null ? 0 : guess.bytes(token);
    return estimate + gateRows.bytes(token) + unitRows.bytes(token);
  }

  @Override
  void measureCrossover(BooleanSupplier cancelled) {
    if (guess != null) {
      gateCrossover.measure(gateRows, cancelled);
    }
    crossover.measure(unitRows, cancelled);
  }

  @Override
  double crossover() {
    return crossover.fraction();
  }

  @Override
  Run open(MemorySegment input, SegmentAllocator state, SegmentAllocator scratch) {
    return guess == null
        ? new Carrying(input, state, scratch)
        : new Guessing(guess, input, state, scratch);
  }

  /** Reads all gates, then the other rows of the units that fire. */
  private class Carrying implements Run {
    final MemorySegment h;
    final MemorySegment mass;
    final MemorySegment fired;
    final MemorySegment z;
    private final RowBank.Sums gateSums;
    private final RowBank.Sums unitSums;
    private final MemorySegment stateSumsOfC;
    private final MemorySegment biased;
    private final MemorySegment biasedC;
    private final ActiveSet live;

    Carrying(MemorySegment input, SegmentAllocator state, SegmentAllocator scratch) {
      long row = 4L * RowLayout.padded(units);
      this.h = state.allocate(row, RowLayout.ALIGNMENT);
      this.mass = state.allocate(row, RowLayout.ALIGNMENT);
      this.gateSums = gateRows.open(input, h, scratch);
      this.unitSums = unitRows.open(input, h, scratch);
      this.stateSumsOfC = unitSums.overState().asSlice(row, row);
      this.fired = scratch.allocate(row, RowLayout.ALIGNMENT);
      this.z = scratch.allocate(row, RowLayout.ALIGNMENT);
      this.biased = scratch.allocate(2 * row, RowLayout.ALIGNMENT);
      this.biasedC = biased.asSlice(row, row);
      this.live = new ActiveSet(units, scratch);
    }

    @Override
    public MemorySegment output() {
      return h;
    }

    @Override
    public int units() {
      return units;
    }

    @Override
    public int liveUnits() {
      return live.count();
    }

    @Override
    public long bytesRead() {
      return gateSums.bytesRead() + unitSums.bytesRead();
    }

    @Override
    public int phases() {
      return 2;
    }

    @Override
    public RowBank.Sums sums(int phase) {
      return phase == 0 ? gateSums : unitSums;
    }

    @Override
    public ActiveSet groups(int phase) {
      return phase == 0 || crossover.runsDense(live.count(), units) ? allUnits : live;
    }

    @Override
    public boolean fixedGroups(int phase) {
      return phase == 0;
    }

    @Override
    public void finish(int phase) {
      if (phase == 0) {
        gates();
        carry();
      } else {
        move();
      }
    }

    /** The gates from their sums. */
    final void gates() {
      cells.addBoth(units, gateSums.overState(), gateSums.overInput(), gateBias, fired);
      cells.apply(Pointwise.SIGMOID, 0, 0, units, fired, z);
    }

    /** Adds the gates to the masses, and finds out which units fire. */
    final void carry() {
      cells.add(units, mass, z, mass);
      cells.apply(Pointwise.THRESHOLD, epsilon, 0, units, mass, fired);
      cells.selectPositive(units, fired, live);
      cells.apply(Pointwise.AFFINE, -1, 0, units, fired, z);
      cells.add(units, mass, z, mass);
      cells.apply(Pointwise.CLAMP, 0, 1, units, fired, z);
    }

    final void move() {
      MemorySegment sums = unitSums.overState();
      if (resetBias != null) {
        // In a copy: the sums of still units are those of an older step and would grow.
        int stride = RowLayout.padded(units);
        MemorySegment.copy(sums, JAVA_FLOAT, 0, biased, JAVA_FLOAT, 0, stride);
        cells.add(units, stateSumsOfC, resetBias, biasedC);
        sums = biased;
      }
      cells.conditionalGru(units, z, sums, unitSums.overInput(), unitBias, h);
    }
  }

  /**
   * Guesses all gates first, and reads those of the units that would fire if the guess were right.
   * The others keep still and gather the guess.
   */
  private final class Guessing extends Carrying {
    private final GateGuess.Run guesses;
    private final MemorySegment guessed;
    private final MemorySegment total;
    private final MemorySegment isAsked;
    private final MemorySegment isNotAsked;
    private final ActiveSet asked;

    Guessing(
        GateGuess guess, MemorySegment input, SegmentAllocator state, SegmentAllocator scratch) {
      super(input, state, scratch);
      long row = 4L * RowLayout.padded(units);
      this.guesses = guess.open(input, h, scratch);
      this.guessed = scratch.allocate(row, RowLayout.ALIGNMENT);
      this.total = scratch.allocate(row, RowLayout.ALIGNMENT);
      this.isAsked = scratch.allocate(row, RowLayout.ALIGNMENT);
      this.isNotAsked = scratch.allocate(row, RowLayout.ALIGNMENT);
      this.asked = new ActiveSet(units, scratch);
    }

    @Override
    public int phases() {
      return 3;
    }

    @Override
    public RowBank.Sums sums(int phase) {
      return phase == 0 ? guesses.sums() : super.sums(phase - 1);
    }

    @Override
    public ActiveSet groups(int phase) {
      return switch (phase) {
        case 0 -> guess.groups();
        case 1 -> gateCrossover.runsDense(asked.count(), units) ? allUnits : asked;
        default -> super.groups(phase - 1);
      };
    }

    @Override
    public long bytesRead() {
      return guesses.bytesRead() + super.bytesRead();
    }

    @Override
    public void finish(int phase) {
      switch (phase) {
        case 0 -> ask();
        case 1 -> {
          gates();
          correct();
          carry();
        }
        default -> move();
      }
    }

    private void ask() {
      guesses.guess(guessed);
      cells.add(units, mass, guessed, total);
      cells.apply(Pointwise.THRESHOLD, epsilon, 0, units, total, fired);
      cells.selectPositive(units, fired, asked);
      cells.apply(Pointwise.AFFINE, AT_LEAST_ONE, 0, units, fired, total);
      cells.apply(Pointwise.CLAMP, 0, 1, units, total, isAsked);
      cells.apply(Pointwise.AFFINE, -1, 1, units, isAsked, isNotAsked);
    }

    /** Gates that were not asked for are of an older step: the guess stands in, bit for bit. */
    private void correct() {
      cells.multiply(units, isAsked, z, z);
      cells.multiply(units, isNotAsked, guessed, guessed);
      cells.add(units, z, guessed, z);
    }
  }
}
